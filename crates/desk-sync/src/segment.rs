//! Segments: how a new device gets a workspace without replaying its log.
//!
//! `GET /v1/sync/bootstrap` answers a [`Bootstrap`]: a cursor, the segments that hold every document that the member may
//! see as of that cursor or later, and the documents that the member needs first. `GET /v1/sync/segments/ID` answers a segment's bytes,
//! which never change: its id is the SHA-256 of them.
//!
//! A segment is `WNDG` `version:u16le` `blocks:u16le`, then per block `compressed:u32le` `raw:u32le` and a packed
//! [`Block`] of [`BLOCK_DOCUMENTS`] documents. A device stores the blocks as they came: opening
//! one document unpacks one block. Heads and rows are the server's word; a document is verified when it is opened, and
//! the rows are derived again when the device has nothing else to do.

use desk_docs::{BLOCK_DOCUMENTS, Block, BrokenBlock, MAX_BLOCK_BYTES, PackedDocument};
use desk_domain::workspace::Workspace;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::wire::{Hash, Message, WholeDocument, WireError};

/// Documents in a segment, about: the first of the next one begins where a segment is full.
pub const SEGMENT_DOCUMENTS: usize = 2_000;
/// A block is closed before its documents have more bytes than this together.
pub const BLOCK_BYTES: usize = 4 * 1024 * 1024;
/// Most bytes of a segment that a device takes.
pub const MAX_SEGMENT_BYTES: usize = 256 * 1024 * 1024;

const MAGIC: &[u8; 4] = b"WNDG";
const VERSION: u16 = 1;
const HEADER_BYTES: usize = 4 + 2 + 2;
const BLOCK_HEADER_BYTES: usize = 4 + 4;

/// The answer to `GET /v1/sync/bootstrap`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// The log is to be read from here on once the segments are in.
    pub cursor: u64,
    /// The version of the rows (`desk_domain::projection::PROJECTION_VERSION`).
    pub projection: u16,
    /// SHA-256 of the settings that the rows' deadlines were computed by.
    pub rules: Hash,
    /// In the order of the documents' ids, the newest documents last.
    pub segments: Vec<SegmentRef>,
    /// The workspace's settings and the member's own, as they are now. They stand in no segment.
    pub own: Vec<WholeDocument>,
    /// The member's scope: the segments hold everything that is seen under it.
    pub scope: Hash,
}

impl Message for Bootstrap {
    const CODE: u8 = 4;
}

/// A segment to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRef {
    /// SHA-256 of its bytes.
    pub id: Hash,
    /// How many bytes it has.
    pub bytes: u64,
    /// How many documents.
    pub documents: u32,
}

/// A finished segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// What a [`Bootstrap`] says of it.
    pub reference: SegmentRef,
    /// What is sent.
    pub bytes: Vec<u8>,
}

/// Gathers documents into a segment.
#[derive(Debug, Default)]
pub struct SegmentWriter<'a> {
    blocks: Vec<Vec<u8>>,
    open: Block<'a>,
    open_bytes: usize,
    documents: u32,
}

impl<'a> SegmentWriter<'a> {
    /// Adds a document; they come in the order of their ids.
    ///
    /// # Errors
    /// When a document is larger than a block may be.
    pub fn add(&mut self, document: PackedDocument<'a>) -> Result<(), WireError> {
        let bytes = document.snapshot.len();
        let full = self.open.documents.len() >= BLOCK_DOCUMENTS || self.open_bytes + bytes > BLOCK_BYTES;
        if full && !self.open.documents.is_empty() {
            self.close_block()?;
        }
        self.open_bytes += bytes;
        self.documents += 1;
        self.open.documents.push(document);
        Ok(())
    }

    /// The segment; `None` when nothing was added.
    ///
    /// # Errors
    /// As [`SegmentWriter::add`].
    pub fn finish(mut self) -> Result<Option<Segment>, WireError> {
        if !self.open.documents.is_empty() {
            self.close_block()?;
        }
        if self.blocks.is_empty() {
            return Ok(None);
        }
        let size = HEADER_BYTES + self.blocks.iter().map(Vec::len).sum::<usize>();
        let mut bytes = Vec::with_capacity(size);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        let blocks = u16::try_from(self.blocks.len()).map_err(|_| WireError::Malformed)?;
        bytes.extend_from_slice(&blocks.to_le_bytes());
        self.blocks.iter().for_each(|block| bytes.extend_from_slice(block));
        let reference =
            SegmentRef { id: id_of(&bytes), bytes: bytes.len() as u64, documents: self.documents };
        Ok(Some(Segment { reference, bytes }))
    }

    fn close_block(&mut self) -> Result<(), WireError> {
        let block = std::mem::take(&mut self.open);
        self.open_bytes = 0;
        let packed =
            block.pack().map_err(|BrokenBlock| WireError::TooLarge { bytes: MAX_BLOCK_BYTES as u64 })?;
        let length = |bytes: usize| u32::try_from(bytes).map_err(|_| WireError::Malformed);
        let mut written = Vec::with_capacity(BLOCK_HEADER_BYTES + packed.bytes.len());
        written.extend_from_slice(&length(packed.bytes.len())?.to_le_bytes());
        written.extend_from_slice(&length(packed.raw_bytes)?.to_le_bytes());
        written.extend_from_slice(&packed.bytes);
        self.blocks.push(written);
        Ok(())
    }
}

/// Which settings rows were computed by: two devices with the same settings compute the same deadlines.
pub fn rules_id(workspace: Option<&Workspace>) -> Hash {
    let counting = workspace.map(|workspace| {
        (&workspace.policies, &workspace.calendars, &workspace.escalations, &workspace.services)
    });
    // Maps in order and plain values: nothing of it fails to be written.
    Hash(Sha256::digest(serde_json::to_vec(&counting).unwrap_or_default()).into())
}

