//! Another web site, open in the same browser, can't read, sign in, flash or forget; nor can one whose name was pointed at
//! this computer. It can send webhooks, as any sender can who knows a hook URL.

use axum::{Router, response::Html};
use http::Method;
use local::{config::ServerLimits, listener::Listener};
use serde_json::{Value, json};
use tests::{
    account::Account,
    browser::{Browser, LIGHT},
    client::raw,
    home::Home,
};
use tokio::net::TcpListener;

#[tokio::test]
async fn the_engine_refuses_web_pages() {
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
        raw(engine.parse().unwrap(), request.as_bytes()).await.unwrap()
    };
    // A program may, which is why the others mean something.
    let answer = send("POST", engine, "").await;
    assert!(answer.status == 200 && answer.text.contains("Items"), "{}", answer.text);
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
        assert!(!text.contains("items") && !text.contains("access-control-allow"), "{text}");
    }
    home.stack.stop().await.unwrap();
}

/// A site of somebody else on this computer: one empty page, whatever is asked for.
pub(crate) async fn other_site() -> Listener {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let page = "<!doctype html><title>Another site</title><h1>Another site</h1>";
    let router = Router::new().fallback(async move || Html(page));
    Listener::start(listener, ServerLimits::default(), router).unwrap()
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
      // A reply is saved, not shown, so no page is loaded.
      if (action === hook) { tried.push([`form to ${action}`, 'opaque']); resolve(); }
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
async fn another_site_in_the_same_browser_can_only_send_webhooks() {
    let home = Home::start().await;
    let person = home.person().await;
    let account = Account::of(&home).await;
    person.post("text/plain", "planted-in-the-log").await;
    let tokens = async || {
        let list = account.ask(Method::GET, "/v1/access_tokens", Value::Null).await;
        list.as_array().map_or(0, Vec::len)
    };
    let (before, hooks) = (tokens().await, account.hooks().await.len());
    let password = home.stack.cloud().credentials().password;
    let site = other_site().await;
    let browser = Browser::start(LIGHT).await.unwrap();
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
            let read = ["planted-in-the-log", "access_token", &password, "Items", "\"clouds\""];
            assert!(
                read.iter().all(|secret| !came.contains(secret)),
                "{what} from {own} could read {came}"
            );
            // What a page with a token may call as in life answers with a refusal here; nothing else may be read at all.
            let may_be_read = ["flash", "compile", "account", "sign in", "form to", "beacon"];
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
    let ports = [&home.stack.page_url, &account.api, home.stack.engine_url().unwrap()];
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
    assert!(log.last_seq > 1, "a page's webhooks are recorded");
    for sent in &log.deliveries[1..] {
        let body = sent.request.body.text().unwrap_or_default();
        assert!(body.contains("another"), "{sent:?}");
    }
    assert!(person.create().await.reply.is_none());
    assert_eq!(tokens().await, before, "nobody signed in");
    assert_eq!(account.hooks().await.len(), hooks);
    browser.client.clone().close().await.unwrap();
    home.stack.stop().await.unwrap();
    site.stop().await;
}
