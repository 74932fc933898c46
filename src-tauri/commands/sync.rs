//! How sync stands, and refused edits.

use desk_api::{
    call::{DiscardRejected, GetSync, ListRejected, RestoreRejected, RetryRejected, SyncNow},
    view::{Proposed, RejectedEdit, SyncView},
};

use super::{Answer, Desk};

#[tauri::command]
pub(super) async fn get_sync(desk: Desk<'_>, request: GetSync) -> Answer<SyncView> {
    let GetSync {} = request;
    desk.desk()?.sync_view().await
}

#[tauri::command]
pub(super) async fn sync_now(desk: Desk<'_>, request: SyncNow) -> Answer<SyncView> {
    let SyncNow {} = request;
    desk.desk()?.sync_now();
    desk.desk()?.sync_view().await
}

#[tauri::command]
pub(super) async fn list_rejected(desk: Desk<'_>, request: ListRejected) -> Answer<Vec<RejectedEdit>> {
    let ListRejected {} = request;
    desk.desk()?.rejected().await
}

#[tauri::command]
pub(super) async fn discard_rejected(desk: Desk<'_>, request: DiscardRejected) -> Answer<Vec<RejectedEdit>> {
    desk.desk()?.discard_rejected(request.id).await
}

#[tauri::command]
pub(super) async fn restore_rejected(desk: Desk<'_>, request: RestoreRejected) -> Answer<Vec<RejectedEdit>> {
    desk.desk()?.restore_rejected(request.id).await
}

#[tauri::command]
pub(super) async fn retry_rejected(desk: Desk<'_>, request: RetryRejected) -> Answer<Proposed> {
    desk.desk()?.retry_rejected(request.id, request.ops).await
}
