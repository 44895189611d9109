//! [`Addresses`]: where a device may be reached, as devices tell each other and keep it.

use std::net::SocketAddr;

use crate::network::RelayUrl;

/// Where a device may be reached, the best first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Addresses {
    /// Addresses of its machine.
    pub direct: Vec<SocketAddr>,
    /// Relays at which it is.
    pub relays: Vec<RelayUrl>,
}

impl Addresses {
    /// Reads what a device told or a person typed. What is neither an address nor a relay is left out: a later version may have more kinds.
    pub fn from_texts(texts: &[String]) -> Self {
        let direct = texts.iter().filter_map(|text| text.parse().ok()).collect();
        let relays = texts.iter().filter_map(|text| text.parse().ok()).collect();
        Self { direct, relays }
    }

    /// Returns the texts by which a device tells of them.
    pub fn to_texts(&self) -> Vec<String> {
        let direct = self.direct.iter().map(ToString::to_string);
        direct.chain(self.relays.iter().map(ToString::to_string)).collect()
    }
}

impl From<&[SocketAddr]> for Addresses {
    fn from(direct: &[SocketAddr]) -> Self {
        Self { direct: direct.to_vec(), relays: Vec::new() }
    }
}

impl<const N: usize> From<&[SocketAddr; N]> for Addresses {
    fn from(direct: &[SocketAddr; N]) -> Self {
        Self::from(direct.as_slice())
    }
}

impl From<&Vec<SocketAddr>> for Addresses {
    fn from(direct: &Vec<SocketAddr>) -> Self {
        Self::from(direct.as_slice())
    }
}

impl From<Vec<SocketAddr>> for Addresses {
    fn from(direct: Vec<SocketAddr>) -> Self {
        Self { direct, relays: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_go_there_and_back_and_unknown_ones_are_left_out() {
        let texts = ["192.0.2.1:7", "[2001:db8::1]:7", "https://relay.example/"].map(str::to_owned);
        let addresses = Addresses::from_texts(&texts);
        assert_eq!((addresses.direct.len(), addresses.relays.len()), (2, 1));
        assert_eq!(addresses.to_texts(), texts);
        let odd = ["", "192.0.2.1", "carrier-pigeon:7", "ws://relay.example"].map(str::to_owned);
        assert_eq!(Addresses::from_texts(&odd), Addresses::default());
    }
}
