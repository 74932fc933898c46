//! Tickets.

use desk_api::call::{
    AddComment, CountTickets, CreateTicket, EditTicket, ExplainSla, GetCounts, GetTicket, GetTicketAt,
    GetTicketHistory, ListTags, ListTickets,
};

use super::{Answer, Desk, Reply};

#[tauri::command]
pub(super) async fn list_tickets(desk: Desk<'_>, request: ListTickets) -> Answer<ListTickets> {
    desk.desk()?.list_tickets(&request.filter, request.sort, request.offset, request.limit).await.map(Reply)
}

#[tauri::command]
pub(super) async fn count_tickets(desk: Desk<'_>, request: CountTickets) -> Answer<CountTickets> {
    desk.desk()?.count_tickets(&request.filter).await.map(Reply)
}

#[tauri::command]
pub(super) async fn get_counts(desk: Desk<'_>, request: GetCounts) -> Answer<GetCounts> {
    let GetCounts {} = request;
    desk.desk()?.counts().await.map(Reply)
}

#[tauri::command]
pub(super) async fn list_tags(desk: Desk<'_>, request: ListTags) -> Answer<ListTags> {
    let ListTags {} = request;
    desk.desk()?.tags().await.map(Reply)
}

#[tauri::command]
pub(super) async fn get_ticket(desk: Desk<'_>, request: GetTicket) -> Answer<GetTicket> {
    desk.desk()?.ticket(request.id).await.map(Reply)
}

#[tauri::command]
pub(super) async fn create_ticket(desk: Desk<'_>, request: CreateTicket) -> Answer<CreateTicket> {
    desk.desk()?.create_ticket(request.ticket).await.map(Reply)
}

#[tauri::command]
pub(super) async fn edit_ticket(desk: Desk<'_>, request: EditTicket) -> Answer<EditTicket> {
    desk.desk()?.edit_ticket(request.id, request.ops).await.map(Reply)
}

#[tauri::command]
pub(super) async fn add_comment(desk: Desk<'_>, request: AddComment) -> Answer<AddComment> {
    desk.desk()?.add_comment(request.id, request.visibility, request.body).await.map(Reply)
}

#[tauri::command]
pub(super) async fn explain_sla(desk: Desk<'_>, request: ExplainSla) -> Answer<ExplainSla> {
    desk.desk()?.explain_sla(request.id).await.map(Reply)
}

#[tauri::command]
pub(super) async fn get_ticket_history(
    desk: Desk<'_>,
    request: GetTicketHistory,
) -> Answer<GetTicketHistory> {
    desk.desk()?.ticket_history(request.id).await.map(Reply)
}

#[tauri::command]
pub(super) async fn get_ticket_at(desk: Desk<'_>, request: GetTicketAt) -> Answer<GetTicketAt> {
    desk.desk()?.ticket_at(request.id, &request.change).await.map(Reply)
}
