//! Whether this machine could look for peers: its interfaces, the port, the multicast group.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use if_addrs::Interface;
use socket2::{Domain, Socket, Type};

use crate::state::{DiscoveryState, Obstacle};
use crate::subnet::Subnet;

/// The group and the port of multicast DNS (RFC 6762, section 3).
const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
const PORT: u16 = 5353;

/// A question for nothing: a header of zeros (RFC 1035, section 4.1.1). Nobody answers it.
const NO_QUESTION: [u8; 12] = [0; 12];

/// Which interfaces are used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Interfaces {
    /// All that are up, but for the loopback interface and tunnels.
    #[default]
    All,
    /// Those of these names alone.
    Only(Vec<String>),
}

/// How far it is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Nothing is sent but what the operating system sends itself: that this machine takes part in the group. What a firewall would keep back is not
    /// noticed.
    Quiet,
    /// A question for nothing is sent on each interface.
    Sending,
}

/// Tells whether peers could be looked for on this machine at the moment, and on which interfaces. `listen` is the one address at which this device
/// can be dialled, if it is bound to one.
pub fn examine(interfaces: &Interfaces, listen: Option<IpAddr>, depth: Depth) -> DiscoveryState {
    let usable = usable(interfaces, listen);
    let is_dialable = |found: &Interface| Subnet { address: found.ip(), prefix: 0 }.is_dialable();
    let (mut works, mut obstacle) = (Vec::new(), Obstacle::NoInterface);
    // An interface without an address to announce is not joined.
    let joined = usable.chunk_by(|one, other| one.name == other.name).filter(|all| all.iter().any(is_dialable));
    for addresses in joined {
        match (probe(addresses, depth), addresses) {
            (Ok(()), [first, ..]) => works.push(first.name.clone()),
            (Ok(()), []) => {}
            (Err(found), _) => obstacle = found,
        }
    }
    if works.is_empty() { DiscoveryState::Blocked(obstacle) } else { DiscoveryState::On { interfaces: works } }
}

/// The addresses of the interfaces that are to be used and are up, in the order of the interfaces' names.
pub(crate) fn usable(interfaces: &Interfaces, listen: Option<IpAddr>) -> Vec<Interface> {
    let mut found = if_addrs::get_if_addrs().unwrap_or_default();
    found.retain(|found| {
        let is_chosen = match interfaces {
            Interfaces::All => !found.is_loopback(),
            Interfaces::Only(names) => names.contains(&found.name),
        };
        let is_bound = listen.is_none_or(|listen| listen == found.ip());
        is_chosen && is_bound && found.is_oper_up() && !found.is_p2p()
    });
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
}

/// Tries what the daemon will do, which keeps its failures to itself. It works if it works by IPv4 or by IPv6.
pub(crate) fn probe(interface: &[Interface], depth: Depth) -> Result<(), Obstacle> {
    let mut failure = Obstacle::NoInterface;
    for found in interface.iter().rev() {
        match probe_address(found, depth) {
            Ok(()) => return Ok(()),
            Err(obstacle) => failure = obstacle,
        }
    }
    Err(failure)
}

fn probe_address(interface: &Interface, depth: Depth) -> Result<(), Obstacle> {
    let domain = if interface.ip().is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = bound(domain).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => Obstacle::PortTaken,
        io::ErrorKind::PermissionDenied => Obstacle::NotPermitted,
        _ => Obstacle::Failed(error.to_string()),
    })?;
    join(&socket, interface, depth).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => Obstacle::NotPermitted,
        _ => Obstacle::NoMulticast,
    })
}

/// A socket as the daemon binds it.
fn bound(domain: Domain) -> io::Result<Socket> {
    let socket = Socket::new(domain, Type::DGRAM, None)?;
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    socket.set_reuse_port(true)?;
    let any: SocketAddr = if domain == Domain::IPV4 {
        (Ipv4Addr::UNSPECIFIED, PORT).into()
    } else {
        socket.set_only_v6(true)?;
        (Ipv6Addr::UNSPECIFIED, PORT).into()
    };
    socket.bind(&any.into())?;
    Ok(socket)
}

/// Joins the group on an interface and, if that is wanted, sends a question for nothing.
fn join(socket: &Socket, interface: &Interface, depth: Depth) -> io::Result<()> {
    let group: SocketAddr = match interface.ip() {
        IpAddr::V4(address) => {
            socket.join_multicast_v4(&GROUP_V4, &address)?;
            socket.set_multicast_if_v4(&address)?;
            (GROUP_V4, PORT).into()
        }
        IpAddr::V6(_) => {
            let index = interface.index.unwrap_or(0);
            socket.join_multicast_v6(&GROUP_V6, index)?;
            socket.set_multicast_if_v6(index)?;
            SocketAddrV6::new(GROUP_V6, PORT, 0, index).into()
        }
    };
    if depth == Depth::Sending {
        socket.send_to(&NO_QUESTION, &group.into())?;
    }
    Ok(())
}
