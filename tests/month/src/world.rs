//! The month itself: what happens when, in one queue of instants.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    rc::Rc,
};

use desk_docs::{Author, Document};
use desk_domain::{
    alert::{AlertKey, AlertRule},
    edit::{Edit, IncidentOp, Ops, PersonalOp, Stamped, TicketOp},
    escalation,
    ids::{DeviceId, DocId, DocKind, EntryId, Ids},
    incident::{Incident, IncidentStatus},
    permissions::Actor,
    personal::{Snooze, snooze_preference},
    projection::{Projection, Rules},
    state::State,
    ticket::Ticket,
    time::UtcMillis,
};

use crate::{
    Broken,
    chance::Chance,
    device::Device,
    ledger::{DeviceLedger, Ledger},
    plan::{self, BEGIN, DAY_MS, DAYS, END, HOUR_MS, Life, MINUTE_MS, OUTAGE, People, Plan, at},
    scripts::{self, IncidentStep, TicketStep},
};

/// How many times a day the members of a device look at their alerts and say something of them.
const VISITS_A_DAY: i64 = 3;

/// Of what falls on one instant, the earlier kind comes first: a device looks before anybody does anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A device's scheduler looks; the number says which plan of it holds.
    Look(usize, u64),
    CreateTicket,
    TicketStep(usize),
    CreateIncident,
    IncidentStep(usize),
    /// The server takes an escalation's next step; the number says which plan of it holds.
    Server(usize, u64),
    /// A member deals with alerts on a device.
    Visit(usize),
    Life(usize, Turn),
}

/// A turn in a device's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Sleep,
    Wake,
    Disconnect,
    Connect,
    Stop,
    /// The program starts; its clock shows so many days too much.
    Start(i64),
}

struct Desk<S> {
    document: Document,
    steps: std::vec::IntoIter<(i64, S)>,
    state: Rc<State>,
    next: Option<S>,
}

pub(crate) struct World {
    chance: Chance,
    people: People,
    rules: Rules,
    device: DeviceId,
    queue: BinaryHeap<Reverse<(UtcMillis, Event)>>,
    tickets: Vec<Desk<TicketStep>>,
    incidents: Vec<Desk<IncidentStep>>,
    server_plans: Vec<u64>,
    places: HashMap<DocId, Place>,
    devices: Vec<Device>,
    device_ids: Vec<DeviceId>,
    look_plans: Vec<u64>,
    /// What each member's personal document says on the server, by the member's place.
    personal: HashMap<usize, Document>,
    edits: usize,
}

#[derive(Clone, Copy)]
enum Place {
    Ticket(usize),
    Incident(usize),
}

impl World {
    pub(crate) fn new(plan: &Plan) -> Result<Self, Broken> {
        let chance = Chance::new(plan.seed);
        chance.set_now(BEGIN);
        let device = DeviceId(chance.fresh());
        let (workspace, people) = plan::workspace(&chance, device)?;
        let rules = Rules::of(Some(&workspace));
        let mut world = Self {
            chance,
            people,
            rules,
            device,
            queue: BinaryHeap::new(),
            tickets: Vec::new(),
            incidents: Vec::new(),
            server_plans: Vec::new(),
            places: HashMap::new(),
            devices: Vec::new(),
            device_ids: Vec::new(),
            look_plans: Vec::new(),
            personal: HashMap::new(),
            edits: 0,
        };
        for plan in plan::devices() {
            world.add_device(plan)?;
        }
        for _ in 0..plan.tickets {
            world.put(scripts::instant(&world.chance), Event::CreateTicket);
        }
        for _ in 0..plan.incidents {
            world.put(scripts::instant(&world.chance), Event::CreateIncident);
        }
        Ok(world)
    }

    fn put(&mut self, at: UtcMillis, event: Event) {
        self.queue.push(Reverse((at, event)));
    }

