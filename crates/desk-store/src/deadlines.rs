//! When which alert falls due, for the scheduler.

use desk_domain::{
    alert::AlertKey,
    ids::{DocKind, MemberId},
    sla::Metric,
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
}

impl Store {
    /// What falls due up to and including `now` and was not raised yet, the earliest first.
    pub async fn deadlines_until(&self, now: UtcMillis) -> Result<Vec<DueDeadline>, StoreError> {
        const SQL: &str = include_str!("deadlines/until.sql");
        let mut held = self.quick_reader().await?;
        let rows = sqlx::query(SQL).bind(now.0).fetch_all(held.conn()?).await?;
        rows.iter().map(due).collect()
    }

    /// The first instant after `now` at which something falls due.
    pub async fn next_deadline_after(&self, now: UtcMillis) -> Result<Option<UtcMillis>, StoreError> {
        let mut held = self.quick_reader().await?;
        let next: Option<i64> = sqlx::query_scalar("SELECT min(due_at) FROM deadlines WHERE due_at > ?")
            .bind(now.0)
            .fetch_one(held.conn()?)
            .await?;
        Ok(next.map(UtcMillis))
    }
}

fn due(row: &SqliteRow) -> Result<DueDeadline, StoreError> {
    let metric: Option<&str> = row.try_get(5)?;
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
    })
}
