//! What the tutorial's firmware does.

use virtual_device::wire::Report;

use crate::scenario::{ID, Scenario};

fn publishes(times: &[(u64, &str)]) -> Vec<(u64, String)> {
    times
        .iter()
        .map(|(at, op)| (*at, (*op).to_owned()))
        .collect()
}

#[tokio::test]
async fn it_publishes_every_minute_and_on_a_tap() {
    let mut device = Scenario::new().await;
    device.run_until(90_000).await;
    device.hold_button(100).await;
    device.run_until(125_000).await;
    assert_eq!(
        device.published(),
        publishes(&[
            (60_000, "periodic"),
            (90_110, "button"),
            (120_000, "periodic")
        ])
    );
}

#[tokio::test]
async fn it_subscribes_to_its_own_responses_and_errors() {
    let device = Scenario::new().await;
    let own = |what: &str| format!("{ID}/{what}/WebhookTutorial01");
    assert_eq!(
        device.subscriptions,
        [own("hook-response"), own("hook-error")]
    );
}

#[tokio::test]
async fn the_serial_log_shows_what_was_published_and_what_came_back() {
    let mut device = Scenario::new().await;
    assert!(device.run_until_publish(70_000).await);
    let Some(Report::Publish {
        name,
        data: Some(data),
    }) = device
        .done
        .iter()
        .map(|done| done.report.clone())
        .find(|report| matches!(report, Report::Publish { .. }))
    else {
        panic!("{:?}", device.done)
    };
    assert_eq!(name, "WebhookTutorial01");
    device.run_until(60_912).await;
    device.part(0, r#"{"ok":true}"#);
    device.run_until(60_920).await;
    assert_eq!(
        device.serial(),
        [
            format!("0000060000 [app] INFO: publish WebhookTutorial01 {data}"),
            r#"0000060920 [app] INFO: hook response {"ok":true}"#.to_owned(),
        ]
    );
    let id = data
        .strip_prefix(r#"{"op":"periodic","id":"#)
        .and_then(|rest| rest.strip_suffix(r#","powerSource":2,"soc":-1}"#));
    assert!(
        id.is_some_and(|id| id.parse::<i32>().is_ok_and(|id| id > 0)),
        "{data}"
    );
}
