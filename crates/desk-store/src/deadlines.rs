//! When which alert falls due, for the scheduler.

use desk_domain::{
    alert::AlertKey,
    ids::{DocKind, MemberId},
    incident::Severity,
    sla::Metric,
    ticket::Priority,
    time::UtcMillis,
};
use sqlx::{Row, sqlite::SqliteRow};

use crate::{Store, StoreError, codes};

/// An alert that is due (or will be) and that this device has not raised yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueDeadline {
    /// Which alert.
    pub key: AlertKey,
    /// Whether the subject is a ticket or an incident.
    pub kind: DocKind,
    /// Which target; none for an incident.
    pub metric: Option<Metric>,
    /// `TK-…` or `INC-…`.
    pub number: String,
    /// The subject's title.
    pub title: String,
    /// The ticket's assignee; none for an incident.
    pub assignee: Option<String>,
    /// The ticket's team; none for an incident.
    pub team: Option<String>,
    /// Whom it is for; empty when that follows from the subject.
    pub members: Vec<MemberId>,
    /// The ticket's priority; none for an incident.
    pub priority: Option<Priority>,
    /// The incident's severity; none for a ticket.
    pub severity: Option<Severity>,
}

const UNTIL: &str = include_str!("deadlines/until.sql");
const NEXT_DUE: &str = "SELECT min(due_at) FROM deadlines WHERE raised = 0 AND due_at > ?";

impl Store {
    /// What falls due up to and including `now` and was not raised yet, the earliest first.
    pub async fn deadlines_until(&self, now: UtcMillis) -> Result<Vec<DueDeadline>, StoreError> {
        let mut held = self.quick_reader().await?;
        let rows = sqlx::query(UNTIL).bind(now.0).fetch_all(held.conn()?).await?;
        rows.iter().map(due).collect()
    }

    /// The first instant after `now` at which something falls due: one look-up, however many tickets there are.
    pub async fn next_deadline_after(&self, now: UtcMillis) -> Result<Option<UtcMillis>, StoreError> {
        let mut held = self.quick_reader().await?;
        let next: Option<i64> = sqlx::query_scalar(NEXT_DUE).bind(now.0).fetch_one(held.conn()?).await?;
        Ok(next.map(UtcMillis))
    }
}

fn due(row: &SqliteRow) -> Result<DueDeadline, StoreError> {
    let metric: Option<&str> = row.try_get(5)?;
    let severity: Option<&str> = row.try_get(12)?;
    Ok(DueDeadline {
        key: AlertKey {
            subject: codes::id_from(row.try_get(0)?)?,
            rule: codes::word(row.try_get(2)?)?,
            percent: row.try_get(3)?,
            due_at: UtcMillis(row.try_get(4)?),
        },
        kind: codes::kind_from(row.try_get(1)?)?,
        metric: metric.map(codes::word).transpose()?,
        number: row.try_get(6)?,
        title: row.try_get(7)?,
        assignee: row.try_get(8)?,
        team: row.try_get(9)?,
        members: codes::members_from(row.try_get(10)?)?,
        priority: row.try_get::<Option<i64>, _>(11)?.map(codes::priority_from).transpose()?,
        severity: severity.map(codes::word).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use crate::{Key, OpenOptions, Store};

    use super::*;

    #[tokio::test]
    async fn the_scheduler_reads_indexes_and_scans_nothing() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let opened =
            Store::open(&dir.path().join("desk.db"), &Key::new([1; 32]), OpenOptions::default()).await;
        let store = opened.expect("opens").store;
        let mut held = store.quick_reader().await.expect("reads");
        for (sql, index) in [
            (NEXT_DUE, "deadlines_waiting"),
            (UNTIL, "deadlines_waiting"),
            (crate::alerts::PENDING, "alerts_pending"),
        ] {
            let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
            let rows =
                sqlx::query(explain).bind(0).fetch_all(held.conn().expect("reads")).await.expect("explains");
            let plan: Vec<String> = rows.iter().map(|row| row.get(3)).collect();
            let plan = plan.join("\n");
            assert!(plan.contains(index), "{sql}\n{plan}");
            let scans = plan.lines().filter(|line| line.contains("SCAN") && !line.contains(index));
            assert_eq!(scans.count(), 0, "{sql}\n{plan}");
        }
    }
}
