//! The login session's kernel keyring, which may hold the key of a key file so that its passphrase is asked for once a session.
//!
//! It is memory of the kernel, gone with the session and at a reboot, and what it holds opens one file and is no copy of the
//! identity. All that goes wrong with it comes to the same: the passphrase is asked for each time.

use super::format::{FileKey, SALT_LEN};

/// Why the session does not hold the key of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The process has no session of its own. What every process of the user shares, now and after the logout, is none.
    #[error("there is no login session with a keyring of its own")]
    NoSession,
    /// The kernel refused.
    #[error("the kernel's keyring refused: {what}")]
    Refused {
        /// Its answer.
        what: String,
    },
}

/// Keeps the key of the file with this salt for the session.
pub(super) fn keep(salt: &[u8; SALT_LEN], key: &FileKey) -> Result<(), SessionError> {
    system::keep(salt, key)
}

/// Returns the key of the file with this salt, if the session holds it.
pub(super) fn find(salt: &[u8; SALT_LEN]) -> Option<FileKey> {
    system::find(salt)
}

/// Forgets the key of the file with this salt.
pub(super) fn forget(salt: &[u8; SALT_LEN]) {
    system::forget(salt);
}

#[cfg(target_os = "linux")]
mod system {
    use linux_keyutils::{Key, KeyError, KeyRing, KeyRingIdentifier};
    use zeroize::Zeroizing;

    use super::SessionError;
    use crate::hex;
    use crate::store::format::{FileKey, SALT_LEN};

    pub(super) fn keep(salt: &[u8; SALT_LEN], key: &FileKey) -> Result<(), SessionError> {
        let session = session()?;
        let kept = session.add_key(&name(salt), key.0.as_ref()).map_err(refused)?;
        // A key that can't be read back would only lie about.
        match read(kept) {
            Ok(back) if *back.0 == *key.0 => Ok(()),
            outcome => {
                session.unlink_key(kept).unwrap_or_default();
                Err(outcome.err().unwrap_or_else(|| SessionError::Refused { what: "it gave back another".to_owned() }))
            }
        }
    }

    pub(super) fn find(salt: &[u8; SALT_LEN]) -> Option<FileKey> {
        read(session().ok()?.search(&name(salt)).ok()?).ok()
    }

    pub(super) fn forget(salt: &[u8; SALT_LEN]) {
        let Ok(session) = session() else { return };
        if let Ok(key) = session.search(&name(salt)) {
            // Where it can't be revoked it is out of reach at least.
            key.revoke().unwrap_or_default();
            session.unlink_key(key).unwrap_or_default();
        }
    }

    /// The keyring of the login session. Without one the kernel offers the user's, which all sessions share.
    fn session() -> Result<KeyRing, SessionError> {
        let session = KeyRing::from_special_id(KeyRingIdentifier::Session, false);
        let of_the_user = KeyRing::from_special_id(KeyRingIdentifier::UserSession, false);
        match (session, of_the_user) {
            (Ok(session), Ok(of_the_user)) if session == of_the_user => Err(SessionError::NoSession),
            (Ok(session), _) => Ok(session),
            (Err(_none), _) => Err(SessionError::NoSession),
        }
    }

    fn read(key: Key) -> Result<FileKey, SessionError> {
        let mut bytes = Zeroizing::new([0; 32]);
        // A longer key would be cut off here, and then open nothing.
        match key.read(&mut *bytes) {
            Ok(32) => Ok(FileKey(bytes)),
            Ok(_other) => Err(SessionError::Refused { what: "it holds something else".to_owned() }),
            Err(error) => Err(refused(error)),
        }
    }

    fn name(salt: &[u8; SALT_LEN]) -> String {
        format!("verso:{}", hex::encode(salt))
    }

    fn refused(error: KeyError) -> SessionError {
        SessionError::Refused { what: error.to_string() }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::SessionError;
    use crate::store::format::{FileKey, SALT_LEN};

    pub(super) fn keep(_salt: &[u8; SALT_LEN], _key: &FileKey) -> Result<(), SessionError> {
        Err(SessionError::NoSession)
    }

    pub(super) fn find(_salt: &[u8; SALT_LEN]) -> Option<FileKey> {
        None
    }

    pub(super) fn forget(_salt: &[u8; SALT_LEN]) {}
}
