//! Alerts as a manager with two devices meets them: banners with actions, quiet hours, the tray, links.

use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use desk_domain::time::UtcMillis;
use desk_harness::{Banner, poll_until};

use crate::device::Device;
use crate::page::{Page, key};
use crate::world::{Credentials, World, WorldServer};

const MINUTE_S: u64 = 60;
const GROUP: &str = "[data-testid=\"alert-group\"]";

/// A ticket runs into a warning and then a breach on both of the manager's devices; acknowledging it in the banner of one takes
/// the banner of the other away, and lists and trays of both follow. A link opens the ticket, and one that is none says so.
#[tokio::test]
async fn an_answer_to_one_banner_silences_the_other_device() -> anyhow::Result<()> {
    let world = World::new("an_answer_to_one_banner_silences_the_other_device")?;
    let (server, member) = world.empty_server(
        "acme",
        &[("anna@acme.example", "Анна", "agent"), ("maria@acme.example", "Мария", "manager")],
    )?;
    let mut desk = world.device("desk", &server, member("maria@acme.example"))?;
    let mut laptop = world.device("laptop", &server, member("maria@acme.example"))?;
    desk.with_tray()?;
    laptop.with_tray()?;
    let (on_desk, on_laptop) = (desk.open().await?, laptop.open().await?);
    synced(&on_desk).await?;
    synced(&on_laptop).await?;

    // A first response is due after a quarter of an hour: the warnings are due by now, the breach within a minute or so.
    let agent = Agent::sign_in(&world, &server, &member("anna@acme.example"))?;
    let number = agent.import("INC1", 14)?;
    for device in [&desk, &laptop] {
        let warning = told(device, &number)?;
        ensure!(warning.urgency.as_deref() == Some("NORMAL"), "a warning is no breach: {warning:?}");
        device.tray()?.wait_for_label("2")?;
    }
    let breach = breached(&desk, &number)?;
    breached(&laptop, &number)?;
    laptop.tray()?.wait_for_label("3")?;
    on_laptop.click("[data-testid=\"nav-alerts\"]").await?;
    on_laptop.wait_for(&format!("{GROUP}[data-number=\"{number}\"][data-state=\"open\"]")).await?;
    on_laptop.painted().await?;
    laptop.picture(&world.dir().join("laptop-breach.png"))?;

    desk.notifications().choose_action(breach.id, "acknowledge")?;
    on_laptop.wait_gone(&format!("{GROUP}[data-state=\"open\"]")).await?;
    on_laptop.wait_for("[data-testid=\"alert-row\"][data-state=\"acknowledged\"]").await?;
    for device in [&desk, &laptop] {
        // What is in the history is off the screen.
        poll_until("the banner to be withdrawn", Duration::from_secs(30), || {
            Ok(device.notifications().history()?.into_iter().find(|banner| is_of(banner, &number)))
        })?;
        device.tray()?.wait_for_label("")?;
    }
    on_laptop.painted().await?;
    laptop.picture(&world.dir().join("laptop-acknowledged.png"))?;

    desk.start_again(&[&format!("worknet://ticket/{number}")])?;
    on_desk.wait_for_text("[data-testid=\"ticket-number\"]", &number).await?;
    desk.start_again(&["worknet://ticket/what?"])?;
    on_desk.wait_for_text("[data-testid=\"toast\"]", "worknet://ticket/what?").await?;
    Ok(())
}

