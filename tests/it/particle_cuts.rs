//! The event stream breaks off again and again, on a real connection, while events go on being published.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use local::clouds::Cloud;
use tests::{
    account::Account,
    browser::{LIGHT, PHONE},
    cutter::Cutter,
    eventually,
    home::Home,
    learner::{Round, is_whole},
    visit::Visit,
};

const CUTS: usize = 4;

/// The id of what was published, as a round shows it anywhere.
fn id_of(round: &Round) -> Option<usize> {
    let values = round.blocks.iter().flat_map(|block| &block.rows);
    let text = values.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(" ");
    let (_, rest) = text.split_once("\"id\":")?;
    let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_a_breaking_stream_are_shown_once_or_missed() {
    // The page is told where the cloud is when the stack starts, and the proxy has to know the cloud.
    let origin = Arc::new(Mutex::new(None));
    let said = Arc::clone(&origin);
    let home = Home::start_with(|config| {
        config.clouds = Arc::new(move |usual| {
            let proxied = said
                .lock()
                .unwrap()
                .get_or_insert_with(|| {
                    let cloud = usual[0].api.trim_start_matches("http://").parse().unwrap();
                    let runtime = tokio::runtime::Handle::current();
                    tokio::task::block_in_place(|| runtime.block_on(Cutter::before(cloud)))
                })
                .url
                .clone();
            usual.into_iter().map(|cloud| Cloud { api: proxied.clone(), ..cloud }).collect()
        });
    })
    .await;
    let cutter = origin.lock().unwrap().take().unwrap();
    let account = Account::of(&home).await;
    let visit = Visit::connected_at(&home, LIGHT).await;

    let mut heard = Vec::new();
    let mut missed = Vec::new();
    let mut next = 1000;
    for cut in 0..CUTS {
        visit.listening().await;
        for _ in 0..2 {
            next += 1;
            account.publish("WebhookTutorial01", &format!(r#"{{"op":"test","id":{next}}}"#)).await;
            heard.push(next);
            visit
                .log_shows(&format!("round {next}, whole"), |rounds| {
                    rounds.iter().any(|round| is_whole(round) && id_of(round) == Some(next))
                })
                .await;
        }
        cutter.cut();
        visit.slot_says("connection", "stream", "Not listening to events").await;
        // Published where nobody listens; the server still gets it. The first pause is too short for it.
        if cut > 1 && cutter.opened().len() == cut + 1 {
            next += 1;
            account.publish("WebhookTutorial01", &format!(r#"{{"op":"test","id":{next}}}"#)).await;
            if cutter.opened().len() == cut + 1 {
                missed.push(next);
            }
        }
    }
    visit.listening().await;
    assert!(missed.len() >= 2, "{missed:?}");
    let rounds = visit
        .log_shows("every round", |rounds| {
            let shown: Vec<_> = rounds.iter().filter_map(id_of).collect();
            heard.iter().chain(&missed).all(|id| shown.contains(id))
        })
        .await;
    for id in &heard {
        let of: Vec<_> = rounds.iter().filter(|round| id_of(round) == Some(*id)).collect();
        assert!(of.len() == 1 && is_whole(of[0]), "{id}: {of:#?}");
    }
    let quiet = |round: &Round| {
        round.who == "Not listening"
            && round.status.contains("events from that time are missing here")
    };
    assert!(rounds.iter().filter(|round| quiet(round)).count() >= CUTS, "{rounds:#?}");
    for id in &missed {
        let at: Vec<_> = (0..rounds.len()).filter(|at| id_of(&rounds[*at]) == Some(*id)).collect();
        assert_eq!(at.len(), 1, "{id}: {rounds:#?}");
        let kinds: Vec<_> = rounds[at[0]].blocks.iter().map(|block| block.kind.as_str()).collect();
        assert_eq!(kinds, ["received", "parsed", "response"], "{id}");
    }
    let opened = cutter.opened();
    assert_eq!(opened.len(), CUTS + 1);
    for pair in opened.windows(2) {
        assert!(
            pair[1] - pair[0] >= Duration::from_millis(500),
            "it waits before it connects again: {opened:?}"
        );
    }
    visit.picture("particle-many-cuts").await;
    // Nothing is heard twice after a reload either.
    visit.reload().await;
    visit.connected().await;
    eventually("the reloaded page shows the same", || async {
        let again = visit.rounds().await;
        heard
            .iter()
            .all(|id| {
                again.iter().filter(|round| id_of(round) == Some(*id) && is_whole(round)).count()
                    == 1
            })
            .then_some(())
    })
    .await;
    visit.end(home).await;
}

/// Puts an answer of a test's choice in the place of every answer of the cloud.
const ANSWERS: &str = "
    const real = window.fetch;
    window.answer = null;
    window.streams = [];
    window.fetch = async (url, init = {}) => {
        const to = new URL(url, location.href);
        if (to.origin === location.origin) return real(url, init);
        if (window.answer) return new Response(window.answer.body, { status: window.answer.status });
        const own = new AbortController();
        init.signal?.addEventListener('abort', () => own.abort(), { once: true });
        if (to.pathname === '/v1/devices/events' && (init.method ?? 'GET') === 'GET') window.streams.push(own);
        return real(url, { ...init, signal: own.signal });
    };";

#[tokio::test]
async fn a_refusing_or_broken_cloud_is_reported_and_retried() {
    let home = Home::start().await;
    let cases = [
        (
            429,
            "{}",
            "says that too much was asked of it (429). Wait a few minutes.",
            "too many connections (429)",
        ),
        (503, "<html>down", "gave an answer (503) that is not JSON", "the cloud answered 503"),
    ];
    for (status, body, says, stream) in cases {
        let visit = Visit::to(&home, PHONE).await;
        visit.run(ANSWERS).await;
        let answer = format!("window.answer = {{ status: {status}, body: '{body}' }}");
        // At the sign-in, and once signed in.
        visit.run(&answer).await;
        visit.start().await;
        visit.slot_says("start", "account-words", "Not signed in").await;
        visit.slot_says("connect", "problem", says).await;
        visit.run("window.answer = null").await;
        visit.connect().await;
        visit
            .run(&format!("{answer}; window.streams.splice(0).forEach((one) => one.abort())"))
            .await;
        visit.slot_says("connection", "stream", stream).await;
        visit.slot_says("connection", "stream", "Trying again by itself.").await;
        visit.act("webhook-card", "test").await;
        visit.slot_says("webhook-card", "status", says).await;
        visit.scroll_to("[data-component$=connection]").await;
        visit.look("[data-component$=connection]", &format!("particle-{status}")).await;
        visit.run("window.answer = null").await;
        // A busy cloud is left alone for half a minute, as particle-stream.test.mjs shows.
        if status != 429 {
            visit.listening().await;
        }
        visit.act("webhook-card", "test").await;
        visit.blocks("response", 1).await;
        visit.remove_webhook().await;
        visit.close().await;
    }
    home.stack.stop().await.unwrap();
}
