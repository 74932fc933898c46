//! The run: a queue of what happens next, the network between devices and server, and the faults.

mod copies;
mod faults;
mod filling;
mod network;
mod restored;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use desk_domain::{
    ids::{DeviceId, Ids},
    people::Role,
    time::UtcMillis,
};
use desk_sync::{
    engine::{Action, Failure},
    wire::{self, Documents, Hash, Heads, PullReply, PushReply, Wanted},
};
use workernet_server::random::FreshIds;

use copies::Copied;

use crate::{
    Broken, Counts, Plan,
    chance::Chance,
    checks,
    device::{Asked, Device, Level, Request, Taken},
    edits,
    ledger::Ledger,
    server::{Decided, Refusal, Server, Witness},
};

/// 24 September 2026.
const START: UtcMillis = UtcMillis(1_790_240_400_000);
/// An answer is awaited so long.
const ANSWER_MS: i64 = 30_000;
/// A dead live connection is noticed after so long at the latest.
const SILENCE_MS: i64 = 75_000;
/// The server looks this often at the right to be told of who listens.
const PING_MS: i64 = 20_000;
/// After the faults everything must be level within this time.
const DRAIN_MS: i64 = 2 * 3_600_000;
/// More steps than any run takes.
const MOST_EVENTS: u64 = 400_000;

/// What happens at an instant.
#[derive(Debug)]
enum Event {
    /// A device's driver looks what to do.
    Tick(usize),
    /// A device takes the next step of a push.
    Step { device: usize, boot: u32 },
    /// A person edits.
    Edit(usize),
    /// A request reaches the server; the frame is a push's.
    Arrives { from: Origin, asked: Asked, frame: Vec<u8> },
    /// An answer reaches a device.
    Answered { from: Origin, answer: Answer, server_now: UtcMillis, witness: Witness },
    /// Nobody answered.
    TimedOut { device: usize, boot: u32, number: u64 },
    /// The server hears how far a device is.
    Level { device: usize, live: u64, after: u64, scope: Hash },
    /// A hint reaches a device.
    Hint { device: usize, boot: u32, live: u64, head: u64 },
    /// A page that came by itself reaches a device.
    Page { told: ToldTo, frame: Vec<u8> },
    /// A device notices that its live connection is dead.
    LiveLost { device: usize, boot: u32, live: u64 },
    /// A device dies.
    Crash(usize),
    /// It starts again.
    Start(usize),
    /// The server starts again.
    ServerStarts,
    /// A device is cut off for so long.
    CutOff { device: usize, for_ms: i64 },
    /// A member gets another role.
    Role,
    /// The server looks whether those who listen are who they were.
    Pinged,
    /// Who sees what changes: a team becomes private or open, or a member joins or leaves teams.
    Access,
    /// A device is revoked.
    Revoke,
    /// A device's clock is set.
    ClockSet,
    /// A device's store is copied.
    Copy(usize),
    /// The server is backed up.
    BackUp,
    /// It is restored from that.
    RestoreServer,
    /// The copy opens.
    CopyOpens(Box<Copied>),
    /// A person sees that sync stands still, and presses the button.
    Resume { device: usize, boot: u32 },
    /// The faults end.
    Heal,
}

/// Whose a request is, and what it shows of the log.
#[derive(Clone, Copy, Debug)]
struct Origin {
    device: usize,
    boot: u32,
    number: u64,
    id: DeviceId,
    witness: Option<Witness>,
}

/// Whom a page that comes by itself is for, what it follows on, and what it shows of the log.
#[derive(Clone, Copy, Debug)]
struct ToldTo {
    device: usize,
    boot: u32,
    live: u64,
    after: u64,
    witness: Witness,
}

/// What comes back.
#[derive(Clone, Debug)]
enum Answer {
    /// A frame with a reply.
    Frame(Vec<u8>),
    /// The live connection stands.
    Live(u64),
    /// A fresh id is registered.
    Registered,
    /// The server refuses.
    Refused(Refusal),
    /// Nobody is there.
    Unreachable,
}

