//! How sync stands, and refused edits.

use desk_api::call::{DiscardRejected, GetSync, ListRejected, RestoreRejected, RetryRejected, SyncNow};

use super::{Answer, Desk, Reply};

#[tauri::command]
pub(super) async fn get_sync(desk: Desk<'_>, request: GetSync) -> Answer<GetSync> {
    let GetSync {} = request;
    desk.desk()?.sync_view().await.map(Reply)
}

#[tauri::command]
pub(super) async fn sync_now(desk: Desk<'_>, request: SyncNow) -> Answer<SyncNow> {
    let SyncNow {} = request;
    desk.desk()?.sync_now();
    desk.desk()?.sync_view().await.map(Reply)
}

#[tauri::command]
pub(super) async fn list_rejected(desk: Desk<'_>, request: ListRejected) -> Answer<ListRejected> {
    let ListRejected {} = request;
    desk.desk()?.rejected().await.map(Reply)
}

#[tauri::command]
pub(super) async fn discard_rejected(desk: Desk<'_>, request: DiscardRejected) -> Answer<DiscardRejected> {
    desk.desk()?.discard_rejected(request.id).await.map(Reply)
}

#[tauri::command]
pub(super) async fn restore_rejected(desk: Desk<'_>, request: RestoreRejected) -> Answer<RestoreRejected> {
    desk.desk()?.restore_rejected(request.id).await.map(Reply)
}

#[tauri::command]
pub(super) async fn retry_rejected(desk: Desk<'_>, request: RetryRejected) -> Answer<RetryRejected> {
    desk.desk()?.retry_rejected(request.id, request.ops).await.map(Reply)
}
