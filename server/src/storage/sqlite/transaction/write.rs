//! What was decided, written in few trips to the connection's thread: a person's edit in one.

use desk_domain::ids::WorkspaceId;
use sqlx::{
    Arguments, AssertSqlSafe, Encode, Sqlite, SqliteConnection, Type, query, sqlite::SqliteArguments,
};

use super::Tip;
use crate::storage::{
    DocumentRecord, Grown, LogEntry, Refused, StorageError, Written, chain,
    sqlite::{audit, failed, integer, number},
};

/// Statements that go together at most: few enough that each way to put them together is prepared once.
const TOGETHER: usize = 8;

/// Where the log ends.
pub(super) async fn tip(conn: &mut SqliteConnection, workspace: WorkspaceId) -> Result<Tip, StorageError> {
    let id = workspace.0.as_bytes().as_slice();
    let tip = query!(
        r#"SELECT w.head, c.chain AS "chain?" FROM workspaces w
               LEFT JOIN changes c ON c.workspace = w.id AND c.seq = w.head
           WHERE w.id = ?"#,
        id
    )
    .fetch_one(conn)
    .await
    .map_err(failed)?;
    Ok(Tip { head: number(tip.head)?, chain: audit::value(&tip.chain.unwrap_or_default())? })
}

/// Writes behind `tip`, and returns where the log ends then.
pub(super) async fn write(
    conn: &mut SqliteConnection,
    workspace: WorkspaceId,
    mut tip: Tip,
    decided: &Written<'_>,
) -> Result<Tip, StorageError> {
    let Written { entries, refused, documents, grown } = *decided;
    let workspace_id = workspace.0.as_bytes().as_slice();
    let mut script = Script { conn, sql: String::new(), statements: 0, values: Values::default() };
    for Refused { doc, hash, code, reason, refused_at } in refused {
        const REMEMBER: &str = "INSERT INTO refused (workspace, doc, hash, code, reason, refused_at)
             VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING;";
        script
            .add(REMEMBER, |values| {
                let values = values.bind(workspace_id).bind(doc.0.as_bytes().as_slice());
                values.bind(hash.as_slice()).bind(code.as_str()).bind(reason).bind(refused_at.0)
            })
            .await?;
    }
    if !entries.is_empty() {
        let chain = chain::along(tip.chain, workspace, tip.head + 1, entries);
        for ((seq, entry), chain) in (tip.head + 1..).zip(entries).zip(&chain) {
            const LOG: &str = "INSERT INTO changes
                 (workspace, seq, doc, hash, actor, actor_seq, member, received_at, bytes, chain)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);";
            let LogEntry { doc, hash, actor, actor_seq, member, received_at, bytes } = entry;
            script
                .add(LOG, |values| {
                    let values = values.bind(workspace_id).bind(integer(seq));
                    let values = values.bind(doc.0.as_bytes().as_slice()).bind(hash.as_slice());
                    let values = values.bind(actor.0.as_bytes().as_slice()).bind(integer(*actor_seq));
                    let values = values.bind(member.as_ref().map(|member| member.0.as_bytes().as_slice()));
                    values.bind(received_at.0).bind(bytes).bind(chain.as_slice())
                })
                .await?;
        }
        tip =
            Tip { head: tip.head + entries.len() as u64, chain: chain.last().copied().unwrap_or(tip.chain) };
        let head = integer(tip.head);
        let moved = "UPDATE workspaces SET head = ? WHERE id = ?;";
        script.add(moved, |values| values.bind(head).bind(workspace_id)).await?;
    }
    for document in documents {
        const PUT: &str =
            "INSERT INTO documents (id, workspace, kind, owner, seq, team, team_known, heads, snapshot_seq, snapshot)
             VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE
             SET seq = excluded.seq, team = excluded.team, team_known = 1, heads = excluded.heads,
                 snapshot_seq = excluded.snapshot_seq, snapshot = excluded.snapshot;";
        let DocumentRecord { id, workspace: _, kind, owner, seq, team, heads, snapshot } = document;
        script
            .add(PUT, |values| {
                let values = values.bind(id.0.as_bytes().as_slice()).bind(workspace_id);
                let values = values.bind(i64::from(kind.code()));
                let values = values.bind(owner.as_ref().map(|owner| owner.0.as_bytes().as_slice()));
                let values = values.bind(integer(*seq)).bind(team).bind(heads.concat());
                values.bind(integer(*seq)).bind(snapshot)
            })
            .await?;
    }
    for Grown { id, seq, team, heads } in grown {
        const GROW: &str = "UPDATE documents SET seq = ?, team = ?, team_known = 1, heads = ? WHERE id = ? AND workspace = ?;";
        script
            .add(GROW, |values| {
                let values = values.bind(integer(*seq)).bind(team).bind(heads.concat());
                values.bind(id.0.as_bytes().as_slice()).bind(workspace_id)
            })
            .await?;
    }
    script.flush().await?;
    Ok(tip)
}

/// Statements that go to the connection's thread together, in the order in which they are added; each takes the next
/// values.
struct Script<'c> {
    conn: &'c mut SqliteConnection,
    sql: String,
    statements: usize,
    values: Values,
}

/// Values for the question marks of statements, in order.
#[derive(Default)]
struct Values {
    arguments: SqliteArguments,
    problem: Option<sqlx::error::BoxDynError>,
}

impl Values {
    fn bind<'v, T: Encode<'v, Sqlite> + Type<Sqlite>>(mut self, value: T) -> Self {
        if let Err(problem) = self.arguments.add(value) {
            self.problem = Some(problem);
        }
        self
    }
}

impl Script<'_> {
    async fn add(
        &mut self,
        sql: &'static str,
        bind: impl FnOnce(Values) -> Values,
    ) -> Result<(), StorageError> {
        if self.statements == TOGETHER {
            self.flush().await?;
        }
        self.sql.push_str(sql);
        self.statements += 1;
        self.values = bind(std::mem::take(&mut self.values));
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), StorageError> {
        if self.statements == 0 {
            return Ok(());
        }
        self.statements = 0;
        let Values { arguments, problem } = std::mem::take(&mut self.values);
        if let Some(problem) = problem {
            return Err(StorageError::Failed(Box::new(sqlx::Error::Encode(problem))));
        }
        // Only this module's constants.
        let sql = AssertSqlSafe(std::mem::take(&mut self.sql));
        sqlx::query_with(sql, arguments).execute(&mut *self.conn).await.map_err(failed)?;
        Ok(())
    }
}
