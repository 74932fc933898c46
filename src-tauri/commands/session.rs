//! Who is signed in, and how the interface looks.

use desk_api::call::{GetSession, SaveSettings, SignIn, SignOut};

use tauri::AppHandle;

use super::{Answer, Desk, Reply};
use crate::tray;

#[tauri::command]
pub(super) async fn get_session(desk: Desk<'_>, request: GetSession) -> Answer<GetSession> {
    let GetSession {} = request;
    desk.desk()?.session_view().await.map(Reply)
}

#[tauri::command]
pub(super) async fn sign_in(desk: Desk<'_>, request: SignIn) -> Answer<SignIn> {
    desk.desk()?
        .sign_in(&request.server, &request.workspace, &request.email, &request.password)
        .await
        .map(Reply)
}

#[tauri::command]
pub(super) async fn sign_out(desk: Desk<'_>, request: SignOut) -> Answer<SignOut> {
    desk.desk()?.sign_out(request.discard_unsent).await.map(Reply)
}

#[tauri::command]
pub(super) async fn save_settings(
    app: AppHandle,
    desk: Desk<'_>,
    request: SaveSettings,
) -> Answer<SaveSettings> {
    let view = desk.desk()?.save_settings(request.settings).await?;
    tray::follow(&app);
    Ok(Reply(view))
}
