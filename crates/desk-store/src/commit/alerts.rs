//! Alerts: raised once; then what the member and the scheduler say of them.

use desk_domain::alert::{AlertKey, Hold};
use sqlx::{Connection, Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};

use crate::{AlertDecision, AlertWrite, StoreError, codes};

type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

fn keyed<'q>(query: Statement<'q>, key: &AlertKey) -> Statement<'q> {
    query
        .bind(codes::id_bytes(key.subject))
        .bind(key.rule.as_str())
        .bind(i64::from(key.percent))
        .bind(key.due_at.0)
}

/// Records what happened to alerts, in order; returns those that were not known and fell due.
pub(super) async fn record(
    conn: &mut SqliteConnection,
    alerts: &[AlertWrite],
) -> Result<Vec<AlertKey>, StoreError> {
    const RAISE: &str = "INSERT INTO alerts (subject, rule, percent, due_at, raised_at, notified_at, silent) \
         VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
    // One that is not known here was shown where it was acknowledged.
    const ACKNOWLEDGE: &str = "INSERT INTO alerts \
         (subject, rule, percent, due_at, raised_at, notified_at, acknowledged_at, silent) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?5, 0) \
         ON CONFLICT DO UPDATE SET acknowledged_at = excluded.acknowledged_at, held_by = NULL, held_until = NULL \
         WHERE acknowledged_at IS NULL";
    const REOPEN: &str = "UPDATE alerts SET acknowledged_at = NULL \
         WHERE subject = ? AND rule = ? AND percent = ? AND due_at = ? AND acknowledged_at <= ?";
    const SNOOZE: &str = "INSERT INTO alerts \
         (subject, rule, percent, due_at, raised_at, snoozed_until, held_by, held_until, silent) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'snooze', ?6, 0) \
         ON CONFLICT DO UPDATE SET snoozed_until = excluded.snoozed_until, notified_at = NULL, \
         held_by = excluded.held_by, held_until = excluded.held_until \
         WHERE acknowledged_at IS NULL AND snoozed_until IS NOT excluded.snoozed_until";
    const WAKE: &str = "UPDATE alerts SET snoozed_until = NULL, held_by = NULL, held_until = NULL, \
         notified_at = coalesce(notified_at, ?5) \
         WHERE subject = ?1 AND rule = ?2 AND percent = ?3 AND due_at = ?4 AND snoozed_until IS NOT NULL";
    let mut new = Vec::new();
    for alert in alerts {
        let query = match alert {
            AlertWrite::Raise { key, at, silent, settled } => {
                let notified_at = settled.then_some(at.0);
                let raised = keyed(sqlx::query(RAISE), key).bind(at.0).bind(notified_at).bind(*silent);
                if raised.execute(&mut *conn).await?.rows_affected() > 0 {
                    new.push(key.clone());
                }
                continue;
            }
            AlertWrite::Acknowledge { key, at } => keyed(sqlx::query(ACKNOWLEDGE), key).bind(at.0),
            AlertWrite::Reopen { key, at } => keyed(sqlx::query(REOPEN), key).bind(at.0),
            AlertWrite::Snooze { key, at, until } => keyed(sqlx::query(SNOOZE), key).bind(at.0).bind(until.0),
            AlertWrite::Wake { key, at } => keyed(sqlx::query(WAKE), key).bind(at.0),
        };
        query.execute(&mut *conn).await?;
    }
    Ok(new)
}

/// Keeps decisions where the alert is still as it was; returns the alerts of those.
pub(super) async fn decide(
    conn: &mut SqliteConnection,
    decisions: &[AlertDecision],
) -> Result<Vec<AlertKey>, StoreError> {
    const DECIDE: &str = "UPDATE alerts SET notified_at = ?5, held_by = ?6, held_until = ?7 \
         WHERE subject = ?1 AND rule = ?2 AND percent = ?3 AND due_at = ?4 \
         AND acknowledged_at IS NULL AND notified_at IS ?8 AND snoozed_until IS ?9";
    let mut transaction = conn.begin_with("BEGIN IMMEDIATE").await?;
    let mut kept = Vec::with_capacity(decisions.len());
    for AlertDecision { key, was, is } in decisions {
        let query = keyed(sqlx::query(DECIDE), key)
            .bind(is.notified_at.map(|at| at.0))
            .bind(is.held_by.map(Hold::as_str))
            .bind(is.held_until.map(|at| at.0))
            .bind(was.notified_at.map(|at| at.0))
            .bind(was.snoozed_until.map(|at| at.0));
        if query.execute(&mut *transaction).await?.rows_affected() > 0 {
            kept.push(key.clone());
        }
    }
    transaction.commit().await?;
    Ok(kept)
}
