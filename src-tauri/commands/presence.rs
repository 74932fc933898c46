//! How the application lives on this device, and its page's first word.

use desk_api::call::{GetPresence, Listening, SavePresence};
use tauri::AppHandle;

use super::{Answer, Desk, Reply};
use crate::{events, presence};

#[tauri::command]
#[expect(clippy::needless_pass_by_value, reason = "commands own what they are sent")]
pub(super) fn listening(app: AppHandle, request: Listening) -> Reply<Listening> {
    let Listening {} = request;
    events::listens(&app);
    Reply(())
}

#[tauri::command]
pub(super) async fn get_presence(
    app: AppHandle,
    desk: Desk<'_>,
    request: GetPresence,
) -> Answer<GetPresence> {
    let GetPresence {} = request;
    presence::view(&app, desk.desk()?).await.map(Reply)
}

#[tauri::command]
pub(super) async fn save_presence(
    app: AppHandle,
    desk: Desk<'_>,
    request: SavePresence,
) -> Answer<SavePresence> {
    presence::save(&app, desk.desk()?, request.presence).await.map(Reply)
}
