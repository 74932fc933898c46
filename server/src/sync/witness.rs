//! What a device can show of the log that it saw, and what it means when the log is another one now.
//!
//! Each answer to a push or a pull, and each with whole documents, heads or the list of segments, bears a witness: the newest
//! number, the chain there, when it was given, and a receipt that only this installation can write. The device shows the
//! newest one that it has with its next request. When the log does not have that chain at that number but the receipt is
//! genuine, the log was once longer: the server was restored from an older backup, or its disk went back.

use desk_domain::{ids::WorkspaceId, time::UtcMillis};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::storage::{Digest, Storage, StorageError};

/// How long after a witness was given what the log lost is taken from whoever has it: as long as a device may stay away.
pub const RECOVERY_MS: i64 = crate::auth::token::REFRESH_MS;

/// Writes and reads witnesses with this installation's secret.
#[derive(Clone)]
pub struct Witnesses {
    mac: Hmac<Sha256>,
}

impl std::fmt::Debug for Witnesses {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Witnesses").finish_non_exhaustive()
    }
}

/// How a witness stands to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The log has what the device saw.
    Holds,
    /// The log was once longer, or another one; it was noted.
    Restored,
    /// It is no witness of this server's.
    Foreign,
}

/// A witness as it was read; only its receipt says whether it is genuine.
struct Witness {
    head: u64,
    chain: Digest,
    issued_at: UtcMillis,
    receipt: Digest,
}

impl Witness {
    /// `HEAD.CHAIN.ISSUED_AT.RECEIPT`, numbers decimal, the rest hexadecimal.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let witness = Self {
            head: parts.next()?.parse().ok()?,
            chain: digest(parts.next()?)?,
            issued_at: UtcMillis(parts.next()?.parse().ok()?),
            receipt: digest(parts.next()?)?,
        };
        parts.next().is_none().then_some(witness)
    }
}

fn digest(text: &str) -> Option<Digest> {
    hex::decode(text).ok()?.try_into().ok()
}

impl Witnesses {
    /// Witnesses under a secret of 32 random bytes.
    ///
    /// # Errors
    /// When the stored secret is empty.
    pub fn new(secret: &[u8]) -> Result<Self, StorageError> {
        let mac = Hmac::new_from_slice(secret).map_err(|_| StorageError::damaged("the witness secret"))?;
        Ok(Self { mac })
    }

    /// The witness of a workspace's log up to `head`.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn issue(
        &self,
        storage: &dyn Storage,
        workspace: WorkspaceId,
        head: u64,
        now: UtcMillis,
    ) -> Result<String, StorageError> {
        let chain = storage.chain_at(workspace, head).await?;
        let chain = chain.ok_or_else(|| StorageError::damaged("a log that ends before its head"))?;
        Ok(self.of(workspace, head, &chain, now))
    }

    /// The witness of a workspace's log that has this chain at `head`.
    pub fn of(&self, workspace: WorkspaceId, head: u64, chain: &Digest, now: UtcMillis) -> String {
        let receipt = self.mac(workspace, head, chain, now).finalize().into_bytes();
        format!("{head}.{}.{}.{}", hex::encode(chain), now.0, hex::encode(receipt))
    }

    /// Holds a witness against the workspace's log; a log that was once longer is noted.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn hold(
        &self,
        storage: &dyn Storage,
        workspace: WorkspaceId,
        shown: &str,
    ) -> Result<Standing, StorageError> {
        let Some(witness) = Witness::parse(shown) else { return Ok(Standing::Foreign) };
        let Witness { head, chain, issued_at, receipt } = witness;
        if storage.chain_at(workspace, head).await? == Some(chain) {
            return Ok(Standing::Holds);
        }
        if self.mac(workspace, head, &chain, issued_at).verify_slice(&receipt).is_err() {
            return Ok(Standing::Foreign);
        }
        tracing::warn!(workspace.id = %workspace, sync.seq = head, "the log was once another one: restored from a backup?");
        storage.note_restored(workspace, issued_at.plus_ms(RECOVERY_MS)).await?;
        Ok(Standing::Restored)
    }

    fn mac(&self, workspace: WorkspaceId, head: u64, chain: &Digest, at: UtcMillis) -> Hmac<Sha256> {
        self.mac
            .clone()
            .chain_update(workspace.0.as_bytes())
            .chain_update(head.to_be_bytes())
            .chain_update(chain)
            .chain_update(at.0.to_be_bytes())
    }
}
