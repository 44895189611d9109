//! [`Reason`]: the closed set of everything that can stop data from moving, and [`CloseCode`], its form in QUIC.

use std::fmt;
use std::str::FromStr;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $code:literal, $what:literal, $action:literal;)*) => {
        /// Why data doesn't move. Everything that can stop it is one of these, the same in the panel, the program, JSON and on the wire.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Reason {
            $($(#[$doc])* $name = $number,)*
        }

        impl Reason {
            /// Every reason there is, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Returns the number that stands for the reason on the wire. Numbers are never used again for another.
            pub const fn number(self) -> u8 {
                match self {
                    $(Self::$name => $number,)*
                }
            }

            /// Returns the stable code that programs read.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                }
            }

            /// Says in a sentence what is the matter.
            pub const fn what(self) -> &'static str {
                match self {
                    $(Self::$name => $what,)*
                }
            }

            /// Says in a sentence what to do about it.
            pub const fn action(self) -> &'static str {
                match self {
                    $(Self::$name => $action,)*
                }
            }
        }
    };
}

reasons! {
    /// This device has no network.
    Offline = 1, "offline",
        "This device has no network.",
        "Nothing to do: sync goes on when the network is back.";
    /// No known way leads to the peer.
    Unreachable = 2, "unreachable",
        "The peer could not be reached on any known path.",
        "Check that Verso runs on the other device, and that both are on one network.";
    /// The peer doesn't know this device, or this device not the peer.
    NotTrusted = 3, "not-trusted",
        "The two devices are not paired with each other.",
        "Pair them.";
    /// The peer has no access to the workspace.
    NoGrant = 4, "no-grant",
        "The workspace is not shared with that device.",
        "Ask an owner of the workspace to share it.";
    /// A device that may only read has written.
    ReadOnly = 5, "read-only",
        "This device may read the workspace, not write to it.",
        "Ask an owner of the workspace for read-write access.";
    /// Access was taken away.
    Revoked = 6, "revoked",
        "Access was taken away.",
        "Pair again, or ask an owner of the workspace to share it again.";
    /// The peer doesn't want what this device sent.
    Declined = 7, "declined",
        "The other device does not accept an author's changes.",
        "Let an owner of the workspace admit the author; the changes then go through.";
    /// The peer failed to prove what was agreed at pairing.
    HandshakeFailed = 8, "handshake-failed",
        "The peer could not prove what was agreed when the devices were paired.",
        "Pair the two devices again.";
    /// No common version of the protocol.
    Version = 9, "version",
        "The two devices run versions of Verso that have no protocol in common.",
        "Update Verso on the older device.";
    /// The peer speaks an older version than it did before.
    Downgrade = 10, "downgrade",
        "The peer offers an older protocol than it has spoken before.",
        "Update Verso on the other device; if it was not rolled back on purpose, find out who answers in its place.";
    /// A chain has two ends.
    Fork = 11, "fork",
        "A device has written two different histories, as after a restored backup or a copied disk.",
        "Nothing to do: both are kept as branches, nothing is lost, and sync starts anew.";
    /// This device remembers less of its own writing than a peer can prove.
    RolledBack = 12, "rolled-back",
        "This device was rolled back to an earlier state: a peer holds newer changes that it had signed.",
        "Nothing to do: it goes on under a new incarnation and fetches what it lacks.";
    /// Entries are missing between what is held and what came.
    Gap = 13, "gap",
        "Changes are missing between what is held and what the peer sent.",
        "Nothing to do if it passes; otherwise run `verso log repair`.";
    /// The clocks are far apart.
    ClockSkew = 14, "clock-skew",
        "The clocks of the two devices are more than a minute apart.",
        "Set the clock of the device that is wrong. Sync goes on meanwhile.";
    /// No room to store.
    DiskFull = 15, "disk-full",
        "The disk is full, so nothing more can be stored durably.",
        "Free some space on the device.";
    /// The journal is damaged.
    LogDamaged = 16, "log-damaged",
        "The journal on disk is damaged.",
        "Run `verso log verify`, then `verso log repair`.";
    /// Another process holds the journal.
    LogLocked = 17, "log-locked",
        "Another process uses this data directory.",
        "Use that process, or end it.";
    /// There is no identity key.
    KeyMissing = 18, "key-missing",
        "The key store does not hold this device's key.",
        "Restore the key from a backup, or check that the right key store is chosen.";
    /// The key store is locked.
    KeychainLocked = 19, "keychain-locked",
        "The key store is locked.",
        "Unlock it.";
    /// The peer serves as many sessions as it can.
    Busy = 20, "busy",
        "The peer serves as many devices as it can at a time.",
        "Nothing to do: it is tried again soon.";
    /// A bound was reached.
    Limit = 21, "limit",
        "A bound of the protocol was reached.",
        "Look at the log for which; a smaller change may pass.";
    /// The sync worker failed.
    WorkerCrash = 22, "worker-crash",
        "Sync with this peer failed through a fault in the program and is started again.",
        "Report it if it goes on.";
    /// The peer sent what no correct program sends.
    Malformed = 23, "malformed",
        "The peer sent data that is not valid.",
        "Update Verso on both devices; if it goes on, the other device is damaged or hostile.";
    /// A device was put back to an earlier state and has yet to learn whom it still trusts.
    Unconfirmed = 24, "unconfirmed",
        "A device was restored from a backup or put back to an earlier state, and has yet to learn whether the other one is still trusted.",
        "On that device: sync with another device of yours that was in use since, or run `verso confirm PEER`.";
}

impl Reason {
    /// Returns the reason with this number, `None` if there is none.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.number() == number)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl FromStr for Reason {
    type Err = ParseReasonError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|reason| reason.code() == text).ok_or(ParseReasonError)
    }
}

/// The text is not a reason's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the code of a reason")]
pub struct ParseReasonError;

/// What a QUIC connection is closed with (an application error code): 0 when there is nothing to complain of, else a reason's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(pub u32);

impl CloseCode {
    /// Closed because all is done. Also what QUIC sends when a connection is dropped.
    pub const DONE: Self = Self(0);

    /// Closed in favour of another connection between the same two devices. It says nothing about what was exchanged on this one,
    /// and so must not be taken for [`DONE`](Self::DONE).
    pub const SUPERSEDED: Self = Self(256);

    /// Returns the reason, `None` where there is nothing to complain of and for codes of later versions.
    pub fn reason(self) -> Option<Reason> {
        u8::try_from(self.0).ok().and_then(Reason::from_number)
    }
}

impl From<Reason> for CloseCode {
    fn from(reason: Reason) -> Self {
        Self(u32::from(reason.number()))
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason() {
            Some(reason) => fmt::Display::fmt(&reason, f),
            None if *self == Self::DONE => f.pad("done"),
            None if *self == Self::SUPERSEDED => f.pad("superseded"),
            None => write!(f, "code {}", self.0),
        }
    }
}
