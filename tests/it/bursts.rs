//! Nothing lost, nothing twice, nothing out of order, while much happens at once.

use std::sync::Arc;

use delivery::log_page::LogPage;
use http::{Method, StatusCode};
use tests::{
    eventually,
    home::{Home, Person},
};
use tokio::sync::Mutex;

/// Follows a log from the beginning until it has accounted for number `until`.
async fn follow(person: Person, until: u64) -> Vec<u64> {
    let state = Arc::new(Mutex::new((String::new(), Vec::new(), 0)));
    eventually("a poller has seen the whole log", || {
        let (person, state) = (person.clone(), Arc::clone(&state));
        async move {
            let mut state = state.lock().await;
            let query = if state.0.is_empty() {
                String::new()
            } else {
                format!("after={}", state.0)
            };
            let page = person.log(&format!("limit=150&{query}")).await;
            state.0.clone_from(&page.cursor);
            state
                .1
                .extend(page.deliveries.iter().map(|delivery| delivery.seq));
            state.2 += page.deliveries.len() as u64 + page.missing.len() as u64;
            (state.2 >= until).then(|| state.1.clone())
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_thousand_posts_over_32_connections_are_2000_numbers_and_three_pollers_see_each_once_in_order()
 {
    const POSTS: u64 = 2000;
    const SENDERS: u64 = 32;
    let home = Home::start().await;
    let person = home.person().await;
    let pollers: Vec<_> = (0..3)
        .map(|_| tokio::spawn(follow(person.clone(), POSTS)))
        .collect();
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let person = person.clone();
            tokio::spawn(async move {
                for n in 0..POSTS.div_ceil(SENDERS) {
                    if sender + n * SENDERS < POSTS {
                        let response = person.post("text/plain", format!("{sender}/{n}")).await;
                        assert_eq!(response.status(), StatusCode::OK);
                    }
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    let all: Vec<u64> = (1..=POSTS).collect();
    for poller in pollers {
        assert_eq!(poller.await.unwrap(), all);
    }
    let pages = person.whole_log().await;
    assert!(
        pages
            .iter()
            .all(|page| page.missing.is_empty() && !page.restarted)
    );
    let mut bodies: Vec<_> = pages
        .iter()
        .flat_map(|page| &page.deliveries)
        .map(|d| d.request.body.kept.clone())
        .collect();
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len() as u64, POSTS, "each body once");
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
