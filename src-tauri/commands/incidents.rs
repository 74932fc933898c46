//! Incidents.

use desk_api::{
    call::{CreateIncident, EditIncident, GetIncident, ListIncidents},
    view::{IncidentRow, IncidentView},
};

use super::{Answer, Desk};

#[tauri::command]
pub(super) async fn list_incidents(desk: Desk<'_>, request: ListIncidents) -> Answer<Vec<IncidentRow>> {
    let ListIncidents {} = request;
    desk.desk()?.list_incidents().await
}

#[tauri::command]
pub(super) async fn get_incident(desk: Desk<'_>, request: GetIncident) -> Answer<Option<IncidentView>> {
    desk.desk()?.incident(request.id).await
}

#[tauri::command]
pub(super) async fn create_incident(desk: Desk<'_>, request: CreateIncident) -> Answer<IncidentView> {
    let CreateIncident { title, summary, severity, services, impact_at } = request;
    desk.desk()?.create_incident(title, summary, severity, services, impact_at).await
}

#[tauri::command]
pub(super) async fn edit_incident(desk: Desk<'_>, request: EditIncident) -> Answer<IncidentView> {
    desk.desk()?.edit_incident(request.id, request.ops).await
}
