//! An edit that sets out while it is still being written here: the way to the server and what is decided there take about as long
//! as the disk does.
//!
//! It goes out at once on the live connection, and it is said there when it is on this device's disk. What the server decides counts
//! from then on: an edit that could not be written never was.

use std::sync::PoisonError;

use desk_docs::NewChange;
use desk_domain::edit::Edit;
use desk_store::Hash32;
use desk_sync::wire::{Hash, Push, WireChange};
use tokio::sync::oneshot;

use super::{
    Link,
    driver::Signals,
    facts::Facts,
    http::Answer,
    live::{Live, Verdicts},
    push::Pushed,
};
use crate::{Desk, machine::CorrectedClock};

/// A change that is being written down.
pub(crate) struct Coming {
    change: WireChange,
    /// Comes once it is written; is closed when it will not be.
    written: oneshot::Receiver<()>,
}

/// That a change was handed to the driver. Dropped, it says that the change will not be written.
pub(crate) struct Announced(oneshot::Sender<()>);

impl Announced {
    /// The change is on the disk, and in the outbox.
    pub(crate) fn written(self) {
        // Who is not there any more finds it in the outbox.
        let _ = self.0.send(());
    }
}

impl Signals {
    /// Waits for the next change that is announced: for a driver that has nothing else to do.
    pub(super) fn coming(&self) -> oneshot::Receiver<Coming> {
        let (offer, coming) = oneshot::channel();
        *self.awaited.lock().unwrap_or_else(PoisonError::into_inner) = Some(offer);
        coming
    }

    /// Hands over the change of an edit that is going to be written; nothing where no driver waits for it.
    pub(crate) fn announce(&self, edit: &Edit, change: &NewChange) -> Option<Announced> {
        let awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let (announced, written) = oneshot::channel();
        let change = WireChange {
            doc: edit.doc,
            kind: edit.kind(),
            hash: Hash(change.hash),
            bytes: change.bytes.clone(),
        };
        awaited.send(Coming { change, written }).ok().map(|()| Announced(announced))
    }
}

impl Desk {
    /// Sends a change that is being written down, by facts that were read before it was made. `None`: it was not sent, or what
    /// became of it is not known. It goes the way of any other then, by the outbox.
    pub(super) async fn push_ahead(
        &self,
        link: &Link,
        live: &mut Live,
        coming: Coming,
        known: Facts,
    ) -> Option<Pushed> {
        if self.signed_in().is_none_or(|session| session != link.session) {
            return None;
        }
        let Coming { change, written } = coming;
        let (doc, hash) = (change.doc, change.hash.0);
        let level = (known.cursor, known.scope);
        let sent_at = CorrectedClock::machine_now();
        if !live.push(&Push { changes: vec![change] }, known.witness.as_deref()).await {
            return None;
        }
        let is_kept = self.is_level_but_for(level, hash).await && written.await.is_ok();
        let Verdicts { reply, sent_at: answered_at, witness } = live.verdicts(is_kept).await?;
        let offset_ms = link.http.learn(answered_at, sent_at);
        self.learn_clock(offset_ms).await;
        let answer = Answer { value: reply, offset_ms, witness: Some(witness) };
        // Before the outbox is looked at: what is written after this is told of anew.
        self.inner.sync.forget_edited();
        let mut waiting = self.store().outbox_of(doc).await.ok()?;
        waiting.retain(|change| change.hash == hash);
        let pushed = self.heed_verdicts(level, &waiting, answer).await;
        let pushed =
            pushed.inspect_err(|problem| tracing::debug!("the verdict was not kept: {problem}")).ok()?;
        (!self.has_twin().await.ok()?).then_some(pushed)
    }

    /// Whether the store still is as far as it was, and nothing waits to be sent but this change. What another process made
    /// and did not send comes first: this change may build on it.
    async fn is_level_but_for(&self, (cursor, scope): (u64, Option<Hash>), hash: Hash32) -> bool {
        let store = self.store();
        let (stands, others) = tokio::join!(self.stands_at(cursor, scope), store.has_unsent_beside(hash));
        stands && others.is_ok_and(|others| !others)
    }
}

#[cfg(test)]
mod tests {
    use desk_domain::{
        edit::{NewTicket, Ops, Stamped, TicketOp},
        ids::{DocId, uuid_v7},
        time::UtcMillis,
    };

    use super::*;

    fn edit() -> (Edit, NewChange) {
        let now = UtcMillis(1_790_000_000_000);
        let op = TicketOp::Create { ticket: NewTicket::titled("Касса") };
        let steps = vec![Stamped::new(now, "anna".to_owned(), op)];
        let edit = Edit { doc: DocId(uuid_v7(now, [7; 10])), ops: Ops::Ticket(steps) };
        (edit, NewChange { hash: [1; 32], bytes: vec![1, 2, 3] })
    }

    #[tokio::test]
    async fn a_change_is_handed_to_who_waits_for_it_and_to_nobody_else() {
        let (signals, (edit, change)) = (Signals::default(), edit());
        assert!(signals.announce(&edit, &change).is_none(), "nobody waits");
        drop(signals.coming());
        assert!(signals.announce(&edit, &change).is_none(), "nobody waits any more");

        let waiting = signals.coming();
        let announced = signals.announce(&edit, &change).unwrap();
        assert!(signals.announce(&edit, &change).is_none(), "one at a time");
        let mut coming = waiting.await.unwrap();
        assert_eq!((coming.change.doc, coming.change.hash), (edit.doc, Hash(change.hash)));
        assert!(coming.written.try_recv().is_err(), "not yet");
        announced.written();
        assert!(coming.written.await.is_ok());
    }

    #[tokio::test]
    async fn what_is_not_written_is_told() {
        let (signals, (edit, change)) = (Signals::default(), edit());
        let waiting = signals.coming();
        drop(signals.announce(&edit, &change));
        assert!(waiting.await.unwrap().written.await.is_err());
    }
}
