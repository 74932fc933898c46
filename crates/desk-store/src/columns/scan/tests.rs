//! More tickets than are looked at together, against a filter that anybody can read.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use desk_api::view::{AssigneeFilter, TicketFilter, TicketSort};
use desk_domain::{
    ticket::{Priority, Status},
    time::UtcMillis,
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use rand::{
    Rng, SeedableRng,
    rngs::StdRng,
    seq::{IndexedRandom, SliceRandom},
};

use super::{Among, BLOCK, Columns};
use crate::{
    codes,
    columns::{Line, tests::filter},
};

const NOW: UtcMillis = UtcMillis(1_795_251_600_000);
const WORDS: [&str; 3] = ["a", "б", "\"c\""];

/// A line as it was written last.
#[derive(Clone, Debug)]
struct Ticket {
    status: Status,
    priority: Priority,
    created_at: i64,
    updated_at: i64,
    due_key: i64,
    assignee: Option<&'static str>,
    team: Option<&'static str>,
    category: Option<&'static str>,
    tags: BTreeSet<String>,
}

impl Ticket {
    fn new(random: &mut StdRng, grain_ms: i64) -> Self {
        let word =
            |random: &mut StdRng| random.random_bool(0.8).then(|| *WORDS.choose(random).expect("some"));
        let created_at = instant(random, grain_ms);
        let updated_at = instant(random, grain_ms);
        let due_at = random.random_bool(0.4).then(|| UtcMillis(instant(random, grain_ms)));
        Self {
            status: *Status::ALL.choose(random).expect("some"),
            priority: *Priority::ALL.choose(random).expect("some"),
            created_at,
            updated_at,
            due_key: codes::due_key(due_at, UtcMillis(updated_at)),
            assignee: word(random),
            team: word(random),
            category: word(random),
            tags: (0..random.random_range(0..3)).filter_map(|_| word(random)).map(str::to_owned).collect(),
        }
    }

    fn fits(&self, filter: &TicketFilter) -> bool {
        let has =
            |known: Option<&str>, wanted: &Option<String>| wanted.is_none() || known == wanted.as_deref();
        let is_due = |within_min: u32| {
            !self.status.is_done() && self.due_key <= NOW.plus_ms(i64::from(within_min) * 60_000).0
        };
        let assignee = match &filter.assignee {
            AssigneeFilter::Anyone => true,
            AssigneeFilter::Nobody => self.assignee.is_none(),
            AssigneeFilter::Is(who) => self.assignee == Some(who),
        };
        assignee
            && (filter.statuses.is_empty() || filter.statuses.contains(&self.status))
            && (filter.priorities.is_empty() || filter.priorities.contains(&self.priority))
            && has(self.team, &filter.team)
            && has(self.category, &filter.category)
            && filter.tag.as_ref().is_none_or(|tag| self.tags.contains(tag))
            && (!filter.breached || is_due(0))
            && filter.due_within_min.is_none_or(is_due)
    }
}

/// Many in one unit of the coarse keys, and some that these do not tell apart.
fn instant(random: &mut StdRng, grain_ms: i64) -> i64 {
    match random.random_range(0..20) {
        0 => *[i64::MIN, -1, 0, 5_000_000_000_000, i64::MAX].choose(random).expect("some"),
        _ => NOW.0 + random.random_range(-1_000..1_000) * grain_ms,
    }
}

/// The row numbers of a page's tickets.
fn page(all: &[(i64, &Ticket)], sort: TicketSort, offset: usize, limit: usize) -> Vec<i64> {
    let mut all = all.to_vec();
    match sort {
        TicketSort::Updated => all.sort_by_key(|(doc, ticket)| Reverse((ticket.updated_at, *doc))),
        TicketSort::Created => all.sort_by_key(|(doc, ticket)| Reverse((ticket.created_at, *doc))),
        TicketSort::Priority => {
            all.sort_by_key(|(doc, ticket)| Reverse((ticket.priority, ticket.updated_at, *doc)));
        }
        TicketSort::Due => all.sort_by_key(|(doc, ticket)| (ticket.due_key, *doc)),
    }
    all.into_iter().skip(offset).take(limit).map(|(doc, _)| doc).collect()
}

/// Columns after so many writes in random order, some of them over others and some that take a ticket out.
fn written(random: &mut StdRng, tickets: usize, grain_ms: i64) -> (Columns, BTreeMap<i64, Ticket>) {
    let (mut columns, mut known) = (Columns::default(), BTreeMap::new());
    let mut docs: Vec<i64> = (0..).map(|doc| doc * 3).take(tickets).collect();
    docs.extend(docs.choose_multiple(random, tickets / 4).copied().collect::<Vec<_>>());
    if random.random_bool(0.5) {
        docs.shuffle(random);
    }
    for doc in docs {
        if random.random_bool(0.1) {
            known.remove(&doc);
            columns.set(doc, None).expect("sets");
            continue;
        }
        let ticket = Ticket::new(random, grain_ms);
        let line = Line {
            cell: super::cell(ticket.status, ticket.priority),
            created_at: ticket.created_at,
            updated_at: ticket.updated_at,
            due_key: ticket.due_key,
            assignee: ticket.assignee,
            team: ticket.team,
            category: ticket.category,
            tags: &codes::tags_json(&ticket.tags).expect("json"),
        };
        columns.set(doc, Some(&line)).expect("sets");
        known.insert(doc, ticket);
    }
    (columns, known)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn pages_of_many_tickets_are_what_a_plain_filter_finds(
        seed in any::<u64>(),
        tickets in prop_oneof![1 => 0..BLOCK, 3 => BLOCK..3 * BLOCK],
        grain_ms in select(vec![1, 700, 3_600_000]),
        queries in vec((filter(&WORDS, &WORDS, &WORDS, 0.2), option::weighted(0.2, 0.0..1.0_f64), 0_usize..200, 0_usize..60), 12),
    ) {
        let random = &mut StdRng::seed_from_u64(seed);
        let (columns, known) = written(random, tickets, grain_ms);
        let stored: Columns =
            postcard::from_bytes(&postcard::to_allocvec(&columns).expect("writes")).expect("reads");
        for (filter, among, offset, limit) in queries {
            let these: Option<Vec<i64>> =
                among.map(|share| known.keys().copied().filter(|_| random.random_bool(share)).collect());
            let among = these.as_deref().map_or(Among::All, Among::These);
            let is_meant = |doc: &i64| these.as_ref().is_none_or(|these| these.contains(doc));
            let fitting: Vec<(i64, &Ticket)> = known
                .iter()
                .filter(|(doc, ticket)| ticket.fits(&filter) && is_meant(doc))
                .map(|(doc, ticket)| (*doc, ticket))
                .collect();
            for columns in [&columns, &stored] {
                let wanted = columns.wanted(&filter, NOW);
                let count = wanted.as_ref().map_or(0, |wanted| columns.count(wanted, &among));
                prop_assert_eq!(count, fitting.len(), "{:?}", filter);
                for sort in [TicketSort::Updated, TicketSort::Created, TicketSort::Priority, TicketSort::Due] {
                    let found = wanted
                        .as_ref()
                        .map(|wanted| columns.page(wanted, &among, sort, offset, limit))
                        .unwrap_or_default();
                    let docs: Vec<i64> = found.iter().map(|(doc, _)| *doc).collect();
                    let expected = page(&fitting, sort, offset, limit);
                    prop_assert_eq!(docs, expected, "{:?} {:?} from {}", filter, sort, offset);
                    for (doc, facts) in found {
                        let ticket = &known[&doc];
                        prop_assert_eq!(
                            (facts.status, facts.priority, facts.due_key),
                            (ticket.status, ticket.priority, ticket.due_key)
                        );
                        prop_assert_eq!(
                            (facts.created_at.0, facts.updated_at.0),
                            (ticket.created_at, ticket.updated_at)
                        );
                        prop_assert_eq!(
                            (facts.assignee.as_deref(), facts.team.as_deref(), facts.category.as_deref()),
                            (ticket.assignee, ticket.team, ticket.category)
                        );
                        prop_assert_eq!(&facts.tags, &ticket.tags);
                    }
                }
            }
        }
    }
}
