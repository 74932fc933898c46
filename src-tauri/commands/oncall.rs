//! Who is on call, and who takes an incident.

use desk_api::call::{AcknowledgeIncident, GetOnCall, SaveEscalation, SaveSchedule};

use super::{Answer, Desk, Reply};

#[tauri::command]
pub(super) async fn acknowledge_incident(
    desk: Desk<'_>,
    request: AcknowledgeIncident,
) -> Answer<AcknowledgeIncident> {
    desk.desk()?.acknowledge_incident(request.id, request.until).await.map(Reply)
}

#[tauri::command]
pub(super) async fn get_on_call(desk: Desk<'_>, request: GetOnCall) -> Answer<GetOnCall> {
    desk.desk()?.on_call(request.from, request.until).map(Reply)
}

#[tauri::command]
pub(super) async fn save_schedule(desk: Desk<'_>, request: SaveSchedule) -> Answer<SaveSchedule> {
    desk.desk()?.save_schedule(&request.key, request.schedule.as_ref()).await.map(Reply)
}

#[tauri::command]
pub(super) async fn save_escalation(desk: Desk<'_>, request: SaveEscalation) -> Answer<SaveEscalation> {
    desk.desk()?.save_policy(&request.key, request.policy.as_ref()).await.map(Reply)
}
