//! The deployed binaries do what the local home does: one table of requests, both ways, all that comes of it compared.
//!
//! Each request is made an event by the gateway. One endpoint's go to the functions in this process, as under `cargo run`;
//! another's go to the real binaries, under the emulated Runtime API with the variables that the template gives them. Both
//! write to the same engine, so what differs in the log differs by the home.

use std::sync::Arc;

use bytes::Bytes;
use delivery::limits::Limits;
use function_url::service::Service;
use http::{Method, Request, Response};
use local::{
    engine::Engine,
    gateway::{self, Arrived},
};
use runtime_api::Environment;
use serde_json::{Value, json};
use tests::{DEADLINE, client::Client, home::Person};

const TABLE: &str = "parity";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const CODE: &str = "a code of the operator's";
/// The address from which a case comes if it does not say: the CDN's.
const FRONT: &str = "198.51.100.20";

/// One request, with `{endpoint}`, `{owner}` and `{share}` where the sender's are.
#[derive(Clone, Default)]
struct Case {
    method: Method,
    target: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    body: Bytes,
    from: &'static str,
}

fn hook(method: Method, below: &'static str) -> Case {
    Case { method, target: below, from: FRONT, ..Case::default() }
}

fn post(content_type: &'static str, body: impl Into<Bytes>) -> Case {
    Case {
        headers: vec![("content-type", content_type)],
        body: body.into(),
        ..hook(Method::POST, "/hook/{endpoint}")
    }
}

fn call(key: &'static str, method: Method, target: &'static str, body: &'static str) -> Case {
    Case {
        headers: vec![("authorization", key), ("x-viewer-host", "hooks.example")],
        body: body.into(),
        ..hook(method, target)
    }
}

const OWNER: &str = "Bearer {owner}";
const SHARE: &str = "Bearer {share}";

fn cases() -> Vec<Case> {
    let event = r#"{"event":"a","data":"{\"id\":1652008511}","coreid":"0123456789abcdef01234567"}"#;
    let mut cases = vec![
        post("application/json", event),
        post("application/json", "{\"broken\":"),
        post("application/x-www-form-urlencoded", "event=a&data=%7B%22id%22%3A%22x%22%7D"),
        post("application/octet-stream", vec![0, 255, 10, 13, 128]),
        // Text by its type, and not by its bytes: it travels in base64.
        post("text/plain", vec![0xff, 0xfe]),
        post("text/plain; charset=utf-8", "ünïcödé \u{202e}☃\u{0}🦀"),
        post("application/json", ""),
        post("text/plain", vec![b'x'; 256 * 1024]),
        post("text/plain", vec![b'y'; 256 * 1024 + 1]),
        Case {
            headers: vec![
                ("cookie", "a=1; b=2"),
                ("cookie", "c=3"),
                ("x-twice", "1"),
                ("x-twice", "2"),
                ("user-agent", "ParticleBot/1.1 (https://docs.particle.io/webhooks)"),
                ("x-text", "caf\u{e9} <b>"),
                ("x-viewer-address", "2001:db8::7"),
                ("x-forwarded-for", "192.0.2.9"),
            ],
            ..hook(Method::GET, "/hook/{endpoint}/cookies?a=1&a=2&b=%26%3C")
        },
        Case { from: "2001:db8::9", ..hook(Method::GET, "/hook/{endpoint}/from-an-ipv6-address") },
        hook(Method::GET, "/hook/{endpoint}//a%2Fb%20c%C3%A9/../%00"),
        hook(Method::POST, "/hook/aaaaaaaaaaaaaaaaaaaaaaaaaa"),
        hook(Method::POST, "/hook/nonsense"),
        // Without the secret: sent to the function URL and not through the CDN.
        Case { headers: vec![("x-origin-secret", "a guess")], ..post("application/json", event) },
        call(
            OWNER,
            Method::PUT,
            "/api/reply",
            r#"{"status":503,"content_type":"text/plain","headers":[["retry-after","7"],["x-reply-a","1,2"]],"body":"ü {{id}}","times":2}"#,
        ),
        post("application/json", event),
        hook(Method::HEAD, "/hook/{endpoint}"),
        call(OWNER, Method::PUT, "/api/reply", r#"{"status":99}"#),
        call(SHARE, Method::PUT, "/api/reply", "{}"),
        call("Bearer nobody", Method::GET, "/api/log", ""),
        call(OWNER, Method::PATCH, "/api/log", ""),
        call(OWNER, Method::GET, "/api/log?limit=0", ""),
        call(OWNER, Method::GET, "/api/elsewhere", ""),
        call(OWNER, Method::GET, "/api/health", ""),
        call(OWNER, Method::GET, "/api/endpoint", ""),
        call(SHARE, Method::GET, "/api/endpoint", ""),
        call(SHARE, Method::GET, "/api/log?last=20", ""),
    ];
    cases.extend(receiver::response::METHODS.map(|method| hook(method, "/hook/{endpoint}/%2F")));
    cases.push(hook(Method::TRACE, "/hook/{endpoint}"));
    cases
}

/// What can't be the same twice, and stands in the log or an answer all the same.
const DIFFER: [&str; 6] =
    ["created_at", "cursor", "expires_at", "received_at", "took_ms", "x-amzn-trace-id"];

/// A JSON value without what can't be the same twice.
fn comparable(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| match DIFFER.contains(&name.as_str()) {
                true => (name, json!("differs")),
                false => (name, comparable(value)),
            })
            .collect(),
        Value::Array(pair)
            if pair.first().and_then(Value::as_str).is_some_and(|n| DIFFER.contains(&n)) =>
        {
            json!([pair[0], "differs"])
        }
        Value::Array(list) => list.into_iter().map(comparable).collect(),
        other => other,
    }
}

