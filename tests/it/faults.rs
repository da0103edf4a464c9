//! Calls that fail in one way each, and the short form of the fault run. The long one is
//! `cargo run --release -p tests --bin faults`.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use http::{Method, StatusCode};
use tests::{
    eventually,
    faults::proxy::Fault,
    home::{Home, Person},
};

/// Seeds whose runs kill both programs and whose owners clear and forget.
const SEEDS: [u64; 3] = [1, 2, 3];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn acknowledged_deliveries_are_seen_once_in_order() {
    let (seeds, total) = tests::faults::run_seeds(
        tests::program("webhook-tutorial"),
        SEEDS.into_iter(),
        1,
        |_| true,
        |_, _| {},
    )
    .await
    .unwrap();
    assert_eq!(seeds, SEEDS.len() as u64);
    // It was a run with faults, and not one in which nothing happened.
    assert!(total.acknowledged > 50, "{total:?}");
    assert!(total.kills > 0 && total.actions > 0, "{total:?}");
    assert!(total.faults.len() >= 8, "{total:?}");
}

#[tokio::test]
async fn an_unrecorded_webhook_is_refused_and_a_retried_one_is_once() {
    let (home, proxy) = Home::start_proxied(|_| {}).await;
    let person = home.person().await;
    // A record is tried for five seconds; 503 is for when it never succeeds.
    const ALWAYS: usize = 1000;
    for (fault, times, status) in [
        (Fault::Failed, 1, 200),
        (Fault::Failed, ALWAYS, 503),
        (Fault::Throttled, ALWAYS, 503),
        (Fault::Throttled, 3, 200),
        (Fault::FailedAfter, 2, 200),
        (Fault::Reset, 2, 200),
        (Fault::AnswerLost, 1, 200),
        (Fault::Twice, 1, 200),
        (Fault::TwiceLater, 1, 200),
    ] {
        proxy.fail_next("PutItem", fault, times);
        let body = format!("{fault:?} {times}");
        let answer = person.post("text/plain", body.clone()).await;
        assert_eq!(answer.status().as_u16(), status, "{body}");
        proxy.stop_failing();
        if status == 200 {
            let newest = person.log("last=1").await.deliveries;
            assert_eq!(newest[0].request.body.text(), Some(body.as_str()));
        }
    }
    let last = person.log("last=1").await;
    assert_eq!((last.last_seq, last.deliveries.len()), (9, 1));
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_number_whose_answer_was_lost_is_skipped() {
    let (home, proxy) = Home::start_proxied(|_| {}).await;
    let person = home.person().await;
    proxy.fail_next("UpdateItem", Fault::AnswerLost, 1);
    assert_eq!(person.post("text/plain", "x").await.status(), StatusCode::OK);
    let info = person.create().await;
    assert_eq!(info.last_seq, 2, "the first number was given to nobody");
    home.stack.stop().await.unwrap();
}

/// An overloaded table must not be asked for more numbers than it can keep records of.
#[tokio::test]
async fn a_throttled_number_is_refused_at_once() {
    let (home, proxy) = Home::start_proxied(|_| {}).await;
    let person = home.person().await;
    assert_eq!(person.post("text/plain", "1").await.status(), 200);
    proxy.fail_next("UpdateItem", Fault::Throttled, 1);
    let refused = person.post("text/plain", "2").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(person.create().await.last_seq, 1);
    home.stack.stop().await.unwrap();
}

/// A reader whose query left a delivery out takes its number for abandoned. Its tombstone meets the delivery then, and may not
/// take its place.
#[tokio::test]
async fn closing_a_gap_never_replaces_a_delivery() {
    let later = Arc::new(AtomicU64::new(0));
    let (home, proxy) = Home::start_proxied(|config| {
        let (system, later) = (config.clock.clone(), Arc::clone(&later));
        config.clock = Arc::new(move || system().plus_ms(later.load(Ordering::SeqCst)));
    })
    .await;
    let person = home.person().await;
    for nth in 1..=6 {
        person.post("text/plain", format!("{nth}")).await;
    }
    // Every gap is abandoned by now.
    later.store(60_000, Ordering::SeqCst);
    let mut left_out = 0;
    for _ in 0..40 {
        proxy.fail_next("Query", Fault::Stale, 1);
        let page = person.log("").await;
        assert_eq!(page.missing, Vec::<u64>::new(), "it was acknowledged");
        left_out += u32::from(page.deliveries.len() < 6);
        let again = person.log("").await;
        let bodies: Vec<_> =
            again.deliveries.iter().filter_map(|delivery| delivery.request.body.text()).collect();
        assert_eq!(bodies, ["1", "2", "3", "4", "5", "6"]);
    }
    assert!(left_out > 0, "no query ever left anything out");
    home.stack.stop().await.unwrap();
}

/// The processes that this one started and that still run.
#[cfg(target_os = "linux")]
fn children(of: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{of}/task")).into_iter().flatten();
    let files = tasks.flatten().map(|task| task.path().join("children"));
    let text: String = files.filter_map(|file| std::fs::read_to_string(file).ok()).collect();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_stopped_fault_run_leaves_no_process() {
    for signal in ["-INT", "-TERM"] {
        let mut run = tokio::process::Command::new(tests::program("faults"))
            .args(["--seed", "1", "--seeds", "1"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let id = run.id().unwrap();
        let started = eventually("it has started its two programs", || async {
            Some(children(id)).filter(|pids| pids.len() >= 2)
        })
        .await;
        let told =
            tokio::process::Command::new("kill").args([signal, &id.to_string()]).status().await;
        assert!(told.unwrap().success());
        let ended = tokio::time::timeout(tests::DEADLINE, run.wait()).await;
        assert!(!ended.expect("it ends").unwrap().success(), "and says that it was not done");
        eventually("its programs have ended too", || async {
            // Linux keeps that much of a program's name.
            const FIRST_15_OF_NAME: &str = "webhook-tutoria";
            let is_ours = |pid: &u32| {
                let name = std::fs::read_to_string(format!("/proc/{pid}/comm"));
                name.is_ok_and(|name| name.trim() == FIRST_15_OF_NAME)
            };
            (!started.iter().any(is_ours)).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_late_copy_of_create_does_not_restore_a_forgotten_endpoint() {
    let (home, proxy) = Home::start_proxied(|_| {}).await;
    let person = Person::new(&home.stack.page_url, &home.client);
    proxy.fail_next("PutItem", Fault::TwiceOnRelease, 1);
    person.create().await;
    person.post("text/plain", "to be forgotten").await;
    let forgotten = person.call(Method::DELETE, "/api/endpoint", "").await;
    assert_eq!(forgotten.status(), StatusCode::NO_CONTENT);
    assert!(!proxy.is_idle());
    proxy.release_held();
    eventually("the copy has arrived", || async { proxy.is_idle().then_some(()) }).await;
    let log = person.call(Method::GET, "/api/log", "").await;
    assert_eq!(log.status(), StatusCode::NOT_FOUND);
    person.create().await;
    assert_eq!(person.log("").await.deliveries.len(), 0);
    home.stack.stop().await.unwrap();
}
