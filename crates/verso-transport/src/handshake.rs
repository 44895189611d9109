//! The proof on the control stream: both sides show that they hold what was agreed at pairing.

use std::fmt;

use iroh::endpoint::{Connection, ReadExactError, RecvStream, SendStream};
use verso_identity::DeviceId;
use verso_noise::{
    AcceptorFrame, DialerFrame, HandshakeError, LayoutError, NoiseKey, Randomness, SyncHandshake, SyncPrologue,
    SyncSecrets,
};
use verso_wire::limits::MAX_FRAME;
use verso_wire::{FrameError, Reason, frame_header};
use zeroize::Zeroizing;

use crate::gate::PeerSecret;
use crate::quic::{exporter, peer_of};
use crate::stream::{FrameStream, StreamError, Traffic};

/// Most bytes of a frame of the proof: the dialer's has 57 bytes, or 58 and 8 for each generation, the acceptor's 49 or 9, and later versions some room.
const MAX_PROOF_FRAME: usize = 1024;

/// Where the control stream stands in QUIC's order: before the streams of the workspaces, which have 0.
const CONTROL_PRIORITY: i32 = 1;

/// Why a peer did not prove, on this connection, what was agreed at pairing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The peer does not hold what was agreed, or what it sent was changed on the way.
    #[error("the proof is wrong")]
    Wrong(#[source] HandshakeError),
    /// The peer holds another generation of the pre-shared key.
    #[error("the peer holds generation {theirs} of the agreed key, this device {ours}")]
    Generation {
        /// The generation that the peer named.
        theirs: u64,
        /// The generation that this device holds.
        ours: u64,
    },
    /// The peer speaks a layout of the proof that this version doesn't know.
    #[error("the peer's proof has an unknown layout")]
    Layout,
    /// The stream or the connection ended before the proof.
    #[error("the connection ended before the proof")]
    Ended(#[source] StreamError),
    /// Nothing was agreed with this peer.
    #[error("nothing was agreed with this device")]
    NothingAgreed,
    /// The operating system gave no randomness, or TLS no keying material.
    #[error("this device can't make a proof")]
    Unable,
}

impl ProofError {
    /// Returns the reason to show.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Ended(source) => source.reason().unwrap_or(Reason::Unreachable),
            Self::NothingAgreed => Reason::NotTrusted,
            Self::Layout => Reason::Version,
            Self::Wrong(_) | Self::Generation { .. } | Self::Unable => Reason::HandshakeFailed,
        }
    }
}

impl From<HandshakeError> for ProofError {
    fn from(source: HandshakeError) -> Self {
        Self::Wrong(source)
    }
}

impl From<LayoutError> for ProofError {
    fn from(LayoutError: LayoutError) -> Self {
        Self::Layout
    }
}

impl From<StreamError> for ProofError {
    fn from(source: StreamError) -> Self {
        Self::Ended(source)
    }
}

/// What this side brings to the proof.
pub(crate) struct Prover<'a> {
    pub(crate) own: DeviceId,
    pub(crate) key: &'a NoiseKey,
    pub(crate) connection: &'a Connection,
    /// The one to be tried first in front.
    pub(crate) secrets: &'a [PeerSecret],
    pub(crate) traffic: &'a Traffic,
}

