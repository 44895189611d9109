//! [`Shower`]: the side that shows the code, on one connection.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::Arc;

use verso_identity::{DeviceKey, Signature, SignatureDomain};
use verso_noise::{HandshakeError, PairingHandshake, Randomness};
use verso_trust::{PairingSide, PairingWay};

use super::channel::{Channel, Stop};
use super::nearby::{Comparison, NearbyCode, Nonce, Typed};
use super::{CONFIRM_MS, Connection, HANDSHAKE_MS, Input, Output, Paired, PairingError, Setup};
use crate::message::{Introduction, JoinerMessage, ShowerIntroduction, ShowerMessage, Transcript};
use crate::offer::{Offer, OfferId, Refusal};
use crate::provisional::{PairSecret, Proof, ProvisionalPeer};
use crate::shared::Shared;
use crate::terms::Summary;

/// The showing side of one ceremony, without I/O.
///
/// Per connection that is accepted for pairing:
///
/// 1. Make one with [`Shower::new`], and feed each message, answer of the person or of the disk, and tick to
///    [`handle`](Self::handle), with the one [`Offer`] that all connections share.
/// 2. Carry out everything that [`poll`](Self::poll) gives, in order.
/// 3. Call `handle` with [`Input::Tick`] when [`poll_timeout`](Self::poll_timeout) is due, and after the offer was withdrawn.
///
/// Which way the joiner comes shows in its first message; the ways are those of the offer, words at their one-time endpoint alone.
///
/// Guaranteed: nothing of the offer is said before the joiner has proven the token, or both people have typed the right codes, and nothing at all to who
/// holds another link or other words. Nobody is shown to the person before its device key has signed this ceremony, but for the code of a nearby device. [`Output::StoreProvisional`] comes only after this person said yes *and* the joiner
/// has said that it stored, and with it the offer is burnt: so what this side stores, the other has. One offer leads to
/// one device, however many connections try.
pub struct Shower {
    identity: Arc<DeviceKey>,
    offer: OfferId,
    connection: Connection,
    introduction: ShowerIntroduction,
    channel: Channel,
    state: State,
    claim: Option<u64>,
    deadline_ms: u64,
    outputs: VecDeque<Output>,
}

enum State {
    /// Waits for the first handshake message, which says the way.
    First(Randomness),
    /// Has answered it; the third proves the token.
    Third(Shared, Box<PairingHandshake>),
    /// Nearby: has committed to its nonce; waits for the joiner's.
    Committed(Shared),
    /// Nearby: shows its code; waits for both people to type the other's.
    Comparing {
        shared: Shared,
        comparison: Comparison,
        own: Typing,
        theirs: Typing,
    },
    /// The token is proven, or the codes are, and the offer made; waits for who it is.
    Offered(Shared),
    /// The joiner is proven; waits for this person's yes.
    Asking(Candidate),
    /// This person said yes; waits until the joiner has stored.
    Agreed(Candidate),
    /// Both said yes and the joiner has stored; waits for the disk.
    Storing(Paired),
    Over,
}

/// Whether a person has typed the code of the other screen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Typing {
    Open,
    Done,
}

/// A joiner that has proven who it is.
struct Candidate {
    joiner: Introduction,
    secret: PairSecret,
    way: PairingWay,
}

impl Shower {
    /// Starts on a connection that was accepted while `offer` may stand.
    pub fn new(setup: Setup, offer: &Offer, now_ms: u64) -> Self {
        let (ephemeral, contribution) = setup.entropy.split();
        let introduction = ShowerIntroduction {
            terms: offer.terms().clone(),
            introduction: Introduction::new(setup.identity.id(), &setup.profile, &contribution),
        };
        Self {
            identity: setup.identity,
            offer: offer.id(),
            connection: setup.connection,
            introduction,
            channel: Channel::default(),
            state: State::First(ephemeral),
            claim: None,
            deadline_ms: now_ms.saturating_add(HANDSHAKE_MS),
            outputs: VecDeque::new(),
        }
    }

    /// Takes what happened at `now_ms` since the Unix epoch.
    pub fn handle(&mut self, now_ms: u64, offer: &mut Offer, input: Input) {
        if let Err(stop) = self.step(now_ms, offer, input) {
            self.stop(offer, stop);
        }
    }

    /// Returns what has to be done next.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Returns when [`Input::Tick`] is due, in milliseconds since the Unix epoch; `None` while the disk works and at the end.
    pub const fn poll_timeout(&self) -> Option<u64> {
        match self.state {
            State::Storing(_) | State::Over => None,
            _ => Some(self.deadline_ms),
        }
    }

