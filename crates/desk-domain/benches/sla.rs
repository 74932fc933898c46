//! How long it takes to read the clocks of 100,000 open tickets (`DESK_BENCH_TICKETS` for another number), on one processor and
//! on all: three clocks each with their thresholds, by the rules of a new workspace and a policy that looks at all that a
//! policy can look at. Prints one JSON object a line, times in milliseconds.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench ends at the first error, prints figures"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    hint::black_box,
    num::NonZero,
    thread,
    time::Instant,
};

use desk_domain::{
    edit::Section,
    ids::{CommentId, DocId, EntryId, uuid_v7},
    sla::{CompiledRules, Policy, PolicyMatch, SlaRules, clocks},
    ticket::{AuthorSide, LogEntry, LogEvent, Priority, Status, Ticket, Visibility},
    time::UtcMillis,
    workspace::default_settings,
};
use serde_json::json;

/// 2026-11-21T09:00:00Z.
const NOW: UtcMillis = UtcMillis(1_795_251_600_000);
const RUNS: usize = 9;
const HOUR_MS: i64 = 3_600_000;

/// Numbers that look random and are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).expect("31 bits") % bound
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        let place = self.below(i64::try_from(all.len()).expect("few"));
        all[usize::try_from(place).expect("not negative")]
    }

    fn id(&mut self, at: UtcMillis) -> uuid::Uuid {
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.0.to_be_bytes());
        self.below(2);
        uuid_v7(at, random)
    }
}

fn rules() -> CompiledRules {
    let entries = default_settings("Bench", "Asia/Almaty");
    let of = |section: Section| entries.iter().filter(move |(found, _, _)| *found == section);
    let calendars = of(Section::Calendars)
        .map(|(_, key, json)| (key.clone(), serde_json::from_str(json).expect("a calendar")))
        .collect();
    let mut policies: Vec<Policy> =
        of(Section::Policies).map(|(_, _, json)| serde_json::from_str(json).expect("a policy")).collect();
    let mut gold = policies[1].clone();
    gold.key = "gold".into();
    gold.when = PolicyMatch {
        tags: BTreeSet::from(["gold".to_owned()]),
        requesters: BTreeSet::from(["@partner.example".to_owned()]),
        categories: BTreeSet::from(["network".to_owned()]),
        teams: BTreeSet::from(["field".to_owned()]),
        ..PolicyMatch::default()
    };
    policies.insert(0, gold);
    let rules = SlaRules { policies, calendars };
    assert!(rules.check().is_empty(), "the rules are sound");
    rules.compile()
}

/// A ticket with work to do, created in the last 60 days, with four to a dozen entries in its log.
fn ticket(chance: &mut Chance) -> Ticket {
    let created_at = NOW.plus_ms(-chance.below(60 * 24 * HOUR_MS) - HOUR_MS);
    let priority = chance.of(Priority::ALL);
    let mut ticket = Ticket {
        id: DocId(chance.id(created_at)),
        title: "Не печатает принтер".into(),
        description: "Бумага есть, лампочка мигает".into(),
        status: Status::Open,
        priority,
        category: Some(chance.of(&["network", "hardware", "access"]).into()),
        assignee: None,
        team: Some(chance.of(&["field", "service-desk"]).into()),
        requester: Some(format!(
            "{}@{}",
            chance.below(5000),
            chance.of(&["partner.example", "home.example"])
        )),
        tags: BTreeSet::from([chance.of(&["gold", "printer", "vpn"]).to_owned()]),
        custom: BTreeMap::new(),
        comments: Vec::new(),
        log: Vec::new(),
        source: None,
        created_at,
        updated_at: created_at,
        deleted: false,
        conflicts: Vec::new(),
        schema: 1,
    };
    let mut at = created_at;
    let mut events = vec![LogEvent::Created { status: Status::Open, priority }];
    for _ in 0..3 + chance.below(9) {
        let reply = |comment, side| LogEvent::Reply { comment, visibility: Visibility::Public, side };
        let comment = CommentId(chance.id(at));
        events.push(match chance.below(10) {
            0..3 => reply(comment, AuthorSide::Requester),
            3..5 => reply(comment, AuthorSide::Staff),
            5..8 => {
                let to = chance.of(&[Status::Open, Status::InProgress, Status::Pending]);
                let from = std::mem::replace(&mut ticket.status, to);
                LogEvent::Status { from, to }
            }
            8 => {
                let to = chance.of(Priority::ALL);
                let from = std::mem::replace(&mut ticket.priority, to);
                LogEvent::Priority { from, to }
            }
            _ => LogEvent::Field { field: "assignee".into(), from: None, to: Some("anna".into()) },
        });
    }
    for event in events {
        let id = EntryId(chance.id(at));
        ticket.log.push(LogEntry { id, at, by: "anna".into(), event });
        at = at.plus_ms(chance.below(6 * HOUR_MS)).min(NOW);
    }
    ticket
}

fn main() {
    let count = std::env::var("DESK_BENCH_TICKETS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let mut chance = Chance(1);
    let tickets: Vec<Ticket> = (0..count).map(|_| ticket(&mut chance)).collect();
    let rules = rules();
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let evaluate = |tickets: &[Ticket]| {
        let due = |ticket: &Ticket| clocks(black_box(ticket), &rules, NOW).most_pressing().is_some();
        tickets.iter().filter(|ticket| due(ticket)).count()
    };
    let running = evaluate(&tickets);
    assert!(running > count / 2, "most clocks run");
    let one = spread(|| assert_eq!(evaluate(&tickets), running));
    let all = spread(|| {
        let parts = tickets.chunks(count.div_ceil(threads).max(1));
        let sum: usize = thread::scope(|scope| {
            let started: Vec<_> = parts.map(|part| scope.spawn(|| evaluate(part))).collect();
            started.into_iter().map(|part| part.join().expect("a part")).sum()
        });
        assert_eq!(sum, running);
    });
    let entries: usize = tickets.iter().map(|ticket| ticket.log.len()).sum();
    let figure = json!({
        "bench": "sla.evaluate",
        "tickets": count,
        "log_entries": entries,
        "with_a_running_clock": running,
        "one_thread": one,
        "threads": threads,
        "all_threads": all,
    });
    println!("{figure}");
}

/// Median, least and most milliseconds of some runs.
fn spread(run: impl Fn()) -> serde_json::Value {
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let started = Instant::now();
            run();
            started.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let round = |ms: f64| (ms * 10.0).round() / 10.0;
    json!({ "p50": round(times[RUNS / 2]), "min": round(times[0]), "max": round(times[RUNS - 1]), "n": RUNS })
}
