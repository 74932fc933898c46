//! Tickets with their whole story: who asked, who answered when, how it ended or where it stands.
//!
//! What a ticket comes to is decided first and its instants are laid so that the SLA clocks say the same: most of
//! them met or healthy, a few near a warning, a few breached.

use std::collections::{BTreeMap, BTreeSet};

use desk_domain::{
    edit::{Edit, NewTicket, Ops, Stamped, TicketOp},
    ids::{CommentId, DocId, Ids},
    sla::{CompiledCalendar, CompiledRules, Metric, Terms, Traits},
    ticket::{AuthorSide, Priority, Status, Visibility},
    time::UtcMillis,
};

use super::{
    Cast,
    chance::Chance,
    people::{OFFICES, REQUESTERS_EN, REQUESTERS_RU, SHOPS_EN, SHOPS_RU},
    scenarios::{self, Phrases, Scenario, Script},
};
use crate::random::FreshIds;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// The demo's people live at UTC+5.
const LOCAL: i64 = 5 * HOUR;
/// How far back the demo's history goes, in days.
const HISTORY_DAYS: i64 = 75;
/// The sequence of throws for tickets.
const TICKETS: u64 = 1;

/// What a ticket comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Solved in time.
    Done,
    /// Solved, but too late.
    Late,
    /// Withdrawn.
    Cancelled,
    /// Waits for the requester.
    Waiting,
    /// Being worked on, in time.
    Active,
    /// Being worked on, most of the time used up.
    Warned,
    /// Being worked on, over the target.
    Breached,
}

/// A ticket that is to be told: what it comes to and when it begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    index: u64,
    fate: Fate,
    created_at: UtcMillis,
}

/// What a ticket is about.
struct Case {
    scenario: &'static Scenario,
    script: &'static Script,
    phrases: &'static Phrases,
    russian: bool,
    priority: Priority,
    /// Which of its courses it takes.
    course: usize,
}

impl Case {
    /// The first throws of a ticket's sequence; the same whenever they are made.
    fn of(chance: &Chance, fate: Fate) -> Self {
        let scenario = scenarios::ALL
            .get(
                usize::try_from(chance.between(0, i64::try_from(scenarios::ALL.len()).unwrap_or(1) - 1))
                    .unwrap_or(0),
            )
            .unwrap_or(&scenarios::ALL[0]);
        let russian = chance.happens(60);
        let (script, phrases) =
            if russian { (&scenario.ru, &scenarios::RU) } else { (&scenario.en, &scenarios::EN) };
        let shifted = match (chance.between(1, 10), scenario.priority) {
            (1, Priority::Low | Priority::Medium) | (2 | 3, Priority::Urgent) => Priority::High,
            (1, Priority::High) => Priority::Urgent,
            (1, Priority::Urgent) => Priority::Critical,
            (2 | 3, Priority::Medium | Priority::High) => Priority::Low,
            (_, usual) => usual,
        };
        // What is open and in time stays so for a while: nothing whose targets are minutes.
        let priority = match fate {
            Fate::Active | Fate::Warned | Fate::Waiting | Fate::Breached => shifted.min(Priority::High),
            Fate::Done | Fate::Late | Fate::Cancelled => shifted,
        };
        // Who waits for an answer has been asked something; the first course always has a question.
        let course =
            if fate == Fate::Waiting { 0 } else { usize::try_from(chance.between(0, 2)).unwrap_or(0) };
        Self { scenario, script, phrases, russian, priority, course }
    }

    /// The question and its answer, where the course has one.
    fn question(&self) -> Option<(&'static str, &'static str)> {
        let index = self.scenario.asks.get(self.course).copied().flatten()?;
        Some((self.script.questions.get(index)?, self.script.answers.get(index)?))
    }

    /// What an agent notes, where the course has it.
    fn note(&self) -> Option<&'static str> {
        let index = self.scenario.noted.get(self.course).copied().flatten()?;
        self.script.notes.get(index).copied()
    }

    /// What the course says.
    fn line(&self, lines: [&'static str; 3]) -> &'static str {
        lines.get(self.course).copied().unwrap_or_default()
    }

    fn terms<'a>(&self, rules: &'a CompiledRules) -> Option<Terms<'a>> {
        rules.terms(&Traits {
            category: Some(self.scenario.category),
            team: Some(self.scenario.team),
            ..Traits::of_priority(self.priority)
        })
    }
}

/// Decides about `count` tickets; oldest first.
pub(super) fn plan(cast: &Cast, count: u32) -> Vec<Plan> {
    let mut plans: Vec<Plan> = (0..u64::from(count)).map(|index| one_plan(cast, index)).collect();
    plans.sort_by_key(|plan| (plan.created_at, plan.index));
    plans
}

