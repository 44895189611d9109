//! [`KeychainSlot`]: under which name a device's entries lie in the keychain.

use std::fmt;
use std::str::FromStr;

use crate::hex;

/// Names the entries of one data directory in the keychain, so that several on one machine never meet: 8 random bytes,
/// written as 16 hexadecimal digits. Nothing secret, and nothing that tells of the device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeychainSlot([u8; 8]);

impl KeychainSlot {
    /// Chooses a name.
    ///
    /// # Errors
    /// [`getrandom::Error`] if the operating system has no randomness to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for KeychainSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex::encode(&self.0))
    }
}

impl fmt::Debug for KeychainSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeychainSlot({self})")
    }
}

impl FromStr for KeychainSlot {
    type Err = ParseKeychainSlotError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        hex::decode(text).map(Self).ok_or(ParseKeychainSlotError)
    }
}

/// The text is not 16 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of an entry in the keychain is 16 lower-case hexadecimal digits")]
pub struct ParseKeychainSlotError;