pub(crate) struct World {
    plan: Plan,
    chance: Chance,
    time: UtcMillis,
    queue: BTreeMap<(UtcMillis, u64), Event>,
    scheduled: u64,
    requests: u64,
    pub(crate) server: Server,
    server_up: bool,
    backup: Option<Server>,
    /// Live connections that the server believes in: device, boot.
    lives: BTreeMap<u64, (usize, u32)>,
    /// What those devices said of themselves that did: how far they are, nothing once that was answered.
    levels: BTreeMap<u64, Option<(u64, Hash)>>,
    /// Live connections whose members have another role than they were told anything under.
    other_roles: BTreeSet<u64>,
    pub(crate) devices: Vec<Device>,
    cut_off_until: Vec<UtcMillis>,
    members: Vec<String>,
    pub(crate) ledger: Ledger,
    counts: Counts,
    healed: bool,
    trace: Option<VecDeque<String>>,
}

impl World {
    pub(crate) fn new(plan: &Plan, trace: bool) -> Result<Self, Broken> {
        let chance = Chance::new(plan.seed);
        let roles: Vec<Role> = (0..plan.members)
            .map(|number| match (number, chance.below(6)) {
                (0, _) | (_, 0) => Role::Admin,
                (_, 1..4) => Role::Manager,
                _ => Role::Agent,
            })
            .collect();
        let mut server = Server::new(&roles, START, &chance)?;
        let ids = FreshIds::at(START, chance.random());
        let mut devices = Vec::new();
        for index in 0..plan.devices {
            // Everybody has one device; who has several is left to chance.
            let member = if index < plan.members { index } else { chance.below(plan.members) };
            let id = DeviceId(ids.fresh());
            server.devices.insert(id, (member, false));
            let account = &server.accounts[member];
            let mut device = Device::new(index, id, account.id, account.role, server.settings);
            device.takes_segments = chance.hits(plan.segments);
            if chance.hits(plan.skewed) {
                device.skew_ms = chance.between(-1_800_000, 1_800_000);
            }
            devices.push(device);
        }
        let members = server.accounts.iter().map(|account| account.id.to_string()).collect();
        let mut world = Self {
            plan: plan.clone(),
            chance,
            time: START,
            queue: BTreeMap::new(),
            scheduled: 0,
            requests: 0,
            server,
            server_up: true,
            backup: None,
            lives: BTreeMap::new(),
            levels: BTreeMap::new(),
            other_roles: BTreeSet::new(),
            cut_off_until: vec![START; devices.len()],
            devices,
            members,
            ledger: Ledger::default(),
            counts: Counts::default(),
            healed: false,
            trace: trace.then(VecDeque::new),
        };
        world.prepare();
        Ok(world)
    }

    /// Puts everything that the plan foresees into the queue.
    fn prepare(&mut self) {
        let plan = self.plan.clone();
        for device in 0..plan.devices {
            // Who is filled from segments joins in the middle.
            let latest = plan.faulty_ms / if self.devices[device].takes_segments { 1 } else { 4 };
            let after = self.chance.between(0, latest);
            self.after(after, Event::Start(device));
        }
        let mut at_random = |event: fn(usize, &Chance) -> Event| {
            let (device, at) = (self.chance.below(plan.devices), self.chance.between(0, plan.faulty_ms));
            let event = event(device, &self.chance);
            self.after(at, event);
        };
        (0..plan.edits).for_each(|_| at_random(|device, _| Event::Edit(device)));
        (0..plan.partitions).for_each(|_| {
            at_random(|device, chance| Event::CutOff { device, for_ms: chance.between(1_000, 400_000) });
        });
        (0..plan.crashes).for_each(|_| at_random(|device, _| Event::Crash(device)));
        (0..plan.role_changes).for_each(|_| at_random(|_, _| Event::Role));
        (0..plan.access_changes).for_each(|_| at_random(|_, _| Event::Access));
        (0..plan.revocations).for_each(|_| at_random(|_, _| Event::Revoke));
        (0..plan.copies).for_each(|_| at_random(|device, _| Event::Copy(device)));
        (0..plan.restores).for_each(|_| {
            at_random(|_, _| Event::BackUp);
            at_random(|_, _| Event::RestoreServer);
        });
        (0..plan.clock_jumps).for_each(|_| at_random(|_, _| Event::ClockSet));
        self.after(plan.faulty_ms, Event::Heal);
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts.clone()
    }