impl Prover<'_> {
    /// Proves as the side that dialled: opens the control stream, speaks first, and returns it, with the generation that was proven, once the
    /// peer has proven itself too.
    pub(crate) async fn dial(&self) -> Result<(FrameStream, u64), ProofError> {
        let secrets = self.secrets.get(..DialerFrame::MAX_GENERATIONS).unwrap_or(self.secrets);
        let (mut secret, others) = secrets.split_first().ok_or(ProofError::NothingAgreed)?;
        let streams = self.connection.open_bi().await.map_err(|source| StreamError::Closed(source.into()))?;
        let (mut send, mut recv) = streams;
        let mut noise = self.offer(&mut send, secret, others).await?;
        let mut answer = self.read(&mut recv).await?;
        if let AcceptorFrame::Other(generation) = AcceptorFrame::decode(&answer)? {
            secret = others.iter().find(|other| other.generation == generation).ok_or(ProofError::Layout)?;
            noise = self.offer(&mut send, secret, &[]).await?;
            answer = self.read(&mut recv).await?;
        }
        match AcceptorFrame::decode(&answer)? {
            AcceptorFrame::Proof(proof) => noise.read_message(proof)?,
            AcceptorFrame::Other(_) => return Err(ProofError::Layout),
        }
        noise.finish()?;
        Ok((self.control((send, recv)), secret.generation))
    }

    /// Sends the dialer's part of the proof of one secret, and says which others it holds.
    async fn offer(
        &self,
        send: &mut SendStream,
        secret: &PeerSecret,
        others: &[PeerSecret],
    ) -> Result<SyncHandshake, ProofError> {
        let prologue = self.prologue(Side::Dialer, secret)?;
        let mut noise = SyncHandshake::dial(&self.keys(secret), &prologue, randomness()?)?;
        let proof = noise.write_message()?;
        let others = others.iter().map(|other| other.generation).collect();
        let frame = DialerFrame { generation: secret.generation, others, proof: &proof }.encode();
        self.write(send, &frame).await?;
        Ok(noise)
    }

    /// Proves as the side that accepted: waits for the control stream, and returns it, with the generation that was proven, once the peer has proven
    /// itself.
    pub(crate) async fn accept(&self) -> Result<(FrameStream, u64), ProofError> {
        let streams = self.connection.accept_bi().await.map_err(|source| StreamError::Closed(source.into()))?;
        let (mut send, mut recv) = streams;
        let mut frame = self.read(&mut recv).await?;
        let DialerFrame { mut generation, others, .. } = DialerFrame::decode(&frame)?;
        if self.secret(generation).is_err()
            && let Some(other) = others.into_iter().find(|other| self.secret(*other).is_ok())
        {
            self.write(&mut send, &AcceptorFrame::Other(other).encode()).await?;
            frame = self.read(&mut recv).await?;
            generation = other;
        }
        let secret = self.secret(generation)?;
        let offered = DialerFrame::decode(&frame)?;
        if offered.generation != generation {
            return Err(ProofError::Layout);
        }
        let prologue = self.prologue(Side::Acceptor, secret)?;
        let mut noise = SyncHandshake::accept(&self.keys(secret), &prologue, randomness()?)?;
        noise.read_message(offered.proof)?;
        let proof = noise.write_message()?;
        noise.finish()?;
        self.write(&mut send, &AcceptorFrame::Proof(&proof).encode()).await?;
        Ok((self.control((send, recv)), secret.generation))
    }

    /// Returns the secret of a generation.
    fn secret(&self, generation: u64) -> Result<&PeerSecret, ProofError> {
        let newest = self.secrets.first().ok_or(ProofError::NothingAgreed)?;
        let held = self.secrets.iter().find(|secret| secret.generation == generation);
        held.ok_or(ProofError::Generation { theirs: generation, ours: newest.generation })
    }

    async fn write(&self, send: &mut SendStream, body: &[u8]) -> Result<(), ProofError> {
        let frame = [frame_header(body).map_err(StreamError::from)?.as_slice(), body].concat();
        send.write_all(&frame).await.map_err(StreamError::from)?;
        self.traffic.counters.add_sent(frame.len());
        Ok(())
    }

    /// Reads one frame, and not a byte of what stands behind it.
    async fn read(&self, recv: &mut RecvStream) -> Result<Vec<u8>, ProofError> {
        let mut header = [0; 4];
        recv.read_exact(&mut header).await.map_err(too_short)?;
        let len = usize::try_from(u32::from_le_bytes(header)).unwrap_or(usize::MAX);
        if len > MAX_PROOF_FRAME {
            return Err(StreamError::Frame(FrameError::TooLarge { len }).into());
        }
        let mut body = vec![0; len];
        recv.read_exact(&mut body).await.map_err(too_short)?;
        self.traffic.counters.add_received(header.len() + len);
        Ok(body)
    }

    /// What was the stream of the proof is the control stream now.
    fn control(&self, streams: (SendStream, RecvStream)) -> FrameStream {
        // Fails only on a stream that has ended, which the next call tells.
        streams.0.set_priority(CONTROL_PRIORITY).unwrap_or_default();
        FrameStream::new(streams, self.traffic, MAX_FRAME)
    }

    fn keys<'a>(&'a self, secret: &'a PeerSecret) -> SyncSecrets<'a> {
        SyncSecrets { own: self.key, peer: &secret.noise_key, psk: &secret.psk }
    }

    fn prologue(&self, side: Side, secret: &PeerSecret) -> Result<SyncPrologue, ProofError> {
        let peer = peer_of(self.connection);
        let (dialer, acceptor) = match side {
            Side::Dialer => (self.own, peer),
            Side::Acceptor => (peer, self.own),
        };
        let exporter = exporter(self.connection).ok_or(ProofError::Unable)?;
        Ok(SyncPrologue { generation: secret.generation, dialer, acceptor, exporter })
    }
}

impl fmt::Debug for Prover<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prover").field("own", &self.own).field("secrets", &self.secrets).finish_non_exhaustive()
    }
}

/// Which of the two a side is.
#[derive(Debug, Clone, Copy)]
enum Side {
    Dialer,
    Acceptor,
}

/// A stream that ends here has said too little.
fn too_short(source: ReadExactError) -> StreamError {
    match source {
        ReadExactError::FinishedEarly(_) => FrameError::Truncated.into(),
        ReadExactError::ReadError(source) => source.into(),
    }
}

fn randomness() -> Result<Randomness, ProofError> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut()).map_err(|_source| ProofError::Unable)?;
    Ok(Randomness::new(bytes))
}
