//! The window's calls, one command each: parse (by its type), call, map.

mod alerts;
mod articles;
mod detection;
mod drafts;
mod incidents;
mod links;
mod oncall;
mod presence;
mod search;
mod session;
mod sla;
mod sync;
mod tickets;

use desk_api::{ApiError, Call};
use tauri::ipc::{InvokeResponseBody, IpcResponse};

use crate::state::Open;

/// What the command of a call answers.
type Answer<C> = Result<Reply<C>, ApiError>;

/// The reply to a call, as the bytes of its JSON. A page takes them as they are; JSON that the toolkit writes would be made
/// into objects of the page first, and cost ten times the memory until they are swept up.
struct Reply<C: Call>(C::Reply);

impl<C: Call> IpcResponse for Reply<C> {
    fn body(self) -> tauri::Result<InvokeResponseBody> {
        Ok(InvokeResponseBody::Raw(serde_json::to_vec(&self.0)?))
    }
}

/// Where every command finds the desk.
type Desk<'a> = tauri::State<'a, Open>;

/// All commands, under the names of `desk_api::Call`.
pub(crate) fn handler() -> impl Fn(tauri::ipc::Invoke<tauri::Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        alerts::acknowledge_alerts,
        alerts::get_alert_settings,
        alerts::list_alerts,
        alerts::mark_alerts_read,
        alerts::reopen_alerts,
        alerts::save_alert_settings,
        alerts::snooze_alerts,
        articles::create_article,
        articles::edit_article,
        articles::get_article,
        articles::list_articles,
        articles::render_markdown,
        detection::save_rule,
        detection::save_service,
        drafts::get_draft,
        drafts::save_draft,
        incidents::create_incident,
        incidents::edit_incident,
        incidents::get_incident,
        incidents::list_incidents,
        incidents::measure_incidents,
        incidents::start_postmortem,
        links::open_link,
        presence::get_presence,
        presence::listening,
        presence::save_presence,
        oncall::acknowledge_incident,
        oncall::get_on_call,
        oncall::save_escalation,
        oncall::save_schedule,
        search::search,
        session::get_session,
        session::save_settings,
        session::sign_in,
        session::sign_out,
        sla::cancel_preview,
        sla::change_rules,
        sla::preview_rules,
        sync::discard_rejected,
        sync::get_sync,
        sync::list_rejected,
        sync::restore_rejected,
        sync::retry_rejected,
        sync::sync_now,
        tickets::add_comment,
        tickets::count_tickets,
        tickets::create_ticket,
        tickets::edit_ticket,
        tickets::explain_sla,
        tickets::get_counts,
        tickets::get_ticket,
        tickets::get_ticket_at,
        tickets::get_ticket_history,
        tickets::list_tags,
        tickets::list_tickets,
    ]
}
