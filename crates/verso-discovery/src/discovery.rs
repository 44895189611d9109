//! [`Discovery`]: the machine that decides what is announced where, and who is near.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use verso_identity::DeviceId;
use zeroize::Zeroizing;

use crate::announcement::{Announcement, Announcer, MAX_ADDRESSES};
use crate::dice::Dice;
use crate::heard::{Heard, HeardError};
use crate::neighbours::{Neighbours, Place, Sightings, Whose};
use crate::screen::PairingScreen;
use crate::subnet::{Subnet, may_be_dialled};
use crate::tag::Relationship;

/// How long an announcement stands at least before another takes its place, in milliseconds: 15 minutes, as long as the addresses of
/// Bluetooth devices. Shorter periods cost packets and make no follower's life harder: the IP address stays.
pub const PERIOD_MS: u64 = 15 * 60 * 1_000;

/// How much longer it may stand, in milliseconds: up to 5 minutes, drawn each time, so that nobody is known by its rhythm.
pub const PERIOD_SPREAD_MS: u64 = 5 * 60 * 1_000;

/// After how long an announcement counts no more if nothing was heard of it, in milliseconds: two of the longest periods. By then its device
/// has made another, or is gone.
pub const STALE_MS: u64 = 2 * (PERIOD_MS + PERIOD_SPREAD_MS);

/// How long what was heard on an interface still counts after that was joined anew, if it isn't heard again, in milliseconds: who is there answers within a second, and is asked
/// three times by then.
pub const ANEW_MS: u64 = 5_000;

/// How long an interface that has failed is left alone, in milliseconds.
pub const PAUSE_MS: u64 = 5_000;

/// Longest name of a service instance: a DNS name has at most 255 bytes (RFC 1035, section 2.3.4).
const MAX_INSTANCE_BYTES: usize = 255;

/// Most addresses of one announcement that are looked at, as a record names them in no order. Four times what any device announces.
const MAX_HEARD_ADDRESSES: usize = 4 * MAX_ADDRESSES;

/// Whether a device lets itself be found, or finds only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// It announces itself, and listens.
    #[default]
    Announce,
    /// It listens only, and asks who is there as every listener does. It finds peers that announce themselves, and dials them.
    Listen,
}

/// What a device is on the local network.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    /// Its id.
    pub device: DeviceId,
    /// The UDP port at which it can be dialled, not 0.
    pub port: u16,
    /// Whether it announces itself.
    pub mode: Mode,
}

/// What happens to the machine.
#[derive(Debug)]
#[non_exhaustive]
pub enum Input {
    /// These are the interfaces to use from now on, by name, each with its addresses. One whose addresses changed is in another network.
    Interfaces(BTreeMap<String, Vec<Subnet>>),
    /// These are the peers from now on, those first for whom there should be room.
    Relationships(Vec<Relationship>),
    /// The pairing screen was opened or closed.
    Screen(PairingScreen),
    /// An announcement was heard, or changed.
    Heard(Received),
    /// An announcement was taken back, or has run out.
    Gone {
        /// On which interface.
        interface: String,
        /// The service's name.
        instance: String,
    },
    /// Nothing more comes from an interface, or nothing can be sent on it.
    Failed {
        /// Which interface.
        interface: String,
    },
    /// Time passed: [`Discovery::next_ms`] is over.
    Tick,
}

/// An announcement as it came from the network.
#[derive(Debug, Clone)]
pub struct Received {
    /// On which interface.
    pub interface: String,
    /// The service's name.
    pub instance: String,
    /// The addresses of its host.
    pub addresses: Vec<IpAddr>,
    /// Its TXT record.
    pub txt: Vec<u8>,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// Listen on an interface, ask there who is near, and announce this, if anything. What was announced there before is taken back, and what
    /// was heard there is heard anew.
    Join {
        /// Which interface.
        interface: String,
        /// What to announce.
        announcement: Option<Announcement>,
    },
    /// Take back what was announced on an interface, and listen there no more.
    Leave {
        /// Which interface.
        interface: String,
    },
}

