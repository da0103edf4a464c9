//! What an owner sets, senders get, as often as was said.

use delivery::ReplyUse;
use http::{Method, StatusCode};
use tests::{
    client::{header, json},
    home::Home,
};

#[tokio::test]
async fn a_counted_reply_is_given_that_often_and_each_block_says_which_use_it_was() {
    let home = Home::start().await;
    let person = home.person().await;
    let setting = r#"{"status":503,"content_type":"text/plain","headers":[["retry-after","9"]],"body":"try {{id}} later","times":3}"#;
    let set = person.call(Method::PUT, "/api/reply", setting).await;
    assert_eq!(set.status(), StatusCode::OK);
    assert_eq!(json(&set)["times_left"], 3);

    let event = r#"{"data":"{\"id\":42}"}"#;
    for use_left in [2, 1, 0] {
        let response = person.post("application/json", event).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.body(), "try 42 later");
        assert_eq!(header(response.headers(), "retry-after"), "9");
        assert_eq!(header(response.headers(), "content-type"), "text/plain");
        assert_eq!(
            header(response.headers(), "content-security-policy"),
            "default-src 'none'; sandbox"
        );
        let reply = person.create().await.reply;
        assert_eq!(reply.and_then(|set| set.times_left).unwrap_or(0), use_left);
    }
    let response = person.post("application/json", event).await;
    assert_eq!(response.body(), r#"{"ok":true,"id":42}"#);

    let uses: Vec<_> = person
        .log("")
        .await
        .deliveries
        .iter()
        .map(|d| d.response.reply_use)
        .collect();
    let nth = |n| Some(ReplyUse { n, of: 3 });
    assert_eq!(uses, [nth(1), nth(2), nth(3), None]);
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_reply_without_a_count_stays_until_it_is_restored() {
    let home = Home::start().await;
    let person = home.person().await;
    person
        .call(Method::PUT, "/api/reply", r#"{"status":201,"body":"made"}"#)
        .await;
    for _ in 0..3 {
        assert_eq!(person.post("text/plain", "x").await.body(), "made");
    }
    assert_eq!(person.create().await.reply.unwrap().reply.status, 201);
    assert_eq!(
        person.call(Method::DELETE, "/api/reply", "").await.status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        person.post("text/plain", "x").await.body(),
        r#"{"ok":true}"#
    );
    assert!(person.create().await.reply.is_none());
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_the_fields_name_and_changes_nothing() {
    let home = Home::start().await;
    let person = home.person().await;
    for (setting, field) in [
        (r#"{"status":404}"#, "times"),
        (
            r#"{"status":302,"times":1,"headers":[["location","https://example.com"]]}"#,
            "headers",
        ),
        (
            r#"{"status":200,"headers":[["set-cookie","a=b"]]}"#,
            "headers",
        ),
        (
            r#"{"status":200,"content_type":"text/html"}"#,
            "content_type",
        ),
        (r#"{"status":200,"delay_ms":99999,"times":1}"#, "delay_ms"),
    ] {
        let refused = person.call(Method::PUT, "/api/reply", setting).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{setting}");
        assert_eq!(json(&refused)["field"], field, "{setting}");
    }
    assert!(person.create().await.reply.is_none());
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_delay_is_recorded_before_it_is_waited_for() {
    let home = Home::start().await;
    let person = home.person().await;
    person
        .call(
            Method::PUT,
            "/api/reply",
            r#"{"status":200,"delay_ms":30000,"times":1}"#,
        )
        .await;
    let waiting = tokio::spawn({
        let person = person.clone();
        async move { person.post("text/plain", "slow").await }
    });
    let delivery = tests::eventually("the delayed delivery is in the log", || async {
        person.log("").await.deliveries.into_iter().next()
    })
    .await;
    assert!(!waiting.is_finished(), "its sender still waits");
    assert_eq!(delivery.response.delay_ms, 30_000);
    waiting.abort();
    home.stack.stop().await.unwrap();
}
