//! A relay of one's own, whom it lets in, and what becomes of devices when it doesn't or is gone.

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use verso_netlab::{Access, Relay, Wire};
use verso_transport::{Certificates, DialError, Network, OwnRelay, RelayState, TransportConfig};
use verso_wire::Reason;

use crate::fixture::{ANNA, BEN, Device, close_all, id};
use crate::patience::{is_direct, online, path, relay_state, with_relay};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn at(relay: &Relay) -> OwnRelay {
    let mut own = OwnRelay::at(relay.url().parse().unwrap());
    own.discovery_port = relay.discovery_port();
    if let Some(certificate) = relay.certificate() {
        own.certificates = Certificates::from_pem(certificate.as_bytes()).unwrap();
    }
    own
}

/// The devices know nothing of each other but their ids and their relay.
#[tokio::test(flavor = "multi_thread")]
async fn devices_without_addresses_meet_at_their_relay_and_go_on_directly() {
    for wire in [Wire::Plain, Wire::Tls] {
        let relay = Relay::start(HERE, wire, Access::Everyone).await;
        let anna = Device::with_config(ANNA, &[BEN], with_relay(at(&relay))).await;
        let ben = Device::with_config(BEN, &[ANNA], with_relay(at(&relay))).await;
        online(&anna.transport).await;
        let told = anna.transport.addresses();
        assert_eq!(told.relays, [relay.url().parse().unwrap()]);
        assert!(!told.direct.is_empty(), "{told:?}");

        let (dialled, accepted) = tokio::join!(ben.dial_at(ANNA, &[]), anna.accept_sync());
        let ((dialled, mut control), (_accepted, mut other)) = (dialled.unwrap(), accepted);
        control.send(Bytes::from_static(b"hello")).await.unwrap();
        assert_eq!(other.receive().await.unwrap(), Some(Bytes::from_static(b"hello")));
        assert!(relay.bytes_carried() > 0, "they have met there");
        path(&dialled, is_direct).await;
        close_all([&anna, &ben]).await;
        relay.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_refused_by_the_relay_and_told_so() {
    let relays = [
        Relay::start(HERE, Wire::Plain, Access::Token("sesame")).await,
        Relay::start(HERE, Wire::Plain, Access::Devices(vec![id(ANNA)])).await,
    ];
    for relay in relays {
        let known = OwnRelay { token: Some("sesame".parse().unwrap()), ..at(&relay) };
        let anna = Device::with_config(ANNA, &[BEN], with_relay(known)).await;
        let ben = Device::with_config(BEN, &[ANNA], with_relay(at(&relay))).await;
        online(&anna.transport).await;
        let state = relay_state(&ben.transport, |state| matches!(state, RelayState::Refused { .. })).await;
        let RelayState::Refused { relay: refusing, why } = state else { unreachable!() };
        assert_eq!((refusing.to_string(), why.as_str()), (relay.url(), "not authorized"));

        let error = ben.dial_at(ANNA, &[]).await.unwrap_err();
        assert_eq!(error, DialError::RelayRefused { relay: refusing, why });
        assert_eq!(error.reason(), Reason::Unreachable);
        assert!(
            error.to_string().ends_with(&format!("{} refuses this device: not authorized", relay.url())),
            "{error}"
        );
        // Where there is another way, it doesn't matter.
        let (dialled, _accepted) = tokio::join!(ben.dial(&anna), anna.accept_sync());
        dialled.unwrap();
        close_all([&anna, &ben]).await;
        relay.stop().await;
    }
}

/// Whoever certifies its relay itself has to say so: nobody else can pass for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_relay_under_an_unknown_certificate_is_not_spoken_to() {
    let relay = Relay::start(HERE, Wire::Tls, Access::Everyone).await;
    let other = Relay::start(HERE, Wire::Tls, Access::Everyone).await;
    for certificates in [Certificates::default(), at(&other).certificates] {
        let anna = Device::with_config(ANNA, &[], with_relay(OwnRelay { certificates, ..at(&relay) })).await;
        let ben = Device::with_config(BEN, &[], with_relay(at(&relay))).await;
        online(&ben.transport).await;
        assert_eq!(anna.transport.relay().borrow().connected(), None);
        close_all([&anna, &ben]).await;
    }
    assert_eq!(relay.clients_so_far(), 2, "Ben, twice");
}

/// A relay that is gone stops nothing between devices that reach each other, and is there again when it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_goes_and_comes_back_is_noticed() {
    let relay = Relay::start(HERE, Wire::Plain, Access::Everyone).await;
    let own = at(&relay);
    let anna = Device::with_config(ANNA, &[BEN], with_relay(own.clone())).await;
    let ben = Device::with_config(BEN, &[ANNA], with_relay(own.clone())).await;
    online(&anna.transport).await;
    let address = relay.url().trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
    relay.stop().await;
    let state = relay_state(&anna.transport, |state| matches!(state, RelayState::Unreachable { .. })).await;
    assert!(matches!(state, RelayState::Unreachable { relay, .. } if relay == own.url));
    let (dialled, accepted) = tokio::join!(ben.dial(&anna), anna.accept_sync());
    let _connections = (dialled.unwrap(), accepted);

    let relay = Relay::start_at(address, Wire::Plain, Access::Everyone).await;
    online(&anna.transport).await;
    close_all([&anna, &ben]).await;
    relay.stop().await;
}

/// Nobody is sent to a server that they have not chosen, whatever a peer or a link says.
#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_a_peer_names_is_not_used_unasked() {
    let (named, own) = (
        Relay::start(HERE, Wire::Plain, Access::Everyone).await,
        Relay::start(HERE, Wire::Plain, Access::Everyone).await,
    );
    let lan = TransportConfig { listen: Some("127.0.0.1:0".parse().unwrap()), ..TransportConfig::default() };
    assert_eq!(lan.network, Network::Lan);
    for config in [lan, with_relay(at(&own))] {
        let anna = Device::with_config(ANNA, &[BEN], config.clone()).await;
        let ben = Device::with_config(BEN, &[ANNA], config).await;
        let mut told = anna.transport.addresses();
        told.relays = vec![named.url().parse().unwrap()];
        let peer = id(ANNA);
        let (dialled, accepted) = tokio::join!(ben.transport.dial(&peer, told), anna.accept_sync());
        let _connections = (dialled.unwrap(), accepted);
        close_all([&anna, &ben]).await;
    }
    assert_eq!(named.clients_so_far(), 0);
}
