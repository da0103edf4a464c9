//! The owner: clears, forgets, makes anew.

use super::world::{EPOCHS, Flaw, Message, OwnerAction, Scenario, SmallHead, World};

impl World {
    pub(crate) fn owner_steps(&self, scenario: &Scenario, to: &mut Vec<(String, World)>) {
        let Some(action) = scenario.owner.get(usize::from(self.action)) else {
            return;
        };
        let mut world = self.clone();
        if let Some(message) = self.doing {
            // No answer: it is sent again, and the first may still arrive.
            let again = match message {
                Message::Clear { attempt, epoch, to } if attempt < scenario.attempts => {
                    Message::Clear { attempt: attempt + 1, epoch, to }
                }
                Message::Forget { attempt, epoch } if attempt < scenario.attempts => {
                    Message::Forget { attempt: attempt + 1, epoch }
                }
                Message::Create { attempt, epoch, graves } if attempt < scenario.attempts => {
                    Message::Create { attempt: attempt + 1, epoch, graves }
                }
                _ => return,
            };
            world.doing = Some(again);
            world.send(again);
            to.push((format!("owner again {again:?}"), world));
            return;
        }
        match (action, self.head()) {
            (OwnerAction::Clear, Some(head)) => {
                world.meant_to_clear[usize::from(head.epoch)] = head.last;
                let message = Message::Clear { attempt: 1, epoch: head.epoch, to: head.last };
                world.doing = Some(message);
                world.send(message);
            }
            (OwnerAction::Forget, Some(head)) => {
                let message = Message::Forget { attempt: 1, epoch: head.epoch };
                world.doing = Some(message);
                world.send(message);
            }
            (OwnerAction::Create, None) => {
                world.newest_epoch += 1;
                let message = Message::Create {
                    attempt: 1,
                    epoch: match scenario.has(Flaw::EpochDropped) {
                        true => 1,
                        false => world.newest_epoch,
                    },
                    graves: self.graves(),
                };
                world.doing = Some(message);
                world.send(message);
            }
            (OwnerAction::Renew, Some(_)) => {
                world.action += 1;
                world.newest_epoch += 1;
                let epoch = if scenario.has(Flaw::EpochDropped) { 1 } else { world.newest_epoch };
                if scenario.has(Flaw::EpochDropped) {
                    // Same number line, begun anew: only what was promised in it since counts.
                    world.acked = [0; EPOCHS];
                    world.reported_missing = [0; EPOCHS];
                }
                world.set_head(Some(SmallHead { epoch, last: 0, last_by: 0, cleared: 0 }));
            }
            _ => return,
        }
        to.push(("owner".into(), world));
    }
}
