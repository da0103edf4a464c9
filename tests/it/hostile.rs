//! Hostile text in every place where strangers can put some: in real Chromium no script runs, no request leaves, nothing
//! breaks out of its place, and copies are exact.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, body::to_bytes, response::IntoResponse};
use bytes::Bytes;
use data_encoding::BASE64;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use local::{clouds::Cloud, config::ServerLimits, listener::Listener};
use serde_json::{Value, json};
use tests::{
    browser::{LIGHT, PHONE},
    client::raw,
    eventually, eventually_or,
    home::Home,
    visit::Visit,
};
use tokio::net::TcpListener;

/// Texts that have broken pages like this one elsewhere. `CANARY` stands for a listener that nothing may ever reach.
fn corpus(canary: &str) -> Vec<String> {
    let texts = [
        "<script>window.pwned=1</script>",
        "\"'><img src=x onerror=window.pwned=2>",
        "</textarea></title></style></script></dl><svg onload=window.pwned=3>",
        "<iframe srcdoc='<script>parent.pwned=4</script>'></iframe>",
        "<a href=javascript:window.pwned=5>click</a><meta http-equiv=refresh content='0;url=http://CANARY/'>",
        "<style>*{display:none!important}</style><link rel=stylesheet href=http://CANARY/x.css>",
        "<template><form action=http://CANARY/><button>Sign in again</button></form></template>",
        "{{constructor.constructor('window.pwned=6')()}}${window.pwned=7}",
        "javascript:window.pwned=8//http://CANARY/",
        "url(http://CANARY/x.png);position:fixed;inset:0;z-index:9999;background:red",
        "\u{202e}gnp.exe\u{202c} \u{2066}x\u{2069}\u{200f}\u{61c} שלום مرحبا 123",
        "\u{430}pple.com \u{440}\u{430}yp\u{430}l ｈｔｔｐｓ ⅤⅠⅠ ߀",
        "zero\u{200b}width\u{200d}\u{feff}join\u{2060}er\u{ad}s",
        "Z\u{334}\u{30d}\u{33d}\u{340}a\u{334}\u{30d}\u{33d}l\u{334}\u{30d}g\u{334}o",
        "\u{1b}[31mred\u{1b}[0m\u{1b}]0;title\u{7}\u{8}\u{9b}31m",
        r#"{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2}},"toString":3,"hasOwnProperty":4}"#,
        "line\nbreak\r\nx-injected: 1\u{2028}\u{2029}\u{85}end",
        "%00%0d%0a%3Cscript%3Ewindow.pwned=9%3C/script%3E../../..\\..\\",
    ];
    let mut all: Vec<String> = texts.iter().map(|text| text.replace("CANARY", canary)).collect();
    all.push("W".repeat(8_000));
    all.push("\u{30d}".repeat(400));
    all
}

/// Header names that have broken programs which keep headers in an object, or in a place of a fixed width.
fn names() -> Vec<String> {
    let mut names: Vec<String> = [
        "__proto__",
        "constructor",
        "toString",
        "hasOwnProperty",
        "then",
        "!#$%&'*+-.^_`|~",
        "on-click",
        "0",
        "innerhtml",
    ]
    .map(str::to_owned)
    .into();
    names.push("w".repeat(300));
    names
}

/// A listener that counts who comes.
async fn canary() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let came = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&came);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    (address, came)
}

/// Begins to write down whatever the browser reports, and what is copied.
const WATCH: &str = "
    window.reported = [];
    const made = URL.createObjectURL.bind(URL);
    URL.createObjectURL = (blob) => { window.downloaded = blob; return made(blob); };
    document.addEventListener('securitypolicyviolation', (event) => window.reported.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
    window.addEventListener('error', (event) => window.reported.push(`error ${event.message}`));
    window.addEventListener('unhandledrejection', (event) => window.reported.push(`rejected ${event.reason}`));
    Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (text) => { window.copied = text; } } });";

