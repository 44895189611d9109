//! A listener on a network who takes down all that is said there by multicast DNS.

#![allow(dead_code, reason = "the tests of several crates share this, and each uses some of it")]
#![allow(clippy::indexing_slicing, reason = "helpers of tests may panic as tests do")]

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::namespaces::Host;

/// A listener that takes down every packet of multicast DNS that reaches its host.
pub(crate) struct Listener {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<Vec<(SocketAddr, Vec<u8>)>>,
}

impl Listener {
    pub(crate) fn on(host: &Host, address: &str) -> Self {
        let address: Ipv4Addr = address.parse().unwrap();
        let (stop, stopped) = mpsc::channel();
        let (sender, ready) = mpsc::channel();
        let thread = host.spawn(move || {
            let socket: UdpSocket = shared_port().into();
            socket.join_multicast_v4(&GROUP, &address).unwrap();
            socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
            sender.send(()).unwrap();
            let (mut packets, mut buffer) = (Vec::new(), vec![0; 9_000]);
            while stopped.try_recv().is_err() {
                if let Ok((len, from)) = socket.recv_from(&mut buffer) {
                    packets.push((from, buffer[..len].to_vec()));
                }
            }
            packets
        });
        ready.recv().unwrap();
        Self { stop, thread }
    }

    /// Every packet that came from an address.
    pub(crate) fn packets_from(self, address: &str) -> Vec<Vec<u8>> {
        self.stop.send(()).unwrap();
        let packets = self.thread.join().unwrap();
        packets.into_iter().filter(|(from, _)| from.ip().to_string() == address).map(|(_, packet)| packet).collect()
    }
}

pub(crate) fn contains(packets: &[Vec<u8>], bytes: &[u8]) -> bool {
    packets.iter().any(|packet| packet.windows(bytes.len()).any(|window| window == bytes))
}

/// All labels of 16 letters, the names of announcements.
pub(crate) fn names(packets: &[Vec<u8>]) -> BTreeSet<Vec<u8>> {
    let is_letter = |byte: &u8| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(byte);
    let windows = packets.iter().flat_map(|packet| packet.windows(17));
    windows.filter(|window| window[0] == 16 && window[1..].iter().all(is_letter)).map(<[u8]>::to_vec).collect()
}

/// The salts and slots of all announcements, in runs of 8 bytes.
pub(crate) fn fragments(packets: &[Vec<u8>]) -> BTreeSet<Vec<u8>> {
    let mut fragments = BTreeSet::new();
    for packet in packets {
        for at in 0..packet.len().saturating_sub(349) {
            if packet[at..].starts_with(b"\x03v=1\x12s=") {
                let record = &packet[at..at + 349];
                let parts = [&record[7..23], &record[26..186], &record[189..349]];
                fragments.extend(parts.iter().flat_map(|part| part.windows(8).map(<[u8]>::to_vec)));
            }
        }
    }
    fragments
}

/// Tells whether a packet has an announcement in it, or the goodbye of one.
pub(crate) fn is_announcement(packet: &[u8]) -> bool {
    // A response (RFC 1035, section 4.1.1).
    packet.get(2).is_some_and(|flags| flags & 0x80 != 0) && !fragments(&[packet.to_vec()]).is_empty()
}

/// Somebody who says again and again what was said before.
pub(crate) struct Repeater {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Repeater {
    pub(crate) fn on(host: &Host, address: &str, packet: Vec<u8>) -> Self {
        const OFTEN: Duration = Duration::from_millis(20);
        let address: Ipv4Addr = address.parse().unwrap();
        let (stop, stopped) = mpsc::channel();
        let thread = host.spawn(move || {
            let socket = shared_port();
            socket.set_multicast_if_v4(&address).unwrap();
            let group = SocketAddr::from((GROUP, 5353));
            while stopped.recv_timeout(OFTEN) == Err(mpsc::RecvTimeoutError::Timeout) {
                socket.send_to(&packet, &group.into()).unwrap();
            }
        });
        Self { stop, thread }
    }

    pub(crate) fn stop(self) {
        self.stop.send(()).unwrap();
        self.thread.join().unwrap();
    }
}

/// A program that has the port for itself, by IPv4 and by IPv6, until it is told to end.
pub(crate) fn selfish(host: &Host) -> (mpsc::Sender<()>, JoinHandle<()>) {
    let (stop, stopped) = mpsc::channel::<()>();
    let (sender, ready) = mpsc::channel();
    let thread = host.spawn(move || {
        let v6 = Socket::new(Domain::IPV6, Type::DGRAM, None).unwrap();
        v6.set_only_v6(true).unwrap();
        v6.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, 5353)).into()).unwrap();
        let v4 = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        v4.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 5353)).into()).unwrap();
        sender.send(()).unwrap();
        stopped.recv().unwrap_err();
        drop((v4, v6));
    });
    ready.recv().unwrap();
    (stop, thread)
}

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);

/// The port of multicast DNS, which others may have too.
fn shared_port() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.set_reuse_port(true).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 5353)).into()).unwrap();
    socket
}