    pub(crate) fn into_trace(self) -> Vec<String> {
        self.trace.into_iter().flatten().collect()
    }

    /// Runs to the end and checks that everybody is level.
    pub(crate) fn run(&mut self) -> Result<(), Broken> {
        let mut events = 0;
        while let Some(((at, _), event)) = self.queue.pop_first() {
            if at.since(START) > self.plan.faulty_ms + DRAIN_MS {
                return Err(Broken::new(format!("not level after the faults ended: {}", self.unlevel())));
            }
            events += 1;
            if events > MOST_EVENTS {
                return Err(Broken::new(format!("it does not come to rest: {}", self.unlevel())));
            }
            self.time = at;
            self.happen(event)?;
            if self.healed && self.is_level() && !self.is_anything_under_way() {
                break;
            }
        }
        self.counts.add("events", events);
        if !self.is_level() {
            return Err(Broken::new(format!("nothing happens any more: {}", self.unlevel())));
        }
        checks::check(&self.server, &mut self.devices, &self.ledger, &mut self.counts)
    }

    fn happen(&mut self, event: Event) -> Result<(), Broken> {
        match event {
            Event::Tick(device) => return self.drive(device),
            Event::Step { device, boot } => return self.step(device, boot),
            Event::Edit(device) => return self.edit(device),
            Event::Arrives { from, asked, frame } => {
                return self.serve(from, asked, &frame);
            }
            Event::Answered { from, answer, server_now, witness } => {
                return self.answered(from, answer, server_now, witness);
            }
            Event::TimedOut { device, boot, number } => {
                if self.awaits(device, boot, number).is_some() {
                    self.told(|| format!("device {device}: no answer to request {number}"));
                    self.counts.add("time-outs", 1);
                    return self.failed(device, Failure::Passing);
                }
            }
            Event::Level { device, live, after, scope } => {
                if self.lives.contains_key(&live) {
                    self.levels.insert(live, Some((after, scope)));
                    if self.server.head() > after {
                        self.tell(device, live)?;
                    }
                }
            }
            Event::Page { told, frame } => return self.take_page(told, frame),
            Event::Hint { device, boot, live, head } => {
                if let Some(running) = self.running(device, boot)
                    && running.live == Some(live)
                {
                    running.is_told = false;
                    running.engine.hinted(head);
                    return self.drive(device);
                }
            }
            Event::LiveLost { device, boot, live } => {
                let jitter = self.chance.jitter();
                let now = self.devices[device].now(self.time);
                if let Some(running) = self.running(device, boot)
                    && running.live == Some(live)
                {
                    running.live = None;
                    running.engine.live_down(now, jitter);
                    return self.drive(device);
                }
            }
            Event::Crash(device) => self.crash(device),
            Event::Start(device) => {
                if self.devices[device].running.is_none() && !self.devices[device].is_gone() {
                    self.told(|| format!("device {device} starts"));
                    self.devices[device].start();
                    return self.drive(device);
                }
            }
            Event::ServerStarts => {
                self.told(|| "the server starts".to_owned());
                self.server_up = true;
            }
            Event::CutOff { device, for_ms } => {
                if !self.healed {
                    self.told(|| format!("device {device} is cut off for {for_ms} ms"));
                    self.counts.add("partitions", 1);
                    self.cut_off_until[device] = self.time.plus_ms(for_ms);
                    self.break_lives(|(other, _)| other == device);
                }
            }
            Event::Role => return self.change_role(),
            Event::Pinged => self.end_other_roles(),
            Event::Access => return self.change_access(),
            Event::Revoke => self.revoke(),
            Event::ClockSet => {
                let device = self.chance.below(self.devices.len());
                let skew = self.chance.between(-3_600_000, 3_600_000);
                self.told(|| format!("device {device}: the clock is set {skew} ms off"));
                self.counts.add("clocks set", 1);
                self.devices[device].skew_ms = skew;
                return self.drive(device);
            }
            Event::Copy(device) => self.copy(device),
            Event::BackUp => self.back_up(),
            Event::RestoreServer => self.restore_server(),
            Event::CopyOpens(copied) => return self.copy_opens(*copied),
            Event::Resume { device, boot } => {
                self.sign_in(device);
                if let Some(running) = self.running(device, boot) {
                    running.engine.resume();
                    return self.drive(device);
                }
            }
            Event::Heal => return self.heal(),
        }
        Ok(())
    }

