//! Escalations of a workspace on this device alone: there is no server that runs them, so this device does.

use desk_api::ApiError;
use desk_domain::{
    edit::{Edit, Ops, Stamped},
    escalation::{self, Step},
    state::State,
    time::UtcMillis,
};
use desk_store::Batch;

use crate::{Desk, error};

/// An incident that is over is looked at so long, to write down that its escalation ended.
const OVER_MS: i64 = 24 * 3_600_000;

impl Desk {
    /// Takes every step that is due, as a server would, but without e-mail; says when the next is. With a server, it does nothing.
    pub(crate) async fn escalate_here(&self, now: UtcMillis) -> Result<Option<UtcMillis>, ApiError> {
        let Some(session) = self.signed_in().filter(|session| session.server.is_none()) else {
            return Ok(None);
        };
        let Some(workspace) = self.workspace() else { return Ok(None) };
        let rows = self.store().list_incidents().await.map_err(error::store)?;
        let live =
            rows.into_iter().filter(|row| !row.status.is_done() || now.since(row.updated_at) < OVER_MS);
        let mut next: Option<UtcMillis> = None;
        for row in live {
            while let Some(State::Incident(incident)) = self.state(row.id).await? {
                let Some(mut due) = escalation::next(&incident, &workspace, now) else { break };
                if due.at > now {
                    next = Some(next.map_or(due.at, |at| at.min(due.at)));
                    break;
                }
                if let Step::Page(page) = &mut due.step {
                    page.email.clear();
                }
                let (by, op) = (session.member.to_string(), due.step.op());
                let step = Stamped { at: now, by, entry: Some(due.entry), op };
                let edit = Edit { doc: row.id, ops: Ops::Incident(vec![step]) };
                self.edit_with(edit, Batch::default()).await?;
            }
        }
        Ok(next)
    }
}