    fn add_device(&mut self, plan: plan::DevicePlan) -> Result<(), Broken> {
        let me = self.people.0[plan.member].clone();
        let id = DeviceId(self.chance.fresh());
        if !self.personal.contains_key(&plan.member) {
            let ops = vec![Stamped::new(BEGIN, me.id.to_string(), PersonalOp::Create)];
            let edit = Edit { doc: DocId(self.chance.fresh()), ops: Ops::Personal(ops) };
            let document =
                self.write(Document::empty(edit.doc, DocKind::Personal), plan.member, id, &edit, BEGIN)?;
            self.personal.insert(plan.member, document);
        }
        let personal =
            self.personal.get(&plan.member).cloned().ok_or_else(|| Broken::new("no personal document"))?;
        let index = self.devices.len();
        self.live(index, plan.life);
        for day in 0..DAYS {
            for _ in 0..VISITS_A_DAY {
                let within = self.chance.between(7 * HOUR_MS, 22 * HOUR_MS);
                self.put(UtcMillis(BEGIN.0 + day * DAY_MS + within), Event::Visit(index));
            }
        }
        let ledger = DeviceLedger {
            plan,
            raised: Vec::new(),
            told: Vec::new(),
            heard: Vec::new(),
            held: Vec::new(),
            attentive: Vec::new(),
            banners: 0,
            summaries: 0,
            digests: 0,
            stale_banners: 0,
        };
        self.devices.push(Device::new(ledger, me, personal, BEGIN));
        self.device_ids.push(id);
        self.look_plans.push(0);
        Ok(())
    }

    /// Plans a device's month.
    fn live(&mut self, device: usize, life: Life) {
        let mut turn = |at, turn| self.queue.push(Reverse((at, Event::Life(device, turn))));
        match life {
            Life::Always => {}
            Life::SleepsAtNight => {
                // Asleep since the beginning, which is a Sunday.
                turn(BEGIN.plus_ms(1), Turn::Sleep);
                for day in (1..=DAYS).filter(|day| !matches!((day - 1) % 7, 0 | 6)) {
                    turn(at(day, 8), Turn::Wake);
                    turn(at(day, 20), Turn::Sleep);
                }
            }
            Life::Offline => {
                for (from, to) in [(at(8, 12), at(12, 10)), (at(20, 9), at(22, 21)), (at(27, 7), at(27, 9))] {
                    turn(from, Turn::Disconnect);
                    turn(to, Turn::Connect);
                }
            }
            Life::Restarts => {
                for day in 1..=DAYS {
                    let stopped = at(day, 8).plus_ms(30 * MINUTE_MS);
                    let started = stopped.plus_ms(12 * MINUTE_MS);
                    let off = match day {
                        11 => 1,
                        18 => -1,
                        _ => 0,
                    };
                    turn(stopped, Turn::Stop);
                    turn(started, Turn::Start(off));
                    turn(started.plus_ms(if off == 0 { MINUTE_MS } else { 20 * MINUTE_MS }), Turn::Connect);
                }
            }
        }
    }

    pub(crate) fn run(mut self) -> Result<Ledger, Broken> {
        while let Some(Reverse((at, event))) = self.queue.pop() {
            if at >= END {
                break;
            }
            self.chance.set_now(at);
            self.happen(at, event).map_err(|broken| Broken::new(format!("{at}, {event:?}: {broken}")))?;
        }
        // In the end everything is awake and connected.
        for index in 0..self.devices.len() {
            self.devices[index].awake = true;
            self.connect(index, END)?;
            self.devices[index].look(END);
        }
        let mut ledger = Ledger {
            people: self.people,
            tickets: Vec::new(),
            incidents: Vec::new(),
            devices: self.devices.into_iter().map(|device| device.finish(END)).collect(),
            edits: self.edits,
            end: END,
        };
        ledger.tickets.extend(self.tickets.iter().filter_map(|desk| ticket_of(&desk.state).cloned()));
        ledger.incidents.extend(self.incidents.iter().filter_map(|desk| incident_of(&desk.state).cloned()));
        Ok(ledger)
    }

