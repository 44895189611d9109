//! Peers that speak QUIC and TLS correctly and then do as they please. They are written from the description of the wire
//! alone, so they hold the format too.

use std::net::SocketAddr;
use std::sync::Arc;

use iroh::endpoint::{Connection, ConnectionError, RecvStream, SendStream, VarInt, presets};
use iroh::{Endpoint, EndpointAddr, EndpointId, RelayMode, SecretKey};
use verso_identity::DeviceId;
use verso_noise::{HandshakeError, NoiseKey, PreSharedKey, Randomness, SyncHandshake, SyncPrologue, SyncSecrets};
use verso_transport::{Closed, DialError, ProofError, StreamError, SyncConnection};
use verso_wire::{CloseCode, FrameError, Reason};
use zeroize::Zeroizing;

use crate::fixture::{ANNA, BEN, Device, close_all, id, key, noise_key};

const ALPN: &[u8] = b"verso/sync/1";

/// What a hostile peer says on a connection.
type Say<'a> = &'a dyn Fn(&Connection) -> Vec<u8>;

/// An endpoint with Ben's key, and everything that Ben knows.
struct Raw {
    endpoint: Endpoint,
}

impl Raw {
    async fn up() -> Self {
        let endpoint = Endpoint::builder(presets::Empty)
            .crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .secret_key(SecretKey::from_bytes(&key(BEN).to_secret()))
            .alpns(vec![ALPN.to_vec()])
            .relay_mode(RelayMode::Disabled)
            .clear_ip_transports()
            .bind_addr("127.0.0.1:0")
            .unwrap()
            .bind()
            .await
            .unwrap();
        Self { endpoint }
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        self.endpoint.bound_sockets()
    }

    async fn connect(&self, device: &Device) -> Connection {
        let id = EndpointId::from_bytes(device.id().as_bytes()).unwrap();
        let target = device.addresses().into_iter().fold(EndpointAddr::new(id), EndpointAddr::with_ip_addr);
        self.endpoint.connect(target, ALPN).await.unwrap()
    }

    async fn accept(&self) -> Connection {
        self.endpoint.accept().await.unwrap().await.unwrap()
    }

    async fn close(&self) {
        self.endpoint.close().await;
    }
}

fn prologue(connection: &Connection, dialer: DeviceId, acceptor: DeviceId) -> SyncPrologue {
    let mut exporter = [0; 32];
    connection.export_keying_material(&mut exporter, b"EXPORTER-verso-noise-v1", ALPN).unwrap();
    SyncPrologue { generation: 1, dialer, acceptor, exporter }
}

fn noise(connection: &Connection) -> SyncHandshake {
    let own = NoiseKey::derive(&key(BEN));
    let psk = PreSharedKey::new(Zeroizing::new([0x5E; 32]));
    let secrets = SyncSecrets { own: &own, peer: &noise_key(ANNA), psk: &psk };
    let randomness = Randomness::new(Zeroizing::new([0x77; 32]));
    SyncHandshake::dial(&secrets, &prologue(connection, id(BEN), id(ANNA)), randomness).unwrap()
}

fn frame(body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len()).unwrap().to_le_bytes(), body].concat()
}

/// The dialer's frame: header, layout, generation, Noise's first message.
fn proof(noise: &mut SyncHandshake) -> Vec<u8> {
    frame(&[&[1], 1_u64.to_le_bytes().as_slice(), &noise.write_message().unwrap()].concat())
}

/// Proves as Ben may, and returns the control stream.
async fn prove(connection: &Connection) -> (SendStream, RecvStream) {
    let (mut send, mut recv) = connection.open_bi().await.unwrap();
    let mut noise = noise(connection);
    send.write_all(&proof(&mut noise)).await.unwrap();
    let mut answer = [0; 4 + 1 + 48];
    recv.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer[..5], [49, 0, 0, 0, 0]);
    noise.read_message(&answer[5..]).unwrap();
    noise.finish().unwrap();
    (send, recv)
}