/// Quiet hours that the manager sets in the window hold banners back; when they end, one summary comes. Snoozed in its banner,
/// an alert leaves the list and stands among the snoozed.
#[tokio::test]
async fn quiet_hours_hold_banners_back_and_a_summary_comes() -> anyhow::Result<()> {
    let world = World::new("quiet_hours_hold_banners_back_and_a_summary_comes")?;
    let (server, member) = world.empty_server(
        "acme",
        &[("anna@acme.example", "Анна", "agent"), ("maria@acme.example", "Мария", "manager")],
    )?;
    let mut desk = world.device("desk", &server, member("maria@acme.example"))?;
    desk.with_tray()?;
    let page = desk.open().await?;
    synced(&page).await?;
    page.click("[data-testid=\"nav-alerts\"]").await?;
    page.click("[data-testid=\"alerts-settings\"]").await?;
    page.click("[data-testid=\"quiet-add\"]").await?;
    // They end at a full minute that leaves time for what is to happen in them.
    let ends = (now_s() / MINUTE_S + 2) * MINUTE_S;
    fill(&page, "[data-testid=\"alert-zone\"]", "UTC").await?;
    fill(&page, "[data-testid=\"quiet-from\"]", &clock(ends - 120 * MINUTE_S)).await?;
    fill(&page, "[data-testid=\"quiet-to\"]", &clock(ends)).await?;
    page.wait_for_text("[data-testid=\"alert-settings-preview\"]", &clock(ends)).await?;
    page.painted().await?;
    desk.picture(&world.dir().join("settings.png"))?;
    page.click("[data-testid=\"alert-settings-save\"]").await?;
    page.wait_gone("[data-testid=\"alert-settings-save\"]").await?;

    let agent = Agent::sign_in(&world, &server, &member("anna@acme.example"))?;
    let first = agent.import("INC1", 600)?;
    let second = agent.import("INC2", 600)?;
    page.click("[data-testid=\"nav-alerts\"]").await?;
    for number in [&first, &second] {
        page.wait_for(&format!("{GROUP}[data-number=\"{number}\"] [data-testid=\"alert-waits\"]")).await?;
    }
    page.painted().await?;
    desk.picture(&world.dir().join("held.png"))?;
    ensure!(now_s() < ends, "the machine is too slow for this journey");
    ensure!(
        desk.notifications().shown()?.is_empty(),
        "it was not quiet: {:?}",
        desk.notifications().shown()?
    );

    let summary = poll_until("the summary", Duration::from_secs(150), || {
        Ok(desk.notifications().shown()?.into_iter().next())
    })?;
    ensure!(now_s() >= ends, "the summary came while it was quiet: {summary:?}");
    ensure!(summary.summary.contains("Пока было тихо: 2"), "{summary:?}");
    desk.picture(&world.dir().join("summary.png"))?;
    ensure!(desk.notifications().shown()?.len() == 1, "one summary: {:?}", desk.notifications().shown()?);

    desk.notifications().choose_action(summary.id, "snooze")?;
    page.wait_for(&format!("{GROUP}[data-number=\"{first}\"][data-state=\"snoozed\"]")).await?;
    page.wait_gone(&format!("{GROUP}[data-state=\"open\"]")).await?;
    desk.tray()?.wait_for_label("")?;
    Ok(())
}

/// Level one is told for a minute, level two for another, and so on.
const QUICK_POLICY: &str = "
    return window.__TAURI__.core.invoke('save_escalation', { request: { key: 'aa', policy: {
        name: 'Быстро', severities: ['P1'], repeat: 3, levels: [
            { targets: [{ to: 'role', role: 'agent' }], timeout_min: 1 },
            { targets: [{ to: 'role', role: 'manager' }], timeout_min: 1 },
        ],
    } } }).then(() => true);";

/// Nobody on level one takes a P1, so the server goes on to level two. The manager's banner opens the incident; acknowledging it in
/// the banner takes the incident, and nothing more is told.
#[tokio::test]
async fn a_p1_that_nobody_takes_reaches_the_manager_whose_answer_ends_it() -> anyhow::Result<()> {
    let world = World::new("a_p1_that_nobody_takes_reaches_the_manager_whose_answer_ends_it")?;
    let (server, member) = world.empty_server(
        "acme",
        &[("anna@acme.example", "Анна", "agent"), ("maria@acme.example", "Мария", "manager")],
    )?;
    let mut desk = world.device("desk", &server, member("maria@acme.example"))?;
    let page = desk.open().await?;
    synced(&page).await?;
    page.script(QUICK_POLICY).await?;
    synced(&page).await?;

    let agent = Agent::sign_in(&world, &server, &member("anna@acme.example"))?;
    let made = agent
        .run(&["--json", "incident", "new", "--title", "Портал не открывается", "--severity", "P1"], "")?;
    let made: serde_json::Value = serde_json::from_str(&made)?;
    let number = made["number"].as_str().context("an incident has a number")?.to_owned();
    agent.run(&["sync"], "")?;
    let declared = told(&desk, &number)?;
    ensure!(!declared.body.contains("Эскалация"), "level one is not the manager: {declared:?}");

    let paged = poll_until("the page of level two", Duration::from_secs(150), || {
        let shown = desk.notifications().shown()?;
        Ok(shown.into_iter().find(|banner| is_of(banner, &number) && banner.body.contains("Эскалация")))
    })?;
    ensure!(paged.urgency.as_deref() == Some("CRITICAL"), "a page cannot wait: {paged:?}");
    desk.notifications().activate(paged.id)?;
    page.wait_for(&format!("[data-testid=\"incident-page\"][data-number=\"{number}\"]")).await?;
    page.painted().await?;
    desk.picture(&world.dir().join("incident.png"))?;

    page.press(&['a']).await?;
    poll_until("the banner to be withdrawn", Duration::from_secs(30), || {
        Ok(desk.notifications().history()?.into_iter().find(|banner| is_of(banner, &number)))
    })?;
    synced(&page).await?;
    let start = std::time::Instant::now();
    loop {
        agent.run(&["sync"], "")?;
        let shown: serde_json::Value =
            serde_json::from_str(&agent.run(&["--json", "incident", "show", &number], "")?)?;
        let timeline = shown["timeline"].as_array().context("an incident has a timeline")?;
        let is_taken = timeline.iter().any(|entry| entry["kind"] == "acknowledged");
        if is_taken {
            ensure!(shown["escalates_at"].is_null(), "it goes on: {shown}");
            break;
        }
        ensure!(start.elapsed() < Duration::from_secs(30), "nobody took it: {shown}");
    }
    Ok(())
}

