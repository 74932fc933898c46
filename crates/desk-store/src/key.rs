//! The store's key, and the check value by which a wrong key is told from a damaged file.

use sha2::{Digest, Sha256};
use zeroize::Zeroize;

/// The raw 256-bit key of a store; random, so that no derivation is needed at every start. Wiped when dropped, never
/// printed.
#[derive(Clone)]
pub struct Key(Option<[u8; 32]>);

impl Key {
    /// From 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Some(bytes))
    }

    /// No key: the store is a plain SQLite file. For measuring what encryption costs; nothing that is shipped calls it.
    #[doc(hidden)]
    pub fn absent() -> Self {
        Self(None)
    }

    pub(crate) fn is_absent(&self) -> bool {
        self.0.is_none()
    }

    /// From 64 hexadecimal digits, as a key file has them; `None` when the text is something else.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.trim(), &mut bytes).ok().map(|()| Self(Some(bytes)))
    }

    /// As 64 hexadecimal digits.
    pub fn to_hex(&self) -> String {
        self.0.map(hex::encode).unwrap_or_default()
    }

    /// The value that SQLCipher's `ATTACH … KEY` takes for a raw key; an empty one stands for none.
    pub(crate) fn attach_value(&self) -> String {
        self.0.map(|key| format!("x'{}'", hex::encode(key))).unwrap_or_default()
    }

    /// The value that SQLCipher's `PRAGMA key` takes for a raw key.
    pub(crate) fn pragma_value(&self) -> Option<String> {
        self.0.map(|key| format!("\"x'{}'\"", hex::encode(key)))
    }

    /// What stands in the key check file. One-way, and of no use to somebody who guesses: the key is random. Half of the
    /// digest is plenty to tell two keys apart.
    pub(crate) fn check_value(&self) -> String {
        let digest = Sha256::new()
            .chain_update(b"WorkerNet Desk store key check 1\0")
            .chain_update(self.0.unwrap_or_default())
            .finalize();
        hex::encode(&digest[..16])
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written_and_never_printed() {
        let key = Key::new([0xA7; 32]);
        let text = key.to_hex();
        assert_eq!(Key::from_hex(&format!("{text}\n")).map(|key| key.to_hex()), Some(text.clone()));
        assert!(Key::from_hex(&text[1..]).is_none());
        assert!(Key::from_hex("not a key").is_none());
        assert!(!format!("{key:?}").contains("a7"));
        assert!(!key.check_value().contains(&text[..8]));
    }
}
