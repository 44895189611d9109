//! The ceremony: what goes into both machines and what comes out of them.

use std::net::SocketAddr;
use std::sync::Arc;

use verso_identity::{DeviceId, DeviceKey, Name};
use verso_noise::{
    ChannelError, HandshakeError, NoiseKey, PairingHandshake, PairingPrologue, PairingSecrets, Randomness,
};
use verso_trust::PeerRole;
use zeroize::Zeroizing;

use crate::codec::DecodeError;
use crate::link::PairingLink;
use crate::message::Introduction;
use crate::name::Profile;
use crate::offer::Refusal;
use crate::provisional::ProvisionalPeer;
use crate::shared::Shared;
use crate::terms::Summary;
use crate::words::WordsSecret;

mod channel;
mod joiner;
mod meant;
mod nearby;
mod shower;

pub use joiner::Joiner;
pub use nearby::{NearbyCode, NearbyCodeError};
pub use shower::Shower;

/// How long a peer has until both sides have proven themselves, in milliseconds. It takes three round trips and no person.
pub const HANDSHAKE_MS: u64 = 10_000;
/// How long the two people have to say yes, in milliseconds, and nearby, before that, to type the codes.
pub const CONFIRM_MS: u64 = 120_000;
/// How long the other side has to store what was confirmed, in milliseconds.
pub const STORE_MS: u64 = 10_000;

/// What either side starts a ceremony with.
#[derive(Debug)]
pub struct Setup {
    /// This device.
    pub identity: Arc<DeviceKey>,
    /// What it tells about itself.
    pub profile: Profile,
    /// The connection, which the joining side dialled.
    pub connection: Connection,
    /// Fresh randomness for this one ceremony.
    pub entropy: Entropy,
}

/// The connection of a ceremony, as its TLS authenticated it.
#[derive(Debug, Clone, Copy)]
pub struct Connection {
    /// The id that this end has on it.
    pub own: DeviceId,
    /// The id that the other end has proven on it.
    pub peer: DeviceId,
    /// 32 bytes that TLS exports on both ends of this connection and on no other.
    pub exporter: [u8; 32],
}

impl Connection {
    const fn prologue_of_dialer(&self, shared: &Shared) -> PairingPrologue {
        PairingPrologue { way: shared.way(), dialer: self.own, acceptor: self.peer, exporter: self.exporter }
    }

    const fn prologue_of_acceptor(&self, shared: &Shared) -> PairingPrologue {
        PairingPrologue { way: shared.way(), dialer: self.peer, acceptor: self.own, exporter: self.exporter }
    }
}

/// What a joining device was given, and so which device it dials.
#[derive(Debug, Clone, Copy)]
pub enum Invitation<'a> {
    /// A link: the device that it names.
    Link(&'a PairingLink),
    /// Six words: their one-time endpoint.
    Words(&'a WordsSecret),
    /// Nothing: this device was seen nearby, and people compare codes.
    Nearby(DeviceId),
}

impl Invitation<'_> {
    fn shared(&self) -> Shared {
        match self {
            Self::Link(link) => Shared::of_link(link),
            Self::Words(secret) => Shared::from(*secret),
            Self::Nearby(_) => Shared::of_nearby(),
        }
    }

    /// Returns the id that the other end of the connection must prove.
    pub fn endpoint(&self) -> DeviceId {
        match self {
            Self::Link(link) => *link.device(),
            Self::Words(secret) => secret.endpoint(),
            Self::Nearby(device) => *device,
        }
    }
}

/// Starts a handshake with the device's own Noise key.
fn with_noise_key(
    identity: &DeviceKey,
    shared: &Shared,
    start: impl FnOnce(&PairingSecrets<'_>) -> Result<PairingHandshake, HandshakeError>,
) -> Result<PairingHandshake, HandshakeError> {
    let own = NoiseKey::derive(identity);
    start(&PairingSecrets { own: &own, token: &shared.to_pre_shared_key() })
}

/// 64 random bytes: the handshake's ephemeral key, and a contribution to the pair's secret.
pub struct Entropy(Zeroizing<[u8; 64]>);

impl Entropy {
    /// Takes 64 fresh random bytes, which must never be used again.
    pub const fn new(bytes: Zeroizing<[u8; 64]>) -> Self {
        Self(bytes)
    }

    fn split(self) -> (Randomness, Zeroizing<[u8; 32]>) {
        let (mut ephemeral, mut contribution) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
        let (front, back) = self.0.split_at(32);
        ephemeral.copy_from_slice(front);
        contribution.copy_from_slice(back);
        (Randomness::new(ephemeral), contribution)
    }
}

impl std::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entropy(…)")
    }
}

