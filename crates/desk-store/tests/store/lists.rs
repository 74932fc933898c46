//! Lists and counts against a filter that anybody can read.

use std::cmp::Reverse;

use desk_api::view::{AssigneeFilter, NextDue, TicketFilter, TicketRow, TicketSort};
use desk_domain::{
    ids::DocId,
    sla::Metric,
    state::State,
    ticket::{Conflict, Priority, Status, Ticket},
    time::UtcMillis,
};
use desk_store::{Batch, DocWrite, Store};
use proptest::prelude::*;

use crate::sample::*;

/// A ticket as a test wants it, with its most pressing clock.
#[derive(Clone, Debug)]
struct Case {
    ticket: Ticket,
    next_due: Option<NextDue>,
}

/// What the list must show, in order. Cases stand in the order in which they were stored.
fn naive(cases: &[Case], filter: &TicketFilter, sort: TicketSort, now: UtcMillis) -> Vec<DocId> {
    let mut found: Vec<(usize, &Case)> =
        cases.iter().enumerate().filter(|(_, case)| fits(case, filter, now)).collect();
    let updated = |(place, case): &(usize, &Case)| (Reverse(case.ticket.updated_at), Reverse(*place));
    match sort {
        TicketSort::Updated => found.sort_by_key(updated),
        TicketSort::Created => {
            found.sort_by_key(|(place, case)| (Reverse(case.ticket.created_at), Reverse(*place)));
        }
        TicketSort::Priority => found.sort_by_key(|entry| (Reverse(entry.1.ticket.priority), updated(entry))),
        TicketSort::Due => found.sort_by_key(|(place, case)| match case.next_due {
            Some(due) => (0, due.due_at.0, *place),
            None => (1, -case.ticket.updated_at.0, *place),
        }),
    }
    found.into_iter().map(|(_, case)| case.ticket.id).collect()
}

fn fits(case: &Case, filter: &TicketFilter, now: UtcMillis) -> bool {
    let ticket = &case.ticket;
    let assignee = match &filter.assignee {
        AssigneeFilter::Anyone => true,
        AssigneeFilter::Nobody => ticket.assignee.is_none(),
        AssigneeFilter::Is(who) => ticket.assignee.as_ref() == Some(who),
    };
    let due_by =
        |at: UtcMillis| !ticket.status.is_done() && case.next_due.is_some_and(|due| due.due_at <= at);
    let (breached, soon) =
        (due_by(now), filter.due_within_min.is_none_or(|min| due_by(now.plus_ms(i64::from(min) * 60_000))));
    !ticket.deleted
        && assignee
        && (filter.statuses.is_empty() || filter.statuses.contains(&ticket.status))
        && (filter.priorities.is_empty() || filter.priorities.contains(&ticket.priority))
        && (filter.team.is_none() || filter.team == ticket.team)
        && (filter.category.is_none() || filter.category == ticket.category)
        && filter.tag.as_ref().is_none_or(|tag| ticket.tags.contains(tag))
        && filter.text.as_ref().is_none_or(|text| ticket.title.contains(text.as_str()))
        && (!filter.breached || breached)
        && soon
}

// Few different values, so that filters meet and orders have ties; some of them are SQL.
const PEOPLE: [&str; 4] =
    ["0190aaaa-0000-7000-8000-000000000001", "Анна", "Robert'); DROP TABLE tickets;--", "%"];
const TEAMS: [&str; 3] = ["service-desk", "сеть", "\" OR 1=1"];
const TAGS: [&str; 4] = ["vpn", "принтер", "'; DELETE FROM documents", "§t"];
const WORDS: [&str; 3] = ["печатает", "monitor", "сервер"];

fn maybe(values: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    proptest::option::of(proptest::sample::select(values).prop_map(str::to_owned))
}

fn instant() -> impl Strategy<Value = UtcMillis> {
    (-4_i64..4).prop_map(|step| NOW.plus_ms(step * 60_000))
}

fn case() -> impl Strategy<Value = Case> {
    let facets = (
        proptest::sample::select(Status::ALL),
        proptest::sample::select(Priority::ALL),
        maybe(&PEOPLE),
        maybe(&TEAMS),
        maybe(&TEAMS),
        proptest::collection::btree_set(proptest::sample::select(&TAGS[..]), 0..3),
    );
    let rest = (
        proptest::sample::select(&WORDS[..]),
        instant(),
        instant(),
        proptest::option::of(instant()),
        proptest::bool::weighted(0.1),
        any::<bool>(),
    );
    (facets, rest).prop_map(|(facets, rest)| {
        let (status, priority, assignee, team, category, tags) = facets;
        let (title, created_at, updated_at, due_at, deleted, conflicted) = rest;
        let conflict = Conflict { field: "title".to_owned(), values: Vec::new() };
        let ticket = Ticket {
            status,
            priority,
            requester: assignee.clone(),
            assignee,
            team,
            category,
            tags: tags.into_iter().map(str::to_owned).collect(),
            created_at,
            updated_at,
            deleted,
            conflicts: if conflicted { vec![conflict] } else { Vec::new() },
            ..ticket(0, title)
        };
        Case { ticket, next_due: due_at.map(|due_at| NextDue { metric: Metric::Resolution, due_at }) }
    })
}

