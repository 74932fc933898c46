//! Pages of a log in which not everybody sees everything: what the rows that a database gives come to.

use desk_domain::{
    access::{Entry, Left, Shown},
    ids::{DocId, DocKind, MemberId},
};
use desk_sync::wire::WholeDocument;

use super::{Digest, LogPage, LoggedEntry, PageLimits, Reader, StorageError};

/// An entry of the log with what is known of its document.
pub(super) struct Row {
    pub(super) seq: u64,
    pub(super) doc: DocId,
    pub(super) kind: DocKind,
    pub(super) hash: Digest,
    pub(super) owner: Option<MemberId>,
    pub(super) team: Option<String>,
    /// That the document left a team with this entry.
    pub(super) left: Option<LeftTeam>,
    /// When the document last came into a private team or left one.
    pub(super) crossed: Option<u64>,
    /// The change or the whole document, if the reader gets either.
    pub(super) bytes: Option<Vec<u8>>,
}

/// The team that a document left; `None` where it was no team's.
pub(super) struct LeftTeam(pub(super) Option<String>);

/// The log's end when a page was read.
#[derive(Clone, Copy)]
pub(super) struct Tip {
    pub(super) head: u64,
    pub(super) chain: Digest,
    /// The number of the newest change of the settings.
    pub(super) settings_seq: u64,
}

/// A page that is being filled.
pub(super) struct Filling<'a> {
    pub(super) page: LogPage,
    reader: &'a Reader,
    limits: PageLimits,
    size_bytes: usize,
}

impl<'a> Filling<'a> {
    pub(super) fn new(reader: &'a Reader, after: u64, tip: Tip, limits: PageLimits) -> Self {
        let Tip { head, chain, settings_seq } = tip;
        let page = LogPage {
            entries: Vec::new(),
            documents: Vec::new(),
            withdrawn: Vec::new(),
            is_personal: false,
            settings_seq,
            cursor: after,
            head,
            chain,
        };
        Self { page, reader, limits, size_bytes: 0 }
    }

    /// Adds the next entry; `false` when it does not fit any more.
    pub(super) fn add(&mut self, row: Row) -> Result<bool, StorageError> {
        let Row { seq, doc, kind, hash, owner, team, left, crossed, bytes } = row;
        let left = left.as_ref().map(|LeftTeam(from)| Left { from: from.as_deref() });
        let entry = Entry { seq, team: team.as_deref(), left, crossed };
        let shown = match owner {
            Some(owner) if owner != self.reader.member => Shown::Nothing,
            Some(_) | None => self.reader.scope.shows(&entry),
        };
        let found = || bytes.ok_or_else(|| StorageError::damaged("an entry that is seen and has no bytes"));
        match shown {
            Shown::Nothing => {}
            Shown::Withdrawn => self.page.withdrawn.push(doc),
            Shown::Change => {
                let bytes = found()?;
                if !self.fits(bytes.len()) {
                    return Ok(false);
                }
                self.page.entries.push(LoggedEntry { seq, doc, kind, hash, bytes });
            }
            Shown::Whole => {
                let snapshot = found()?;
                if !self.fits(snapshot.len()) {
                    return Ok(false);
                }
                self.page.documents.push(WholeDocument { doc, kind, snapshot });
            }
        }
        self.page.is_personal |= owner.is_some();
        self.page.cursor = seq;
        Ok(true)
    }

    fn fits(&mut self, bytes: usize) -> bool {
        let fits = self.size_bytes == 0 || self.size_bytes + bytes <= self.limits.bytes;
        if fits {
            self.size_bytes += bytes;
        }
        fits
    }
}