    fn happen(&mut self, now: UtcMillis, event: Event) -> Result<(), Broken> {
        match event {
            Event::Look(device, plan) => {
                if self.look_plans[device] == plan {
                    self.look(device, now);
                }
                Ok(())
            }
            Event::CreateTicket => self.create_ticket(now),
            Event::TicketStep(ticket) => self.step_ticket(ticket, now),
            Event::CreateIncident => self.create_incident(now),
            Event::IncidentStep(incident) => self.step_incident(incident, now),
            Event::Server(incident, plan) => {
                if self.server_plans[incident] == plan {
                    self.escalate(incident, now)
                } else {
                    Ok(())
                }
            }
            Event::Visit(device) => self.visit(device, now),
            Event::Life(device, turn) => self.turn(device, turn, now),
        }
    }

    /// Makes an edit with a member's hand.
    fn write(
        &mut self,
        document: Document,
        member: usize,
        device: DeviceId,
        edit: &Edit,
        now: UtcMillis,
    ) -> Result<Document, Broken> {
        let member = &self.people.0[member];
        self.write_as(document, Actor { member: Some(member.id), role: member.role }, device, edit, now)
    }

    fn write_as(
        &mut self,
        document: Document,
        actor: Actor,
        device: DeviceId,
        edit: &Edit,
        now: UtcMillis,
    ) -> Result<Document, Broken> {
        let Some(workspace) = &self.rules.workspace else { return Err(Broken::new("there are no settings")) };
        let author = Author { device, actor, workflow: &workspace.workflow };
        let (document, change) = document.edit(&author, edit, now, &self.chance).map_err(Broken::new)?;
        self.edits += usize::from(change.is_some());
        Ok(document)
    }

    fn create_ticket(&mut self, now: UtcMillis) -> Result<(), Broken> {
        let (new, steps) = scripts::ticket(&self.chance, &self.people);
        let doc = DocId(self.chance.fresh());
        let who = scripts::somebody(&self.chance);
        let step = Stamped::new(now, self.people.id(who).to_string(), TicketOp::Create { ticket: new });
        let edit = Edit { doc, ops: Ops::Ticket(vec![step]) };
        let document = self.write(Document::empty(doc, DocKind::Ticket), who, self.device, &edit, now)?;
        let state = Rc::new(document.read().map_err(Broken::new)?);
        self.tickets.push(Desk { document, steps: steps.into_iter(), state, next: None });
        let index = self.tickets.len() - 1;
        self.places.insert(doc, Place::Ticket(index));
        self.plan_ticket(index, now);
        self.tell(doc, now);
        Ok(())
    }

    fn plan_ticket(&mut self, index: usize, now: UtcMillis) {
        let desk = &mut self.tickets[index];
        desk.next = None;
        if let Some((pause_ms, step)) = desk.steps.next() {
            desk.next = Some(step);
            self.put(now.plus_ms(pause_ms), Event::TicketStep(index));
        }
    }

    fn step_ticket(&mut self, index: usize, now: UtcMillis) -> Result<(), Broken> {
        let who = scripts::somebody(&self.chance);
        let by = self.people.id(who).to_string();
        let desk = &self.tickets[index];
        if let (Some(step), Some(ticket)) = (desk.next, ticket_of(&desk.state)) {
            let doc = ticket.id;
            let ops = scripts::ticket_ops(step, ticket, &self.chance, &self.people);
            let ops: Vec<_> = ops.into_iter().map(|op| Stamped::new(now, by.clone(), op)).collect();
            if !ops.is_empty() {
                let edit = Edit { doc, ops: Ops::Ticket(ops) };
                let document = std::mem::replace(
                    &mut self.tickets[index].document,
                    Document::empty(doc, DocKind::Ticket),
                );
                let document = self.write(document, who, self.device, &edit, now)?;
                self.tickets[index].state = Rc::new(document.read().map_err(Broken::new)?);
                self.tickets[index].document = document;
                self.tell(doc, now);
            }
        }
        self.plan_ticket(index, now);
        Ok(())
    }

