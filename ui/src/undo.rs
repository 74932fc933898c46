//! Taking edits back: every edit of a field leaves a step with the edit that restores what was there.

use std::cell::RefCell;

use desk_api::{
    ApiError,
    call::{ChangeRules, EditArticle, EditIncident, EditTicket, ReopenAlerts, RestoreRejected, SnoozeAlerts},
};
use desk_domain::{
    alert::AlertKey,
    edit::{ArticleOp, IncidentOp, TicketOp},
    ids::DocId,
    sla::RuleChange,
};

use crate::{
    bridge,
    entry::Setting,
    i18n::{I18n, tr},
    tickets::seen,
    widgets::toast,
};

/// How many steps are kept.
const KEPT: usize = 50;

/// What restores what was there: an edit of one document, or a refused edit's place on the list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Restore {
    /// Of a ticket.
    Ticket(DocId, Vec<TicketOp>),
    /// Of an article.
    Article(DocId, Vec<ArticleOp>),
    /// Of an incident.
    Incident(DocId, Vec<IncidentOp>),
    /// Puts a refused edit, by its number, back on the list.
    Rejected(i64),
    /// Opens acknowledged alerts again.
    Acknowledged(Vec<AlertKey>),
    /// Brings alerts back that were put off.
    Snoozed(Vec<AlertKey>),
    /// Of the SLA rules.
    Rules(Vec<RuleChange>),
    /// Of another entry of the settings.
    Setting(Box<Setting>),
}

struct Step {
    id: u32,
    label: String,
    restores: Vec<Restore>,
}

thread_local! {
    static STEPS: RefCell<(u32, Vec<Step>)> = const { RefCell::new((0, Vec::new())) };
}

/// Remembers how to take an edit back and says that it was made; `label` names it (`Status: resolved`).
pub(crate) fn done(label: String, restores: Vec<Restore>) {
    let id = STEPS.with_borrow_mut(|(next, steps)| {
        *next += 1;
        if steps.len() >= KEPT {
            steps.remove(0);
        }
        steps.push(Step { id: *next, label: label.clone(), restores });
        *next
    });
    toast::done(label, id);
}

/// Takes back the step `id`, or the last one.
pub(crate) fn take_back(i18n: I18n, id: Option<u32>) {
    let step = STEPS.with_borrow_mut(|(_, steps)| match id {
        Some(id) => steps.iter().position(|step| step.id == id).map(|at| steps.remove(at)),
        None => steps.pop(),
    });
    let Some(step) = step else {
        toast::say(i18n.t("undo-nothing"));
        return;
    };
    bridge::spawn(async move {
        let mut failure = None;
        for restore in step.restores {
            if let Err(error) = put_back(restore).await {
                failure = Some(error);
            }
        }
        match failure {
            None => toast::say(tr!(i18n, "undo-done", what = step.label)),
            Some(error) => toast::failed(error),
        }
    });
}

async fn put_back(restore: Restore) -> Result<(), ApiError> {
    match restore {
        Restore::Ticket(id, ops) => bridge::call(EditTicket { id, ops }).await.map(seen::put),
        Restore::Article(id, ops) => bridge::call(EditArticle { id, ops }).await.map(|_| ()),
        Restore::Incident(id, ops) => bridge::call(EditIncident { id, ops }).await.map(|_| ()),
        Restore::Acknowledged(keys) => bridge::call(ReopenAlerts { keys }).await.map(|_| ()),
        Restore::Snoozed(keys) => bridge::call(SnoozeAlerts { keys, for_ms: None }).await.map(|_| ()),
        Restore::Rejected(id) => bridge::call(RestoreRejected { id }).await.map(|_| ()),
        Restore::Rules(changes) => bridge::call(ChangeRules { changes }).await.map(|_| ()),
        Restore::Setting(setting) => setting.write().await,
    }
}