/// Decides what is announced on each interface, and knows who is near; it does neither itself.
///
/// 1. Tell it what happens with [`handle`](Self::handle): interfaces, peers, what was heard.
/// 2. Do what [`poll`](Self::poll) says until it says nothing.
/// 3. Look at [`neighbours`](Self::neighbours).
/// 4. Come back when [`next_ms`](Self::next_ms) is over, with [`Input::Tick`].
///
/// No two announcements have a name, a salt or a tag in common: not two of different interfaces, not two of one interface before and after it
/// changed networks, or a period was over, or peers came and went. Who shares no secret with the device can't tell that they are of one
/// device, but for what the network itself shows. Names and ids are announced only while the pairing screen is open.
///
/// It keeps what it recognises, bounded, and forgets all else at once, so that nobody on the network can fill its memory.
#[derive(Debug)]
pub struct Discovery {
    profile: Profile,
    dice: Dice,
    relationships: Vec<Relationship>,
    screen: PairingScreen,
    interfaces: BTreeMap<String, Interface>,
    sightings: Sightings,
    outputs: VecDeque<Output>,
}

#[derive(Debug)]
struct Interface {
    addresses: Vec<Subnet>,
    /// When it is joined anew.
    rejoin_ms: u64,
}

impl Discovery {
    /// Makes the machine. All its randomness comes from `seed`, which is fresh from the operating system: with it all announcements can be
    /// recognised.
    pub fn new(profile: Profile, seed: Zeroizing<[u8; 32]>) -> Self {
        Self {
            profile,
            dice: Dice::new(seed),
            relationships: Vec::new(),
            screen: PairingScreen::Closed,
            interfaces: BTreeMap::new(),
            sightings: Sightings::default(),
            outputs: VecDeque::new(),
        }
    }

    /// Takes in what happened at `now_ms`, in milliseconds of a clock that never goes back.
    ///
    /// # Errors
    /// [`HeardError`] if an announcement that was heard is none: whoever made it is misbehaving, or newer. Nothing is to be done about it.
    pub fn handle(&mut self, now_ms: u64, input: Input) -> Result<(), HeardError> {
        match input {
            Input::Interfaces(interfaces) => self.set_interfaces(now_ms, interfaces),
            Input::Relationships(relationships) => {
                if relationships != self.relationships {
                    self.relationships = relationships;
                    let peers = &self.relationships;
                    self.sightings.keep_peers(|device| peers.iter().any(|peer| peer.peer() == *device));
                    self.join_all(now_ms);
                }
            }
            Input::Screen(screen) => {
                if screen != self.screen {
                    self.screen = screen;
                    self.join_all(now_ms);
                }
            }
            Input::Heard(received) => return self.hear(now_ms, received),
            Input::Gone { interface, instance } => {
                self.sightings.remove(&Place { interface, instance: instance.to_ascii_lowercase() });
            }
            Input::Failed { interface } => {
                if let Some(interface) = self.interfaces.get_mut(&interface) {
                    interface.rejoin_ms = interface.rejoin_ms.min(now_ms.saturating_add(PAUSE_MS));
                }
            }
            Input::Tick => self.pass_time(now_ms),
        }
        Ok(())
    }

    /// Returns the next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Returns when to come back with [`Input::Tick`]; `None` if there is nothing to wait for.
    pub fn next_ms(&self) -> Option<u64> {
        let rejoin = self.interfaces.values().map(|interface| interface.rejoin_ms).min();
        [rejoin, self.sightings.next_ms()].into_iter().flatten().min()
    }

    /// Returns who is near.
    pub fn neighbours(&self) -> Neighbours {
        self.sightings.neighbours()
    }

