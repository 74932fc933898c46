//! The server's log as it was: what devices can show of it, and a server that is restored from an older backup.

use std::collections::HashMap;

use desk_domain::{
    ids::{DeviceId, DocId, WorkspaceId},
    permissions::Actor,
};
use workernet_server::{
    storage::{Digest, chain},
    sync::push::Incoming,
};

use super::{Account, Refusal, Server};

/// The log up to a number, as a device saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Witness {
    head: u64,
    chain: Digest,
}

/// A change that the log had: of which document, and which.
pub(crate) type LoggedAs = (DocId, Digest);

/// What a server that was restored does not know any more.
#[derive(Debug)]
pub(crate) struct Lost {
    /// Changes that its log had.
    pub(crate) changes: Vec<LoggedAs>,
    /// Changes that it had refused.
    pub(crate) refusals: Vec<LoggedAs>,
}

impl Server {
    /// What an answer shows of the log.
    pub(crate) fn witness(&self) -> Witness {
        Witness { head: self.head(), chain: self.chain_at(self.head()).unwrap_or(chain::START) }
    }

    fn chain_at(&self, seq: u64) -> Option<Digest> {
        match usize::try_from(seq).ok()?.checked_sub(1) {
            None => Some(chain::START),
            Some(at) => self.log.get(at).map(|logged| logged.chain),
        }
    }

    /// The chain at the entry that is to be appended.
    pub(super) fn next_chain(&self, entry: &workernet_server::storage::LogEntry) -> Digest {
        let before = self.chain_at(self.head()).unwrap_or(chain::START);
        // There is but one workspace.
        chain::next(&before, WorkspaceId(self.settings.0), self.head() + 1, entry)
    }

    /// Whether the log has what a device saw of it.
    pub(crate) fn is_as_seen(&self, shown: Option<Witness>) -> bool {
        shown.is_none_or(|Witness { head, chain }| self.chain_at(head) == Some(chain))
    }

    /// Holds what a device shows against the log. From the first that shows another one, what the log lost is taken from anybody.
    pub(crate) fn hold(&mut self, shown: Option<Witness>) -> Result<(), Refusal> {
        if self.is_as_seen(shown) {
            return Ok(());
        }
        self.recovering = true;
        Err(Refusal::Restored)
    }

    /// Says by whose rights changes of other devices are judged, as `sync::relay` does.
    pub(super) fn admit(&self, sender: &Account, device: DeviceId, changes: &mut [Incoming]) {
        if !self.recovering {
            return;
        }
        for incoming in changes {
            let Some(author) = incoming.author().filter(|author| *author != device) else { continue };
            let owner = self.devices.get(&author).map(|(member, _)| &self.accounts[*member]);
            incoming.relayed_for = Some(match owner {
                Some(owner) => Actor { member: Some(owner.id), role: owner.role },
                None => Actor { member: None, role: sender.role },
            });
        }
    }

    /// The newest numbers of the other devices whose changes are brought.
    pub(super) fn relayed_seqs(&self, doc: DocId, changes: &[Incoming]) -> HashMap<DeviceId, u64> {
        let Some(kept) = self.documents.get(&doc) else { return HashMap::new() };
        let relayed = changes.iter().filter(|incoming| incoming.doc == doc && incoming.relayed_for.is_some());
        let author = |incoming: &Incoming| {
            let author = incoming.author()?;
            Some((author, kept.seqs.get(&author).copied().unwrap_or(0)))
        };
        relayed.filter_map(author).collect()
    }

    /// The server becomes what it was. Gives back what it lost; what was revoked since is revoked again.
    pub(crate) fn restore(&mut self, backup: Self) -> Lost {
        let before = std::mem::replace(self, backup);
        self.own.extend(before.own);
        for (device, (member, is_revoked)) in before.devices {
            if is_revoked {
                self.devices.insert(device, (member, true));
            }
        }
        let logged = before.log.into_iter().map(|logged| (logged.entry.doc, logged.entry.hash));
        Lost {
            changes: logged.filter(|change| !self.index.contains_key(change)).collect(),
            refusals: before
                .refused
                .into_keys()
                .filter(|change| !self.refused.contains_key(change))
                .collect(),
        }
    }

    /// Whether a change stands in the log.
    pub(crate) fn has(&self, logged: &LoggedAs) -> bool {
        self.index.contains_key(logged)
    }

    /// Somebody signs in on a device that the server does not know.
    pub(crate) fn sign_in(&mut self, device: DeviceId, member: usize) {
        self.devices.entry(device).or_insert((member, false));
    }
}
