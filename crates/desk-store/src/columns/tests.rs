//! Two programs on one store: whatever either writes, both list what plain SQL over `tickets` finds.

use std::collections::{BTreeMap, BTreeSet};

use desk_api::view::{AssigneeFilter, NextDue, TicketFilter, TicketSort};
use desk_domain::{
    ids::{DocId, DocKind},
    projection::{Row, TicketLine},
    sla::Metric,
    ticket::{Priority, Status},
    time::UtcMillis,
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::{Batch, DocWrite, Key, OpenOptions, Store, codes};

const NOW: UtcMillis = UtcMillis(1_795_251_600_000);
const PEOPLE: [&str; 3] = ["0190aaaa-0000-7000-8000-000000000001", "Анна", "%' OR 1=1"];
const TEAMS: [&str; 2] = ["сеть", "\"x\""];
const TAGS: [&str; 3] = ["vpn", "принтер \"2\"", "\\"];

/// What happens; the first number says in which program.
#[derive(Clone, Debug)]
enum Step {
    /// Tickets are made or edited.
    Write(usize, BTreeMap<u128, (TicketLine, Option<NextDue>)>),
    /// A ticket's document becomes one that cannot be read.
    Unread(usize, u128),
    /// A ticket leaves the device.
    Drop(usize, u128),
    /// The program starts anew.
    Restart(usize),
    /// The columns are stored.
    Store(usize),
    /// Changes are forgotten that not everybody has read.
    Forget(usize),
    List(usize, TicketFilter, TicketSort, u32, u32),
}

fn facets() -> impl Strategy<Value = (TicketLine, Option<NextDue>)> {
    let instant = || (-3_i64..3).prop_map(|step| NOW.plus_ms(step * 60_000));
    let words = |values: &'static [&'static str]| option::of(select(values).prop_map(str::to_owned));
    let names = (words(&PEOPLE), words(&TEAMS), words(&TEAMS), vec(select(&TAGS[..]), 0..3));
    let rest = (instant(), instant(), option::of(instant()), prop::bool::weighted(0.15));
    let ticket = (select(Status::ALL), select(Priority::ALL), names, rest);
    ticket.prop_map(|(status, priority, (assignee, team, category, tags), rest)| {
        let (created_at, updated_at, due_at, deleted) = rest;
        let line = TicketLine {
            title: "x".to_owned(),
            description: String::new(),
            status,
            priority,
            category,
            requester: None,
            assignee,
            team,
            tags: tags.into_iter().map(str::to_owned).collect(),
            comments: Vec::new(),
            source: None,
            created_at,
            updated_at,
            conflicted: false,
            deleted,
        };
        (line, due_at.map(|due_at| NextDue { metric: Metric::Resolution, due_at }))
    })
}

/// Filters by these words; each of team, category and tag with the probability `named`.
pub(super) fn filter(
    people: &'static [&'static str],
    teams: &'static [&'static str],
    tags: &'static [&'static str],
    named: f64,
) -> impl Strategy<Value = TicketFilter> {
    let words = move |values: &'static [&'static str]| {
        option::weighted(named, select(values).prop_map(str::to_owned))
    };
    let assignee = prop_oneof![
        3 => Just(AssigneeFilter::Anyone),
        1 => Just(AssigneeFilter::Nobody),
        1 => select(people).prop_map(|who| AssigneeFilter::Is(who.to_owned())),
    ];
    let cells = (vec(select(Status::ALL), 0..3), vec(select(Priority::ALL), 0..3));
    let due = (prop::bool::weighted(0.2), option::weighted(0.2, 0_u32..4));
    (cells, assignee, (words(teams), words(teams), words(tags)), due).prop_map(
        |((statuses, priorities), assignee, (team, category, tag), (breached, due_within_min))| {
            TicketFilter {
                statuses,
                priorities,
                assignee,
                team,
                tag,
                category,
                text: None,
                breached,
                due_within_min,
            }
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let sorts = [TicketSort::Updated, TicketSort::Created, TicketSort::Priority, TicketSort::Due];
    let program = || 0_usize..2;
    prop_oneof![
        6 => (program(), prop::collection::btree_map(0_u128..30, facets(), 1..8))
            .prop_map(|(program, tickets)| Step::Write(program, tickets)),
        1 => (program(), 0_u128..30).prop_map(|(program, n)| Step::Unread(program, n)),
        1 => (program(), 0_u128..30).prop_map(|(program, n)| Step::Drop(program, n)),
        1 => program().prop_map(Step::Restart),
        1 => program().prop_map(Step::Store),
        1 => program().prop_map(Step::Forget),
        8 => (program(), filter(&PEOPLE, &TEAMS, &TAGS, 0.3), select(sorts.to_vec()), 0_u32..10, 1_u32..12)
            .prop_map(|(program, filter, sort, offset, limit)| Step::List(program, filter, sort, offset, limit)),
    ]
}

fn id(n: u128) -> DocId {
    DocId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n))
}

