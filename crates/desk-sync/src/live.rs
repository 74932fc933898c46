//! Binary messages of the live connection: pages that come by themselves, and a device's edit while it is being written.
//!
//! `what:u8` `number:u64le` `witness_length:u16le`, the witness, and a frame, which is not read here: it has a checksum of its own.
//! The witness is proof of the log, what stands in a header where a request or its answer brings the same.
//!
//! A page may come while the server is still writing what stands on it. The device may write it, too, and commits once the
//! server says that it stands. So may an edit be sent while its device is still writing it: the server decides about it meanwhile,
//! and it counts once the device says that it has it.

use crate::wire::WireError;

const NUMBER_BYTES: usize = size_of::<u64>();
const LENGTH_BYTES: usize = size_of::<u16>();

const PAGE: u8 = 0;
const PROPOSED: u8 = 1;
const EDIT: u8 = 2;
const VERDICTS: u8 = 3;

/// Most bytes of a message that a device sends. A larger edit is pushed by a request.
pub const MOST_EDIT_BYTES: usize = 32 * 1024;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// From the server: the page of the log that follows what the device has said it has, as the frame of a
    /// [`PullReply`](crate::wire::PullReply), which a pull would have been answered.
    Page {
        /// The number that the device said it has everything up to.
        after: u64,
        /// The server does not have it on its disk yet.
        is_proposed: bool,
    },
    /// From a device: an edit that it may still be writing, as the frame of a [`Push`](crate::wire::Push).
    Edit,
    /// From the server: what was decided about that, as the frame of a [`PushReply`](crate::wire::PushReply).
    Verdicts {
        /// When it was sent, UTC milliseconds.
        sent_at_ms: u64,
    },
}

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told<'a> {
    /// What it is.
    pub what: What,
    /// From the server: proof of its log, to be shown with what is sent next. From a device: what it was given last; empty where
    /// it was given nothing.
    pub witness: &'a str,
    /// The frame.
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
        let (what, number) = match self.what {
            What::Page { after, is_proposed: false } => (PAGE, after),
            What::Page { after, is_proposed: true } => (PROPOSED, after),
            What::Edit => (EDIT, 0),
            What::Verdicts { sent_at_ms } => (VERDICTS, sent_at_ms),
        };
        let mut bytes = Vec::with_capacity(1 + NUMBER_BYTES + LENGTH_BYTES + size + self.frame.len());
        bytes.push(what);
        bytes.extend(number.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend(self.witness.as_bytes());
        bytes.extend(self.frame);
        Ok(bytes)
    }

    /// Reads what came; the frame is still to be decoded.
    ///
    /// # Errors
    /// [`WireError::Truncated`], and [`WireError::Malformed`] for a witness that is no text, and for what this program does not
    /// know.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, WireError> {
        let (what, rest) = bytes.split_first().ok_or(WireError::Truncated)?;
        let (number, rest) = rest.split_first_chunk::<NUMBER_BYTES>().ok_or(WireError::Truncated)?;
        let what = match (*what, u64::from_le_bytes(*number)) {
            (PAGE, after) => What::Page { after, is_proposed: false },
            (PROPOSED, after) => What::Page { after, is_proposed: true },
            (EDIT, 0) => What::Edit,
            (VERDICTS, sent_at_ms) => What::Verdicts { sent_at_ms },
            _ => return Err(WireError::Malformed),
        };
        let (length, rest) = rest.split_first_chunk::<LENGTH_BYTES>().ok_or(WireError::Truncated)?;
        let length = usize::from(u16::from_le_bytes(*length));
        let (witness, frame) = rest.split_at_checked(length).ok_or(WireError::Truncated)?;
        let witness = str::from_utf8(witness).map_err(|_| WireError::Malformed)?;
        Ok(Self { what, witness, frame })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn what() -> impl Strategy<Value = What> {
        prop_oneof![
            any::<(u64, bool)>().prop_map(|(after, is_proposed)| What::Page { after, is_proposed }),
            Just(What::Edit),
            any::<u64>().prop_map(|sent_at_ms| What::Verdicts { sent_at_ms }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_told_arrives(what in what(), witness in ".{0,200}", frame: Vec<u8>) {
            let told = Told { what, witness: &witness, frame: &frame };
            let bytes = told.encode().unwrap();
            prop_assert_eq!(Told::decode(&bytes), Ok(told));
        }

        #[test]
        fn whatever_arrives_is_read_or_refused(what in 0..=VERDICTS + 1, rest: Vec<u8>) {
            let bytes = [vec![what], rest].concat();
            if let Ok(told) = Told::decode(&bytes) {
                prop_assert_eq!(told.encode(), Ok(bytes));
            }
        }
    }

    #[test]
    fn what_was_cut_off_is_refused() {
        let what = What::Page { after: 7, is_proposed: true };
        let whole = Told { what, witness: "proof", frame: &[] }.encode().unwrap();
        for end in 0..whole.len() {
            assert_eq!(Told::decode(&whole[..end]), Err(WireError::Truncated), "{end}");
        }
        let witness = "x".repeat(70_000);
        let told = Told { what, witness: &witness, frame: &[] };
        assert_eq!(told.encode(), Err(WireError::TooLarge { bytes: 70_000 }));
    }
}