    /// The faults end: everybody is reachable, everything runs, and people press what they have to press.
    fn heal(&mut self) -> Result<(), Broken> {
        self.told(|| "the faults end".to_owned());
        self.healed = true;
        self.server_up = true;
        self.cut_off_until.fill(self.time);
        self.say_roles_again()?;
        for device in 0..self.devices.len() {
            if self.devices[device].is_gone() {
                continue;
            }
            self.sign_in(device);
            if self.devices[device].running.is_none() {
                self.devices[device].start();
            }
            if let Some(running) = &mut self.devices[device].running
                && running.engine.is_stopped()
            {
                running.engine.resume();
            }
            self.drive(device)?;
        }
        Ok(())
    }

    /// What the driver of a device does: asks the engine, and does it.
    fn drive(&mut self, device: usize) -> Result<(), Broken> {
        let time = self.time;
        let one = &mut self.devices[device];
        // What a death left undone comes first.
        if one.running.as_ref().is_some_and(|running| running.request.is_none() && running.steps.is_empty()) {
            one.let_go(&self.chance)?;
        }
        let (now, sent_at, boot) = (one.now(time), one.machine(time), one.boot);
        let (batch, offer) = (one.batch(self.plan.push_changes), one.offer(self.plan.push_changes));
        let (cursor, scope, wants) = (one.store.cursor, one.known_scope(), one.wants());
        let Some(running) = &mut one.running else { return Ok(()) };
        if running.request.is_some() || !running.steps.is_empty() {
            return Ok(());
        }
        let wanted = match &running.level {
            Some(Level::Fetches { missing, .. }) => {
                Some(wire::encode(&Wanted { docs: missing.clone() }).map_err(Broken::new)?)
            }
            Some(Level::Asks) | None => None,
        };
        let (asked, push) = match running.engine.next(now) {
            Action::Push | Action::Pull if one.store.recovering => (Asked::Lost, None),
            _ if running.offered.is_some() => match offer {
                Some(offer) => (Asked::Offer, Some(offer)),
                None => (Asked::NewDevice(DeviceId(FreshIds::at(now, self.chance.random()).fresh())), None),
            },
            Action::Pull if wanted.is_some() => (Asked::Documents, None),
            Action::Pull if running.level.is_some() => (Asked::Heads, None),
            Action::Push => {
                let Some(push) = batch else {
                    if one.store.twin {
                        running.offered = Some(0);
                        self.after(0, Event::Tick(device));
                        return Ok(());
                    }
                    // The outbox was emptied meanwhile: nothing is sent.
                    running.engine.pushed(now, cursor, false, None);
                    self.after(0, Event::Tick(device));
                    return Ok(());
                };
                (Asked::Push, Some(push))
            }
            Action::Pull => (Asked::Pull { after: cursor, scope }, None),
            Action::Listen => (Asked::Listen, None),
            Action::Bootstrap => match wants {
                Some(asked) => (asked, None),
                None => return self.put_in_place(device),
            },
            Action::Wait { until } => {
                let scope = scope.filter(|_| running.engine.is_level() && !running.is_told);
                if let (Some(live), Some(scope)) = (running.live, scope) {
                    (running.is_told, running.is_outdated) = (true, false);
                    self.say_level(device, live, cursor, scope);
                }
                let Some(running) = &self.devices[device].running else { return Ok(()) };
                if let Some(until) = until {
                    // At least a moment, at most what the driver sleeps at once.
                    let pause = until.since(now).clamp(1, 60_000);
                    self.after(pause, Event::Tick(device));
                } else if running.live.is_none() && !running.engine.is_stopped() {
                    return Err(Broken::new(format!("device {device} sleeps without an end")));
                }
                return Ok(());
            }
        };
        self.requests += 1;
        let number = self.requests;
        let from = Origin { device, boot, number, id: one.id, witness: one.store.witness };
        let sent = push.iter().flat_map(|push| &push.changes).map(|change| change.hash.0).collect();
        running.request = Some(Request { number, asked, sent, sent_at });
        running.is_outdated = running.is_told;
        let frame = match &push {
            Some(push) => wire::encode(push).map_err(Broken::new)?,
            None => wanted.filter(|_| asked == Asked::Documents).unwrap_or_default(),
        };
        self.told(|| {
            format!(
                "device {device} asks {number}: {asked:?}, {} changes",
                push.map_or(0, |push| push.changes.len())
            )
        });
        self.counts.add("requests", 1);
        self.after(ANSWER_MS, Event::TimedOut { device, boot, number });
        self.carry_request(from, asked, &frame);
        Ok(())
    }

