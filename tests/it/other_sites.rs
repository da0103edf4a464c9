//! Another web site, open in the same browser, can't read, sign in, send, flash or forget; nor can one whose name was pointed
//! at this computer.

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response};
use local::server::{Bounds, Handler, Server};
use serde_json::{Value, json};
use tests::{
    account::Account,
    browser::{Browser, LIGHT},
    client::raw,
    home::Home,
};
use tokio::net::TcpListener;

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// What guards a route of the simulated cloud.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Guard {
    /// It says the same to everybody, of nobody.
    Nothing,
    /// A token; any page may call it that has one, as in life.
    Token,
    /// It ends the token that it names; to know that is the right to.
    NamedToken,
    /// Besides, only the tutorial's page and programs.
    OwnPage,
    /// An address that nobody can guess, and an answer that only its own page can read.
    Address,
}

/// Every route of the simulated cloud, as its source spells it.
const ROUTES: [(&str, Guard); 35] = [
    ("/oauth/token", Guard::OwnPage),
    ("/v1/user", Guard::Token),
    ("/v1/access_tokens", Guard::Token),
    ("/v1/access_tokens/current", Guard::Token),
    ("/v1/access_tokens/{token}", Guard::NamedToken),
    ("/v1/events/{*prefix}", Guard::Token),
    ("/v1/devices", Guard::Token),
    ("/v1/devices/events", Guard::Token),
    ("/v1/devices/events/{*prefix}", Guard::Token),
    ("/v1/devices/{device}", Guard::Token),
    ("/v1/devices/{device}/ping", Guard::Token),
    ("/v1/devices/{device}/events", Guard::Token),
    ("/v1/devices/{device}/events/{*prefix}", Guard::Token),
    ("/v1/devices/{device}/{name}", Guard::Token),
    ("/v1/build_targets", Guard::Nothing),
    ("/v1/binaries", Guard::Token),
    ("/v1/binaries/{id}", Guard::Token),
    ("/v1/products", Guard::Token),
    ("/v1/products/{product}", Guard::Token),
    ("/v1/products/{product}/events", Guard::Token),
    ("/v1/products/{product}/events/{*prefix}", Guard::Token),
    ("/v1/products/{product}/devices", Guard::Token),
    ("/v1/products/{product}/devices/{device}", Guard::Token),
    (
        "/v1/products/{product}/devices/{device}/events",
        Guard::Token,
    ),
    (
        "/v1/products/{product}/devices/{device}/events/{*prefix}",
        Guard::Token,
    ),
    ("/simulated/devices/link", Guard::OwnPage),
    ("/simulated/devices/{device}", Guard::OwnPage),
    ("/simulated/devices/{device}/serial", Guard::OwnPage),
    ("/simulated/devices/{device}/button", Guard::OwnPage),
    ("/simulated/devices/{device}/power", Guard::OwnPage),
    ("/simulated/devices/{device}/plug", Guard::OwnPage),
    ("/integrations/webhooks/{id}", Guard::Address),
    ("/v1/integrations", Guard::Token),
    ("/v1/webhooks", Guard::Token),
    ("/v1/products/{product}/integrations", Guard::Token),
];

/// The paths that the simulated cloud's router names.
fn routes_in_the_source() -> Vec<String> {
    let source =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/simulated-cloud/src/router.rs");
    let source = std::fs::read_to_string(source).unwrap();
    let router = source.split("fn routes(").nth(1).unwrap();
    let router = router.split("\n}\n").next().unwrap();
    let literals = router.split('"').skip(1).step_by(2);
    // "/v1" is the scope of routes that are made in a loop.
    let paths = literals.filter(|text| text.starts_with('/') && *text != "/v1");
    paths.map(str::to_owned).collect()
}

