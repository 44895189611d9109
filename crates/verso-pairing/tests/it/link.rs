//! Links: one text for one link, and every link reads back as what it was.

use std::net::SocketAddr;

use proptest::prelude::*;
use verso_identity::{DeviceId, WorkspaceId};
use verso_pairing::{LinkHints, LinkedWorkspace, MAX_ADDRESSES, MAX_LINK_BYTES, Name, PairingLink, RelayUrl, Token};
use verso_trust::{Access, PeerRole};
use zeroize::Zeroizing;

use crate::rig::{copy, name};

pub(crate) const BARE: &str =
    "verso://pair/00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef/AAECAwQFBgcICQoLDA0ODw";

fn link(hints: LinkHints) -> PairingLink {
    let token: [u8; 16] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    let device = "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef".parse().unwrap();
    PairingLink::new(device, Token::new(Zeroizing::new(token)), hints)
}

#[test]
fn a_bare_link() {
    assert_eq!(link(LinkHints::default()).to_string(), BARE);
    let parsed: PairingLink = BARE.parse().unwrap();
    assert_eq!(parsed.hints(), &LinkHints::default());
    assert_eq!(parsed.to_string(), BARE);
}

#[test]
fn a_full_link() {
    let hints = LinkHints {
        addresses: vec!["192.0.2.7:4242".parse().unwrap(), "[2001:db8::7]:4242".parse().unwrap()],
        relay: Some("https://relay.example:8443/r?a=b".parse().unwrap()),
        name: Some(name("Zoë's laptop & co")),
        role: Some(PeerRole::Friend),
        workspace: Some(LinkedWorkspace {
            id: WorkspaceId::from_bytes([0xab; 16]),
            name: Some(name("50 % 你好")),
            access: Some(Access::ReadOnly),
        }),
        expires_at: Some(1_790_000_300),
    };
    let expected = format!(
        "{BARE}?addr=192.0.2.7:4242&addr=%5B2001:db8::7%5D:4242&relay=https://relay.example:8443/r%3Fa%3Db\
         &name=Zo%C3%AB%27s%20laptop%20%26%20co&role=friend&ws=abababababababababababababababab\
         &wsname=50%20%25%20%E4%BD%A0%E5%A5%BD&access=ro&exp=1790000300"
    );
    let made = link(hints.clone());
    assert_eq!(made.to_string(), expected);
    let parsed: PairingLink = expected.parse().unwrap();
    assert_eq!(parsed.hints(), &hints);
    assert_eq!(parsed.canonical_hash(), made.canonical_hash());
}

/// Another order, needless escapes, the version spelled out: the same link.
#[test]
fn other_spellings_are_the_same_link() {
    let canonical: PairingLink = format!("{BARE}?name=a-b&role=own&exp=7").parse().unwrap();
    for spelling in ["?exp=7&role=own&name=a-b", "?name=%61%2db&role=ow%6E&exp=7", "?v=1&role=own&exp=7&name=a%2Db"] {
        let link: PairingLink = format!("{BARE}{spelling}").parse().unwrap();
        assert_eq!(link.to_string(), canonical.to_string());
        assert_eq!(link.canonical_hash(), canonical.canonical_hash());
    }
}

#[test]
fn unknown_parameters_are_kept_and_bind() {
    let with: PairingLink = format!("{BARE}?colour=deep%20red&exp=7&x=").parse().unwrap();
    let expected = [("colour".to_owned(), "deep red".to_owned()), ("x".to_owned(), String::new())];
    assert_eq!(with.unknown_parameters(), expected);
    assert_eq!(with.to_string(), format!("{BARE}?exp=7&colour=deep%20red&x="));
    let without: PairingLink = format!("{BARE}?exp=7").parse().unwrap();
    assert_ne!(with.canonical_hash(), without.canonical_hash());
}

#[test]
fn addresses_that_lead_nowhere_are_left_out() {
    let addresses = [
        "0.0.0.0:1",
        "192.0.2.1:0",
        "224.0.0.1:1",
        "[::]:1",
        "192.0.2.1:1",
        "192.0.2.1:1",
        "[fe80::1%3]:1",
        "192.0.2.2:1",
        "192.0.2.3:1",
        "192.0.2.4:1",
        "192.0.2.5:1",
        "192.0.2.6:1",
    ];
    let addresses: Vec<SocketAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    let made = link(LinkHints { addresses: addresses.clone(), ..LinkHints::default() });
    assert_eq!(made.hints().addresses.len(), MAX_ADDRESSES);
    assert_eq!(made.hints().addresses[..2], addresses[5..7]);
    assert_eq!(copy(&made).hints(), made.hints(), "the scope of a link-local address survives");
}

