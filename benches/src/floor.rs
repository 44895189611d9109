//! What no intent that is durable on two devices can do without: the disk of each, and the way there and back; and what no meeting can: the handshakes.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use iroh::endpoint::{Connection, RecvStream, SendStream, presets};
use iroh::{Endpoint, EndpointAddr, RelayMode, TransportAddr};
use verso_identity::{DeviceId, DeviceKey};
use verso_noise::{NoiseKey, NoisePublicKey, PreSharedKey};
use verso_transport::{Gatekeeper, Incoming, Network, PeerSecret, Transport, TransportConfig};
use verso_wire::{CloseCode, Reason};
use zeroize::Zeroizing;

/// What a unit of one intent weighs with its frame, and about what an acknowledgement does.
const BYTES: usize = 184;
/// Room for all that is written.
const ROOM: usize = 1 << 20;
const ALPN: &[u8] = b"verso/bench/echo";

/// Whatever goes wrong ends the bench.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A file of zeros that is written to bit by bit.
#[derive(Debug)]
pub struct Disk {
    file: File,
    end: u64,
}

impl Disk {
    /// Makes the file.
    ///
    /// # Errors
    /// What the disk says.
    pub fn new(directory: &Path) -> io::Result<Self> {
        let file = File::create(directory.join("floor"))?;
        file.write_all_at(&vec![0; ROOM], 0)?;
        file.sync_all()?;
        Ok(Self { file, end: 0 })
    }

    /// How long it takes until so many bytes are durable.
    ///
    /// # Errors
    /// What the disk says.
    pub fn append(&mut self) -> io::Result<Duration> {
        let start = Instant::now();
        self.file.write_all_at(&[0x5a; BYTES], self.end)?;
        self.file.sync_data()?;
        self.end += u64::try_from(BYTES).unwrap_or_default();
        Ok(start.elapsed())
    }
}

/// Two endpoints on loopback, of which one says what the other said.
#[derive(Debug)]
pub struct Echo {
    send: SendStream,
    receive: RecvStream,
    _connection: Connection,
    _endpoints: [Endpoint; 2],
}

impl Echo {
    /// Connects the two.
    ///
    /// # Errors
    /// What the network says.
    pub async fn new() -> Result<Self, Failure> {
        let [one, other] = [endpoint(&[ALPN]).await?, endpoint(&[ALPN]).await?];
        let there = other.bound_sockets().into_iter().filter(SocketAddr::is_ipv4);
        let there = EndpointAddr::from_parts(other.id(), there.map(TransportAddr::Ip));
        let answering = other.clone();
        tokio::spawn(async move {
            let connection = answering.accept().await.ok_or("closed")?.await?;
            let (mut send, mut receive) = connection.accept_bi().await?;
            let mut bytes = [0; BYTES];
            while receive.read_exact(&mut bytes).await.is_ok() {
                send.write_all(&bytes).await?;
            }
            Ok::<(), Failure>(())
        });
        let connection = one.connect(there, ALPN).await?;
        let (send, receive) = connection.open_bi().await?;
        Ok(Self { send, receive, _connection: connection, _endpoints: [one, other] })
    }

    /// How long it takes there and back.
    ///
    /// # Errors
    /// What the network says.
    pub async fn ping(&mut self) -> Result<Duration, Failure> {
        let start = Instant::now();
        let mut bytes = [0; BYTES];
        self.send.write_all(&bytes).await?;
        self.receive.read_exact(&mut bytes).await?;
        Ok(start.elapsed())
    }
}

/// Binds an endpoint of bare iroh on loopback.
///
/// # Errors
/// What the network says.
pub async fn endpoint(alpns: &[&[u8]]) -> Result<Endpoint, Failure> {
    let alpns = alpns.iter().map(|alpn| alpn.to_vec()).collect();
    let builder = Endpoint::builder(presets::Minimal).alpns(alpns).relay_mode(RelayMode::Disabled);
    Ok(builder.clear_ip_transports().bind_addr("127.0.0.1:0")?.bind().await?)
}

/// Two endpoints of Verso's own that have agreed on a secret and say nothing but that.
#[derive(Debug)]
pub struct Handshakes {
    dialling: Transport,
    there: DeviceId,
    addresses: Vec<SocketAddr>,
}

impl Handshakes {
    /// Makes the two.
    ///
    /// # Errors
    /// What the network says.
    pub async fn new() -> Result<Self, Failure> {
        let [one, other] = [1, 2].map(|number| DeviceKey::from_secret(&Zeroizing::new([number; 32])));
        let bind = async |key: &DeviceKey, peer: &DeviceKey| {
            let config = TransportConfig { network: Network::Loopback, ..TransportConfig::default() };
            let gate = Agreed { peer: peer.id(), noise_key: NoiseKey::derive(peer).public() };
            Transport::bind(key, config, Arc::new(gate)).await
        };
        let (dialling, answering) = (bind(&one, &other).await?, bind(&other, &one).await?);
        let addresses = answering.local_addresses();
        tokio::spawn(async move {
            while let Some(incoming) = answering.accept().await {
                // Who dialled closes.
                if let Incoming::Sync(connection, _stream) = incoming {
                    connection.closed().await;
                }
            }
        });
        Ok(Self { dialling, there: other.id(), addresses })
    }

    /// How long it takes until both have proven who they are: QUIC, TLS and Noise.
    ///
    /// # Errors
    /// What the network says.
    pub async fn shake(&self) -> Result<Duration, Failure> {
        let start = Instant::now();
        let (connection, _stream) = self.dialling.dial(&self.there, &self.addresses[..]).await?;
        let took = start.elapsed();
        connection.close(CloseCode::DONE);
        Ok(took)
    }
}

/// Lets one device in.
struct Agreed {
    peer: DeviceId,
    noise_key: NoisePublicKey,
}

impl Gatekeeper for Agreed {
    fn admit(&self, peer: &DeviceId) -> Result<(), CloseCode> {
        if *peer == self.peer { Ok(()) } else { Err(Reason::NotTrusted.into()) }
    }

    fn secrets(&self, _peer: &DeviceId) -> Vec<PeerSecret> {
        let psk = PreSharedKey::new(Zeroizing::new([7; 32]));
        vec![PeerSecret { noise_key: self.noise_key, psk, generation: 1 }]
    }

    fn pairing_open(&self) -> bool {
        false
    }
}