    fn set_interfaces(&mut self, now_ms: u64, interfaces: BTreeMap<String, Vec<Subnet>>) {
        let mut wanted: BTreeMap<String, Vec<Subnet>> = BTreeMap::new();
        for (name, mut addresses) in interfaces {
            addresses.retain(Subnet::is_dialable);
            addresses.sort_unstable();
            addresses.dedup();
            if !addresses.is_empty() {
                wanted.insert(name, addresses);
            }
        }
        let left: Vec<String> = self.interfaces.keys().filter(|name| !wanted.contains_key(*name)).cloned().collect();
        for interface in left {
            self.interfaces.remove(&interface);
            self.sightings.leave(&interface);
            self.outputs.push_back(Output::Leave { interface });
        }
        for (name, addresses) in wanted {
            if self.interfaces.get(&name).is_some_and(|known| known.addresses == addresses) {
                continue;
            }
            self.sightings.leave(&name);
            self.interfaces.insert(name.clone(), Interface { addresses, rejoin_ms: 0 });
            self.join(now_ms, &name);
        }
    }

    fn pass_time(&mut self, now_ms: u64) {
        self.sightings.pass_time(now_ms);
        let due: Vec<String> = self
            .interfaces
            .iter()
            .filter(|(_, interface)| interface.rejoin_ms <= now_ms)
            .map(|(name, _)| name.clone())
            .collect();
        for name in due {
            self.join(now_ms, &name);
        }
    }

    fn join_all(&mut self, now_ms: u64) {
        let all: Vec<String> = self.interfaces.keys().cloned().collect();
        for name in all {
            self.join(now_ms, &name);
        }
    }

    /// Joins an interface, anew if it was joined before.
    fn join(&mut self, now_ms: u64, name: &str) {
        let period = PERIOD_MS + self.dice.up_to(PERIOD_SPREAD_MS);
        let Some(interface) = self.interfaces.get_mut(name) else { return };
        interface.rejoin_ms = now_ms.saturating_add(period);
        // A goodbye that was said between the one listener and the next was heard by neither.
        self.sightings.doubt(name, now_ms.saturating_add(ANEW_MS));
        let addresses: Vec<IpAddr> =
            interface.addresses.iter().map(|subnet| subnet.address).take(MAX_ADDRESSES).collect();
        // Who can be found by nobody only tells that it is there.
        let is_of_use =
            self.relationships.iter().any(Relationship::is_announced) || self.screen != PairingScreen::Closed;
        let is_shown = self.profile.mode == Mode::Announce && is_of_use;
        let announcer = Announcer {
            device: self.profile.device,
            port: self.profile.port,
            relationships: &self.relationships,
            screen: &self.screen,
        };
        let announcement = is_shown.then(|| Announcement::new(&announcer, addresses, &mut self.dice));
        self.outputs.push_back(Output::Join { interface: name.to_owned(), announcement });
    }

    fn hear(&mut self, now_ms: u64, received: Received) -> Result<(), HeardError> {
        let Received { interface, instance, addresses, txt } = received;
        let Some(known) = self.interfaces.get(&interface) else { return Ok(()) };
        if instance.len() > MAX_INSTANCE_BYTES {
            return Ok(());
        }
        let place = Place { interface, instance: instance.to_ascii_lowercase() };
        self.sightings.remove(&place);
        let heard = Heard::decode(&txt)?;
        let mut usable: Vec<IpAddr> = addresses
            .into_iter()
            .take(MAX_HEARD_ADDRESSES)
            .map(|address| address.to_canonical())
            .filter(|address| may_be_dialled(*address, &known.addresses))
            .collect();
        usable.sort_unstable();
        usable.dedup();
        usable.truncate(MAX_ADDRESSES);
        let until_ms = now_ms.saturating_add(STALE_MS + 1);
        let at = |port: u16| usable.iter().map(|address| SocketAddr::new(*address, port)).collect::<Vec<_>>();
        for (peer, port) in heard.recognise(&self.relationships) {
            self.sightings.add(until_ms, place.clone(), Whose::Peer(peer), at(port));
        }
        if let Some(screen) = heard.screen
            && screen.device != self.profile.device
        {
            self.sightings.add(until_ms, place, Whose::Screen(screen.device, screen.name), at(screen.port));
        }
        Ok(())
    }
}