#[test]
fn expiry_is_by_whole_seconds() {
    let made = link(LinkHints { expires_at: Some(1_000), ..LinkHints::default() });
    assert!(!made.is_expired_at(999_999));
    assert!(made.is_expired_at(1_000_000));
    assert!(!link(LinkHints::default()).is_expired_at(u64::MAX));
}

/// The limit of a link's length is beyond all that a link can say, so whatever is made can be read.
#[test]
fn the_longest_link_is_short_enough() {
    let address = |last: u16| format!("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:{last:x}%4294967295]:65535").parse();
    let addresses: Result<Vec<SocketAddr>, _> = (0xfff0..=0xffff).map(address).collect();
    // Multicast addresses are left out, so the first group is another one.
    let addresses = addresses.unwrap().into_iter().map(|address| match address {
        SocketAddr::V6(mut address) => {
            let mut octets = address.ip().octets();
            octets[0] = 0xfe;
            address.set_ip(octets.into());
            SocketAddr::V6(address)
        }
        SocketAddr::V4(_) => address,
    });
    let longest = "é".repeat(Name::MAX_BYTES / 2);
    let relay = format!("https://{}", "%".repeat(RelayUrl::MAX_BYTES - 8));
    let hints = LinkHints {
        addresses: addresses.collect(),
        relay: Some(relay.parse().unwrap()),
        name: Some(name(&longest)),
        role: Some(PeerRole::Friend),
        workspace: Some(LinkedWorkspace {
            id: WorkspaceId::from_bytes([0xff; 16]),
            name: Some(name(&longest)),
            access: Some(Access::ReadOnly),
        }),
        expires_at: Some(u64::MAX),
    };
    let made = link(hints);
    assert_eq!(made.hints().addresses.len(), MAX_ADDRESSES);
    assert!(made.to_string().len() <= MAX_LINK_BYTES, "{}", made.to_string().len());
    assert_eq!(copy(&made).to_string(), made.to_string());
    verso_pairing::terminal_qr(&made, verso_pairing::Background::Dark);
}

fn any_name() -> impl Strategy<Value = Name> {
    ".{0,40}".prop_map(|text| Name::lossy(&text))
}

fn any_address() -> impl Strategy<Value = SocketAddr> {
    prop_oneof![
        (any::<[u8; 4]>(), any::<u16>()).prop_map(SocketAddr::from),
        (any::<[u16; 8]>(), any::<u16>(), any::<u32>()).prop_map(|(ip, port, scope)| {
            let ip = std::net::Ipv6Addr::from(ip);
            SocketAddr::V6(std::net::SocketAddrV6::new(ip, port, 0, scope))
        }),
    ]
}

fn hints() -> impl Strategy<Value = LinkHints> {
    let workspace = (any::<[u8; 16]>(), prop::option::of(any_name()), prop::option::of(any::<bool>()));
    (
        prop::collection::vec(any_address(), 0..8),
        prop::option::of("https?://[!-~]{1,80}"),
        prop::option::of(any_name()),
        prop::option::of(any::<bool>()),
        prop::option::of(workspace),
        prop::option::of(any::<u64>()),
    )
        .prop_map(|(addresses, relay, name, own, workspace, expires_at)| LinkHints {
            addresses,
            relay: relay.map(|relay| relay.parse().unwrap()),
            name,
            role: own.map(|own| if own { PeerRole::Own } else { PeerRole::Friend }),
            workspace: workspace.map(|(id, name, write)| LinkedWorkspace {
                id: WorkspaceId::from_bytes(id),
                name,
                access: write.map(|write| if write { Access::ReadWrite } else { Access::ReadOnly }),
            }),
            expires_at,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn round_trip(device: [u8; 32], token: [u8; 16], hints in hints()) {
        let made = PairingLink::new(DeviceId::from_bytes(device), Token::new(Zeroizing::new(token)), hints);
        let text = made.to_string();
        let parsed: PairingLink = text.parse().unwrap();
        prop_assert_eq!(parsed.to_string(), text);
        prop_assert_eq!(parsed.device(), made.device());
        prop_assert_eq!(parsed.hints(), made.hints());
        prop_assert_eq!(parsed.canonical_hash(), made.canonical_hash());
        prop_assert!(parsed.unknown_parameters().is_empty());
    }

    /// Whoever changes one character changes the link, or makes it unreadable, or spells it in another way.
    #[test]
    fn one_changed_character_is_another_link(hints in hints(), at: prop::sample::Index, to in 0x21_u8..0x7f) {
        let made = link(hints);
        let text = made.to_string();
        let mut bytes = text.clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = to;
        if let Ok(changed) = String::from_utf8(bytes).unwrap().parse::<PairingLink>() {
            prop_assert_eq!(changed.canonical_hash() == made.canonical_hash(), changed.to_string() == text);
        }
    }
}