    fn step(&mut self, now_ms: u64, offer: &mut Offer, input: Input) -> Result<(), Stop> {
        match mem::replace(&mut self.state, State::Over) {
            State::Over => Ok(()),
            // The token is burnt and the joiner has stored: from here on only the disk decides.
            State::Storing(paired) => self.storing(paired, &input),
            state => {
                self.check(now_ms, offer, &input)?;
                match input {
                    Input::Message(message) => self.message(now_ms, offer, state, &message),
                    Input::Confirmed => self.confirmed(now_ms, offer, state),
                    Input::Typed(code) => self.typed(now_ms, offer, state, code),
                    Input::Refused => self.refused(offer, state),
                    _ => self.remain(state),
                }
            }
        }
    }

    /// Ends what can't go on, whatever comes in.
    fn check(&self, now_ms: u64, offer: &Offer, input: &Input) -> Result<(), Stop> {
        if offer.id() != self.offer {
            return Err(Stop::silent(PairingError::WrongOffer));
        }
        if matches!(input, Input::Closed) {
            return Err(Stop::silent(PairingError::Disconnected));
        }
        // Who has not proven the token yet will be told when it has, and learns nothing before.
        if offer.is_withdrawn() && self.channel.is_open() {
            return Err(Stop::telling(Refusal::Withdrawn, PairingError::Offer(Refusal::Withdrawn)));
        }
        if self.claim.is_some_and(|claim| !offer.holds(claim)) {
            return Err(Stop::silent(PairingError::Superseded));
        }
        if now_ms >= self.deadline_ms {
            return Err(Stop::telling(Refusal::TimedOut, PairingError::TimedOut));
        }
        Ok(())
    }

    fn message(&mut self, now_ms: u64, offer: &mut Offer, state: State, message: &[u8]) -> Result<(), Stop> {
        match state {
            State::First(ephemeral) => self.first(offer, ephemeral, message),
            State::Third(shared, handshake) => self.third(now_ms, offer, (shared, handshake), message),
            state => match (self.channel.hear(message)?, state) {
                (JoinerMessage::Nonce(nonce), State::Committed(shared)) => self.compare(now_ms, offer, shared, &nonce),
                (JoinerMessage::Matched, State::Comparing { shared, comparison, own, theirs: Typing::Open }) => {
                    self.compared(now_ms, State::Comparing { shared, comparison, own, theirs: Typing::Done })?;
                    self.extend_claim(offer);
                    Ok(())
                }
                (JoinerMessage::Join(joiner, signature), State::Offered(shared)) => {
                    self.introduced(now_ms, offer, (joiner, shared), &signature)
                }
                (JoinerMessage::Stored, State::Agreed(candidate)) => self.agreed(now_ms, offer, candidate),
                (JoinerMessage::Refused(number), _) => Err(Stop::refused(number)),
                _ => Err(Stop::out_of_order()),
            },
        }
    }

    /// Everybody can begin a handshake, but a hash of the link or of the words is bound into it from the first message on.
    fn first(&mut self, offer: &mut Offer, ephemeral: Randomness, message: &[u8]) -> Result<(), Stop> {
        let (way, message) = message.split_first().ok_or(Stop::silent(PairingError::OtherWay))?;
        let shared = offer.shared(*way, &self.connection.own).ok_or(Stop::silent(PairingError::OtherWay))?;
        let prologue = self.connection.prologue_of_acceptor(&shared);
        let handshake = super::with_noise_key(&self.identity, &shared, |secrets| {
            PairingHandshake::accept(secrets, &prologue, ephemeral)
        });
        let mut handshake = handshake.map_err(|error| Stop::silent(PairingError::NotPairing(error)))?;
        let answer = handshake.read_message(message).and_then(|()| handshake.write_message());
        self.outputs.push_back(Output::Send(proven(offer, &shared, answer)?));
        self.remain(State::Third(shared, Box::new(handshake)))
    }

    fn third(
        &mut self,
        now_ms: u64,
        offer: &mut Offer,
        (shared, mut handshake): (Shared, Box<PairingHandshake>),
        message: &[u8],
    ) -> Result<(), Stop> {
        let channel = handshake.read_message(message).and_then(|()| handshake.finish());
        self.channel.open(proven(offer, &shared, channel)?);
        if shared.is_nearby() {
            return self.commit(now_ms, offer, shared);
        }
        offer.check(&self.connection.peer, now_ms).map_err(refused_by_offer)?;
        self.offer(shared)
    }

