//! A burst of test presses at our own home: each is answered, and none is turned away.

use http::StatusCode;
use tests::home::Home;
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_webhooks_at_the_same_moment_are_all_taken() {
    let home = Home::start().await;
    let person = home.person().await;
    let mut senders = JoinSet::new();
    for n in 0..200 {
        let person = person.clone();
        senders.spawn(async move {
            let answer =
                person.post("application/json", format!(r#"{{"op":"test","id":{n}}}"#)).await;
            answer.status()
        });
    }
    let statuses = senders.join_all().await;
    let refused: Vec<_> = statuses.iter().filter(|status| **status != StatusCode::OK).collect();
    assert!(refused.is_empty(), "{refused:?}");
    let pages = person.whole_log().await;
    let recorded: usize = pages.iter().map(|page| page.deliveries.len()).sum();
    assert_eq!(recorded, 200);
    home.stack.stop().await.unwrap();
}
