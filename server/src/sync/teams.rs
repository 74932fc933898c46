//! Tickets of before the server kept their teams beside them: looked at once, before anybody is served.

use desk_docs::Document;

use super::own::OwnError;
use crate::storage::Storage;

/// Tickets that are looked at in one transaction.
const PAGE: u32 = 500;

/// Writes down of every ticket whose it is. Broken off, it goes on where it was.
///
/// # Errors
/// When the storage fails or a ticket does not open.
pub async fn learn(storage: &dyn Storage) -> Result<(), OwnError> {
    loop {
        let unknown = storage.without_team(PAGE).await?;
        let Some(workspace) = unknown.first().map(|record| record.workspace) else { return Ok(()) };
        let docs: Vec<_> =
            unknown.iter().filter(|record| record.workspace == workspace).map(|record| record.id).collect();
        let mut tx = storage.begin(workspace).await?;
        let mut records: Vec<_> = tx.documents(&docs).await?.into_values().collect();
        for record in &mut records {
            record.team = Document::load(record.id, record.kind, &record.snapshot)?.team();
        }
        tx.put_documents(&records).await?;
        tx.commit().await?;
        tracing::info!(tickets = records.len(), "teams of older tickets were written down");
    }
}
