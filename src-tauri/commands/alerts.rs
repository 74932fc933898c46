//! Alerts.

use desk_api::call::{AcknowledgeAlerts, ListAlerts};

use super::{Answer, Desk, Reply};

#[tauri::command]
pub(super) async fn list_alerts(desk: Desk<'_>, request: ListAlerts) -> Answer<ListAlerts> {
    let ListAlerts {} = request;
    desk.desk()?.alerts().await.map(Reply)
}

#[tauri::command]
pub(super) async fn acknowledge_alerts(
    desk: Desk<'_>,
    request: AcknowledgeAlerts,
) -> Answer<AcknowledgeAlerts> {
    desk.desk()?.acknowledge_alerts(&request.keys).await.map(Reply)
}
