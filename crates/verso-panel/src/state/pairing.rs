//! How far a pairing has come.

use std::fmt;

use serde::{Deserialize, Serialize};
use verso_identity::DeviceId;
use verso_trust::{Access, PeerRole};

/// How far a pairing has come. One is under way at a time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Pairing {
    /// None is.
    #[default]
    None,
    /// A code is being made.
    Opening,
    /// This device shows a code.
    Showing(Box<Screen>),
    /// A link was made that can be sent. It stands for a day and is served while Verso runs.
    Invited {
        /// The link.
        link: Secret,
        /// When it ends, in milliseconds since the Unix epoch.
        expires_ms: u64,
    },
    /// This device looks for the one whose code was entered.
    Reaching {
        /// What was entered, in words: `the device of the link`.
        what: String,
    },
    /// Two people read codes off each other's screens.
    Comparing {
        /// What this screen shows.
        code: Secret,
        /// How often a code may be typed again, if the one before was wrong.
        left: Option<u8>,
    },
    /// A person is asked whether it may happen.
    Confirming(Box<Agreement>),
    /// This person agreed; the other one is asked.
    Waiting {
        /// What the other device is called.
        name: String,
    },
    /// Both have stored it.
    Paired {
        /// The other device.
        device: DeviceId,
        /// What it is called.
        name: String,
        /// What it is to this one.
        role: PeerRole,
    },
    /// Nothing came of it.
    Failed(PairingFailure),
}

/// The pairing screen: one offer in three forms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Screen {
    /// The link.
    pub link: Secret,
    /// The six words, separated by blanks, if there are any.
    pub words: Option<Secret>,
    /// The name by which devices nearby see this one, if they do.
    pub nearby: Option<String>,
    /// What the joining device becomes.
    pub role: PeerRole,
    /// What it gets, if it is a friend's.
    pub workspaces: Vec<Term>,
    /// When the offer ends, in milliseconds since the Unix epoch.
    pub expires_ms: u64,
    /// What went wrong with somebody who tried, if the offer stands all the same.
    pub last_attempt: Option<String>,
}

/// What will happen if both people agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    /// The side that this device is on.
    pub side: Side,
    /// The other device.
    pub device: DeviceId,
    /// What it calls itself.
    pub name: String,
    /// What two people compare if they want to be sure.
    pub fingerprint: String,
    /// What the two devices will be to each other.
    pub role: PeerRole,
    /// Which workspaces it is about.
    pub workspaces: Vec<Term>,
}

/// One workspace of an offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// What it is called.
    pub name: String,
    /// What the joining device may do.
    pub access: Access,
}

/// The side of a pairing that a device is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    /// It showed the code.
    Showing,
    /// It entered the code.
    Joining,
}

/// Why nothing came of a pairing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairingFailure {
    /// What happened.
    pub what: String,
    /// What to do.
    pub hint: String,
}

/// Text that is shown on the screen and stands in no log line: whoever has it can pair.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes the text.
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// Returns the text, to be shown.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the text, and keeps none of it.
    pub fn into_text(self) -> String {
        self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
