//! [`Offer`]: what the showing side has put up, and whether it still stands.

use std::fmt;

use serde::{Deserialize, Serialize};
use verso_identity::DeviceId;
use verso_noise::PairingWay;
use zeroize::Zeroizing;

use crate::codec::{self, DecodeError};
use crate::link::{LinkHints, LinkedWorkspace, PairingLink};
use crate::name::Profile;
use crate::shared::Shared;
use crate::terms::Terms;
use crate::token::Token;
use crate::words::WordsSecret;

/// How long the offer of `pair` stands, in seconds: long enough to walk to the other device.
pub const PAIR_SECONDS: u64 = 5 * 60;
/// How long an invitation stands, in seconds: until tomorrow, since the other person may sleep.
pub const INVITE_SECONDS: u64 = 24 * 60 * 60;
/// How long the joiner that used an offer may finish what was cut off, in seconds. A provisional peer lapses after as long.
pub const FINISH_SECONDS: u64 = 24 * 60 * 60;
/// How many failed proofs an offer survives. Each of 128 bits is hopeless; the budget is for shorter secrets, and for the list
/// of what happened. Fewer would let a stranger's noise end an offer sooner.
pub const MAX_FAILED_PROOFS: u8 = 5;
/// How many nearby devices may get as far as showing a code, however each ends. Somebody in between has that many chances in a million.
/// They are counted apart, so that a stranger who uses them up closes this way alone.
pub const MAX_NEARBY_ATTEMPTS: u8 = 5;

/// One offer to pair: its link, its terms, and what became of it. It may also stand by [six words](Self::with_words), and for
/// [nearby](Self::with_nearby) devices: whichever comes first uses it up for all.
///
/// It is single use. The token ends with the first pairing that both people confirmed, with its expiry, when it is withdrawn,
/// when the showing person refuses somebody who proved it (who then holds a secret that was not meant for them), and after
/// [`MAX_FAILED_PROOFS`] failed proofs. Connections that don't even try cost it nothing. The joiner that used it may finish for
/// [`FINISH_SECONDS`] what was cut off, and nobody else.
///
/// Several connections can try at once, each with its own [`Shower`](crate::Shower); all of them share the one `Offer`, and it is claimed by the
/// first whose device is proven.
///
/// [`encode`](Self::encode) gives what has to be kept, encrypted, if it shall outlive the process: whenever a shower's
/// [`Output::StoreProvisional`](crate::Output::StoreProvisional) is carried out, and after each failed proof. The link is kept; words and nearby
/// devices are for two people who are at it now.
pub struct Offer {
    link: PairingLink,
    id: OfferId,
    terms: Terms,
    expires_at: u64,
    failed_proofs: u8,
    stage: Stage,
    claim: Option<Claim>,
    claims: u64,
    words: Option<Door>,
    nearby: Option<Nearby>,
}

/// The one-time endpoint of six words, and what is proven there.
struct Door {
    endpoint: DeviceId,
    token: Zeroizing<[u8; 32]>,
}

/// That nearby devices may come.
#[derive(Debug, Default)]
struct Nearby {
    attempts: u8,
    /// The one that shows a code.
    showing: Option<Claim>,
}

/// Names an offer: the hash of its link, which gives nothing away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfferId([u8; 32]);

impl OfferId {
    /// Returns the 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for OfferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for OfferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OfferId({self})")
    }
}

/// What became of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    Open,
    /// Both people confirmed. The same device may finish until then, in seconds since the Unix epoch.
    Used {
        by: DeviceId,
        until: u64,
    },
    /// Used, and the pairing is known to work on both sides.
    Settled {
        by: DeviceId,
    },
    Withdrawn,
    Declined,
}

/// The one ceremony that may go on to a pairing. It is not kept: a restart ends every connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Claim {
    number: u64,
    device: DeviceId,
    until_ms: u64,
}

/// How an offer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OfferStatus {
    /// Somebody may join.
    Open,
    /// Somebody is joining.
    Busy,
    /// It has been used.
    Used {
        /// By which device.
        by: DeviceId,
    },
    /// Its time is over.
    Expired,
    /// It was withdrawn.
    Withdrawn,
    /// The showing person refused somebody who held its token.
    Declined,
    /// Too many proofs failed.
    Exhausted,
}