    fn serve(&mut self, from: Origin, asked: Asked, frame: &[u8]) -> Result<(), Broken> {
        let Origin { device, boot, number, id, witness } = from;
        if !self.server_up {
            self.carry_answer(from, Answer::Unreachable);
            return Ok(());
        }
        let shows = matches!(
            asked,
            Asked::Push | Asked::Offer | Asked::Pull { .. } | Asked::Heads | Asked::Lost | Asked::Documents
        );
        if shows && let Err(refusal) = self.server.hold(witness) {
            self.carry_answer(from, Answer::Refused(refusal));
            return Ok(());
        }
        let answer = match asked {
            Asked::NewDevice(fresh) => match self.server.register(id, fresh) {
                Ok(()) => Answer::Registered,
                Err(refusal) => Answer::Refused(refusal),
            },
            Asked::Push | Asked::Offer => match self.server.decide(id, frame, self.time)? {
                Err(refusal) => Answer::Refused(refusal),
                Ok(decided) => {
                    let Some(reply) = self.write(decided)? else { return Ok(()) };
                    self.told(|| format!("the server judged {number}: {}", told_verdicts(&reply)));
                    Answer::Frame(wire::encode(&reply).map_err(Broken::new)?)
                }
            },
            Asked::Pull { after, scope } => {
                match self.server.pull(id, after, scope, self.plan.pull_changes) {
                    Ok(reply) => Answer::Frame(wire::encode(&reply).map_err(Broken::new)?),
                    Err(refusal) => Answer::Refused(refusal),
                }
            }
            Asked::Bootstrap => self.serve_bootstrap(id)?,
            Asked::Segment(segment) => self.serve_segment(id, segment),
            Asked::Heads | Asked::Lost => match self.server.heads(id) {
                Ok(reply) => Answer::Frame(wire::encode(&reply).map_err(Broken::new)?),
                Err(refusal) => Answer::Refused(refusal),
            },
            Asked::Documents => match self.server.whole(id, frame) {
                Ok(reply) => Answer::Frame(wire::encode(&reply).map_err(Broken::new)?),
                Err(refusal) => Answer::Refused(refusal),
            },
            Asked::Listen => match self.server.devices.get(&id) {
                Some((_, false)) => {
                    self.lives.insert(number, (device, boot));
                    // The first hint tells where the log stands.
                    Answer::Live(number)
                }
                Some((_, true)) | None => Answer::Refused(Refusal::NotAllowed),
            },
        };
        self.carry_answer(from, answer);
        Ok(())
    }

    /// Commits what was decided, unless the server dies before; it may also die before it can answer.
    fn write(&mut self, decided: Decided) -> Result<Option<PushReply>, Broken> {
        if self.faulty(self.plan.server_crash) {
            self.server_dies("before it commits");
            return Ok(None);
        }
        let news = !decided.is_empty();
        let reply = self.server.commit(decided)?;
        if self.faulty(self.plan.server_crash) {
            self.server_dies("after it committed");
            return Ok(None);
        }
        if news {
            self.hint()?;
        }
        Ok(Some(reply))
    }

    /// A device takes a page that came by itself.
    fn take_page(&mut self, told: ToldTo, frame: Vec<u8>) -> Result<(), Broken> {
        let ToldTo { device, boot, live, after, witness } = told;
        let Some(running) = self.running(device, boot).filter(|running| running.live == Some(live)) else {
            return Ok(());
        };
        if running.request.is_some() || !running.steps.is_empty() {
            // The driver does one thing at a time; what comes meanwhile waits in the connection.
            self.after(20, Event::Page { told, frame });
            return Ok(());
        }
        running.is_told = false;
        let reply = wire::decode::<PullReply>(&frame).map_err(Broken::new)?;
        let one = &mut self.devices[device];
        let (cursor, scope) = (one.store.cursor, one.known_scope());
        let Some(running) = &mut one.running else { return Ok(()) };
        if one.store.recovering || running.is_outdated || cursor != after || scope != Some(reply.scope) {
            running.engine.hinted(reply.head);
            return self.drive(device);
        }
        self.counts.add("pages that came by themselves", 1);
        self.take_pulled(device, reply, (after, scope), witness)
    }

