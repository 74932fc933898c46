//! The network: it drops, delays, doubles, cuts off and alters what it carries, and loses live connections.

use desk_sync::wire::{self, Hash};

use super::{Answer, Event, Origin, SILENCE_MS, ToldTo, World};
use crate::{Broken, device::Asked};

impl World {
    /// A device says on its live connection how far it is.
    pub(super) fn say_level(&mut self, device: usize, live: u64, after: u64, scope: Hash) {
        if self.is_lost(device) {
            self.break_lives(|(other, _)| other == device);
            return;
        }
        let delay = self.delay();
        self.after(delay, Event::Level { device, live, after, scope });
    }

    /// Carries a request, as well as the network can.
    pub(super) fn carry_request(&mut self, from: Origin, asked: Asked, frame: &[u8]) {
        let copies = if self.faulty(self.plan.double) { 2 } else { 1 };
        if copies > 1 {
            self.counts.add("requests doubled", 1);
        }
        for _ in 0..copies {
            if self.is_lost(from.device) {
                continue;
            }
            let delay = self.delay();
            let frame = self.damaged(frame);
            self.after(delay, Event::Arrives { from, asked, frame });
        }
    }

    /// Carries an answer.
    pub(super) fn carry_answer(&mut self, from: Origin, answer: Answer) {
        if self.is_lost(from.device) {
            return;
        }
        let delay = self.delay();
        let answer = match answer {
            Answer::Frame(frame) => Answer::Frame(self.damaged(&frame)),
            other => other,
        };
        let (server_now, witness) = (self.time, self.server.witness());
        self.after(delay, Event::Answered { from, answer, server_now, witness });
    }

    /// Tells everybody who listens that the head moved.
    pub(super) fn hint(&mut self) -> Result<(), Broken> {
        let head = self.server.head();
        for (live, (device, _)) in self.lives.clone() {
            if self.levels.get(&live).is_none_or(|level| level.is_some_and(|(after, _)| after < head)) {
                self.tell(device, live)?;
            }
        }
        Ok(())
    }

    /// Tells a device that the head moved: with the page that it would pull, if it has said how far it is.
    pub(super) fn tell(&mut self, device: usize, live: u64) -> Result<(), Broken> {
        let Some((_, boot)) = self.lives.get(&live).copied() else { return Ok(()) };
        if self.is_lost(device) {
            // What a connection loses, it does not survive.
            self.break_lives(|(other, _)| other == device);
            return Ok(());
        }
        let (id, head, delay) = (self.devices[device].id, self.server.head(), self.delay());
        let witness = self.server.witness();
        let level = self.levels.get_mut(&live).and_then(Option::take);
        let page = level.and_then(|(after, scope)| {
            let reply = self.server.pull(id, after, Some(scope), self.plan.pull_changes).ok()?;
            // It was read by the role that they have.
            self.other_roles.remove(&live);
            Some((after, reply))
        });
        let news = match page {
            Some((after, reply)) => {
                let frame = wire::encode(&reply).map_err(Broken::new)?;
                Event::Page { told: ToldTo { device, boot, live, after, witness }, frame }
            }
            None => Event::Hint { device, boot, live, head },
        };
        self.after(delay, news);
        Ok(())
    }

    /// Live connections end; their devices notice at once or only by the silence.
    pub(super) fn break_lives(&mut self, which: impl Fn((usize, u32)) -> bool) {
        let broken: Vec<_> =
            self.lives.iter().filter(|(_, of)| which(**of)).map(|(live, of)| (*live, *of)).collect();
        for (live, (device, boot)) in broken {
            self.lives.remove(&live);
            self.levels.remove(&live);
            let notice = if self.chance.hits(500) { 10 } else { self.chance.between(10, SILENCE_MS) };
            self.after(notice, Event::LiveLost { device, boot, live });
        }
    }

    pub(super) fn is_lost(&mut self, device: usize) -> bool {
        if self.time < self.cut_off_until[device] {
            return true;
        }
        let lost = self.faulty(self.plan.drop);
        if lost {
            self.counts.add("messages lost", 1);
        }
        lost
    }

    pub(super) fn delay(&mut self) -> i64 {
        if self.faulty(self.plan.slow) {
            self.counts.add("messages delayed", 1);
            return self.chance.between(0, self.plan.delay_ms);
        }
        self.chance.between(1, 60)
    }

    /// The frame, perhaps cut off or with some bits flipped.
    pub(super) fn damaged(&mut self, frame: &[u8]) -> Vec<u8> {
        let mut frame = frame.to_vec();
        if !frame.is_empty() && self.faulty(self.plan.damage) {
            self.counts.add("frames damaged", 1);
            if self.chance.hits(400) {
                frame.truncate(self.chance.below(frame.len()));
            } else {
                for _ in 0..=self.chance.below(3) {
                    let at = self.chance.below(frame.len());
                    frame[at] ^= 1 << self.chance.below(8);
                }
            }
        }
        frame
    }
}
