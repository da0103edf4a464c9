//! The lines that the page offers for a firmware of one's own do what it says.

use virtual_device::wire::FirmwareMessage;

use crate::scenario::{Build, ID, Scenario};

const OWN: &str = include_str!("../../../examples/own-firmware.cpp");

#[tokio::test]
async fn the_lines_for_ones_own_firmware_publish_and_print() {
    let mut device = Scenario::of(OWN, Build::Sanitized, 0).await;
    assert_eq!(device.subscriptions, [format!("{ID}/hook-response/WebhookTutorial01")]);
    for until_ms in [70_000, 130_000] {
        assert!(device.run_until_publish(until_ms).await);
    }
    let published = device.done.iter().filter_map(|done| match &done.message {
        FirmwareMessage::Publish { name, data, .. } => Some((name.as_str(), data.as_deref()?)),
        _ => None,
    });
    // The first event is published a minute after the boot, at the second 1,700,000,060.
    let expected = [1_700_000_060, 1_700_000_061]
        .map(|id| ("WebhookTutorial01", format!(r#"{{"op":"mine","id":{id}}}"#)));
    assert!(published.eq(expected.iter().map(|(name, data)| (*name, data.as_str()))));
    device.part(0, r#"{"ok":true,"id":1}"#);
    device.run_for(20).await;
    assert_eq!(device.logged(r#"hook response {"ok":true,"id":1}"#).len(), 1);
}
