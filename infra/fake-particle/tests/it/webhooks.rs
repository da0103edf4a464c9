//! From a publish to the events that tell what became of it.

use std::time::Duration;

use fake_particle::Config;
use serde_json::{Value, json};

use crate::support::{
    PATIENCE, Receiver, Say, Stream, World, config, say, start, start_with, tutorial_hook,
};

#[tokio::test]
async fn a_test_press_makes_the_whole_round_in_order() {
    let world = start().await;
    let mut receiver = Receiver::start().await;
    receiver.always(say(200, r#"{"ok":true,"id":1652008511}"#));
    world.create_hook(tutorial_hook(&receiver.url())).await;
    let mut stream = world.listen("/v1/devices/events").await;
    let data = r#"{"op":"test","id":1652008511}"#;
    world.publish("WebhookTutorial01", data).await;

    let event = stream.next().await;
    assert_eq!(
        (event.name.as_str(), event.text(), &event.data["coreid"]),
        ("WebhookTutorial01", data, &json!("api"))
    );
    let sent = stream.next().await;
    assert_eq!(
        (sent.name.as_str(), &sent.data["coreid"]),
        ("hook-sent/WebhookTutorial01", &json!("particle-internal"))
    );
    assert_eq!(
        sent.guesses(),
        ["hook_sent_data", "hook_sent_before_answer"]
    );
    let response = stream.next().await;
    assert_eq!(response.name, "api/hook-response/WebhookTutorial01/0");
    assert_eq!(
        (response.text(), &response.data["coreid"]),
        (
            r#"{"ok":true,"id":1652008511}"#,
            &json!("particle-internal")
        )
    );
    assert_eq!(response.guesses(), Vec::<String>::new());

    let body = r#"{"event":"WebhookTutorial01","data":"{\"op\":\"test\",\"id\":1652008511}","coreid":"api","published_at":"2026-11-23T11:00:00.000Z"}"#;
    let expected = format!(
        "POST /hook/x HTTP/1.1\r\ncontent-type: application/json\r\n\
         user-agent: ParticleBot/1.1 (https://docs.particle.io/webhooks)\r\nhost: {}\r\naccept: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        receiver.addr,
        body.len()
    );
    assert_eq!(receiver.request().await, expected);
}

#[tokio::test]
async fn a_hook_fires_for_names_that_begin_with_its_own_in_its_own_case() {
    let world = start().await;
    let mut receiver = Receiver::start().await;
    world.create_hook(json!({"event": "temp", "url": receiver.url(), "noDefaults": true, "body": "{{PARTICLE_EVENT_NAME}}"})).await;
    let mut stream = world.listen("/v1/devices/events/hook-sent%2F").await;
    for name in ["high_temp", "Temp", "tem", "temperature/basement"] {
        world.publish(name, "").await;
    }
    assert_eq!(stream.next().await.name, "hook-sent/temperature/basement");
    assert!(
        receiver
            .request()
            .await
            .ends_with("\r\n\r\ntemperature/basement")
    );
}

#[tokio::test]
async fn a_disabled_hook_and_one_for_another_device_stay_silent() {
    let world = start().await;
    let mut receiver = Receiver::start().await;
    let hook =
        |body: &str| json!({"event": "e", "url": receiver.url(), "noDefaults": true, "body": body});
    let mut disabled = hook("disabled");
    disabled["disabled"] = json!(true);
    let mut other = hook("other");
    other["deviceid"] = json!("e00fce68ece1d3d21a73dcc9");
    world.create_hook(disabled).await;
    world.create_hook(other).await;
    world.create_hook(hook("mine")).await;
    world.publish("e", "").await;
    assert!(receiver.request().await.ends_with("mine"));
    world.publish("e", "").await;
    assert!(receiver.request().await.ends_with("mine"));
}

#[tokio::test]
async fn two_hooks_with_the_same_prefix_both_fire() {
    let world = start().await;
    let mut receiver = Receiver::start().await;
    for _ in 0..2 {
        world.create_hook(tutorial_hook(&receiver.url())).await;
    }
    world.publish("WebhookTutorial01", "x").await;
    assert_eq!(receiver.request().await, receiver.request().await);
}

#[tokio::test]
async fn a_long_response_comes_in_parts_of_512_bytes() {
    let world = start().await;
    let receiver = Receiver::start().await;
    let long: String = (0..1200_u32)
        .map(|index| char::from(b'a' + u8::try_from(index % 26).unwrap()))
        .collect();
    receiver.always(say(200, &long));
    world.create_hook(tutorial_hook(&receiver.url())).await;
    let mut stream = world.listen("/v1/devices/events/api%2Fhook-response").await;
    world.publish("WebhookTutorial01", "x").await;
    let mut joined = String::new();
    for index in 0..3 {
        let part = stream.next().await;
        assert_eq!(
            part.name,
            format!("api/hook-response/WebhookTutorial01/{index}")
        );
        joined.push_str(part.text());
    }
    assert_eq!(joined, long);
}

#[tokio::test]
async fn parts_come_out_of_order_when_asked_to() {
    let world = start_with(Config {
        reorder_parts: true,
        ..config()
    })
    .await;
    let receiver = Receiver::start().await;
    receiver.always(say(200, &"x".repeat(1200)));
    world.create_hook(tutorial_hook(&receiver.url())).await;
    let mut stream = world.listen("/v1/devices/events/api%2Fhook-response").await;
    world.publish("WebhookTutorial01", "x").await;
    let ends: Vec<String> = stream
        .names(3)
        .await
        .iter()
        .map(|name| name.rsplit('/').next().unwrap().to_owned())
        .collect();
    assert_eq!(ends, ["1", "0", "2"]);
}

#[tokio::test]
async fn an_empty_answer_gives_no_hook_response() {
    let world = start().await;
    let receiver = Receiver::start().await;
    receiver.then([say(204, ""), say(200, ""), say(200, "third")]);
    world.create_hook(tutorial_hook(&receiver.url())).await;
    let mut stream = world.listen("/v1/devices/events").await;
    for round in 1..=3 {
        world.publish("WebhookTutorial01", "x").await;
        // The next publish only after this answer is in, so that the third answer goes to the third.
        wait_for_successes(&world, round).await;
    }
    let names = stream.names(7).await;
    let expected = [["WebhookTutorial01", "hook-sent/WebhookTutorial01"]; 3].concat();
    assert_eq!(names[..6], expected);
    assert_eq!(names[6], "api/hook-response/WebhookTutorial01/0");
}

/// Waits until the only hook has answered so many times.
async fn wait_for_successes(world: &World, count: u64) {
    let id = hook_id(world).await;
    tokio::time::timeout(PATIENCE, async {
        loop {
            let detail = world
                .api("GET", &format!("/v1/integrations/{id}"), None)
                .await
                .json();
            if detail["counters"]["total"]["success"] == count {
                return;
            }
        }
    })
    .await
    .expect("the answer is counted");
}

async fn hook_id(world: &World) -> String {
    world.api("GET", "/v1/integrations", None).await.json()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn a_failing_server_gives_a_hook_error_with_its_status_and_host() {
    let world = start().await;
    let receiver = Receiver::start().await;
    receiver.then([say(404, "not here"), say(500, "broken"), say(302, "")]);
    world.create_hook(tutorial_hook(&receiver.url())).await;
    let mut stream = world.listen("/v1/devices/events/api%2Fhook-error").await;
    for (status, guesses) in [
        (404, vec!["hook_error_without_body"]),
        (500, vec!["hook_error_without_body"]),
        (302, vec!["hook_error_without_body", "redirect_is_failure"]),
    ] {
        world.publish("WebhookTutorial01", "x").await;
        let error = stream.next().await;
        assert_eq!(error.name, "api/hook-error/WebhookTutorial01/0");
        assert_eq!(
            error.text(),
            format!("error status {status} from 127.0.0.1")
        );
        assert_eq!(error.guesses(), guesses);
    }
}

#[tokio::test]
async fn a_server_that_takes_twenty_seconds_has_failed() {
    let world = start().await;
    let mut receiver = Receiver::start().await;
    receiver.always(Say::Nothing);
    world.create_hook(tutorial_hook(&receiver.url())).await;
    let mut stream = world.listen("/v1/devices/events").await;
    world.publish("WebhookTutorial01", "x").await;
    receiver.request().await;
    world.clock.advance(Duration::from_millis(19_999));
    world.publish("marker", "x").await;
    assert_eq!(
        stream.names(3).await,
        ["WebhookTutorial01", "hook-sent/WebhookTutorial01", "marker"]
    );
    world.clock.advance(Duration::from_millis(1));
    let error = stream.named("api/hook-error/WebhookTutorial01/0").await;
    assert_eq!(
        (error.text(), error.guesses()),
        ("ESOCKETTIMEDOUT", vec!["network_error_text".to_owned()])
    );
    assert_eq!(error.data["published_at"], "2026-11-23T11:00:20.000Z");
}

#[tokio::test]
async fn a_broken_and_an_absent_server_are_told_apart() {
    let world = start().await;
    let receiver = Receiver::start().await;
    receiver.always(Say::HalfAnAnswer);
    world.create_hook(tutorial_hook(&receiver.url())).await;
    let mut stream = world.listen("/v1/devices/events/api%2Fhook-error").await;
    world.publish("WebhookTutorial01", "x").await;
    assert_eq!(stream.next().await.text(), "read ECONNRESET");
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    world.create_hook(json!({"event": "absent", "url": format!("http://{closed}/"), "errorResponseTopic": "api/hook-error/absent"})).await;
    world.publish("absent", "x").await;
    assert_eq!(
        stream.next().await.text(),
        format!("connect ECONNREFUSED {closed}")
    );
}

#[tokio::test]
async fn nothing_leaves_this_computer() {
    let world = start().await;
    let mut stream = world.listen("/v1/devices/events/hook-error").await;
    let own = format!("http://{}/v1/devices/events", world.addr());
    for (url, says) in [
        ("http://example.com/", "this computer only"),
        ("http://192.168.0.1/", "this computer only"),
        ("http://169.254.169.254/latest", "this computer only"),
        ("http://127.0.0.1.example.com/", "this computer only"),
        ("http://[::ffff:10.0.0.1]/", "this computer only"),
        ("http://me@evil.example:80/", "this computer only"),
        ("https://127.0.0.1/", "plain http"),
        (own.as_str(), "to itself"),
    ] {
        let id = world.create_hook(json!({"event": "out", "url": url})).await;
        world.publish("out", "x").await;
        let error = stream.next().await;
        assert!(error.text().contains(says), "{url}: {}", error.text());
        assert_eq!(error.guesses(), ["simulated_cloud_only"]);
        assert_eq!(
            world
                .api("DELETE", &format!("/v1/integrations/{id}"), None)
                .await
                .status,
            200
        );
    }
}

#[tokio::test]
async fn a_template_that_cannot_be_filled_is_a_hook_error() {
    let world = start().await;
    let mut stream = world.listen("/v1/devices/events").await;
    world
        .create_hook(json!({"event": "e", "url": "http://127.0.0.1:9/", "body": "{{#open}}"}))
        .await;
    world.publish("e", "x").await;
    let error = stream.named("hook-error/e/0").await;
    assert_eq!(error.text(), "template error: missing closing tag: open");
}

#[tokio::test]
async fn a_header_cannot_smuggle_another_one() {
    let world = start().await;
    let receiver = Receiver::start().await;
    let mut stream = world.listen("/v1/devices/events/hook-error").await;
    world.create_hook(json!({"event": "e", "url": receiver.url(), "headers": {"X-Data": "{{{PARTICLE_EVENT_VALUE}}}"}})).await;
    world.publish("e", "a\r\nX-Evil: 1").await;
    assert_eq!(
        stream.next().await.text(),
        "Invalid character in header content"
    );
}

#[tokio::test]
async fn an_event_about_a_hook_triggers_no_hook() {
    let world = start().await;
    let mut receiver = Receiver::start().await;
    for event in [
        "hook-sent/",
        "hook-response/",
        "api/hook-response",
        "custom",
        "h",
    ] {
        let hook = json!({"event": event, "url": receiver.url(), "responseTopic": "custom/topic", "noDefaults": true, "body": "chained"});
        world.create_hook(hook).await;
    }
    world.create_hook(json!({"event": "start", "url": receiver.url(), "responseTopic": "custom/topic", "noDefaults": true, "body": "first"})).await;
    let mut stream = world.listen("/v1/devices/events").await;
    world.publish("start", "x").await;
    world.publish("hook-response/start/0", "forged").await;
    world.publish("api/hook-response/start/0", "forged").await;
    world.publish("start", "again").await;
    assert!(receiver.request().await.ends_with("first"));
    assert!(receiver.request().await.ends_with("first"));
    // Two rounds of three events and two forged ones; a chained hook would add its own.
    let mut names = stream.names(8).await;
    world.publish("end", "").await;
    names.push(stream.next().await.name);
    assert_eq!(
        names
            .iter()
            .filter(|name| name.starts_with("hook-sent/"))
            .count(),
        2,
        "{names:?}"
    );
    assert_eq!(names.last().unwrap(), "end");
}

#[tokio::test]
async fn a_host_that_mostly_fails_is_left_alone_and_its_events_are_tried_again() {
    let world = start().await;
    let mut receiver = Receiver::start().await;
    receiver.always(say(500, ""));
    let id = world.create_hook(tutorial_hook(&receiver.url())).await;
    let mut stream = world.listen("/v1/devices/events/api%2Fhook-").await;
    for _ in 0..5 {
        world.publish("WebhookTutorial01", "fails").await;
        assert_eq!(
            stream.next().await.text(),
            "error status 500 from 127.0.0.1"
        );
        receiver.request().await;
    }
    receiver.always(say(200, "well again"));
    world.publish("WebhookTutorial01", "skipped").await;
    let skipped = stream.next().await;
    assert_eq!(
        skipped.text(),
        "Sleeping, too many errors, please wait and try again"
    );
    assert_eq!(skipped.guesses(), ["sleeping_and_retries"]);
    world.clock.advance(Duration::from_secs(30));
    let retried = receiver.request().await;
    assert!(
        retried.contains("skipped") && retried.contains("2026-11-23T11:00:00.000Z"),
        "{retried}"
    );
    assert_eq!(stream.next().await.text(), "well again");
    let detail = world
        .api("GET", &format!("/v1/integrations/{id}"), None)
        .await
        .json();
    assert_eq!(
        detail["counters"]["total"],
        json!({"success": 1, "error": 5, "sleep": 1})
    );
}

#[tokio::test]
async fn an_event_skipped_three_times_is_dropped() {
    let world = start().await;
    let receiver = Receiver::start().await;
    receiver.always(say(500, ""));
    let id = world.create_hook(tutorial_hook(&receiver.url())).await;
    let mut stream = world.listen("/v1/devices/events/api%2Fhook-error").await;
    let fail_until_asleep = async |stream: &mut Stream| {
        loop {
            world.publish("WebhookTutorial01", "again").await;
            if stream.next().await.text().starts_with("Sleeping") {
                return;
            }
        }
    };
    fail_until_asleep(&mut stream).await;
    let sleeps = async || {
        world
            .api("GET", &format!("/v1/integrations/{id}"), None)
            .await
            .json()["counters"]["total"]["sleep"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(sleeps().await, 1);
    // Just before each retry the host is put to sleep again, so the retry is skipped too.
    world.clock.advance(Duration::from_secs(26));
    fail_until_asleep(&mut stream).await;
    world.clock.advance(Duration::from_secs(4));
    assert!(stream.next().await.text().starts_with("Sleeping"));
    assert_eq!(sleeps().await, 3);
}

#[tokio::test]
async fn a_deleted_hook_is_not_tried_again() {
    let world = start().await;
    let mut receiver = Receiver::start().await;
    receiver.always(say(500, ""));
    let id = world.create_hook(tutorial_hook(&receiver.url())).await;
    let mut stream = world.listen("/v1/devices/events/api%2Fhook-error").await;
    for _ in 0..6 {
        world.publish("WebhookTutorial01", "old").await;
        stream.next().await;
    }
    for _ in 0..5 {
        receiver.request().await;
    }
    assert_eq!(
        world
            .api("DELETE", &format!("/v1/integrations/{id}"), None)
            .await
            .status,
        200
    );
    world.clock.advance(Duration::from_secs(60));
    world
        .create_hook(
            json!({"event": "new", "url": receiver.url(), "noDefaults": true, "body": "new"}),
        )
        .await;
    world.publish("new", "x").await;
    assert!(
        receiver.request().await.ends_with("new"),
        "the next request is the new hook's"
    );
}

#[test]
fn the_tutorials_integration_is_exactly_this() {
    let hook: Value = serde_json::from_str(fake_particle::WEBHOOK_JSON).unwrap();
    assert_eq!(
        hook,
        json!({
            "event": "WebhookTutorial01", "integration_type": "Webhook", "url": "", "requestType": "POST",
            "noDefaults": true, "rejectUnauthorized": true, "headers": {"Content-Type": "application/json"},
            "json": {
                "event": "{{{PARTICLE_EVENT_NAME}}}", "data": "{{{PARTICLE_EVENT_VALUE}}}",
                "coreid": "{{{PARTICLE_DEVICE_ID}}}", "published_at": "{{{PARTICLE_PUBLISHED_AT}}}",
            },
            "responseTopic": "{{{PARTICLE_DEVICE_ID}}}/hook-response/{{{PARTICLE_EVENT_NAME}}}",
            "errorResponseTopic": "{{{PARTICLE_DEVICE_ID}}}/hook-error/{{{PARTICLE_EVENT_NAME}}}",
        })
    );
}

#[tokio::test]
async fn integrations_are_created_listed_changed_and_deleted() {
    let world = start().await;
    let id = world
        .create_hook(tutorial_hook("http://127.0.0.1:9/a"))
        .await;
    let list = world.api("GET", "/v1/integrations", None).await.json();
    assert_eq!(list.as_array().unwrap().len(), 1);
    for (key, value) in [
        ("id", id.as_str()),
        ("event", "WebhookTutorial01"),
        ("url", "http://127.0.0.1:9/a"),
        ("integration_type", "Webhook"),
        ("requestType", "POST"),
        ("created_at", "2026-11-23T11:00:00.000Z"),
    ] {
        assert_eq!(list[0][key], value, "{key}");
    }
    assert_eq!(world.api("GET", "/v1/webhooks", None).await.json(), list);
    let given: Value = serde_json::from_str(&tutorial_hook("http://127.0.0.1:9/a")).unwrap();
    let detail = world
        .api("GET", &format!("/v1/integrations/{id}"), None)
        .await
        .json();
    for (key, value) in given.as_object().unwrap() {
        assert_eq!(&detail[key], value, "{key}");
    }
    let path = format!("/v1/integrations/{id}");
    let text = world.api("GET", &path, None).await.body;
    let order = r#""json":{"event":"{{{PARTICLE_EVENT_NAME}}}","data":"#;
    assert!(
        text.contains(order),
        "the order of the keys is kept: {text}"
    );
    let edited = world
        .api(
            "PUT",
            &path,
            Some(json!({"event": "Other", "url": "http://127.0.0.1:9/b"})),
        )
        .await;
    assert_eq!((edited.status, &edited.json()["id"]), (200, &json!(id)));
    let detail = world.api("GET", &path, None).await.json();
    assert_eq!(
        (&detail["event"], &detail["headers"]),
        (&json!("Other"), &Value::Null),
        "an edit replaces everything"
    );
    assert_eq!(
        world
            .api("PUT", &path, Some(json!({"event": ""})))
            .await
            .status,
        400
    );
    assert_eq!(
        world.api("DELETE", &path, None).await.json(),
        json!({"ok": true})
    );
    assert_eq!(world.api("DELETE", &path, None).await.status, 404);
    assert_eq!(
        world.api("GET", "/v1/integrations", None).await.json(),
        json!([])
    );
}

#[tokio::test]
async fn the_test_call_triggers_the_hook_and_says_that_its_form_is_a_guess() {
    let world = start().await;
    let mut receiver = Receiver::start().await;
    let id = world.create_hook(tutorial_hook(&receiver.url())).await;
    let mut stream = world.listen("/v1/devices/events").await;
    assert_eq!(
        world
            .api("POST", &format!("/v1/integrations/{id}/test"), None)
            .await
            .json(),
        json!({"ok": true})
    );
    let event = stream.next().await;
    assert_eq!(
        (event.name.as_str(), event.guesses()),
        (
            "WebhookTutorial01",
            vec!["integration_test_event".to_owned()]
        )
    );
    assert!(receiver.request().await.contains("test-event"));
}

#[tokio::test]
async fn a_product_has_its_own_hooks_streams_and_topics() {
    let world = start().await;
    let mut receiver = Receiver::start().await;
    let base = "/v1/products/simulated-product";
    let hook = json!({"event": "e", "url": receiver.url(), "noDefaults": true, "body": "{{PRODUCT_ID}} {{PRODUCT_VERSION}}"});
    assert_eq!(
        world
            .api("POST", &format!("{base}/integrations"), Some(hook))
            .await
            .status,
        200
    );
    assert_eq!(
        world.api("GET", "/v1/integrations", None).await.json(),
        json!([])
    );
    assert_eq!(
        world
            .api("GET", "/v1/products/30301/webhooks", None)
            .await
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let mut stream = world.listen(&format!("{base}/events")).await;
    world.publish("e", "sandbox").await;
    let answer = world
        .api(
            "POST",
            &format!("{base}/events"),
            Some(json!({"name": "e", "data": "product"})),
        )
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        stream.names(3).await,
        ["e", "hook-sent/e", "api/hook-response/e/0"]
    );
    assert!(receiver.request().await.ends_with("30301 0"));
    assert_eq!(
        world
            .api("GET", "/v1/products/unknown/integrations", None)
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn no_more_than_32_requests_wait_for_an_answer_and_the_others_have_their_full_time_later() {
    let world = start().await;
    let mut receiver = Receiver::start().await;
    receiver.always(Say::Nothing);
    world.create_hook(tutorial_hook(&receiver.url())).await;
    let mut sent = world.listen("/v1/devices/events/hook-sent%2F").await;
    let mut failed = world.listen("/v1/devices/events/api%2Fhook-error").await;
    for _ in 0..40 {
        world.publish("WebhookTutorial01", "x").await;
    }
    for _ in 0..32 {
        receiver.request().await;
        sent.next().await;
    }
    world.clock.advance(Duration::from_secs(19));
    // Nobody has been given up, so nobody's turn has come.
    world.publish("hook-sent/of the test", "").await;
    assert_eq!(sent.next().await.name, "hook-sent/of the test");
    world.clock.advance(Duration::from_secs(1));
    for _ in 0..32 {
        assert_eq!(failed.next().await.text(), "ESOCKETTIMEDOUT");
    }
    for _ in 32..40 {
        receiver.request().await;
    }
    world.clock.advance(Duration::from_secs(20));
    for _ in 32..40 {
        assert_eq!(failed.next().await.text(), "ESOCKETTIMEDOUT");
    }
}

#[tokio::test]
async fn two_hundred_presses_are_two_hundred_rounds() {
    let world = start().await;
    let receiver = Receiver::start().await;
    world.create_hook(tutorial_hook(&receiver.url())).await;
    let mut stream = world.listen("/v1/devices/events/api%2Fhook-response").await;
    for number in 0..200 {
        world
            .publish("WebhookTutorial01", &format!("{{\"id\":{number}}}"))
            .await;
    }
    assert_eq!(stream.names(200).await.len(), 200);
    let id = hook_id(&world).await;
    let detail = world
        .api("GET", &format!("/v1/integrations/{id}"), None)
        .await
        .json();
    assert_eq!(detail["counters"]["total"]["success"], 200);
    assert_eq!(detail["logs"]["successes"].as_array().unwrap().len(), 10);
}