    /// Nearby: nobody is proven yet. From here on this is an attempt, whatever becomes of it.
    fn commit(&mut self, now_ms: u64, offer: &mut Offer, shared: Shared) -> Result<(), Stop> {
        let (hash, _) = self.channel.proof().ok_or(Stop::out_of_order())?;
        let claim = offer.claim_nearby(self.connection.peer, now_ms, self.deadline_ms).map_err(refused_by_offer)?;
        self.claim = Some(claim);
        self.say(&ShowerMessage::Commit(self.nonce().commitment(&hash)))?;
        self.remain(State::Committed(shared))
    }

    fn compare(&mut self, now_ms: u64, offer: &mut Offer, shared: Shared, theirs: &[u8; 32]) -> Result<(), Stop> {
        let (hash, _) = self.channel.proof().ok_or(Stop::out_of_order())?;
        let nonce = self.nonce();
        self.say(&ShowerMessage::Reveal(nonce.reveal()))?;
        let comparison = Comparison::of_shower(&hash, &nonce, theirs);
        self.outputs.push_back(Output::Compare(comparison.own()));
        self.deadline_ms = now_ms.saturating_add(CONFIRM_MS);
        self.extend_claim(offer);
        self.remain(State::Comparing { shared, comparison, own: Typing::Open, theirs: Typing::Open })
    }

    fn typed(&mut self, now_ms: u64, offer: &mut Offer, state: State, code: NearbyCode) -> Result<(), Stop> {
        let State::Comparing { shared, mut comparison, own: Typing::Open, theirs } = state else {
            return self.remain(state);
        };
        let own = match comparison.check(code) {
            Typed::Right => Typing::Done,
            Typed::Wrong { left: 0 } => return Err(Stop::telling(Refusal::OtherCode, PairingError::OtherCode)),
            Typed::Wrong { left } => {
                self.outputs.push_back(Output::Retype { left });
                Typing::Open
            }
        };
        self.compared(now_ms, State::Comparing { shared, comparison, own, theirs })?;
        self.extend_claim(offer);
        Ok(())
    }

    /// Goes on once both people have typed the right code.
    fn compared(&mut self, now_ms: u64, state: State) -> Result<(), Stop> {
        match state {
            State::Comparing { shared, own: Typing::Done, theirs: Typing::Done, .. } => {
                self.deadline_ms = now_ms.saturating_add(HANDSHAKE_MS);
                self.offer(shared)
            }
            state => self.remain(state),
        }
    }

    fn offer(&mut self, shared: Shared) -> Result<(), Stop> {
        let offered = self.channel.say(&ShowerMessage::Offer(&self.introduction))?;
        self.outputs.push_back(offered);
        self.remain(State::Offered(shared))
    }

    fn nonce(&self) -> Nonce {
        Nonce::derive(&self.introduction.introduction.contribution)
    }

    fn introduced(
        &mut self,
        now_ms: u64,
        offer: &mut Offer,
        (joiner, shared): (Introduction, Shared),
        signature: &Signature,
    ) -> Result<(), Stop> {
        let (hash, _) = self.channel.proof().ok_or(Stop::out_of_order())?;
        let transcript = Transcript::new(&hash, &self.introduction, &joiner);
        if let Err(error) = self.check_identity(&joiner, &transcript, signature) {
            offer.count_failed_proof();
            return Err(Stop::telling(Refusal::Identity, error));
        }
        self.deadline_ms = now_ms.saturating_add(CONFIRM_MS);
        let claim = offer.claim(joiner.device, now_ms, self.deadline_ms).map_err(refused_by_offer)?;
        if let Some(nearby) = self.claim.replace(claim) {
            offer.release(nearby);
        }

        let signature = self.identity.sign(SignatureDomain::Pairing, &transcript.of_shower());
        self.say(&ShowerMessage::Signed(signature))?;
        let terms = self.introduction.terms.clone();
        let summary = Summary::new(PairingSide::Showing, joiner.device, joiner.name.clone(), terms);
        self.outputs.push_back(Output::Confirm(summary));
        let secret = PairSecret::derive(&shared, &hash, &self.introduction, &joiner);
        self.remain(State::Asking(Candidate { joiner, secret, way: shared.recorded() }))
    }

    /// The joiner must be who the connection says, not this device, and its key must have signed all that was said.
    fn check_identity(
        &self,
        joiner: &Introduction,
        transcript: &Transcript,
        signature: &Signature,
    ) -> Result<(), PairingError> {
        if joiner.device != self.connection.peer || joiner.device == self.identity.id() {
            return Err(PairingError::FalseIdentity);
        }
        let verdict = joiner.device.verify(SignatureDomain::Pairing, &transcript.of_joiner(), signature);
        verdict.map_err(|_source| PairingError::NotSigned)
    }

