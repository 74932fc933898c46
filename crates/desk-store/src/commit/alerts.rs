//! Alerts: raised once, then only added to.

use desk_domain::alert::AlertKey;
use sqlx::SqliteConnection;

use crate::{AlertWrite, StoreError, codes};

/// Records alerts; returns those that were not known.
pub(super) async fn record(
    conn: &mut SqliteConnection,
    alerts: &[AlertWrite],
) -> Result<Vec<AlertKey>, StoreError> {
    const INSERT: &str = "INSERT INTO alerts \
         (subject, rule, percent, due_at, raised_at, notified_at, acknowledged_at, silent) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
    const ADD: &str = "UPDATE alerts SET notified_at = coalesce(notified_at, ?), \
         acknowledged_at = coalesce(acknowledged_at, ?) \
         WHERE subject = ? AND rule = ? AND percent = ? AND due_at = ?";
    let mut new = Vec::new();
    for alert in alerts {
        let AlertKey { subject, rule, percent, due_at } = &alert.key;
        let inserted = sqlx::query(INSERT)
            .bind(codes::id_bytes(*subject))
            .bind(rule.as_str())
            .bind(i64::from(*percent))
            .bind(due_at.0)
            .bind(alert.raised_at.0)
            .bind(alert.notified_at.map(|at| at.0))
            .bind(alert.acknowledged_at.map(|at| at.0))
            .bind(alert.silent)
            .execute(&mut *conn)
            .await?;
        if inserted.rows_affected() > 0 {
            new.push(alert.key.clone());
        } else {
            sqlx::query(ADD)
                .bind(alert.notified_at.map(|at| at.0))
                .bind(alert.acknowledged_at.map(|at| at.0))
                .bind(codes::id_bytes(*subject))
                .bind(rule.as_str())
                .bind(i64::from(*percent))
                .bind(due_at.0)
                .execute(&mut *conn)
                .await?;
        }
    }
    Ok(new)
}
