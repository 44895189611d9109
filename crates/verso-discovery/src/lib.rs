#![doc = include_str!("../README.md")]

mod announcement;
mod dice;
mod discovery;
mod heard;
#[cfg(feature = "mdns")]
mod mdns;
mod neighbours;
#[cfg(feature = "mdns")]
mod probe;
mod screen;
#[cfg(feature = "mdns")]
mod state;
mod subnet;
mod tag;
mod txt;

pub use announcement::{Announcement, DECOY_PORT, MAX_ADDRESSES, SERVICE_TYPE, SLOTS};
pub use discovery::{
    ANEW_MS, Discovery, Input, Mode, Output, PAUSE_MS, PERIOD_MS, PERIOD_SPREAD_MS, Profile, Received, STALE_MS,
};
pub use heard::{Heard, HeardError, HeardScreen};
#[cfg(feature = "mdns")]
pub use mdns::{DiscoveryHandle, DiscoveryOptions, discover};
pub use neighbours::{NearbyScreen, Neighbours};
#[cfg(feature = "mdns")]
pub use probe::{Depth, Interfaces, examine};
pub use screen::PairingScreen;
#[cfg(feature = "mdns")]
pub use state::{DiscoveryState, Obstacle, View};
pub use subnet::Subnet;
pub use tag::{Relationship, SALT_LEN, SLOT_LEN, TAG_LEN};
pub use txt::MAX_TXT_BYTES;
