//! What incidents affect, and the rules that propose them.

use desk_api::call::{SaveRule, SaveService};

use super::{Answer, Desk, Reply};

#[tauri::command]
pub(super) async fn save_service(desk: Desk<'_>, request: SaveService) -> Answer<SaveService> {
    desk.desk()?.save_service(&request.key, request.service.as_ref()).await.map(Reply)
}

#[tauri::command]
pub(super) async fn save_rule(desk: Desk<'_>, request: SaveRule) -> Answer<SaveRule> {
    desk.desk()?.save_rule(&request.key, request.rule.as_ref()).await.map(Reply)
}
