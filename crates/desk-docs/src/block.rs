//! Documents that are compressed together, with what lists need of them: how they travel to a new device
//! (`desk-sync`'s segments) and how its store keeps them until they are written again.
//!
//! A block is a zstd-compressed postcard [`Block`]. Nothing in it is verified: heads and rows are the word of whoever
//! packed it, and `Document::load` checks a snapshot when it is opened.

use std::borrow::Cow;

use desk_domain::{
    ids::{DocId, DocKind},
    projection::Projection,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Documents in a block. More compress little better, and opening one document costs unpacking them all.
pub const BLOCK_DOCUMENTS: usize = 16;
/// Most bytes that a block may have unpacked.
pub const MAX_BLOCK_BYTES: usize = 64 * 1024 * 1024;

/// Packed once and read by every new device: worth some work.
const COMPRESSION_LEVEL: i32 = 9;

/// Some documents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Block<'a> {
    /// In the order of their ids.
    #[serde(borrow)]
    pub documents: Vec<PackedDocument<'a>>,
}

/// A document with its line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PackedDocument<'a> {
    /// Which one.
    pub doc: DocId,
    /// What kind.
    #[serde(serialize_with = "kind_to_code", deserialize_with = "kind_from_code")]
    pub kind: DocKind,
    /// Its heads, sorted.
    pub heads: Vec<[u8; 32]>,
    /// Its schema number.
    pub schema: u32,
    /// What lists need of it; `None` when whoever packed it could not read it.
    pub projection: Option<Projection>,
    /// The Automerge document, uncompressed.
    #[serde(borrow, with = "serde_bytes")]
    pub snapshot: Cow<'a, [u8]>,
}

/// The bytes are no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the block of documents is damaged, or larger than {MAX_BLOCK_BYTES} bytes")]
pub struct BrokenBlock;

/// A block as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedBlock {
    /// Compressed.
    pub bytes: Vec<u8>,
    /// Bytes once unpacked.
    pub raw_bytes: usize,
}

impl Block<'_> {
    /// Packs it.
    ///
    /// # Errors
    /// When it is larger than [`MAX_BLOCK_BYTES`].
    pub fn pack(&self) -> Result<PackedBlock, BrokenBlock> {
        let raw = postcard::to_allocvec(self).map_err(|_| BrokenBlock)?;
        if raw.len() > MAX_BLOCK_BYTES {
            return Err(BrokenBlock);
        }
        let bytes = zstd::bulk::compress(&raw, COMPRESSION_LEVEL).map_err(|_| BrokenBlock)?;
        Ok(PackedBlock { bytes, raw_bytes: raw.len() })
    }
}

/// Unpacks a block; [`read_block`] reads what comes back without copying the snapshots.
///
/// # Errors
/// When it is not what it says it is.
pub fn unpack_block(bytes: &[u8], raw_bytes: usize) -> Result<Vec<u8>, BrokenBlock> {
    if raw_bytes > MAX_BLOCK_BYTES {
        return Err(BrokenBlock);
    }
    let raw = zstd::bulk::decompress(bytes, raw_bytes).map_err(|_| BrokenBlock)?;
    if raw.len() == raw_bytes { Ok(raw) } else { Err(BrokenBlock) }
}

/// Reads an unpacked block.
///
/// # Errors
/// When it is none.
pub fn read_block(raw: &[u8]) -> Result<Block<'_>, BrokenBlock> {
    let (block, rest) = postcard::take_from_bytes(raw).map_err(|_| BrokenBlock)?;
    if rest.is_empty() { Ok(block) } else { Err(BrokenBlock) }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn kind_to_code<S: Serializer>(kind: &DocKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(kind.code())
}

fn kind_from_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DocKind, D::Error> {
    DocKind::from_code(u8::deserialize(deserializer)?)
        .ok_or_else(|| de::Error::custom("unknown document kind"))
}

#[cfg(test)]
mod tests {
    use desk_domain::{ids::uuid_v7, time::UtcMillis};
    use proptest::prelude::*;

    use super::*;

    fn block(sizes: &[usize]) -> Block<'static> {
        let document = |(n, size): (u8, &usize)| PackedDocument {
            doc: DocId(uuid_v7(UtcMillis(i64::from(n)), [n; 10])),
            kind: DocKind::Incident,
            heads: vec![[n; 32]],
            schema: 1,
            projection: None,
            snapshot: Cow::Owned(vec![n; *size]),
        };
        Block { documents: (0..).zip(sizes).map(document).collect() }
    }

    proptest! {
        #[test]
        fn a_block_is_read_as_it_was_packed(sizes in proptest::collection::vec(0usize..5_000, 0..64)) {
            let written = block(&sizes);
            let packed = written.pack().unwrap();
            let raw = unpack_block(&packed.bytes, packed.raw_bytes).unwrap();
            let read = read_block(&raw).unwrap();
            prop_assert!(read.documents.iter().all(|document| matches!(document.snapshot, Cow::Borrowed(_))));
            prop_assert_eq!(read, written);
        }

        #[test]
        fn noise_is_refused_without_a_panic(noise in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(unpack_block(&noise, 1_000).is_err());
            let _ = read_block(&noise);
        }
    }

    #[test]
    fn a_block_says_how_large_it_is() {
        let packed = block(&[100, 200]).pack().unwrap();
        for wrong in [0, packed.raw_bytes - 1, packed.raw_bytes + 1, MAX_BLOCK_BYTES + 1] {
            assert_eq!(unpack_block(&packed.bytes, wrong), Err(BrokenBlock), "{wrong}");
        }
    }
}
