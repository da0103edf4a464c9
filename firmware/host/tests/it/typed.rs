//! Typed publish: bytes, pictures and structured data, out and in.

use device_link::ContentType;
use virtual_device::wire::{FirmwareMessage, HostMessage};

use crate::scenario::{Build, Scenario};

const FIRMWARE: &str = r#"
#include "Particle.h"

SerialLogHandler logs;

static void text(const char *name, const char *data) { Log.info("text %s", data); }
static void typed(const char *name, const char *data, size_t size, ContentType type) {
    Log.info("typed %d %u %02x", static_cast<int>(type), static_cast<unsigned>(size), data ? data[0] & 0xff : 0);
}

void setup() {
    Particle.subscribe("text", text);
    Particle.subscribe("typed", typed);
}

void loop() {
    static int step = 0;
    static const char bytes[] = {'\x00', '\xff', '\t', '\n'};
    EventData map;
    map.set("a", 1234);
    map.set("b", Variant(Buffer::fromHex("9dcae4dfe9af57338b5755d67e51771c")));
    Variant whole;
    whole.set("a", Variant(123));
    whole.set("b", Variant("test"));
    whole.set("c", Variant(true));
    Variant list;
    list.append(1);
    list.append(2);
    list.append(3);
    whole.set("d", list);
    Variant odd;
    odd.append(Variant());
    odd.append(-0.1);
    odd.append("\u00e4\"\\\n");
    odd.append(5000000000LL);
    odd.append(21.5);
    static char most[1025];
    switch (step++) {
    case 0: Particle.publish("p", bytes, sizeof bytes, ContentType::BINARY); break;
    case 1: Particle.publish("p", "\x89PNG", ContentType::PNG); break;
    case 2: Particle.publish("p", String("plain"), ContentType::TEXT, WITH_ACK); break;
    case 3: Particle.publish("p", map); break;
    case 4: Particle.publish("p", whole); break;
    case 5: Particle.publish("p", odd, NO_ACK); break;
    case 6: Particle.publish("p", most, 1024, ContentType::JPEG); break;
    case 7: Log.info("too large %d", static_cast<bool>(Particle.publish("p", most, 1025, ContentType::JPEG))); break;
    case 8: Log.info("too large %d", static_cast<bool>(Particle.publish("p", Buffer(1022)))); break;
    case 9: Log.info("%s %d %s", whole.get("b").toString().c_str(), whole.get("d").at(2).toInt(),
                     map.get("b").toBuffer().toHex().c_str()); break;
    }
    delay(1000);
}
"#;

#[tokio::test]
async fn bytes_and_structured_data_leave_in_their_types() {
    let mut device = Scenario::of(FIRMWARE, Build::Sanitized, 0).await;
    device.run_for(12_000).await;
    let published: Vec<_> = device
        .done
        .iter()
        .filter_map(|done| match &done.message {
            FirmwareMessage::Publish { data, content, size, .. } => {
                Some((data.as_deref().unwrap(), *content, *size))
            }
            _ => None,
        })
        .collect();
    let most = format!("{}==", "A".repeat(1366));
    assert_eq!(
        published,
        [
            ("AP8JCg==", ContentType::Binary, None),
            ("iVBORw==", ContentType::Png, None),
            ("plain", ContentType::Text, None),
            (
                r#"{"a":1234,"b":{"_type":"buffer","_data":"ncrk3+mvVzOLV1XWflF3HA=="}}"#,
                ContentType::Structured,
                Some(25)
            ),
            (
                r#"{"a":123,"b":"test","c":true,"d":[1,2,3]}"#,
                ContentType::Structured,
                // The example of the documentation.
                Some(21)
            ),
            (
                "[null,-0.1,\"\u{e4}\\\"\\\\\\u000a\",5000000000,21.5]",
                ContentType::Structured,
                Some(31)
            ),
            (most.as_str(), ContentType::Jpeg, None),
        ]
    );
    assert_eq!(device.logged("too large"), ["too large 0"; 2]);
    assert_eq!(device.logged("test"), ["test 3 9dcae4dfe9af57338b5755d67e51771c"]);
}

#[tokio::test]
async fn bytes_reach_the_handlers_that_take_them() {
    let mut device = Scenario::of(FIRMWARE, Build::Sanitized, 0).await;
    for (name, data, content) in [
        ("typed", Some("/wA="), ContentType::Binary),
        ("typed", Some("AAAA"), ContentType::Png),
        ("typed", Some("/wA="), ContentType::Text),
        ("typed", None, ContentType::Text),
        ("text", Some("abc"), ContentType::Text),
        ("text", Some("/wAA"), ContentType::Binary),
    ] {
        let data = data.map(str::to_owned);
        device.send(&HostMessage::Event { name: name.into(), data, content });
    }
    device.run_for(20).await;
    assert_eq!(
        device.logged("typed"),
        ["typed 42 2 ff", "typed 23 3 00", "typed 0 4 2f", "typed 0 0 00"]
    );
    assert_eq!(device.logged("text"), ["text abc"]);
    let unheard = device.serial().into_iter().find(|line| line.starts_with('('));
    assert!(unheard.unwrap().starts_with("(3 bytes arrived that are no text"));
}
