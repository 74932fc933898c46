//! Alerts, and which of them the member wants.

use desk_api::call::{
    AcknowledgeAlerts, GetAlertSettings, ListAlerts, MarkAlertsRead, ReopenAlerts, SaveAlertSettings,
    SnoozeAlerts,
};

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

#[tauri::command]
pub(super) async fn reopen_alerts(desk: Desk<'_>, request: ReopenAlerts) -> Answer<ReopenAlerts> {
    desk.desk()?.reopen_alerts(&request.keys).await.map(Reply)
}

#[tauri::command]
pub(super) async fn snooze_alerts(desk: Desk<'_>, request: SnoozeAlerts) -> Answer<SnoozeAlerts> {
    let desk = desk.desk()?;
    let until = request.for_ms.map(|ms| desk.now().plus_ms(ms));
    desk.snooze_alerts(&request.keys, until).await.map(Reply)
}

#[tauri::command]
pub(super) async fn mark_alerts_read(desk: Desk<'_>, request: MarkAlertsRead) -> Answer<MarkAlertsRead> {
    let MarkAlertsRead {} = request;
    desk.desk()?.mark_alerts_read().await.map(Reply)
}

#[tauri::command]
pub(super) async fn get_alert_settings(
    desk: Desk<'_>,
    request: GetAlertSettings,
) -> Answer<GetAlertSettings> {
    let GetAlertSettings {} = request;
    desk.desk()?.alert_settings().await.map(Reply)
}

#[tauri::command]
pub(super) async fn save_alert_settings(
    desk: Desk<'_>,
    request: SaveAlertSettings,
) -> Answer<SaveAlertSettings> {
    desk.desk()?.save_alert_settings(&request.settings).await.map(Reply)
}
