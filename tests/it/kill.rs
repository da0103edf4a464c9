//! A function's real process, killed at each of its two writes, between engine and answer; and before a table that is silent.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use delivery::millis::Millis;
use http::Request;
use local::{
    config::EngineAt,
    engine::Engine,
    gateway::{self, Arrived},
};
use runtime_api::Environment;
use tests::{
    DEADLINE, eventually,
    home::{Home, Person},
    program,
    proxy::{At, Mood, Proxy},
};

/// Longer than a number may stay open, in milliseconds.
const LATER: u64 = 11_000;

/// Within which the contract has an answer with its sender, whatever the table does.
const PROMISED: Duration = Duration::from_secs(10);

/// The real receiver, with the proxy between it and the table of a local home.
struct Receiver {
    binary: PathBuf,
    engine_url: String,
}

impl Receiver {
    async fn start(&self) -> Environment {
        let variables = [
            ("TABLE_NAME", "webhook-tutorial"),
            ("AWS_ENDPOINT_URL_DYNAMODB", self.engine_url.as_str()),
        ];
        Environment::start(&self.binary, &variables).await.unwrap()
    }
}

fn event(person: &Person, body: &str) -> String {
    let request = Request::post(format!("/hook/{}", person.endpoint))
        .header("content-type", "text/plain")
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap();
    let arrived = Arrived {
        from: [203, 0, 113, 7].into(),
        port: 443,
        at: Millis(0),
    };
    String::from_utf8(gateway::event(&request, arrived, "id").unwrap()).unwrap()
}

/// Sends a webhook to a function and says whether it was acknowledged.
async fn acknowledged(function: &mut Environment, person: &Person, body: &str) -> bool {
    match function.invoke(&event(person, body), DEADLINE).await {
        Ok(answer) => gateway::response(answer.json.as_bytes()).unwrap().status() == 200,
        Err(_) => false,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_its_two_writes_a_function_leaves_a_number_that_the_log_names_as_missing() {
    for (operation, at, missing, bodies) in [
        // Before its first write: nothing of it is anywhere.
        ("UpdateItem", At::Call, vec![], vec!["one", "three"]),
        // Between the two: the number is taken, and nothing will ever be under it.
        ("UpdateItem", At::Answer, vec![2], vec!["one", "three"]),
        ("PutItem", At::Call, vec![2], vec!["one", "three"]),
        // After the second: it is in the log, though its sender does not know.
        ("PutItem", At::Answer, vec![], vec!["one", "two", "three"]),
    ] {
        let data = tempfile::tempdir().unwrap();
        let engine = Engine::start(data.path()).await.unwrap();
        let proxy = Proxy::before(&engine.url).await;
        let later = Arc::new(AtomicU64::new(0));
        let home = Home::start_with(|config| {
            config.engine = EngineAt::Url(engine.url.clone());
            let (system, later) = (config.clock.clone(), Arc::clone(&later));
            config.clock = Arc::new(move || system().plus_ms(later.load(Ordering::SeqCst)));
        })
        .await;
        let person = home.person().await;
        let receiver = Receiver {
            binary: program("receiver"),
            engine_url: proxy.url.clone(),
        };

        let mut first = receiver.start().await;
        assert!(acknowledged(&mut first, &person, "one").await);
        proxy.stop_next(operation, at);
        let webhook = event(&person, "two");
        let outcome = tokio::select! {
            answer = first.invoke(&webhook, DEADLINE) => Some(answer),
            () = eventually("the call is stopped", || async { proxy.has_stopped().then_some(()) }) => None,
        };
        assert!(
            outcome.is_none(),
            "{operation} {at:?}: it was answered: {outcome:?}"
        );
        first.kill().await.unwrap();

        // Another environment goes on, as on Lambda.
        let mut second = receiver.start().await;
        assert!(acknowledged(&mut second, &person, "three").await);
        let case = format!("{operation} {at:?}");
        let before = person.log("").await;
        assert_eq!(
            before.missing,
            Vec::<u64>::new(),
            "{case}: it could still come"
        );
        let behind_a_hole = !missing.is_empty();
        assert_eq!(
            before.deliveries.len(),
            if behind_a_hole { 1 } else { bodies.len() },
            "{case}"
        );

        later.store(LATER, Ordering::SeqCst);
        let log = person.log("").await;
        assert_eq!(log.missing, missing, "{case}");
        let kept: Vec<_> = log
            .deliveries
            .iter()
            .filter_map(|d| d.request.body.text())
            .collect();
        assert_eq!(kept, bodies, "{case}");
        assert_eq!(log.last_seq, (kept.len() + missing.len()) as u64, "{case}");
        second.kill().await.unwrap();
        home.stack.stop().await.unwrap();
        engine.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_a_table_that_never_answers_a_function_starts_and_its_sender_has_503_within_ten_seconds()
 {
    let data = tempfile::tempdir().unwrap();
    let engine = Engine::start(data.path()).await.unwrap();
    let proxy = Proxy::before(&engine.url).await;
    let home = Home::start_with(|config| config.engine = EngineAt::Url(engine.url.clone())).await;
    let person = home.person().await;
    let receiver = Receiver {
        binary: program("receiver"),
        engine_url: proxy.url.clone(),
    };

    proxy.set(Mood::Hung);
    let from_start_to_answer = async {
        // Lambda starts a function when a webhook is there for it already.
        let mut function = receiver.start().await;
        function.ready(PROMISED).await.unwrap();
        let answer = function.invoke(&event(&person, "one"), PROMISED).await;
        (
            gateway::response(answer.unwrap().json.as_bytes()).unwrap(),
            function,
        )
    };
    let (answer, mut function) = tokio::time::timeout(PROMISED, from_start_to_answer)
        .await
        .unwrap();
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));

    // The same process answers as soon as the table does.
    proxy.set(Mood::Well);
    assert!(acknowledged(&mut function, &person, "two").await);
    let log = person.log("").await;
    assert_eq!((log.deliveries.len(), log.last_seq), (1, 1));
    function.kill().await.unwrap();
    home.stack.stop().await.unwrap();
    engine.stop().await;
}