fn filter() -> impl Strategy<Value = TicketFilter> {
    let assignee = prop_oneof![
        2 => Just(AssigneeFilter::Anyone),
        1 => Just(AssigneeFilter::Nobody),
        2 => proptest::sample::select(&PEOPLE[..]).prop_map(|who| AssigneeFilter::Is(who.to_owned())),
    ];
    (
        proptest::collection::vec(proptest::sample::select(Status::ALL), 0..4),
        proptest::collection::vec(proptest::sample::select(Priority::ALL), 0..3),
        assignee,
        (maybe(&TEAMS), maybe(&TEAMS), maybe(&TAGS)),
        proptest::option::weighted(0.2, proptest::sample::select(&WORDS[..]).prop_map(str::to_owned)),
        (proptest::bool::weighted(0.2), proptest::option::weighted(0.2, 0_u32..5_000)),
    )
        .prop_map(
            |(statuses, priorities, assignee, (team, category, tag), text, (breached, due_within_min))| {
                TicketFilter {
                    statuses,
                    priorities,
                    assignee,
                    team,
                    tag,
                    category,
                    text,
                    breached,
                    due_within_min,
                }
            },
        )
}

fn sort() -> impl Strategy<Value = TicketSort> {
    proptest::sample::select(vec![
        TicketSort::Updated,
        TicketSort::Created,
        TicketSort::Priority,
        TicketSort::Due,
    ])
}

fn write(case: &Case) -> DocWrite {
    DocWrite { next_due: case.next_due, ..new_ticket(case.ticket.clone()) }
}

async fn ids(store: &Store, filter: &TicketFilter, sort: TicketSort, offset: u32, limit: u32) -> Vec<DocId> {
    let rows = store.list_tickets(filter, sort, offset, limit, NOW).await.expect("lists");
    rows.into_iter().map(|row| row.id).collect()
}