    /// A device takes what it pulled.
    fn take_pulled(
        &mut self,
        device: usize,
        reply: PullReply,
        (after, scope): (u64, Option<Hash>),
        witness: Witness,
    ) -> Result<(), Broken> {
        let (cursor, head) = (reply.cursor, reply.head);
        self.counts.add("documents that came whole", reply.documents.len() as u64);
        self.counts.add("documents withdrawn", reply.withdrawn.len() as u64);
        let new = match self.devices[device].pulled(reply, after, scope, witness, &self.chance)? {
            Taken::Stored(new) => new,
            Taken::Rescoped => {
                self.told(|| format!("device {device} sees something else now"));
                return self.drive(device);
            }
            Taken::DoesNotFit => return self.does_not_fit(device),
        };
        self.told(|| format!("device {device} has {new} new changes, cursor {cursor} of {head}"));
        self.counts.add("changes pulled", new);
        if self.dies(device) {
            return Ok(());
        }
        self.devices[device].let_go(&self.chance)?;
        let one = &mut self.devices[device];
        let (now, is_unsent) = (one.now(self.time), !one.store.outbox.is_empty());
        if let Some(running) = &mut one.running {
            if one.store.twin && !is_unsent {
                running.offered = Some(0);
            } else {
                running.engine.pulled(now, cursor, head);
                if is_unsent {
                    running.engine.edited();
                }
            }
        }
        self.drive(device)
    }

    /// An answer brings what does not go together with what waits: that is sent first, and the answer comes again.
    fn does_not_fit(&mut self, device: usize) -> Result<(), Broken> {
        self.told(|| format!("device {device} has made another change with the same number"));
        self.counts.add("batches that do not fit what waits", 1);
        self.failed(device, Failure::Passing)
    }