fn one_plan(cast: &Cast, index: u64) -> Plan {
    let chance = Chance::of(cast.seed, TICKETS, index);
    let fate = match index % 100 {
        7 => Fate::Breached,
        23 => Fate::Warned,
        40..48 => Fate::Waiting,
        50..64 => Fate::Active,
        64..68 => Fate::Late,
        71 | 72 => Fate::Cancelled,
        _ => Fate::Done,
    };
    let about = Case::of(&chance, fate);
    let resolution = about
        .terms(&cast.rules)
        .and_then(|terms| Some((terms.calendar, terms.targets.ms(Metric::Resolution)?)));
    let used = |from, to| {
        let (calendar, target) = resolution?;
        Some(before(calendar, cast.now, target * chance.between(from, to) / 100))
    };
    let created_at = match fate {
        Fate::Breached => used(104, 125),
        Fate::Warned => used(78, 96),
        Fate::Waiting => used(25, 60),
        Fate::Active => used(4, 55),
        Fate::Late => Some(workday(&chance, cast.now, 30)),
        Fate::Done | Fate::Cancelled => None,
    };
    let created_at = created_at.unwrap_or_else(|| workday(&chance, cast.now, 2));
    Plan { index, fate, created_at }
}

/// The latest instant from which `ms` of open time lead up to `now`.
fn before(calendar: &CompiledCalendar, now: UtcMillis, ms: i64) -> UtcMillis {
    let (mut low, mut high) = (now.plus_ms(-400 * DAY).0, now.0 - MINUTE);
    while low < high {
        let middle = low + (high - low + 1) / 2;
        if calendar.business_ms(UtcMillis(middle), now) >= ms { low = middle } else { high = middle - 1 }
    }
    UtcMillis(low)
}

/// A moment of a working day, at least `least_days` ago, recent ones more often.
fn workday(chance: &Chance, now: UtcMillis, least_days: i64) -> UtcMillis {
    let ago = chance.between(least_days, HISTORY_DAYS).min(chance.between(least_days, HISTORY_DAYS));
    let day = (now.0 + LOCAL).div_euclid(DAY) - ago;
    // 1970-01-01 was a Thursday; a weekend's requests came on the Friday before it.
    let weekend = ((day + 3).rem_euclid(7) - 4).max(0);
    let time = 8 * HOUR + 30 * MINUTE + chance.between(0, 9 * HOUR);
    UtcMillis((day - weekend) * DAY + time - LOCAL)
}

/// Tells a ticket's story as one edit, with the instant of its last step.
pub(super) fn tell(cast: &Cast, plan: &Plan) -> (Edit, UtcMillis) {
    let chance = Chance::of(cast.seed, TICKETS, plan.index);
    let about = Case::of(&chance, plan.fate);
    let people = if about.russian { &REQUESTERS_RU[..] } else { &REQUESTERS_EN[..] };
    let asset = format!("{}-{:04}", chance.text(&["PC", "NB", "PRN"]), chance.between(101, 2899));
    let facts = [
        ("{room}", chance.between(101, 528).to_string()),
        ("{shop}", chance.text(if about.russian { &SHOPS_RU } else { &SHOPS_EN }).to_owned()),
        ("{asset}", asset.clone()),
        ("{n}", chance.between(2, 12).to_string()),
        ("{colleague}", chance.text(people).to_owned()),
    ];
    let mut story = Story {
        requester: chance.text(people).to_owned(),
        agent: cast.agent_of(about.scenario.team, &chance),
        created_at: plan.created_at,
        about,
        facts,
        chance,
        steps: Vec::new(),
    };
    let doc = DocId(story.fresh());
    story.create(asset);
    story.go_on(cast, plan.fate);
    let last = story.last();
    (Edit { doc, ops: Ops::Ticket(story.steps) }, last)
}

/// A ticket as it is told, step by step.
struct Story {
    chance: Chance,
    created_at: UtcMillis,
    about: Case,
    facts: [(&'static str, String); 5],
    requester: String,
    agent: String,
    steps: Vec<Stamped<TicketOp>>,
}

/// When things happen to a ticket.
struct Pace<'a> {
    calendar: &'a CompiledCalendar,
    first_response_at: UtcMillis,
    /// Nothing happens after it.
    end: UtcMillis,
    /// Open time in which requesters expect an answer.
    next_response_ms: i64,
}

impl Story {
    fn fresh(&self) -> uuid::Uuid {
        FreshIds::at(self.created_at, self.chance.random()).fresh()
    }

