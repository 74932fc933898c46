//! From a key to the painted result.
//!
//! Keys are pressed through WebDriver, so they take the whole way through the toolkit. The page's own clock measures: from the
//! instant that the key event bears to the second animation frame after the state that the key changes is another one;
//! that frame begins when the one with the result was painted.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::page::{Page, key};
use crate::rest;

/// Keys of each kind.
const RUNS: usize = 30;

/// Nothing may take longer.
const LIMIT: Duration = Duration::from_millis(LIMIT_MS);
const LIMIT_MS: u64 = 20_000;

/// A person who is in a hurry presses a key so often.
const PACE: Duration = Duration::from_millis(100);

/// WebDriver's code points for keys that the journeys have no name for.
const DOWN: char = '\u{e015}';
const END: char = '\u{e010}';
const HOME: char = '\u{e011}';
const PAGE_DOWN: char = '\u{e00f}';
const BACKSPACE: char = '\u{e003}';

/// What is typed into the search field, a letter at a time, in both languages.
const BEGINNINGS: [&str; 8] = ["пр", "se", "до", "ma", "по", "ne", "се", "re"];

/// Where the keys act in the list.
const CURSOR: &str =
    "document.querySelector('[data-testid=\"ticket-rows\"]')?.getAttribute('aria-activedescendant')";
/// Which rows are shown, and how many there are.
const ROWS: &str = "document.querySelector('[data-testid=\"ticket-count\"]')?.dataset.count + ' ' + \
                    [...document.querySelectorAll('[data-testid=\"ticket-row\"]')].slice(0, 5).map((row) => row.dataset.number)";
/// The number of the question whose answer is shown: another one for each letter, also where the same rows answer it.
const ANSWER: &str = "document.querySelector('[data-testid=\"ticket-count\"]')?.dataset.answer";
/// The ticket that is open.
const TICKET: &str = "document.querySelector('[data-testid=\"ticket-page\"]')?.dataset.number";
/// The open ticket's priority.
const PRIORITY: &str = "document.querySelector('[data-testid=\"field-priority\"]')?.value";
/// The line that Enter would take.
const OFFERED: &str =
    "document.querySelector('[data-testid=\"chooser-option\"][aria-selected=\"true\"]')?.dataset.id";
/// How many lines the palette or a picker offers.
const LINES: &str = "document.querySelectorAll('[data-testid=\"chooser-option\"]').length";

/// Measures every kind of key; times in milliseconds.
pub(crate) async fn measure(page: &Page) -> anyhow::Result<Vec<(&'static str, Vec<f64>)>> {
    page.click("[data-testid=\"nav-all\"]").await?;
    page.wait_for("[data-testid=\"nav-all\"][aria-current=\"page\"]").await?;
    // A link that has the focus takes Enter for itself.
    page.click("[data-testid=\"ticket-count\"]").await?;
    still(page, ROWS).await?;
    Ok(vec![
        ("j: the next line", moves(page, &['j']).await?),
        ("Page Down: the next page", moves(page, &[PAGE_DOWN]).await?),
        ("End and Home: from one end of the list to the other", ends(page).await?),
        ("Enter: opens a ticket", opens(page).await?),
        ("Enter: a priority is changed and saved", edits(page).await?),
        ("a letter in the search field", searches(page).await?),
        ("Ctrl+K: the palette", palette(page).await?),
    ])
}

/// Presses the same keys without a stopwatch, for what they leave in memory: a driver that looks into the page after each of
/// them leaves more there than they do.
pub(crate) async fn work(page: &Page) -> anyhow::Result<()> {
    page.click("[data-testid=\"nav-all\"]").await?;
    page.wait_for("[data-testid=\"nav-all\"][aria-current=\"page\"]").await?;
    page.click("[data-testid=\"ticket-count\"]").await?;
    let press = async |keys: &[char]| {
        page.press(keys).await?;
        tokio::time::sleep(PACE).await;
        anyhow::Ok(())
    };
    for _ in 0..RUNS {
        press(&['j']).await?;
    }
    for _ in 0..RUNS {
        press(&[PAGE_DOWN]).await?;
    }
    for run in 0..RUNS {
        press(&[if run % 2 == 0 { END } else { HOME }]).await?;
    }
    for _ in 0..RUNS {
        for one in ['j', key::ENTER, key::ESCAPE] {
            press(&[one]).await?;
        }
    }
    press(&[key::ENTER]).await?;
    for run in 0..RUNS {
        press(&['p']).await?;
        for _ in 0..run % 4 {
            press(&[DOWN]).await?;
        }
        press(&[key::ENTER]).await?;
    }
    press(&[key::ESCAPE]).await?;
    for word in BEGINNINGS.iter().cycle().take(RUNS / 2) {
        press(&['/']).await?;
        for letter in word.chars() {
            press(&[letter]).await?;
        }
        press(&[key::CONTROL, 'a']).await?;
        press(&[BACKSPACE]).await?;
        press(&[key::ESCAPE]).await?;
    }
    for _ in 0..RUNS {
        press(&[key::CONTROL, 'k']).await?;
        press(&[key::ESCAPE]).await?;
    }
    Ok(())
}

async fn moves(page: &Page, keys: &[char]) -> anyhow::Result<Vec<f64>> {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        times.push(timed(page, CURSOR, keys).await?);
    }
    page.press(&[HOME]).await?;
    still(page, CURSOR).await?;
    Ok(times)
}

