//! The list of incidents.

use desk_api::view::IncidentRow;
use desk_domain::{ids::DocId, time::UtcMillis};
use sqlx::{Row, sqlite::SqliteRow};

use crate::{Store, StoreError, codes};

impl Store {
    /// Incidents that are not deleted: running ones first, then the newest.
    pub async fn list_incidents(&self) -> Result<Vec<IncidentRow>, StoreError> {
        const SQL: &str = "SELECT id, number, title, severity, status, created_at, updated_at, escalates_at \
             FROM incidents WHERE deleted = 0 ORDER BY is_over, created_at DESC, doc DESC";
        let mut held = self.quick_reader().await?;
        let rows = sqlx::query(SQL).fetch_all(held.conn()?).await?;
        rows.iter().map(incident).collect()
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
    })
}
