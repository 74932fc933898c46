//! A manager changes the SLA rules: sees what they would have meant, saves, takes it back; an agent's clocks follow.

use anyhow::ensure;

use crate::page::{Page, key};
use crate::world::World;

const TARGET: &str = "[data-testid=\"sla-target-medium-resolution\"]";

/// The resolution clock of some ticket of medium priority that runs, by its number.
const SOME_TICKET: &str = "
    return window.__TAURI__.core.invoke('list_tickets', { request: {
        filter: { statuses: ['in_progress'], priorities: ['medium'] }, sort: 'due', offset: 0, limit: 1,
    } }).then(reply => JSON.parse(new TextDecoder().decode(reply)).rows[0].id);";

#[tokio::test]
async fn a_manager_previews_and_changes_the_rules_and_the_clocks_follow() -> anyhow::Result<()> {
    let world = World::new("a_manager_previews_and_changes_the_rules_and_the_clocks_follow")?;
    let (server, member) = world.demo_server(120, 11)?;
    let mut maria = world.device("maria", &server, member("manager"))?;
    let m = maria.open().await?;
    m.ready("list").await?;
    m.wait_for("[data-testid=\"sync-status\"][data-phase=\"idle\"][data-waiting=\"0\"]").await?;
    let ticket = m.script(SOME_TICKET).await?;
    let ticket = ticket.as_str().unwrap_or_default().to_owned();

    // Why its time is what it is, as a picture with its words.
    go(&m, &format!("/tickets/{ticket}")).await?;
    let before = m.attribute("[data-testid=\"clock-resolution\"]", "data-due").await?;
    m.click("[data-testid=\"explain\"]").await?;
    m.wait_for("[data-testid=\"explain-picture\"] rect[data-kind=\"running\"]").await?;
    ensure!(!m.text("[data-testid=\"explain-words\"]").await?.is_empty(), "the picture has no words");
    m.painted().await?;
    maria.picture(&world.dir().join("explained.png"))?;
    m.press(&[key::ESCAPE]).await?;

    m.click("[data-testid=\"nav-settings\"]").await?;
    m.click("[data-testid=\"settings-sla\"]").await?;
    m.click("[data-testid=\"sla-policy-office-hours\"]").await?;
    // What cannot be read is marked and holds the save back.
    retype(&m, TARGET, "скоро").await?;
    m.wait_for(&format!("{TARGET}[aria-invalid=\"true\"]")).await?;
    m.wait_for("[data-testid=\"sla-save\"]:disabled").await?;
    retype(&m, TARGET, "0:15").await?;
    m.wait_for("[data-testid=\"sla-save\"]:enabled").await?;

    m.choose("[data-testid=\"sla-period\"]", "90").await?;
    m.click("[data-testid=\"sla-preview-run\"]").await?;
    let row =
        "[data-testid=\"sla-preview-metrics\"] tr[data-metric=\"resolution\"] [data-testid=\"sla-breached\"]";
    let told = m.wait_for_text(row, "→").await?;
    let numbers: Vec<u32> = told.split('→').filter_map(|number| number.trim().parse().ok()).collect();
    ensure!(
        matches!(numbers.as_slice(), [now, then] if then > now),
        "a quarter of an hour breaches more: {told}"
    );
    m.wait_for("[data-testid=\"sla-preview-changes\"] li").await?;
    m.painted().await?;
    maria.picture(&world.dir().join("preview.png"))?;

    m.click("[data-testid=\"sla-save\"]").await?;
    m.wait_gone("[data-testid=\"sla-changed\"]").await?;
    go(&m, &format!("/tickets/{ticket}")).await?;
    let clock = |due: &str| format!("[data-testid=\"clock-resolution\"]:not([data-due=\"{due}\"])");
    m.wait_for(&clock(&before)).await?;
    // Undo rather than a question.
    m.press(&['z']).await?;
    m.wait_for(&format!("[data-testid=\"clock-resolution\"][data-due=\"{before}\"]")).await?;

    go(&m, "/settings/sla").await?;
    m.click("[data-testid=\"sla-calendar-office\"]").await?;
    retype(&m, "[data-testid=\"sla-hours-sat\"]", "10-14, 15:00 – 17:00").await?;
    m.press(&[key::TAB]).await?;
    m.wait_for("[data-testid=\"sla-save\"]:enabled").await?;
    ensure!(
        m.value("[data-testid=\"sla-hours-sat\"]").await? == "10:00–14:00, 15:00–17:00",
        "hours are not read"
    );
    m.wait_for("[data-testid=\"sla-year-missing\"], [data-testid=\"sla-holidays-kz\"]").await?;
    m.painted().await?;
    maria.picture(&world.dir().join("calendar.png"))?;
    m.click("[data-testid=\"sla-discard\"]").await?;
    m.wait_gone("[data-testid=\"sla-changed\"]").await?;
    Ok(())
}

/// Opens an address of the interface.
async fn go(page: &Page, address: &str) -> anyhow::Result<()> {
    page.script(&format!("location.hash = '{address}';")).await.map(drop)
}

/// Types over what stands in a field.
async fn retype(page: &Page, css: &str, text: &str) -> anyhow::Result<()> {
    page.click(css).await?;
    page.press(&[key::CONTROL, 'a']).await?;
    page.type_into(css, text).await
}
