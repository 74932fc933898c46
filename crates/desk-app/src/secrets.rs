//! Where the store's key is kept: the system's keychain, or, where there is none, a key file of mode 0600.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use desk_api::{ApiError, ErrorCode};
use desk_store::Key;

use crate::{error, machine};

/// The name under which the key stands in the keychain.
const SERVICE: &str = "WorkerNet Desk";
/// The key file's name in the data directory.
const KEY_FILE: &str = "store.key";

/// A place for secrets.
pub trait Keychain: Send + Sync {
    /// The secret of an account, if there is one.
    ///
    /// # Errors
    /// When there is no keychain here, or it does not answer.
    fn get(&self, account: &str) -> Result<Option<String>, String>;

    /// Keeps a secret.
    ///
    /// # Errors
    /// As [`Keychain::get`].
    fn set(&self, account: &str, secret: &str) -> Result<(), String>;

    /// Forgets a secret; that there is none is no error.
    ///
    /// # Errors
    /// As [`Keychain::get`].
    fn forget(&self, account: &str) -> Result<(), String>;

    /// Stores have no key and are not encrypted: for measuring what encryption costs, and nothing that is shipped says so.
    #[doc(hidden)]
    fn leaves_stores_plain(&self) -> bool {
        false
    }
}

/// A machine without a keychain: keys go to files.
#[cfg(test)]
pub(crate) struct NoKeychain;

#[cfg(test)]
impl Keychain for NoKeychain {
    fn get(&self, _: &str) -> Result<Option<String>, String> {
        Err("there is none".into())
    }

    fn set(&self, _: &str, _: &str) -> Result<(), String> {
        Err("there is none".into())
    }

    fn forget(&self, _: &str) -> Result<(), String> {
        Err("there is none".into())
    }
}

/// The operating system's keychain: Keychain, Credential Manager, Secret Service.
pub struct SystemKeychain;

