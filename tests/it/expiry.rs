//! Endpoint and deliveries expire while they are read and written.
//!
//! The clock is the test's. The engine deletes by the real one, to which all of this is in the future: so it is late for
//! every item, as DynamoDB may be by days, and whatever is not shown is left out by the readers.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use delivery::{Delivery, log_page::LogPage};
use http::{Method, StatusCode};
use tests::{
    eventually,
    home::{Home, Person},
};

const DAY_MS: u64 = 86_400_000;

/// A webhook that was acknowledged, by the test's own count of events.
struct Sent {
    body: String,
    begun: u64,
    ended: u64,
}

/// The clock's jump by so many days.
struct Jump {
    days: u64,
    begun: u64,
    ended: u64,
}

impl Jump {
    fn ends_the_endpoint(&self) -> bool {
        self.days > 30
    }
}

/// A page of the log, and when it was asked for.
struct Seen {
    begun: u64,
    page: LogPage,
}

#[derive(Default)]
struct Field {
    now: AtomicU64,
    sent: AtomicU64,
    stop: AtomicBool,
}

impl Field {
    fn tick(&self) -> u64 {
        self.now.fetch_add(1, Ordering::SeqCst)
    }

    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::SeqCst)
    }
}

async fn write(field: Arc<Field>, person: Person, name: usize) -> Vec<Sent> {
    let mut sent = Vec::new();
    while field.goes_on() {
        let begun = field.tick();
        let body = format!("{name}/{begun}");
        let answer = person.post("text/plain", body.clone()).await;
        match answer.status() {
            StatusCode::OK => {
                field.sent.fetch_add(1, Ordering::SeqCst);
                let ended = field.tick();
                sent.push(Sent { body, begun, ended });
            }
            // Expired, and not made again yet.
            StatusCode::NOT_FOUND => tokio::task::yield_now().await,
            status => panic!("{status} {:?}", answer.body()),
        }
    }
    sent
}

/// Reads on from a cursor; without one, from the beginning each time.
async fn read(field: Arc<Field>, person: Person, keeps_cursor: bool) -> Vec<Seen> {
    let mut seen: Vec<Seen> = Vec::new();
    while field.goes_on() {
        let query = match seen.last() {
            Some(last) if keeps_cursor => format!("/api/log?limit=50&after={}", last.page.cursor),
            _ => "/api/log?limit=50".to_owned(),
        };
        let begun = field.tick();
        let answer = person.call(Method::GET, &query, "").await;
        match answer.status() {
            StatusCode::OK => seen.push(Seen {
                begun,
                page: serde_json::from_slice(answer.body()).unwrap(),
            }),
            StatusCode::NOT_FOUND => tokio::task::yield_now().await,
            status => panic!("{status} {:?}", answer.body()),
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    seen
}

/// Presses Start again whenever the endpoint is gone.
async fn own(field: Arc<Field>, person: Person) {
    while field.goes_on() {
        let shown = person.call(Method::GET, "/api/endpoint", "").await;
        if shown.status() == StatusCode::NOT_FOUND {
            person.create().await;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn body(delivery: &Delivery) -> String {
    delivery.request.body.text().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_expires_under_readers_and_writers_is_gone_and_a_new_number_line_is_not_mixed_with_the_old()
 {
    let ahead = Arc::new(AtomicU64::new(0));
    let home = Home::start_with(|config| {
        let (system, ahead) = (config.clock.clone(), Arc::clone(&ahead));
        config.clock = Arc::new(move || system().plus_ms(ahead.load(Ordering::SeqCst)));
    })
    .await;
    let person = home.person().await;
    let field = Arc::new(Field::default());
    let writers: Vec<_> = (0..3)
        .map(|name| tokio::spawn(write(Arc::clone(&field), person.clone(), name)))
        .collect();
    let readers: Vec<_> = [true, true, false]
        .map(|keeps| tokio::spawn(read(Arc::clone(&field), person.clone(), keeps)))
        .into();
    let owner = tokio::spawn(own(Arc::clone(&field), person.clone()));

    let mut jumps: Vec<Jump> = Vec::new();
    for days in [0, 8, 31, 8, 31, 31, 8] {
        let before = field.sent.load(Ordering::SeqCst);
        let begun = field.tick();
        ahead.fetch_add(days * DAY_MS, Ordering::SeqCst);
        jumps.push(Jump {
            days,
            begun,
            ended: field.tick(),
        });
        eventually("webhooks are taken again", || async {
            (field.sent.load(Ordering::SeqCst) > before + 40).then_some(())
        })
        .await;
    }
    field.stop.store(true, Ordering::SeqCst);
    let mut sent = Vec::new();
    for writer in writers {
        sent.extend(writer.await.unwrap());
    }
    owner.await.unwrap();
    let find = |delivery: &Delivery| {
        let body = body(delivery);
        sent.iter().find(move |sent| sent.body == body)
    };

    for reader in readers {
        let mut line: Vec<&Sent> = Vec::new();
        let (mut last, mut restarts) = (0, 0);
        let seen = reader.await.unwrap();
        let keeps_cursor = seen.iter().any(|seen| seen.page.restarted);
        for Seen { begun, page } in &seen {
            if page.restarted || !keeps_cursor {
                line.clear();
                last = 0;
                restarts += u32::from(page.restarted);
            }
            for delivery in &page.deliveries {
                assert!(delivery.seq > last, "{} after {last}", delivery.seq);
                last = delivery.seq;
                // One whose sender got no answer before the clock jumped may be in the log all the same.
                let Some(found) = find(delivery) else {
                    continue;
                };
                let expired = jumps
                    .iter()
                    .find(|jump| jump.days > 7 && found.ended < jump.begun && jump.ended < *begun);
                assert!(expired.is_none(), "{} is shown and has expired", found.body);
                line.push(found);
            }
            for jump in jumps.iter().filter(|jump| jump.ends_the_endpoint()) {
                let old = line.iter().find(|sent| sent.ended < jump.begun);
                let new = line.iter().find(|sent| sent.begun > jump.ended);
                if let (Some(old), Some(new)) = (old, new) {
                    panic!("{} and {} are in one line", old.body, new.body);
                }
            }
        }
        assert!(!keeps_cursor || restarts >= 3, "{restarts} restarts");
    }

    let last = jumps.last().unwrap().ended;
    let pages = person.whole_log().await;
    let kept: Vec<_> = pages
        .iter()
        .flat_map(|page| &page.deliveries)
        .map(body)
        .collect();
    let different: BTreeSet<_> = kept.iter().collect();
    assert_eq!(different.len(), kept.len(), "something is there twice");
    for sent in sent.iter().filter(|sent| sent.begun > last) {
        assert!(different.contains(&sent.body), "{} is lost", sent.body);
    }
    assert!(pages.iter().all(|page| page.missing.is_empty()));
    home.stack.stop().await.unwrap();
}