    fn create_incident(&mut self, now: UtcMillis) -> Result<(), Broken> {
        let (create, steps) = scripts::incident(&self.chance);
        let doc = DocId(self.chance.fresh());
        let who = scripts::somebody(&self.chance);
        let edit = Edit {
            doc,
            ops: Ops::Incident(vec![Stamped::new(now, self.people.id(who).to_string(), create)]),
        };
        let document = self.write(Document::empty(doc, DocKind::Incident), who, self.device, &edit, now)?;
        let state = Rc::new(document.read().map_err(Broken::new)?);
        self.incidents.push(Desk { document, steps: steps.into_iter(), state, next: None });
        self.server_plans.push(0);
        let index = self.incidents.len() - 1;
        self.places.insert(doc, Place::Incident(index));
        self.plan_incident(index, now);
        self.tell(doc, now);
        self.plan_server(index, now);
        Ok(())
    }

    fn plan_incident(&mut self, index: usize, now: UtcMillis) {
        let desk = &mut self.incidents[index];
        desk.next = None;
        if let Some((pause_ms, step)) = desk.steps.next() {
            desk.next = Some(step);
            self.put(now.plus_ms(pause_ms), Event::IncidentStep(index));
        }
    }

    fn step_incident(&mut self, index: usize, now: UtcMillis) -> Result<(), Broken> {
        let desk = &self.incidents[index];
        if let (Some(step), Some(incident)) = (desk.next, incident_of(&desk.state))
            && !incident.status.is_done()
        {
            let op = scripts::incident_op(step, incident.severity, now);
            let who = scripts::somebody(&self.chance);
            self.edit_incident(index, Some(who), None, op, now)?;
        }
        self.plan_incident(index, now);
        Ok(())
    }

    /// Writes a step into an incident: a member's, or the server's own.
    fn edit_incident(
        &mut self,
        index: usize,
        who: Option<usize>,
        entry: Option<EntryId>,
        op: IncidentOp,
        now: UtcMillis,
    ) -> Result<(), Broken> {
        let doc = self.incidents[index].document.id();
        let by = who.map_or_else(|| "server".to_owned(), |who| self.people.id(who).to_string());
        let edit = Edit { doc, ops: Ops::Incident(vec![Stamped { at: now, by, entry, op }]) };
        let document =
            std::mem::replace(&mut self.incidents[index].document, Document::empty(doc, DocKind::Incident));
        let document = match who {
            Some(who) => self.write(document, who, self.device, &edit, now)?,
            None => self.write_as(document, plan::server(), self.device, &edit, now)?,
        };
        self.incidents[index].state = Rc::new(document.read().map_err(Broken::new)?);
        self.incidents[index].document = document;
        self.tell(doc, now);
        self.plan_server(index, now);
        Ok(())
    }

    fn next_step(&self, index: usize, now: UtcMillis) -> Option<escalation::Due> {
        let incident = incident_of(&self.incidents[index].state)?;
        escalation::next(incident, self.rules.workspace.as_ref()?, now)
    }

    /// The server looks again when the next step is due; one that falls into its outage, when that is over.
    fn plan_server(&mut self, index: usize, now: UtcMillis) {
        self.server_plans[index] += 1;
        if let Some(due) = self.next_step(index, now) {
            let at = due.at.max(now);
            let at = if (OUTAGE.0..OUTAGE.1).contains(&at) { OUTAGE.1 } else { at };
            self.put(at, Event::Server(index, self.server_plans[index]));
        }
    }

    fn escalate(&mut self, index: usize, now: UtcMillis) -> Result<(), Broken> {
        match self.next_step(index, now) {
            Some(due) if due.at <= now => {
                self.edit_incident(index, None, Some(due.entry), due.step.op(), now)
            }
            Some(_) | None => {
                self.plan_server(index, now);
                Ok(())
            }
        }
    }

