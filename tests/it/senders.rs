//! Who may call a hook URL, as its owner sets it.

use bytes::Bytes;
use delivery::settings::Verified;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tests::{
    browser::LIGHT,
    client::{header, json},
    home::{Home, Person},
    visit::Visit,
};

async fn change(person: &Person, settings: &Value) -> Value {
    let answer = person.call(Method::PUT, "/api/settings", &settings.to_string()).await;
    assert_eq!(answer.status(), StatusCode::OK, "{:?}", answer.body());
    json(&answer)
}

async fn send(person: &Person, method: Method, headers: &[(&str, &str)]) -> Response<Bytes> {
    let mut request = Request::builder().method(method).uri(person.hook_url());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    person.client.send(request.body(r#"{"id":7}"#.into()).unwrap()).await.unwrap()
}

const ORIGIN: (&str, &str) = ("origin", "https://a.example");
const PREFLIGHT: [(&str, &str); 3] = [
    ORIGIN,
    ("access-control-request-method", "POST"),
    ("access-control-request-headers", "content-type,x-a"),
];

/// The CORS headers of a response: each once, and their values.
fn cors(response: &Response<Bytes>) -> Vec<(&str, &str)> {
    let headers = response.headers().keys().map(http::HeaderName::as_str);
    let headers = headers.filter(|name| name.starts_with("access-control-"));
    let value = |name| {
        assert_eq!(response.headers().get_all(name).iter().count(), 1, "{name}");
        (name, header(response.headers(), name))
    };
    headers.map(value).collect()
}

#[tokio::test]
async fn pages_may_call_while_it_is_switched_on() {
    let home = Home::start().await;
    let person = home.person().await;
    assert_eq!(cors(&send(&person, Method::OPTIONS, &PREFLIGHT).await), []);
    assert_eq!(cors(&send(&person, Method::POST, &[ORIGIN]).await), []);

    person.reply_with(r#"{"status":503,"times":1}"#).await;
    let expect = json!({ "scheme": "bearer", "token": "s3cret", "refuse": 1 });
    change(&person, &json!({ "cors": true, "expect": expect })).await;
    let preflight = send(&person, Method::OPTIONS, &PREFLIGHT).await;
    assert_eq!(preflight.status(), StatusCode::NO_CONTENT);
    let readable = ("access-control-allow-origin", "*");
    let mut allowed = cors(&preflight);
    allowed.sort_unstable();
    assert_eq!(
        allowed,
        [
            ("access-control-allow-headers", "authorization, content-type, x-a"),
            ("access-control-allow-methods", "GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE"),
            readable,
            ("access-control-expose-headers", "*"),
            ("access-control-max-age", "600"),
        ]
    );
    // The preflight used up neither the refusal nor the reply; a refused webhook uses up both.
    for status in [401, 200] {
        let answer = send(&person, Method::POST, &[ORIGIN]).await;
        assert_eq!(answer.status(), status);
        assert_eq!(cors(&answer), [readable, ("access-control-expose-headers", "*")]);
    }
    let log = person.log("").await.deliveries;
    let verified: Vec<_> = log.iter().map(|delivery| delivery.verified).collect();
    let missing = Some(Verified::Missing);
    assert_eq!(verified, [None, None, None, missing, missing]);
    assert_eq!(log[2].response.headers.get("access-control-max-age"), Some("600"));

    change(&person, &json!({ "cors": false })).await;
    assert_eq!(cors(&send(&person, Method::OPTIONS, &PREFLIGHT).await), []);
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn only_the_expected_credential_is_right_and_a_refusal_ends() {
    let home = Home::start().await;
    let person = home.person().await;
    let expect =
        json!({ "scheme": "basic", "user": "device", "password": "planted:é", "refuse": 3 });
    let set = change(&person, &json!({ "expect": expect })).await;
    let shown = json!({ "scheme": "basic", "refuse": 3, "refuse_left": 3 });
    assert_eq!(set, json!({ "cors": false, "expect": shown }));

    let right = data_encoding::BASE64.encode("device:planted:é".as_bytes());
    let right = format!("basic {right}");
    for (authorization, status, verified) in [
        (Some(right.as_str()), 200, Verified::Ok),
        (None, 401, Verified::Missing),
        (Some("Basic ZGV2aWNl"), 401, Verified::Wrong),
        (Some("Bearer planted"), 200, Verified::Wrong),
        (None, 200, Verified::Missing),
        (Some(&right), 200, Verified::Ok),
    ] {
        let headers: Vec<_> =
            authorization.map(|value| ("authorization", value)).into_iter().collect();
        let answer = send(&person, Method::POST, &headers).await;
        assert_eq!(answer.status(), status, "{authorization:?}");
        if status == 401 {
            assert_eq!(header(answer.headers(), "www-authenticate"), "Basic realm=\"webhook\"");
            assert_eq!(header(answer.headers(), "content-disposition"), "attachment");
        }
        let newest = person.log("last=1").await.deliveries.remove(0);
        assert_eq!(newest.verified, Some(verified), "{authorization:?}");
    }

    // Viewers see what it was, and neither the credential nor the settings.
    let view = async |path: &str| {
        let answer = person.call_with(person.share.reveal(), Method::GET, path, "").await;
        String::from_utf8(answer.body().to_vec()).unwrap()
    };
    let log = view("/api/log").await;
    assert!(log.contains(r#""verified":"wrong""#) && !log.contains("planted"), "{log}");
    assert!(!log.contains(&right[6..]), "{log}");
    assert!(!view("/api/endpoint").await.contains("settings"));
    let own = json(&person.call(Method::GET, "/api/endpoint", "").await);
    assert_eq!(own["settings"]["expect"]["refuse_left"], 0);
    assert!(!own.to_string().contains("planted"), "{own}");

    let refused = person.call(Method::PUT, "/api/settings", r#"{"expect":{"scheme":"x"}}"#).await;
    assert_eq!(
        (refused.status(), &json(&refused)["field"]),
        (StatusCode::BAD_REQUEST, &json!("expect"))
    );
    assert_eq!(change(&person, &json!({ "expect": null })).await["expect"], Value::Null);
    send(&person, Method::POST, &[]).await;
    assert_eq!(person.log("last=1").await.deliveries[0].verified, None);
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn the_page_lets_another_sites_page_call() {
    let (home, visit, _) = Visit::started(LIGHT).await;
    let site = crate::other_sites::other_site().await;
    let url = visit.slot_text("hook", "url").await;
    let call = async || {
        visit.goto(&format!("http://localhost:{}/", site.addr.port())).await;
        let script = "const [url, done] = arguments;
            const headers = { 'content-type': 'application/json', authorization: 'Bearer s3cret' };
            fetch(url, { method: 'POST', headers, body: '{\"id\":7}' })
              .then(async (answer) => done(`${answer.status} ${await answer.text()}`), () => done('blocked'))";
        let came = visit.run_async(script, vec![json!(url)]).await;
        visit.goto(&home.stack.page_url).await;
        came
    };
    assert_eq!(call().await, "blocked");
    visit.says(".log-rounds", "under “Who may call”").await;

    let card = "[data-component='cards/senders'] form";
    visit.fill(&format!("{card} [name=scheme]"), "bearer").await;
    visit.fill(&format!("{card} [name=secret]"), "s3cret").await;
    visit.press(&format!("{card} [name=cors]")).await;
    visit.press(&format!("{card} [type=submit]")).await;
    visit.slot_says("senders", "now", "A bearer token is expected").await;
    assert_eq!(call().await, r#"200 {"ok":true,"id":7}"#);
    visit.says(".log-rounds", "right").await;
    visit.scroll_to(card).await;
    visit.look("[data-component='cards/senders']", "senders").await;
    visit.end(home).await;
    site.stop().await;
}
