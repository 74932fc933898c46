//! What is being typed.

use desk_api::{
    call::{GetDraft, SaveDraft},
    view::Draft,
};

use super::{Answer, Desk};

#[tauri::command]
pub(super) async fn get_draft(desk: Desk<'_>, request: GetDraft) -> Answer<Option<Draft>> {
    desk.desk()?.draft(&request.key).await
}

#[tauri::command]
pub(super) async fn save_draft(desk: Desk<'_>, request: SaveDraft) -> Answer<()> {
    desk.desk()?.save_draft(request.key, request.body).await
}