/// What happens to a ceremony. What a person or the disk answers too late is ignored.
#[derive(Debug)]
pub enum Input {
    /// A message of the peer, whole, in order.
    Message(Vec<u8>),
    /// This device's person typed what the other screen shows, after [`Output::Compare`].
    Typed(NearbyCode),
    /// This device's person said yes to [`Output::Confirm`].
    Confirmed,
    /// This device's person said no. Before a shower has asked, its offer is withdrawn instead.
    Refused,
    /// [`Output::StoreProvisional`] is durable.
    Stored,
    /// [`Output::StoreProvisional`] failed.
    StoreFailed,
    /// The connection is gone.
    Closed,
    /// Time has passed: `poll_timeout` is due, or the offer was withdrawn.
    Tick,
}

/// What a ceremony wants done, in this order.
#[derive(Debug)]
pub enum Output {
    /// Send this message, whole.
    Send(Vec<u8>),
    /// Nearby: show this code, and ask the person for the one that the other screen shows. The answer is [`Input::Typed`].
    Compare(NearbyCode),
    /// The code that was typed is not what the other screen shows, or somebody stands between: ask again.
    Retype {
        /// How often it may be typed again.
        left: u8,
    },
    /// Show this to the person and ask.
    Confirm(Summary),
    /// Store this durably, then answer with [`Input::Stored`]. It gives no access by itself: the first handshake that succeeds
    /// with its secret does. It stands *beside* what is known of the same device, which stays good until then.
    StoreProvisional(ProvisionalPeer),
    /// Both sides have confirmed and stored. The ceremony is over; close the connection once everything is sent.
    Done(Paired),
    /// There is no pairing, and the ceremony is over; close the connection once everything is sent.
    Failed(PairingError),
}

/// With whom a pairing succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paired {
    /// The other device.
    pub device: DeviceId,
    /// What it calls itself.
    pub name: Name,
    /// What the two are to each other.
    pub role: PeerRole,
    /// Where it can be dialled, by its own account.
    pub addresses: Vec<SocketAddr>,
}

impl Paired {
    fn with(peer: &Introduction, role: PeerRole) -> Self {
        Self { device: peer.device, name: peer.name.clone(), role, addresses: peer.addresses.0.clone() }
    }
}

/// Why a ceremony did not end in a pairing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PairingError {
    /// The code names another device than the one that answers.
    #[error("another device answers than the code names")]
    OtherDevice,
    /// The code is this device's own.
    #[error("the code is of this device itself")]
    OwnCode,
    /// The peer tries a way that is not open at this endpoint: a stray connection.
    #[error("the peer tries a way to pair that is not open")]
    OtherWay,
    /// The peer did not follow the handshake: a stray connection.
    #[error("the peer does not speak the pairing protocol")]
    NotPairing(#[source] HandshakeError),
    /// The peer did not prove the token: it holds another, its link was changed on the way, or somebody stands between.
    #[error("the peer did not prove that it holds the code")]
    NotProven,
    /// The showing side ended the connection over the proof: this link is not, or these words are not, or no longer, its own.
    #[error("the other device did not accept the code")]
    NotAccepted,
    /// Nearby: what this person typed is not what the other screen ought to show. Somebody may stand between.
    #[error("the codes on the two screens do not belong together; another device may stand between")]
    OtherCode,
    /// A message does not verify: it was changed, left out, or repeated.
    #[error("a message of the pairing was tampered with")]
    Channel(#[source] ChannelError),
    /// A message can't be read.
    #[error("the peer's message can't be read")]
    Message(#[source] DecodeError),
    /// A message came when it must not.
    #[error("the peer's message came out of order")]
    OutOfOrder,
    /// The peer claims to be another device than the connection proves.
    #[error("the peer claims to be another device than it is")]
    FalseIdentity,
    /// The peer's device key did not sign this ceremony.
    #[error("the peer did not sign this pairing")]
    NotSigned,
    /// The offer is not what the link says.
    #[error("the offer is not what the link says")]
    OtherOffer,
    /// The other side said no.
    #[error("the other device refused")]
    PeerRefused(#[source] Refusal),
    /// The offer does not stand for this joiner.
    #[error("the offer does not stand")]
    Offer(#[source] Refusal),
    /// This device's person said no.
    #[error("the pairing was refused here")]
    Refused,
    /// The same joiner came back on another connection.
    #[error("the joiner started over on another connection")]
    Superseded,
    /// A step took too long.
    #[error("the pairing took too long")]
    TimedOut,
    /// The connection ended before anything was stored here.
    #[error("the connection ended before the pairing was complete")]
    Disconnected,
    /// This device could not store the pairing.
    #[error("the pairing could not be stored")]
    NotStored,
    /// Stored here, but it isn't known whether the other side has. The next contact shows; joining again completes it.
    #[error("the connection ended before the other device said that it has stored the pairing")]
    Unfinished,
    /// Misuse: the offer is another than the one that the ceremony began with.
    #[error("the ceremony belongs to another offer")]
    WrongOffer,
}
