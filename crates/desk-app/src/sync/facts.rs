//! What the store knows about sync, read at once before each push and pull: fact by fact it would take longer than sending
//! an edit does.

use desk_api::{ApiError, ErrorCode};
use desk_domain::ids::DeviceId;
use desk_sync::wire::Hash;

use super::{
    Tokens,
    recovery::{RECOVERING, WITNESS},
    scope::{SCOPE, WITHDRAWN, scope_of},
};
use crate::{Desk, error};

/// The facts as they stood at one moment. Another process on the store may change them; whatever is written by them is
/// written so that this does no harm.
pub(super) struct Facts {
    /// How far the log is read.
    pub(super) cursor: u64,
    /// The scope under which everything up to the cursor is here.
    pub(super) scope: Option<Hash>,
    /// What the server gave last as proof of its log.
    pub(super) witness: Option<String>,
    pub(super) tokens: Option<Tokens>,
    device: Option<DeviceId>,
    /// What the server lost does not all wait to be sent.
    pub(super) is_recovering: bool,
    is_to_withdraw: bool,
}

impl Facts {
    /// Nothing stands in the way of a push or pull by this device.
    fn is_ready(&self, me: DeviceId) -> bool {
        !self.is_recovering && !self.is_to_withdraw && self.device.is_none_or(|device| device == me)
    }
}

impl Desk {
    /// The facts, once nothing stands in the way of a push or pull: an id that another process gave this installation is taken
    /// over, documents that are to go are let go of.
    ///
    /// # Errors
    /// [`ErrorCode::ServerRestored`] while a recovery stands that was broken off.
    pub(super) async fn ready_facts(&self) -> Result<Facts, ApiError> {
        let facts = self.facts().await?;
        if facts.is_ready(self.device()) {
            return Ok(facts);
        }
        if facts.is_recovering {
            return Err(ApiError::new(ErrorCode::ServerRestored, "the server has not everything back"));
        }
        self.follow_device().await?;
        self.withdraw_due().await?;
        self.facts().await
    }

    /// Whether the log is read to this number under this scope, and nothing stands in the way of a push or pull.
    pub(super) async fn stands_at(&self, cursor: u64, scope: Option<Hash>) -> bool {
        let is_there =
            |facts: Facts| facts.is_ready(self.device()) && (facts.cursor, facts.scope) == (cursor, scope);
        self.facts().await.is_ok_and(is_there)
    }

    /// The facts as they stand.
    pub(super) async fn facts(&self) -> Result<Facts, ApiError> {
        let known = self.store().facts(&["device", "tokens", RECOVERING, SCOPE, WITNESS], WITHDRAWN).await;
        let mut known = known.map_err(error::store)?;
        let mut text = |key: &str| known.facts.remove(key).and_then(|value| String::from_utf8(value).ok());
        Ok(Facts {
            scope: scope_of(text(SCOPE).as_deref(), known.cursor),
            witness: text(WITNESS),
            tokens: text("tokens").and_then(|text| serde_json::from_str(&text).ok()),
            device: text("device").and_then(|text| text.parse().ok()),
            is_recovering: text(RECOVERING).is_some(),
            is_to_withdraw: known.has_more,
            cursor: known.cursor,
        })
    }
}
