//! The wire format: framed, checksummed, compressed batches of changes.
//!
//! A frame is `WND` `version:u16le` `message:u8` `length:u32le` `checksum:[u8;8]` followed by the body, a
//! zstd-compressed postcard value. `length` is that of the uncompressed body, so that a reader refuses a bomb
//! before it allocates; `checksum` is the start of SHA-256 over everything before it and the compressed body.
//! Postcard is not self-describing: a message never changes within a version, a new field is a new version.

use std::sync::Mutex;

use desk_domain::ids::{DocId, DocKind};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use zstd::bulk::Compressor;

/// The newest version that this program speaks.
pub const WIRE_VERSION: u16 = 2;
/// Most bytes that a body may have uncompressed.
pub const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;
/// Most bytes that one change may have.
pub const MAX_CHANGE_BYTES: usize = 4 * 1024 * 1024;
/// A sender closes a batch once its changes reach this many bytes.
pub const BATCH_BYTES: usize = 1024 * 1024;
/// A sender closes a batch at this many changes.
pub const BATCH_CHANGES: usize = 2_000;

const MAGIC: &[u8; 3] = b"WND";
const HEADER_BYTES: usize = 3 + 2 + 1 + 4 + 8;
const COMPRESSION_LEVEL: i32 = 3;

/// The hash of an Automerge change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hash(pub [u8; 32]);

impl std::fmt::Display for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// One change as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireChange {
    /// The document it belongs to.
    pub doc: DocId,
    /// What kind of document that is.
    #[serde(with = "kind_code")]
    pub kind: DocKind,
    /// Its hash, as the sender claims.
    pub hash: Hash,
    /// The Automerge change.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}

/// `POST /v1/sync/push`: the client's outbox, in the order it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Push {
    /// Dependencies before dependents.
    pub changes: Vec<WireChange>,
}

/// The answer to a push: one verdict per change, in the same order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushReply {
    /// What became of each change.
    pub verdicts: Vec<Verdict>,
    /// The newest sequence number of the workspace.
    pub head: u64,
    /// Documents of the batch that its sender may not see any more, by what was just accepted.
    pub withdrawn: Vec<DocId>,
    /// The sender's scope when the batch was judged: what else of it they may not see shows by comparing.
    pub scope: Hash,
}

/// What the server decided about one change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Which change.
    pub hash: Hash,
    /// What became of it.
    pub outcome: Outcome,
}

/// Accepted or not. A change that was accepted before is accepted again under its first number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It stands in the log.
    Accepted {
        /// Under this number.
        seq: u64,
    },
    /// It never will.
    Rejected {
        /// For programs.
        code: RejectCode,
        /// For people, in English.
        reason: String,
    },
}

/// Why a change was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectCode {
    /// Not a change, or its checksum or hash is not what it should be.
    Corrupt,
    /// Its actor is not the device that sent it.
    WrongActor,
    /// Another change has its actor and sequence number.
    DuplicateSeq,
    /// A change that it builds on is not here.
    MissingDependency,
    /// The change it builds on was refused.
    DependsOnRejected,
    /// The document is another tenant's, another member's, or of another kind.
    WrongDocument,
    /// The role does not allow it.
    Forbidden,
    /// The workflow does not allow the move.
    Workflow,
    /// It writes something that the schema does not have, or of a wrong type.
    Schema,
    /// A text or the document is too large.
    TooLarge,
    /// It says that it was made in the future.
    Clock,
    /// There is no such document, or the sender may not see it: which of the two is not said.
    UnknownDocument,
}

impl RejectCode {
    /// Its spelling in lists and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Corrupt => "corrupt",
            Self::WrongActor => "wrong_actor",
            Self::DuplicateSeq => "duplicate_seq",
            Self::MissingDependency => "missing_dependency",
            Self::DependsOnRejected => "depends_on_rejected",
            Self::WrongDocument => "wrong_document",
            Self::Forbidden => "forbidden",
            Self::Workflow => "workflow",
            Self::Schema => "schema",
            Self::TooLarge => "too_large",
            Self::Clock => "clock",
            Self::UnknownDocument => "unknown_document",
        }
    }
}

/// The answer to `GET /v1/sync/pull?after=CURSOR&scope=SCOPE`: what was accepted after the cursor, in order. `SCOPE` is the
/// [`scope`](crate::scope) under which the device has everything up to the cursor; where it is not the present one, the
/// answer says nothing but that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullReply {
    /// In the order of their numbers; what the member may not see is left out.
    pub changes: Vec<LoggedChange>,
    /// The cursor after this batch; it may be beyond the last change's number.
    pub cursor: u64,
    /// The newest sequence number of the workspace.
    pub head: u64,
    /// The member's present scope.
    pub scope: Hash,
    /// Documents that came into sight, as they are now; the device may have some of their changes.
    pub documents: Vec<WholeDocument>,
    /// Documents that left it.
    pub withdrawn: Vec<DocId>,
}

