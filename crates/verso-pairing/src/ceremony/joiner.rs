//! [`Joiner`]: the side that was given the code.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::Arc;

use verso_identity::{DeviceId, DeviceKey, Signature, SignatureDomain};
use verso_noise::{HandshakeError, PairingHandshake, PairingWay};
use verso_trust::PairingSide;

use super::channel::{Channel, Stop};
use super::nearby::{Comparison, NearbyCode, Nonce, Typed};
use super::{CONFIRM_MS, HANDSHAKE_MS, Input, Invitation, Output, Paired, PairingError, STORE_MS, Setup};
use crate::link::LinkHints;
use crate::message::{Introduction, JoinerMessage, ShowerIntroduction, ShowerMessage, Transcript};
use crate::offer::Refusal;
use crate::provisional::{PairSecret, Proof, ProvisionalPeer};
use crate::shared::Shared;
use crate::terms::Summary;

/// The joining side of one ceremony, without I/O.
///
/// On the connection that was dialled to [`Invitation::endpoint`]:
///
/// 1. Make one with [`Joiner::new`], and feed each message, answer of the person or of the disk, and tick to
///    [`handle`](Self::handle).
/// 2. Carry out everything that [`poll`](Self::poll) gives, in order.
/// 3. Call `handle` with [`Input::Tick`] when [`poll_timeout`](Self::poll_timeout) is due.
///
/// Guaranteed: nothing about this device is said before the other side has proven the token, or both people have typed the right codes. Nothing is
/// shown to the person before the other device's key has signed this ceremony, but for the code of a nearby device. [`Output::StoreProvisional`] comes only after both people said yes. If it ends with
/// [`PairingError::Unfinished`], the other side has stored the same or nothing; a new ceremony with the same code completes it.
pub struct Joiner {
    identity: Arc<DeviceKey>,
    /// The id that the other end of the connection has proven.
    peer: DeviceId,
    /// What the link says of the offer, if there is one.
    hints: LinkHints,
    shared: Shared,
    introduction: Introduction,
    channel: Channel,
    state: State,
    deadline_ms: u64,
    outputs: VecDeque<Output>,
}

enum State {
    /// Waits for the second handshake message.
    Second(Box<PairingHandshake>),
    /// Nearby: waits for what the other side commits to.
    Committing,
    /// Nearby: has said its nonce; waits for the other's.
    Revealing {
        committed: [u8; 32],
    },
    /// Nearby: shows its code; waits for this person to type the other.
    Comparing(Comparison),
    /// Has proven the token, or this person has typed the code; waits for the offer, which proves as much of the other side.
    Proven,
    /// Has said who it is; waits for the signature of the one that makes the offer.
    Introduced {
        shower: ShowerIntroduction,
        transcript: Transcript,
    },
    /// Waits for both people.
    Asking {
        shower: ShowerIntroduction,
        own: Answer,
        theirs: Answer,
    },
    /// Both said yes; waits for the disk.
    Storing(Paired),
    /// Has stored; waits until the other side has.
    Stored(Paired),
    Over,
}

/// What a person has said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Open,
    Yes,
}

impl Joiner {
    /// Starts on a connection to the endpoint of the invitation, and gives the first message to send.
    ///
    /// # Errors
    /// [`PairingError::OwnCode`], [`PairingError::OtherDevice`]; [`PairingError::NotPairing`] only if the keys can't be used at all.
    pub fn new(setup: Setup, invitation: Invitation<'_>, now_ms: u64) -> Result<Self, PairingError> {
        if invitation.endpoint() == setup.identity.id() {
            return Err(PairingError::OwnCode);
        }
        if invitation.endpoint() != setup.connection.peer {
            return Err(PairingError::OtherDevice);
        }
        let (ephemeral, contribution) = setup.entropy.split();
        let shared = invitation.shared();
        let prologue = setup.connection.prologue_of_dialer(&shared);
        let handshake = super::with_noise_key(&setup.identity, &shared, |secrets| {
            PairingHandshake::dial(secrets, &prologue, ephemeral)
        });
        let mut handshake = handshake.map_err(PairingError::NotPairing)?;
        let mut first = vec![shared.way().number()];
        first.extend(handshake.write_message().map_err(PairingError::NotPairing)?);
        let hints = if let Invitation::Link(link) = invitation { link.hints().clone() } else { LinkHints::default() };
        Ok(Self {
            peer: setup.connection.peer,
            hints,
            shared,
            introduction: Introduction::new(setup.identity.id(), &setup.profile, &contribution),
            identity: setup.identity,
            channel: Channel::default(),
            state: State::Second(Box::new(handshake)),
            deadline_ms: now_ms.saturating_add(HANDSHAKE_MS),
            outputs: VecDeque::from([Output::Send(first)]),
        })
    }

