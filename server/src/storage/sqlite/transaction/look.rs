//! What is to be known before changes are decided, in one trip to the connection's thread.

use desk_domain::{
    ids::{DeviceId, DocId, WorkspaceId},
    time::UtcMillis,
};
use futures::TryStreamExt;
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{Tip, list};
use crate::storage::{
    Asked, DocumentHead, Known, Refused, StorageError, reject_code,
    sqlite::{MemberRow, WorkspaceRow, audit, digest, failed, kind, number, owner, uuid},
};

/// One statement of several parts: of several statements the connection's thread would tell the end of each. The first column of
/// each row says which part it is from.
const LOOK: &str = include_str!("look.sql");

pub(super) async fn look(
    conn: &mut SqliteConnection,
    workspace: WorkspaceId,
    asked: &Asked,
) -> Result<(Known, Option<Tip>), StorageError> {
    let pair = |doc: &DocId, other: &[u8]| hex::encode(doc.0.as_bytes()) + &hex::encode(other);
    let mut rows = sqlx::query(LOOK)
        .bind(workspace.0.as_bytes().as_slice())
        .bind(list(asked.devices.iter().map(|device| hex::encode(device.0.as_bytes()))))
        .bind(list(asked.docs.iter().map(|doc| hex::encode(doc.0.as_bytes()))))
        .bind(list(asked.changes.iter().map(|(doc, hash)| pair(doc, hash))))
        .bind(list(asked.actors.iter().map(|(doc, actor)| pair(doc, actor.0.as_bytes()))))
        .fetch(conn);
    let (mut known, mut tip) = (Known::default(), None);
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        learn(&mut known, &mut tip, &row, asked)?;
    }
    Ok((known, tip))
}

fn learn(
    known: &mut Known,
    tip: &mut Option<Tip>,
    row: &SqliteRow,
    asked: &Asked,
) -> Result<(), StorageError> {
    let bytes = |column: usize| row.try_get::<&[u8], _>(column).map_err(failed);
    let text = |column: usize| row.try_get::<String, _>(column).map_err(failed);
    let integer = |column: usize| row.try_get::<i64, _>(column).map_err(failed);
    let doc = |column: usize| Ok::<_, StorageError>(DocId(uuid(bytes(column)?)?));
    match integer(0)? {
        0 => {
            let record = WorkspaceRow {
                id: bytes(1)?.to_vec(),
                slug: text(2)?,
                name: text(3)?,
                settings_doc: bytes(4)?.to_vec(),
                server_device: bytes(5)?.to_vec(),
                head: integer(6)?,
                created_at: integer(7)?,
            };
            known.workspace = Some(record.try_into()?);
            let chain = row.try_get::<Option<&[u8]>, _>(9).map_err(failed)?;
            known.chain = audit::value(chain.unwrap_or_default())?;
            *tip = Some(Tip { head: number(integer(6)?)?, chain: known.chain });
            known.settings_seq = row.try_get::<Option<i64>, _>(8).map_err(failed)?.map(number).transpose()?;
        }
        1 => {
            let record = MemberRow {
                id: bytes(2)?.to_vec(),
                workspace: bytes(3)?.to_vec(),
                email: text(4)?,
                name: text(5)?,
                role: text(6)?,
                password_hash: text(7)?,
                personal_doc: bytes(8)?.to_vec(),
                active: integer(9)?,
                created_at: integer(10)?,
            };
            known.members.insert(DeviceId(uuid(bytes(1)?)?), record.try_into()?);
        }
        2 => {
            let head = DocumentHead {
                workspace: WorkspaceId(uuid(bytes(2)?)?),
                kind: kind(integer(3)?)?,
                owner: owner(row.try_get::<Option<&[u8]>, _>(4).map_err(failed)?)?,
                seq: number(integer(5)?)?,
            };
            known.heads.insert(doc(1)?, head);
        }
        3 => {
            let (doc, hash) = (doc(1)?, digest(bytes(2)?)?);
            let (code, refused_at) = (reject_code(&text(3)?)?, UtcMillis(integer(5)?));
            known.refused.insert((doc, hash), Refused { doc, hash, code, reason: text(4)?, refused_at });
        }
        4 => drop(known.accepted.insert((doc(1)?, digest(bytes(2)?)?), number(integer(3)?)?)),
        5 => {
            let place = usize::try_from(integer(1)?).ok();
            let actor = place.and_then(|place| asked.actors.get(place));
            let actor = actor.ok_or_else(|| StorageError::damaged("an actor that nobody asked for"))?;
            known.actor_seqs.insert(*actor, number(integer(2)?)?);
        }
        _ => return Err(StorageError::damaged("a row of no part")),
    }
    Ok(())
}