/// A document with everything that was accepted of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WholeDocument {
    /// Which one.
    pub doc: DocId,
    /// What kind.
    #[serde(with = "kind_code")]
    pub kind: DocKind,
    /// The Automerge document, uncompressed.
    #[serde(with = "serde_bytes")]
    pub snapshot: Vec<u8>,
}

/// An accepted change with its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedChange {
    /// Its number in the workspace's log.
    pub seq: u64,
    /// The change.
    pub change: WireChange,
}

/// The answer to `GET /v1/sync/heads?after=DOCUMENT`: how far each document's changes go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heads {
    /// In the order of their ids; what the member may not see is left out.
    pub documents: Vec<DocHeads>,
    /// None follow.
    pub is_last: bool,
    /// The member's scope when this was read.
    pub scope: Hash,
}

/// `POST /v1/sync/documents`: documents that came into sight and are to be sent whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// At most [`BATCH_CHANGES`].
    pub docs: Vec<DocId>,
}

/// The answer: the first of the documents that were asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Documents {
    /// What is not there, or not for the member, is left out.
    pub documents: Vec<WholeDocument>,
    /// So many of those that were asked for are answered; the others are to be asked for again.
    pub answered: u32,
    /// The member's scope when this was read.
    pub scope: Hash,
}

/// A document with its heads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocHeads {
    /// The document.
    pub doc: DocId,
    /// The hashes of its newest changes, sorted.
    pub heads: Vec<Hash>,
}

/// What stands in a frame; the byte tells a pull from a push before the body is read.
pub trait Message: Serialize + DeserializeOwned {
    /// Never reused.
    const CODE: u8;
}

impl Message for Push {
    const CODE: u8 = 1;
}

impl Message for PushReply {
    const CODE: u8 = 2;
}

impl Message for PullReply {
    const CODE: u8 = 3;
}

impl Message for Heads {
    const CODE: u8 = 7;
}

impl Message for Wanted {
    const CODE: u8 = 8;
}

impl Message for Documents {
    const CODE: u8 = 9;
}

/// The bytes are not the message that was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Shorter than it says, or than a header.
    #[error("the batch is cut off")]
    Truncated,
    /// Something else altogether, a proxy's error page for one.
    #[error("this is no sync batch; is the address a WorkerNet server's?")]
    NotABatch,
    /// A newer program wrote it.
    #[error("the batch has wire version {found}, this program speaks up to {WIRE_VERSION}: update it")]
    NewerVersion {
        /// What the frame says.
        found: u16,
    },
    /// Another message than was expected.
    #[error("the batch is message {found}, expected {expected}")]
    WrongMessage {
        /// What the frame says.
        found: u8,
        /// What was expected.
        expected: u8,
    },
    /// It was altered on the way.
    #[error("the batch's checksum does not hold: it was altered on the way")]
    Checksum,
    /// Larger than anybody sends.
    #[error("the batch has {bytes} bytes, more than the {MAX_BODY_BYTES} that are allowed")]
    TooLarge {
        /// How large it says it is.
        bytes: u64,
    },
    /// The checksum holds, but the body is not what the message should be.
    #[error("the batch's body is malformed")]
    Malformed,
}

/// Writes a message as a frame.
///
/// # Errors
/// [`WireError::TooLarge`] when the body is larger than a reader would take.
pub fn encode<M: Message>(message: &M) -> Result<Vec<u8>, WireError> {
    let body = postcard::to_allocvec(message).map_err(|_| WireError::Malformed)?;
    let too_large = WireError::TooLarge { bytes: body.len() as u64 };
    if body.len() > MAX_BODY_BYTES {
        return Err(too_large);
    }
    let length = u32::try_from(body.len()).map_err(|_| too_large)?;
    let compressed = compress(&body).map_err(|_| WireError::Malformed)?;
    let mut frame = Vec::with_capacity(HEADER_BYTES + compressed.len());
    frame.extend_from_slice(MAGIC);
    frame.extend_from_slice(&WIRE_VERSION.to_le_bytes());
    frame.push(M::CODE);
    frame.extend_from_slice(&length.to_le_bytes());
    let checksum = checksum(&frame, &compressed);
    frame.extend_from_slice(&checksum);
    frame.extend_from_slice(&compressed);
    Ok(frame)
}

/// The compressor of small frames: making one takes longer than it works on an edit.
static COMPRESSOR: Mutex<Option<Compressor<'static>>> = Mutex::new(None);
/// What is larger makes a compressor large, and pays for its own.
const SMALL_BYTES: usize = 64 * 1024;

fn compress(body: &[u8]) -> std::io::Result<Vec<u8>> {
    // Another thread has it: rather than wait, do without.
    if body.len() <= SMALL_BYTES
        && let Ok(mut kept) = COMPRESSOR.try_lock()
    {
        let compressor = match &mut *kept {
            Some(compressor) => compressor,
            empty @ None => empty.insert(Compressor::new(COMPRESSION_LEVEL)?),
        };
        return compressor.compress(body);
    }
    zstd::bulk::compress(body, COMPRESSION_LEVEL)
}