    fn confirmed(&mut self, now_ms: u64, offer: &mut Offer, state: State) -> Result<(), Stop> {
        let State::Asking(candidate) = state else { return self.remain(state) };
        self.say(&ShowerMessage::Confirmed)?;
        self.deadline_ms = now_ms.saturating_add(CONFIRM_MS);
        self.extend_claim(offer);
        self.remain(State::Agreed(candidate))
    }

    fn refused(&mut self, offer: &mut Offer, state: State) -> Result<(), Stop> {
        match &state {
            // Who came nearby was given nothing that could be used again.
            State::Comparing { .. } => {}
            State::Asking(candidate) | State::Agreed(candidate) if candidate.way == PairingWay::Nearby => {}
            // Whoever was refused holds the token, so it is worth nothing any more.
            State::Asking(_) | State::Agreed(_) => offer.decline(),
            _ => return self.remain(state),
        }
        Err(Stop::telling(Refusal::Declined, PairingError::Refused))
    }

    fn agreed(&mut self, now_ms: u64, offer: &mut Offer, candidate: Candidate) -> Result<(), Stop> {
        let (_, noise_key) = self.channel.proof().ok_or(Stop::out_of_order())?;
        let Candidate { joiner, secret, way } = candidate;
        offer.burn(joiner.device, now_ms);
        let terms = self.introduction.terms.clone();
        let paired = Paired::with(&joiner, terms.role());
        let proof = Proof { noise_key, secret, way };
        let peer = ProvisionalPeer::new(PairingSide::Showing, proof, joiner, terms, now_ms);
        self.outputs.push_back(Output::StoreProvisional(peer));
        self.remain(State::Storing(paired))
    }

    fn storing(&mut self, paired: Paired, input: &Input) -> Result<(), Stop> {
        match input {
            Input::Stored => {
                self.say(&ShowerMessage::Stored)?;
                self.outputs.push_back(Output::Done(paired));
                Ok(())
            }
            Input::StoreFailed => Err(Stop::telling(Refusal::NotStored, PairingError::NotStored)),
            // Whatever the peer says now, or that it is gone, changes nothing: it has stored.
            _ => self.remain(State::Storing(paired)),
        }
    }

    /// Lets the claim last as long as this step may.
    fn extend_claim(&self, offer: &mut Offer) {
        if let Some(claim) = self.claim {
            offer.extend(claim, self.deadline_ms);
        }
    }

    fn say(&mut self, message: &ShowerMessage<&ShowerIntroduction>) -> Result<(), Stop> {
        self.outputs.push_back(self.channel.say(message)?);
        Ok(())
    }

    #[expect(clippy::unnecessary_wraps, reason = "it ends steps that can fail")]
    fn remain(&mut self, state: State) -> Result<(), Stop> {
        self.state = state;
        Ok(())
    }

    fn stop(&mut self, offer: &mut Offer, stop: Stop) {
        if let Some(refusal) = stop.tell
            && let Ok(refused) = self.channel.say(&ShowerMessage::<&ShowerIntroduction>::Refused(refusal.number()))
        {
            // A peer that can't be told any more learns it from the end of the connection.
            self.outputs.push_back(refused);
        }
        if let Some(claim) = self.claim.take() {
            offer.release(claim);
        }
        self.outputs.push_back(Output::Failed(stop.error));
    }
}

/// Tells a failed proof, which counts, from a peer that doesn't even speak the protocol, which doesn't. Nearby there is no proof to fail.
fn proven<T>(offer: &mut Offer, shared: &Shared, result: Result<T, HandshakeError>) -> Result<T, Stop> {
    result.map_err(|error| match error {
        HandshakeError::NotAuthentic | HandshakeError::WeakKey => {
            if !shared.is_nearby() {
                offer.count_failed_proof();
            }
            Stop::silent(PairingError::NotProven)
        }
        error => Stop::silent(PairingError::NotPairing(error)),
    })
}

const fn refused_by_offer(refusal: Refusal) -> Stop {
    Stop::telling(refusal, PairingError::Offer(refusal))
}

impl fmt::Debug for Shower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::First(_) => "First",
            State::Third(..) => "Third",
            State::Committed(_) => "Committed",
            State::Comparing { .. } => "Comparing",
            State::Offered(_) => "Offered",
            State::Asking(_) => "Asking",
            State::Agreed(_) => "Agreed",
            State::Storing(_) => "Storing",
            State::Over => "Over",
        };
        f.debug_struct("Shower").field("peer", &self.connection.peer).field("state", &state).finish_non_exhaustive()
    }
}
