//! Search.

use desk_api::{call::Search, view::SearchHit};

use super::{Answer, Desk};

#[tauri::command]
pub(super) async fn search(desk: Desk<'_>, request: Search) -> Answer<Vec<SearchHit>> {
    desk.desk()?.search(&request.text, request.limit, request.kind).await
}
