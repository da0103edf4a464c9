//! The receivers: what each may do next.

use super::world::{Message, Scenario, Step, World, Writer};

impl World {
    pub(crate) fn writer_steps(&self, scenario: &Scenario, w: u8, to: &mut Vec<(String, World)>) {
        let writer = self.writers[usize::from(w)];
        let mut then = |what: &str, step: Step, message: Option<Message>| {
            let mut world = self.clone();
            world.writers[usize::from(w)].step = step;
            if let Some(message) = message {
                world.send(message);
            }
            to.push((format!("writer {w} {what}"), world));
        };
        let request = writer.request;
        match writer.step {
            Step::Idle if writer.request < scenario.requests[usize::from(w)] => {
                let mut world = self.clone();
                world.writers[usize::from(w)] =
                    Writer { step: Step::Numbering { attempt: 1 }, request: request + 1 };
                world.send(Message::Number { writer: w, request: request + 1, attempt: 1 });
                to.push((format!("writer {w} begins"), world));
            }
            Step::Idle => {}
            Step::Numbering { attempt } => {
                // A crash and giving up look the same from outside: 503 or nothing, and what was sent may still arrive.
                then("gives up numbering", Step::Idle, None);
                if attempt < scenario.attempts {
                    let message = Message::Number { writer: w, request, attempt: attempt + 1 };
                    then("numbers again", Step::Numbering { attempt: attempt + 1 }, Some(message));
                }
            }
            Step::Recording { attempt, epoch, seq } => {
                then("gives up recording", Step::Idle, None);
                if attempt < scenario.attempts {
                    let message =
                        Message::Record { writer: w, request, attempt: attempt + 1, epoch, seq };
                    then(
                        "records again",
                        Step::Recording { attempt: attempt + 1, epoch, seq },
                        Some(message),
                    );
                }
            }
        }
    }
}
