//! How a server proves to a device that it may order it to erase its store.
//!
//! At sign-in the device gets SHA-256 of a value that only this installation can make; when the device's access is taken
//! away, the server shows the value. Whoever answers at the server's address later, without its secret, cannot.

use desk_domain::ids::DeviceId;
use hmac::{Hmac, Mac};
use sha2::{Digest as _, Sha256};

use crate::storage::{Digest, StorageError};

/// Makes proofs with this installation's secret.
#[derive(Clone)]
pub struct Erasure {
    mac: Hmac<Sha256>,
}

impl std::fmt::Debug for Erasure {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Erasure").finish_non_exhaustive()
    }
}

impl Erasure {
    /// Proofs under a secret of 32 random bytes.
    ///
    /// # Errors
    /// When the stored secret is empty.
    pub fn new(secret: &[u8]) -> Result<Self, StorageError> {
        let mac = Hmac::new_from_slice(secret).map_err(|_| StorageError::damaged("the erasure secret"))?;
        Ok(Self { mac })
    }

    /// What is shown to a device whose access was taken away, in hexadecimal.
    pub fn proof(&self, device: DeviceId) -> String {
        hex::encode(self.value(device))
    }

    /// What a device is given at sign-in, in hexadecimal.
    pub fn check(&self, device: DeviceId) -> String {
        hex::encode(Sha256::digest(self.value(device)))
    }

    fn value(&self, device: DeviceId) -> Digest {
        self.mac.clone().chain_update(device.0.as_bytes()).finalize().into_bytes().into()
    }
}
