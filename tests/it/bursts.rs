//! Nothing lost, nothing twice, nothing out of order, while much happens at once.

use std::{collections::HashSet, sync::Arc};

use delivery::log_page::LogPage;
use http::{Method, StatusCode};
use tests::{
    eventually,
    home::{Home, Person},
};
use tokio::sync::Mutex;

/// What the senders were told, and whether they are through.
#[derive(Default)]
struct Told {
    acknowledged: HashSet<String>,
    refused: usize,
    senders_done: usize,
}

const POSTS: usize = 2000;
const SENDERS: usize = 32;

/// Follows a log from the beginning until every acknowledged body was seen; gives back numbers and bodies in that order.
async fn follow(person: Person, told: Arc<Mutex<Told>>) -> Vec<(u64, String)> {
    let state = Arc::new(Mutex::new((String::new(), Vec::new())));
    eventually("a poller has seen every acknowledged delivery", || {
        let (person, state, told) = (person.clone(), Arc::clone(&state), Arc::clone(&told));
        async move {
            let mut state = state.lock().await;
            let after = if state.0.is_empty() {
                String::new()
            } else {
                format!("&after={}", state.0)
            };
            let answer = person
                .call(Method::GET, &format!("/api/log?limit=150{after}"), "")
                .await;
            // A busy machine may make a poll fail; the next one goes on from the same cursor.
            let page: LogPage = serde_json::from_slice(answer.body()).ok()?;
            state.0.clone_from(&page.cursor);
            state.1.extend(
                page.deliveries
                    .iter()
                    .map(|d| (d.seq, d.request.body.text().unwrap().to_owned())),
            );
            let told = told.lock().await;
            let seen: HashSet<&String> = state.1.iter().map(|(_, body)| body).collect();
            let complete = told.senders_done == SENDERS
                && told.acknowledged.iter().all(|body| seen.contains(body));
            complete.then(|| state.1.clone())
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_thousand_posts_over_32_connections_are_numbered_without_a_hole_and_three_pollers_see_each_once_in_order()
 {
    let home = Home::start().await;
    let person = home.person().await;
    let told = Arc::new(Mutex::new(Told::default()));
    let pollers: Vec<_> = (0..3)
        .map(|_| tokio::spawn(follow(person.clone(), Arc::clone(&told))))
        .collect();
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let (person, told) = (person.clone(), Arc::clone(&told));
            tokio::spawn(async move {
                for n in (sender..POSTS).step_by(SENDERS) {
                    for attempt in 0.. {
                        let body = format!("{n}, attempt {attempt}");
                        let status = person.post("text/plain", body.clone()).await.status();
                        let mut told = told.lock().await;
                        if status == StatusCode::OK {
                            told.acknowledged.insert(body);
                            break;
                        }
                        // All that a sender may be told besides.
                        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
                        told.refused += 1;
                    }
                }
                told.lock().await.senders_done += 1;
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    let mut views = Vec::new();
    for poller in pollers {
        views.push(poller.await.unwrap());
    }
    let told = told.lock().await;
    assert_eq!(told.acknowledged.len(), POSTS);
    for view in &views {
        assert!(
            view.windows(2).all(|pair| pair[0].0 < pair[1].0),
            "in order, and no number twice"
        );
        let bodies: HashSet<_> = view.iter().map(|(_, body)| body).collect();
        assert_eq!(bodies.len(), view.len(), "no body twice");
        if told.refused == 0 {
            let numbers: Vec<u64> = view.iter().map(|(seq, _)| *seq).collect();
            assert_eq!(numbers, (1..=POSTS as u64).collect::<Vec<_>>());
        }
    }
    let pages = person.whole_log().await;
    assert!(pages.iter().all(|page| !page.restarted));
    let missing: usize = pages.iter().map(|page| page.missing.len()).sum();
    assert!(
        missing <= told.refused,
        "a number is missing only where a sender was refused"
    );
    home.stack.stop().await.unwrap();
}

fn numbers(page: &LogPage) -> Vec<u64> {
    page.deliveries
        .iter()
        .map(|delivery| delivery.seq)
        .collect()
}

#[tokio::test]
async fn clear_hides_what_was_and_nothing_that_comes() {
    let home = Home::start().await;
    let person = home.person().await;
    for _ in 0..5 {
        person.post("text/plain", "before").await;
    }
    let old = person.log("limit=2").await.cursor;
    assert_eq!(
        person.call(Method::DELETE, "/api/log", "").await.status(),
        StatusCode::NO_CONTENT
    );
    let page = person.log("").await;
    assert_eq!(
        (numbers(&page), page.first_seq, page.last_seq),
        (vec![], 6, 5)
    );
    person.post("text/plain", "after").await;
    for query in [String::new(), format!("after={old}"), "last=10".into()] {
        let page = person.log(&query).await;
        assert_eq!(numbers(&page), [6], "{query}");
        assert_eq!(
            page.missing,
            Vec::<u64>::new(),
            "cleared is gone, not missing"
        );
    }
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_forgotten_log_is_gone_and_an_old_cursor_begins_anew() {
    let home = Home::start().await;
    let person = home.person().await;
    for _ in 0..3 {
        person.post("text/plain", "before").await;
    }
    let old = person.log("").await.cursor;
    assert_eq!(
        person
            .call(Method::DELETE, "/api/endpoint", "")
            .await
            .status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        person.call(Method::GET, "/api/log", "").await.status(),
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        person.post("text/plain", "to nobody").await.status(),
        StatusCode::NOT_FOUND
    );

    person.create().await;
    person.post("text/plain", "anew").await;
    let page = person.log(&format!("after={old}")).await;
    assert!(page.restarted);
    assert_eq!(numbers(&page), [1]);
    assert_eq!(page.deliveries[0].request.body.text(), Some("anew"));
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn the_newest_come_first_when_asked_and_older_ones_by_cursor() {
    let home = Home::start().await;
    let person = home.person().await;
    for n in 0..10 {
        person.post("text/plain", format!("{n}")).await;
    }
    let newest = person.log("last=3").await;
    assert_eq!(numbers(&newest), [8, 9, 10]);
    let older = person
        .log(&format!(
            "limit=4&before={}",
            newest.older.as_deref().unwrap()
        ))
        .await;
    assert_eq!(numbers(&older), [4, 5, 6, 7]);
    let oldest = person
        .log(&format!("before={}", older.older.as_deref().unwrap()))
        .await;
    assert_eq!(numbers(&oldest), [1, 2, 3]);
    assert_eq!(oldest.older, None);
    assert!(numbers(&person.log(&format!("after={}", newest.cursor)).await).is_empty());
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_page_ends_at_about_a_mebibyte_and_goes_on_without_a_gap() {
    let home = Home::start().await;
    let person = home.person().await;
    for _ in 0..9 {
        person.post("text/plain", vec![b'x'; 200 * 1024]).await;
    }
    let pages = person.whole_log().await;
    assert!(pages.len() > 1);
    let seen: Vec<u64> = pages.iter().flat_map(numbers).collect();
    assert_eq!(seen, (1..=9).collect::<Vec<_>>());
    for page in &pages {
        assert!(serde_json::to_string(page).unwrap().len() < 1_400_000);
    }
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn an_empty_poll_answers_under_300_bytes() {
    let home = Home::start().await;
    let person = home.person().await;
    person.post("text/plain", "x").await;
    let cursor = person.log("").await.cursor;
    let empty = person
        .call(Method::GET, &format!("/api/log?after={cursor}"), "")
        .await;
    assert!(empty.body().len() < 300, "{:?}", empty.body());
    home.stack.stop().await.unwrap();
}
