//! The lines that the page offers for a firmware of one's own do what it says.

use virtual_device::wire::FirmwareMessage;

use crate::scenario::{Build, ID, Scenario};

const OWN: &str = include_str!("../../../examples/own-firmware.cpp");

#[tokio::test]
async fn the_lines_for_ones_own_firmware_publish_and_print() {
    let mut device = Scenario::of(OWN, Build::Sanitized, 0).await;
    assert_eq!(device.subscriptions, [format!("{ID}/hook-response/WebhookTutorial01")]);
    assert!(device.run_until_publish(70_000).await);
    let published = device.done.iter().find_map(|done| match &done.message {
        FirmwareMessage::Publish { name, data, .. } => Some((name.as_str(), data.as_deref())),
        _ => None,
    });
    assert_eq!(published, Some(("WebhookTutorial01", Some(r#"{"op":"mine","id":1}"#))));
    device.part(0, r#"{"ok":true,"id":1}"#);
    device.run_for(20).await;
    assert_eq!(device.logged(r#"hook response {"ok":true,"id":1}"#).len(), 1);
}
