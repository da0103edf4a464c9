//! Who may come in: the host's name, the page's origin, and the form of every refusal.

use serde_json::json;

use crate::support::{PAGE, call, start};

#[tokio::test]
async fn a_name_that_is_not_this_computer_is_turned_away() {
    let world = start().await;
    let port = world.addr().port();
    for host in [
        "evil.example",
        &format!("evil.example:{port}"),
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost.evil.example",
        "",
    ] {
        let answer = call(
            world.addr(),
            "GET",
            "/v1/build_targets",
            &[("Host", host)],
            b"",
        )
        .await;
        assert_eq!(answer.status, 421, "{host}");
        assert_eq!(answer.json()["error"], "misdirected");
    }
    for host in [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        format!("LOCALHOST:{port}"),
        format!("[::1]:{port}"),
    ] {
        assert_eq!(
            call(
                world.addr(),
                "GET",
                "/v1/build_targets",
                &[("Host", &host)],
                b""
            )
            .await
            .status,
            200,
            "{host}"
        );
    }
}

#[tokio::test]
async fn a_whole_url_in_the_request_line_must_name_this_computer_too() {
    let world = start().await;
    for (url, status) in [
        ("http://evil.example/v1/build_targets".to_owned(), 421),
        (format!("http://{}/v1/build_targets", world.addr()), 200),
    ] {
        let answer = call(world.addr(), "GET", &url, &[], b"").await;
        assert_eq!(answer.status, status, "{url}");
    }
    let addr = world.addr().to_string();
    let twice = [("Host", addr.as_str()), ("Host", "evil.example")];
    let answer = call(world.addr(), "GET", "/v1/build_targets", &twice, b"").await;
    assert_eq!(answer.status, 421, "two names are none");
}

#[tokio::test]
async fn only_the_tutorials_page_and_programs_that_are_no_page_may_sign_in() {
    let world = start().await;
    for origin in [
        "https://evil.example",
        "null",
        "http://127.0.0.1:8788",
        "http://localhost:8787",
        "http://127.0.0.1:8787/",
    ] {
        let answer = world.sign_in(&[("Origin", origin)]).await;
        assert_eq!(
            (answer.status, answer.json()["error"].clone()),
            (403, json!("forbidden_origin")),
            "{origin}"
        );
    }
    assert_eq!(world.sign_in(&[("Origin", PAGE)]).await.status, 200);
    assert_eq!(world.sign_in(&[]).await.status, 200);
    let both = world
        .sign_in(&[("Origin", PAGE), ("Origin", "https://evil.example")])
        .await;
    assert_eq!(both.status, 403);
}

#[tokio::test]
async fn a_devices_controls_and_the_compiler_are_closed_to_other_pages() {
    let world = start().await;
    let bearer = world.bearer();
    for (method, path) in [
        ("GET", "/simulated/devices/x"),
        ("POST", "/simulated/devices/x/button"),
        ("GET", "/simulated/devices/link"),
        ("POST", "/v1/binaries"),
    ] {
        let headers = [
            ("Authorization", bearer.as_str()),
            ("Origin", "https://evil.example"),
        ];
        assert_eq!(
            call(world.addr(), method, path, &headers, b"").await.status,
            403,
            "{path}"
        );
    }
}

#[tokio::test]
async fn any_page_may_call_the_api_as_any_page_may_call_the_real_one() {
    let world = start().await;
    let headers = [
        ("Origin", "https://elsewhere.example"),
        ("Access-Control-Request-Method", "POST"),
        (
            "Access-Control-Request-Headers",
            "authorization,content-type",
        ),
    ];
    let preflight = call(world.addr(), "OPTIONS", "/v1/devices/events", &headers, b"").await;
    assert_eq!(
        (
            preflight.status,
            preflight.header("access-control-allow-origin")
        ),
        (204, Some("*"))
    );
    assert!(
        preflight
            .header("access-control-allow-headers")
            .unwrap()
            .contains("Authorization")
    );
    let refused = call(
        world.addr(),
        "GET",
        "/v1/devices",
        &[("Origin", "https://elsewhere.example")],
        b"",
    )
    .await;
    assert_eq!(
        (
            refused.status,
            refused.header("access-control-allow-origin")
        ),
        (400, Some("*"))
    );
}

#[tokio::test]
async fn every_refusal_is_json_with_a_sentence() {
    let world = start().await;
    let bearer = world.bearer();
    let json_type = ("Content-Type", "application/json");
    type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a [u8], u16);
    let cases: [Case<'_>; 15] = [
        ("GET", "/nowhere", &[], b"", 404),
        ("PATCH", "/v1/devices", &[], b"", 405),
        ("GET", "/oauth/token", &[], b"", 405),
        (
            "GET",
            "/v1/devices/nobody",
            &[("Authorization", &bearer)],
            b"",
            404,
        ),
        (
            "GET",
            "/v1/products/nothing/integrations",
            &[("Authorization", &bearer)],
            b"",
            404,
        ),
        (
            "PUT",
            "/v1/integrations/gone",
            &[("Authorization", &bearer), json_type],
            b"{\"event\":\"e\",\"url\":\"http://127.0.0.1:9\"}",
            404,
        ),
        (
            "DELETE",
            "/v1/webhooks/gone",
            &[("Authorization", &bearer)],
            b"",
            404,
        ),
        (
            "POST",
            "/v1/integrations",
            &[("Authorization", &bearer), json_type],
            b"{\"event\":\"e\",\"url\":\"http://127.0.0.1:9\",\"json\":{},\"body\":\"x\"}",
            400,
        ),
        (
            "GET",
            "/v1/devices",
            &[("Authorization", "Bearer wrong")],
            b"",
            401,
        ),
        (
            "POST",
            "/v1/devices/events",
            &[("Authorization", &bearer), json_type],
            b"{",
            400,
        ),
        (
            "POST",
            "/v1/devices/events",
            &[("Authorization", &bearer), json_type],
            b"[1]",
            400,
        ),
        (
            "POST",
            "/v1/devices/events",
            &[("Authorization", &bearer), json_type],
            b"\xff",
            400,
        ),
        (
            "POST",
            "/v1/devices/events",
            &[("Authorization", &bearer), json_type],
            b"{\"data\":\"x\"}",
            400,
        ),
        (
            "POST",
            "/v1/devices/events",
            &[("Authorization", &bearer), json_type],
            &[b' '; 300 * 1024],
            413,
        ),
        (
            "PUT",
            "/v1/devices/x",
            &[
                ("Authorization", &bearer),
                ("Content-Type", "multipart/form-data; boundary=b"),
            ],
            b"--x",
            400,
        ),
    ];
    for (method, path, headers, body, status) in cases {
        let answer = call(world.addr(), method, path, headers, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        assert!(
            answer.json()["error_description"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{}",
            answer.body
        );
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
}