/// Reads a frame.
///
/// # Errors
/// Whatever is wrong with it; nothing of a frame that does not hold is ever returned.
pub fn decode<M: Message>(frame: &[u8]) -> Result<M, WireError> {
    if frame.len() < MAGIC.len() || &frame[..MAGIC.len()] != MAGIC {
        return Err(if MAGIC.starts_with(frame) { WireError::Truncated } else { WireError::NotABatch });
    }
    if frame.len() < HEADER_BYTES {
        return Err(WireError::Truncated);
    }
    let version = u16::from_le_bytes([frame[3], frame[4]]);
    if version != WIRE_VERSION {
        return Err(WireError::NewerVersion { found: version });
    }
    let code = frame[5];
    if code != M::CODE {
        return Err(WireError::WrongMessage { found: code, expected: M::CODE });
    }
    let length = u32::from_le_bytes([frame[6], frame[7], frame[8], frame[9]]) as usize;
    if length > MAX_BODY_BYTES {
        return Err(WireError::TooLarge { bytes: length as u64 });
    }
    let (head, compressed) = frame.split_at(HEADER_BYTES);
    if checksum(&head[..10], compressed) != head[10..] {
        return Err(WireError::Checksum);
    }
    let body = zstd::bulk::decompress(compressed, length).map_err(|_| WireError::Malformed)?;
    let (message, rest) = postcard::take_from_bytes(&body).map_err(|_| WireError::Malformed)?;
    if rest.is_empty() && body.len() == length { Ok(message) } else { Err(WireError::Malformed) }
}

fn checksum(header: &[u8], compressed: &[u8]) -> [u8; 8] {
    let digest = Sha256::new().chain_update(header).chain_update(compressed).finalize();
    let mut start = [0; 8];
    start.copy_from_slice(&digest[..8]);
    start
}

/// A kind travels as its number, so that renaming a word changes nothing on the wire.
pub(crate) mod kind_code {
    use desk_domain::ids::DocKind;
    use serde::{Deserialize, Deserializer, Serializer, de};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's `with` passes a reference")]
    pub(crate) fn serialize<S: Serializer>(kind: &DocKind, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(kind.code())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DocKind, D::Error> {
        let code = u8::deserialize(deserializer)?;
        DocKind::from_code(code).ok_or_else(|| de::Error::custom("unknown document kind"))
    }
}

#[cfg(test)]
mod tests {
    use desk_domain::{ids::uuid_v7, time::UtcMillis};
    use proptest::prelude::*;

    use super::*;

    fn push(bytes: Vec<u8>) -> Push {
        let doc = DocId(uuid_v7(UtcMillis(1), [3; 10]));
        Push { changes: vec![WireChange { doc, kind: DocKind::Ticket, hash: Hash([9; 32]), bytes }] }
    }

    #[test]
    fn the_layout_of_version_2_stays() {
        let frame = encode(&push(vec![1, 2, 3])).unwrap();
        assert_eq!(&frame[..6], b"WND\x02\x00\x01");
        assert_eq!(frame[6..10], 55u32.to_le_bytes(), "uncompressed length");
        let body = zstd::bulk::decompress(&frame[HEADER_BYTES..], 100).unwrap();
        assert_eq!(body[0], 1, "one change");
        assert_eq!(body[body.len() - 4..], [3, 1, 2, 3], "bytes with their length, last");
    }

    #[test]
    fn what_is_no_batch_is_named() {
        let check = |bytes: &[u8], expected: WireError| assert_eq!(decode::<Push>(bytes), Err(expected));
        check(b"", WireError::Truncated);
        check(b"WN", WireError::Truncated);
        check(b"<html>502 Bad Gateway</html>", WireError::NotABatch);
        let frame = encode(&push(vec![7; 1000])).unwrap();
        check(&frame[..HEADER_BYTES - 1], WireError::Truncated);
        check(&frame[..frame.len() - 1], WireError::Checksum);
        let mut newer = frame.clone();
        newer[3] = 3;
        check(&newer, WireError::NewerVersion { found: 3 });
        assert_eq!(decode::<PushReply>(&frame), Err(WireError::WrongMessage { found: 1, expected: 2 }));
        let mut bomb = frame;
        bomb[6..10].copy_from_slice(&u32::MAX.to_le_bytes());
        check(&bomb, WireError::TooLarge { bytes: u64::from(u32::MAX) });
    }

    proptest! {
        #[test]
        fn a_message_comes_back_whole(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let message = push(bytes);
            prop_assert_eq!(decode::<Push>(&encode(&message).unwrap()), Ok(message));
        }

        #[test]
        fn one_altered_byte_is_always_noticed(at in any::<prop::sample::Index>(), flip in 1u8..) {
            let mut frame = encode(&push((0..=255).collect())).unwrap();
            let at = at.index(frame.len());
            frame[at] ^= flip;
            prop_assert!(decode::<Push>(&frame).is_err());
        }

        #[test]
        fn noise_is_refused_without_a_panic(noise in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(decode::<Push>(&noise).is_err());
            let framed = [b"WND\x02\x00\x01".as_slice(), &noise].concat();
            prop_assert!(decode::<Push>(&framed).is_err());
        }
    }
}
