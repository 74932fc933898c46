//! The window opens at all, and the harness does what the other journeys rely on.

use crate::world::World;

const ROW: &str = "[data-testid=\"ticket-row\"]";
const SYNCED: &str = "[data-testid=\"sync-status\"][data-phase=\"idle\"]";

/// A member signs in to a new device, sees the list, and sees it again after the application was killed with the cable
/// pulled: from the device's own store.
#[tokio::test]
async fn the_list_stands_and_stands_again_offline_after_a_kill() -> anyhow::Result<()> {
    let world = World::new("the_list_stands_and_stands_again_offline_after_a_kill")?;
    let (server, member) = world.demo_server(40, 7)?;
    let mut device = world.device("agent", &server, member("agent"))?;

    let page = device.open().await?;
    page.ready("list").await?;
    page.wait_for(ROW).await?;
    page.wait_for(SYNCED).await?;
    page.painted().await?;
    device.picture(&world.dir().join("list.png"))?;

    device.cable().cut();
    device.kill();
    let page = device.open_as_it_is().await?;
    page.ready("list").await?;
    page.wait_for(ROW).await?;
    page.painted().await?;
    device.picture(&world.dir().join("offline.png"))?;
    Ok(())
}
