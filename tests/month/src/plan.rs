//! The workspace of the month and what is decided before it begins: people, settings, devices.
//!
//! The month is March 2026 in Almaty: weekends, Kazakhstan's holidays (9 March, 21 to 25 March), and for the field team, whose
//! hours are Berlin's, the night of 29 March in which clocks go forward while it is open.

use std::collections::BTreeSet;

use desk_docs::{Author, Document};
use desk_domain::{
    alert::{AlertSettings, DeliveryRule, Manner, QuietWindow, TimeOfDay, Topic, Weekday},
    edit::{Edit, Ops, Section, Stamped, WorkspaceOp},
    escalation::{Layer, Level, Override, Policy, Rotation, Schedule, Target},
    ids::{DeviceId, DocId, DocKind, Ids, MemberId},
    incident::Severity,
    people::{Member, Role},
    permissions::Actor,
    sla::{self, Calendar, PolicyMatch, Targets, WeekHours},
    state::State,
    ticket::{Priority, Status},
    time::UtcMillis,
    workspace::{Service, Workflow, Workspace, default_settings},
};

use crate::{Broken, chance::Chance};

pub(crate) const MINUTE_MS: i64 = 60_000;
pub(crate) const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// Midnight of Sunday, 1 March 2026, in Almaty (UTC+5).
pub(crate) const BEGIN: UtcMillis = UtcMillis(1_772_305_200_000);
/// How many days the month has.
pub(crate) const DAYS: i64 = 31;
/// Midnight after 31 March.
pub(crate) const END: UtcMillis = UtcMillis(BEGIN.0 + DAYS * DAY_MS);

/// The instant of an hour of a day of the month (from 1) in Almaty.
pub(crate) const fn at(day: i64, hour: i64) -> UtcMillis {
    UtcMillis(BEGIN.0 + (day - 1) * DAY_MS + hour * HOUR_MS)
}

/// The server is down from the first to the second: steps of escalations wait.
pub(crate) const OUTAGE: (UtcMillis, UtcMillis) = (at(17, 8), at(17, 14));

/// How many of what a month has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Decides everything else.
    pub seed: u64,
    /// How many tickets are created.
    pub tickets: usize,
    /// How many incidents are declared.
    pub incidents: usize,
}

/// Places of the members in [`People`].
pub(crate) const ADMIN: usize = 0;
pub(crate) const BOSS: usize = 1;
pub(crate) const DEPUTY: usize = 2;
pub(crate) const DESK_AGENT: usize = 3;
pub(crate) const FIELD_AGENT: usize = 4;
pub(crate) const NIGHT_AGENT: usize = 5;

/// The members, by place.
#[derive(Clone, Debug)]
pub(crate) struct People(pub(crate) Vec<Member>);

impl People {
    fn new(ids: &Chance) -> Self {
        let member = |(name, role, teams): (&str, Role, &[&str])| Member {
            id: MemberId(ids.fresh()),
            name: name.to_owned(),
            email: format!("{name}@example.org"),
            role,
            teams: teams.iter().map(|team| (*team).to_owned()).collect(),
            active: true,
        };
        Self(
            [
                ("admin", Role::Admin, &[] as &[&str]),
                ("boss", Role::Manager, &[]),
                ("deputy", Role::Manager, &[]),
                ("desk", Role::Agent, &["service-desk"]),
                ("field", Role::Agent, &["field"]),
                ("night", Role::Agent, &["service-desk", "field"]),
            ]
            .into_iter()
            .map(member)
            .collect(),
        )
    }

    pub(crate) fn id(&self, place: usize) -> MemberId {
        self.0[place].id
    }
}

/// Who acts with the server's own hand.
pub(crate) fn server() -> Actor {
    Actor { member: None, role: Role::Admin }
}

