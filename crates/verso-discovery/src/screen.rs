//! A pairing screen: the one time that a device tells strangers its name.

use verso_identity::Name;

/// Whether strangers are told who this device is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PairingScreen {
    /// They are not.
    #[default]
    Closed,
    /// A person has opened the pairing screen: name and id are announced in the clear, for as long as it is open.
    Open(Name),
}
