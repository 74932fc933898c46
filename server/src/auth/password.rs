//! Passwords: argon2id, off the async threads, and as slow for an unknown address as for a wrong password.

use std::sync::Arc;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::Semaphore;

use crate::random::{Random, bytes};

/// Shortest password, in characters.
pub const MIN_CHARS: usize = 8;
/// Longest password, in bytes; hashing time must not be the sender's choice.
pub const MAX_BYTES: usize = 1024;
/// Verifications at once: each takes 19 MiB and a core.
const PARALLEL: usize = 4;

/// A password cannot be kept or checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too few characters.
    #[error("the password is too short: at least {MIN_CHARS} characters")]
    TooShort,
    /// Too many bytes.
    #[error("the password is too long: at most {MAX_BYTES} bytes")]
    TooLong,
    /// The hasher failed.
    #[error("the password could not be hashed: {0}")]
    Hash(String),
}

/// Hashes a new password with a salt of its own; takes some 20 ms of one core.
///
/// # Errors
/// When it breaks the limits.
pub fn hash(password: &str, random: &dyn Random) -> Result<String, PasswordError> {
    if password.chars().count() < MIN_CHARS {
        return Err(PasswordError::TooShort);
    }
    if password.len() > MAX_BYTES {
        return Err(PasswordError::TooLong);
    }
    let salt: [u8; 16] = bytes(random);
    Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(|error| PasswordError::Hash(error.to_string()))
}

/// Checks passwords, a few at a time.
#[derive(Clone, Debug)]
pub struct Passwords {
    permits: Arc<Semaphore>,
    /// The hash of a password nobody knows, checked where there is no member.
    nobody: Arc<str>,
}

impl Passwords {
    /// Prepares the checks.
    ///
    /// # Errors
    /// When the hasher fails.
    pub fn new(random: &dyn Random) -> Result<Self, PasswordError> {
        let unknown = hex::encode(bytes::<16>(random));
        Ok(Self { permits: Arc::new(Semaphore::new(PARALLEL)), nobody: hash(&unknown, random)?.into() })
    }

    /// Whether `password` is the one of `hash`; with no hash the answer is no, after the same work.
    ///
    /// # Errors
    /// When a stored hash is no PHC string, or the server is shutting down.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, PasswordError> {
        if password.len() > MAX_BYTES {
            return Ok(false);
        }
        let fail = |error: &dyn std::fmt::Display| PasswordError::Hash(error.to_string());
        let _permit = self.permits.acquire().await.map_err(|error| fail(&error))?;
        let nobody = Arc::clone(&self.nobody);
        let work = move || {
            let known = hash.is_some();
            let text = hash.as_deref().unwrap_or(&nobody);
            let parsed = PasswordHash::new(text).map_err(|error| fail(&error))?;
            let matches = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
            Ok(matches && known)
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| PasswordError::Hash(error.to_string()))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    #[tokio::test]
    async fn only_the_password_itself_is_accepted() {
        let random = SeededRandom::new(7);
        let passwords = Passwords::new(&random).unwrap();
        let kept = hash("пароль-сотрудника", &random).unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(passwords.verify("пароль-сотрудника".into(), Some(kept.clone())).await.unwrap());
        assert!(!passwords.verify("пароль-Сотрудника".into(), Some(kept)).await.unwrap());
        assert!(!passwords.verify("пароль-сотрудника".into(), None).await.unwrap());
    }

    #[test]
    fn one_password_has_two_hashes() {
        let random = SeededRandom::new(7);
        assert_ne!(hash("same-password", &random).unwrap(), hash("same-password", &random).unwrap());
    }

    #[test]
    fn a_password_has_limits() {
        let random = SeededRandom::new(7);
        assert!(matches!(hash("пароль7", &random), Err(PasswordError::TooShort)));
        assert!(matches!(hash(&"x".repeat(MAX_BYTES + 1), &random), Err(PasswordError::TooLong)));
    }
}
