//! The local home lets in this machine's own page and programs, and no other site.

use bytes::Bytes;
use http::{Request, StatusCode};
use tests::{
    client::{header, json, raw},
    home::Home,
};

#[tokio::test]
async fn every_route_looks_at_host_and_origin() {
    let home = Home::start().await;
    let person = home.person().await;
    let addr = home.stack.page_addr();
    let own = home.stack.page_url.clone();
    let hook = format!("/hook/{}", person.endpoint);
    for path in [
        "/",
        "/config.json",
        "/api/health",
        "/api/endpoint",
        hook.as_str(),
    ] {
        for (host, origin, status) in [
            ("evil.example", "", Some(421)),
            (&format!("evil.example:{}", addr.port()), "", Some(421)),
            ("127.0.0.1", "", Some(421)),
            (&addr.to_string(), "https://evil.example", Some(403)),
            (&addr.to_string(), "null", Some(403)),
            (&addr.to_string(), "http://127.0.0.1:1", Some(403)),
            (&addr.to_string(), &own, None),
            (&addr.to_string(), "", None),
            (&format!("[::1]:{}", addr.port()), "", None),
        ] {
            let origin_line = if origin.is_empty() {
                String::new()
            } else {
                format!("Origin: {origin}\r\n")
            };
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{origin_line}\r\n"
            );
            let answer = raw(addr, request.as_bytes()).await.unwrap();
            match status {
                Some(status) => assert_eq!(answer.status, status, "{path} {host} {origin}"),
                None => assert!(
                    ![403, 421].contains(&answer.status),
                    "{path} {host} {origin}: {}",
                    answer.text
                ),
            }
            assert!(
                !answer
                    .text
                    .to_ascii_lowercase()
                    .contains("access-control-allow"),
                "no CORS header anywhere"
            );
        }
    }
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn localhost_leads_to_the_one_origin_of_the_page_and_takes_webhooks() {
    let home = Home::start().await;
    let person = home.person().await;
    let addr = home.stack.page_addr();
    let page = format!(
        "GET / HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n",
        addr.port()
    );
    let answer = raw(addr, page.as_bytes()).await.unwrap();
    assert_eq!(answer.status, 308);
    assert!(
        answer
            .text
            .contains(&format!("location: {}/\r\n", home.stack.page_url)),
        "{}",
        answer.text
    );
    let hook = format!(
        "POST /hook/{} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
        person.endpoint,
        addr.port()
    );
    assert_eq!(raw(addr, hook.as_bytes()).await.unwrap().status, 200);
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn the_page_has_a_strict_policy_and_scripts_of_the_right_type() {
    let home = Home::start().await;
    let get = async |path: &str| {
        let request = Request::get(format!("{}{path}", home.stack.page_url))
            .body(Bytes::new())
            .unwrap();
        home.client.send(request).await.unwrap()
    };
    let page = get("/").await;
    assert_eq!(page.status(), StatusCode::OK);
    let cloud = format!("http://{}", home.stack.cloud().addr());
    for path in ["/", "/no-such-page"] {
        let answer = get(path).await;
        for (name, value) in site::policy::headers(&home.stack.page_url, &[&cloud]) {
            assert_eq!(header(answer.headers(), name), value, "{path}");
        }
    }
    let policy = header(page.headers(), "content-security-policy").to_owned();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(
        !policy.contains("unsafe") && !policy.contains('*'),
        "{policy}"
    );
    let html = String::from_utf8(page.body().to_vec()).unwrap();
    assert!(
        !html.contains("style=") && !html.contains("<style") && !html.contains(" onclick"),
        "no inline style or handler"
    );
    for tag in html.split("<script").skip(1) {
        let (attributes, rest) = tag.split_once('>').unwrap();
        assert!(
            attributes.contains("src=") && rest.starts_with("</script>"),
            "no inline script: {attributes}"
        );
    }
    for source in html
        .split("src=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
    {
        let script = get(source).await;
        assert_eq!(script.status(), StatusCode::OK, "{source}");
        assert!(
            header(script.headers(), "content-type").starts_with("text/javascript"),
            "{source}"
        );
        assert!(header(script.headers(), "cache-control").contains("immutable"));
    }
    assert_eq!(get("/nothing-here").await.status(), StatusCode::NOT_FOUND);
    let config = get("/config.json").await;
    assert!(json(&config)["clouds"].is_array());
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn with_a_public_url_a_third_listener_takes_webhooks_and_nothing_else() {
    let home =
        Home::start_with(|config| config.public_url = Some("https://hooks.example".into())).await;
    let person = tests::home::Person::new(&home.stack.page_url, &home.client);
    let info = person.create().await;
    assert_eq!(
        info.hook_url,
        format!("https://hooks.example/hook/{}", person.endpoint)
    );
    let hook = home.stack.hook_addr().unwrap();
    let send = async |path: &str| {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: hooks.example\r\nConnection: close\r\n\r\n");
        raw(hook, request.as_bytes()).await.unwrap().status
    };
    assert_eq!(send(&format!("/hook/{}", person.endpoint)).await, 200);
    for path in ["/", "/api/health", "/api/log", "/config.json"] {
        assert_eq!(send(path).await, 404, "{path}");
    }
    assert_eq!(person.log("").await.last_seq, 1);
    home.stack.stop().await.unwrap();
}
