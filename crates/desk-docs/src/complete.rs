//! The sections that settings lack because an older program made them.
//!
//! Of two maps that are made under one key, the entries of one vanish. A server that was restored from a backup makes sections
//! that it made before, and of two devices with one store each may think that it is the one to make them. So whoever makes
//! them makes the very same change: it builds on the document's first change alone, bears that one's time, and its actor
//! derives from the document and what is written. The same change twice is one.
//!
//! A section is a change of its own, so that it is the same whichever other sections are lacking. What a new section begins with
//! is another change on top of it: a later program may begin it with something else and still makes the same map. Both stand
//! so early in the document's history that whatever anybody ever wrote into the section comes later and wins.

use automerge::{
    ActorId, AutoCommit, ObjType, ROOT, ReadDoc,
    transaction::{CommitOptions, Transactable},
};
use desk_domain::{
    edit::Section,
    ids::{DocId, DocKind},
};
use sha2::{Digest, Sha256};

use crate::{Document, NewChange, change::VerifiedChange, document::EditError};

/// The sections that a document of settings lacks.
fn lacking(doc: &AutoCommit) -> impl Iterator<Item = Section> {
    Section::LATER.into_iter().filter(|section| matches!(doc.get(ROOT, section.as_str()), Ok(None)))
}

/// An actor that writes one thing into one document, once.
fn derived(id: DocId, parts: &[&str]) -> ActorId {
    let mut hash = Sha256::new();
    hash.update(id.0.as_bytes());
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    ActorId::from(uuid::Builder::from_custom_bytes(bytes).into_uuid().as_bytes().as_slice())
}

impl Document {
    /// Settings that an older program made lack the sections that came since: see [`complete`](Self::complete).
    pub fn lacks_sections(&self) -> bool {
        self.kind() == DocKind::Workspace && lacking(self.automerge()).next().is_some()
    }

    /// Makes the sections that settings lack, each with those of `entries` (section, key, JSON) that are in it. What is made is
    /// the same wherever and whenever it is made, so that nobody's entries can be lost to somebody else's section. It is the
    /// server's to do, or that of a workspace on one device alone. The changes come in the order in which they build on each
    /// other, each the first one of its actor; none when nothing is lacking.
    ///
    /// # Errors
    /// When the document has no beginning or is another kind's.
    pub fn complete(
        mut self,
        entries: &[(Section, String, String)],
    ) -> Result<(Self, Vec<NewChange>), EditError> {
        if self.kind() != DocKind::Workspace {
            return Err(EditError::WrongPlace("only settings have sections"));
        }
        let id = self.id();
        let sections: Vec<Section> = lacking(self.automerge()).collect();
        let doc = self.automerge_mut();
        let first = doc.get_changes(&[]).into_iter().find(|change| change.deps().is_empty());
        let first = first.ok_or(EditError::WrongPlace("the document does not exist"))?;
        let options = || CommitOptions::default().with_time(first.timestamp());
        let mut made = Vec::new();
        for section in sections {
            let mut branch = doc.fork_at(&[first.hash()])?;
            branch.set_actor(derived(id, &["section", section.as_str()]));
            let map = branch.put_object(ROOT, section.as_str(), ObjType::Map)?;
            branch.commit_with(options());
            made.extend(branch.get_last_local_change());
            let entries = || entries.iter().filter(|(of, ..)| *of == section);
            if entries().next().is_some() {
                let content = entries().flat_map(|(_, key, json)| [key.as_str(), json]);
                let parts: Vec<&str> = ["entries", section.as_str()].into_iter().chain(content).collect();
                branch.set_actor(derived(id, &parts));
                for (_, key, json) in entries() {
                    branch.put(&map, key, json.as_str())?;
                }
                branch.commit_with(options());
                made.extend(branch.get_last_local_change());
            }
        }
        doc.apply_changes(made.clone())?;
        let changes = made.into_iter().map(VerifiedChange::own);
        let changes = changes.map(|change| NewChange { hash: change.hash(), bytes: change.bytes().to_vec() });
        Ok((self, changes.collect()))
    }
}