impl Keychain for SystemKeychain {
    fn get(&self, account: &str) -> Result<Option<String>, String> {
        let entry = keyring::v1::Entry::new(SERVICE, account).map_err(|error| error.to_string())?;
        match entry.get_password() {
            Ok(secret) => Ok(Some(secret)),
            Err(keyring::v1::Error::NoEntry) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    fn set(&self, account: &str, secret: &str) -> Result<(), String> {
        let entry = keyring::v1::Entry::new(SERVICE, account).map_err(|error| error.to_string())?;
        entry.set_password(secret).map_err(|error| error.to_string())
    }

    fn forget(&self, account: &str) -> Result<(), String> {
        let entry = keyring::v1::Entry::new(SERVICE, account).map_err(|error| error.to_string())?;
        match entry.delete_credential() {
            Ok(()) | Err(keyring::v1::Error::NoEntry) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Where a key was found or put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// In the system's keychain.
    Keychain,
    /// In a file that only its owner reads: anybody with the owner's files has the key too. `desk doctor` says so.
    File,
}

/// The path of the key file.
pub fn key_file(data_dir: &Path) -> PathBuf {
    data_dir.join(KEY_FILE)
}

/// The key of the store in `data_dir`, made if there is no store yet. A key file that exists is used; otherwise the
/// keychain is asked; where there is none, a new store's key goes to a key file. The key of a store that exists is never
/// made anew, since that would make the store unreadable for good.
///
/// # Errors
/// When a store exists and its key is not to be found, or the key file cannot be read or written.
pub fn store_key(
    data_dir: &Path,
    store_exists: bool,
    keychain: &dyn Keychain,
) -> Result<(Key, KeyPlace), ApiError> {
    if keychain.leaves_stores_plain() {
        return Ok((Key::absent(), KeyPlace::Keychain));
    }
    let file = key_file(data_dir);
    match fs::read_to_string(&file) {
        Ok(text) => {
            return Key::from_hex(&text).map(|key| (key, KeyPlace::File)).ok_or_else(|| {
                let what = format!("the key file {} is damaged: restore it from a backup", file.display());
                ApiError::new(ErrorCode::WrongKey, what)
            });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(problem) => return Err(error::io("the key file cannot be read", &problem)),
    }
    let account = account(data_dir);
    let asked = keychain.get(&account);
    if let Ok(Some(text)) = &asked
        && let Some(key) = Key::from_hex(text)
    {
        return Ok((key, KeyPlace::Keychain));
    }
    if store_exists {
        let why = match asked {
            Ok(_) => "the keychain has no key for it".to_owned(),
            Err(error) => format!("the keychain does not answer ({error})"),
        };
        return Err(ApiError::new(
            ErrorCode::WrongKey,
            format!("the store's key is missing: {why}; unlock the keychain or restore {}", file.display()),
        ));
    }
    let key = Key::new(machine::random());
    let kept = asked.is_ok()
        && keychain.set(&account, &key.to_hex()).is_ok()
        && keychain.get(&account).ok().flatten().as_deref() == Some(&key.to_hex());
    if kept {
        return Ok((key, KeyPlace::Keychain));
    }
    write_private(&file, &key.to_hex())
        .map_err(|problem| error::io("the key file cannot be written", &problem))?;
    Ok((key, KeyPlace::File))
}

/// Forgets the key of the store in `data_dir`, wherever it is kept: without it, what is left of the store on the disk can
/// be read by nobody.
///
/// # Errors
/// When the key file cannot be removed. A keychain that does not answer is no error, where there is a key file or none.
pub fn forget_store_key(data_dir: &Path, keychain: &dyn Keychain) -> Result<(), ApiError> {
    if let Err(problem) = keychain.forget(&account(data_dir)) {
        tracing::info!(%problem, "the keychain was not asked to forget the store's key");
    }
    match fs::remove_file(key_file(data_dir)) {
        Err(problem) if problem.kind() != io::ErrorKind::NotFound => {
            Err(error::io("the key file cannot be removed", &problem))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// One entry per data directory: two stores of one user have two keys.
fn account(data_dir: &Path) -> String {
    let path = fs::canonicalize(data_dir).unwrap_or_else(|_| data_dir.to_owned());
    format!("store {}", path.display())
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    struct Fake {
        secret: Mutex<Option<String>>,
        works: bool,
    }

    impl Keychain for Fake {
        fn get(&self, _: &str) -> Result<Option<String>, String> {
            if self.works { Ok(self.secret.lock().unwrap().clone()) } else { Err("locked".into()) }
        }
        fn set(&self, _: &str, secret: &str) -> Result<(), String> {
            *self.secret.lock().unwrap() = Some(secret.to_owned());
            Ok(())
        }
        fn forget(&self, _: &str) -> Result<(), String> {
            *self.secret.lock().unwrap() = None;
            Ok(())
        }
    }

    fn fake(works: bool) -> Fake {
        Fake { secret: Mutex::new(None), works }
    }

    #[test]
    fn a_key_is_kept_in_the_keychain_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let keychain = fake(true);
        let (made, place) = store_key(dir.path(), false, &keychain).unwrap();
        assert_eq!(place, KeyPlace::Keychain);
        assert!(!key_file(dir.path()).exists());
        let (found, _) = store_key(dir.path(), true, &keychain).unwrap();
        assert_eq!(made.to_hex(), found.to_hex());
    }

    #[test]
    fn without_a_keychain_a_private_file_holds_the_key() {
        let dir = tempfile::tempdir().unwrap();
        let (made, place) = store_key(dir.path(), false, &fake(false)).unwrap();
        assert_eq!(place, KeyPlace::File);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let bits = fs::metadata(key_file(dir.path())).unwrap().permissions().mode();
            assert_eq!(bits & 0o777, 0o600);
        }
        let (found, _) = store_key(dir.path(), true, &fake(false)).unwrap();
        assert_eq!(made.to_hex(), found.to_hex());
    }

    #[test]
    fn a_forgotten_key_is_nowhere() {
        for keychain in [fake(true), fake(false)] {
            let dir = tempfile::tempdir().unwrap();
            let (made, _) = store_key(dir.path(), false, &keychain).unwrap();
            forget_store_key(dir.path(), &keychain).unwrap();
            forget_store_key(dir.path(), &keychain).unwrap();
            let (next, _) = store_key(dir.path(), false, &keychain).unwrap();
            assert_ne!(made.to_hex(), next.to_hex());
        }
    }

    #[test]
    fn the_key_of_a_store_that_exists_is_never_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        for keychain in [fake(true), fake(false)] {
            let error = store_key(dir.path(), true, &keychain).unwrap_err();
            assert_eq!(error.code, ErrorCode::WrongKey);
            assert!(!key_file(dir.path()).exists());
        }
        fs::write(key_file(dir.path()), "rubbish").unwrap();
        assert_eq!(store_key(dir.path(), false, &fake(true)).unwrap_err().code, ErrorCode::WrongKey);
    }
}
