//! The local home lets in this machine's own page and programs, and no other site.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use tests::{
    client::{header, json, raw},
    home::Home,
};

#[tokio::test]
async fn every_route_checks_host_and_origin() {
    let home = Home::start().await;
    let person = home.person().await;
    let addr = home.stack.page_addr();
    let own = home.stack.page_url.clone();
    let hook = format!("/hook/{}", person.endpoint);
    for path in ["/", "/config.json", "/api/health", "/api/endpoint", hook.as_str()] {
        for (host, origin, status) in [
            ("evil.example", "", Some(421)),
            (&format!("evil.example:{}", addr.port()), "", Some(421)),
            ("127.0.0.1", "", Some(421)),
            (&addr.to_string(), "https://evil.example", Some(403)),
            (&addr.to_string(), "null", Some(403)),
            (&addr.to_string(), "http://127.0.0.1:1", Some(403)),
            (&addr.to_string(), &format!("{own}\r\nOrigin: https://evil.example"), Some(403)),
            (&format!("{addr}\r\nHost: evil.example"), "", Some(421)),
            (&format!("{addr}\r\nHost: {addr}"), "", Some(421)),
            (&addr.to_string(), &own, None),
            (&addr.to_string(), "", None),
            (&format!("[::1]:{}", addr.port()), "", None),
        ] {
            let origin_line =
                if origin.is_empty() { String::new() } else { format!("Origin: {origin}\r\n") };
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{origin_line}\r\n"
            );
            let answer = raw(addr, request.as_bytes()).await.unwrap();
            // Any page may send a webhook.
            match status.filter(|status| *status == 421 || path != hook) {
                Some(status) => assert_eq!(answer.status, status, "{path} {host} {origin}"),
                None => assert!(
                    ![403, 421].contains(&answer.status),
                    "{path} {host} {origin}: {}",
                    answer.text
                ),
            }
            assert!(
                !answer.text.to_ascii_lowercase().contains("access-control-allow"),
                "no CORS header anywhere"
            );
        }
    }
    // A line with a whole URL in it may not say something else than the header.
    for (line, host, status) in [
        (own.as_str(), addr.to_string(), 200),
        (&own, "evil.example".to_owned(), 421),
        ("http://evil.example", addr.to_string(), 421),
    ] {
        let request =
            format!("GET {line}/config.json HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = raw(addr, request.as_bytes()).await.unwrap();
        assert_eq!(answer.status, status, "{line} {host}");
    }
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn localhost_redirects_to_the_page_and_accepts_webhooks() {
    let home = Home::start().await;
    let person = home.person().await;
    let addr = home.stack.page_addr();
    for method in ["GET", "HEAD"] {
        let page = format!(
            "{method} /?a=%20&b HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n",
            addr.port()
        );
        let answer = raw(addr, page.as_bytes()).await.unwrap();
        assert_eq!(answer.status, 308);
        let place = format!("location: {}/?a=%20&b\r\n", home.stack.page_url);
        assert!(answer.text.contains(&place), "{}", answer.text);
        // The port may be another program's tomorrow.
        let kept = answer.text.contains("cache-control: no-store\r\n");
        assert!(kept, "{}", answer.text);
    }
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
        let request =
            Request::get(format!("{}{path}", home.stack.page_url)).body(Bytes::new()).unwrap();
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
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
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
    for source in html.split("src=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
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
async fn the_hook_port_accepts_webhooks_and_nothing_else() {
    let home =
        Home::start_with(|config| config.public_url = Some("https://hooks.example".into())).await;
    let person = tests::home::Person::new(&home.stack.page_url, &home.client);
    let info = person.create().await;
    assert_eq!(info.hook_url, format!("https://hooks.example/hook/{}", person.endpoint));
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
    let page = person.log("").await;
    assert_eq!(page.last_seq, 1);
    let headers = &page.deliveries[0].request.headers;
    let port = hook.port().to_string();
    assert_eq!(headers.get("x-forwarded-port"), Some(port.as_str()));
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn every_response_has_the_cross_origin_headers() {
    let home = Home::start_with(|config| {
        config.public_url = Some("https://hooks.example".into());
        config.server.body_timeout = Duration::from_millis(500);
        config.server.large_bodies = 0;
        config.server.answer_timeout = Duration::from_secs(1);
    })
    .await;
    let person = home.person().await;
    let page = home.stack.page_addr();
    let tunnel = home.stack.hook_addr().unwrap();
    let own = format!("Host: {page}");
    let hook = format!("/hook/{}", person.endpoint);
    let long = format!("/{}", "x".repeat(9_000));
    let body =
        |length: usize| format!("\r\nContent-Length: {length}\r\n\r\n{}", "x".repeat(length));
    let (none, some, large) = (body(0), body(5), body(300_000));
    let cut = "\r\nContent-Length: 9\r\n\r\nx".to_owned();
    for (at, method, target, host, rest, status) in [
        (page, "GET", "/", own.as_str(), &none, 200),
        (page, "GET", "/config.json", &own, &none, 200),
        (page, "GET", "/no-such-page", &own, &none, 404),
        (page, "POST", "/", &own, &some, 405),
        (page, "GET", "/", &format!("Host: localhost:{}", page.port()), &none, 308),
        (page, "GET", "/", "Host: evil.example", &none, 421),
        (page, "GET", "/", "X-No-Host: 1", &none, 421),
        (page, "GET", "/api/log", &format!("{own}\r\nOrigin: null"), &none, 403),
        (page, "GET", "/api/health", &own, &none, 200),
        (page, "GET", "/api/log", &own, &none, 401),
        (page, "GET", "/api/no-such-call", &own, &none, 404),
        (page, "POST", &hook, &own, &some, 200),
        (page, "POST", "/hook/nobody", &own, &some, 404),
        (page, "TRACE", &hook, &own, &none, 403),
        (page, "GET", &hook, &own, &some, 403),
        (page, "GET", &long, &own, &none, 413),
        (page, "POST", &hook, &own, &cut, 408),
        (page, "POST", &hook, &own, &large, 503),
        (tunnel, "POST", &hook, "Host: hooks.example", &some, 200),
        (tunnel, "GET", "/", "Host: hooks.example", &none, 404),
    ] {
        let request = format!("{method} {target} HTTP/1.1\r\nConnection: close\r\n{host}{rest}");
        let answer = raw(at, request.as_bytes()).await.unwrap();
        let case = format!("{method} {target} {host}: {}", answer.text);
        assert_eq!(answer.status, status, "{case}");
        let (head, _) = answer.text.split_once("\r\n\r\n").unwrap();
        assert_eq!(head.contains("\r\nallow: "), status == 405, "{case}");
        for line in [
            "x-content-type-options: nosniff\r\n",
            "referrer-policy: no-referrer\r\n",
            "cross-origin-resource-policy: same-origin\r\n",
            "cross-origin-opener-policy: same-origin\r\n",
            "cache-control: ",
        ] {
            assert_eq!(head.matches(line).count(), 1, "{line:?} {case}");
        }
    }
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn other_sites_may_embed_nothing_but_hook_responses() {
    let home = Home::start().await;
    let person = home.person().await;
    let addr = home.stack.page_addr();
    let hook = format!("/hook/{}", person.endpoint);
    for (site, mode, dest, target, status) in [
        ("same-origin", "cors", "empty", "/config.json", 200),
        ("none", "navigate", "document", "/", 200),
        // Somebody follows a link.
        ("cross-site", "navigate", "document", "/", 200),
        ("cross-site", "navigate", "iframe", "/", 403),
        ("cross-site", "no-cors", "image", "/", 403),
        ("cross-site", "no-cors", "script", "/config.json", 403),
        // A page of another port of this computer.
        ("same-site", "no-cors", "script", "/config.json", 403),
        ("same-site", "no-cors", "image", "/api/health", 403),
        ("cross-site", "no-cors", "image", &hook, 200),
    ] {
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\nSec-Fetch-Site: {site}\r\nSec-Fetch-Mode: {mode}\r\nSec-Fetch-Dest: {dest}\r\n\r\n"
        );
        let answer = raw(addr, request.as_bytes()).await.unwrap();
        assert_eq!(answer.status, status, "{target} {site} {mode} {dest}");
    }
    home.stack.stop().await.unwrap();
}
