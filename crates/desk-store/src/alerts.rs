//! Alerts that this device raised. Those whose subject is gone or deleted are not listed, nor are silent ones.

use desk_domain::{
    alert::{Alert, AlertKey, AlertState},
    ids::DocId,
    time::UtcMillis,
};
use sqlx::{AssertSqlSafe, Row, sqlite::SqliteRow};

use crate::{Store, StoreError, codes};

/// Alerts with what is needed to show them; a condition and an order follow.
const ALERTS: &str = include_str!("alerts/alerts.sql");
/// Neither acknowledged nor put off. ?1: now.
const OPEN: &str = "a.acknowledged_at IS NULL AND (a.snoozed_until IS NULL OR a.snoozed_until <= ?1)";
/// [`Store::alerts_pending`].
pub(crate) const PENDING: &str = concat!(
    include_str!("alerts/alerts.sql"),
    " AND a.acknowledged_at IS NULL AND a.notified_at IS NULL ORDER BY a.raised_at, a.due_at, a.subject"
);

impl Store {
    /// Alerts that wait for the member at `now`, the newest first, at most `limit`.
    pub async fn alerts_open(&self, now: UtcMillis, limit: u32) -> Result<Vec<Alert>, StoreError> {
        self.alerts(OPEN, "a.raised_at DESC, a.due_at DESC, a.subject", now, limit).await
    }

    /// Open alerts about one ticket or incident.
    pub async fn alerts_open_of(&self, subject: DocId, now: UtcMillis) -> Result<Vec<Alert>, StoreError> {
        let sql = AssertSqlSafe(format!("{ALERTS} AND {OPEN} AND a.subject = ?2 ORDER BY a.due_at"));
        let mut held = self.quick_reader().await?;
        let query = sqlx::query(sql).bind(now.0).bind(codes::id_bytes(subject));
        query.fetch_all(held.conn()?).await?.iter().map(alert).collect()
    }

    /// Alerts that are put off at `now`, the first to come back first, at most `limit`.
    pub async fn alerts_snoozed(&self, now: UtcMillis, limit: u32) -> Result<Vec<Alert>, StoreError> {
        let condition = "a.acknowledged_at IS NULL AND a.snoozed_until > ?1";
        self.alerts(condition, "a.snoozed_until, a.due_at DESC, a.subject", now, limit).await
    }

    /// Acknowledged alerts, the last acknowledged first, at most `limit`.
    pub async fn alerts_acknowledged(&self, limit: u32) -> Result<Vec<Alert>, StoreError> {
        let order = "a.acknowledged_at DESC, a.due_at DESC, a.subject";
        self.alerts("a.acknowledged_at IS NOT NULL AND ?1 = 0", order, UtcMillis(0), limit).await
    }

    /// Alerts whose banner is still to be decided about: raised just now, waiting, or left by a crash. The oldest first.
    pub async fn alerts_pending(&self) -> Result<Vec<Alert>, StoreError> {
        let mut held = self.quick_reader().await?;
        sqlx::query(PENDING).fetch_all(held.conn()?).await?.iter().map(alert).collect()
    }

