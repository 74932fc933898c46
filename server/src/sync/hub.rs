//! The lanes of all workspaces, and who waits for their heads.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use desk_domain::{
    ids::{DeviceId, WorkspaceId},
    time::UtcMillis,
};
use desk_sync::wire::PushReply;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

use super::{
    created::Created,
    lane::{Batch, Job, Kept, Lane, PushError},
    proposal::{Herald, Stage, Stages},
    push::Incoming,
};
use crate::storage::{News, Storage, StorageError};

/// Batches that wait for one workspace's writer before senders have to.
const QUEUE: usize = 256;

/// One per process. Owns the lanes' tasks; [`Hub::close`] waits until what they hold is written.
pub struct Hub {
    storage: Arc<dyn Storage>,
    /// How long a lane waits for a batch that it decided ahead.
    ahead: Duration,
    lanes: Mutex<HashMap<WorkspaceId, Handle>>,
    access: watch::Sender<u64>,
    created: Arc<Created>,
}

struct Handle {
    jobs: mpsc::Sender<Job>,
    head: watch::Sender<u64>,
    stages: Stages,
    task: JoinHandle<()>,
}

impl Hub {
    /// No lanes yet; each starts when it is needed. What one decided before its sender had it on their disk it waits for as long
    /// as `ahead`.
    pub fn new(storage: Arc<dyn Storage>, ahead: Duration) -> Self {
        Self {
            storage,
            ahead,
            lanes: Mutex::default(),
            access: watch::Sender::new(0),
            created: Arc::default(),
        }
    }

    /// Which categories got new tickets.
    pub fn created(&self) -> &Created {
        &self.created
    }

    /// Decides a batch and writes what is accepted.
    ///
    /// # Errors
    /// See [`PushError`]; nothing of the batch was written then.
    pub async fn push(
        &self,
        workspace: WorkspaceId,
        device: DeviceId,
        now: UtcMillis,
        changes: Vec<Incoming>,
    ) -> Result<PushReply, PushError> {
        self.bring(workspace, Batch { device, now, changes }, None).await
    }

    /// The same for a batch that its sender does not have on their disk yet: it is decided meanwhile where nobody else waits,
    /// and counts once `kept` says that they have it.
    ///
    /// # Errors
    /// See [`PushError`]; [`PushError::Lost`] when they will not have it.
    pub async fn push_ahead(
        &self,
        workspace: WorkspaceId,
        device: DeviceId,
        now: UtcMillis,
        changes: Vec<Incoming>,
        kept: impl Future<Output = bool>,
    ) -> Result<PushReply, PushError> {
        let batch = Batch { device, now, changes };
        let (tell, told) = oneshot::channel();
        let telling = async {
            let is_kept = kept.await;
            // The writer does not wait any more.
            let _ = is_kept.then(|| tell.send(()));
            is_kept
        };
        let (answer, is_kept) = tokio::join!(self.bring(workspace, batch.clone(), Some(told)), telling);
        match answer {
            _ if !is_kept => Err(PushError::Lost),
            Err(PushError::NotYet) => self.bring(workspace, batch, None).await,
            answer => answer,
        }
    }

    async fn bring(
        &self,
        workspace: WorkspaceId,
        batch: Batch,
        kept: Option<Kept>,
    ) -> Result<PushReply, PushError> {
        let jobs = self.with_lane(workspace, |lane| lane.jobs.clone());
        let (reply, verdicts) = oneshot::channel();
        let gone = PushError::Internal("the writer ended");
        if jobs.send(Job { batch, kept, reply }).await.is_err() {
            return Err(gone);
        }
        verdicts.await.unwrap_or(Err(gone))
    }

    /// What the workspace's writer is at.
    pub fn watch_stages(&self, workspace: WorkspaceId) -> watch::Receiver<Stage> {
        self.with_lane(workspace, |lane| lane.stages.subscribe())
    }

    /// The workspace's head as this process knows it; 0 until it has looked.
    pub fn watch_head(&self, workspace: WorkspaceId) -> watch::Receiver<u64> {
        self.with_lane(workspace, |lane| lane.head.subscribe())
    }

    /// Tells of a head that somebody read.
    pub fn saw_head(&self, workspace: WorkspaceId, head: u64) {
        self.with_lane(workspace, |lane| raise(&lane.head, head));
    }

    /// Changes whenever somebody's access was taken away, in whichever process.
    pub fn watch_access(&self) -> watch::Receiver<u64> {
        self.access.subscribe()
    }

    /// Looks for what other processes (`admin`) wrote.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn look_outside(&self) -> Result<(), StorageError> {
        let pulse = self.storage.pulse().await?;
        {
            let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
            for (workspace, lane) in lanes.iter() {
                raise(&lane.head, pulse.heads.get(workspace).copied().unwrap_or(0));
            }
        }
        self.access.send_if_modified(|known| std::mem::replace(known, pulse.access) != pulse.access);
        Ok(())
    }

    /// Hears what other processes write, and looks once for what was written before it listened. Returns `Ok` where
    /// the storage tells nothing, and does not return while it hears.
    ///
    /// # Errors
    /// When the storage fails or the connection that listens is lost.
    pub async fn listen(&self) -> Result<(), StorageError> {
        let Some(mut listener) = self.storage.listen().await? else { return Ok(()) };
        self.look_outside().await?;
        loop {
            match listener.next().await? {
                News::Head { workspace, head } => {
                    let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Some(lane) = lanes.get(&workspace) {
                        raise(&lane.head, head);
                    }
                }
                News::Access => self.look_outside().await?,
            }
        }
    }

    /// Ends the lanes, after the batches that wait.
    pub async fn close(&self) {
        let lanes: Vec<Handle> = {
            let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
            lanes.drain().map(|(_, lane)| lane).collect()
        };
        for Handle { jobs, head, stages, task } in lanes {
            drop((jobs, head, stages));
            // A lane that panicked has nothing left to wait for.
            let _ = task.await;
        }
    }

    fn with_lane<T>(&self, workspace: WorkspaceId, then: impl FnOnce(&Handle) -> T) -> T {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = lanes.entry(workspace).or_insert_with(|| self.start(workspace));
        if lane.task.is_finished() {
            // It panicked; the next one starts from what is stored, and whoever watches the head goes on watching.
            let (head, stages) = (lane.head.clone(), lane.stages.clone());
            *lane = self.start_with(workspace, head, stages);
        }
        then(lane)
    }

    fn start(&self, workspace: WorkspaceId) -> Handle {
        self.start_with(workspace, watch::Sender::new(0), Stages::default())
    }

    fn start_with(&self, workspace: WorkspaceId, head: watch::Sender<u64>, stages: Stages) -> Handle {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let (storage, created) = (Arc::clone(&self.storage), Arc::clone(&self.created));
        let herald = Herald::new(stages.clone());
        let lane = Lane::new(storage, workspace, self.ahead, head.clone(), herald, created);
        Handle { jobs, head, stages, task: tokio::spawn(lane.run(waiting)) }
    }
}

fn raise(head: &watch::Sender<u64>, seen: u64) {
    head.send_if_modified(|known| {
        let moved = *known < seen;
        *known = seen.max(*known);
        moved
    });
}