async fn ends(page: &Page) -> anyhow::Result<Vec<f64>> {
    let mut times = Vec::new();
    for run in 0..RUNS {
        times.push(timed(page, ROWS, &[if run % 2 == 0 { END } else { HOME }]).await?);
        still(page, ROWS).await?;
    }
    Ok(times)
}

async fn opens(page: &Page) -> anyhow::Result<Vec<f64>> {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        timed(page, CURSOR, &['j']).await?;
        times.push(timed(page, TICKET, &[key::ENTER]).await?);
        page.press(&[key::ESCAPE]).await?;
        page.wait_gone("[data-testid=\"ticket-page\"]").await?;
    }
    Ok(times)
}

/// Takes the line that the picker offers first, or the next one where that is the present priority.
async fn edits(page: &Page) -> anyhow::Result<Vec<f64>> {
    page.press(&[key::ENTER]).await?;
    page.wait_for("[data-testid=\"ticket-page\"]").await?;
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let present = still(page, PRIORITY).await?;
        page.press(&['p']).await?;
        page.wait_for("[data-testid=\"picker\"] [data-testid=\"chooser-input\"]:focus").await?;
        if still(page, OFFERED).await? == present {
            page.press(&[DOWN]).await?;
            until(page, OFFERED, |offered| *offered != present).await?;
        }
        times.push(timed(page, PRIORITY, &[key::ENTER]).await?);
        page.wait_gone("[data-testid=\"picker\"]").await?;
    }
    page.press(&[key::ESCAPE]).await?;
    page.wait_gone("[data-testid=\"ticket-page\"]").await?;
    Ok(times)
}

async fn searches(page: &Page) -> anyhow::Result<Vec<f64>> {
    let all = still(page, ROWS).await?;
    let mut times = Vec::new();
    for word in BEGINNINGS.iter().cycle() {
        page.press(&['/']).await?;
        page.wait_for("[data-testid=\"ticket-search\"]:focus").await?;
        for letter in word.chars() {
            times.push(timed(page, ANSWER, &[letter]).await?);
            still(page, ANSWER).await?;
        }
        page.press(&[key::CONTROL, 'a']).await?;
        page.press(&[BACKSPACE]).await?;
        until(page, ROWS, |now| *now == all).await?;
        page.press(&[key::ESCAPE]).await?;
        if times.len() >= RUNS {
            break;
        }
    }
    Ok(times)
}

async fn palette(page: &Page) -> anyhow::Result<Vec<f64>> {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        times.push(timed(page, LINES, &[key::CONTROL, 'k']).await?);
        page.press(&[key::ESCAPE]).await?;
        page.wait_gone("[data-testid=\"palette\"]").await?;
    }
    Ok(times)
}

/// Presses keys together; returns how long it took from the last one until another value of `state` was painted.
async fn timed(page: &Page, state: &str, keys: &[char]) -> anyhow::Result<f64> {
    let arm = format!(
        "const state = () => JSON.stringify({state} ?? null);
         const watch = window.stopwatch = {{ from: null, took: null }};
         const before = state();
         const pressed = (event) => {{ watch.from = event.timeStamp; }};
         addEventListener('keydown', pressed, true);
         const look = () => {{
           if (watch !== window.stopwatch) return removeEventListener('keydown', pressed, true);
           if (watch.from === null || state() === before) return requestAnimationFrame(look);
           removeEventListener('keydown', pressed, true);
           requestAnimationFrame(() => {{ watch.took = performance.now() - watch.from; }});
         }};
         requestAnimationFrame(look);"
    );
    page.script(&arm).await?;
    page.press(keys).await?;
    // The page waits by itself: a driver that asks again and again leaves more behind in the page's memory than the keys do.
    let wait = format!(
        "const tell = arguments[arguments.length - 1];
         const end = performance.now() + {LIMIT_MS};
         const look = () => {{
           const took = window.stopwatch.took;
           if (took !== null || performance.now() > end) tell(took);
           else requestAnimationFrame(look);
         }};
         look();"
    );
    if let Some(took) = page.script_told(&wait).await?.as_f64() {
        return Ok(took);
    }
    let value = page.script(&format!("return {state} ?? null;")).await?;
    bail!("the keys {keys:?} changed nothing of {state}, which is {value}");
}

/// Waits until a state stays as it is for some frames; returns it.
async fn still(page: &Page, state: &str) -> anyhow::Result<Value> {
    const FRAMES: u32 = 8;
    let wait = format!(
        "const tell = arguments[arguments.length - 1];
         const end = performance.now() + {LIMIT_MS};
         let last = null, same = 0;
         const look = () => {{
           const now = JSON.stringify({state} ?? null);
           same = now === last && now !== 'null' ? same + 1 : 0;
           last = now;
           if (same >= {FRAMES}) tell(JSON.parse(now));
           else if (performance.now() > end) tell(null);
           else requestAnimationFrame(look);
         }};
         look();"
    );
    match page.script_told(&wait).await? {
        Value::Null => bail!("{state} does not come to rest"),
        value => Ok(value),
    }
}

/// Waits for a state.
async fn until(page: &Page, state: &str, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<()> {
    let began = Instant::now();
    loop {
        let now = page.script(&format!("return {state} ?? null;")).await?;
        if wanted(&now) {
            return Ok(());
        }
        if began.elapsed() > LIMIT {
            return Err(anyhow::anyhow!("it is {now}")).context(format!("waited in vain for {state}"));
        }
        rest().await;
    }
}