    /// How many alerts are open at `now`; counted up to `limit`.
    pub async fn alerts_open_len(&self, now: UtcMillis, limit: u32) -> Result<u32, StoreError> {
        let sql = AssertSqlSafe(format!("SELECT count(*) FROM ({ALERTS} AND {OPEN} LIMIT ?2)"));
        let mut held = self.quick_reader().await?;
        let count: i64 =
            sqlx::query_scalar(sql).bind(now.0).bind(i64::from(limit)).fetch_one(held.conn()?).await?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Whether this device raised the alert already.
    pub async fn alert_is_known(&self, key: &AlertKey) -> Result<bool, StoreError> {
        const SQL: &str = "SELECT EXISTS (SELECT 1 FROM alerts \
             WHERE subject = ? AND rule = ? AND percent = ? AND due_at = ?)";
        let mut held = self.quick_reader().await?;
        let query = sqlx::query_scalar(SQL)
            .bind(codes::id_bytes(key.subject))
            .bind(key.rule.as_str())
            .bind(i64::from(key.percent))
            .bind(key.due_at.0);
        Ok(query.fetch_one(held.conn()?).await?)
    }

    /// When the member acknowledged an alert, as this device knows; `None` while they have not.
    pub async fn alert_acknowledged_at(&self, key: &AlertKey) -> Result<Option<UtcMillis>, StoreError> {
        const SQL: &str = "SELECT acknowledged_at FROM alerts \
             WHERE subject = ? AND rule = ? AND percent = ? AND due_at = ? AND acknowledged_at IS NOT NULL";
        let mut held = self.quick_reader().await?;
        let query = sqlx::query_scalar(SQL)
            .bind(codes::id_bytes(key.subject))
            .bind(key.rule.as_str())
            .bind(i64::from(key.percent))
            .bind(key.due_at.0);
        let at: Option<i64> = query.fetch_optional(held.conn()?).await?;
        Ok(at.map(UtcMillis))
    }

    /// Those of `keys` that need no banner any more at `now`: acknowledged, put off, or their subject is gone.
    pub async fn alerts_settled(
        &self,
        keys: &[AlertKey],
        now: UtcMillis,
    ) -> Result<Vec<AlertKey>, StoreError> {
        const STANDS: &str = "SELECT EXISTS (SELECT 1 FROM alerts a JOIN documents d ON d.id = a.subject \
             WHERE a.subject = ? AND a.rule = ? AND a.percent = ? AND a.due_at = ? \
             AND a.acknowledged_at IS NULL AND (a.snoozed_until IS NULL OR a.snoozed_until <= ?))";
        let mut settled = Vec::new();
        let mut held = self.quick_reader().await?;
        for key in keys {
            let query = sqlx::query_scalar(STANDS)
                .bind(codes::id_bytes(key.subject))
                .bind(key.rule.as_str())
                .bind(i64::from(key.percent))
                .bind(key.due_at.0)
                .bind(now.0);
            let stands: bool = query.fetch_one(held.conn()?).await?;
            if !stands {
                settled.push(key.clone());
            }
        }
        Ok(settled)
    }

    async fn alerts(
        &self,
        condition: &'static str,
        order: &'static str,
        now: UtcMillis,
        limit: u32,
    ) -> Result<Vec<Alert>, StoreError> {
        let sql = AssertSqlSafe(format!("{ALERTS} AND {condition} ORDER BY {order} LIMIT ?2 + 0"));
        let mut held = self.quick_reader().await?;
        let rows = sqlx::query(sql).bind(now.0).bind(i64::from(limit)).fetch_all(held.conn()?).await?;
        rows.iter().map(alert).collect()
    }
}

fn alert(row: &SqliteRow) -> Result<Alert, StoreError> {
    let at = |column: usize| Ok::<_, StoreError>(row.try_get::<Option<i64>, _>(column)?.map(UtcMillis));
    let severity: Option<&str> = row.try_get(10)?;
    let held_by: Option<&str> = row.try_get(13)?;
    Ok(Alert {
        key: AlertKey {
            subject: codes::id_from(row.try_get(0)?)?,
            rule: codes::word(row.try_get(1)?)?,
            percent: row.try_get(2)?,
            due_at: UtcMillis(row.try_get(3)?),
        },
        kind: codes::kind_from(row.try_get(6)?)?,
        number: row.try_get(7)?,
        title: row.try_get(8)?,
        priority: row.try_get::<Option<i64>, _>(9)?.map(codes::priority_from).transpose()?,
        severity: severity.map(codes::word).transpose()?,
        stands: row.try_get(15)?,
        state: AlertState {
            raised_at: at(4)?,
            acknowledged_at: at(5)?,
            notified_at: at(11)?,
            snoozed_until: at(12)?,
            held_by: held_by.map(codes::word).transpose()?,
            held_until: at(14)?,
        },
    })
}