    /// Devices hear of a document's change, those that are connected at once.
    fn tell(&mut self, doc: DocId, now: UtcMillis) {
        let mut shared = None;
        for index in 0..self.devices.len() {
            let device = &mut self.devices[index];
            if !device.online || !device.awake {
                device.missed.insert(doc);
                continue;
            }
            if shared.is_none() {
                let state = state_of(&self.places, &self.tickets, &self.incidents, doc);
                shared = state.map(|state| Rc::new(Projection::of(state, &self.rules, now)));
            }
            let Some(projection) = shared.clone() else { return };
            device.learn(doc, projection);
            self.look(index, now);
        }
    }

    /// A device looks, and will look again.
    fn look(&mut self, index: usize, now: UtcMillis) {
        let device = &mut self.devices[index];
        if !device.awake {
            return;
        }
        let next = device.look(now);
        let off_ms = device.clock_off_ms;
        self.look_plans[index] += 1;
        if let Some(next) = next {
            self.put(next.plus_ms(-off_ms), Event::Look(index, self.look_plans[index]));
        }
    }

    fn turn(&mut self, index: usize, turn: Turn, now: UtcMillis) -> Result<(), Broken> {
        let device = &mut self.devices[index];
        match turn {
            Turn::Sleep => {
                device.known = now;
                device.awake = false;
                device.online = false;
            }
            Turn::Wake => {
                // The scheduler is quicker than the network.
                device.awake = true;
                self.look(index, now);
                self.connect(index, now)?;
            }
            Turn::Disconnect => {
                device.known = now;
                device.online = false;
            }
            Turn::Connect => self.connect(index, now)?,
            Turn::Stop => {
                if device.online {
                    device.known = now;
                }
                device.awake = false;
                device.online = false;
            }
            Turn::Start(off_days) => {
                device.awake = true;
                device.restart();
                device.set_clock(off_days * DAY_MS);
                self.look(index, now);
            }
        }
        self.devices[index].attend(now);
        Ok(())
    }

    /// A device reaches the server: its clock is set right, what it missed comes, what its member said there goes.
    fn connect(&mut self, index: usize, now: UtcMillis) -> Result<(), Broken> {
        let device = &mut self.devices[index];
        if device.clock_off_ms != 0 {
            device.set_clock(0);
        }
        device.online = true;
        for doc in std::mem::take(&mut device.missed) {
            if let Some(state) = state_of(&self.places, &self.tickets, &self.incidents, doc) {
                device.learn(doc, Rc::new(Projection::of(state, &self.rules, now)));
            }
        }
        self.say(index, now)?;
        self.look(index, now);
        self.devices[index].attend(now);
        Ok(())
    }

    /// A device's copy of the personal document and the server's become one; the member's other devices that are connected
    /// hear of it.
    fn say(&mut self, from: usize, now: UtcMillis) -> Result<(), Broken> {
        let member = self.devices[from].ledger.plan.member;
        let Some(server) = self.personal.get_mut(&member) else { return Ok(()) };
        let device = &mut self.devices[from].personal;
        let up = device.changes_after(&server.heads());
        server.apply(up).map_err(Broken::new)?;
        let others = (0..self.devices.len()).filter(|index| {
            let other = &self.devices[*index];
            other.ledger.plan.member == member && other.online && other.awake
        });
        for index in others.collect::<Vec<_>>() {
            let Some(server) = self.personal.get_mut(&member) else { return Ok(()) };
            let device = &mut self.devices[index];
            let down = server.changes_after(&device.personal.heads());
            if down.is_empty() {
                continue;
            }
            device.personal.apply(down).map_err(Broken::new)?;
            let State::Personal(personal) = device.personal.read().map_err(Broken::new)? else {
                return Err(Broken::new("a personal document reads as something else"));
            };
            for (key, said) in personal.said() {
                if let Some(at) = said.acknowledged_at {
                    device.acknowledge(&key, at, now);
                }
                match said.snooze {
                    // What ended long ago brings no banner on a device that hears of it only now.
                    Some(Snooze::Until(until)) if now.since(until) < DAY_MS => {
                        device.snooze(&key, until, now);
                    }
                    Some(Snooze::Until(_) | Snooze::Ended) | None => {}
                }
            }
            self.look(index, now);
        }
        Ok(())
    }

