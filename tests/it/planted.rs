//! No program writes a secret to its log or repeats one in an error.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response};
use local::{
    engine::Engine,
    gateway::{self, Arrived},
};
use tests::{
    DEADLINE,
    account::Account,
    client::{Client, json},
    eventually,
    home::{Home, Person},
};

/// In a header, a cookie, a query, a path and a body of a webhook.
const PLANTED: [&str; 5] = [
    "planted-in-a-header",
    "planted-in-a-cookie",
    "planted-in-a-query",
    "planted-in-a-path",
    "planted-in-a-body",
];
const CODE: &str = "481516";
const ORIGIN_SECRET: &str = "0123456789abcdef0123456789abcdef";

/// What was planted around one person, besides [`PLANTED`].
fn secrets(person: &Person) -> Vec<String> {
    let mut secrets: Vec<String> = PLANTED.map(str::to_owned).into();
    secrets.extend([
        person.owner.reveal().to_owned(),
        person.share.reveal().to_owned(),
        // Nor without what all keys begin with.
        person.owner.reveal()[4..].to_owned(),
        person.share.reveal()[5..].to_owned(),
    ]);
    secrets
}

fn clean(text: &str, secrets: &[String], what: &str) {
    for secret in secrets {
        assert!(!text.contains(secret.as_str()), "{what} has {secret}: {text}");
    }
}

