//! The commands on this device and its key.

use clap::{Subcommand, ValueEnum};
use verso_identity::KeyStoreKind;

/// Where a device's secret is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyStoreChoice {
    /// The system's keychain
    Keychain,
    /// A file in the data directory, encrypted under a passphrase
    File,
}

impl KeyStoreChoice {
    pub(crate) const fn kind(self) -> KeyStoreKind {
        match self {
            Self::Keychain => KeyStoreKind::Keychain,
            Self::File => KeyStoreKind::File,
        }
    }
}

/// What is to be done with this device's name.
#[derive(Debug, Subcommand)]
pub(crate) enum IdCommand {
    /// Changes what other devices call this one
    Rename {
        /// The new name
        name: String,
    },
}

/// What is to be done with the key store.
#[derive(Debug, Subcommand)]
pub(crate) enum KeystoreCommand {
    /// Tells where the secret is
    Show,
    /// Moves the secret to the other store
    Move {
        /// Where to
        #[arg(value_enum)]
        to: KeyStoreChoice,
    },
    /// Changes the passphrase of the key file
    Passphrase,
}