    fn last(&self) -> UtcMillis {
        self.steps.last().map_or(self.created_at, |step| step.at)
    }

    /// A step at `at`, or a second after the one before it: the log is read by its instants.
    fn step(&mut self, at: UtcMillis, by: &str, op: TicketOp) {
        let at = self.steps.last().map_or(at, |step| at.max(step.at.plus_ms(1_000)));
        self.steps.push(Stamped::new(at, by, op));
    }

    fn say(&mut self, at: UtcMillis, side: AuthorSide, visibility: Visibility, text: &str) {
        let by = match side {
            AuthorSide::Requester => self.requester.clone(),
            AuthorSide::Staff => self.agent.clone(),
        };
        let (id, body) = (CommentId(self.fresh()), self.filled(text));
        self.step(at, &by, TicketOp::AddComment { id, visibility, side, body });
    }

    fn reply(&mut self, at: UtcMillis, lines: &[&'static str]) {
        let text = self.chance.text(lines);
        self.say(at, AuthorSide::Staff, Visibility::Public, text);
    }

    fn ask(&mut self, at: UtcMillis, lines: &[&'static str]) {
        let text = self.chance.text(lines);
        self.say(at, AuthorSide::Requester, Visibility::Public, text);
    }

    fn status(&mut self, at: UtcMillis, status: Status) {
        let by = self.agent.clone();
        self.step(at, &by, TicketOp::SetStatus { status });
    }

    fn filled(&self, text: &str) -> String {
        self.facts.iter().fold(text.to_owned(), |text, (key, value)| text.replace(key, value))
    }

    fn create(&mut self, asset: String) {
        let Case { scenario, script, priority, .. } = self.about;
        let title = self.filled(self.about.line(script.titles));
        let description = self.filled(self.about.line(script.descriptions));
        let mut tags: BTreeSet<String> =
            scenario.tags.iter().filter(|_| self.chance.happens(70)).map(|tag| (*tag).to_owned()).collect();
        if self.chance.happens(8) {
            tags.insert("vip".to_owned());
        }
        let mut custom = BTreeMap::from([("office".to_owned(), self.chance.text(&OFFICES).to_owned())]);
        if self.chance.happens(60) {
            custom.insert("asset".to_owned(), asset);
        }
        let ticket = NewTicket {
            description,
            priority,
            category: Some(scenario.category.to_owned()),
            team: Some(scenario.team.to_owned()),
            requester: Some(self.requester.clone()),
            tags,
            custom,
            ..NewTicket::titled(title)
        };
        // Most come from the person who asks; some are taken down over the phone.
        let by = if self.chance.happens(75) { self.requester.clone() } else { self.agent.clone() };
        self.step(self.created_at, &by, TicketOp::Create { ticket });
    }

    /// Everything after the creation.
    fn go_on(&mut self, cast: &Cast, fate: Fate) {
        if fate == Fate::Cancelled {
            let at = self.created_at.plus_ms(self.chance.between(20, 300) * MINUTE);
            self.ask(at, self.about.phrases.withdrawn);
            return self.status(at.plus_ms(3 * MINUTE), Status::Cancelled);
        }
        let Some(pace) = self.pace(cast, fate) else { return };
        // The newest ones are still waiting for their first answer.
        if pace.first_response_at > pace.end {
            return;
        }
        self.take(&pace);
        self.work(&pace, fate);
        match fate {
            Fate::Done | Fate::Late => self.finish(&pace, cast.now),
            Fate::Waiting => {
                let at = self.soon(&pace, 10, 50);
                let Some((question, _)) = self.about.question() else { return };
                self.reply(at, &[question]);
                self.status(at.plus_ms(MINUTE), Status::Pending);
            }
            Fate::Active | Fate::Warned | Fate::Breached => {
                // Some have a message that nobody has answered yet, in time.
                let unanswered = pace.next_response_ms * self.chance.between(5, 40) / 100;
                let at = before(pace.calendar, cast.now, unanswered);
                if self.chance.happens(25) && at > self.last() {
                    self.ask(at, self.about.phrases.nudges);
                }
            }
            Fate::Cancelled => {}
        }
    }

    fn pace<'a>(&self, cast: &'a Cast, fate: Fate) -> Option<Pace<'a>> {
        let Terms { calendar, targets, .. } = self.about.terms(&cast.rules)?;
        let first_response = targets.ms(Metric::FirstResponse)?;
        let resolution = targets.ms(Metric::Resolution)?;
        let after = |ms| calendar.add_business_ms(self.created_at, ms);
        let (slow, done) = match fate {
            Fate::Done | Fate::Cancelled => (self.chance.between(5, 55), self.chance.between(15, 75)),
            Fate::Late if self.chance.happens(50) => {
                (self.chance.between(110, 190), self.chance.between(60, 90))
            }
            Fate::Late => (self.chance.between(20, 60), self.chance.between(104, 150)),
            Fate::Waiting | Fate::Active | Fate::Warned | Fate::Breached => (self.chance.between(10, 50), 0),
        };
        let now = cast.now.plus_ms(-2 * MINUTE);
        let solved = if done > 0 { after(resolution * done / 100)? } else { now };
        let mut end = solved;
        if solved > now {
            // What was asked lately was solved quickly, or it would not be solved yet.
            let open = calendar.business_ms(self.created_at, now);
            end = after(open * self.chance.between(40, 90) / 100)?;
        }
        let first_response_at = after(first_response * slow / 100)?;
        let first_response_at = if done > 0 {
            let half = after(calendar.business_ms(self.created_at, end) / 2)?;
            first_response_at.min(half)
        } else {
            first_response_at
        };
        Some(Pace { calendar, first_response_at, end, next_response_ms: targets.ms(Metric::NextResponse)? })
    }

