//! [`manifest`]: what this module gives a host and what it needs of one, and why it may have to do without.

use verso_identity::{KeychainError, LoadError};
use verso_log::LockError;
use verso_replica::{JournalError, OpenError};
use verso_wire::Reason;

use crate::worker::WorkerError;

/// What a module provides to a host and requires of it, as plain data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manifest {
    /// The module's name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// What it provides, by the names that hosts know.
    pub provides: &'static [&'static str],
    /// What people can do with it.
    pub actions: &'static [Action],
    /// What it requires.
    pub requires: &'static [Requirement],
}

/// Something that people can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    /// Its name.
    pub name: &'static str,
    /// In a few words, for a menu.
    pub title: &'static str,
}

/// Something that the module requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requirement {
    /// Its name.
    pub name: &'static str,
    /// What is missing without it.
    pub without: Without,
    /// What it is for.
    pub purpose: &'static str,
}

/// What a host can still do where a requirement is not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Without {
    /// All but sync: the host goes on, and tells why.
    NoSync,
    /// Sync, but for this.
    Less,
}

/// Returns the manifest of this module.
pub const fn manifest() -> Manifest {
    Manifest {
        name: "verso",
        version: env!("CARGO_PKG_VERSION"),
        provides: &["identity:p2p", "protocol:verso"],
        actions: &[
            Action { name: "verso.pair_device", title: "Pair a device" },
            Action { name: "verso.sync_now", title: "Sync now" },
            Action { name: "verso.share_workspace", title: "Share a workspace" },
            Action { name: "verso.forget_device", title: "Forget a device" },
        ],
        requires: &[
            Requirement { name: "keychain", without: Without::NoSync, purpose: "keeps the device's secret" },
            Requirement {
                name: "directory",
                without: Without::NoSync,
                purpose: "holds the journals, of this process alone",
            },
            Requirement {
                name: "network:udp",
                without: Without::Less,
                purpose: "reaches other devices; without it work goes on",
            },
        ],
    }
}

/// Tells what it is called wherever people are told that a device's key can't be had.
pub const fn reason_of_key(error: &LoadError) -> Reason {
    match error {
        LoadError::WrongPassphrase
        | LoadError::Keychain(KeychainError::Locked | KeychainError::NoAnswer { .. } | KeychainError::NoCollection) => {
            Reason::KeychainLocked
        }
        _ => Reason::KeyMissing,
    }
}

impl WorkerError {
    /// Returns what the error is called wherever people are told that nothing is synced.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Open(OpenError::WrongKey) => Reason::KeyMissing,
            Self::Open(OpenError::Journal(error)) => error.reason(),
            Self::Lock(LockError::Io(error)) | Self::Storage(error) | Self::Open(OpenError::Io(error)) => {
                // Whether it is the room that is missing is told apart in one place.
                JournalError::Io(std::io::Error::from(error.kind())).reason()
            }
            Self::Open(_) | Self::Invitations(_) => Reason::LogDamaged,
            Self::Bind(_) => Reason::Offline,
            Self::Lock(_) => Reason::LogLocked,
            Self::Crashed => Reason::WorkerCrash,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hosts_look_for_is_there_under_its_name() {
        let Manifest { provides, actions, requires, .. } = manifest();
        assert_eq!(provides, ["identity:p2p", "protocol:verso"]);
        let names: Vec<_> = actions.iter().map(|action| action.name).collect();
        assert_eq!(names, ["verso.pair_device", "verso.sync_now", "verso.share_workspace", "verso.forget_device"]);
        let keychain = requires.iter().find(|required| required.name == "keychain").unwrap();
        assert_eq!(keychain.without, Without::NoSync);
    }

    #[test]
    fn a_key_that_is_locked_away_is_told_from_one_that_is_not_there() {
        assert_eq!(reason_of_key(&LoadError::Missing), Reason::KeyMissing);
        assert_eq!(reason_of_key(&LoadError::Keychain(KeychainError::Locked)), Reason::KeychainLocked);
        let unreachable = KeychainError::Unreachable { what: String::new() };
        assert_eq!(reason_of_key(&LoadError::Keychain(unreachable)), Reason::KeyMissing);
    }
}
