//! Alerts that this device raised. Those whose subject is gone or deleted are not listed, nor are silent ones.

use desk_domain::{
    alert::{Alert, AlertKey},
    time::UtcMillis,
};
use sqlx::{AssertSqlSafe, Row, sqlite::SqliteRow};

use crate::{Store, StoreError, codes};

/// Alerts with what is needed to show them; a condition and an order follow.
const ALERTS: &str = include_str!("alerts/alerts.sql");

impl Store {
    /// Alerts that nobody acknowledged, the newest first.
    pub async fn alerts_open(&self) -> Result<Vec<Alert>, StoreError> {
        self.alerts("a.acknowledged_at IS NULL", "a.raised_at DESC, a.due_at DESC, a.subject", u32::MAX).await
    }

    /// Acknowledged alerts, the last acknowledged first, at most `limit`.
    pub async fn alerts_acknowledged(&self, limit: u32) -> Result<Vec<Alert>, StoreError> {
        let order = "a.acknowledged_at DESC, a.due_at DESC, a.subject";
        self.alerts("a.acknowledged_at IS NOT NULL", order, limit).await
    }

    /// Open alerts whose banner was not shown: raised just now, or before a crash. The oldest first.
    pub async fn alerts_to_notify(&self) -> Result<Vec<Alert>, StoreError> {
        let condition = "a.acknowledged_at IS NULL AND a.notified_at IS NULL";
        self.alerts(condition, "a.raised_at, a.due_at, a.subject", u32::MAX).await
    }

    /// How many alerts are open.
    pub async fn alerts_open_len(&self) -> Result<u32, StoreError> {
        let sql = AssertSqlSafe(format!("SELECT count(*) FROM ({ALERTS} AND a.acknowledged_at IS NULL)"));
        let mut held = self.quick_reader().await?;
        let count: i64 = sqlx::query_scalar(sql).fetch_one(held.conn()?).await?;
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

    async fn alerts(
        &self,
        condition: &'static str,
        order: &'static str,
        limit: u32,
    ) -> Result<Vec<Alert>, StoreError> {
        let sql = AssertSqlSafe(format!("{ALERTS} AND {condition} ORDER BY {order} LIMIT ? + 0"));
        let mut held = self.quick_reader().await?;
        let rows = sqlx::query(sql).bind(i64::from(limit)).fetch_all(held.conn()?).await?;
        rows.iter().map(alert).collect()
    }
}

fn alert(row: &SqliteRow) -> Result<Alert, StoreError> {
    Ok(Alert {
        key: AlertKey {
            subject: codes::id_from(row.try_get(0)?)?,
            rule: codes::word(row.try_get(1)?)?,
            percent: row.try_get(2)?,
            due_at: UtcMillis(row.try_get(3)?),
        },
        raised_at: Some(UtcMillis(row.try_get(4)?)),
        acknowledged_at: row.try_get::<Option<i64>, _>(5)?.map(UtcMillis),
        kind: codes::kind_from(row.try_get(6)?)?,
        number: row.try_get(7)?,
        title: row.try_get(8)?,
    })
}
