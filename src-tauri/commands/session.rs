//! Who is signed in, and how the interface looks.

use desk_api::{
    call::{GetSession, SaveSettings, SignIn, SignOut},
    view::SessionView,
};

use super::{Answer, Desk};

#[tauri::command]
pub(super) async fn get_session(desk: Desk<'_>, request: GetSession) -> Answer<SessionView> {
    let GetSession {} = request;
    desk.desk()?.session_view().await
}

#[tauri::command]
pub(super) async fn sign_in(desk: Desk<'_>, request: SignIn) -> Answer<SessionView> {
    desk.desk()?.sign_in(&request.server, &request.workspace, &request.email, &request.password).await
}

#[tauri::command]
pub(super) async fn sign_out(desk: Desk<'_>, request: SignOut) -> Answer<SessionView> {
    desk.desk()?.sign_out(request.discard_unsent).await
}

#[tauri::command]
pub(super) async fn save_settings(desk: Desk<'_>, request: SaveSettings) -> Answer<SessionView> {
    desk.desk()?.save_settings(request.settings).await
}
