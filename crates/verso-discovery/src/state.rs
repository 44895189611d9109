//! How it stands with discovery, for people and for scripts.

use crate::neighbours::Neighbours;

/// What there is to see of discovery at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    /// Who is near.
    pub neighbours: Neighbours,
    /// Whether it works.
    pub state: DiscoveryState,
}

/// Whether discovery works. Nothing else depends on it: peers are dialled at their known addresses all the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum DiscoveryState {
    /// It is switched off, or nothing runs that would use it.
    #[default]
    Off,
    /// It is about to start.
    Starting,
    /// It works on these interfaces.
    On {
        /// Their names, in order.
        interfaces: Vec<String>,
    },
    /// It works on no interface. It is tried again all the time.
    Blocked(Obstacle),
}

/// What keeps discovery from working.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// No interface is up, or none of those that were chosen.
    NoInterface,
    /// Another program has UDP port 5353 for itself.
    PortTaken,
    /// The system does not allow it.
    NotPermitted,
    /// Nothing can be sent to or heard from the multicast group.
    NoMulticast,
    /// Something else, in the words of the system.
    Failed(String),
}

impl Obstacle {
    /// Returns the stable code for scripts.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoInterface => "no-interface",
            Self::PortTaken => "port-taken",
            Self::NotPermitted => "not-permitted",
            Self::NoMulticast => "no-multicast",
            Self::Failed(_) => "failed",
        }
    }

    /// Returns what is the matter, in a sentence.
    pub fn what(&self) -> String {
        match self {
            Self::NoInterface => "No network interface is up on which peers could be looked for.".to_owned(),
            Self::PortTaken => "Another program has UDP port 5353 for itself.".to_owned(),
            Self::NotPermitted => "The system does not allow multicast on UDP port 5353.".to_owned(),
            Self::NoMulticast => "The network takes no multicast.".to_owned(),
            Self::Failed(what) => format!("Looking for peers on the local network failed: {what}."),
        }
    }

    /// Returns what to do about it, in a sentence.
    pub const fn action(&self) -> &'static str {
        match self {
            Self::NoInterface => "Connect this machine to a network.",
            Self::PortTaken => "End the program that has UDP port 5353, or have it share the port.",
            Self::NotPermitted => "Allow UDP port 5353 in this machine's firewall.",
            Self::NoMulticast => "Use another network, or give peers an address to dial.",
            Self::Failed(_) => "Peers are still dialled at the addresses that are known.",
        }
    }
}
