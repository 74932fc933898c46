//! SLA rules: what they are, changing them, what others would have meant, and how our verdicts stand to another system's.

use std::sync::Arc;

use desk_api::{ApiError, ErrorCode};
use desk_docs::Document;
use desk_domain::{
    edit::{Ops, Section, WorkspaceOp},
    ids::DocId,
    sla::{
        Calendar, CompiledRules, Gathered, Period, Preview, Question, RuleChange, SlaRules,
        report::{Inquired, Inquiry, Report},
    },
    state::State,
    ticket::Ticket,
    time::UtcMillis,
};
use desk_store::{Batch, StoredDocument, TicketIds};
use jiff::{ToSpan, Zoned, tz::TimeZone};
use serde::Serialize;

use crate::{Cancel, Desk, error};

impl Desk {
    /// The workspace's SLA rules, policies in their order.
    pub fn sla_rules(&self) -> SlaRules {
        self.workspace().map(|workspace| workspace.sla_rules()).unwrap_or_default()
    }

    /// Changes SLA rules, all in one step. The clocks of tickets follow with [`Desk::rederive_if_due`], which is noted in the
    /// same transaction and left to the caller.
    ///
    /// # Errors
    /// `Forbidden` for who is no manager; `Invalid`, with the reason, where a rule cannot be used or a policy is left without
    /// its calendar. Nothing is changed then.
    pub async fn change_rules(&self, changes: &[RuleChange]) -> Result<SlaRules, ApiError> {
        let session = self.require_session()?;
        let ops = changes.iter().map(setting).collect::<Result<Vec<_>, _>>()?;
        let extra = Batch { meta: vec![self.rederive_mark()], ..Batch::default() };
        self.edit_ops(session.workspace_doc, ops, Ops::Workspace, extra).await?;
        Ok(self.sla_rules())
    }

    /// What has to be changed for the rules to be these, and no others.
    pub fn changes_to(&self, wanted: &SlaRules) -> Vec<RuleChange> {
        self.sla_rules().changes_to(wanted)
    }

    /// What other rules would have meant for the tickets created in a period: the calendar month before the present one, in
    /// the workspace's zone, where none is given. `observe` hears how many of how many tickets were looked at.
    ///
    /// # Errors
    /// `Invalid`, with the reason, where a rule cannot be used; `Cancelled`.
    pub async fn preview_rules(
        &self,
        proposed: &SlaRules,
        period: Option<Period>,
        observe: &(dyn Fn(usize, usize) + Send + Sync),
        cancel: &Cancel,
    ) -> Result<Preview, ApiError> {
        usable(proposed)?;
        let period = match period {
            Some(period) => period,
            None => last_month(self.now(), &self.zone()?)?,
        };
        let (present, proposed) = (self.rules(), Arc::new(proposed.compile()));
        let at = self.now();
        let which = TicketIds::Created { from: period.from, to: period.to };
        let ids = self.store().ticket_ids(which).await.map_err(error::store)?;
        let mut gathered = Gathered::default();
        let work = {
            let (present, proposed) = (Arc::clone(&present), Arc::clone(&proposed));
            move |stored: Vec<StoredDocument>| {
                let question = Question { period, at, present: &present.rules.sla, proposed: &proposed };
                let mut found = Gathered::default();
                tickets(&stored).for_each(|ticket| found.add(&ticket, &question));
                found
            }
        };
        self.gather(&ids, work, |found| gathered.merge(found), observe, cancel).await?;
        let question = Question { period, at, present: &present.rules.sla, proposed: &proposed };
        Ok(gathered.finish(&question))
    }

    /// Our verdicts on resolutions beside those that another system wrote into the custom field `field` of imported tickets;
    /// by `rules`, or by the workspace's.
    ///
    /// # Errors
    /// `Invalid`, with the reason, where a rule cannot be used; `Cancelled`.
    pub async fn report_sla(
        &self,
        field: &str,
        rules: Option<&SlaRules>,
        observe: &(dyn Fn(usize, usize) + Send + Sync),
        cancel: &Cancel,
    ) -> Result<Report, ApiError> {
        let rules: Arc<CompiledRules> = match rules {
            Some(rules) => {
                usable(rules)?;
                Arc::new(rules.compile())
            }
            None => Arc::new(self.sla_rules().compile()),
        };
        let at = self.now();
        let which = TicketIds::Created { from: UtcMillis(i64::MIN), to: UtcMillis(i64::MAX) };
        let ids: Vec<DocId> = self.store().ticket_ids(which).await.map_err(error::store)?;
        let always = Calendar::always().compile();
        let always = always.map_err(error::internal)?;
        let mut inquired = Inquired::default();
        let work = {
            let (field, rules) = (field.to_owned(), Arc::clone(&rules));
            let always = always.clone();
            move |stored: Vec<StoredDocument>| {
                let inquiry = Inquiry::new(&field, &rules, &always, at);
                let mut found = Inquired::default();
                tickets(&stored).for_each(|ticket| found.add(&ticket, &inquiry));
                found
            }
        };
        self.gather(&ids, work, |found| inquired.merge(found), observe, cancel).await?;
        Ok(inquired.finish(&Inquiry::new(field, &rules, &always, at)))
    }