/// A person, and one way to the functions.
struct Way<'a> {
    person: Person,
    home: Functions<'a>,
}

enum Functions<'a> {
    Here { receiver: Service, api: Service },
    Binaries { receiver: &'a mut Environment, api: &'a mut Environment },
}

impl Way<'_> {
    async fn send(&mut self, case: &Case) -> Response<Bytes> {
        let mine = |text: &str| {
            text.replace("{endpoint}", self.person.endpoint.as_str())
                .replace("{owner}", self.person.owner.reveal())
                .replace("{share}", self.person.share.reveal())
        };
        let mut request = Request::builder()
            .method(case.method.clone())
            .uri(mine(case.target))
            .header("host", "abc.lambda-url.eu-central-1.on.aws");
        if !case.headers.iter().any(|(name, _)| *name == "x-origin-secret") {
            request = request.header("x-origin-secret", SECRET);
        }
        for (name, value) in &case.headers {
            request = request.header(*name, mine(value).as_bytes());
        }
        let request = request.body(case.body.clone()).unwrap();
        let arrived = Arrived {
            from: case.from.parse().unwrap(),
            port: 443,
            at: function_url::system_clock()(),
        };
        let is_hook = case.target.starts_with("/hook/");
        match &mut self.home {
            Functions::Here { receiver, api } => {
                let service = if is_hook { receiver } else { api };
                gateway::invoke(service, request, arrived).await.unwrap()
            }
            Functions::Binaries { receiver, api } => {
                let function = if is_hook { receiver } else { api };
                let event = gateway::event(&request, arrived, "id").unwrap();
                let event = String::from_utf8(event).unwrap();
                let answer = function.invoke(&event, DEADLINE).await.unwrap();
                assert!(answer.ok, "{}", answer.json);
                gateway::response(answer.json.as_bytes()).unwrap()
            }
        }
    }

    /// What is to be compared of an answer.
    fn seen(&self, response: &Response<Bytes>) -> Value {
        let text = String::from_utf8(response.body().to_vec()).unwrap();
        let text = text.replace(self.person.endpoint.as_str(), "{endpoint}");
        let body = serde_json::from_str(&text).unwrap_or(json!(text));
        let mut headers: Vec<_> = response
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        headers.sort_unstable();
        json!({"status": response.status().as_u16(), "headers": headers, "body": comparable(body)})
    }
}

fn person() -> Person {
    Person::new("unused", &Client::default())
}