fn row(case: &Case) -> TicketRow {
    let ticket = &case.ticket;
    TicketRow {
        id: ticket.id,
        number: ticket.number(),
        title: ticket.title.clone(),
        status: ticket.status,
        priority: ticket.priority,
        category: ticket.category.clone(),
        assignee: ticket.assignee.clone(),
        team: ticket.team.clone(),
        requester: ticket.requester.clone(),
        tags: ticket.tags.clone(),
        created_at: ticket.created_at,
        updated_at: ticket.updated_at,
        next_due: case.next_due,
        unsent: false,
        conflicted: !ticket.conflicts.is_empty(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Half of the cases are written anew over other tickets, as edits do.
    #[test]
    fn every_list_and_count_is_what_a_plain_filter_finds(
        cases in proptest::collection::vec((case(), case()), 1..60),
        queries in proptest::collection::vec((filter(), sort(), 0_usize..12), 40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let place = Place::new();
            let store = place.open().await;
            let numbered: Vec<(Case, Case)> = cases
                .into_iter()
                .zip(0_u128..)
                .map(|((mut first, mut last), n)| {
                    // Ids do not follow the order of storing.
                    first.ticket.id = id((n * 7) % 61);
                    last.ticket.id = first.ticket.id;
                    (first, last)
                })
                .collect();
            let firsts = numbered.iter().map(|(first, _)| write(first)).collect();
            store.commit(&Batch::of_docs(firsts)).await.expect("commits");
            let edited = numbered.iter().step_by(2).map(|(_, last)| DocWrite {
                expected_heads: Some(vec![hash(1)]),
                heads: vec![hash(2)],
                ..write(last)
            });
            store.commit(&Batch::of_docs(edited.collect())).await.expect("commits");
            let now: Vec<Case> = numbered
                .iter()
                .enumerate()
                .map(|(place, (first, last))| if place % 2 == 0 { last.clone() } else { first.clone() })
                .collect();

            for (filter, sort, offset) in &queries {
                let expected = naive(&now, filter, *sort, NOW);
                prop_assert_eq!(&ids(&store, filter, *sort, 0, 500).await, &expected, "{:?} {:?}", filter, sort);
                let page = ids(&store, filter, *sort, u32::try_from(*offset).expect("small"), 3).await;
                let part: Vec<DocId> = expected.iter().copied().skip(*offset).take(3).collect();
                prop_assert_eq!(page, part);
                let count = store.count_tickets(filter, NOW).await.expect("counts");
                prop_assert_eq!(usize::try_from(count).expect("small"), expected.len(), "{:?}", filter);
            }
            let everything = TicketFilter::default();
            let rows = store.list_tickets(&everything, TicketSort::Due, 0, 500, NOW).await.expect("lists");
            for shown in rows {
                let case = now.iter().find(|case| case.ticket.id == shown.id).expect("a stored ticket");
                prop_assert_eq!(shown, row(case));
            }

            let me = PEOPLE[0].to_owned();
            let counts = store.counts(&me, NOW).await.expect("counts");
            let active: Vec<Status> = Status::ALL.iter().copied().filter(|status| !status.is_done()).collect();
            let naive_count = |filter: TicketFilter| {
                let filter = TicketFilter { statuses: active.clone(), ..filter };
                u32::try_from(naive(&now, &filter, TicketSort::Updated, NOW).len()).expect("small")
            };
            prop_assert_eq!(counts.mine, naive_count(TicketFilter { assignee: AssigneeFilter::Is(me), ..everything.clone() }));
            prop_assert_eq!(
                counts.unassigned,
                naive_count(TicketFilter { assignee: AssigneeFilter::Nobody, ..everything.clone() })
            );
            prop_assert_eq!(counts.active, naive_count(everything.clone()));
            prop_assert_eq!(counts.breached, naive_count(TicketFilter { breached: true, ..everything }));
            let running = now.iter().filter(|case| !case.ticket.deleted && !case.ticket.status.is_done());
            let next = running.filter_map(|case| case.next_due);
            let next = next.map(|due| due.due_at).filter(|due_at| *due_at > NOW).min();
            prop_assert_eq!(counts.next_due.map(|next| next.due.due_at), next);

            for tag in store.list_tags(500).await.expect("lists") {
                let bearing = now.iter().filter(|case| !case.ticket.deleted && case.ticket.tags.contains(&tag.tag));
                prop_assert_eq!(usize::try_from(tag.tickets).expect("small"), bearing.count());
            }
            let health = store.check().await.expect("checks");
            prop_assert!(health.is_good(), "{:?}", health);
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn an_empty_list_of_statuses_that_can_be_breached_finds_nothing() {
    let place = Place::new();
    let store = place.open().await;
    let due = Some(NextDue { metric: Metric::Resolution, due_at: NOW.plus_ms(-1) });
    let closed = Ticket { status: Status::Closed, ..ticket(1, "x") };
    let docs = vec![
        DocWrite { next_due: due, ..new_ticket(closed) },
        DocWrite { next_due: due, ..new_ticket(ticket(2, "y")) },
    ];
    store.commit(&Batch::of_docs(docs)).await.expect("commits");
    let breached = TicketFilter { breached: true, ..TicketFilter::default() };
    assert_eq!(ids(&store, &breached, TicketSort::Updated, 0, 9).await, [id(2)]);
    let closed = TicketFilter { statuses: vec![Status::Closed], ..breached };
    assert_eq!(ids(&store, &closed, TicketSort::Updated, 0, 9).await, []);
    assert_eq!(store.count_tickets(&closed, NOW).await.expect("counts"), 0);
}

#[tokio::test]
async fn two_tickets_of_one_number_are_both_found() {
    let place = Place::new();
    let store = place.open().await;
    // The number is made of the last 40 bits.
    let twin = id(5 + (1 << 41));
    let docs =
        vec![new_ticket(ticket(5, "a")), new_ticket(Ticket { id: twin, deleted: true, ..ticket(5, "b") })];
    store.commit(&Batch::of_docs(docs)).await.expect("commits");
    let number = ticket(5, "a").number();
    assert_eq!(store.ticket_by_number(&number).await.expect("finds"), [id(5), twin]);
    assert_eq!(store.ticket_by_number("TK-ZZZZZZZZ").await.expect("finds"), []);
    let rows = store.ticket_rows(&[twin, id(5), id(77)]).await.expect("reads");
    assert_eq!(rows.into_iter().map(|row| row.title).collect::<Vec<_>>(), ["a"]);
}

#[tokio::test]
async fn articles_are_listed_by_their_newest_change_and_found_by_their_words() {
    let place = Place::new();
    let store = place.open().await;
    let mut old = article(1, "Настройка VPN", "Откройте клиент");
    old.updated_at = NOW.plus_ms(-5);
    let mut gone = article(2, "VPN", "");
    gone.deleted = true;
    let docs = [old, gone, article(3, "Принтеры", "Драйвер для vpn не нужен")];
    let docs = docs.into_iter().map(|article| new(State::Article(Box::new(article)))).collect();
    store.commit(&Batch::of_docs(docs)).await.expect("commits");
    store.commit(&Batch::of_docs(vec![new_ticket(ticket(4, "vpn"))])).await.expect("commits");
    let titles = async |text: Option<&str>| {
        let rows = store.list_articles(text).await.expect("lists");
        rows.into_iter().map(|row| row.title).collect::<Vec<_>>()
    };
    assert_eq!(titles(None).await, ["Принтеры", "Настройка VPN"]);
    assert_eq!(titles(Some("vpn")).await, ["Принтеры", "Настройка VPN"]);
    assert_eq!(titles(Some("драйверы")).await, ["Принтеры"]);
    assert_eq!(titles(Some(" ")).await, ["Принтеры", "Настройка VPN"]);
}