    /// The first instant of a civil day in the workspace's zone, or the instant itself, as a person writes them
    /// (`2026-10-01`, `2026-10-01T09:00:00Z`).
    ///
    /// # Errors
    /// `Invalid` when it is neither.
    pub fn read_day(&self, text: &str) -> Result<UtcMillis, ApiError> {
        if let Ok(instant) = text.parse::<UtcMillis>() {
            return Ok(instant);
        }
        let wrong = || {
            let what = format!("{text:?} is no day; write it like 2026-10-01");
            ApiError::new(ErrorCode::Invalid, what).at("day")
        };
        let day: jiff::civil::Date = text.parse().map_err(|_| wrong())?;
        let start = day.to_zoned(self.zone()?).map_err(|_| wrong())?;
        Ok(UtcMillis::from_jiff(start.timestamp()))
    }

    fn zone(&self) -> Result<TimeZone, ApiError> {
        let name = self.workspace().map_or_else(|| "UTC".to_owned(), |workspace| workspace.zone);
        TimeZone::get(&name).map_err(|_| {
            ApiError::new(ErrorCode::Invalid, format!("the workspace's time zone {name:?} is not known"))
        })
    }
}

/// The calendar month before the one in which `now` lies.
fn last_month(now: UtcMillis, zone: &TimeZone) -> Result<Period, ApiError> {
    let start_of_month = |at: Zoned| at.first_of_month().and_then(|day| day.start_of_day());
    let found = start_of_month(now.to_jiff().to_zoned(zone.clone()))
        .and_then(|to| Ok((start_of_month(to.checked_sub(1.day())?)?, to)));
    let (from, to) = found.map_err(|problem| ApiError::new(ErrorCode::Invalid, problem.to_string()))?;
    Ok(Period { from: UtcMillis::from_jiff(from.timestamp()), to: UtcMillis::from_jiff(to.timestamp()) })
}

fn usable(rules: &SlaRules) -> Result<(), ApiError> {
    match rules.check().first() {
        Some(problem) => Err(ApiError::new(ErrorCode::Invalid, problem.to_string()).at("rules")),
        None => Ok(()),
    }
}

/// The tickets among documents. What does not read is `desk doctor`'s to tell of.
fn tickets(stored: &[StoredDocument]) -> impl Iterator<Item = Ticket> {
    stored.iter().filter_map(|stored| {
        match Document::load(stored.id, stored.kind, &stored.snapshot).ok()?.read().ok()? {
            State::Ticket(ticket) => Some(*ticket),
            State::Article(_) | State::Incident(_) | State::Workspace(_) | State::Personal(_) => None,
        }
    })
}

fn setting(change: &RuleChange) -> Result<WorkspaceOp, ApiError> {
    fn json<T: Serialize>(value: Option<&T>) -> Result<Option<String>, ApiError> {
        let text = value.map(serde_json::to_string).transpose();
        text.map_err(|problem| ApiError::new(ErrorCode::Invalid, problem.to_string()))
    }
    let (section, key, value) = match change {
        RuleChange::Policy { key, policy } => (Section::Policies, key, json(policy.as_ref())?),
        RuleChange::Calendar { key, calendar } => (Section::Calendars, key, json(calendar.as_ref())?),
    };
    Ok(WorkspaceOp::Set { section, key: key.clone(), value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_month_is_the_one_on_the_workspaces_wall() {
        let check = |now: &str, zone: &str, from: &str, to: &str| {
            let found = last_month(now.parse().unwrap(), &TimeZone::get(zone).unwrap()).unwrap();
            assert_eq!((found.from.to_string(), found.to.to_string()), (from.to_owned(), to.to_owned()));
        };
        check("2026-11-21T09:00:00Z", "UTC", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z");
        check("2026-01-31T21:00:00Z", "Asia/Almaty", "2025-12-31T19:00:00Z", "2026-01-31T19:00:00Z");
        check("2026-04-10T00:00:00Z", "Europe/Berlin", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z");
    }
}
