//! Functions that can be called and variables that can be read.

use device_link::VariableKind;
use virtual_device::wire::{FirmwareMessage, HostMessage};

use crate::scenario::{Build, Scenario};

const FIRMWARE: &str = r#"
#include "Particle.h"

bool on = true;
int count = -7;
unsigned large = 4000000000u;
double temperature = 21.5;
String text = "a\tb";
char buffer[] = "chars";
struct Counter {
    int calls = 0;
    int add(String argument) { return calls += argument.toInt(); }
    String all() { return String(calls); }
} counter;
int led(String command) { return command == "on" ? 1 : -1; }
double half() { return count / 2.0; }

void setup() {
    Particle.function("led", led);
    Particle.function("add", &Counter::add, &counter);
    Particle.function("lambda", [](String argument) { return static_cast<int>(argument.length()); });
    Particle.variable("on", on);
    Particle.variable("count", count);
    Particle.variable("large", large);
    Particle.variable("temperature", temperature);
    Particle.variable("text", text);
    Particle.variable("buffer", buffer);
    Particle.variable("half", half);
    Particle.variable("all", &Counter::all, &counter);
    Particle.variable("captured", [] { return on; });
    Particle.variable("old", &count, INT);
    for (int i = 0; i < 20; i++) {
        char name[16];
        snprintf(name, sizeof name, "v%d", i);
        Particle.variable(name, count);
        Particle.function(name, led);
    }
}
void loop() {}
"#;

async fn ask(device: &mut Scenario, message: HostMessage) -> Option<String> {
    device.send(&message);
    device.run_for(20).await;
    match device.done.pop().unwrap().message {
        FirmwareMessage::Returned { request: 5, value } => value,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn functions_and_variables_of_every_kind_answer() {
    let mut device = Scenario::of(FIRMWARE, Build::Sanitized, 0).await;
    let mut functions = Vec::new();
    let mut variables = Vec::new();
    for done in device.done.drain(..) {
        match done.message {
            FirmwareMessage::Function(name) => functions.push(name),
            FirmwareMessage::Variable { name, kind } => variables.push((name, kind)),
            _ => {}
        }
    }
    assert_eq!((functions.len(), variables.len()), (15, 20), "a device takes no more");
    assert_eq!(functions[..3], ["led", "add", "lambda"]);
    for (name, kind, value) in [
        ("on", VariableKind::Bool, "true"),
        ("count", VariableKind::Int32, "-7"),
        ("large", VariableKind::Int32, "-294967296"),
        ("temperature", VariableKind::Double, "21.5"),
        ("text", VariableKind::String, "a\tb"),
        ("buffer", VariableKind::String, "chars"),
        ("half", VariableKind::Double, "-3.5"),
        ("all", VariableKind::String, "0"),
        ("captured", VariableKind::Bool, "true"),
        ("old", VariableKind::Int32, "-7"),
    ] {
        assert!(variables.contains(&(name.to_owned(), kind)), "{name}");
        let read = HostMessage::Read { request: 5, name: name.into() };
        assert_eq!(ask(&mut device, read).await.as_deref(), Some(value), "{name}");
    }
    for (name, argument, value) in [
        ("led", "on", Some("1")),
        ("led", "", Some("-1")),
        ("add", "3", Some("3")),
        ("add", "4", Some("7")),
        ("lambda", "a\tb", Some("3")),
        ("none", "", None),
    ] {
        let (name, argument) = (name.into(), argument.into());
        let call = HostMessage::Call { request: 5, name, argument };
        assert_eq!(ask(&mut device, call).await.as_deref(), value);
    }
    let read = HostMessage::Read { request: 5, name: "none".into() };
    assert_eq!(ask(&mut device, read).await, None);
}
