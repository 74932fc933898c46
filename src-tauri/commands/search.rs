//! Search.

use desk_api::call::Search;

use super::{Answer, Desk, Reply};

#[tauri::command]
pub(super) async fn search(desk: Desk<'_>, request: Search) -> Answer<Search> {
    desk.desk()?.search(&request.text, request.limit, request.kind).await.map(Reply)
}
