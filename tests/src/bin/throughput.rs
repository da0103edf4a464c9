//! How much the local home takes and what reading costs: `cargo run --release -p tests --bin throughput`.
//!
//! Stack and senders share one process and its processors, so these are the figures of a home with its load beside it.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock and talks to a person"
)]

use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use tests::home::{Home, Person};

const CONNECTIONS: usize = 16;
const SEND_FOR: Duration = Duration::from_secs(10);
const STORED: u64 = 10_000;
const POLLS: usize = 200;

#[tokio::main]
async fn main() {
    let home = Home::start().await;
    let person = home.person().await;
    for _ in 0..200 {
        person.post("application/json", BODY).await;
    }
    println!("with 200 stored:");
    let few = polls(&person).await;

    let began = Instant::now();
    let senders: Vec<_> =
        (0..CONNECTIONS).map(|_| tokio::spawn(send(person.clone(), began))).collect();
    let mut took = Vec::new();
    for sender in senders {
        took.extend(sender.await.unwrap());
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "stored POSTs: {:.0}/s over {CONNECTIONS} connections for {seconds:.1} s, p50 {:?}, p99 {:?}",
        took.len() as f64 / seconds,
        percentile(&mut took, 50),
        percentile(&mut took, 99),
    );
    while person.log("last=1").await.last_seq < STORED {
        person.post("application/json", BODY).await;
    }
    println!("with {} stored:", person.log("last=1").await.last_seq);
    let many = polls(&person).await;
    println!(
        "10,000 stored against 200: empty poll {:.2} times, 100 deliveries {:.2} times",
        many.0.as_secs_f64() / few.0.as_secs_f64(),
        many.1.as_secs_f64() / few.1.as_secs_f64(),
    );
    home.stack.stop().await.unwrap();
}

/// What a device sends, in Particle's form.
const BODY: &str = r#"{"event":"WebhookTutorial01","data":"{\"op\":\"periodic\",\"id\":1652008511,\"powerSource\":2,\"soc\":85.5}","coreid":"e00fce680000000000000000","published_at":"2026-11-23T11:00:00.123Z"}"#;

async fn send(person: Person, began: Instant) -> Vec<Duration> {
    let mut took = Vec::new();
    while began.elapsed() < SEND_FOR {
        let at = Instant::now();
        let response = person.post("application/json", BODY).await;
        assert_eq!(response.status(), StatusCode::OK);
        took.push(at.elapsed());
    }
    took
}

/// Median times of an empty poll and of one with 100 deliveries.
async fn polls(person: &Person) -> (Duration, Duration) {
    let newest = person.log("last=1").await;
    let empty = format!("/api/log?after={}", newest.cursor);
    let (mut nothing, mut hundred) = (Vec::new(), Vec::new());
    let mut bytes = 0;
    for _ in 0..POLLS {
        let at = Instant::now();
        bytes = person.call(Method::GET, &empty, "").await.body().len();
        nothing.push(at.elapsed());
        let at = Instant::now();
        person.call(Method::GET, "/api/log?last=100", "").await;
        hundred.push(at.elapsed());
    }
    let found = (percentile(&mut nothing, 50), percentile(&mut hundred, 50));
    println!("  empty poll p50 {:?}, {bytes} bytes; 100 deliveries p50 {:?}", found.0, found.1);
    found
}

fn percentile(took: &mut [Duration], percent: usize) -> Duration {
    took.sort_unstable();
    took[(took.len() * percent / 100).min(took.len() - 1)]
}