/// What no text may have become, and what the page must look like whatever it shows.
const FINDINGS: &str = "
    const found = [...window.reported];
    if (window.pwned !== undefined) found.push(`a script ran: ${window.pwned}`);
    if (({}).polluted !== undefined) found.push('a prototype was changed');
    if (!location.href.startsWith(arguments[0])) found.push(`the page went to ${location.href}`);
    const places = '[data-slot=rows], .round-head, .connect-card, .hook-card, .device-panel, dialog[open]';
    for (const place of document.querySelectorAll(places)) {
      for (const bad of place.querySelectorAll('script, style, link, meta, iframe, object, embed, img, base, template, [onerror], [onload], [srcdoc], [style]')) found.push(`${bad.tagName} in a place for text`);
      for (const link of place.querySelectorAll('a[href]')) if (!/^(https?:|#|\\/)/.test(link.getAttribute('href'))) found.push(`a link to ${link.getAttribute('href')}`);
    }
    for (const block of document.querySelectorAll('.log-rounds .log-block')) {
      const box = block.getBoundingClientRect();
      const isList = block.closest('.log-rail').dataset.view === 'list';
      const rail = block.closest('.log-rail').getBoundingClientRect();
      if (box.width < 200 || box.width > (isList ? rail.width : 340)) found.push(`a block is ${box.width} px wide`);
      if (box.height > rail.height + 1 && !isList) found.push(`a block is ${box.height} px high in a rail of ${rail.height}`);
      for (const value of block.querySelectorAll('.row-value')) if (getComputedStyle(value).unicodeBidi !== 'isolate' || getComputedStyle(value).direction !== 'ltr') found.push('a value may turn the text around it');
    }
    const over = document.documentElement.scrollWidth - window.innerWidth;
    if (over > 0) found.push(`the page is ${over} px wider than the window`);
    const top = document.elementFromPoint(window.innerWidth / 2, 4);
    if (top && getComputedStyle(top).position === 'fixed' && top.closest('[data-slot=rows]')) found.push('a text lies over the page');
    return found;";

async fn findings(visit: &Visit, state: &str) {
    let page_url = json!(visit.page_url);
    let found = visit.run_with(FINDINGS, vec![page_url]).await;
    assert_eq!(found, json!([]), "{state}");
}

/// A text as a path or query can carry it.
fn in_target(text: &str) -> String {
    let keep = |byte: u8| {
        byte >= 0x80 || byte.is_ascii_alphanumeric() || b"{}'();:/=&-_.~$*[]!,@+".contains(&byte)
    };
    let mut out = Vec::new();
    for byte in text.bytes() {
        match keep(byte) {
            true => out.push(byte),
            false => out.extend(format!("%{byte:02X}").into_bytes()),
        }
    }
    String::from_utf8(out).unwrap()
}

/// A text as a header can carry it.
fn in_header(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(600)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[tokio::test]
async fn deliveries_of_hostile_text_are_shown_as_text() {
    // As an event's every field, and as a body and a type of their own; no more at a time than the rail shows.
    for as_event in [true, false] {
        deliveries(as_event).await;
    }
}

async fn deliveries(as_event: bool) {
    let home = Home::start_with(|config| config.devices.clear()).await;
    let (canary, came) = canary().await;
    let corpus = corpus(&canary);
    let visit = Visit::to(&home, LIGHT).await;
    visit.run(WATCH).await;
    let person = visit.start().await;
    let addr = home.stack.page_addr();
    let mut bodies = Vec::new();
    let named: String = names().iter().map(|name| format!("{name}: of {name:.20}\r\n")).collect();
    for text in &corpus {
        let inner = json!({ "op": text, "id": text, text.as_str(): text }).to_string();
        let event = json!({ "event": text, "data": inner, "coreid": text, "published_at": text, text.as_str(): [text] });
        let (content_type, body) = match as_event {
            true => ("application/json".to_owned(), event.to_string()),
            false => (in_header(text), text.clone()),
        };
        let target: String = in_target(text).chars().take(700).collect();
        let target = target.trim_end_matches(|c: char| c == '%' || c.is_ascii_hexdigit());
        let header = in_header(text);
        let head = format!(
            "POST /hook/{}/{target}?q={target} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\nContent-Type: {content_type}\r\n{named}X-Hostile: {header}\r\nUser-Agent: {header}\r\nCookie: {header}\r\nContent-Length: {}\r\n\r\n",
            person.endpoint,
            body.len()
        );
        let answer = raw(addr, &[head.as_bytes(), body.as_bytes()].concat()).await.unwrap();
        assert_eq!(answer.status, 200, "{text}: {}", answer.text);
        bodies.push(body);
    }
    visit.blocks("received", bodies.len()).await;
    visit.blocks("response", bodies.len()).await;
    // What takes a decoder is drawn when it was decoded.
    let signs = ["⟨U+202E⟩", "⟨U+200B⟩", "⟨U+FEFF⟩", "␛", "⟨U+2028⟩"].map(str::to_owned);
    let names = names().into_iter().map(|name| name.to_ascii_lowercase());
    let wanted: Vec<_> = corpus[..9].iter().cloned().chain(names).chain(signs).collect();
    let lacks = async || {
        let shown = visit.text(".log-rounds").await;
        let lacking: Vec<_> = wanted.iter().filter(|text| !shown.contains(*text)).collect();
        if lacking.is_empty() { Ok(()) } else { Err(format!("{lacking:?}")) }
    };
    eventually_or("every text is shown as it is", lacks).await;
    findings(&visit, "in the rail").await;

    // Opened, a delivery gives its exact body.
    for (at, body) in bodies.iter().enumerate().step_by(2) {
        let open = "const head = [...document.querySelectorAll('.log-rounds .log-block[data-kind=received]')].find((block) => block.querySelector('[data-slot=seq]').textContent === `#${arguments[0]}`)?.querySelector('header');
            head?.click(); return document.querySelector('.block-dialog').open";
        let seq = json!(at + 1);
        eventually("the block opens", || async {
            (visit.browser.run(open, vec![seq.clone()]).await.ok()? == json!(true)).then_some(())
        })
        .await;
        findings(&visit, &format!("with {body:.60} open")).await;
        let copy = "window.copied = undefined;
            const rows = [...document.querySelectorAll('.block-dialog .block-row')];
            const body = rows.find((row) => row.querySelector('[data-slot=name]').textContent === 'body');
            [...(body?.querySelectorAll('button') ?? [])].find((button) => button.textContent === 'Copy')?.click();
            return window.copied ?? null";
        // What is copied is what arrived.
        visit.gives(copy, body.as_str()).await;
        visit.run("document.querySelector('.block-dialog [data-action=close]').click()").await;
    }
    visit.picture("hostile-deliveries").await;

    // The same log on a phone.
    visit.view_as(PHONE).await;
    visit.gives("return document.querySelector('.log-rail').dataset.view", "list").await;
    findings(&visit, "on a phone").await;
    assert_eq!(came.load(Ordering::SeqCst), 0, "something left the page");
    visit.end(home).await;
}

#[tokio::test]
async fn bytes_that_are_no_text_are_copied_exactly() {
    let home = Home::start_with(|config| config.devices.clear()).await;
    let visit = Visit::to(&home, LIGHT).await;
    visit.run(WATCH).await;
    let person = visit.start().await;
    let bytes: Vec<u8> = (0..=255).rev().collect();
    person.post("application/octet-stream", bytes.clone()).await;
    visit.blocks("received", 1).await;
    let copied = visit
        .shows(
            "the bytes are copied",
            "document.querySelector('.log-rounds .log-block[data-kind=received] > header').click();
            const button = [...document.querySelectorAll('.block-dialog button')].find((button) => button.textContent === 'Copy base64');
            button?.click(); return window.copied ?? ''",
        )
        .await;
    assert_eq!(copied, BASE64.encode(&bytes));
    let dialog = |label: &str, then: &str| {
        format!(
            "window.copied = undefined; window.downloaded = undefined;
            [...document.querySelectorAll('.block-dialog button')].find((button) => button.textContent === '{label}')?.click();
            return {then}"
        )
    };
    let hex = dialog("Copy hex", "(window.copied ?? '').replace(/\\s/g, '').toLowerCase()");
    visit.gives(&hex, data_encoding::HEXLOWER.encode(&bytes)).await;
    visit.gives(&dialog("Download", "window.downloaded !== undefined"), true).await;
    let read = "const done = arguments[0];
        window.downloaded.arrayBuffer().then((buffer) => done([window.downloaded.type, [...new Uint8Array(buffer)]]))";
    let saved = visit.run_async(read, vec![]).await;
    let (kind, saved): (String, Vec<u8>) = serde_json::from_value(saved).unwrap();
    assert_eq!(saved, bytes, "what is saved is what arrived");
    assert!(!kind.contains("html") && !kind.contains("svg"), "{kind}");
    findings(&visit, "with bytes").await;
    visit.end(home).await;
}

/// A cloud that says hostile things wherever a cloud can say something.
async fn hostile_cloud(
    page_origin: Arc<std::sync::OnceLock<String>>,
    corpus: Vec<String>,
) -> Listener {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let answer = async move |request: axum::extract::Request| {
        let origin = page_origin.get().cloned().unwrap_or_default();
        let corpus = corpus.clone();
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let mut response = says(&Request::from_parts(parts, body), &corpus);
        let headers = response.headers_mut();
        headers.insert("access-control-allow-origin", origin.parse().unwrap());
        for name in ["access-control-allow-headers", "access-control-allow-methods"] {
            let all =
                HeaderValue::from_static("authorization, content-type, GET, POST, PUT, DELETE");
            headers.insert(http::HeaderName::from_static(name), all);
        }
        response.map(axum::body::Body::from).into_response()
    };
    let router = Router::new().fallback(answer);
    Listener::start(listener, ServerLimits::default(), router).unwrap()
}

fn says(request: &Request<Bytes>, corpus: &[String]) -> Response<Bytes> {
    let path = request.uri().path();
    let answer = |status: u16, body: Value| {
        let mut response = Response::new(Bytes::from(body.to_string()));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response
    };
    let text = |at: usize| corpus[at % corpus.len()].clone();
    let bearer = request
        .headers()
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if request.method() == Method::OPTIONS {
        return answer(204, json!(null)).map(|_| Bytes::new());
    }
    if let Some(which) = bearer.strip_prefix("Bearer refused-") {
        let text = text(which.parse().unwrap());
        return answer(
            400,
            json!({ "error": text, "error_description": text, "info": text, "errors": [text] }),
        );
    }
    if path.contains("/events") && request.method() == Method::GET {
        let mut stream = String::from(":ok\n\n");
        for (at, text) in corpus.iter().enumerate() {
            // The stream's own lines end a name; everything else can be in it.
            let name: String = text.chars().filter(|c| !"\r\n".contains(*c)).take(500).collect();
            for name in [
                format!("WebhookTutorial01{name}"),
                format!("hook-sent/WebhookTutorial01{name}"),
                format!("{name}/hook-response/WebhookTutorial01{name}/0"),
                format!("{name}/hook-error/WebhookTutorial01/0"),
                name,
            ] {
                let data = json!({ "op": text, "id": text, text.as_str(): text }).to_string();
                let published_at = format!("2026-11-23T11:00:{:02}.123Z", at % 60);
                let fields = json!({ "data": data, "published_at": published_at, "coreid": text, "ttl": text });
                stream.push_str(&format!("event: {name}\ndata: {fields}\n\n"));
            }
        }
        let mut response = Response::new(Bytes::from(stream));
        response
            .headers_mut()
            .insert("content-type", HeaderValue::from_static("text/event-stream"));
        return response;
    }
    match path {
        "/v1/user" => answer(200, json!({ "username": text(1) })),
        "/v1/devices" => {
            let devices = corpus.iter().map(|text| json!({ "id": text, "name": text, "online": true, "platform_id": text, "system_firmware_version": text }));
            answer(200, devices.collect())
        }
        "/v1/integrations" if request.method() == Method::GET => {
            let list = corpus.iter().map(|text| json!({ "id": text, "event": format!("WebhookTutorial01{text}"), "url": text, "created_at": text, "integration_type": "Webhook", "name": text, "errors": [text], "logs": [{ "data": text, "event": text }] }));
            answer(200, list.collect())
        }
        path if path.starts_with("/v1/integrations") => {
            answer(400, json!({ "error": text(0), "errors": [text(1)] }))
        }
        _ => answer(200, json!({ "ok": true, "expires_at": null, "access_token": "x" })),
    }
}

#[tokio::test]
async fn a_cloud_that_says_hostile_things_is_shown_as_text() {
    let (canary, came) = canary().await;
    let corpus = corpus(&canary);
    let origin = Arc::new(std::sync::OnceLock::new());
    let cloud = hostile_cloud(Arc::clone(&origin), corpus.clone()).await;
    let api = format!("http://{}", cloud.addr);
    let home = Home::start_with(|config| {
        config.devices.clear();
        config.clouds = Arc::new(move |_| {
            vec![Cloud {
                id: "particle".into(),
                api: api.clone(),
                console: api.clone(),
                demo: None,
            }]
        });
    })
    .await;
    origin.set(home.stack.page_url.clone()).unwrap();
    let visit = Visit::to(&home, LIGHT).await;
    visit.run(WATCH).await;
    visit.start().await;
    let sign_in = |token: String| {
        let script =
            "const form = document.querySelector('[data-component$=connect] [data-form=token]');
            form.closest('details').open = true;
            if (!form.checkVisibility() || form.closest('[data-late]')) return false;
            form.querySelector('[name=token]').value = arguments[0];
            form.requestSubmit();
            return true";
        let visit = &visit;
        async move {
            eventually("a token can be given", || async {
                let done = visit.browser.run(script, vec![json!(token)]).await.ok()?;
                (done == json!(true)).then_some(())
            })
            .await;
        }
    };
    for (at, text) in corpus.iter().enumerate() {
        sign_in(format!("refused-{at}")).await;
        // Signs stand for what can't be seen; what can is there as it was.
        let begin: String =
            text.chars().take_while(|c| c.is_ascii_graphic() || *c == ' ').take(40).collect();
        visit
            .shows(
                "the refusal is shown as text",
                &format!("const said = document.querySelector('[data-component$=connect] [data-slot=problem]').textContent; return said !== '' && said.includes({})", json!(begin)),
            )
            .await;
        findings(&visit, &format!("refused with {text:.60}")).await;
    }
    sign_in("accepted-token".into()).await;
    visit
        .shows(
            "hostile events are shown",
            "return document.querySelectorAll('.log-rounds .log-block').length > 10",
        )
        .await;
    let page = visit.text("main, .log-dock").await;
    assert!(page.contains("<script>window.pwned=1</script>"), "{page:.2000}");
    findings(&visit, "with hostile events, devices and webhooks").await;
    visit.picture("hostile-cloud").await;
    assert_eq!(came.load(Ordering::SeqCst), 0, "something left the page");
    visit.end(home).await;
    cloud.stop().await;
}