/// The id of a segment with these bytes.
pub fn id_of(bytes: &[u8]) -> Hash {
    Hash(Sha256::digest(bytes).into())
}

/// A block within a segment; [`desk_docs::unpack_block`] unpacks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockRef<'a> {
    /// As it is kept.
    pub bytes: &'a [u8],
    /// Bytes once unpacked.
    pub raw_bytes: usize,
}

/// The blocks of a segment whose bytes have the id that was asked for.
///
/// # Errors
/// When the bytes are another segment's, cut off or altered, or of a newer version; nothing is unpacked yet.
pub fn blocks(bytes: &[u8], expected: Hash) -> Result<Vec<BlockRef<'_>>, WireError> {
    let (header, mut rest) = bytes.split_at_checked(HEADER_BYTES).ok_or(WireError::Truncated)?;
    if &header[..4] != MAGIC {
        return Err(WireError::NotABatch);
    }
    if id_of(bytes) != expected {
        return Err(WireError::Checksum);
    }
    let version = u16::from_le_bytes([header[4], header[5]]);
    if version != VERSION {
        return Err(WireError::NewerVersion { found: version });
    }
    let count = u16::from_le_bytes([header[6], header[7]]);
    let mut blocks = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let (lengths, after) = rest.split_at_checked(BLOCK_HEADER_BYTES).ok_or(WireError::Truncated)?;
        let compressed = u32::from_le_bytes([lengths[0], lengths[1], lengths[2], lengths[3]]) as usize;
        let raw_bytes = u32::from_le_bytes([lengths[4], lengths[5], lengths[6], lengths[7]]) as usize;
        if raw_bytes > MAX_BLOCK_BYTES {
            return Err(WireError::TooLarge { bytes: raw_bytes as u64 });
        }
        let (bytes, after) = after.split_at_checked(compressed).ok_or(WireError::Truncated)?;
        blocks.push(BlockRef { bytes, raw_bytes });
        rest = after;
    }
    if rest.is_empty() { Ok(blocks) } else { Err(WireError::Malformed) }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use desk_docs::{read_block, unpack_block};
    use desk_domain::{
        ids::{DocId, DocKind, uuid_v7},
        time::UtcMillis,
    };
    use proptest::prelude::*;

    use super::*;

    fn document(n: u32, size: usize) -> PackedDocument<'static> {
        let mut seed = [0; 10];
        seed[..4].copy_from_slice(&n.to_le_bytes());
        PackedDocument {
            doc: DocId(uuid_v7(UtcMillis(i64::from(n)), seed)),
            kind: DocKind::Ticket,
            heads: vec![[7; 32]],
            schema: 1,
            projection: None,
            snapshot: Cow::Owned(vec![n.to_le_bytes()[0]; size]),
        }
    }

    fn segment(sizes: &[usize]) -> Segment {
        let mut writer = SegmentWriter::default();
        for (n, size) in (0..).zip(sizes) {
            writer.add(document(n, *size)).unwrap();
        }
        writer.finish().unwrap().unwrap()
    }

    #[test]
    fn a_segment_of_nothing_is_none() {
        assert_eq!(SegmentWriter::default().finish(), Ok(None));
    }

    #[test]
    fn large_documents_stand_in_blocks_of_their_own() {
        let segment = segment(&[BLOCK_BYTES, 10, 10, BLOCK_BYTES + 1, 10]);
        let blocks = blocks(&segment.bytes, segment.reference.id).unwrap();
        let counts: Vec<usize> = blocks
            .iter()
            .map(|block| {
                let raw = unpack_block(block.bytes, block.raw_bytes).unwrap();
                read_block(&raw).unwrap().documents.len()
            })
            .collect();
        assert_eq!(counts, [1, 2, 1, 1]);
    }

    proptest! {
        #[test]
        fn a_segment_is_read_as_it_was_written(sizes in proptest::collection::vec(0usize..3_000, 1..200)) {
            let segment = segment(&sizes);
            prop_assert_eq!(segment.reference.documents as usize, sizes.len());
            let mut read = Vec::new();
            for block in blocks(&segment.bytes, segment.reference.id).unwrap() {
                let raw = unpack_block(block.bytes, block.raw_bytes).unwrap();
                let decoded = read_block(&raw).unwrap();
                prop_assert!(decoded.documents.len() <= BLOCK_DOCUMENTS);
                for document in decoded.documents {
                    prop_assert!(matches!(document.snapshot, Cow::Borrowed(_)), "not copied");
                    read.push(PackedDocument { snapshot: Cow::Owned(document.snapshot.into_owned()), ..document });
                }
            }
            let written: Vec<_> = (0..).zip(&sizes).map(|(n, size)| document(n, *size)).collect();
            prop_assert_eq!(read, written);
        }

        #[test]
        fn another_byte_is_another_segment(at in any::<prop::sample::Index>(), flip in 1u8..) {
            let mut segment = segment(&[100, 2_000, 5]);
            let at = at.index(segment.bytes.len());
            segment.bytes[at] ^= flip;
            prop_assert!(blocks(&segment.bytes, segment.reference.id).is_err());
        }

        #[test]
        fn noise_is_refused_without_a_panic(noise in proptest::collection::vec(any::<u8>(), 0..300)) {
            let framed = [MAGIC.as_slice(), &VERSION.to_le_bytes(), &noise].concat();
            for bytes in [&noise, &framed] {
                if let Ok(found) = blocks(bytes, id_of(bytes)) {
                    for block in found {
                        let _ = unpack_block(block.bytes, block.raw_bytes.min(100_000));
                    }
                }
            }
        }
    }
}
