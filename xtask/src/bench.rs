//! `cargo xtask bench`: runs the measurements whose figures the README states.
//!
//! A measurement is a bench target that prints one JSON object a line on standard output. They are passed on as they come,
//! and at the end a table says how what was measured stands to what was promised.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::Value;

use crate::cargo::{PRODUCT, cargo, line, succeed};
use crate::progress;
use crate::project::Project;
use crate::setup::{self, Scope};
use crate::ui;

/// All measurements: bench targets of whatever package. A new one is a name here and a bench target in its crate.
const BENCHES: [&str; 6] = ["store", "sla", "import", "window", "server", "sync"];

/// Where the measurements find the product's programs. Set by nobody else, so that they cannot measure old ones.
const PROGRAMS: &str = "DESK_BENCH_PROGRAMS";

/// A promise and where to find how it was kept.
struct Figure {
    /// The measurement that gives it.
    bench: &'static str,
    name: &'static str,
    bound: Bound,
    unit: &'static str,
    /// What the object has in these fields.
    object: &'static [(&'static str, &'static str)],
    /// The number in it.
    pointer: &'static str,
}

#[derive(Debug, Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// What is promised, for a store of 100,000 tickets and for a server.
const FIGURES: [Figure; 26] = [
    Figure {
        bench: "store",
        name: "first page of a filtered, sorted list, p99",
        bound: Bound::AtMost(0.5),
        unit: "ms",
        object: &[("bench", "store.list"), ("case", "every filter and order")],
        pointer: "/times/p99",
    },
    Figure {
        bench: "store",
        name: "search, p99",
        bound: Bound::AtMost(10.0),
        unit: "ms",
        object: &[("bench", "store.search"), ("text", "all of them")],
        pointer: "/times/p99",
    },
    Figure {
        bench: "store",
        name: "edit committed, p50 beyond the disk's own fsync",
        bound: Bound::AtMost(6.0),
        unit: "ms",
        object: &[("bench", "store.edit")],
        pointer: "/p50_beyond_fsync_ms",
    },
    Figure {
        bench: "store",
        name: "the next instant at which something falls due, p99",
        bound: Bound::AtMost(0.5),
        unit: "ms",
        object: &[("bench", "store.wake")],
        pointer: "/times/p99",
    },
    Figure {
        bench: "sla",
        name: "clocks of 100,000 open tickets, all processors",
        bound: Bound::AtMost(150.0),
        unit: "ms",
        object: &[("bench", "sla.evaluate")],
        pointer: "/all_threads/p50",
    },
    Figure {
        bench: "sla",
        name: "the same, one processor",
        bound: Bound::AtMost(150.0),
        unit: "ms",
        object: &[("bench", "sla.evaluate")],
        pointer: "/one_thread/p50",
    },
    Figure {
        bench: "import",
        name: "import of an event log",
        bound: Bound::AtLeast(2_000.0),
        unit: "events/s",
        object: &[("bench", "import")],
        pointer: "/events_per_second",
    },
    Figure {
        bench: "window",
        name: "window from start to a usable list, median",
        bound: Bound::AtMost(1_000.0),
        unit: "ms",
        object: &[("bench", "window.start")],
        pointer: "/to_list/p50",
    },
    Figure {
        bench: "window",
        name: "memory of all the window's processes, peak",
        bound: Bound::AtMost(300.0),
        unit: "MB",
        object: &[("bench", "window.memory")],
        pointer: "/peak_mb",
    },
    Figure {
        bench: "window",
        name: "all the window's processes while nobody touches it, of one core",
        bound: Bound::AtMost(0.5),
        unit: "%",
        object: &[("bench", "window.idle")],
        pointer: "/core/percent",
    },
    Figure {
        bench: "window",
        name: "key to painted result, p95 of the slowest kind",
        bound: Bound::AtMost(100.0),
        unit: "ms",
        object: &[("bench", "window.key"), ("key", "the slowest of them")],
        pointer: "/p95",
    },
    Figure {
        bench: "server",
        name: "changes accepted by the server on two processors",
        bound: Bound::AtLeast(5_000.0),
        unit: "changes/s",
        object: &[("bench", "server.push")],
        pointer: "/changes_per_second",
    },
    Figure {
        bench: "server",
        name: "an edit on each of 1,000 live devices, p99",
        bound: Bound::AtMost(100.0),
        unit: "ms",
        object: &[("bench", "server.live")],
        pointer: "/visible/p99",
    },
    Figure {
        bench: "sync",
        name: "lists of a new device usable, 100,000 tickets",
        bound: Bound::AtMost(4_000.0),
        unit: "ms",
        object: &[("bench", "sync.bootstrap"), ("store", "plain")],
        pointer: "/listed/p50",
    },
    Figure {
        bench: "sync",
        name: "the same, encrypted",
        bound: Bound::AtMost(6_000.0),
        unit: "ms",
        object: &[("bench", "sync.bootstrap"), ("store", "encrypted")],
        pointer: "/listed/p50",
    },
    Figure {
        bench: "sync",
        name: "its whole search index",
        bound: Bound::AtMost(30_000.0),
        unit: "ms",
        object: &[("bench", "sync.bootstrap"), ("store", "plain")],
        pointer: "/indexed/p50",
    },
    Figure {
        bench: "sync",
        name: "the same, encrypted",
        bound: Bound::AtMost(45_000.0),
        unit: "ms",
        object: &[("bench", "sync.bootstrap"), ("store", "encrypted")],
        pointer: "/indexed/p50",
    },
    Figure {
        bench: "sync",
        name: "its processor time, by that of the rows alone",
        bound: Bound::AtMost(1.6),
        unit: "times",
        object: &[("bench", "sync.cpu")],
        pointer: "/ratio",
    },
    Figure {
        bench: "sync",
        name: "on the wire, bytes a ticket",
        bound: Bound::AtMost(1_800.0),
        unit: "bytes",
        object: &[("bench", "sync.bootstrap"), ("store", "encrypted")],
        pointer: "/wire_bytes_per_ticket/p50",
    },
    Figure {
        bench: "sync",
        name: "its memory, peak",
        bound: Bound::AtMost(400.0),
        unit: "MB",
        object: &[("bench", "sync.bootstrap"), ("store", "encrypted")],
        pointer: "/memory_mb/max",
    },
    Figure {
        bench: "sync",
        name: "documents a second, by PouchDB's",
        bound: Bound::AtLeast(20.0),
        unit: "times",
        object: &[("bench", "sync.peer"), ("peer", "pouchdb")],
        pointer: "/ratio",
    },
    Figure {
        bench: "sync",
        name: "documents a second, by automerge-repo's",
        bound: Bound::AtLeast(100.0),
        unit: "times",
        object: &[("bench", "sync.peer"), ("peer", "automerge-repo")],
        pointer: "/ratio",
    },
    Figure {
        bench: "sync",
        name: "level again after 1,000 changes",
        bound: Bound::AtMost(1_000.0),
        unit: "ms",
        object: &[("bench", "sync.away")],
        pointer: "/level/p50",
    },
    Figure {
        bench: "sync",
        name: "requests of an unchanged sync",
        bound: Bound::AtMost(1.0),
        unit: "",
        object: &[("bench", "sync.unchanged")],
        pointer: "/requests",
    },
    Figure {
        bench: "sync",
        name: "an edit visible on another device, p50",
        bound: Bound::AtMost(3.0),
        unit: "ms",
        object: &[("bench", "sync.visible")],
        pointer: "/p50",
    },
    Figure {
        bench: "sync",
        name: "the same, p99",
        bound: Bound::AtMost(15.0),
        unit: "ms",
        object: &[("bench", "sync.visible")],
        pointer: "/p99",
    },
];

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only measurements with this in their name: store, sla, import, window, server, sync.
    filter: Option<String>,
    /// Fail when a promise is not kept. Without it a busy machine is no error.
    #[arg(long)]
    strict: bool,
}

