//! Addresses of interfaces, and which addresses that somebody announces may be dialled.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address of one of this machine's interfaces, and how much of it names the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subnet {
    /// The address.
    pub address: IpAddr,
    /// How many of its first bits name the network: at most 32, or 128.
    pub prefix: u8,
}

impl Subnet {
    /// Tells whether an address is in the same network.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differ = u32::from(own) ^ u32::from(other);
                differ.leading_zeros() >= u32::from(self.prefix.min(32))
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differ = u128::from(own) ^ u128::from(other);
                differ.leading_zeros() >= u32::from(self.prefix.min(128))
            }
            _ => false,
        }
    }

    /// Tells whether peers can dial the address. A link-local one of IPv6 means nothing without the interface, which is another on each machine.
    pub(crate) const fn is_dialable(&self) -> bool {
        is_host(self.address)
    }
}

/// Tells whether an address that was announced on an interface may be dialled: one of the network itself, or of a private network behind it.
/// So nobody can make this device send anything to the internet.
pub(crate) fn may_be_dialled(address: IpAddr, interface: &[Subnet]) -> bool {
    is_host(address) && (interface.iter().any(|subnet| subnet.contains(address)) || is_private(address))
}

const fn is_host(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !address.is_unspecified() && !address.is_multicast() && !address.is_broadcast(),
        IpAddr::V6(address) => !address.is_unspecified() && !address.is_multicast() && !address.is_unicast_link_local(),
    }
}

/// Private networks: RFC 1918, RFC 6598 (shared by providers), RFC 3927, RFC 4193.
const fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private() || address.is_link_local() || is_shared(address),
        IpAddr::V6(address) => Ipv6Addr::is_unique_local(&address),
    }
}

const fn is_shared(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    first == 100 && second & 0b1100_0000 == 64
}