#[tokio::test]
async fn the_real_binaries_answer_and_record_what_the_local_home_does() {
    let data = tempfile::tempdir().unwrap();
    let engine = Engine::start(data.path()).await.unwrap();
    let store = engine.store(TABLE);
    store::table::create_if_absent(&store).await.unwrap();

    let limits = Limits::default();
    let clock = function_url::system_clock();
    let service = |name, handler| Service {
        name,
        origin_secret: Some(SECRET.into()),
        handler,
        clock: clock.clone(),
        log: Arc::new(|_| {}),
    };
    let receiver = receiver::Receiver { store: store.clone(), limits, clock: clock.clone() };
    let api = api::Api {
        store,
        limits,
        config: api::config::Config {
            hook_url: crate::HOOK_URL.into(),
            creation_code: Some(CODE.into()),
        },
        clock: clock.clone(),
    };
    let mut here = Way {
        person: person(),
        home: Functions::Here {
            receiver: service("receiver", receiver.into_handler()),
            api: service("api", api.into_handler()),
        },
    };

    let variables = [
        ("TABLE_NAME", TABLE),
        ("ORIGIN_SECRET", SECRET),
        ("LOG_LEVEL", "debug"),
        ("AWS_ENDPOINT_URL_DYNAMODB", &engine.url),
    ];
    let (mut receiver, mut api) =
        crate::both_functions(&variables, &[("CREATION_CODE", CODE)]).await;
    let mut binaries = Way {
        person: person(),
        home: Functions::Binaries { receiver: &mut receiver, api: &mut api },
    };

    let create = call(OWNER, Method::PUT, "/api/endpoint", "");
    let create_with = |code| {
        let mut create = create.clone();
        create.headers.push((api::CREATION_CODE_HEADER, code));
        create
    };
    // EventError without the code, made with it, and then prolonged without it.
    let before = [create.clone(), create_with("a guess"), create_with(CODE), create.clone()];
    let log = call(OWNER, Method::GET, "/api/log?limit=500", "");
    let after = [
        call(OWNER, Method::DELETE, "/api/log", ""),
        log.clone(),
        call(OWNER, Method::DELETE, "/api/reply", ""),
        call(OWNER, Method::DELETE, "/api/endpoint", ""),
        log.clone(),
        hook(Method::POST, "/hook/{endpoint}"),
    ];
    let sent: Vec<_> = before.into_iter().chain(cases()).chain([log]).chain(after).collect();
    let mut kept = 0;
    for (number, case) in sent.iter().enumerate() {
        let (mine, theirs) = (here.send(case).await, binaries.send(case).await);
        let (mine, theirs) = (here.seen(&mine), binaries.seen(&theirs));
        assert_eq!(mine, theirs, "case {number}: {} {}", case.method, case.target);
        if case.target == "/api/endpoint" && number < 4 {
            let refused = number < 2;
            assert_eq!(theirs["status"], if refused { 403 } else { 200 });
            let field = refused.then_some("creation_code");
            assert_eq!(theirs["body"]["field"].as_str(), field);
        }
        kept = kept.max(theirs["body"]["deliveries"].as_array().map_or(0, Vec::len));
        if case.headers.iter().any(|(name, _)| *name == "x-viewer-address") {
            // Not only the same, but right.
            let newest = call(OWNER, Method::GET, "/api/log?last=1", "");
            let newest = binaries.send(&newest).await;
            let request = &tests::client::json(&newest)["deliveries"][0]["request"];
            assert_eq!(request["source"], "2001:db8::7");
            assert_eq!(request["path"], "/cookies");
            assert!(!request.to_string().contains(SECRET));
        }
    }
    assert!(kept > 18, "only {kept} deliveries were compared");

    // The lines that Lambda would keep: one for each answer, and neither key nor body nor header in them.
    for (function, name) in [(&mut receiver, "receiver"), (&mut api, "api")] {
        function.kill().await.unwrap();
        let lines = function.lines();
        assert!(lines.len() > 10, "{lines:?}");
        for line in lines {
            let line: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(line["function"], name);
            assert!(
                line["status"].is_u64()
                    && line["took_ms"].is_u64()
                    && line["request_id"].is_string()
            );
            let text = line.to_string();
            for secret in ["own_", "read_", "ParticleBot", "1652008511", SECRET, CODE] {
                assert!(!text.contains(secret), "{text}");
            }
        }
    }
    engine.stop().await;
}