/// What stands in the store: how often each document was written.
type Known = BTreeMap<u128, u8>;

fn write(known: &mut Known, n: u128, row: Option<Row>, next_due: Option<NextDue>) -> DocWrite {
    let before = known.get(&n).copied();
    let version = before.unwrap_or(0).wrapping_add(1);
    known.insert(n, version);
    DocWrite {
        id: id(n),
        kind: DocKind::Ticket,
        expected_heads: before.map(|version| vec![[version; 32]]),
        heads: vec![[version; 32]],
        snapshot: vec![version],
        schema: 1,
        row,
        next_due,
        deadlines: Vec::new(),
    }
}

/// The condition that a filter is.
fn condition(filter: &TicketFilter) -> String {
    let quoted = |text: &String| format!("'{}'", text.replace('\'', "''"));
    let mut all = vec!["deleted = 0".to_owned()];
    let list = |codes: Vec<i64>| codes.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
    if !filter.statuses.is_empty() {
        let statuses = filter.statuses.iter().map(|status| codes::status_code(*status));
        all.push(format!("status IN ({})", list(statuses.collect())));
    }
    if !filter.priorities.is_empty() {
        let priorities = filter.priorities.iter().map(|priority| codes::priority_code(*priority));
        all.push(format!("priority IN ({})", list(priorities.collect())));
    }
    match &filter.assignee {
        AssigneeFilter::Anyone => {}
        AssigneeFilter::Nobody => all.push("assignee IS NULL".to_owned()),
        AssigneeFilter::Is(who) => all.push(format!("assignee = {}", quoted(who))),
    }
    all.extend(filter.team.iter().map(|team| format!("team = {}", quoted(team))));
    all.extend(filter.category.iter().map(|category| format!("category = {}", quoted(category))));
    let has = |tag: &String| format!("EXISTS (SELECT 1 FROM json_each(tags) WHERE value = {})", quoted(tag));
    all.extend(filter.tag.iter().map(has));
    if filter.breached {
        all.push(format!("done = 0 AND due_key <= {}", NOW.0));
    }
    if let Some(min) = filter.due_within_min {
        all.push(format!("done = 0 AND due_key <= {}", NOW.0 + i64::from(min) * 60_000));
    }
    all.join(" AND ")
}

fn order(sort: TicketSort) -> &'static str {
    match sort {
        TicketSort::Updated => "updated_at DESC, doc DESC",
        TicketSort::Created => "created_at DESC, doc DESC",
        TicketSort::Priority => "priority DESC, updated_at DESC, doc DESC",
        TicketSort::Due => "due_key, doc",
    }
}

async fn plain(store: &Store, sql: String) -> Vec<DocId> {
    let mut held = store.slow_reader().await.expect("reads");
    let ids: Vec<Vec<u8>> =
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(held.conn().expect("reads")).await.expect("reads");
    ids.iter().map(|id| codes::id_from(id).expect("an id")).collect()
}

async fn agree(
    store: &Store,
    filter: &TicketFilter,
    sort: TicketSort,
    offset: u32,
    limit: u32,
) -> Result<(), TestCaseError> {
    let condition = condition(filter);
    let sql = format!("SELECT id FROM tickets WHERE {condition} ORDER BY {}", order(sort));
    let all = plain(store, sql).await;
    let rows = store.list_tickets(filter, sort, offset, limit, NOW).await.expect("lists");
    let listed: Vec<DocId> = rows.into_iter().map(|row| row.id).collect();
    let page: Vec<DocId> = all.iter().copied().skip(offset as usize).take(limit as usize).collect();
    prop_assert_eq!(listed, page, "{:?} {:?} from {}", filter, sort, offset);
    let count = store.count_tickets(filter, NOW).await.expect("counts");
    prop_assert_eq!(count as usize, all.len(), "{:?}", filter);
    Ok(())
}

async fn open(path: &std::path::Path) -> Store {
    Store::open(path, &Key::new([3; 32]), OpenOptions::default()).await.expect("opens").store
}

