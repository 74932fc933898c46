//! How a snapshot stands in its column: compressed where that pays. Compressing costs about what encrypting and writing
//! the saved pages would have.

use std::sync::Mutex;

use zstd::bulk::Compressor;

use crate::StoreError;

const RAW: i64 = 0;
const ZSTD: i64 = 1;
const LEVEL: i32 = 1;
/// What is smaller fits beside others on a page as it is.
const WORTH_BYTES: usize = 512;

/// A snapshot as its row has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packed {
    pub(crate) codec: i64,
    pub(crate) raw_bytes: i64,
    pub(crate) bytes: Vec<u8>,
}

/// The compressor of small snapshots: making one takes longer than it works on a ticket.
static COMPRESSOR: Mutex<Option<Compressor<'static>>> = Mutex::new(None);
/// What is larger makes a compressor large, and pays for its own.
const SMALL_BYTES: usize = 64 * 1024;

fn compress(snapshot: &[u8]) -> std::io::Result<Vec<u8>> {
    // Another thread has it: rather than wait, do without.
    if snapshot.len() <= SMALL_BYTES
        && let Ok(mut kept) = COMPRESSOR.try_lock()
    {
        let compressor = match &mut *kept {
            Some(compressor) => compressor,
            empty @ None => empty.insert(Compressor::new(LEVEL)?),
        };
        return compressor.compress(snapshot);
    }
    zstd::bulk::compress(snapshot, LEVEL)
}

/// Packs a snapshot.
pub(crate) fn pack(snapshot: &[u8]) -> Result<Packed, StoreError> {
    let raw_bytes = i64::try_from(snapshot.len()).unwrap_or(i64::MAX);
    if snapshot.len() >= WORTH_BYTES {
        let bytes = compress(snapshot)?;
        if bytes.len() < snapshot.len() {
            return Ok(Packed { codec: ZSTD, raw_bytes, bytes });
        }
    }
    Ok(Packed { codec: RAW, raw_bytes, bytes: snapshot.to_vec() })
}

impl Packed {
    /// The snapshot.
    pub(crate) fn unpack(self) -> Result<Vec<u8>, StoreError> {
        let broken = || StoreError::Damaged { what: "a document's bytes cannot be unpacked".to_owned() };
        let raw_bytes = usize::try_from(self.raw_bytes).map_err(|_| broken())?;
        let bytes = match self.codec {
            RAW => self.bytes,
            ZSTD => zstd::bulk::decompress(&self.bytes, raw_bytes).map_err(|_| broken())?,
            other => return Err(StoreError::unreadable(format!("snapshot codec {other}"))),
        };
        if bytes.len() == raw_bytes { Ok(bytes) } else { Err(broken()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_unpacked_as_it_was_packed() {
        for snapshot in [vec![], vec![7; 100], vec![7; 5_000], (0..=255).cycle().take(600).collect()] {
            let packed = pack(&snapshot).expect("packs");
            assert!(packed.bytes.len() <= snapshot.len());
            assert_eq!(packed.unpack().expect("unpacks"), snapshot);
        }
    }

    #[test]
    fn an_altered_snapshot_is_an_error() {
        let packed = pack(&[7; 5_000]).expect("packs");
        let longer = Packed { raw_bytes: packed.raw_bytes + 1, ..packed.clone() };
        assert!(matches!(longer.unpack(), Err(StoreError::Damaged { .. })));
        let shorter = Packed { raw_bytes: packed.raw_bytes - 1, ..packed.clone() };
        assert!(matches!(shorter.unpack(), Err(StoreError::Damaged { .. })));
        let other = Packed { codec: 9, ..packed };
        assert!(matches!(other.unpack(), Err(StoreError::Unreadable { .. })));
    }
}