/// Webhooks and calls with secrets in them, good ones and such as are refused. Gives back the refusals.
fn calls(person: &Person) -> Vec<Request<Bytes>> {
    let hook = |method: Method, below: &str| {
        Request::builder()
            .method(method)
            .uri(format!("/hook/{}{below}", person.endpoint))
            .header("authorization", format!("Bearer {}", PLANTED[0]))
            .header("x-api-key", PLANTED[0])
            .header("cookie", format!("session={}", PLANTED[1]))
    };
    let body = || Bytes::from(format!(r#"{{"id":"{0}","event":"{0}","data":"{0}"}}"#, PLANTED[4]));
    let below = format!("/{}?token={}", PLANTED[3], PLANTED[2]);
    let mut calls = vec![
        hook(Method::POST, &below).body(body()).unwrap(),
        hook(Method::POST, "").body(body()).unwrap(),
        hook(Method::GET, &below).body(Bytes::new()).unwrap(),
        // Too large, of another shape, of another method, to nobody.
        hook(Method::POST, &below).body(Bytes::from(PLANTED[4].repeat(20_000))).unwrap(),
        hook(Method::POST, &below)
            .header("content-type", "application/json")
            .body(Bytes::from(format!("{{\"{}", PLANTED[4])))
            .unwrap(),
        hook(Method::TRACE, &below).body(Bytes::new()).unwrap(),
        Request::post(format!("/hook/nobody/{}?{}", PLANTED[3], PLANTED[2])).body(body()).unwrap(),
    ];
    let (own, share) = (person.owner.reveal(), person.share.reveal());
    for (method, path, key, body) in [
        ("GET", "/api/log", own, ""),
        ("GET", "/api/log", share, ""),
        ("GET", "/api/log?after=planted-in-a-query", own, ""),
        ("GET", "/api/log?limit=planted-in-a-query", share, ""),
        ("GET", "/api/planted-in-a-path", own, ""),
        ("PATCH", "/api/log", own, ""),
        ("PUT", "/api/reply", share, r#"{"status":200}"#),
        ("PUT", "/api/reply", own, r#"{"status":200,"content_type":"planted-in-a-body"}"#),
        ("PUT", "/api/reply", own, r#"{"status":200,"headers":[["planted-in-a-body","x"]]}"#),
        ("PUT", "/api/reply", own, r#"{"status":"planted-in-a-body"}"#),
        ("PUT", "/api/reply", own, "planted-in-a-body"),
        ("PUT", "/api/reply", own, r#"{"status":200,"body":"planted-in-a-body"}"#),
        ("GET", "/api/endpoint", "own_planted-in-a-header", ""),
        ("GET", "/api/endpoint", "planted-in-a-header", ""),
        ("DELETE", "/api/log", own, ""),
        ("DELETE", "/api/endpoint", share, ""),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {key}"))
            .header("x-viewer-host", "hooks.example")
            .body(Bytes::from_static(body.as_bytes()));
        calls.push(request.unwrap());
    }
    calls
}

/// That a refusal repeats nothing of what it refuses.
fn check_refusal(answer: &Response<Bytes>, secrets: &[String], what: &str) {
    if answer.status().is_client_error() || answer.status().is_server_error() {
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        clean(&text, secrets, what);
        let headers = format!("{:?}", answer.headers());
        clean(&headers, secrets, what);
    }
}

async fn send(person: &Person, mut request: Request<Bytes>) -> Response<Bytes> {
    let uri = format!("{}{}", person.page_url, request.uri());
    *request.uri_mut() = uri.parse().unwrap();
    person.client.send(request).await.unwrap()
}

#[tokio::test]
async fn the_local_home_logs_and_returns_no_secret() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let home = Home::start_with(|config| {
        let lines = Arc::clone(&lines);
        // Every line, whatever its level, with all that is known about the answer.
        config.log = Arc::new(move |line| lines.lock().unwrap().push(format!("{line:?}")));
        config.particle.mfa = Some(CODE.to_owned());
    })
    .await;
    let person = home.person().await;
    let mut secrets = secrets(&person);
    let demo = home.stack.cloud().credentials();
    secrets.extend([demo.password.clone(), CODE.to_owned()]);
    for request in calls(&person) {
        let what = format!("{} {}", request.method(), request.uri());
        let answer = send(&person, request).await;
        check_refusal(&answer, &secrets, &what);
    }

    // The simulated cloud: signing in by password and code, well and wrongly, and hooks that show a secret.
    let cloud = format!("http://{}", home.stack.cloud().addr());
    let token = async |form: String| {
        let request = Request::post(format!("{cloud}/oauth/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(form))
            .unwrap();
        let answer = home.client.send(request).await.unwrap();
        check_refusal(&answer, &secrets, "signing in");
        json(&answer)
    };
    let sign_in = |password: &str| {
        format!(
            "grant_type=password&client_id=particle&client_secret=particle&username={}&password={password}",
            demo.username
        )
    };
    token(sign_in("planted-in-a-body")).await;
    let asked = token(sign_in(&demo.password)).await;
    let mfa = asked["mfa_token"].as_str().expect("a code is asked for");
    let code = |code: &str, mfa: &str| {
        format!(
            "grant_type=urn:custom:mfa-otp&client_id=particle&client_secret=particle&mfa_token={mfa}&otp={code}"
        )
    };
    token(code("planted-in-a-body", mfa)).await;
    let asked = token(sign_in(&demo.password)).await;
    let mfa = asked["mfa_token"].as_str().expect("a code is asked for");
    let signed_in = token(code(CODE, mfa)).await;
    let access = signed_in["access_token"].as_str().expect("a token").to_owned();
    secrets.extend([access.clone(), mfa.to_owned()]);
    let account = Account::with_token(&home, &access);
    let hook = serde_json::json!({
        "integration_type": "Webhook", "event": "x", "url": person.hook_url(), "requestType": "POST", "noDefaults": true,
        "headers": { "Authorization": "Bearer planted-in-a-header" }, "json": { "from": "planted-in-a-body" },
    });
    account.ask(Method::POST, "/v1/integrations", hook).await;
    person.create().await;
    account.publish("x", "planted-in-a-body").await;
    eventually("the hook was called", || async {
        (person.log("last=1").await.last_seq > 0).then_some(())
    })
    .await;
    for (method, path) in [
        (Method::GET, format!("/v1/nothing/{access}")),
        (Method::DELETE, "/v1/access_tokens/planted-in-a-path".to_owned()),
        (Method::PUT, "/v1/devices/planted-in-a-path".to_owned()),
        (Method::POST, "/v1/integrations".to_owned()),
        (Method::PATCH, "/v1/integrations".to_owned()),
    ] {
        let body = serde_json::json!({ "planted-in-a-body": "planted-in-a-body" });
        let answer = account.call(method, &path, body).await;
        assert!(answer.status().is_client_error(), "{path}");
        check_refusal(&answer, &secrets, &path);
    }
    let stranger = Account::with_token(&home, "planted-in-a-header");
    let answer = stranger.call(Method::GET, "/v1/user", serde_json::Value::Null).await;
    check_refusal(&answer, &secrets, "a wrong token");

    home.stack.stop().await.unwrap();
    let lines = lines.lock().unwrap();
    assert!(lines.len() > 20, "{lines:?}");
    for line in lines.iter() {
        clean(line, &secrets, "a log line");
    }
}

#[tokio::test]
async fn the_real_binaries_log_and_return_no_secret() {
    let data = tempfile::tempdir().unwrap();
    let engine = Engine::start(data.path()).await.unwrap();
    let store = engine.store("secrets");
    store::table::create_if_absent(&store).await.unwrap();
    let person = Person::new("unused", &Client::default());
    let mut secrets = secrets(&person);
    secrets.push(ORIGIN_SECRET.to_owned());
    let arrived =
        Arrived { from: [203, 0, 113, 7].into(), port: 443, at: function_url::system_clock()() };
    // With the table, and without one, when every call fails inside.
    for engine_url in [engine.url.as_str(), "http://127.0.0.1:1"] {
        let variables = [
            ("TABLE_NAME", "secrets"),
            ("ORIGIN_SECRET", ORIGIN_SECRET),
            ("LOG_LEVEL", "debug"),
            ("AWS_ENDPOINT_URL_DYNAMODB", engine_url),
        ];
        let (mut receiver, mut api) = crate::both_functions(&variables, &[]).await;
        let create = Request::put("/api/endpoint")
            .header("authorization", format!("Bearer {}", person.owner.reveal()))
            .body(Bytes::new())
            .unwrap();
        let mut refusals = 0;
        for mut request in [create].into_iter().chain(calls(&person)) {
            let what = format!("{} {}", request.method(), request.uri());
            // Some come with the front's secret and one in three without.
            if what.len() % 3 != 0 {
                let secret = ORIGIN_SECRET.parse().unwrap();
                request.headers_mut().insert("x-origin-secret", secret);
            }
            let function = match request.uri().path().starts_with("/hook/") {
                true => &mut receiver,
                false => &mut api,
            };
            let event = gateway::event(&request, arrived, "id").unwrap();
            let event = String::from_utf8(event).unwrap();
            let answer = function.invoke(&event, DEADLINE).await.unwrap();
            let answer = gateway::response(answer.json.as_bytes()).unwrap();
            refusals += u32::from(!answer.status().is_success());
            check_refusal(&answer, &secrets, &what);
        }
        assert!(refusals > 10, "{refusals}");
        for function in [&mut receiver, &mut api] {
            function.kill().await.unwrap();
            let lines = function.lines();
            assert!(lines.len() > 3, "{lines:?}");
            for line in lines {
                clean(&line, &secrets, "a log line");
            }
        }
    }
    engine.stop().await;
}