    /// A member looks at the list of alerts: acknowledges some, puts one off. Whoever acknowledges a page takes the incident.
    fn visit(&mut self, index: usize, now: UtcMillis) -> Result<(), Broken> {
        let device = &self.devices[index];
        // On a device whose clock is a day off, nobody says anything: the server would refuse it.
        if !device.awake || device.clock_off_ms != 0 {
            return Ok(());
        }
        let mut open = device.open(now);
        let take = |open: &mut Vec<AlertKey>, chance: &Chance, most: i64| {
            let count = usize::try_from(chance.between(0, most)).unwrap_or(0).min(open.len());
            // The newest: what people see first.
            open.split_off(open.len() - count)
        };
        let acknowledged = take(&mut open, &self.chance, 5);
        let snoozed = take(&mut open, &self.chance, 3);
        let until = now.plus_ms(self.chance.pick(&[30, 60, 240]) * MINUTE_MS);
        let by = device.me.id.to_string();
        let mut ops: Vec<PersonalOp> =
            acknowledged.iter().map(|key| PersonalOp::Acknowledge { alert: key.to_string() }).collect();
        ops.extend(
            snoozed.iter().map(|key| PersonalOp::SetPreference {
                name: snooze_preference(key),
                value: until.to_string(),
            }),
        );
        if ops.is_empty() {
            return Ok(());
        }
        let (member, id) = (device.ledger.plan.member, self.device_ids[index]);
        let is_online = device.online;
        let doc = device.personal.id();
        let ops = ops.into_iter().map(|op| Stamped::new(now, by.clone(), op)).collect();
        let edit = Edit { doc, ops: Ops::Personal(ops) };
        let personal =
            std::mem::replace(&mut self.devices[index].personal, Document::empty(doc, DocKind::Personal));
        self.devices[index].personal = self.write(personal, member, id, &edit, now)?;
        let device = &mut self.devices[index];
        for key in &acknowledged {
            device.acknowledge(key, now, now);
        }
        for key in &snoozed {
            device.snooze(key, until, now);
        }
        self.look(index, now);
        if is_online {
            self.say(index, now)?;
            for key in acknowledged.iter().filter(|key| key.rule == AlertRule::IncidentEscalation) {
                self.take_incident(key.subject, member, now)?;
            }
        }
        Ok(())
    }

    fn take_incident(&mut self, doc: DocId, member: usize, now: UtcMillis) -> Result<(), Broken> {
        let Some(Place::Incident(index)) = self.places.get(&doc).copied() else { return Ok(()) };
        match incident_of(&self.incidents[index].state).map(|incident| incident.status) {
            Some(IncidentStatus::Open) => {
                self.edit_incident(index, Some(member), None, IncidentOp::Acknowledge { until: None }, now)
            }
            Some(_) | None => Ok(()),
        }
    }
}

fn state_of<'a>(
    places: &HashMap<DocId, Place>,
    tickets: &'a [Desk<TicketStep>],
    incidents: &'a [Desk<IncidentStep>],
    doc: DocId,
) -> Option<&'a State> {
    Some(match places.get(&doc)? {
        Place::Ticket(index) => &tickets.get(*index)?.state,
        Place::Incident(index) => &incidents.get(*index)?.state,
    })
}

fn ticket_of(state: &State) -> Option<&Ticket> {
    if let State::Ticket(ticket) = state { Some(ticket) } else { None }
}

fn incident_of(state: &State) -> Option<&Incident> {
    if let State::Incident(incident) = state { Some(incident) } else { None }
}
