//! Incidents.

use desk_api::call::{
    CreateIncident, EditIncident, GetIncident, ListIncidents, MeasureIncidents, StartPostmortem,
};

use super::{Answer, Desk, Reply};

#[tauri::command]
pub(super) async fn list_incidents(desk: Desk<'_>, request: ListIncidents) -> Answer<ListIncidents> {
    let ListIncidents {} = request;
    desk.desk()?.list_incidents().await.map(Reply)
}

#[tauri::command]
pub(super) async fn get_incident(desk: Desk<'_>, request: GetIncident) -> Answer<GetIncident> {
    desk.desk()?.incident(request.id).await.map(Reply)
}

#[tauri::command]
pub(super) async fn create_incident(desk: Desk<'_>, request: CreateIncident) -> Answer<CreateIncident> {
    desk.desk()?.create_incident(request).await.map(Reply)
}

#[tauri::command]
pub(super) async fn edit_incident(desk: Desk<'_>, request: EditIncident) -> Answer<EditIncident> {
    desk.desk()?.edit_incident(request.id, request.ops).await.map(Reply)
}

#[tauri::command]
pub(super) async fn start_postmortem(desk: Desk<'_>, request: StartPostmortem) -> Answer<StartPostmortem> {
    desk.desk()?.start_postmortem(request.id).await.map(Reply)
}

#[tauri::command]
pub(super) async fn measure_incidents(desk: Desk<'_>, request: MeasureIncidents) -> Answer<MeasureIncidents> {
    desk.desk()?.measure_incidents(request.period, request.service).await.map(Reply)
}