impl Offer {
    /// Makes an offer of `device`, which tells `profile` about itself, until `expires_at` in seconds since the Unix epoch.
    pub fn new(device: DeviceId, profile: &Profile, terms: Terms, validity: Validity) -> Self {
        let workspace = match terms.workspaces() {
            [only] => Some(LinkedWorkspace { id: only.id, name: Some(only.name.clone()), access: Some(only.access) }),
            // Several don't fit into a code that is easy to scan; they are shown before anything is confirmed.
            _ => None,
        };
        let hints = LinkHints {
            addresses: profile.addresses.clone(),
            relay: profile.relay.clone(),
            name: Some(profile.name.clone()),
            role: Some(terms.role()),
            workspace,
            expires_at: Some(validity.expires_at),
        };
        let link = PairingLink::new(device, validity.token, hints);
        Self::with(link, terms, validity.expires_at)
    }

    fn with(link: PairingLink, terms: Terms, expires_at: u64) -> Self {
        let id = OfferId(link.canonical_hash());
        let (words, nearby) = (None, None);
        Self {
            link,
            id,
            terms,
            expires_at,
            failed_proofs: 0,
            stage: Stage::Open,
            claim: None,
            claims: 0,
            words,
            nearby,
        }
    }

    /// Lets the offer stand by six words too, at their one-time endpoint.
    #[must_use]
    pub fn with_words(self, secret: &WordsSecret) -> Self {
        let door = Door { endpoint: secret.endpoint(), token: Zeroizing::new(*secret.token()) };
        Self { words: Some(door), ..self }
    }

    /// Lets nearby devices come too, which share no secret: both people compare codes.
    #[must_use]
    pub fn with_nearby(self) -> Self {
        Self { nearby: Some(Nearby::default()), ..self }
    }

    /// Returns the link to show.
    pub const fn link(&self) -> &PairingLink {
        &self.link
    }

    /// Returns the offer's name.
    pub const fn id(&self) -> OfferId {
        self.id
    }

    /// Returns what it grants.
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Returns when it expires, in seconds since the Unix epoch.
    pub const fn expires_at(&self) -> u64 {
        self.expires_at
    }

    /// Returns how many proofs have failed.
    pub const fn failed_proofs(&self) -> u8 {
        self.failed_proofs
    }

    /// Tells how the offer stands at `now_ms` since the Unix epoch.
    pub fn status(&self, now_ms: u64) -> OfferStatus {
        match self.stage {
            Stage::Withdrawn => OfferStatus::Withdrawn,
            Stage::Declined => OfferStatus::Declined,
            Stage::Used { by, .. } | Stage::Settled { by } => OfferStatus::Used { by },
            Stage::Open if self.live_claim(now_ms).is_some() => OfferStatus::Busy,
            Stage::Open if self.failed_proofs >= MAX_FAILED_PROOFS => OfferStatus::Exhausted,
            Stage::Open if now_ms / 1_000 >= self.expires_at => OfferStatus::Expired,
            Stage::Open => OfferStatus::Open,
        }
    }

    /// Tells whether a connection of `peer` may lead anywhere at `now_ms`, so that a transport can turn away all others.
    pub fn admits(&self, peer: &DeviceId, now_ms: u64) -> bool {
        self.check(peer, now_ms).is_ok()
    }

    /// Takes the offer back. Ceremonies under way end at their next input; one whose peer is already being stored is done.
    pub fn withdraw(&mut self) {
        if self.stage == Stage::Open {
            self.stage = Stage::Withdrawn;
            self.claim = None;
        }
    }

    /// Notes that the pairing works: the first handshake with what was agreed succeeded. From here on nobody may finish.
    pub fn settle(&mut self) {
        if let Stage::Used { by, .. } = self.stage {
            self.stage = Stage::Settled { by };
        }
    }

