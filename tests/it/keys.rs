//! Who may do what.

use http::{Method, StatusCode};
use tests::{
    client::json,
    home::{Home, Person},
};

#[tokio::test]
async fn every_call_requires_its_key() {
    let home = Home::start().await;
    let person = home.person().await;
    let (own, share) = (person.owner.reveal(), person.share.reveal());
    let check = async |key: &str, method: &str, path: &str, status: u16| {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let response = person.call_with(key, method.clone(), path, "").await;
        assert_eq!(response.status().as_u16(), status, "{method} {path} {key}");
        if status >= 400 {
            let problem = json(&response);
            assert_eq!(problem["status"], status);
            assert!(!problem["detail"].as_str().unwrap().is_empty());
            let text = problem.to_string();
            assert!(
                !text.contains("own_AA")
                    && !text.contains(&own[5..])
                    && !text.contains(&share[6..])
            );
        }
    };
    for (method, path) in [
        ("PUT", "/api/endpoint"),
        ("DELETE", "/api/endpoint"),
        ("DELETE", "/api/log"),
        ("PUT", "/api/reply"),
        ("DELETE", "/api/reply"),
    ] {
        for key in ["", "own_", "own_AA", "read_x", person.endpoint.as_str(), &own.to_uppercase()] {
            check(key, method, path, 401).await;
        }
        check(share, method, path, 403).await;
    }
    for (method, path) in [("GET", "/api/endpoint"), ("GET", "/api/log")] {
        check("", method, path, 401).await;
        check(share, method, path, 200).await;
        check(own, method, path, 200).await;
    }
    check("", "GET", "/api/health", 200).await;
    check(own, "GET", "/api/nothing", 404).await;
    check(own, "POST", "/api/log", 405).await;
    check(own, "GET", "/api/log?after=x", 400).await;
    check(own, "GET", "/api/log?limit=501", 400).await;
    check(own, "GET", "/api/log?unknown=1", 200).await;
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_key_whose_endpoint_does_not_exist_gets_404() {
    let home = Home::start().await;
    let nobody = Person::new(&home.stack.page_url, &home.client);
    for (method, path) in [
        (Method::GET, "/api/endpoint"),
        (Method::GET, "/api/log"),
        (Method::DELETE, "/api/log"),
        (Method::DELETE, "/api/endpoint"),
        (Method::DELETE, "/api/reply"),
    ] {
        assert_eq!(
            nobody.call(method.clone(), path, "").await.status(),
            StatusCode::NOT_FOUND,
            "{method} {path}"
        );
    }
    let reply = nobody.call(Method::PUT, "/api/reply", r#"{"status":200}"#).await;
    assert_eq!(reply.status(), StatusCode::NOT_FOUND);
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_share_key_reads_the_log_without_its_secrets() {
    let home = Home::start().await;
    let person = home.person().await;
    let request = http::Request::post(person.hook_url())
        .header("authorization", "Bearer planted-secret-1")
        .header("x-api-key", "planted-secret-2")
        .header("cookie", "session=planted-secret-3")
        .header("content-type", "text/plain")
        .body("a visible body".into())
        .unwrap();
    assert!(home.client.send(request).await.unwrap().status().is_success());
    person.reply_with(r#"{"status":200,"body":"planted-secret-4"}"#).await;

    let read = async |path: &str| {
        let response = person.call_with(person.share.reveal(), Method::GET, path, "").await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        String::from_utf8(response.body().to_vec()).unwrap()
    };
    for path in ["/api/log", "/api/log?last=1", "/api/endpoint"] {
        let text = read(path).await;
        assert!(!text.contains("planted-secret"), "{text}");
        assert!(!text.contains("127.0.0.1\"") || path == "/api/endpoint", "{text}");
    }
    let log = read("/api/log").await;
    assert!(log.contains("a visible body") && log.contains("text/plain"));
    assert!(read("/api/endpoint").await.contains(r#""reply":null"#));
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn an_endpoint_tells_what_its_owner_needs() {
    let home = Home::start().await;
    let person = home.person().await;
    person.post("text/plain", "x").await;
    let again = person.create().await;
    assert_eq!(again.hook_url, person.hook_url());
    assert_eq!((again.first_seq, again.last_seq), (1, 1), "Start again changes nothing");
    assert!(again.expires_at > again.created_at);
    assert_eq!(again.limits.max_body_bytes, 262_144);
    assert!(again.reply.is_none());
    home.stack.stop().await.unwrap();
}
