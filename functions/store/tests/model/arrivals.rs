//! The table: what a request does when it arrives, whenever that is.

use super::world::{
    Broken, EPOCHS, Flaw, GONE, Item, Message, REFUSED, Scenario, SmallHead, Step, World, Writer,
    bit,
};

impl World {
    pub(crate) fn arrivals(
        &self,
        scenario: &Scenario,
        at: usize,
        to: &mut Vec<(String, World)>,
    ) -> Result<(), Broken> {
        let message = self.wire[at];
        let mut world = self.clone();
        world.wire.remove(at);
        match message {
            Message::Number { writer, request, attempt } => {
                let given = world.head().map(|head| SmallHead {
                    last: head.last + 1,
                    last_by: writer,
                    ..head
                });
                world.set_head(given);
                to.push((format!("{message:?} arrives"), world.clone()));
                let asker = &mut world.writers[usize::from(writer)];
                if *asker == (Writer { step: Step::Numbering { attempt }, request }) {
                    match given {
                        None => asker.step = Step::Idle,
                        Some(SmallHead { epoch, last, .. }) => {
                            asker.step = Step::Recording { attempt: 1, epoch, seq: last };
                            world.send(Message::Record {
                                writer,
                                request,
                                attempt: 1,
                                epoch,
                                seq: last,
                            });
                            if scenario.has(Flaw::AnswersBeforeRecording) {
                                world.acked[usize::from(epoch)] |= bit(last);
                            }
                        }
                    }
                    to.push((format!("{message:?} is answered"), world));
                }
            }
            Message::Record { writer, request, attempt, epoch, seq } => {
                let mine = Item::Delivery { writer, nonce: request };
                let item = world.item(epoch, seq);
                let was = *item;
                let goes_in = was == Item::Empty
                    || (was == mine && !scenario.has(Flaw::NonceDropped))
                    || scenario.has(Flaw::RecordOverwrites);
                if goes_in {
                    *item = mine;
                }
                to.push((format!("{message:?} arrives"), world.clone()));
                let asker = &mut world.writers[usize::from(writer)];
                if *asker == (Writer { step: Step::Recording { attempt, epoch, seq }, request }) {
                    asker.step = Step::Idle;
                    if goes_in {
                        world.acked[usize::from(epoch)] |= bit(seq);
                    } else if was != Item::Tombstone {
                        return Err(REFUSED);
                    }
                    to.push((format!("{message:?} is answered"), world));
                }
            }
            Message::CloseGap { epoch, seq } => {
                world.close_gap(scenario, epoch, seq);
                to.push((format!("{message:?} arrives"), world));
            }
            Message::Clear { epoch, to: upto, .. } => {
                if let Some(head) = world.head().filter(|head| head.epoch == epoch) {
                    let upto = if scenario.has(Flaw::ClearMeansAllThereIsOnArrival) {
                        head.last
                    } else {
                        upto
                    };
                    let cleared = head.cleared.max(upto);
                    world.set_head(Some(SmallHead { cleared, ..head }));
                }
                to.push((format!("{message:?} arrives"), world.clone()));
                if world.doing == Some(message) {
                    world.doing = None;
                    world.action += 1;
                    world.was_cleared[usize::from(epoch)] =
                        world.meant_to_clear[usize::from(epoch)];
                    to.push((format!("{message:?} is answered"), world));
                }
            }
            Message::Forget { epoch, .. } => {
                let there = world.head().map(|head| head.epoch);
                if there == Some(epoch) || scenario.has(Flaw::ForgetMeansWhateverIsThereOnArrival) {
                    world.set_head(None);
                    if there.is_some_and(|there| there != epoch) {
                        return Err(GONE);
                    }
                }
                to.push((format!("{message:?} arrives"), world.clone()));
                if world.doing == Some(message) {
                    world.doing = None;
                    world.action += 1;
                    if !scenario.has(Flaw::EpochDropped) {
                        world.forgotten |= bit(epoch);
                    }
                    to.push((format!("{message:?} is answered"), world));
                }
            }
            Message::Create { epoch, graves, .. } => {
                let is_as_it_was = world.head().is_none()
                    && (scenario.has(Flaw::ForgetLeavesNothing) || world.graves() == graves);
                if is_as_it_was {
                    world.set_head(Some(SmallHead { epoch, last: 0, last_by: 0, cleared: 0 }));
                    if scenario.has(Flaw::EpochDropped) {
                        // Same number line, begun anew: only what was promised in it since counts.
                        world.acked = [0; EPOCHS];
                        world.reported_missing = [0; EPOCHS];
                    }
                }
                to.push((format!("{message:?} arrives"), world.clone()));
                if world.doing == Some(message) && world.head().is_some() {
                    world.doing = None;
                    world.action += 1;
                    to.push((format!("{message:?} is answered"), world));
                }
            }
        }
        Ok(())
    }
}
