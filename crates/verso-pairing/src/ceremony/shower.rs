//! [`Shower`]: the side that shows the code, on one connection.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::Arc;

use verso_identity::{DeviceId, DeviceKey, Signature, SignatureDomain};
use verso_noise::{HandshakeError, PairingHandshake};
use verso_trust::PairingSide;

use super::channel::{Channel, Stop};
use super::{CONFIRM_MS, HANDSHAKE_MS, Input, Output, Paired, PairingError, Setup};
use crate::message::{Introduction, JoinerMessage, ShowerIntroduction, ShowerMessage, Transcript};
use crate::offer::{Offer, OfferId, Refusal};
use crate::provisional::{PairSecret, Proof, ProvisionalPeer};
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
/// Guaranteed: nothing of the offer is said before the joiner has proven the token, and nothing at all to who holds another link. Nobody is shown to the person before
/// its device key has signed this ceremony. [`Output::StoreProvisional`] comes only after this person said yes *and* the joiner
/// has said that it stored, and with it the offer is burnt: so what this side stores, the other has. One offer leads to
/// one device, however many connections try.
pub struct Shower {
    identity: Arc<DeviceKey>,
    offer: OfferId,
    /// The device on the other end of the connection.
    peer: DeviceId,
    introduction: ShowerIntroduction,
    channel: Channel,
    state: State,
    claim: Option<u64>,
    deadline_ms: u64,
    outputs: VecDeque<Output>,
}

enum State {
    /// Waits for the first handshake message.
    First(Box<PairingHandshake>),
    /// Has answered it; the third proves the token.
    Third(Box<PairingHandshake>),
    /// The token is proven and the offer made; waits for who it is.
    Offered,
    /// The joiner is proven; waits for this person's yes.
    Asking(Candidate),
    /// This person said yes; waits until the joiner has stored.
    Agreed(Candidate),
    /// Both said yes and the joiner has stored; waits for the disk.
    Storing(Paired),
    Over,
}

/// A joiner that has proven who it is.
struct Candidate {
    joiner: Introduction,
    secret: PairSecret,
}

