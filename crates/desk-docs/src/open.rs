//! Documents that stay open between uses: opening one costs more than most edits of it.

use std::collections::HashMap;

use desk_domain::ids::DocId;

use crate::Document;

/// A document that is kept open.
#[derive(Debug)]
pub struct Open<State> {
    /// Which state of the stored document it is; whoever takes it out compares.
    pub state: State,
    /// The size of its snapshot, bytes.
    pub size_bytes: usize,
    /// The document.
    pub document: Document,
}

/// The documents that were used last, as many as the limits allow. Taking one out leaves nothing behind, so what fails with
/// it leaves nothing half-changed.
#[derive(Debug)]
pub struct OpenDocuments<State> {
    documents: HashMap<DocId, (u64, Open<State>)>,
    size_bytes: usize,
    uses: u64,
    max_documents: usize,
    max_bytes: usize,
}

impl<State> OpenDocuments<State> {
    /// None yet; at most `max_documents` with snapshots of `max_bytes` together. Open, a document takes five to six times the
    /// bytes of its snapshot.
    pub fn new(max_documents: usize, max_bytes: usize) -> Self {
        Self { documents: HashMap::new(), size_bytes: 0, uses: 0, max_documents, max_bytes }
    }

    /// Takes a document out.
    pub fn take(&mut self, doc: DocId) -> Option<Open<State>> {
        let (_, open) = self.documents.remove(&doc)?;
        self.size_bytes -= open.size_bytes;
        Some(open)
    }

    /// A document, left where it is.
    pub fn get(&self, doc: DocId) -> Option<&Open<State>> {
        self.documents.get(&doc).map(|(_, open)| open)
    }

    /// Keeps a document; those that were not used for longest go where there are too many.
    pub fn put(&mut self, doc: DocId, open: Open<State>) {
        self.take(doc);
        self.uses += 1;
        self.size_bytes += open.size_bytes;
        self.documents.insert(doc, (self.uses, open));
        while self.documents.len() > self.max_documents || self.size_bytes > self.max_bytes {
            let oldest = self.documents.iter().min_by_key(|(_, (used, _))| *used).map(|(doc, _)| *doc);
            let Some(oldest) = oldest else { break };
            self.take(oldest);
        }
    }

    /// Closes all of them.
    pub fn clear(&mut self) {
        self.documents.clear();
        self.size_bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use desk_domain::{
        ids::{DocKind, uuid_v7},
        time::UtcMillis,
    };

    use super::*;

    fn id(number: u8) -> DocId {
        DocId(uuid_v7(UtcMillis(1), [number; 10]))
    }

    fn open(number: u8, size_bytes: usize) -> Open<u8> {
        Open { state: number, size_bytes, document: Document::empty(id(number), DocKind::Ticket) }
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let mut kept = OpenDocuments::new(2, 100);
        for number in 1..=2 {
            kept.put(id(number), open(number, 10));
        }
        let first = kept.take(id(1)).unwrap();
        kept.put(id(1), first);
        kept.put(id(3), open(3, 10));
        assert!(kept.take(id(2)).is_none());
        assert_eq!(kept.take(id(1)).map(|open| open.state), Some(1));
        assert!(kept.take(id(1)).is_none(), "it was taken out");
    }

    #[test]
    fn they_are_no_larger_than_allowed() {
        let mut kept = OpenDocuments::new(10, 100);
        kept.put(id(1), open(1, 60));
        kept.put(id(2), open(2, 60));
        assert!(kept.take(id(1)).is_none() && kept.take(id(2)).is_some());
        kept.put(id(3), open(3, 101));
        assert!(kept.take(id(3)).is_none(), "too large to be kept at all");
        kept.put(id(4), open(4, 100));
        assert_eq!(kept.get(id(4)).map(|open| open.state), Some(4));
        assert!(kept.take(id(4)).is_some() && kept.get(id(4)).is_none());
    }
}
