//! A store that exists twice: restored from a backup, or cloned to a second machine. Both copies would go on as one Automerge
//! actor and use its numbers twice, and a document with such a fork is none any more.
//!
//! It shows in three ways: the server has another change under a number that this device has just used; the log holds changes
//! of this device that it never made; the store opens on another machine. From then on a mark stands in the store, until the
//! device is registered with a fresh id and what waits to be sent is made again under it. What the log has of the former id
//! stays as it is. Nothing is asked of the person, unless the twin has used the session up: then they sign in again.

use std::collections::BTreeMap;

use desk_api::ApiError;
use desk_domain::ids::{DeviceId, DocId};
use desk_store::{Batch, Hash32};
use desk_sync::{push::Refused, wire::RejectCode};

use super::{Fact, Link};
use crate::{Desk, error};

/// Stands among the store's facts while the device's id is also another's.
const TWIN: &str = "device.twin";

/// That the device's id is also another's: written with what shows it.
pub(crate) fn twin_fact() -> Fact {
    (TWIN.to_owned(), Some(b"1".to_vec()))
}

/// That it is this device's alone again.
pub(crate) fn no_twin_fact() -> Fact {
    (TWIN.to_owned(), None)
}

impl Desk {
    /// The device's id is also another's.
    pub(super) async fn has_twin(&self) -> Result<bool, ApiError> {
        Ok(self.store().meta(TWIN).await.map_err(error::store)?.is_some())
    }

    /// Registers this installation anew and makes everything that waits again under the fresh id, in one transaction.
    /// First all of it is sent under the old one: of a store that was copied, the other copy may have sent it.
    pub(super) async fn become_new_device(&self, link: &Link) -> Result<(), ApiError> {
        self.offer_all(link).await?;
        let device = DeviceId(self.inner.ids.fresh());
        let http = &link.http;
        let session = self.ask(link, |access| async move { http.new_device(&access, device).await }).await?;
        let _writing = self.inner.writing.lock().await;
        let mut batch = self.as_new_device(device, &session)?;
        let mut docs: Vec<DocId> = Vec::new();
        for change in self.store().outbox_batch(usize::MAX, usize::MAX).await.map_err(error::store)? {
            if !docs.contains(&change.doc) {
                docs.push(change.doc);
            }
        }
        for doc in docs {
            self.make_again(doc, device, &mut batch).await?;
        }
        let committed = self.store().commit(&batch).await.map_err(error::store)?;
        self.adopt_device(device);
        self.restore_session().await?;
        tracing::warn!(device.id = %device, "the store exists twice; this copy goes on as a new device");
        self.committed(&committed);
        Ok(())
    }

    async fn make_again(&self, doc: DocId, device: DeviceId, batch: &mut Batch) -> Result<(), ApiError> {
        let Some((document, heads)) = self.load(doc).await? else { return Ok(()) };
        let waiting = self.store().outbox_of(doc).await.map_err(error::store)?;
        let again = Refused {
            code: RejectCode::DependsOnRejected.as_str(),
            reason: "another copy of this device has made another change".to_owned(),
        };
        let all: BTreeMap<Hash32, Refused> =
            waiting.iter().map(|change| (change.hash, again.clone())).collect();
        self.settle_into(document, heads, device, &waiting, &all, batch).map(drop)
    }
}
