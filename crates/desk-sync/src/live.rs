//! What comes by itself on the live connection: the page of the log that follows what the device has said it has.
//!
//! `after:u64le` `is_proposed:u8` `witness_length:u16le`, the witness, and the frame of a [`PullReply`](crate::wire::PullReply): what a pull
//! after that number would have been answered, with the proof of the log that stands in a pull's header. The frame is not
//! read here; it has a checksum of its own.
//!
//! A page may come while the server is still writing what stands on it. The device may write it, too, and commits once the
//! server says that it stands.

use crate::wire::WireError;

const AFTER_BYTES: usize = size_of::<u64>();
const LENGTH_BYTES: usize = size_of::<u16>();

/// A page that nobody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told<'a> {
    /// The number that the device said it has everything up to.
    pub after: u64,
    /// The server does not have it on its disk yet.
    pub is_proposed: bool,
    /// Proof of the log that the page is from, to be shown with the next request.
    pub witness: &'a str,
    /// The frame of a `PullReply`.
    pub frame: &'a [u8],
}

impl<'a> Told<'a> {
    /// As it travels.
    ///
    /// # Errors
    /// [`WireError::TooLarge`] for a witness longer than any server gives.
    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        let size = self.witness.len();
        let length = u16::try_from(size).map_err(|_| WireError::TooLarge { bytes: size as u64 })?;
        let mut bytes = Vec::with_capacity(AFTER_BYTES + 1 + LENGTH_BYTES + size + self.frame.len());
        bytes.extend(self.after.to_le_bytes());
        bytes.push(self.is_proposed.into());
        bytes.extend(length.to_le_bytes());
        bytes.extend(self.witness.as_bytes());
        bytes.extend(self.frame);
        Ok(bytes)
    }

    /// Reads what came; the frame is still to be decoded.
    ///
    /// # Errors
    /// [`WireError::Truncated`], and [`WireError::Malformed`] for a witness that is no text.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, WireError> {
        let (after, rest) = bytes.split_first_chunk::<AFTER_BYTES>().ok_or(WireError::Truncated)?;
        let (is_proposed, rest) = rest.split_first().ok_or(WireError::Truncated)?;
        let is_proposed = match is_proposed {
            0 => false,
            1 => true,
            _ => return Err(WireError::Malformed),
        };
        let (length, rest) = rest.split_first_chunk::<LENGTH_BYTES>().ok_or(WireError::Truncated)?;
        let length = usize::from(u16::from_le_bytes(*length));
        let (witness, frame) = rest.split_at_checked(length).ok_or(WireError::Truncated)?;
        let witness = str::from_utf8(witness).map_err(|_| WireError::Malformed)?;
        Ok(Self { after: u64::from_le_bytes(*after), is_proposed, witness, frame })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_told_arrives(after: u64, is_proposed: bool, witness in ".{0,200}", frame: Vec<u8>) {
            let told = Told { after, is_proposed, witness: &witness, frame: &frame };
            let bytes = told.encode().unwrap();
            prop_assert_eq!(Told::decode(&bytes), Ok(told));
        }

        #[test]
        fn whatever_arrives_is_read_or_refused(bytes: Vec<u8>) {
            if let Ok(told) = Told::decode(&bytes) {
                prop_assert_eq!(told.encode(), Ok(bytes));
            }
        }
    }

    #[test]
    fn what_was_cut_off_is_refused() {
        let whole = Told { after: 7, is_proposed: true, witness: "proof", frame: &[] }.encode().unwrap();
        for end in 0..whole.len() {
            assert_eq!(Told::decode(&whole[..end]), Err(WireError::Truncated), "{end}");
        }
        let witness = "x".repeat(70_000);
        let told = Told { after: 7, is_proposed: false, witness: &witness, frame: &[] };
        assert_eq!(told.encode(), Err(WireError::TooLarge { bytes: 70_000 }));
    }
}
