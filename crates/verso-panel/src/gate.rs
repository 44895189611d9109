//! [`Gate`]: what stands between a person and the panel, as plain data.

use crate::state::{Failure, Secret};

/// What stands between a person and the panel, which needs a device that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// Something is under way that takes a moment.
    Opening {
        /// What, in words: `Opening the device`.
        what: String,
    },
    /// There is no device yet.
    NoDevice(FirstRun),
    /// The key of the device lies in a file under a passphrase.
    Locked {
        /// Why the last passphrase did not do, if there was one.
        failure: Option<Failure>,
    },
    /// The program that kept this device in step has ended, and may come back.
    Stopped {
        /// Why it can't be done here, if that was tried.
        failure: Option<Failure>,
    },
    /// The device can't be opened, or ended by itself.
    Barred {
        /// What keeps it from being opened.
        failure: Failure,
        /// Whether mending its journals may help.
        is_mendable: bool,
    },
    /// Its journals are being mended, and nobody else has them meanwhile.
    Mending {
        /// How far that is, in words: `Looking at all of them`.
        what: String,
    },
}

/// What a person is asked before there is a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstRun {
    /// What the device would be called, if the person says nothing else.
    pub name: String,
    /// Where it would lie.
    pub place: String,
    /// Where its key can be kept.
    pub key: KeyPlace,
    /// Why the last attempt came to nothing, if there was one.
    pub failure: Option<Failure>,
}

/// Where the key of a new device can be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// In the system's keychain, or in a file: the person says which.
    Ask,
    /// Only in a file.
    OnlyFile {
        /// Why the keychain can't keep it.
        why: String,
    },
    /// It is settled, and nobody is asked.
    Settled {
        /// Where, in words: `in the system's keychain`.
        place: String,
    },
}

/// What a person asks for before the panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateAction {
    /// Make the device.
    Make {
        /// What it is called.
        name: String,
        /// Where its key is kept.
        keep: Keep,
    },
    /// Open the device.
    Unlock {
        /// The passphrase of the key file.
        passphrase: Secret,
    },
    /// Keep the device in step here, though another program did so before.
    RunHere,
    /// Try again.
    Retry,
    /// Mend the journals, and try again then.
    Repair,
}

/// Where the key of a new device is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keep {
    /// In the system's keychain.
    Keychain,
    /// In a file.
    File {
        /// What it is encrypted under.
        passphrase: Secret,
    },
    /// Where it is [settled](KeyPlace::Settled).
    AsSettled,
}