    /// Takes what happened at `now_ms` since the Unix epoch.
    pub fn handle(&mut self, now_ms: u64, input: Input) {
        if let Err(stop) = self.step(now_ms, input) {
            self.stop(stop);
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

    fn step(&mut self, now_ms: u64, input: Input) -> Result<(), Stop> {
        let state = mem::replace(&mut self.state, State::Over);
        if !matches!(state, State::Storing(_) | State::Over) && now_ms >= self.deadline_ms {
            let error =
                if matches!(state, State::Stored(_)) { PairingError::Unfinished } else { PairingError::TimedOut };
            return Err(Stop::telling(Refusal::TimedOut, error));
        }
        match (input, state) {
            (_, State::Over) => Ok(()),
            (Input::Message(message), state) => self.message(now_ms, state, &message),
            (Input::Typed(code), State::Comparing(comparison)) => self.typed(now_ms, comparison, code),
            (Input::Confirmed, State::Asking { shower, own: Answer::Open, theirs }) => {
                self.answered(now_ms, shower, Answer::Yes, theirs)
            }
            (Input::Refused, state) if !matches!(state, State::Storing(_) | State::Stored(_)) => {
                Err(Stop::telling(Refusal::Declined, PairingError::Refused))
            }
            (Input::Stored, State::Storing(paired)) => {
                self.say(&JoinerMessage::Stored)?;
                self.deadline_ms = now_ms.saturating_add(STORE_MS);
                self.remain(State::Stored(paired))
            }
            (Input::StoreFailed, State::Storing(_)) => Err(Stop::telling(Refusal::NotStored, PairingError::NotStored)),
            (Input::Closed, state) => Err(Stop::silent(match state {
                // Nearby there is nothing to accept: the other side just went away.
                State::Second(_) | State::Proven if !self.shared.is_nearby() => PairingError::NotAccepted,
                State::Storing(_) | State::Stored(_) => PairingError::Unfinished,
                _ => PairingError::Disconnected,
            })),
            (_, state) => self.remain(state),
        }
    }

    fn message(&mut self, now_ms: u64, state: State, message: &[u8]) -> Result<(), Stop> {
        if let State::Second(handshake) = state {
            return self.second(handshake, message);
        }
        let heard = self.channel.hear(message).map_err(|stop| match (stop.error, &state) {
            // Its first message is what proves that the other side holds the token.
            (PairingError::Channel(_), State::Proven | State::Committing) => Stop::silent(PairingError::NotProven),
            (error, _) => Stop { error, tell: stop.tell },
        })?;
        match (heard, state) {
            (ShowerMessage::Commit(committed), State::Committing) => {
                self.say(&JoinerMessage::Nonce(self.nonce().reveal()))?;
                self.remain(State::Revealing { committed })
            }
            (ShowerMessage::Reveal(revealed), State::Revealing { committed }) => {
                self.revealed(now_ms, &committed, &revealed)
            }
            (ShowerMessage::Offer(shower), State::Proven) => self.offered(now_ms, shower),
            (ShowerMessage::Signed(signature), State::Introduced { shower, transcript }) => {
                self.signed(now_ms, shower, &transcript, &signature)
            }
            (ShowerMessage::Confirmed, State::Asking { shower, own, theirs: Answer::Open }) => {
                self.answered(now_ms, shower, own, Answer::Yes)
            }
            (ShowerMessage::Stored, State::Stored(paired)) => {
                self.outputs.push_back(Output::Done(paired));
                Ok(())
            }
            (ShowerMessage::Refused(number), _) => Err(Stop::refused(number)),
            _ => Err(Stop::out_of_order()),
        }
    }

    fn second(&mut self, mut handshake: Box<PairingHandshake>, message: &[u8]) -> Result<(), Stop> {
        let failed = |error| match error {
            HandshakeError::NotAuthentic | HandshakeError::WeakKey => Stop::silent(PairingError::NotProven),
            error => Stop::silent(PairingError::NotPairing(error)),
        };
        handshake.read_message(message).map_err(failed)?;
        let third = handshake.write_message().map_err(failed)?;
        self.channel.open(handshake.finish().map_err(failed)?);
        self.outputs.push_back(Output::Send(third));
        self.remain(if self.shared.is_nearby() { State::Committing } else { State::Proven })
    }

    fn nonce(&self) -> Nonce {
        Nonce::derive(&self.introduction.contribution)
    }

    fn revealed(&mut self, now_ms: u64, committed: &[u8; 32], revealed: &[u8; 32]) -> Result<(), Stop> {
        let (hash, _) = self.channel.proof().ok_or(Stop::out_of_order())?;
        let comparison = Comparison::of_joiner(&hash, committed, revealed, &self.nonce())
            .ok_or(Stop::telling(Refusal::Protocol, PairingError::NotProven))?;
        self.outputs.push_back(Output::Compare(comparison.own()));
        self.deadline_ms = now_ms.saturating_add(CONFIRM_MS);
        self.remain(State::Comparing(comparison))
    }

    fn typed(&mut self, now_ms: u64, mut comparison: Comparison, code: NearbyCode) -> Result<(), Stop> {
        match comparison.check(code) {
            Typed::Right => {
                self.say(&JoinerMessage::Matched)?;
                self.deadline_ms = now_ms.saturating_add(CONFIRM_MS);
                self.remain(State::Proven)
            }
            Typed::Wrong { left: 0 } => Err(Stop::telling(Refusal::OtherCode, PairingError::OtherCode)),
            Typed::Wrong { left } => {
                self.outputs.push_back(Output::Retype { left });
                self.remain(State::Comparing(comparison))
            }
        }
    }

    fn offered(&mut self, now_ms: u64, shower: ShowerIntroduction) -> Result<(), Stop> {
        self.check_identity(&shower)?;
        if self.shared.is_nearby() {
            // People took their time before; what follows until they are asked again takes none.
            self.deadline_ms = now_ms.saturating_add(HANDSHAKE_MS);
        }
        if !self.hints.agree_with(&shower.terms) {
            return Err(Stop::telling(Refusal::Protocol, PairingError::OtherOffer));
        }
        let (hash, _) = self.channel.proof().ok_or(Stop::out_of_order())?;
        let transcript = Transcript::new(&hash, &shower, &self.introduction);
        let signature = self.identity.sign(SignatureDomain::Pairing, &transcript.of_joiner());
        let join = self.channel.say(&JoinerMessage::Join(&self.introduction, signature))?;
        self.outputs.push_back(join);
        self.remain(State::Introduced { shower, transcript })
    }

    /// The device that makes the offer is the one at the other end; but words lead to a one-time endpoint, behind which any device may be but
    /// this one.
    fn check_identity(&self, shower: &ShowerIntroduction) -> Result<(), Stop> {
        let device = shower.introduction.device;
        match self.shared.way() {
            PairingWay::Words { .. } if device == self.identity.id() => {
                Err(Stop::telling(Refusal::Identity, PairingError::OwnCode))
            }
            PairingWay::Words { .. } => Ok(()),
            _ if device == self.peer => Ok(()),
            _ => Err(Stop::telling(Refusal::Identity, PairingError::FalseIdentity)),
        }
    }

    fn signed(
        &mut self,
        now_ms: u64,
        shower: ShowerIntroduction,
        transcript: &Transcript,
        signature: &Signature,
    ) -> Result<(), Stop> {
        let (device, name) = (shower.introduction.device, shower.introduction.name.clone());
        let verdict = device.verify(SignatureDomain::Pairing, &transcript.of_shower(), signature);
        verdict.map_err(|_source| Stop::telling(Refusal::Identity, PairingError::NotSigned))?;
        let summary = Summary::new(PairingSide::Joining, device, name, shower.terms.clone());
        self.outputs.push_back(Output::Confirm(summary));
        self.deadline_ms = now_ms.saturating_add(CONFIRM_MS);
        self.remain(State::Asking { shower, own: Answer::Open, theirs: Answer::Open })
    }

    fn answered(&mut self, now_ms: u64, shower: ShowerIntroduction, own: Answer, theirs: Answer) -> Result<(), Stop> {
        if (own, theirs) != (Answer::Yes, Answer::Yes) {
            self.deadline_ms = now_ms.saturating_add(CONFIRM_MS);
            return self.remain(State::Asking { shower, own, theirs });
        }
        let (hash, noise_key) = self.channel.proof().ok_or(Stop::out_of_order())?;
        let secret = PairSecret::derive(&self.shared, &hash, &shower, &self.introduction);
        let paired = Paired::with(&shower.introduction, shower.terms.role());
        let proof = Proof { noise_key, secret, way: self.shared.recorded() };
        let peer = ProvisionalPeer::new(PairingSide::Joining, proof, shower.introduction, shower.terms, now_ms);
        self.outputs.push_back(Output::StoreProvisional(peer));
        self.remain(State::Storing(paired))
    }

    fn say(&mut self, message: &JoinerMessage<&Introduction>) -> Result<(), Stop> {
        self.outputs.push_back(self.channel.say(message)?);
        Ok(())
    }

    #[expect(clippy::unnecessary_wraps, reason = "it ends steps that can fail")]
    fn remain(&mut self, state: State) -> Result<(), Stop> {
        self.state = state;
        Ok(())
    }

    fn stop(&mut self, stop: Stop) {
        if let Some(refusal) = stop.tell
            && let Ok(refused) = self.channel.say(&JoinerMessage::<&Introduction>::Refused(refusal.number()))
        {
            // A peer that can't be told any more learns it from the end of the connection.
            self.outputs.push_back(refused);
        }
        self.outputs.push_back(Output::Failed(stop.error));
    }
}

impl fmt::Debug for Joiner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Second(_) => "Second",
            State::Committing => "Committing",
            State::Revealing { .. } => "Revealing",
            State::Comparing(_) => "Comparing",
            State::Proven => "Proven",
            State::Introduced { .. } => "Introduced",
            State::Asking { .. } => "Asking",
            State::Storing(_) => "Storing",
            State::Stored(_) => "Stored",
            State::Over => "Over",
        };
        f.debug_struct("Joiner").field("peer", &self.peer).field("state", &state).finish_non_exhaustive()
    }
}
