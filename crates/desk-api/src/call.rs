//! The interface's calls. Each is a Tauri command of the same name that takes `{ "request": … }`.

use std::collections::BTreeSet;

use desk_domain::{
    alert::{AlertKey, AlertSettings},
    detection::Rule,
    edit::{ArticleOp, IncidentOp, NewTicket, Ops, TicketOp},
    escalation::{Policy, Schedule},
    ids::{DocId, DocKind},
    incident::{
        Severity,
        metrics::{Period, Report},
    },
    sla::{self, Explanation, Preview, RuleChange, SlaRules},
    ticket::Visibility,
    time::UtcMillis,
    workspace::Service,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::view::{
    AlertsView, ArticleRow, ArticleView, Counts, Draft, IncidentRow, IncidentView, OnCallView, PastTicket,
    Presence, PresenceView, Proposed, RejectedEdit, SearchHit, SessionView, Settings, SyncView, TagCount,
    TicketChange, TicketFilter, TicketPage, TicketSort, TicketView,
};

/// A call with its reply.
pub trait Call: Serialize + DeserializeOwned {
    /// The Tauri command's name.
    const NAME: &'static str;
    /// What comes back when it went well; otherwise an `ApiError`.
    type Reply: Serialize + DeserializeOwned;
}

macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident = $command:literal -> $reply:ty { $($(#[$fdoc:meta])* $field:ident: $ty:ty),* $(,)? })+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
            pub struct $name {
                $($(#[$fdoc])* pub $field: $ty),*
            }

            impl Call for $name {
                const NAME: &'static str = $command;
                type Reply = $reply;
            }
        )+
    };
}

calls! {
    /// What the interface needs before its first paint.
    GetSession = "get_session" -> SessionView {}

    /// Signs this device in; the first sync begins at once.
    SignIn = "sign_in" -> SessionView {
        /// The server's address, `https://desk.example.org`.
        server: String,
        /// The workspace's short name.
        workspace: String,
        /// The member's address.
        email: String,
        /// Never logged, never stored.
        password: String,
    }

    /// Ends the session. With `discard_unsent`, edits that wait are taken out of the documents and stand in the list of
    /// refused edits.
    SignOut = "sign_out" -> SessionView {
        /// Without it, signing out with unsent edits is refused with `invalid`.
        discard_unsent: bool,
    }

    /// A piece of the ticket list.
    ListTickets = "list_tickets" -> TicketPage {
        /// Which ones.
        filter: TicketFilter,
        /// In which order.
        sort: TicketSort,
        /// The first row's place.
        offset: u32,
        /// At most this many rows (500 at most).
        limit: u32,
    }

    /// How many tickets a filter finds.
    CountTickets = "count_tickets" -> u32 {
        /// Which ones.
        filter: TicketFilter,
    }

    /// The numbers beside the navigation's entries.
    GetCounts = "get_counts" -> Counts {}

    /// The tags that tickets bear, the most used first, at most 500.
    ListTags = "list_tags" -> Vec<TagCount> {}

    /// Opens a link that stands in a text, in the system's browser. Anything but `http`, `https` and `mailto` is
    /// refused with `invalid`.
    OpenLink = "open_link" -> () {
        /// The address, whole.
        url: String,
    }

    /// A ticket, whole; `None` when this device has none of that id.
    GetTicket = "get_ticket" -> Option<TicketView> {
        /// Which one.
        id: DocId,
    }

    /// Makes a ticket.
    CreateTicket = "create_ticket" -> TicketView {
        /// Its first values.
        ticket: NewTicket,
    }

    /// Edits a ticket: all steps in one change.
    EditTicket = "edit_ticket" -> TicketView {
        /// Which one.
        id: DocId,
        /// The steps; `Create` is not one of them.
        ops: Vec<TicketOp>,
    }

    /// Writes a reply or a note, and drops its draft in the same transaction.
    AddComment = "add_comment" -> TicketView {
        /// Which ticket.
        id: DocId,
        /// Who may read it.
        visibility: Visibility,
        /// Plain text or Markdown.
        body: String,
    }

    /// The changes of a ticket, oldest first; `None` when this device has none of that id.
    GetTicketHistory = "get_ticket_history" -> Option<Vec<TicketChange>> {
        /// Which ticket.
        id: DocId,
    }

    /// A ticket as the author of a change saw it once the change was made.
    GetTicketAt = "get_ticket_at" -> Option<PastTicket> {
        /// Which ticket.
        id: DocId,
        /// The change, as `GetTicketHistory` names it.
        change: String,
    }

    /// Why the due times of a ticket are what they are.
    ExplainSla = "explain_sla" -> Option<Explanation> {
        /// Which ticket.
        id: DocId,
    }

    /// Changes the SLA rules, all in one step; for managers. What cannot be used is refused with the reason.
    ChangeRules = "change_rules" -> SlaRules {
        /// What is to be written or taken away.
        changes: Vec<RuleChange>,
    }

    /// What other SLA rules would have meant for tickets that were. How far it is, is told by `PreviewProgress`; another call
    /// ends this one with `cancelled`.
    PreviewRules = "preview_rules" -> Preview {
        /// All rules as they would be.
        rules: SlaRules,
        /// When the tickets were created; the calendar month before the present one, where none is given.
        period: Option<sla::Period>,
    }

    /// Stops the preview that is under way, if there is one.
    CancelPreview = "cancel_preview" -> () {}

    /// The articles, the newest change first.
    ListArticles = "list_articles" -> Vec<ArticleRow> {
        /// Words to find in title and body.
        text: Option<String>,
    }

    /// An article, whole.
    GetArticle = "get_article" -> Option<ArticleView> {
        /// Which one.
        id: DocId,
    }

    /// Writes a new article, as a draft.
    CreateArticle = "create_article" -> ArticleView {
        /// Its headline.
        title: String,
        /// Markdown.
        body: String,
        /// A category of the workspace.
        category: Option<String>,
        /// Labels.
        tags: BTreeSet<String>,
    }

    /// Edits an article: all steps in one change.
    EditArticle = "edit_article" -> ArticleView {
        /// Which one.
        id: DocId,
        /// The steps; `Create` is not one of them.
        ops: Vec<ArticleOp>,
    }

    /// Markdown as HTML that is safe to insert, for a preview and for comments.
    RenderMarkdown = "render_markdown" -> String {
        /// Markdown.
        text: String,
    }

    /// The incidents: running ones first, then the newest.
    ListIncidents = "list_incidents" -> Vec<IncidentRow> {}

    /// An incident, whole.
    GetIncident = "get_incident" -> Option<IncidentView> {
        /// Which one.
        id: DocId,
    }

    /// Declares an incident.
    CreateIncident = "create_incident" -> IncidentView {
        /// One line that says what is wrong.
        title: String,
        /// What is known.
        summary: String,
        /// How bad it is.
        severity: Severity,
        /// What is affected.
        services: BTreeSet<String>,
        /// When users began to feel it.
        impact_at: Option<UtcMillis>,
        /// Tickets that it explains, linked in the same change.
        tickets: Vec<DocId>,
    }

    /// Fills an empty post-mortem with the template; one that is not empty stays as it is.
    StartPostmortem = "start_postmortem" -> IncidentView {
        /// Which incident.
        id: DocId,
    }

    /// The response times of the incidents that were declared in a period.
    MeasureIncidents = "measure_incidents" -> Report {
        /// Its first instant, and the first after it.
        period: Period,
        /// Those of one service alone.
        service: Option<String>,
    }

    /// Edits an incident: all steps in one change.
    EditIncident = "edit_incident" -> IncidentView {
        /// Which one.
        id: DocId,
        /// The steps; `Create` is not one of them.
        ops: Vec<IncidentOp>,
    }

    /// Takes an incident: its escalation halts.
    AcknowledgeIncident = "acknowledge_incident" -> IncidentView {
        /// Which one.
        id: DocId,
        /// Until when; for good without it.
        until: Option<UtcMillis>,
    }

    /// Who is on call now and in a period, and by which settings.
    GetOnCall = "get_on_call" -> OnCallView {
        /// From when.
        from: UtcMillis,
        /// Until when; at most 400 days later.
        until: UtcMillis,
    }

    /// Writes an on-call schedule.
    SaveSchedule = "save_schedule" -> () {
        /// Its key in the settings.
        key: String,
        /// What is written; nothing retires it.
        schedule: Option<Schedule>,
    }

    /// Writes an escalation policy.
    SaveEscalation = "save_escalation" -> () {
        /// Its key in the settings.
        key: String,
        /// What is written; nothing retires it.
        policy: Option<Policy>,
    }

    /// Writes a service that incidents may affect.
    SaveService = "save_service" -> () {
        /// Its key in the settings.
        key: String,
        /// What is written; nothing retires it.
        service: Option<Service>,
    }

    /// Writes a rule that proposes incidents.
    SaveRule = "save_rule" -> () {
        /// Its key in the settings, which becomes the rule's own.
        key: String,
        /// What is written; nothing retires it.
        rule: Option<Rule>,
    }

    /// What a person must know.
    ListAlerts = "list_alerts" -> AlertsView {}

    /// Acknowledges alerts on all of the member's devices.
    AcknowledgeAlerts = "acknowledge_alerts" -> AlertsView {
        /// Which.
        keys: Vec<AlertKey>,
    }

    /// Takes acknowledgements back.
    ReopenAlerts = "reopen_alerts" -> AlertsView {
        /// Which.
        keys: Vec<AlertKey>,
    }

    /// Puts alerts off on all of the member's devices, or ends that before its time.
    SnoozeAlerts = "snooze_alerts" -> AlertsView {
        /// Which.
        keys: Vec<AlertKey>,
        /// For how long, in milliseconds; `None` ends it.
        for_ms: Option<i64>,
    }

    /// Everything that was raised up to now is read.
    MarkAlertsRead = "mark_alerts_read" -> () {}

    /// What the member wants to hear of, and when not.
    GetAlertSettings = "get_alert_settings" -> AlertSettings {}

    /// Changes it, on all of the member's devices. Settings that cannot be used are refused with `invalid` and the reason.
    SaveAlertSettings = "save_alert_settings" -> AlertSettings {
        /// All of them.
        settings: AlertSettings,
    }

    /// The page listens to events from now on; what was to be shown meanwhile is told now.
    Listening = "listening" -> () {}

    /// How the application lives on this device.
    GetPresence = "get_presence" -> PresenceView {}

    /// Changes it.
    SavePresence = "save_presence" -> PresenceView {
        /// All of it.
        presence: Presence,
    }

    /// Finds tickets, articles and incidents by words or number.
    Search = "search" -> Vec<SearchHit> {
        /// What was typed.
        text: String,
        /// At most this many (100 at most).
        limit: u32,
        /// Only of this kind.
        kind: Option<DocKind>,
    }

    /// A draft, if there is one.
    GetDraft = "get_draft" -> Option<Draft> {
        /// Where it belongs.
        key: String,
    }

    /// Saves a draft; an empty body drops it.
    SaveDraft = "save_draft" -> () {
        /// Where it belongs.
        key: String,
        /// The text, or the form's fields as JSON.
        body: String,
    }

    /// How sync stands.
    GetSync = "get_sync" -> SyncView {}

    /// Sync now, whatever the backoff says.
    SyncNow = "sync_now" -> SyncView {}

    /// Refused edits, the newest first.
    ListRejected = "list_rejected" -> Vec<RejectedEdit> {}

    /// Takes a refused edit off the list.
    DiscardRejected = "discard_rejected" -> Vec<RejectedEdit> {
        /// Its number.
        id: i64,
    }

    /// Puts a discarded edit back on the list.
    RestoreRejected = "restore_rejected" -> Vec<RejectedEdit> {
        /// Its number.
        id: i64,
    }

    /// Proposes a refused edit again: a fresh edit of the document as it stands now. When a rule forbids it still, it
    /// stays on the list.
    RetryRejected = "retry_rejected" -> Proposed {
        /// Its number.
        id: i64,
        /// Other steps than the refused ones, of the same kind; their stamps do not count.
        ops: Option<Ops>,
    }

    /// Changes the interface's settings.
    SaveSettings = "save_settings" -> SessionView {
        /// All of them.
        settings: Settings,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_written_as_the_interface_sends_it() {
        let call =
            ListTickets { filter: TicketFilter::default(), sort: TicketSort::Due, offset: 0, limit: 50 };
        insta::assert_json_snapshot!(call);
    }
}
