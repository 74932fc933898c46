//! How fast the encrypted store is with 100,000 tickets (`DESK_BENCH_TICKETS` for another number): pages of the list,
//! counts, searches, single edits beside the disk's own fsync, and filling. Prints one JSON object a line, times in
//! milliseconds. With `DESK_BENCH_DIR` the store stays in that folder and is not filled again;
//! `DESK_BENCH_ONLY` is one of `lists`, `counts`, `searches` and `edits`.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench ends at the first error and prints figures"
)]

mod corpus;

use std::{
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use corpus::{Corpus, NOW};
use desk_api::view::{AssigneeFilter, TicketFilter, TicketSort};
use desk_domain::ticket::{Priority, Status};
use desk_store::{Batch, Key, OpenOptions, Store};
use serde_json::{Value, json};

/// Runs of each list and search.
const RUNS: usize = 1_000;
/// Single edits.
const EDITS: usize = 400;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(run());
}

async fn run() {
    let tickets = std::env::var("DESK_BENCH_TICKETS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    // Beside the build, so on the disk that is to be measured and not in a memory file system.
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let kept = std::env::var("DESK_BENCH_DIR").ok().map(PathBuf::from);
    let path = kept.as_deref().unwrap_or(dir.path()).join("desk.db");
    let key = Key::new([7; 32]);
    let mut corpus = Corpus::new(1, tickets);

    let store = Store::open(&path, &key, OpenOptions::default()).await.expect("opens").store;
    if store.documents_len().await.expect("counts") == 0 {
        fill(&store, &mut corpus, tickets).await;
    } else {
        corpus.remember();
    }
    store.close().await;

    let started = Instant::now();
    let store = Store::open(&path, &key, OpenOptions::default()).await.expect("opens").store;
    let opened = started.elapsed();
    store.list_tickets(&TicketFilter::default(), TicketSort::Updated, 0, 50, NOW).await.expect("lists");
    let first_page = started.elapsed();
    print(json!({ "bench": "store.open", "open_ms": ms(opened), "with_first_page_ms": ms(first_page) }));

    let only = std::env::var("DESK_BENCH_ONLY").ok();
    let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    if wanted("lists") {
        lists(&store, &corpus).await;
    }
    if wanted("counts") {
        counts(&store, &corpus).await;
    }
    if wanted("searches") {
        searches(&store).await;
    }
    if wanted("edits") {
        edits(&store, &mut corpus, dir.path()).await;
    }
    print(json!({
        "bench": "store.size",
        "file_mb": std::fs::metadata(&path).expect("is there").len() / 1_000_000,
        "resident_mb": resident_kb().map(|kb| kb / 1_000),
    }));
    store.close().await;
}

async fn fill(store: &Store, corpus: &mut Corpus, tickets: usize) {
    let (mut making, started) = (Duration::ZERO, Instant::now());
    let mut left = tickets;
    let mut slowest = Duration::ZERO;
    while left > 0 {
        let made = Instant::now();
        let batch = Batch::of_docs((0..left.min(2_000)).map(|_| corpus.ticket()).collect());
        making += made.elapsed();
        left -= batch.docs.len();
        let committing = Instant::now();
        store.commit(&batch).await.expect("commits");
        slowest = slowest.max(committing.elapsed());
    }
    let took = started.elapsed().checked_sub(making).unwrap_or_default();
    print(json!({
        "bench": "store.fill",
        "tickets": tickets,
        "seconds": round(took.as_secs_f64()),
        "tickets_per_second": round(f64::from(u32::try_from(tickets).unwrap_or(u32::MAX)) / took.as_secs_f64()),
        "slowest_batch_ms": ms(slowest),
    }));
}

fn filters(corpus: &Corpus) -> Vec<(&'static str, TicketFilter)> {
    let all = TicketFilter::default;
    let active = vec![Status::Open, Status::InProgress, Status::Pending];
    let hasty = vec![Priority::Urgent, Priority::Critical];
    let me = AssigneeFilter::Is(corpus.agents[3].clone());
    let team = Some(corpus.teams[2].clone());
    // The last one of a list is borne by none.
    let rare = corpus.tags.iter().nth_back(1).cloned();
    vec![
        ("all", all()),
        ("active", TicketFilter { statuses: active.clone(), ..all() }),
        ("open", TicketFilter { statuses: vec![Status::Open], ..all() }),
        ("cancelled", TicketFilter { statuses: vec![Status::Cancelled], ..all() }),
        ("hasty", TicketFilter { priorities: hasty.clone(), ..all() }),
        ("active+hasty", TicketFilter { statuses: active.clone(), priorities: hasty, ..all() }),
        ("mine", TicketFilter { assignee: me.clone(), ..all() }),
        ("mine+active", TicketFilter { assignee: me.clone(), statuses: active.clone(), ..all() }),
        (
            "nobody+active",
            TicketFilter { assignee: AssigneeFilter::Nobody, statuses: active.clone(), ..all() },
        ),
        ("team", TicketFilter { team: team.clone(), ..all() }),
        ("team+active", TicketFilter { team: team.clone(), statuses: active.clone(), ..all() }),
        (
            "team+nobody+open",
            TicketFilter {
                team: team.clone(),
                assignee: AssigneeFilter::Nobody,
                statuses: vec![Status::Open],
                ..all()
            },
        ),
        ("tag", TicketFilter { tag: Some(corpus.tags[1].clone()), ..all() }),
        ("rare tag", TicketFilter { tag: rare, ..all() }),
        ("tag+active", TicketFilter { tag: Some(corpus.tags[1].clone()), statuses: active.clone(), ..all() }),
        ("category", TicketFilter { category: Some(corpus.categories[4].clone()), ..all() }),
        (
            "category+team+active",
            TicketFilter { category: Some(corpus.categories[4].clone()), team, statuses: active, ..all() },
        ),
        ("breached", TicketFilter { breached: true, ..all() }),
        ("due soon", TicketFilter { due_within_min: Some(240), ..all() }),
        ("mine+breached", TicketFilter { assignee: me, breached: true, ..all() }),
    ]
}

const SORTS: [(&str, TicketSort); 4] = [
    ("updated", TicketSort::Updated),
    ("created", TicketSort::Created),
    ("priority", TicketSort::Priority),
    ("due", TicketSort::Due),
];

async fn lists(store: &Store, corpus: &Corpus) {
    let mut everything = Vec::new();
    for (name, filter) in filters(corpus) {
        for (order, sort) in SORTS {
            let mut times = Vec::with_capacity(RUNS);
            let mut rows = 0;
            for _ in 0..RUNS {
                let started = Instant::now();
                rows = store.list_tickets(&filter, sort, 0, 50, NOW).await.expect("lists").len();
                times.push(started.elapsed());
            }
            everything.extend_from_slice(&times);
            let case = format!("{name} by {order}");
            print(json!({ "bench": "store.list", "case": case, "rows": rows, "times": spread(times) }));
        }
    }
    print(json!({ "bench": "store.list", "case": "every filter and order", "times": spread(everything) }));
    for offset in [1_000, 50_000, 95_000] {
        let mut times = Vec::new();
        for _ in 0..50 {
            let started = Instant::now();
            let filter =
                TicketFilter { priorities: vec![Priority::Low, Priority::Medium], ..TicketFilter::default() };
            store.list_tickets(&filter, TicketSort::Updated, offset, 50, NOW).await.expect("lists");
            times.push(started.elapsed());
        }
        print(json!({ "bench": "store.list_deep", "offset": offset, "times": spread(times) }));
    }
}

async fn counts(store: &Store, corpus: &Corpus) {
    for (name, filter) in filters(corpus) {
        let mut times = Vec::new();
        let mut count = 0;
        for _ in 0..50 {
            let started = Instant::now();
            count = store.count_tickets(&filter, NOW).await.expect("counts");
            times.push(started.elapsed());
        }
        print(json!({ "bench": "store.count", "case": name, "count": count, "times": spread(times) }));
    }
    let mut times = Vec::new();
    for _ in 0..50 {
        let started = Instant::now();
        store.counts(&corpus.agents[3], NOW).await.expect("counts");
        times.push(started.elapsed());
    }
    print(json!({ "bench": "store.counts", "times": spread(times) }));
    wake_up(store).await;
}

/// When the scheduler has to look again: the first deadline after some instants, through the index.
async fn wake_up(store: &Store) {
    let mut times = Vec::with_capacity(RUNS);
    let mut found = 0;
    for run in 0..RUNS {
        let at = NOW.plus_ms(i64::try_from(run).expect("few") * 60_000);
        let started = Instant::now();
        found += usize::from(store.next_deadline_after(at).await.expect("looks").is_some());
        times.push(started.elapsed());
    }
    print(json!({ "bench": "store.wake", "found": found, "times": spread(times) }));
}

async fn searches(store: &Store) {
    let mut everything = Vec::new();
    let mut slowest_list = Vec::new();
    for text in corpus::QUERIES {
        let mut times = Vec::with_capacity(RUNS / 5);
        let mut hits = 0;
        for _ in 0..RUNS / 5 {
            let started = Instant::now();
            hits = store.search(text, 30, None).await.expect("searches").len();
            times.push(started.elapsed());
        }
        everything.extend_from_slice(&times);
        let filter = TicketFilter {
            text: Some((*text).to_owned()),
            statuses: vec![Status::Open, Status::InProgress, Status::Pending],
            ..TicketFilter::default()
        };
        let mut list_times = Vec::new();
        for _ in 0..RUNS / 20 {
            let started = Instant::now();
            store.list_tickets(&filter, TicketSort::Updated, 0, 50, NOW).await.expect("lists");
            list_times.push(started.elapsed());
        }
        slowest_list.extend_from_slice(&list_times);
        print(json!({
            "bench": "store.search", "text": text, "hits": hits, "times": spread(times), "list_times": spread(list_times),
        }));
    }
    print(json!({
        "bench": "store.search",
        "text": "all of them",
        "times": spread(everything),
        "list_times": spread(slowest_list),
    }));
}

/// Single edits, each followed by what the interface asks for then; beside each the disk's own time for a small
/// write that is forced out.
async fn edits(store: &Store, corpus: &mut Corpus, dir: &Path) {
    let mut beside = std::fs::File::create(dir.join("fsync")).expect("creates");
    beside.write_all(&[0; 8_192]).expect("writes");
    beside.sync_all().expect("syncs");
    let (mut commits, mut syncs, mut pages, mut searches) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for n in 0..EDITS {
        let batch = corpus.edit(store).await;
        let started = Instant::now();
        store.commit(&batch).await.expect("commits");
        commits.push(started.elapsed());

        let started = Instant::now();
        store.list_tickets(&TicketFilter::default(), TicketSort::Updated, 0, 50, NOW).await.expect("lists");
        pages.push(started.elapsed());
        let started = Instant::now();
        store.search(corpus::QUERIES[n % corpus::QUERIES.len()], 30, None).await.expect("searches");
        searches.push(started.elapsed());

        beside.seek(SeekFrom::Start(0)).expect("seeks");
        let started = Instant::now();
        beside.write_all(&[1; 4_096]).expect("writes");
        beside.sync_data().expect("syncs");
        syncs.push(started.elapsed());
    }
    let beyond = percentile(&mut commits.clone(), 50) - percentile(&mut syncs.clone(), 50);
    print(json!({
        "bench": "store.edit",
        "commit": spread(commits),
        "fsync": spread(syncs),
        "p50_beyond_fsync_ms": round(beyond),
        "list_after_edit": spread(pages),
        "search_after_edit": spread(searches),
    }));
    let started = Instant::now();
    store.checkpoint().await.expect("checkpoints");
    print(json!({ "bench": "store.checkpoint", "ms": ms(started.elapsed()) }));
}

fn spread(mut times: Vec<Duration>) -> Value {
    let max = times.iter().copied().max().unwrap_or_default();
    json!({
        "p50": round(percentile(&mut times, 50)),
        "p99": round(percentile(&mut times, 99)),
        "max": ms(max),
        "n": times.len(),
    })
}

/// In milliseconds.
fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    let index = (times.len() * percent / 100).min(times.len() - 1);
    times[index].as_secs_f64() * 1_000.0
}

fn ms(time: Duration) -> f64 {
    round(time.as_secs_f64() * 1_000.0)
}

fn round(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

/// What the process holds in memory, where the system says so.
fn resident_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn print(line: impl std::fmt::Display) {
    println!("{line}");
}