    /// Somebody takes it and answers.
    fn take(&mut self, pace: &Pace<'_>) {
        let agent = self.agent.clone();
        let wait = pace.calendar.business_ms(self.created_at, pace.first_response_at);
        let taken = pace.calendar.add_business_ms(self.created_at, wait * self.chance.between(30, 90) / 100);
        let taken = taken.unwrap_or(pace.first_response_at);
        self.step(taken, &agent, TicketOp::SetAssignee { assignee: Some(agent.clone()) });
        self.status(taken.plus_ms(5_000), Status::InProgress);
        self.reply(pace.first_response_at, self.about.phrases.first_replies);
    }

    /// An instant within some of the time in which an answer is expected.
    fn soon(&self, pace: &Pace<'_>, from: i64, to: i64) -> UtcMillis {
        let ms = pace.next_response_ms * self.chance.between(from, to) / 100;
        pace.calendar.add_business_ms(self.last(), ms).unwrap_or(pace.end).min(pace.end)
    }

    /// What happens between the first answer and the end.
    fn work(&mut self, pace: &Pace<'_>, fate: Fate) {
        if let Some(note) = self.about.note()
            && self.chance.happens(65)
        {
            let at = self.soon(pace, 2, 20);
            self.say(at, AuthorSide::Staff, Visibility::Internal, note);
        }
        if let Some((question, answer)) = self.about.question()
            && fate != Fate::Waiting
            && self.chance.happens(50)
        {
            let asked = self.soon(pace, 3, 20);
            let answered = pace.calendar.add_business_ms(asked, self.chance.between(10, 120) * MINUTE);
            let answered = answered.unwrap_or(pace.end);
            if answered.plus_ms(HOUR) < pace.end {
                self.reply(asked, &[question]);
                self.status(asked.plus_ms(30_000), Status::Pending);
                self.ask(answered, &[answer]);
                self.status(answered.plus_ms(4 * MINUTE), Status::InProgress);
                let at = self.soon(pace, 2, 25);
                self.reply(at, self.about.phrases.progress);
            }
        }
        if self.chance.happens(20) && self.soon(pace, 30, 30) < pace.end {
            let at = self.soon(pace, 5, 25);
            self.ask(at, self.about.phrases.nudges);
            let at = self.soon(pace, 2, 25);
            self.reply(at, self.about.phrases.progress);
        }
    }

    /// It is solved; often the requester says thanks, and after a day it is closed.
    fn finish(&mut self, pace: &Pace<'_>, now: UtcMillis) {
        let agent = self.agent.clone();
        if self.chance.happens(12) {
            let tag = if self.about.russian { "решено-удалённо" } else { "solved-remotely" };
            self.step(pace.end, &agent, TicketOp::SetTag { tag: tag.to_owned(), on: true });
        }
        let solution = self.about.line(self.about.script.solutions);
        self.reply(pace.end, &[solution]);
        self.status(pace.end.plus_ms(30_000), Status::Resolved);
        let thanked = self.last().plus_ms(self.chance.between(5, 300) * MINUTE);
        if self.chance.happens(65) && thanked < now {
            self.ask(thanked, self.about.phrases.thanks);
        }
        let closed = self.last().plus_ms(self.chance.between(20, 50) * HOUR);
        if self.chance.happens(80) && closed < now {
            self.status(closed, Status::Closed);
        }
    }
}
