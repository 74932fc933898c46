//! Tokens by which programs post heartbeats and metrics: making, listing, revoking.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use desk_domain::{
    detection::SignalScope,
    ids::{Ids, WorkspaceId},
    time::UtcMillis,
};

use crate::{
    auth::token::refresh_hash,
    random::{Random, bytes},
    storage::{Storage, StorageError, signals::SignalToken},
};

/// What every token begins with, so that one that was left lying about is known for what it is.
pub const PREFIX: &str = "wnt_";

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// There is no such workspace.
    #[error("there is no workspace {0:?}; `workernet-server admin workspace create` makes one")]
    NoWorkspace(String),
    /// The name is blank or too long.
    #[error("the token needs a name of 1 to 200 characters that says who uses it")]
    InvalidName,
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Makes a token. What it is comes back this once; the server keeps its hash.
///
/// # Errors
/// See [`TokenError`].
#[tracing::instrument(skip_all, fields(workspace.slug = %workspace))]
pub async fn create(
    storage: &dyn Storage,
    workspace: &str,
    name: &str,
    scope: SignalScope,
    now: UtcMillis,
    random: &dyn Random,
    ids: &dyn Ids,
) -> Result<(SignalToken, String), TokenError> {
    let name = name.trim();
    if !(1..=200).contains(&name.chars().count()) {
        return Err(TokenError::InvalidName);
    }
    let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes::<32>(random)));
    let token = SignalToken {
        id: ids.fresh(),
        workspace: find(storage, workspace).await?,
        name: name.to_owned(),
        scope,
        created_at: now,
        used_at: None,
        revoked_at: None,
    };
    storage.add_signal_token(&token, refresh_hash(&text)).await?;
    tracing::info!(token.id = %token.id, %scope, "token made");
    Ok((token, text))
}

/// All tokens of a workspace, the newest first.
///
/// # Errors
/// See [`TokenError`].
pub async fn list(storage: &dyn Storage, workspace: &str) -> Result<Vec<SignalToken>, TokenError> {
    Ok(storage.signal_tokens(find(storage, workspace).await?).await?)
}

async fn find(storage: &dyn Storage, slug: &str) -> Result<WorkspaceId, TokenError> {
    let found = storage.workspace_by_slug(slug).await?;
    found.map(|workspace| workspace.id).ok_or_else(|| TokenError::NoWorkspace(slug.to_owned()))
}