impl Shower {
    /// Starts on a connection that was accepted while `offer` may stand.
    ///
    /// # Errors
    /// [`PairingError::NotPairing`] only if the keys can't be used at all.
    pub fn new(setup: Setup, offer: &Offer, now_ms: u64) -> Result<Self, PairingError> {
        let (ephemeral, contribution) = setup.entropy.split();
        let prologue = setup.connection.prologue_of_acceptor(*offer.id().as_bytes());
        let token = offer.link().token().stretch();
        let handshake = super::with_noise_key(&setup.identity, &token, |secrets| {
            PairingHandshake::accept(secrets, &prologue, ephemeral)
        })?;
        let introduction = ShowerIntroduction {
            terms: offer.terms().clone(),
            introduction: Introduction::new(setup.identity.id(), &setup.profile, &contribution),
        };
        Ok(Self {
            identity: setup.identity,
            offer: offer.id(),
            peer: setup.connection.peer,
            introduction,
            channel: Channel::default(),
            state: State::First(Box::new(handshake)),
            claim: None,
            deadline_ms: now_ms.saturating_add(HANDSHAKE_MS),
            outputs: VecDeque::new(),
        })
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
                    Input::Refused if matches!(state, State::Asking(_) | State::Agreed(_)) => {
                        // Whoever was refused holds the token, so it is worth nothing any more.
                        offer.decline();
                        Err(Stop::telling(Refusal::Declined, PairingError::Refused))
                    }
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
            State::First(handshake) => self.first(offer, handshake, message),
            State::Third(handshake) => self.third(now_ms, offer, handshake, message),
            state => match (self.channel.hear(message)?, state) {
                (JoinerMessage::Join(joiner, signature), State::Offered) => {
                    self.introduced(now_ms, offer, joiner, &signature)
                }
                (JoinerMessage::Stored, State::Agreed(candidate)) => self.agreed(now_ms, offer, candidate),
                (JoinerMessage::Refused(number), _) => Err(Stop::refused(number)),
                _ => Err(Stop::out_of_order()),
            },
        }
    }

    /// Everybody can begin a handshake, but the link's hash is bound into it from the first message on.
    fn first(&mut self, offer: &mut Offer, mut handshake: Box<PairingHandshake>, message: &[u8]) -> Result<(), Stop> {
        let answer = handshake.read_message(message).and_then(|()| handshake.write_message());
        self.outputs.push_back(Output::Send(proven(offer, answer)?));
        self.remain(State::Third(handshake))
    }

    fn third(
        &mut self,
        now_ms: u64,
        offer: &mut Offer,
        mut handshake: Box<PairingHandshake>,
        message: &[u8],
    ) -> Result<(), Stop> {
        let channel = handshake.read_message(message).and_then(|()| handshake.finish());
        self.channel.open(proven(offer, channel)?);
        offer.check(&self.peer, now_ms).map_err(refused_by_offer)?;
        let offered = self.channel.say(&ShowerMessage::Offer(&self.introduction))?;
        self.outputs.push_back(offered);
        self.remain(State::Offered)
    }

    fn introduced(
        &mut self,
        now_ms: u64,
        offer: &mut Offer,
        joiner: Introduction,
        signature: &Signature,
    ) -> Result<(), Stop> {
        let (hash, _) = self.channel.proof().ok_or(Stop::out_of_order())?;
        let transcript = Transcript::new(&hash, &self.introduction, &joiner);
        if let Err(error) = self.check_identity(&joiner, &transcript, signature) {
            offer.count_failed_proof();
            return Err(Stop::telling(Refusal::Identity, error));
        }
        self.deadline_ms = now_ms.saturating_add(CONFIRM_MS);
        self.claim = Some(offer.claim(joiner.device, now_ms, self.deadline_ms).map_err(refused_by_offer)?);

        let signature = self.identity.sign(SignatureDomain::Pairing, &transcript.of_shower());
        self.say(&ShowerMessage::Signed(signature))?;
        let terms = self.introduction.terms.clone();
        let summary = Summary::new(PairingSide::Showing, joiner.device, joiner.name.clone(), terms);
        self.outputs.push_back(Output::Confirm(summary));
        let secret = PairSecret::derive(offer.link().token(), &hash, &self.introduction, &joiner);
        self.remain(State::Asking(Candidate { joiner, secret }))
    }

    /// The joiner must be who the connection says, not this device, and its key must have signed all that was said.
    fn check_identity(
        &self,
        joiner: &Introduction,
        transcript: &Transcript,
        signature: &Signature,
    ) -> Result<(), PairingError> {
        if joiner.device != self.peer || joiner.device == self.identity.id() {
            return Err(PairingError::FalseIdentity);
        }
        let verdict = joiner.device.verify(SignatureDomain::Pairing, &transcript.of_joiner(), signature);
        verdict.map_err(|_source| PairingError::NotSigned)
    }

    fn confirmed(&mut self, now_ms: u64, offer: &mut Offer, state: State) -> Result<(), Stop> {
        let State::Asking(candidate) = state else { return self.remain(state) };
        self.say(&ShowerMessage::Confirmed)?;
        self.deadline_ms = now_ms.saturating_add(CONFIRM_MS);
        if let Some(claim) = self.claim {
            offer.extend(claim, self.deadline_ms);
        }
        self.remain(State::Agreed(candidate))
    }

    fn agreed(&mut self, now_ms: u64, offer: &mut Offer, candidate: Candidate) -> Result<(), Stop> {
        let (_, noise_key) = self.channel.proof().ok_or(Stop::out_of_order())?;
        let Candidate { joiner, secret } = candidate;
        offer.burn(joiner.device, now_ms);
        let terms = self.introduction.terms.clone();
        let paired = Paired::with(&joiner, terms.role());
        let proof = Proof { noise_key, secret };
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

/// Tells a failed proof, which counts, from a peer that doesn't even speak the protocol, which doesn't.
fn proven<T>(offer: &mut Offer, result: Result<T, HandshakeError>) -> Result<T, Stop> {
    result.map_err(|error| match error {
        HandshakeError::NotAuthentic | HandshakeError::WeakKey => {
            offer.count_failed_proof();
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
            State::Third(_) => "Third",
            State::Offered => "Offered",
            State::Asking(_) => "Asking",
            State::Agreed(_) => "Agreed",
            State::Storing(_) => "Storing",
            State::Over => "Over",
        };
        f.debug_struct("Shower").field("peer", &self.peer).field("state", &state).finish_non_exhaustive()
    }
}
