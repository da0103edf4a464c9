//! Everything that arrives is stored and shown exactly.

use bytes::Bytes;
use data_encoding::HEXLOWER;
use http::{Request, StatusCode};
use sha2::{Digest, Sha256};
use tests::{
    client::{self, json, raw},
    home::{Home, Person},
};

#[tokio::test]
async fn a_webhook_is_answered_and_read_back() {
    let home = Home::start().await;
    let person = home.person().await;

    let response = person
        .post("application/json", r#"{"event":"a","data":"{\"op\":\"test\",\"id\":1652008511}"}"#)
        .await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.body(), r#"{"ok":true,"id":1652008511}"#);

    let page = person.log("").await;
    assert_eq!((page.deliveries.len(), page.first_seq, page.last_seq), (1, 1, 1));
    let delivery = &page.deliveries[0];
    assert_eq!(delivery.seq, 1);
    assert_eq!(delivery.request.method, "POST");
    assert_eq!(delivery.request.path, "/");
    assert_eq!(delivery.request.source, "127.0.0.1");
    assert_eq!(delivery.response.status, 200);
    assert_eq!(delivery.response.body.as_bytes(), response.body());
    for (name, value) in &delivery.response.headers.0 {
        assert_eq!(client::header(response.headers(), name), value, "sent as recorded");
    }
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn every_kind_of_body_is_kept_byte_for_byte() {
    let home = Home::start().await;
    let person = home.person().await;
    let random: Vec<u8> =
        (0..200 * 1024 / 8).flat_map(|_| function_url::random().to_be_bytes()).collect();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("application/json", br#"{"a":1}"#.to_vec()),
        ("application/x-www-form-urlencoded", b"event=a&data=%7B%22id%22%3A7%7D".to_vec()),
        ("text/plain; charset=utf-8", "ünïcödé ☃ 🦀".into()),
        ("application/xml", b"<?xml version=\"1.0\"?><a b='c'/>".to_vec()),
        ("application/octet-stream", random),
        ("text/plain", vec![]),
        ("text/plain", b"\xff\xfe not utf-8 \x80".to_vec()),
        ("application/json", b"\x00\x01NUL\x00".to_vec()),
        ("application/json", b"{\"broken\":".to_vec()),
        ("application/json", deep.into()),
        ("application/json", br#"{"n":9007199254740993,"x":1e400,"n":0.10}"#.to_vec()),
        ("", b"no content type".to_vec()),
        ("text/html", b"<script>alert(1)</script>\"><img src=x onerror=alert(1)>".to_vec()),
        ("text/plain", "\u{202e}rtl \u{1b}[31mansi\u{7}".into()),
        ("text/plain", vec![b'x'; 200 * 1024]),
        ("text/plain", vec![b'y'; 256 * 1024]),
    ];
    for (content_type, body) in &cases {
        assert_eq!(
            person.post(content_type, body.clone()).await.status(),
            StatusCode::OK,
            "{content_type}"
        );
    }
    let deliveries: Vec<_> =
        person.whole_log().await.into_iter().flat_map(|page| page.deliveries).collect();
    assert_eq!(deliveries.len(), cases.len());
    for ((content_type, body), delivery) in cases.iter().zip(&deliveries) {
        let kept = &delivery.request.body;
        assert_eq!(&kept.kept, body, "#{} {content_type}", delivery.seq);
        assert_eq!(kept.sha256_hex(), HEXLOWER.encode(&Sha256::digest(body)));
        assert_eq!(kept.size, body.len() as u64);
        assert!(!kept.truncated());
    }
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn an_oversized_body_is_refused_and_recorded() {
    let home = Home::start().await;
    let person = home.person().await;
    let body = "0123456789".repeat(30 * 1024);
    let response = person.post("text/plain", body.clone()).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(json(&response)["detail"].as_str().unwrap().contains("307200 bytes"));

    let log = person.log("").await;
    let kept = &log.deliveries[0].request.body;
    assert!(kept.truncated());
    assert_eq!(kept.size, 307_200);
    assert_eq!(kept.kept, body.as_bytes()[..16 * 1024]);
    assert_eq!(kept.sha256_hex(), HEXLOWER.encode(&Sha256::digest(&body)));
    assert_eq!(log.deliveries[0].response.status, 413);
    assert_eq!(log.deliveries[0].response.body.as_bytes(), response.body());
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn methods_paths_queries_and_headers_arrive_as_they_were_sent() {
    let home = Home::start().await;
    let person = home.person().await;
    let endpoint = person.endpoint.as_str();
    let addr = home.stack.page_addr();
    let many: String = (0..60).map(|n| format!("X-Header-{n}: value {n}\r\n")).collect();
    let huge = format!("X-Huge: {}\r\n", "h".repeat(16 * 1024));
    for (method, below, headers) in [
        ("GET", "", ""),
        ("HEAD", "/", ""),
        ("OPTIONS", "/a/b/c", ""),
        ("POST", "//double//slash", ""),
        ("PUT", "/a%2Fb%20c%C3%A9%00", ""),
        ("PATCH", "/é/☃", ""),
        ("DELETE", "/a/../b/./c", ""),
        ("POST", "/?a=1&a=2&b=%26&c=%3Cscript%3E&d", ""),
        ("POST", "/headers", many.as_str()),
        ("POST", "/huge", huge.as_str()),
        ("POST", "/repeat", "X-A: 1\r\nX-A: 2\r\nCookie: a=1; b=2\r\n"),
        ("POST", "/value", "X-Value: <b>\"caf\u{e9}\"</b>\r\n"),
    ] {
        let request = format!(
            "{method} /hook/{endpoint}{below} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n{headers}\r\n"
        );
        let answer = raw(addr, request.as_bytes()).await.unwrap();
        assert_eq!(answer.status, 200, "{method} {below}: {}", answer.text);
    }
    let log = person.log("").await.deliveries;
    let seen: Vec<_> =
        log.iter().map(|d| (d.request.method.as_str(), d.request.path.as_str())).collect();
    assert_eq!(
        seen,
        [
            ("GET", "/"),
            ("HEAD", "/"),
            ("OPTIONS", "/a/b/c"),
            ("POST", "//double//slash"),
            ("PUT", "/a%2Fb%20c%C3%A9%00"),
            ("PATCH", "/é/☃"),
            ("DELETE", "/a/../b/./c"),
            ("POST", "/"),
            ("POST", "/headers"),
            ("POST", "/huge"),
            ("POST", "/repeat"),
            ("POST", "/value"),
        ]
    );
    assert_eq!(log[7].request.query, "a=1&a=2&b=%26&c=%3Cscript%3E&d");
    let header =
        |at: usize, name: &str| log[at].request.headers.get(name).unwrap_or_default().to_owned();
    for n in 0..60 {
        assert_eq!(header(8, &format!("x-header-{n}")), format!("value {n}"));
    }
    assert_eq!(header(9, "x-huge").len(), 16 * 1024);
    assert_eq!(header(10, "x-a"), "1,2", "the gateway joins repeats");
    assert_eq!(header(10, "cookie"), "a=1; b=2");
    assert_eq!(header(11, "x-value"), "<b>\"café\"</b>");
    assert!(log[0].request.added.contains(&"x-forwarded-for".to_owned()));
    assert_eq!(log[1].response.body, "", "an answer to HEAD has no body, and the log says so");
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn what_cloudfront_refuses_gets_the_same_status() {
    let home = Home::start().await;
    let person = home.person().await;
    let endpoint = person.endpoint.as_str();
    let addr = home.stack.page_addr();
    let head = |method: &str, below: &str, headers: &str| {
        format!(
            "{method} /hook/{endpoint}{below} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n{headers}\r\n"
        )
    };
    let long = format!("/{}", "x".repeat(8 * 1024));
    let headers: String = (0..30).map(|n| format!("X-{n}: {}\r\n", "v".repeat(1000))).collect();
    let body = format!("Content-Length: {}\r\n", 5 * 1024 * 1024);
    let mut large = head("POST", "", &body).into_bytes();
    large.extend(std::iter::repeat_n(b'x', 5 * 1024 * 1024));
    for (request, status) in [
        (head("TRACE", "", "").into_bytes(), 403),
        (head("BREW", "", "").into_bytes(), 403),
        (head("POST", &long, "").into_bytes(), 413),
        (head("POST", "", &headers).into_bytes(), 413),
        (large, 413),
        (format!("{}hi", head("GET", "", "Content-Length: 2\r\n")).into_bytes(), 403),
    ] {
        let answer = raw(addr, &request).await.unwrap();
        assert_eq!(answer.status, status, "{}", answer.text);
        assert!(answer.text.contains("application/problem+json"), "{}", answer.text);
    }
    assert_eq!(person.log("").await.last_seq, 0, "what the front refuses nobody sees");
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn an_unknown_hook_url_gets_a_404_that_says_why() {
    let home = Home::start().await;
    let stranger = Person::new(&home.stack.page_url, &home.client);
    for url in [stranger.hook_url(), format!("{}/hook/nonsense", home.stack.page_url)] {
        let response =
            home.client.send(Request::post(url).body(Bytes::new()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert!(
            json(&response)["detail"]
                .as_str()
                .unwrap()
                .contains("never created, has expired or was forgotten")
        );
    }
    home.stack.stop().await.unwrap();
}
