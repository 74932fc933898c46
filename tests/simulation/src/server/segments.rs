//! Segments for new devices: packed by the real writer, for everybody and for each private team by itself.
//!
//! A set is given as long as it is not far behind the log; a segment stays to be had until a document of it has moved into a private
//! team.

use std::{borrow::Cow, collections::BTreeSet};

use desk_docs::{PackedDocument, SCHEMA};
use desk_domain::{
    access::Scope,
    ids::{DeviceId, DocId, DocKind},
    projection::PROJECTION_VERSION,
};
use desk_sync::{
    scope::scope_id,
    segment::{Bootstrap, Segment, SegmentWriter, rules_id},
    wire::Hash,
};

use super::{Kept, Refusal, Server, whole};
use crate::Broken;

/// Documents in a segment.
const TOGETHER: usize = 2;

/// A segment, and for whom it is.
#[derive(Clone)]
pub(super) struct Packed {
    cursor: u64,
    private: BTreeSet<String>,
    team: Option<String>,
    docs: BTreeSet<DocId>,
    segment: Segment,
}

impl Server {
    /// What a new device begins with; a set that is more than `behind` changes behind the log is made anew.
    pub(crate) fn bootstrap(
        &mut self,
        device: DeviceId,
        behind: u64,
    ) -> Result<Result<Bootstrap, Refusal>, Broken> {
        let (scope, personal) = match self.reader(device) {
            Ok(account) => (self.scope(account), account.personal),
            Err(refusal) => return Ok(Err(refusal)),
        };
        let is_usable = self.set.is_some_and(|cursor| self.head() - cursor <= behind)
            && self.present().all(|packed| packed.private == *scope.private() && !self.is_outdated(packed));
        if !is_usable {
            self.pack(&scope)?;
        }
        let own = [self.settings, personal];
        let own = own.into_iter().filter_map(|doc| Some(whole(doc, self.documents.get(&doc)?))).collect();
        let seen = self.present().filter(|packed| scope.sees(packed.team.as_deref()));
        Ok(Ok(Bootstrap {
            cursor: self.set.unwrap_or_default(),
            projection: PROJECTION_VERSION,
            rules: rules_id(self.workspace.as_ref()),
            segments: seen.map(|packed| packed.segment.reference).collect(),
            own,
            scope: scope_id(&scope),
        }))
    }

    /// A segment's bytes; nothing when it is not for them, or not any more.
    pub(crate) fn segment(&self, device: DeviceId, id: Hash) -> Result<Option<Vec<u8>>, Refusal> {
        let scope = self.scope(self.reader(device)?);
        let found = self.segments.iter().rev().find(|packed| packed.segment.reference.id == id);
        let is_given = |packed: &&Packed| {
            packed.private == *scope.private()
                && scope.sees(packed.team.as_deref())
                && !self.is_outdated(packed)
        };
        Ok(found.filter(is_given).map(|packed| packed.segment.bytes.clone()))
    }

    fn present(&self) -> impl Iterator<Item = &Packed> {
        self.segments.iter().filter(|packed| Some(packed.cursor) == self.set)
    }

    /// A document has moved out of the segment's audience into a private team since.
    fn is_outdated(&self, packed: &Packed) -> bool {
        let is_private =
            |team: &Option<String>| team.as_ref().is_some_and(|team| packed.private.contains(team));
        let has_left = |kept: &Kept| {
            let from_here = |from: &Option<String>| match packed.team {
                None => !is_private(from),
                Some(_) => *from == packed.team,
            };
            is_private(&kept.team)
                && kept.team != packed.team
                && kept.moves.iter().any(|(at, from, _)| *at > packed.cursor && from_here(from))
        };
        packed.docs.iter().filter_map(|doc| self.documents.get(doc)).any(has_left)
    }

    fn pack(&mut self, scope: &Scope) -> Result<(), Broken> {
        let (cursor, private) = (self.head(), scope.private().clone());
        // Two sets of one moment are one.
        self.segments.retain(|packed| packed.cursor != cursor);
        for team in std::iter::once(None).chain(private.iter().cloned().map(Some)) {
            let is_theirs = |kept: &Kept| match &team {
                None => kept.team.as_ref().is_none_or(|team| !private.contains(team)),
                Some(_) => kept.team == team,
            };
            let shared = |kept: &Kept| !matches!(kept.kind, DocKind::Workspace | DocKind::Personal);
            let theirs: Vec<(DocId, &Kept)> = self
                .documents
                .iter()
                .filter(|(_, kept)| shared(kept) && is_theirs(kept))
                .map(|(doc, kept)| (*doc, kept))
                .collect();
            let mut made = Vec::new();
            for part in theirs.chunks(TOGETHER) {
                let mut writer = SegmentWriter::default();
                for (doc, kept) in part {
                    let mut document = kept.document.clone();
                    writer
                        .add(PackedDocument {
                            doc: *doc,
                            kind: kept.kind,
                            heads: document.heads(),
                            schema: SCHEMA,
                            projection: None,
                            snapshot: Cow::Owned(document.save()),
                        })
                        .map_err(Broken::new)?;
                }
                let docs = part.iter().map(|(doc, _)| *doc).collect();
                let segment = writer.finish().map_err(Broken::new)?;
                made.extend(segment.map(|segment| Packed {
                    cursor,
                    private: private.clone(),
                    team: team.clone(),
                    docs,
                    segment,
                }));
            }
            self.segments.extend(made);
        }
        self.set = Some(cursor);
        Ok(())
    }
}
