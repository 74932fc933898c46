//! What people see and do about sync: a conflict, a refused edit, a ticket's past, a revoked device.

use anyhow::{Context, ensure};

use crate::page::{Page, key};
use crate::world::World;

/// Some ticket that nobody has finished.
const SOME_TICKET: &str = "
    return window.__TAURI__.core.invoke('list_tickets', { request: {
        filter: { statuses: ['in_progress'], priorities: ['medium'] }, sort: 'created', offset: 0, limit: 1,
    } }).then(reply => JSON.parse(new TextDecoder().decode(reply)).rows[0]);";

const CONFLICT: &str = "[data-testid=\"conflict\"][data-field=\"priority\"]";
const VALUE: &str = "[data-testid=\"conflict-value\"]";

/// Two agents change one field at once, one of them offline: both see both values, and since when that device had been
/// offline; one key settles it on both.
#[tokio::test]
async fn a_conflict_is_shown_to_both_and_settled_with_one_key() -> anyhow::Result<()> {
    let world = World::new("a_conflict_is_shown_to_both_and_settled_with_one_key")?;
    let (server, member) = world.demo_server(40, 7)?;
    let mut anna = world.device("anna", &server, member("agent"))?;
    let mut maria = world.device("maria", &server, member("manager"))?;
    let (a, m) = (anna.open().await?, maria.open().await?);
    for page in [&a, &m] {
        page.ready("list").await?;
        synced(page).await?;
    }
    let number = number_of_some_ticket(&a).await?;
    open_ticket(&a, &number).await?;
    open_ticket(&m, &number).await?;

    anna.cable().cut();
    offline(&a).await?;
    a.choose("[data-testid=\"field-priority\"]", "low").await?;
    m.choose("[data-testid=\"field-priority\"]", "urgent").await?;
    synced(&m).await?;
    anna.cable().restore();
    synced(&a).await?;

    for page in [&a, &m] {
        page.wait_for(CONFLICT).await?;
        let offline = format!("{CONFLICT} {VALUE}[data-value=\"low\"][data-offline-since]");
        page.wait_for(&offline).await?;
        page.wait_for(&format!("{CONFLICT} {VALUE}[data-value=\"urgent\"]:not([data-offline-since])"))
            .await?;
    }
    a.painted().await?;
    anna.picture(&world.dir().join("conflict.png"))?;

    // The second value, whichever the merge left there, with the page focused and no field.
    let other = m.attribute(&format!("{CONFLICT} {VALUE}:nth-of-type(2)"), "data-value").await?;
    m.click("[data-testid=\"talk\"]").await?;
    m.press(&['2']).await?;
    for page in [&m, &a] {
        page.wait_gone(CONFLICT).await?;
        let field = "[data-testid=\"field-priority\"]";
        ensure!(page.value(field).await? == other, "the chosen value does not stand");
    }

    // The history goes back to what Anna saw when she had heard of nothing else.
    a.click("[data-testid=\"tab-history\"]").await?;
    a.click("[data-testid=\"history-entry\"] [data-testid=\"history-past\"]").await?;
    a.wait_for("[data-testid=\"ticket-past\"]").await?;
    let place = a.attribute("[data-testid=\"ticket-past\"][data-place]", "data-place").await?;
    a.press(&[key::LEFT]).await?;
    let before: u32 = place.parse::<u32>()?.checked_sub(1).context("the ticket has one change")?;
    a.wait_for(&format!("[data-testid=\"ticket-past\"][data-place=\"{before}\"]")).await?;
    a.wait_for("[data-changed=\"true\"] [data-testid=\"field-priority\"]:disabled").await?;
    a.painted().await?;
    anna.picture(&world.dir().join("past.png"))?;
    a.press(&[key::ESCAPE]).await?;
    a.wait_gone("[data-testid=\"ticket-past\"]").await?;
    Ok(())
}

