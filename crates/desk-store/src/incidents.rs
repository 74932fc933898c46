//! The list of incidents.

use desk_api::view::IncidentRow;
use desk_domain::{
    ids::DocId,
    incident::metrics::{Facts, Period},
    time::UtcMillis,
};
use sqlx::{Row, sqlite::SqliteRow};

use crate::{Store, StoreError, bulk, codes};

impl Store {
    /// Incidents that are not deleted: proposals that wait first, then running ones, then the newest.
    pub async fn list_incidents(&self) -> Result<Vec<IncidentRow>, StoreError> {
        const SQL: &str = "SELECT id, number, title, severity, status, created_at, updated_at, escalates_at, \
             proposal FROM incidents WHERE deleted = 0 \
             ORDER BY proposal IS NOT 'waiting', is_over, created_at DESC, doc DESC";
        let mut held = self.quick_reader().await?;
        let rows = sqlx::query(SQL).fetch_all(held.conn()?).await?;
        rows.iter().map(incident).collect()
    }

    /// The lines of these incidents, without those that are deleted or not here.
    pub async fn incident_rows(&self, ids: &[DocId]) -> Result<Vec<IncidentRow>, StoreError> {
        const SQL: &str = "SELECT i.id, i.number, i.title, i.severity, i.status, i.created_at, i.updated_at, \
             i.escalates_at, i.proposal FROM json_each(?) j \
             JOIN documents d ON d.id = unhex(j.value) JOIN incidents i ON i.doc = d.doc WHERE i.deleted = 0";
        let wanted = bulk::json_hex(ids.iter().map(|id| id.0.as_bytes().as_slice()));
        let mut held = self.quick_reader().await?;
        let rows = sqlx::query(SQL).bind(wanted).fetch_all(held.conn()?).await?;
        rows.iter().map(incident).collect()
    }

    /// What response times are computed from, of the incidents that were declared in the period: neither deleted ones nor
    /// proposals that nobody confirmed.
    pub async fn incident_facts(&self, period: Period) -> Result<Vec<Facts>, StoreError> {
        const SQL: &str = "SELECT severity, services, created_at, milestones FROM incidents \
             WHERE deleted = 0 AND created_at >= ? AND created_at < ? \
               AND (proposal IS NULL OR proposal = 'confirmed') ORDER BY created_at, doc";
        let mut held = self.quick_reader().await?;
        let rows = sqlx::query(SQL).bind(period.from.0).bind(period.to.0).fetch_all(held.conn()?).await?;
        let facts = |row: &SqliteRow| {
            Ok(Facts {
                severity: codes::word(row.try_get(0)?)?,
                services: codes::tags_from(row.try_get(1)?)?,
                created_at: UtcMillis(row.try_get(2)?),
                milestones: codes::milestones_from(row.try_get(3)?)?,
            })
        };
        rows.iter().map(facts).collect()
    }

    /// The incidents of that number (`INC-XXXXXXXX`), deleted ones included; more than one only by chance.
    pub async fn incident_by_number(&self, number: &str) -> Result<Vec<DocId>, StoreError> {
        let mut held = self.quick_reader().await?;
        let ids: Vec<Vec<u8>> = sqlx::query_scalar("SELECT id FROM incidents WHERE number = ? ORDER BY id")
            .bind(number)
            .fetch_all(held.conn()?)
            .await?;
        ids.iter().map(|id| codes::id_from(id)).collect()
    }
}

fn incident(row: &SqliteRow) -> Result<IncidentRow, StoreError> {
    Ok(IncidentRow {
        id: codes::id_from(row.try_get(0)?)?,
        number: row.try_get(1)?,
        title: row.try_get(2)?,
        severity: codes::word(row.try_get(3)?)?,
        status: codes::word(row.try_get(4)?)?,
        created_at: UtcMillis(row.try_get(5)?),
        updated_at: UtcMillis(row.try_get(6)?),
        escalates_at: row.try_get::<Option<i64>, _>(7)?.map(UtcMillis),
        proposal: row.try_get::<Option<&str>, _>(8)?.map(codes::word).transpose()?,
    })
}
