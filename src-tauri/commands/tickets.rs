//! Tickets.

use desk_api::{
    call::{
        AddComment, CountTickets, CreateTicket, EditTicket, ExplainSla, GetCounts, GetTicket, GetTicketAt,
        GetTicketHistory, ListTags, ListTickets,
    },
    view::{Counts, PastTicket, TagCount, TicketChange, TicketPage, TicketView},
};
use desk_domain::sla::Explanation;

use super::{Answer, Desk};

#[tauri::command]
pub(super) async fn list_tickets(desk: Desk<'_>, request: ListTickets) -> Answer<TicketPage> {
    desk.desk()?.list_tickets(&request.filter, request.sort, request.offset, request.limit).await
}

#[tauri::command]
pub(super) async fn count_tickets(desk: Desk<'_>, request: CountTickets) -> Answer<u32> {
    desk.desk()?.count_tickets(&request.filter).await
}

#[tauri::command]
pub(super) async fn get_counts(desk: Desk<'_>, request: GetCounts) -> Answer<Counts> {
    let GetCounts {} = request;
    desk.desk()?.counts().await
}

#[tauri::command]
pub(super) async fn list_tags(desk: Desk<'_>, request: ListTags) -> Answer<Vec<TagCount>> {
    let ListTags {} = request;
    desk.desk()?.tags().await
}

#[tauri::command]
pub(super) async fn get_ticket(desk: Desk<'_>, request: GetTicket) -> Answer<Option<TicketView>> {
    desk.desk()?.ticket(request.id).await
}

#[tauri::command]
pub(super) async fn create_ticket(desk: Desk<'_>, request: CreateTicket) -> Answer<TicketView> {
    desk.desk()?.create_ticket(request.ticket).await
}

#[tauri::command]
pub(super) async fn edit_ticket(desk: Desk<'_>, request: EditTicket) -> Answer<TicketView> {
    desk.desk()?.edit_ticket(request.id, request.ops).await
}

#[tauri::command]
pub(super) async fn add_comment(desk: Desk<'_>, request: AddComment) -> Answer<TicketView> {
    desk.desk()?.add_comment(request.id, request.visibility, request.body).await
}

#[tauri::command]
pub(super) async fn explain_sla(desk: Desk<'_>, request: ExplainSla) -> Answer<Option<Explanation>> {
    desk.desk()?.explain_sla(request.id).await
}

#[tauri::command]
pub(super) async fn get_ticket_history(
    desk: Desk<'_>,
    request: GetTicketHistory,
) -> Answer<Option<Vec<TicketChange>>> {
    desk.desk()?.ticket_history(request.id).await
}

#[tauri::command]
pub(super) async fn get_ticket_at(desk: Desk<'_>, request: GetTicketAt) -> Answer<Option<PastTicket>> {
    desk.desk()?.ticket_at(request.id, &request.change).await
}