/// Builds with optimisation and runs the measurements one after the other.
pub(crate) fn run(project: &Project, options: &Options) -> anyhow::Result<()> {
    let wanted = |bench: &&str| options.filter.as_deref().is_none_or(|filter| bench.contains(filter));
    let chosen: Vec<&str> = BENCHES.into_iter().filter(wanted).collect();
    if chosen.is_empty() {
        bail!("there is no such measurement; there are {}", BENCHES.join(", "));
    }
    setup::install(project, Scope::Everything)?;
    ui::build(project, ui::Options::default())?;
    progress::step("building with optimisation", || {
        let mut build = cargo(project);
        build.args(["build", "--release"]).args(PRODUCT).arg("--bins");
        // With the measurements beside them: the same features, so nothing is compiled again for those.
        succeed(build.args(BENCHES.iter().flat_map(|bench| ["--bench", bench])))
    })?;
    let before = machine();
    let mut objects = Vec::new();
    for bench in &chosen {
        objects.extend(progress::step(bench, || measure(project, bench))?);
    }
    let (rows, all_kept) = table(&chosen, &objects)?;
    progress::note(&format!("{before}; afterwards {}", load()));
    for row in rows {
        say(&row)?;
    }
    if options.strict && !all_kept {
        bail!("not every promise is kept");
    }
    Ok(())
}

