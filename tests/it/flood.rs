//! The short form of the flood. The long one is `cargo run --release -p tests --bin flood`.

use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_flood_answers_are_right_what_was_acknowledged_is_stored_and_memory_is_bounded() {
    let figures = tests::flood::flood(
        tests::program("local"),
        Duration::from_secs(1),
        Duration::from_secs(4),
        4,
    )
    .await
    .unwrap();
    // It was a flood, and the home went on taking what it could.
    let too_much = figures.refused + figures.given_up + figures.waited_for;
    assert!(too_much > 0, "{figures:?}");
    assert!(figures.acknowledged > 0, "{figures:?}");
    // What 256 connections, 64 requests and 8 large bodies at once may have, and the debug build's own share.
    assert!(
        figures.most_memory.is_none_or(|kib| kib < 1024 * 1024),
        "{figures:?}"
    );
}

#[tokio::test]
async fn in_a_crowd_of_silent_connections_webhooks_are_taken() {
    let crowd = tests::flood::crowd(tests::program("local"), 600, 20)
        .await
        .unwrap();
    assert_eq!(crowd.opened, 600);
}
