//! What is being typed.

use desk_api::call::{GetDraft, SaveDraft};

use super::{Answer, Desk, Reply};

#[tauri::command]
pub(super) async fn get_draft(desk: Desk<'_>, request: GetDraft) -> Answer<GetDraft> {
    desk.desk()?.draft(&request.key).await.map(Reply)
}

#[tauri::command]
pub(super) async fn save_draft(desk: Desk<'_>, request: SaveDraft) -> Answer<SaveDraft> {
    desk.desk()?.save_draft(request.key, request.body).await.map(Reply)
}