    fn answered(
        &mut self,
        from: Origin,
        answer: Answer,
        server_now: UtcMillis,
        witness: Witness,
    ) -> Result<(), Broken> {
        let Origin { device, boot, number, .. } = from;
        let Some(request) = self.awaits(device, boot, number) else { return Ok(()) };
        if self.dies(device) {
            return Ok(());
        }
        let time = self.time;
        if !matches!(answer, Answer::Unreachable) {
            self.devices[device].learn(server_now, request.sent_at, time);
        }
        match (request.asked, answer) {
            (_, Answer::Unreachable | Answer::Refused(Refusal::BadRequest)) => {
                if request.asked == Asked::Listen {
                    return self.not_live(device);
                }
                self.failed(device, Failure::Passing)
            }
            (Asked::Bootstrap, Answer::Frame(frame)) => self.begun(device, &frame, witness),
            (Asked::Segment(segment), Answer::Frame(bytes)) => self.filled(device, segment, &bytes),
            (_, Answer::Refused(Refusal::NotFound)) => self.segment_is_gone(device),
            (_, Answer::Refused(Refusal::Restored)) => {
                self.told(|| format!("device {device} learns that the server was restored"));
                self.done(device);
                self.devices[device].begin_recovery(&self.chance)?;
                if self.dies(device) { Ok(()) } else { self.drive(device) }
            }
            (Asked::Lost, Answer::Frame(frame)) => match wire::decode::<Heads>(&frame) {
                Err(_) => self.failed(device, Failure::Passing),
                Ok(heads) => {
                    self.done(device);
                    self.compare_lost(device, &heads, witness)
                }
            },
            (_, Answer::Refused(Refusal::NotAllowed)) => {
                self.told(|| format!("device {device} is not allowed: {:?}", request.asked));
                self.counts.add("stopped until a person comes", 1);
                self.failed(device, Failure::Final)
            }
            (Asked::Push, Answer::Frame(frame)) => match wire::decode::<PushReply>(&frame) {
                Err(_) => self.failed(device, Failure::Passing),
                Ok(reply) => {
                    self.done(device);
                    self.devices[device].judged(&request.sent, &reply, witness)?;
                    self.step(device, boot)
                }
            },
            (Asked::Offer, Answer::Frame(frame)) => match wire::decode::<PushReply>(&frame) {
                Err(_) => self.failed(device, Failure::Passing),
                Ok(reply) => {
                    self.done(device);
                    self.devices[device].offered(&request.sent, &reply, witness, &self.chance)?;
                    if self.dies(device) { Ok(()) } else { self.drive(device) }
                }
            },
            (Asked::NewDevice(fresh), Answer::Registered) => {
                self.done(device);
                self.renewed(device, fresh)
            }
            (Asked::Heads, Answer::Frame(frame)) => match wire::decode::<Heads>(&frame) {
                Err(_) => self.failed(device, Failure::Passing),
                Ok(reply) => {
                    self.done(device);
                    self.told(|| format!("device {device} sees {} documents", reply.documents.len()));
                    self.counts.add("scopes compared", 1);
                    self.devices[device].compared(&reply, &self.chance)?;
                    if self.dies(device) { Ok(()) } else { self.drive(device) }
                }
            },
            (Asked::Documents, Answer::Frame(frame)) => match wire::decode::<Documents>(&frame) {
                Err(_) => self.failed(device, Failure::Passing),
                Ok(reply) => {
                    self.done(device);
                    self.counts.add("documents fetched whole", reply.documents.len() as u64);
                    if self.devices[device].fetched(reply, witness, &self.chance)? == Taken::DoesNotFit {
                        return self.does_not_fit(device);
                    }
                    if self.dies(device) { Ok(()) } else { self.drive(device) }
                }
            },
            (Asked::Pull { after, scope }, Answer::Frame(frame)) => match wire::decode::<PullReply>(&frame) {
                Err(_) => self.failed(device, Failure::Passing),
                Ok(reply) => {
                    self.done(device);
                    self.take_pulled(device, reply, (after, scope), witness)
                }
            },
            (Asked::Listen, Answer::Live(live)) => {
                self.done(device);
                if !self.lives.contains_key(&live) {
                    return self.not_live(device);
                }
                let now = self.devices[device].now(time);
                if let Some(running) = &mut self.devices[device].running {
                    (running.live, running.is_told) = (Some(live), false);
                    running.engine.live_up(now);
                }
                self.drive(device)
            }
            (asked, answer) => Err(Broken::new(format!("{asked:?} was answered by {answer:?}"))),
        }
    }

    fn not_live(&mut self, device: usize) -> Result<(), Broken> {
        self.done(device);
        let (now, jitter) = (self.devices[device].now(self.time), self.chance.jitter());
        if let Some(running) = &mut self.devices[device].running {
            running.engine.live_down(now, jitter);
        }
        self.drive(device)
    }

    /// Takes one step of a push; the next one follows a moment later, so that edits and deaths come between.
    fn step(&mut self, device: usize, boot: u32) -> Result<(), Broken> {
        if self.running(device, boot).is_none() || self.dies(device) {
            return Ok(());
        }
        let one = &mut self.devices[device];
        if one.step(self.time, &mut self.ledger, &self.chance, &mut self.counts)? {
            let pause = self.chance.between(0, 50);
            self.after(pause, Event::Step { device, boot });
            Ok(())
        } else {
            self.drive(device)
        }
    }

    fn edit(&mut self, device: usize) -> Result<(), Broken> {
        if self.devices[device].running.is_none() || self.devices[device].is_signing_in() {
            return Ok(());
        }
        let edit = edits::random(&self.devices[device], &self.members, self.time, &self.chance);
        let Some(edit) = edit else { return Ok(()) };
        let (doc, what) = (edit.doc, format!("{:?}", edit.ops));
        let made = self.devices[device].edit(edit, self.time, &mut self.ledger, &self.chance)?;
        if let Some(no) = made {
            self.told(|| format!("device {device}: edit {no} of {doc}: {what}"));
            self.counts.add("edits made", 1);
        } else {
            self.counts.add("edits that the device itself refused", 1);
        }
        if self.dies(device) { Ok(()) } else { self.drive(device) }
    }