async fn play(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("desk.db");
    let mut programs = [open(&path).await, open(&path).await];
    let mut known = Known::new();
    for step in steps {
        match step {
            Step::Write(program, tickets) => {
                let docs = tickets
                    .into_iter()
                    .map(|(n, (line, next_due))| {
                        write(&mut known, n, Some(Row::Ticket(Box::new(line))), next_due)
                    })
                    .collect();
                programs[program].commit(&Batch::of_docs(docs)).await.expect("commits");
            }
            Step::Unread(program, n) => {
                let doc = write(&mut known, n, None, None);
                programs[program].commit(&Batch::of_docs(vec![doc])).await.expect("commits");
            }
            Step::Drop(program, n) => {
                known.remove(&n);
                let batch = Batch { drop_docs: vec![id(n)], ..Batch::default() };
                programs[program].commit(&batch).await.expect("commits");
            }
            Step::Restart(program) => {
                programs[program].close().await;
                programs[program] = open(&path).await;
            }
            Step::Store(program) => programs[program].try_store_columns().await.expect("stores"),
            Step::Forget(program) => {
                const SQL: &str =
                    "DELETE FROM ticket_changes WHERE rev < (SELECT max(rev) FROM ticket_changes)";
                let mut held = programs[program].writer().await.expect("writes");
                sqlx::query(SQL).execute(held.conn().expect("writes")).await.expect("writes");
            }
            Step::List(program, filter, sort, offset, limit) => {
                agree(&programs[program], &filter, sort, offset, limit).await?;
            }
        }
    }
    for program in &programs {
        agree(program, &TicketFilter::default(), TicketSort::Due, 0, 500).await?;
        let tags = program.list_tags(500).await.expect("lists");
        let borne: BTreeSet<&str> = tags.iter().map(|tag| tag.tag.as_str()).collect();
        for tag in TAGS {
            let filter = TicketFilter { tag: Some(tag.to_owned()), ..TicketFilter::default() };
            let count = program.count_tickets(&filter, NOW).await.expect("counts");
            let told = tags.iter().find(|told| told.tag == tag).map_or(0, |told| told.tickets);
            prop_assert_eq!((told, borne.contains(tag)), (count, count > 0));
        }
        program.close().await;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn two_programs_list_what_plain_sql_finds_whoever_wrote(steps in vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(play(steps))?;
    }
}

/// More lines and changes than are read one by one, so that columns are stored; more than are kept, so that they are read anew.
#[tokio::test]
async fn columns_are_stored_when_much_had_to_be_read() {
    const TICKETS: u128 = 2_100;
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("desk.db");
    let mut known = Known::new();
    let line = TicketLine {
        title: "x".to_owned(),
        description: String::new(),
        status: Status::Open,
        priority: Priority::Low,
        category: None,
        requester: None,
        assignee: None,
        team: None,
        tags: BTreeSet::new(),
        comments: Vec::new(),
        source: None,
        created_at: NOW,
        updated_at: NOW,
        conflicted: false,
        deleted: false,
    };
    let mut all = |status: Status| {
        let line = TicketLine { status, ..line.clone() };
        let docs =
            (0..TICKETS).map(|n| write(&mut known, n, Some(Row::Ticket(Box::new(line.clone()))), None));
        Batch::of_docs(docs.collect())
    };
    let store = open(&path).await;
    store.commit(&all(Status::Open)).await.expect("commits");
    let stored_rev = async |store: &Store| {
        let mut held = store.slow_reader().await.expect("reads");
        let columns = super::stored::load(held.conn().expect("reads")).await.expect("reads");
        columns.map(|columns| columns.rev)
    };
    assert_eq!(stored_rev(&store).await, None);
    let open_ones = TicketFilter { statuses: vec![Status::Open], ..TicketFilter::default() };
    assert_eq!(u128::from(store.count_tickets(&open_ones, NOW).await.expect("counts")), TICKETS);
    let rev = stored_rev(&store).await.expect("was stored");
    assert_eq!(u128::try_from(rev).expect("small"), TICKETS);
    for status in [Status::Closed, Status::Open, Status::Pending, Status::Closed, Status::Resolved] {
        store.commit(&all(status)).await.expect("commits");
    }
    store.close().await;

    let store = open(&path).await;
    let mut held = store.slow_reader().await.expect("reads");
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM ticket_changes")
        .fetch_one(held.conn().expect("reads"))
        .await
        .expect("reads");
    drop(held);
    assert!((8_192..8_192 + 1_024).contains(&kept), "{kept}");
    assert_eq!(store.count_tickets(&open_ones, NOW).await.expect("counts"), 0);
    assert!(stored_rev(&store).await.expect("was stored") > rev);
    assert!(store.check().await.expect("checks").is_good());
}
