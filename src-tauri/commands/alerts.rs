//! Alerts.

use desk_api::{
    call::{AcknowledgeAlerts, ListAlerts},
    view::AlertsView,
};

use super::{Answer, Desk};

#[tauri::command]
pub(super) async fn list_alerts(desk: Desk<'_>, request: ListAlerts) -> Answer<AlertsView> {
    let ListAlerts {} = request;
    desk.desk()?.alerts().await
}

#[tauri::command]
pub(super) async fn acknowledge_alerts(desk: Desk<'_>, request: AcknowledgeAlerts) -> Answer<AlertsView> {
    desk.desk()?.acknowledge_alerts(&request.keys).await
}
