//! The short form of the fault run. The long one is `cargo run --release -p tests --bin faults`.

/// Seeds whose runs kill both programs and whose owners clear and forget.
const SEEDS: [u64; 3] = [1, 2, 3];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_fails_what_was_acknowledged_is_in_the_log_once_and_everybody_sees_it_once_in_order()
 {
    let (seeds, total) = tests::faults::campaign(
        tests::program("local"),
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
    assert!(total.kills > 0 && total.deeds > 0, "{total:?}");
    assert!(total.faults.len() >= 8, "{total:?}");
}