/// Runs a measurement; passes its lines on and returns those that are JSON.
fn measure(project: &Project, bench: &str) -> anyhow::Result<Vec<Value>> {
    let mut command = cargo(project);
    command.arg("bench").args(PRODUCT).args(["--bench", bench]);
    command.env(PROGRAMS, project.programs(true));
    // An error tells what was seen; the frames of the runtime below it would bury that.
    command.env("RUST_BACKTRACE", "0");
    let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start Cargo")?;
    let mut objects = Vec::new();
    for text in child.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines) {
        let text = text?;
        say(&text)?;
        objects.extend(serde_json::from_str::<Value>(&text));
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("`{}` ended with {status}", line(&command));
    }
    Ok(objects)
}

/// One row for each promise that these measurements are about, and whether all are kept.
///
/// # Errors
/// When a measurement does not tell what it should.
fn table(benches: &[&str], objects: &[Value]) -> anyhow::Result<(Vec<String>, bool)> {
    let mut rows = Vec::new();
    let mut all_kept = true;
    for figure in FIGURES.iter().filter(|figure| benches.contains(&figure.bench)) {
        let is_it = |object: &&Value| {
            figure.object.iter().all(|(key, value)| object.get(key).and_then(Value::as_str) == Some(value))
        };
        let measured = objects
            .iter()
            .find(is_it)
            .and_then(|object| object.pointer(figure.pointer)?.as_f64())
            .with_context(|| format!("{} tells nothing about: {}", figure.bench, figure.name))?;
        let (promise, is_kept) = match figure.bound {
            Bound::AtMost(bound) => (format!("≤ {bound}"), measured <= bound),
            Bound::AtLeast(bound) => (format!("≥ {bound}"), measured >= bound),
        };
        all_kept &= is_kept;
        let (name, unit) = (figure.name, figure.unit);
        let verdict = if is_kept { "ok" } else { "MISSED" };
        rows.push(format!("{name:<50} {promise:>8} {measured:>10} {unit:<9} {verdict}"));
    }
    Ok((rows, all_kept))
}

/// What figures depend on besides the code.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} cores, before it {}", load())
}

/// How many tasks wanted to run in the last minute; well above zero, others were measured along.
fn load() -> String {
    let averages = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    match averages.split_whitespace().next() {
        Some(load) => format!("a load of {load}"),
        None => "an unknown load".to_owned(),
    }
}

/// To standard output, where results go.
fn say(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("cannot write to standard output")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_promise_has_its_measurement() {
        for figure in &FIGURES {
            assert!(BENCHES.contains(&figure.bench), "{}", figure.name);
        }
    }

    #[test]
    fn a_promise_is_held_against_what_was_measured() {
        let check = |per_second: f64, verdict: &str, kept: bool| {
            let objects =
                [json!({"bench": "other"}), json!({"bench": "import", "events_per_second": per_second})];
            let (rows, all_kept) = table(&["import"], &objects).unwrap();
            assert_eq!(rows.len(), 1);
            assert!(rows[0].ends_with(verdict), "{}", rows[0]);
            assert_eq!(all_kept, kept);
        };
        check(2_000.0, "ok", true);
        check(1_999.0, "MISSED", false);
    }

    #[test]
    fn a_measurement_that_tells_nothing_is_an_error() {
        assert!(table(&["import"], &[json!({"bench": "import"})]).is_err());
    }
}
