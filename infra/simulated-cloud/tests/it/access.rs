//! Which requests are let in: the host's name, the page's origin, and the form of every refusal.

use serde_json::Value;

use crate::support::{JSON, PAGE, call, start};

#[tokio::test]
async fn a_name_that_is_not_this_computer_is_turned_away() {
    let world = start().await;
    let port = world.addr().port();
    let elsewhere = format!("evil.example:{port}");
    let here = [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        format!("LOCALHOST:{port}"),
        format!("[::1]:{port}"),
    ];
    let refused = ["evil.example", &elsewhere, "127.0.0.1", "127.0.0.1:1", ""];
    let refused = refused.iter().map(|host| (*host, 421));
    let cases = here.iter().map(|host| (host.as_str(), 200)).chain(refused);
    for (host, status) in cases {
        let host = [("Host", host)];
        let response = call(world.addr(), "GET", "/v1/build_targets", &host, b"").await;
        assert_eq!(response.status, status, "{host:?}");
    }
    // A whole URL in the request line must name this computer too, and two names are none.
    for (url, status) in [
        ("http://evil.example/v1/build_targets".to_owned(), 421),
        (format!("http://{}/v1/build_targets", world.addr()), 200),
    ] {
        let response = call(world.addr(), "GET", &url, &[], b"").await;
        assert_eq!(response.status, status, "{url}");
    }
    let twice = [("Host", here[0].as_str()), ("Host", "evil.example")];
    let response = call(world.addr(), "GET", "/v1/build_targets", &twice, b"").await;
    assert_eq!(response.status, 421);
}

#[tokio::test]
async fn only_the_tutorials_page_and_programs_may_sign_in() {
    let world = start().await;
    for origin in [
        "https://evil.example",
        "null",
        "http://127.0.0.1:8788",
        "http://localhost:8787",
        "http://127.0.0.1:8787/",
    ] {
        let refused = world.sign_in(&[("Origin", origin)]).await;
        assert_eq!(refused.status, 403, "{origin}");
        assert_eq!(refused.json()["error"], "forbidden_origin", "{origin}");
    }
    assert_eq!(world.sign_in(&[("Origin", PAGE)]).await.status, 200);
    assert_eq!(world.sign_in(&[]).await.status, 200);
    let both = [("Origin", PAGE), ("Origin", "https://evil.example")];
    assert_eq!(world.sign_in(&both).await.status, 403);
}

#[tokio::test]
async fn controls_and_compiler_are_closed_to_other_pages() {
    let world = start().await;
    let bearer = world.bearer();
    let origin = ("Origin", "https://evil.example");
    for (method, path) in [
        ("GET", "/simulated/devices/x"),
        ("POST", "/simulated/devices/x/button"),
        ("GET", "/simulated/devices/link"),
        ("POST", "/v1/binaries"),
    ] {
        let headers = [("Authorization", bearer.as_str()), origin];
        let response = call(world.addr(), method, path, &headers, b"").await;
        assert_eq!(response.status, 403, "{path}");
    }
}

#[tokio::test]
async fn any_page_may_call_the_api_with_a_token() {
    let world = start().await;
    let headers = [
        ("Origin", "https://elsewhere.example"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization"),
    ];
    let path = "/v1/devices/events";
    let preflight = call(world.addr(), "OPTIONS", path, &headers, b"").await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
    let allowed = preflight.header("access-control-allow-headers").unwrap();
    assert!(allowed.contains("Authorization"), "{allowed}");
    let refused = call(world.addr(), "GET", "/v1/devices", &headers[..1], b"").await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.header("access-control-allow-origin"), Some("*"));
}

#[tokio::test]
async fn every_refusal_is_json_with_a_sentence() {
    let world = start().await;
    let bearer = world.bearer();
    let token = [("Authorization", bearer.as_str())];
    let json = [token[0], JSON];
    let multipart = [token[0], ("Content-Type", "multipart/form-data; boundary=b")];
    let wrong_token = [("Authorization", "Bearer wrong")];
    let hook = "{\"event\":\"e\",\"url\":\"http://127.0.0.1:9\"}";
    let two_bodies = hook.replace('}', ",\"json\":{},\"body\":\"x\"}");
    type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a [u8], u16);
    let cases: [Case<'_>; 15] = [
        ("GET", "/nowhere", &[], b"", 404),
        ("PATCH", "/v1/devices", &[], b"", 405),
        ("GET", "/oauth/token", &[], b"", 405),
        ("GET", "/v1/devices/nobody", &token, b"", 404),
        ("GET", "/v1/products/nothing/integrations", &token, b"", 404),
        ("PUT", "/v1/integrations/gone", &json, hook.as_bytes(), 404),
        ("DELETE", "/v1/webhooks/gone", &token, b"", 404),
        ("POST", "/v1/integrations", &json, two_bodies.as_bytes(), 400),
        ("GET", "/v1/devices", &wrong_token, b"", 401),
        ("POST", "/v1/devices/events", &json, b"{", 400),
        ("POST", "/v1/devices/events", &json, b"[1]", 400),
        ("POST", "/v1/devices/events", &json, b"\xff", 400),
        ("POST", "/v1/devices/events", &json, b"{\"data\":\"x\"}", 400),
        ("POST", "/v1/devices/events", &json, &[b' '; 300 * 1024], 413),
        ("PUT", "/v1/devices/x", &multipart, b"--x", 400),
    ];
    for (method, path, headers, body, status) in cases {
        let refused = call(world.addr(), method, path, headers, body).await;
        assert_eq!(refused.status, status, "{method} {path}: {}", refused.body);
        let Value::String(text) = &refused.json()["error_description"] else {
            panic!("{}", refused.body)
        };
        assert!(!text.is_empty());
        assert_eq!(refused.header("access-control-allow-origin"), Some("*"));
    }
}