    fn failed(&mut self, device: usize, failure: Failure) -> Result<(), Broken> {
        self.done(device);
        let (now, jitter) = (self.devices[device].now(self.time), self.chance.jitter());
        let mut live = None;
        if let Some(running) = &mut self.devices[device].running {
            running.engine.failed(now, failure, jitter);
            (running.level, running.offered) = (None, None);
            // The driver lets go of the live connection at any failure.
            live = running.live.take();
            if live.is_some() {
                running.engine.live_down(now, jitter);
            }
        }
        if let Some(live) = live {
            self.lives.remove(&live);
        }
        if failure == Failure::Final && !self.devices[device].revoked {
            let (pause, boot) = (self.chance.between(1_000, 120_000), self.devices[device].boot);
            self.after(pause, Event::Resume { device, boot });
        }
        self.drive(device)
    }

    fn done(&mut self, device: usize) {
        if let Some(running) = &mut self.devices[device].running {
            running.request = None;
        }
    }

    fn running(&mut self, device: usize, boot: u32) -> Option<&mut crate::device::Running> {
        let one = &mut self.devices[device];
        if one.boot == boot { one.running.as_mut() } else { None }
    }

    fn awaits(&mut self, device: usize, boot: u32, number: u64) -> Option<Request> {
        let request = self.running(device, boot)?.request.as_ref()?;
        (request.number == number).then(|| request.clone())
    }

    fn after(&mut self, pause_ms: i64, event: Event) {
        self.scheduled += 1;
        self.queue.insert((self.time.plus_ms(pause_ms), self.scheduled), event);
    }

    /// Whether a fault of this rate strikes now.
    fn faulty(&self, per_mille: u64) -> bool {
        !self.healed && self.chance.hits(per_mille)
    }

    /// Everybody who is not revoked has sent everything and fetched everything.
    fn is_level(&self) -> bool {
        let head = self.server.head();
        self.devices.iter().filter(|one| !one.is_gone()).all(|one| {
            one.store.outbox.is_empty()
                && !one.store.twin
                && !one.store.recovering
                && self.server.is_as_seen(one.store.witness)
                && one.store.cursor == head
                && one.store.withdrawn.is_empty()
                && one.known_scope() == self.server.scope_of(one.id)
                && one.running.as_ref().is_some_and(|running| {
                    running.request.is_none() && running.steps.is_empty() && running.engine.is_level()
                })
        })
    }

    /// A request that was sent long ago may still arrive and change something.
    fn is_anything_under_way(&self) -> bool {
        self.queue.values().any(|event| {
            matches!(
                event,
                Event::Arrives { asked: Asked::Push | Asked::Offer, .. } | Event::Edit(_) | Event::Start(_)
            )
        })
    }

    fn unlevel(&self) -> String {
        let head = self.server.head();
        let of = |one: &Device| {
            let engine =
                one.running.as_ref().map(|running| (&running.engine, &running.request, &running.steps));
            format!(
                "device {} cursor {} of {head}, outbox {}, twin {}, sees what it has {}, {engine:?}",
                one.index,
                one.store.cursor,
                one.store.outbox.len(),
                one.store.twin,
                one.known_scope() == self.server.scope_of(one.id)
            )
        };
        self.devices.iter().filter(|one| !one.is_gone()).map(of).collect::<Vec<_>>().join("; ")
    }

    fn told(&mut self, line: impl FnOnce() -> String) {
        let at = self.time.since(START);
        if let Some(trace) = &mut self.trace {
            trace.push_back(format!(
                "{:>9.3} s  {}",
                std::time::Duration::from_millis(u64::try_from(at).unwrap_or(0)).as_secs_f64(),
                line()
            ));
        }
    }
}

fn told_verdicts(reply: &PushReply) -> String {
    let say = |verdict: &wire::Verdict| match &verdict.outcome {
        wire::Outcome::Accepted { seq } => seq.to_string(),
        wire::Outcome::Rejected { code, reason } => format!("{} ({reason})", code.as_str()),
    };
    reply.verdicts.iter().map(say).collect::<Vec<_>>().join(", ")
}