/// Connects as Ben and proves; returns Anna's side of a stream that Ben has opened with `bytes`, and Ben's.
async fn stream_of(
    anna: &Device,
    ben: &Raw,
    bytes: &[u8],
) -> (SyncConnection, verso_transport::FrameStream, Connection, SendStream) {
    let connecting = async {
        let connection = ben.connect(anna).await;
        let control = prove(&connection).await;
        let (mut send, _recv) = connection.open_bi().await.unwrap();
        send.write_all(bytes).await.unwrap();
        (connection, control, send)
    };
    let ((connection, _control, send), (accepted, _)) = tokio::join!(connecting, anna.accept_sync());
    let stream = accepted.accept_stream().await.unwrap();
    (accepted, stream, connection, send)
}

fn code(error: &ConnectionError) -> Option<CloseCode> {
    match Closed::from(error.clone()) {
        Closed::ByPeer(code) => Some(code),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn anything_but_the_proof_closes_the_connection_before_anything_is_said() {
    let (anna, ben) = (Device::up(ANNA, &[BEN]).await, Raw::up().await);
    let proof_with = |position: usize, connection: &Connection| {
        let mut bytes = proof(&mut noise(connection));
        bytes[position] ^= 1;
        bytes
    };
    let nonsense: [(&str, Say<'_>); 7] = [
        ("nothing", &|_| frame(b"")),
        ("a greeting", &|_| frame(b"hello")),
        ("too much", &|_| frame(&[1; 1_025])),
        ("the promise of very much", &|_| u32::MAX.to_le_bytes().to_vec()),
        ("another layout", &|connection| proof_with(4, connection)),
        ("another generation", &|connection| proof_with(5, connection)),
        ("a broken proof", &|connection| proof_with(60, connection)),
    ];
    for (what, bytes) in nonsense {
        let connection = ben.connect(&anna).await;
        let (mut send, mut recv) = connection.open_bi().await.unwrap();
        send.write_all(&bytes(&connection)).await.unwrap();
        let mut answer = [0; 1];
        assert!(recv.read_exact(&mut answer).await.is_err(), "{what} was answered");
        assert_eq!(code(&connection.closed().await), Some(Reason::HandshakeFailed.into()), "{what}");
        assert_eq!(anna.refused().await, (id(BEN), Reason::HandshakeFailed), "{what}");
    }
    close_all([&anna]).await;
    ben.close().await;
}

/// The proof is tied to its connection: heard on one it is worth nothing on another.
#[tokio::test(flavor = "multi_thread")]
async fn a_proof_from_another_connection_is_worth_nothing() {
    let (anna, ben) = (Device::up(ANNA, &[BEN]).await, Raw::up().await);
    let elsewhere = ben.connect(&anna).await;
    let proof = proof(&mut noise(&elsewhere));
    let connection = ben.connect(&anna).await;
    let (mut send, _recv) = connection.open_bi().await.unwrap();
    send.write_all(&proof).await.unwrap();
    assert_eq!(code(&connection.closed().await), Some(Reason::HandshakeFailed.into()));
    close_all([&anna]).await;
    ben.close().await;
}

/// Before the proof there is one stream and little room: a second can't be opened, and what is sent stays outside.
#[tokio::test(flavor = "multi_thread")]
async fn an_unproven_peer_has_no_room() {
    let (anna, ben) = (Device::up(ANNA, &[BEN]).await, Raw::up().await);
    let connection = ben.connect(&anna).await;
    let (mut send, _recv) = connection.open_bi().await.unwrap();
    let flood = async {
        let mut taken = 0;
        // The frame is too long, so the connection is closed as soon as its length is seen.
        while send.write_all(&[0xFF; 1024]).await.is_ok() {
            taken += 1;
        }
        taken
    };
    assert!(flood.await <= 64 + 1, "more than the window was taken");
    assert_eq!(code(&connection.closed().await), Some(Reason::HandshakeFailed.into()));

    let connection = ben.connect(&anna).await;
    let (_first, second) = (connection.open_bi().await.unwrap(), connection.open_bi());
    tokio::select! {
        biased;
        _opened = second => panic!("a second stream was opened"),
        () = std::future::ready(()) => (),
    }
    close_all([&anna]).await;
    ben.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_beyond_the_limit_is_refused_by_its_length_alone() {
    let (anna, ben) = (Device::up(ANNA, &[BEN]).await, Raw::up().await);
    let len = 1024 * 1024 + 1;
    let bytes = [frame(b"whole"), u32::try_from(len).unwrap().to_le_bytes().to_vec()].concat();
    let (_connection, mut stream, _raw, _send) = stream_of(&anna, &ben, &bytes).await;
    assert_eq!(stream.receive().await.unwrap().unwrap(), b"whole"[..], "what came before is not lost");
    let error = stream.receive().await.unwrap_err();
    assert_eq!(error, StreamError::Frame(FrameError::TooLarge { len }));
    assert_eq!(error.reason(), Some(Reason::Malformed));
    close_all([&anna]).await;
    ben.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_breaks_off_is_an_error_however_it_breaks_off() {
    type BreakOff = fn(&Connection, &mut SendStream);
    let ways: [(BreakOff, StreamError); 3] = [
        (|_, send| send.finish().unwrap(), StreamError::Frame(FrameError::Truncated)),
        (|_, send| send.reset(VarInt::from_u32(7)).unwrap(), StreamError::GivenUp),
        (
            |connection, _| connection.close(VarInt::from_u32(0), b""),
            StreamError::Closed(Closed::ByPeer(CloseCode::DONE)),
        ),
    ];
    let (anna, ben) = (Device::up(ANNA, &[BEN]).await, Raw::up().await);
    for (break_off, expected) in ways {
        let begun = [frame(b"whole"), 100_u32.to_le_bytes().to_vec(), vec![0; 10]].concat();
        let (_connection, mut stream, raw, mut send) = stream_of(&anna, &ben, &begun).await;
        assert_eq!(stream.receive().await.unwrap().unwrap(), b"whole"[..]);
        break_off(&raw, &mut send);
        assert_eq!(stream.receive().await, Err(expected));
    }
    close_all([&anna]).await;
    ben.close().await;
}

/// Whoever answers in a peer's name must prove itself as well: the dialer closes, and nothing was said.
#[tokio::test(flavor = "multi_thread")]
async fn an_acceptor_that_proves_nothing_is_left() {
    let answers = [
        (frame(&[&[0], [9; 48].as_slice()].concat()), ProofError::Wrong(HandshakeError::NotAuthentic)),
        (frame(&[9]), ProofError::Layout),
        (frame(b""), ProofError::Layout),
        (
            frame(&[0; 4]),
            ProofError::Wrong(HandshakeError::MessageLength { len: 3, expected: SyncHandshake::MESSAGE_BYTES }),
        ),
        (vec![0xFF; 4], ProofError::Ended(StreamError::Frame(FrameError::TooLarge { len: 0xFFFF_FFFF }))),
    ];
    for (answer, expected) in answers {
        let (anna, ben) = (Device::up(ANNA, &[BEN]).await, Raw::up().await);
        let answering = async {
            let connection = ben.accept().await;
            let (mut send, mut recv) = connection.accept_bi().await.unwrap();
            recv.read_exact(&mut [0; 61]).await.unwrap();
            send.write_all(&answer).await.unwrap();
            connection.closed().await
        };
        let addresses = ben.addresses();
        let (dialled, closed) = tokio::join!(anna.dial_at(BEN, &addresses), answering);
        assert_eq!(dialled.unwrap_err(), DialError::Unproven(expected));
        assert_eq!(code(&closed), Some(Reason::HandshakeFailed.into()));
        close_all([&anna]).await;
        ben.close().await;
    }
}
