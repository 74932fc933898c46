//! The product's main job: an agent's offline edit reaches a manager's desktop as a native alert.

use anyhow::{Context, ensure};
use desk_harness::Banner;

use crate::{device::Device, page::Page, world::World};

/// Finds a ticket that still runs in time but has stood for longer than a critical one may, oldest first: raising its
/// priority breaches its SLA at once. Asked of the shell, since no list shows both instants.
const OLD_BUT_IN_TIME: &str = "
    return window.__TAURI__.core.invoke('list_tickets', { request: {
        filter: { statuses: ['in_progress'], priorities: ['medium', 'low'] }, sort: 'created', offset: 0, limit: 500,
    } }).then(reply => {
        const page = JSON.parse(new TextDecoder().decode(reply));
        const now = Date.now(), hour = 3600 * 1000;
        const fit = page.rows.filter(row => row.next_due && Date.parse(row.next_due.due_at) > now + hour
            && Date.parse(row.created_at) < now - 12 * hour);
        return fit.length ? fit[fit.length - 1].number : null;
    });";

/// An agent goes offline, raises a priority and writes a comment; when the network returns, the manager's ticket shows
/// both and the manager's notification daemon has exactly one breach of it; activating it opens the ticket; a restart
/// raises none again.
#[tokio::test]
async fn an_offline_edit_breaches_an_sla_and_the_manager_is_told_once() -> anyhow::Result<()> {
    let world = World::new("an_offline_edit_breaches_an_sla_and_the_manager_is_told_once")?;
    let (server, member) = world.demo_server(120, 11)?;
    let mut agent = world.device("agent", &server, member("agent"))?;
    let mut manager = world.device("manager", &server, member("manager"))?;
    let (a, b) = (agent.open().await?, manager.open().await?);
    a.ready("list").await?;
    b.ready("list").await?;
    synced(&a).await?;
    synced(&b).await?;
    let found = a.script(OLD_BUT_IN_TIME).await?;
    let number = found.as_str().context("the demo workspace has no ticket to breach")?.to_owned();
    ensure!(breaches(&manager, &number)?.is_empty(), "the manager was told before anything happened");

    agent.cable().cut();
    open_ticket(&a, &number).await?;
    a.choose("[data-testid=\"field-priority\"]", "critical").await?;
    a.type_into("[data-testid=\"note-box\"], [data-testid=\"reply-box\"]", "Еду на место, буду через час.")
        .await?;
    a.click("[data-testid=\"send-note\"], [data-testid=\"send-reply\"]").await?;
    a.wait_for_text("[data-testid=\"comment-body\"]", "Еду на место").await?;
    a.wait_for("[data-testid=\"sync-status\"][data-phase=\"offline\"]").await?;
    a.painted().await?;
    agent.picture(&world.dir().join("agent-offline.png"))?;
    ensure!(breaches(&manager, &number)?.is_empty(), "the manager was told through a cut cable");

    agent.cable().restore();
    synced(&a).await?;
    let banner = told(&manager, &number).await?;
    manager.picture(&world.dir().join("manager-banner.png"))?;
    manager.notifications().activate(banner.id)?;
    b.wait_for_text("[data-testid=\"ticket-number\"]", &number).await?;
    b.wait_for_text("[data-testid=\"comment-body\"]", "Еду на место").await?;
    ensure!(b.value("[data-testid=\"field-priority\"]").await? == "critical", "the priority did not arrive");
    b.painted().await?;
    manager.picture(&world.dir().join("manager-ticket.png"))?;
    manager.notifications().close_all()?;
    let history = manager.notifications().history()?;
    let of_ticket = history.iter().filter(|banner| is_breach(banner, &number)).count();
    ensure!(of_ticket == 1, "the history has {of_ticket} breaches of {number}: {history:?}");

    manager.kill();
    let b = manager.open_as_it_is().await?;
    b.ready("list").await?;
    synced(&b).await?;
    // The scheduler runs before the window says that it is synced; a second banner would stand by now.
    b.wait_for("[data-testid=\"ticket-row\"]").await?;
    let after = breaches(&manager, &number)?;
    ensure!(after.len() == 1, "a restart raised the alert again: {after:?}");
    Ok(())
}

/// Opens a ticket as a person would: by typing its number into the search.
async fn open_ticket(page: &Page, number: &str) -> anyhow::Result<()> {
    page.type_into("[data-testid=\"ticket-search\"]", number).await?;
    // The first row once the search has answered; before that the row may stand elsewhere and move under the pointer.
    page.click(&format!("[data-testid=\"ticket-row\"][data-number=\"{number}\"][aria-rowindex=\"1\"]"))
        .await?;
    page.wait_for_text("[data-testid=\"ticket-number\"]", number).await.map(drop)
}

/// Waits until the status line says that everything is level with the server.
async fn synced(page: &Page) -> anyhow::Result<()> {
    page.wait_for("[data-testid=\"sync-status\"][data-phase=\"idle\"]").await.map(drop)
}

async fn told(device: &Device, number: &str) -> anyhow::Result<Banner> {
    let banner =
        desk_harness::poll_until("a breach notification", std::time::Duration::from_secs(30), || {
            Ok(device.notifications().shown()?.into_iter().find(|banner| is_breach(banner, number)))
        });
    Ok(banner?)
}

fn breaches(device: &Device, number: &str) -> anyhow::Result<Vec<Banner>> {
    Ok(device.notifications().shown()?.into_iter().filter(|banner| is_breach(banner, number)).collect())
}

fn is_breach(banner: &Banner, number: &str) -> bool {
    banner.summary.contains(number) && banner.body.contains("SLA")
}
