//! A change that is on its way into the log. Devices that have everything before it may write it down while the server decides and
//! writes; their commits wait until it stands.

use std::sync::Arc;

use desk_domain::ids::{DeviceId, DocKind, WorkspaceId};
use desk_sync::wire::{Hash, LoggedChange, WireChange};
use tokio::sync::watch;

use crate::storage::{Digest, LogEntry, chain};

/// Nothing is proposed where more than so many listen: processors are what is short then, not time.
const LISTENING: usize = 16;

/// What the writer of a workspace is at.
#[derive(Clone, Debug, Default)]
pub enum Stage {
    /// Nothing that anybody could be told of.
    #[default]
    Quiet,
    /// It took hold of the log for this device's batch; each time with another number.
    Begun(u64, DeviceId),
    /// It decides about a change, and writes it.
    Proposed(Arc<Proposal>),
}

/// Tells what the writer of a workspace is at.
pub(super) type Stages = watch::Sender<Stage>;

/// A change that follows in the log, if it is accepted and its transaction commits.
#[derive(Debug)]
pub struct Proposal {
    /// The number of [`Stage::Begun`].
    pub begun: u64,
    /// The number of the newest change of the workspace's settings.
    pub settings_seq: u64,
    /// Everybody in the workspace sees it.
    pub change: LoggedChange,
    /// Who made it.
    pub from: DeviceId,
    /// The log's chain with it.
    pub chain: Digest,
    stands: watch::Receiver<bool>,
}

impl Proposal {
    /// Waits until it is on the disk; `false` when it will not be.
    pub async fn stands(&self) -> bool {
        self.stands.clone().wait_for(|stands| *stands).await.is_ok()
    }
}

/// The writer's side of a proposal: dropped, it says that the proposal does not stand.
pub(super) struct Writing {
    entry: LogEntry,
    stands: watch::Sender<bool>,
}

impl Writing {
    /// These are on the disk, where the proposal was to be.
    pub(super) fn stand(self, entries: &[LogEntry]) {
        if entries == [self.entry] {
            // Without anybody who was told of it, nobody waits.
            let _ = self.stands.send(true);
        }
    }
}

/// Where the log ends, by which settings.
pub(super) struct Tip {
    pub(super) head: u64,
    pub(super) chain: Digest,
    pub(super) settings_seq: u64,
}

/// Tells who listens what the writer is at.
pub(super) struct Herald {
    stages: Stages,
    begun: u64,
}

impl Herald {
    pub(super) fn new(stages: Stages) -> Self {
        Self { stages, begun: 0 }
    }

    /// The writer took hold of the log for a device's batch; whether proposals are of use.
    pub(super) fn begin(&mut self, from: DeviceId) -> bool {
        let is_heard = (1..=LISTENING).contains(&self.stages.receiver_count());
        if is_heard {
            self.begun += 1;
            self.stages.send_replace(Stage::Begun(self.begun, from));
        }
        is_heard
    }

    /// Proposes a change of a document of this kind.
    pub(super) fn propose(
        &self,
        workspace: WorkspaceId,
        tip: &Tip,
        kind: DocKind,
        entry: LogEntry,
    ) -> Writing {
        let seq = tip.head + 1;
        let (stands, standing) = watch::channel(false);
        let LogEntry { doc, hash, bytes, .. } = &entry;
        let change = WireChange { doc: *doc, kind, hash: Hash(*hash), bytes: bytes.clone() };
        let proposal = Proposal {
            begun: self.begun,
            settings_seq: tip.settings_seq,
            change: LoggedChange { seq, change },
            from: entry.actor,
            chain: chain::next(&tip.chain, workspace, seq, &entry),
            stands: standing,
        };
        self.stages.send_replace(Stage::Proposed(Arc::new(proposal)));
        Writing { entry, stands }
    }

    /// The writer is done.
    pub(super) fn end(&self) {
        self.stages.send_if_modified(|stage| {
            let was_heard = !matches!(stage, Stage::Quiet);
            *stage = Stage::Quiet;
            was_heard
        });
    }
}