    /// Encodes all that has to outlive the process. The token is in it.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        codec::encode(&Kept {
            link: Zeroizing::new(self.link.to_string()),
            terms: self.terms.clone(),
            expires_at: self.expires_at,
            failed_proofs: self.failed_proofs,
            stage: self.stage,
        })
    }

    /// Decodes what [`encode`](Self::encode) gave.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are not such.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let kept: Kept = codec::decode(bytes)?;
        let link: PairingLink = kept.link.parse().map_err(|_source| DecodeError::Malformed)?;
        let canonical = Zeroizing::new(link.to_string()) == kept.link;
        let expires = link.hints().expires_at == Some(kept.expires_at);
        if !canonical || !expires || !link.hints().agree_with(&kept.terms) {
            return Err(DecodeError::Malformed);
        }
        let Kept { failed_proofs, stage, .. } = kept;
        Ok(Self { failed_proofs, stage, ..Self::with(link, kept.terms, kept.expires_at) })
    }

    pub(crate) fn is_withdrawn(&self) -> bool {
        self.stage == Stage::Withdrawn
    }

    /// Gives what is shared on the way of this number with who came to the endpoint `own`; `None` if that way is not open there.
    pub(crate) fn shared(&self, way: u8, own: &DeviceId) -> Option<Shared> {
        let shared = match &self.words {
            Some(door) if door.endpoint == *own => Shared::of_words(&door.token),
            _ if way == PairingWay::Nearby.number() => self.nearby.as_ref().map(|_| Shared::of_nearby())?,
            _ => Shared::of_link(&self.link),
        };
        (shared.way().number() == way).then_some(shared)
    }

    /// Tells whether `peer` may join or finish.
    pub(crate) fn check(&self, peer: &DeviceId, now_ms: u64) -> Result<(), Refusal> {
        match self.stage {
            // What it started before it expired, or was cut off, it may finish.
            Stage::Used { by, until } if by == *peer && now_ms / 1_000 < until => return Ok(()),
            Stage::Used { .. } | Stage::Settled { .. } => return Err(Refusal::Used),
            Stage::Withdrawn => return Err(Refusal::Withdrawn),
            Stage::Declined => return Err(Refusal::Declined),
            Stage::Open => {}
        }
        if self.live_claim(now_ms).is_some_and(|claim| claim.device != *peer) {
            return Err(Refusal::Busy);
        }
        if self.failed_proofs >= MAX_FAILED_PROOFS {
            return Err(Refusal::Exhausted);
        }
        if now_ms / 1_000 >= self.expires_at { Err(Refusal::Expired) } else { Ok(()) }
    }

    /// Counts a proof that failed.
    pub(crate) const fn count_failed_proof(&mut self) {
        self.failed_proofs = self.failed_proofs.saturating_add(1);
    }

    /// Claims the offer for a device that has proven who it is, until then. A claim of the same device before it ends: it came back on
    /// another connection.
    pub(crate) fn claim(&mut self, device: DeviceId, now_ms: u64, until_ms: u64) -> Result<u64, Refusal> {
        self.check(&device, now_ms)?;
        self.claims = self.claims.saturating_add(1);
        self.claim = Some(Claim { number: self.claims, device, until_ms });
        Ok(self.claims)
    }

    /// Lets a nearby device show a code until then, which is an attempt however it ends. It doesn't claim the offer: a stranger can't keep
    /// those out who hold the link or the words.
    pub(crate) fn claim_nearby(&mut self, device: DeviceId, now_ms: u64, until_ms: u64) -> Result<u64, Refusal> {
        self.check(&device, now_ms)?;
        let nearby = self.nearby.as_mut().ok_or(Refusal::Exhausted)?;
        if nearby.attempts >= MAX_NEARBY_ATTEMPTS {
            return Err(Refusal::Exhausted);
        }
        if nearby.showing.is_some_and(|claim| now_ms < claim.until_ms && claim.device != device) {
            return Err(Refusal::Busy);
        }
        nearby.attempts += 1;
        self.claims = self.claims.saturating_add(1);
        nearby.showing = Some(Claim { number: self.claims, device, until_ms });
        Ok(self.claims)
    }

    /// Tells whether a claim still is the one.
    pub(crate) fn holds(&self, number: u64) -> bool {
        let nearby = self.nearby.as_ref().and_then(|nearby| nearby.showing);
        [self.claim, nearby].into_iter().flatten().any(|claim| claim.number == number)
    }

    /// Moves the end of a claim.
    pub(crate) fn extend(&mut self, number: u64, until_ms: u64) {
        let nearby = self.nearby.as_mut().and_then(|nearby| nearby.showing.as_mut());
        for claim in [self.claim.as_mut(), nearby].into_iter().flatten().filter(|claim| claim.number == number) {
            claim.until_ms = until_ms;
        }
    }

    /// Gives a claim up.
    pub(crate) fn release(&mut self, number: u64) {
        self.claim = self.claim.filter(|claim| claim.number != number);
        if let Some(nearby) = &mut self.nearby {
            nearby.showing = nearby.showing.filter(|claim| claim.number != number);
        }
    }

    /// Burns the token: both people confirmed, and the joiner has stored.
    pub(crate) fn burn(&mut self, by: DeviceId, now_ms: u64) {
        if self.stage == Stage::Open {
            self.stage = Stage::Used { by, until: (now_ms / 1_000).saturating_add(FINISH_SECONDS) };
        }
    }

    /// The showing person refused a device that held the token.
    pub(crate) fn decline(&mut self) {
        if self.stage == Stage::Open {
            self.stage = Stage::Declined;
            self.claim = None;
        }
    }

    fn live_claim(&self, now_ms: u64) -> Option<&Claim> {
        self.claim.as_ref().filter(|claim| now_ms < claim.until_ms)
    }
}