/// An agent without a window: `desk` on a data directory of its own.
struct Agent {
    program: std::path::PathBuf,
    dir: std::path::PathBuf,
}

impl Agent {
    fn sign_in(world: &World, server: &WorldServer, who: &Credentials) -> anyhow::Result<Self> {
        let agent = Self { program: world.program("desk"), dir: world.dir().join("agent") };
        std::fs::create_dir_all(&agent.dir)?;
        let login =
            ["login", "--server", &server.url(), "--workspace", &who.workspace, "--email", &who.email];
        agent.run(&[login.as_slice(), &["--password-stdin"]].concat(), &who.password)?;
        agent.run(&["sync"], "")?;
        Ok(agent)
    }

    /// A critical ticket that was opened so many minutes ago, sent to the server; returns its number.
    fn import(&self, key: &str, minutes_ago: u64) -> anyhow::Result<String> {
        let opened = now_s() / MINUTE_S * MINUTE_S - minutes_ago * MINUTE_S;
        let opened = date(opened)?;
        let file = self.dir.join(format!("{key}.csv"));
        let csv = format!(
            "number,incident_state,sys_updated_by,sys_updated_at,opened_at,priority,caller_id,category\n\
             {key},New,Updated by 1,{opened},{opened},1 - Critical,Caller 1,Category 1\n"
        );
        std::fs::write(&file, csv)?;
        let path = file.to_str().context("a path in UTF-8")?;
        self.run(&["import", "servicenow-csv", path, "--zone", "UTC"], "")?;
        self.run(&["sync"], "")?;
        let list = self.run(&["--json", "ticket", "list"], "")?;
        let list: serde_json::Value = serde_json::from_str(&list)?;
        let newest = list.as_array().and_then(|list| {
            list.iter().find(|row| row["title"].as_str().is_some_and(|title| title.contains(key)))
        });
        let number = newest.and_then(|row| row["number"].as_str());
        Ok(number.with_context(|| format!("no ticket of {key}: {list}"))?.to_owned())
    }

    fn run(&self, arguments: &[&str], input: &str) -> anyhow::Result<String> {
        use std::io::Write;

        let mut child = Command::new(&self.program)
            .arg("--data-dir")
            .arg(self.dir.join("data"))
            .args(arguments)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that reads no input may have ended already; its exit status says what matters.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "desk {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }
}

async fn synced(page: &Page) -> anyhow::Result<()> {
    page.wait_for("[data-testid=\"sync-status\"][data-phase=\"idle\"]").await.map(drop)
}

/// Replaces what a field holds, as a person does, and leaves it.
async fn fill(page: &Page, css: &str, text: &str) -> anyhow::Result<()> {
    page.click(css).await?;
    page.press(&[key::CONTROL, 'a']).await?;
    page.type_into(css, &format!("{text}{}", key::ENTER)).await
}

fn told(device: &Device, number: &str) -> anyhow::Result<Banner> {
    let banner = poll_until("a banner", Duration::from_secs(30), || {
        Ok(device.notifications().shown()?.into_iter().find(|banner| is_of(banner, number)))
    });
    Ok(banner?)
}

fn breached(device: &Device, number: &str) -> anyhow::Result<Banner> {
    let banner = poll_until("the breach's banner", Duration::from_secs(120), || {
        let shown = device.notifications().shown()?;
        Ok(shown.into_iter().find(|banner| is_of(banner, number) && banner.body.contains("SLA")))
    })?;
    ensure!(banner.urgency.as_deref() == Some("CRITICAL"), "a breach cannot wait: {banner:?}");
    Ok(banner)
}

fn is_of(banner: &Banner, number: &str) -> bool {
    banner.summary.contains(number)
}

/// Seconds since 1970.
fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The time of day in UTC.
fn clock(at_s: u64) -> String {
    format!("{:02}:{:02}", at_s / 3_600 % 24, at_s / MINUTE_S % 60)
}

/// The date and time in UTC, as the import reads them.
fn date(at_s: u64) -> anyhow::Result<String> {
    let instant = UtcMillis(i64::try_from(at_s)? * 1_000).to_string();
    let (date, _) = instant.split_once('T').context("an instant has a time")?;
    let backwards: Vec<&str> = date.split('-').rev().collect();
    Ok(format!("{} {}", backwards.join("-"), clock(at_s)))
}
