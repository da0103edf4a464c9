//! The log over HTTP: clear and forget, pages and polls.

use delivery::log_page::LogPage;
use http::{Method, StatusCode};
use tests::home::Home;

fn numbers(page: &LogPage) -> Vec<u64> {
    page.deliveries.iter().map(|delivery| delivery.seq).collect()
}

#[tokio::test]
async fn the_owner_clears_and_forgets_over_http() {
    let home = Home::start().await;
    let person = home.person().await;
    person.post("text/plain", "one").await;
    let old = person.log("").await.cursor;
    let cleared = person.call(Method::DELETE, "/api/log", "").await;
    assert_eq!(cleared.status(), StatusCode::NO_CONTENT);
    person.post("text/plain", "two").await;
    for query in [String::new(), format!("after={old}"), "last=10".into()] {
        let page = person.log(&query).await;
        assert_eq!((numbers(&page), page.missing.len()), (vec![2], 0), "{query}");
    }
    let forgotten = person.call(Method::DELETE, "/api/endpoint", "").await;
    assert_eq!(forgotten.status(), StatusCode::NO_CONTENT);
    let read = person.call(Method::GET, "/api/log", "").await;
    assert_eq!(read.status(), StatusCode::NOT_FOUND);
    let sent = person.post("text/plain", "to nobody").await;
    assert_eq!(sent.status(), StatusCode::NOT_FOUND);
    person.create().await;
    let page = person.log(&format!("after={old}")).await;
    assert!(page.restarted && page.deliveries.is_empty());
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
    let empty = person.call(Method::GET, &format!("/api/log?after={cursor}"), "").await;
    assert!(empty.body().len() < 300, "{:?}", empty.body());
    home.stack.stop().await.unwrap();
}