#[tokio::test]
async fn every_route_of_the_simulated_cloud_looks_at_host_and_is_closed_to_other_pages() {
    let mut known: Vec<_> = ROUTES.iter().map(|(path, _)| *path).collect();
    // The fourth base of the integrations, whose three forms are made in a loop.
    known.push("/v1/products/{product}/webhooks");
    for path in routes_in_the_source() {
        assert!(
            known.contains(&path.as_str()),
            "{path} is a new route: say in this table what guards it"
        );
    }

    let home = Home::start().await;
    let account = Account::of(&home).await;
    let cloud = home.stack.cloud().addr();
    let below = [
        "",
        "/0123456789abcdef01234567",
        "/0123456789abcdef01234567/test",
    ];
    let mut asked = 0;
    for path in known {
        let is_base = path.ends_with("integrations") || path.ends_with("webhooks");
        for below in &below[..if is_base { 3 } else { 1 }] {
            let guard = ROUTES.iter().find(|(route, _)| *route == path);
            let guard = guard.map_or(Guard::Token, |(_, guard)| *guard);
            let mut target = format!("{path}{below}");
            while let Some((start, rest)) = target.split_once('{') {
                let (name, end) = rest.split_once('}').unwrap();
                let value = match name {
                    "product" => "simulated-product",
                    _ => "0123456789abcdef01234567",
                };
                target = format!("{start}{value}{end}");
            }
            for method in METHODS {
                let send = async |host: &str, more: &str| {
                    let request = format!(
                        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 0\r\n{more}\r\n"
                    );
                    raw(cloud, request.as_bytes()).await.unwrap()
                };
                let case = format!("{method} {target}");
                let port = cloud.port();
                for host in [
                    format!("evil.example:{port}"),
                    "evil.example".into(),
                    "127.0.0.1".into(),
                    format!("127.0.0.1.evil.example:{port}"),
                ] {
                    let answer = send(&host, "").await;
                    assert_eq!(answer.status, 421, "{case} as {host}");
                }
                let (own, evil) = (cloud.to_string(), "Origin: http://evil.example\r\n");
                let with_token = format!("{evil}Authorization: Bearer {}\r\n", account.token);
                match guard {
                    Guard::OwnPage => {
                        for origin in [
                            "http://evil.example",
                            "null",
                            "http://127.0.0.1:1",
                            "https://127.0.0.1",
                        ] {
                            let headers = with_token.replace("http://evil.example", origin);
                            let answer = send(&own, &headers).await;
                            assert_eq!(answer.status, 403, "{case} from {origin}");
                        }
                    }
                    Guard::Token | Guard::NamedToken if method == "OPTIONS" => {
                        let answer = send(&own, evil).await;
                        assert_eq!(answer.status, 204, "{case}");
                    }
                    Guard::Nothing => {
                        let answer = send(&own, evil).await;
                        assert!(answer.status != 403, "{case}");
                    }
                    Guard::Token => {
                        let answer = send(&own, evil).await;
                        // Also of what is not there nobody is told that without a token.
                        let is_asked_for = answer.status == 400
                            && (method == "HEAD"
                                || answer.text.contains("access token was not found"));
                        assert!(
                            is_asked_for || answer.status == 405,
                            "{case} without a token: {}",
                            answer.text
                        );
                    }
                    Guard::NamedToken => {
                        let answer = send(&own, evil).await;
                        assert!(
                            [404, 405].contains(&answer.status),
                            "{case}: {}",
                            answer.text
                        );
                    }
                    Guard::Address => {
                        let answer = send(&own, evil).await;
                        assert!(answer.status >= 400, "{case}: {}", answer.text);
                        let text = answer.text.to_ascii_lowercase();
                        assert!(!text.contains("access-control-allow-origin"), "{case}");
                    }
                }
                asked += 1;
            }
        }
    }
    assert!(asked > 250, "{asked}");
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn every_file_and_call_of_the_home_is_for_its_own_host_and_origin() {
    let home = Home::start().await;
    let person = home.person().await;
    let page = home.stack.page_addr();
    let files = site::files(&site::Options::default()).unwrap();
    let mut targets: Vec<String> = files.iter().map(|file| format!("/{}", file.path)).collect();
    targets.extend(
        [
            "/",
            "/config.json",
            "/nothing",
            "/api/health",
            "/api/endpoint",
            "/api/log",
            "/api/reply",
        ]
        .map(str::to_owned),
    );
    targets.push(format!("/hook/{}", person.endpoint));
    targets.push(format!("/hook/{}/below", person.endpoint));
    for target in targets {
        for method in METHODS {
            let send = async |host: &str, origin: &str| {
                let request = format!(
                    "{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 0\r\nAuthorization: Bearer {}\r\n{origin}\r\n",
                    person.owner.reveal()
                );
                raw(page, request.as_bytes()).await.unwrap()
            };
            let case = format!("{method} {target}");
            let answer = send(&format!("evil.example:{}", page.port()), "").await;
            assert_eq!(answer.status, 421, "{case}");
            for origin in ["http://evil.example", "null"] {
                let answer = send(&page.to_string(), &format!("Origin: {origin}\r\n")).await;
                assert_eq!(answer.status, 403, "{case} from {origin}");
                let text = answer.text.to_ascii_lowercase();
                assert!(!text.contains("access-control-allow"), "{case}: {text}");
            }
        }
    }
    assert_eq!(person.log("").await.last_seq, 0, "none of it acted");
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn the_engine_answers_no_page() {
    let home = Home::start().await;
    let person = home.person().await;
    person.post("text/plain", "a secret").await;
    let engine = home.stack.engine_url().unwrap();
    let engine = engine.strip_prefix("http://").unwrap();
    let scan = json!({ "TableName": "webhook-tutorial" }).to_string();
    let send = async |method: &str, host: &str, more: &str| {
        let request = format!(
            "{method} / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Target: DynamoDB_20120810.Scan\r\nContent-Length: {}\r\n{more}\r\n{scan}",
            scan.len()
        );
        raw(engine.parse().unwrap(), request.as_bytes())
            .await
            .unwrap()
    };
    // A program may, which is why the others mean something.
    let answer = send("POST", engine, "").await;
    assert!(
        answer.status == 200 && answer.text.contains("Items"),
        "{}",
        answer.text
    );
    for (method, host, more) in [
        ("POST", engine, "Origin: http://evil.example\r\n"),
        ("POST", engine, "Origin: null\r\n"),
        ("POST", "evil.example", ""),
        ("GET", engine, ""),
        (
            "OPTIONS",
            engine,
            "Origin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-amz-target\r\n",
        ),
    ] {
        let answer = send(method, host, more).await;
        assert_eq!(answer.status, 403, "{method} {host} {more}");
        let text = answer.text.to_ascii_lowercase();
        assert!(
            !text.contains("items") && !text.contains("access-control-allow"),
            "{text}"
        );
    }
    home.stack.stop().await.unwrap();
}

/// A site of somebody else on this computer: one empty page, whatever is asked for.
async fn other_site() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let handler: Handler = Arc::new(|_: Request<Bytes>, _| {
        Box::pin(async {
            let page = "<!doctype html><title>Another site</title><h1>Another site</h1>";
            let mut response = Response::new(Bytes::from_static(page.as_bytes()));
            let html = HeaderValue::from_static("text/html; charset=utf-8");
            response.headers_mut().insert("content-type", html);
            response
        })
    });
    Server::start(listener, Bounds::default(), handler).unwrap()
}

/// Tries all that a page can try, with everything it could know, and tells what it got to read and what went wrong with the
/// rest: a list of `[what, what came of it]`.
const ATTACK: &str = "
    const [page, cloud, engine, owner, hook, token, password, done] = arguments;
    const tried = [];
    const text = async (what, ask) => {
      try { const answer = await ask(); tried.push([what, answer.type === 'opaque' ? 'opaque' : `${answer.status} ${await answer.text()}`]); }
      catch (error) { tried.push([what, 'blocked']); }
    };
    const key = { authorization: `Bearer ${owner}` };
    const form = new URLSearchParams({ grant_type: 'password', client_id: 'particle', client_secret: 'particle', username: 'learner@simulated.example', password });
    const source = new FormData();
    source.append('file', new Blob(['void setup() {} void loop() {}']), 'evil.cpp');
    const submit = (action, fields, enctype = 'application/x-www-form-urlencoded') => new Promise((resolve) => {
      const frame = document.createElement('iframe');
      frame.name = `frame${tried.length}`;
      const element = document.createElement('form');
      Object.assign(element, { action, method: 'post', target: frame.name, enctype });
      for (const [name, value] of fields) { const input = document.createElement('input'); input.name = name; input.value = value; element.append(input); }
      document.body.append(frame, element);
      frame.addEventListener('load', () => { let seen = 'opaque'; try { seen = frame.contentDocument?.body?.textContent ?? 'opaque'; } catch { /* another origin's */ } tried.push([`form to ${action}`, seen]); resolve(); });
      element.submit();
    });
    (async () => {
      await text('config', () => fetch(`${page}/config.json`));
      await text('config, opaque', () => fetch(`${page}/config.json`, { mode: 'no-cors' }));
      await text('log', () => fetch(`${page}/api/log`, { headers: key }));
      await text('endpoint', () => fetch(`${page}/api/endpoint`, { method: 'PUT', headers: key }));
      await text('forget', () => fetch(`${page}/api/endpoint`, { method: 'DELETE', headers: key }));
      await text('clear', () => fetch(`${page}/api/log`, { method: 'DELETE', headers: key }));
      await text('reply', () => fetch(`${page}/api/reply`, { method: 'PUT', headers: key, body: '{\"status\":201}' }));
      await text('hook', () => fetch(hook, { method: 'POST', body: 'from another site' }));
      await text('hook, opaque', () => fetch(hook, { method: 'POST', mode: 'no-cors', body: 'from another site' }));
      tried.push(['beacon', String(navigator.sendBeacon(hook, 'from another site'))]);
      await text('sign in', () => fetch(`${cloud}/oauth/token`, { method: 'POST', body: form }));
      await text('sign in, opaque', () => fetch(`${cloud}/oauth/token`, { method: 'POST', mode: 'no-cors', body: form }));
      await text('flash', () => fetch(`${cloud}/v1/devices/virtual-device`, { method: 'PUT', headers: { authorization: `Bearer ${token}` }, body: source }));
      await text('flash by a form', () => fetch(`${cloud}/v1/devices/virtual-device?access_token=${token}`, { method: 'PUT', body: source }));
      await text('compile', () => fetch(`${cloud}/v1/binaries`, { method: 'POST', headers: { authorization: `Bearer ${token}` }, body: source }));
      await text('button', () => fetch(`${cloud}/simulated/devices/virtual-device/button?access_token=${token}`, { method: 'POST', mode: 'no-cors', body: '{}' }));
      await text('account', () => fetch(`${cloud}/v1/user`));
      const scan = { method: 'POST', body: '{\"TableName\":\"webhook-tutorial\"}' };
      const target = { 'x-amz-target': 'DynamoDB_20120810.Scan', authorization: 'AWS4-HMAC-SHA256 Credential=x/20261123/local/dynamodb/aws4_request, SignedHeaders=host, Signature=x', 'x-amz-date': '20261123T000000Z' };
      await text('engine', () => fetch(engine, { ...scan, headers: { ...target, 'content-type': 'application/x-amz-json-1.0' } }));
      await text('engine, opaque', () => fetch(engine, { ...scan, mode: 'no-cors' }));
      for (const src of [`${page}/config.json`, `${page}/static/app.js`]) await new Promise((resolve) => {
        const script = document.createElement('script');
        script.addEventListener('load', () => { tried.push([`script ${src}`, 'loaded']); resolve(); });
        script.addEventListener('error', () => { tried.push([`script ${src}`, 'blocked']); resolve(); });
        script.src = src;
        document.body.append(script);
      });
      await submit(hook, [['from', 'another site']]);
      await submit(hook, [['from', 'another site']], 'text/plain');
      await submit(`${cloud}/oauth/token`, [...form]);
      await submit(`${cloud}/v1/integrations?access_token=${token}x`, [['event', 'x']]);
      done(tried);
    })();";

#[tokio::test]
async fn another_site_in_the_same_browser_reads_nothing_and_moves_nothing() {
    let home = Home::start().await;
    let person = home.person().await;
    let account = Account::of(&home).await;
    person.post("text/plain", "planted-in-the-log").await;
    let tokens = async || {
        let list = account
            .ask(Method::GET, "/v1/access_tokens", Value::Null)
            .await;
        list.as_array().map_or(0, Vec::len)
    };
    let (before, hooks) = (tokens().await, account.hooks().await.len());
    let password = home.stack.cloud().demo().password;
    let site = other_site().await;
    let pretends = "MAP evil.example 127.0.0.1";
    let browser = Browser::start_with(LIGHT, &[&format!("--host-resolver-rules={pretends}")])
        .await
        .unwrap();
    // Another name, another port of the same name, and the page's own name at another port.
    for at in ["evil.example", "localhost", "127.0.0.1"] {
        let own = format!("http://{at}:{}/", site.addr.port());
        browser.client.goto(&own).await.unwrap();
        let args = vec![
            json!(home.stack.page_url),
            json!(account.api),
            json!(home.stack.engine_url()),
            json!(person.owner.reveal()),
            json!(person.hook_url()),
            json!(account.token),
            json!(password),
        ];
        let tried = browser.client.execute_async(ATTACK, args).await.unwrap();
        let tried: Vec<(String, String)> = serde_json::from_value(tried).unwrap();
        assert!(tried.len() == 25, "{tried:?}");
        for (what, came) in &tried {
            let read = [
                "planted-in-the-log",
                "access_token",
                &password,
                "Items",
                "\"clouds\"",
            ];
            assert!(
                read.iter().all(|secret| !came.contains(secret)),
                "{what} from {own} could read {came}"
            );
            // What a page with a token may call as in life answers with a refusal here; nothing else may be read at all.
            let may_be_read = [
                "flash", "compile", "account", "sign in", "form to", "beacon",
            ];
            if !may_be_read.iter().any(|begin| what.starts_with(begin)) {
                assert!(
                    ["blocked", "opaque"].contains(&came.as_str()),
                    "{what} from {own}: {came}"
                );
            }
            assert!(!came.starts_with('2'), "{what} from {own}: {came}");
        }
    }
    // The name that was pointed here, at the very ports of the page, the cloud and the engine.
    let ports = [
        &home.stack.page_url,
        &account.api,
        home.stack.engine_url().unwrap(),
    ];
    for url in ports {
        let url = url.replace("127.0.0.1", "evil.example");
        browser.client.goto(&url).await.unwrap();
        let script = "const done = arguments[0];
            const paths = ['/config.json', '/api/log', '/oauth/token', '/v1/user'];
            Promise.all(paths.map((path) => fetch(path).then((answer) => answer.status, () => 0))).then(done)";
        let statuses = browser.client.execute_async(script, vec![]).await.unwrap();
        let statuses: Vec<u16> = serde_json::from_value(statuses).unwrap();
        assert!(
            // 0: the browser gave the script no answer at all.
            statuses.iter().all(|status| [0, 403, 421].contains(status)),
            "{url}: {statuses:?}"
        );
    }
    let log = person.log("").await;
    assert_eq!(log.last_seq, 1, "nothing was sent: {:?}", log.deliveries);
    assert!(person.create().await.reply.is_none());
    assert_eq!(tokens().await, before, "nobody signed in");
    assert_eq!(account.hooks().await.len(), hooks);
    browser.client.clone().close().await.unwrap();
    home.stack.stop().await.unwrap();
    site.stop().await;
}