impl fmt::Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offer")
            .field("id", &self.id)
            .field("terms", &self.terms)
            .field("expires_at", &self.expires_at)
            .field("failed_proofs", &self.failed_proofs)
            .field("stage", &self.stage)
            .field("claim", &self.claim)
            .field("words", &self.words.as_ref().map(|door| door.endpoint))
            .field("nearby", &self.nearby)
            .finish_non_exhaustive()
    }
}

/// The secret of an offer and for how long it holds.
#[derive(Debug)]
pub struct Validity {
    /// The fresh token.
    pub token: Token,
    /// When the offer expires, in seconds since the Unix epoch: [`PAIR_SECONDS`] or [`INVITE_SECONDS`] from now.
    pub expires_at: u64,
}

/// Why the showing side turns a joiner away. Only who has proven the token is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The person said no.
    #[error("the person at the other device said no")]
    Declined,
    /// The offer was used by another device.
    #[error("the offer has been used")]
    Used,
    /// Its time is over.
    #[error("the offer has expired")]
    Expired,
    /// It was withdrawn.
    #[error("the offer was withdrawn")]
    Withdrawn,
    /// Too many proofs failed.
    #[error("the offer ended after too many failed attempts")]
    Exhausted,
    /// Another device is joining at this moment.
    #[error("another device is joining at this moment")]
    Busy,
    /// The device did not prove to be the one it claims to be.
    #[error("the other device does not believe who this one is")]
    Identity,
    /// A message can't be read, or came when it must not.
    #[error("the other device did not understand a message")]
    Protocol,
    /// The pairing could not be stored.
    #[error("the other device could not store the pairing")]
    NotStored,
    /// The other side took too long.
    #[error("the other device waited too long")]
    TimedOut,
    /// The code that was typed there is not the one that this screen shows.
    #[error("the code that was typed on the other device is not the one shown here")]
    OtherCode,
    /// A reason that this version doesn't know.
    #[error("the other device refused, with reason {0}")]
    Other(u8),
}

impl Refusal {
    /// The numbers that travel. 0 stays free.
    const NUMBERS: [(u8, Self); 11] = [
        (1, Self::Declined),
        (2, Self::Used),
        (3, Self::Expired),
        (4, Self::Withdrawn),
        (5, Self::Exhausted),
        (6, Self::Busy),
        (7, Self::Identity),
        (8, Self::Protocol),
        (9, Self::NotStored),
        (10, Self::TimedOut),
        (11, Self::OtherCode),
    ];

    pub(crate) fn number(self) -> u8 {
        let known = Self::NUMBERS.into_iter().find(|(_, refusal)| *refusal == self);
        known.map_or_else(|| if let Self::Other(number) = self { number } else { 0 }, |(number, _)| number)
    }

    pub(crate) fn of(number: u8) -> Self {
        let known = Self::NUMBERS.into_iter().find(|(known, _)| *known == number);
        known.map_or(Self::Other(number), |(_, refusal)| refusal)
    }
}

/// What is kept of an offer.
#[derive(Serialize, Deserialize)]
struct Kept {
    link: Zeroizing<String>,
    terms: Terms,
    expires_at: u64,
    failed_proofs: u8,
    stage: Stage,
}