/// Makes the settings' document and reads it.
pub(crate) fn workspace(ids: &Chance, device: DeviceId) -> Result<(Workspace, People), Broken> {
    let people = People::new(ids);
    let mut ops = vec![WorkspaceOp::Create];
    let mut set = |section, key: &str, value: String| {
        ops.push(WorkspaceOp::Set { section, key: key.to_owned(), value: Some(value) });
    };
    for (section, key, value) in default_settings("Месяц / Month", "Asia/Almaty") {
        set(section, &key, value);
    }
    for member in &people.0 {
        set(Section::Members, &member.id.to_string(), json(member)?);
    }
    set(Section::Calendars, "berlin", json(&berlin())?);
    set(Section::Policies, "field", json(&field_policy())?);
    for (key, schedule) in schedules(&people) {
        set(Section::Schedules, key, json(&schedule)?);
    }
    for (key, policy) in escalations(&people) {
        set(Section::Escalations, key, json(&policy)?);
    }
    for (key, escalation) in [("billing", "billing"), ("doors", "office-only"), ("wiki", "")] {
        let escalation = Some(escalation.to_owned()).filter(|key| !key.is_empty());
        set(Section::Services, key, json(&Service { name: key.to_owned(), team: None, escalation })?);
    }
    let ops = ops.into_iter().map(|op| Stamped::new(BEGIN, "server", op)).collect();
    let edit = Edit { doc: DocId(ids.fresh()), ops: Ops::Workspace(ops) };
    let workflow = Workflow::default();
    let author = Author { device, actor: server(), workflow: &workflow };
    let made = Document::empty(edit.doc, DocKind::Workspace).edit(&author, &edit, BEGIN, ids);
    match made.map_err(Broken::new)?.0.read().map_err(Broken::new)? {
        State::Workspace(workspace) => Ok((*workspace, people)),
        _ => Err(Broken::new("the settings read as something else")),
    }
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, Broken> {
    serde_json::to_string(value).map_err(Broken::new)
}

fn berlin() -> Calendar {
    let mut hours = WeekHours::weekdays(&[("08:00", "20:00")]);
    hours.sat = vec![["10:00".to_owned(), "16:00".to_owned()]];
    hours.sun = vec![["01:00".to_owned(), "05:00".to_owned()]];
    Calendar {
        name: Some("Выезды / Field".to_owned()),
        zone: "Europe/Berlin".to_owned(),
        hours,
        ..Calendar::default()
    }
}

/// The field team's tickets: no target for next responses, one warning, and no status pauses.
fn field_policy() -> sla::Policy {
    let row = |first, resolution| Targets {
        first_response_min: Some(first),
        next_response_min: None,
        resolution_min: Some(resolution),
    };
    sla::Policy {
        key: "field".to_owned(),
        name: "Выезды / Field".to_owned(),
        order: 15,
        when: PolicyMatch { teams: ["field".to_owned()].into(), ..PolicyMatch::default() },
        calendar: "berlin".to_owned(),
        targets: [
            (Priority::Low, row(360.0, 3_000.0)),
            (Priority::Medium, row(180.0, 1_500.0)),
            (Priority::High, row(90.5, 600.0)),
        ]
        .into(),
        pause_statuses: BTreeSet::<Status>::new(),
        warn_percent: vec![50],
    }
}

fn schedules(people: &People) -> [(&'static str, Schedule); 2] {
    let layer = |members: &[usize], rotation, hours| Layer {
        name: "main".to_owned(),
        members: members.iter().map(|place| people.id(*place)).collect(),
        rotation,
        starts: jiff::civil::date(2026, 2, 23).at(9, 0, 0, 0),
        hours,
    };
    let schedule = |layers, overrides| Schedule {
        name: "Дежурство / On call".to_owned(),
        zone: "Asia/Almaty".to_owned(),
        layers,
        overrides,
    };
    let stands_in = Override { member: people.id(DEPUTY), from: at(10, 0), until: at(12, 12) };
    let office = WeekHours::weekdays(&[("09:00", "18:00")]);
    [
        ("weekly", schedule(vec![layer(&[DESK_AGENT, NIGHT_AGENT], Rotation::Week, None)], vec![stands_in])),
        ("office", schedule(vec![layer(&[FIELD_AGENT], Rotation::Day, Some(office))], Vec::new())),
    ]
}

fn escalations(people: &People) -> [(&'static str, Policy); 2] {
    let to = |schedule: &str| Target::Schedule { schedule: schedule.to_owned() };
    let level = |targets, timeout_min| Level { targets, timeout_min, email: false };
    let policy = |levels, repeat| Policy {
        name: "Своя / Its own".to_owned(),
        severities: BTreeSet::new(),
        levels,
        repeat,
    };
    let boss = Target::Member { member: people.id(BOSS) };
    let field = Target::Team { team: "field".to_owned() };
    [
        (
            "billing",
            policy(
                vec![
                    level(vec![to("weekly")], 15),
                    level(vec![boss], 30),
                    level(vec![field, to("office")], 45),
                ],
                2,
            ),
        ),
        ("office-only", policy(vec![level(vec![to("office")], 20), level(vec![to("office")], 40)], 1)),
    ]
}

/// How a device lives through the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// Awake and connected all the time.
    Always,
    /// Suspended from 20:00 to 08:00 and on weekends.
    SleepsAtNight,
    /// Awake all the time, without a connection for days.
    Offline,
    /// Restarted each morning; on some, its clock is a day off until it reaches the server.
    Restarts,
}

/// A device: whose, and how it lives.
#[derive(Clone, Debug)]
pub(crate) struct DevicePlan {
    pub(crate) member: usize,
    pub(crate) life: Life,
    pub(crate) settings: AlertSettings,
}

/// The devices of the month.
pub(crate) fn devices() -> Vec<DevicePlan> {
    let standard = || AlertSettings::standard("Asia/Almaty");
    let of = |member, life, settings| DevicePlan { member, life, settings };
    vec![
        of(BOSS, Life::Always, standard()),
        of(BOSS, Life::SleepsAtNight, standard()),
        of(DESK_AGENT, Life::Always, standard()),
        of(DESK_AGENT, Life::Offline, standard()),
        of(FIELD_AGENT, Life::Restarts, standard()),
        of(DEPUTY, Life::Always, quiet_with_digest()),
        of(NIGHT_AGENT, Life::Always, standard()),
    ]
}

/// Quiet from 22:00 to 07:00, warnings in the digests of 09:00 and 17:00, incidents below P2 in the list alone.
fn quiet_with_digest() -> AlertSettings {
    let time = |hour| TimeOfDay::new(hour, 0);
    let mut settings = AlertSettings::standard("Asia/Almaty");
    settings.quiet = time(22)
        .zip(time(7))
        .map(|(from, to)| QuietWindow { days: Weekday::ALL.iter().copied().collect(), from, to })
        .into_iter()
        .collect();
    settings.digest = [time(9), time(17)].into_iter().flatten().collect();
    let rule = |topic, severities: &[_], how| DeliveryRule {
        topics: [topic].into(),
        priorities: BTreeSet::new(),
        severities: severities.iter().copied().collect(),
        how,
    };
    settings.rules.insert(0, rule(Topic::SlaWarning, &[], Manner::Digest));
    settings.rules.insert(0, rule(Topic::Incident, &[Severity::P3, Severity::P4], Manner::List));
    settings
}