/// A manager edits offline and is a manager no more when the edit arrives: it is refused, read, amended in the window, and
/// accepted.
#[tokio::test]
async fn a_refused_edit_is_read_amended_and_proposed_again() -> anyhow::Result<()> {
    let world = World::new("a_refused_edit_is_read_amended_and_proposed_again")?;
    let (server, member) = world.demo_server(40, 7)?;
    let (credentials, agent) = (member("manager"), member("agent"));
    let mut maria = world.device("maria", &server, credentials.clone())?;
    let mut anna = world.device("anna", &server, agent)?;
    let (m, a) = (maria.open().await?, anna.open().await?);
    for page in [&m, &a] {
        page.ready("list").await?;
        synced(page).await?;
    }
    let number = number_of_some_ticket(&m).await?;

    maria.cable().cut();
    offline(&m).await?;
    // One edit with two steps, of which only a manager may make the second.
    let edit = format!(
        "return ({SOME}).then(row => window.__TAURI__.core.invoke('edit_ticket', {{ request: {{ id: row.id, ops: [
            {{ op: 'set_title', title: 'Заявка закрыта по ошибке' }}, {{ op: 'set_deleted', deleted: true }},
        ] }} }})).then(() => null);",
        SOME = SOME_TICKET.trim().trim_start_matches("return ").trim_end_matches(';'),
    );
    m.script(&edit).await?;
    world.admin(
        &[
            "member",
            "set-role",
            "--workspace",
            &credentials.workspace,
            "--email",
            &credentials.email,
            "agent",
        ],
        "",
    )?;
    maria.cable().restore();
    m.wait_for("[data-testid=\"sync-status\"][data-rejected=\"1\"]").await?;

    m.click("[data-testid=\"nav-rejected\"]").await?;
    m.wait_for("[data-testid=\"rejected-row\"][data-code=\"forbidden\"]").await?;
    m.wait_for("[data-testid=\"rejected-wanted\"][title=\"Заявка закрыта по ошибке\"]").await?;
    m.painted().await?;
    maria.picture(&world.dir().join("rejected.png"))?;
    m.click("[data-testid=\"rejected-amend\"]").await?;
    m.clear("[data-testid=\"amend-0-title\"]").await?;
    m.type_into("[data-testid=\"amend-0-title\"]", "Закрыть после проверки").await?;
    m.click("[data-testid=\"leave-out-1\"]").await?;
    m.painted().await?;
    maria.picture(&world.dir().join("amended.png"))?;
    m.click("[data-testid=\"rejected-propose\"]").await?;
    m.wait_gone("[data-testid=\"rejected-row\"]").await?;
    m.wait_for("[data-testid=\"sync-status\"][data-phase=\"idle\"][data-rejected=\"0\"][data-waiting=\"0\"]")
        .await?;

    open_ticket(&a, &number).await?;
    a.wait_for_text("[data-testid=\"ticket-title\"]", "Закрыть после проверки").await?;
    Ok(())
}

/// An administrator revokes a device: its window says so, what it kept is gone, and it can be set up anew.
#[tokio::test]
async fn a_revoked_device_says_so_and_keeps_nothing() -> anyhow::Result<()> {
    let world = World::new("a_revoked_device_says_so_and_keeps_nothing")?;
    let (server, member) = world.demo_server(40, 7)?;
    let credentials = member("agent");
    let mut device = world.device("agent", &server, credentials.clone())?;
    let page = device.open().await?;
    page.ready("list").await?;
    synced(&page).await?;

    let devices = world.admin(&["device", "list", "--workspace", &credentials.workspace], "")?;
    let listed: serde_json::Value =
        serde_json::from_str(&devices).with_context(|| format!("`device list` printed {devices:?}"))?;
    let id = listed
        .as_array()
        .into_iter()
        .flatten()
        .find_map(|device| device["id"].as_str())
        .context("the device is not listed")?
        .to_owned();
    world.admin(&["device", "revoke", &id], "")?;

    let told = "[data-testid=\"sign-in-ended\"][data-code=\"device_revoked\"]";
    page.wait_for(told).await?;
    page.wait_gone("[data-testid=\"ticket-row\"]").await?;
    page.painted().await?;
    device.picture(&world.dir().join("revoked.png"))?;

    // It says so still after a restart, and the ticket list is nowhere.
    let page = device.open_as_it_is().await?;
    page.ready("sign-in").await?;
    page.wait_for(told).await?;
    page.type_into("[data-testid=\"sign-in-password\"]", &credentials.password).await?;
    for (field, value) in [
        ("sign-in-server", device.server_url()),
        ("sign-in-workspace", credentials.workspace),
        ("sign-in-email", credentials.email),
    ] {
        let css = format!("[data-testid=\"{field}\"]");
        page.clear(&css).await?;
        page.type_into(&css, &value).await?;
    }
    page.click("[data-testid=\"sign-in-submit\"]").await?;
    page.ready("list").await?;
    synced(&page).await?;
    page.wait_for("[data-testid=\"ticket-row\"]").await?;
    Ok(())
}

async fn number_of_some_ticket(page: &Page) -> anyhow::Result<String> {
    let row = page.script(SOME_TICKET).await?;
    Ok(row["number"].as_str().context("the demo workspace has no such ticket")?.to_owned())
}

/// Opens a ticket as a person would: by typing its number into the search.
async fn open_ticket(page: &Page, number: &str) -> anyhow::Result<()> {
    page.type_into("[data-testid=\"ticket-search\"]", number).await?;
    // The row may have been the first before, too: the list is made anew under the pointer, so what counts is what opens.
    page.wait_for("[data-testid=\"ticket-count\"][data-count=\"1\"]").await?;
    let row = format!("[data-testid=\"ticket-row\"][data-number=\"{number}\"][aria-rowindex=\"1\"]");
    page.click(&row).await?;
    if page.count(&format!("[data-testid=\"ticket-page\"][data-number=\"{number}\"]")).await? == 0 {
        page.click(&row).await?;
    }
    page.wait_for(&format!("[data-testid=\"ticket-page\"][data-number=\"{number}\"]")).await.map(drop)
}

async fn synced(page: &Page) -> anyhow::Result<()> {
    page.wait_for("[data-testid=\"sync-status\"][data-phase=\"idle\"][data-waiting=\"0\"]").await.map(drop)
}

async fn offline(page: &Page) -> anyhow::Result<()> {
    page.wait_for("[data-testid=\"sync-status\"][data-phase=\"offline\"]").await.map(drop)
}
