//! Ports and addresses.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use verso_transport::{BindError, Network, Transport, TransportConfig};

use crate::fixture::{ANNA, BEN, Device, Gate, LOOPBACK, close_all, connected, key};

async fn bind(name: u8, config: TransportConfig) -> Result<Transport, BindError> {
    Transport::bind(&key(name), config, Arc::new(Gate::default())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_named_and_free_again_after_closing() {
    let anna = Device::up(ANNA, &[]).await;
    let port = anna.transport.port();
    assert_ne!(port, 0);
    let config = TransportConfig { port, ..LOOPBACK };
    let error = bind(BEN, config.clone()).await.unwrap_err();
    assert!(matches!(error, BindError::PortTaken { port: taken } if taken == port), "{error:?}");
    assert_eq!(error.to_string(), format!("UDP port {port} is taken by another program"));

    anna.transport.close().await;
    assert!(anna.addresses().is_empty());
    let ben = bind(BEN, config).await.unwrap();
    assert_eq!(ben.port(), port);
    ben.close().await;
}

/// A worker that is started again wants its port at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_port_is_free_at_once_after_connections_were_closed_with_it() {
    let (anna, ben, dialled, accepted) = connected().await;
    let port = ben.transport.port();
    drop((dialled, accepted));
    ben.transport.close().await;
    let again = bind(BEN, TransportConfig { port, ..LOOPBACK }).await.unwrap();
    assert_eq!(again.port(), port);
    again.close().await;
    close_all([&anna]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loopback_is_one_address_of_this_machine() {
    let anna = Device::up(ANNA, &[]).await;
    assert_eq!(anna.addresses(), [SocketAddr::from((Ipv4Addr::LOCALHOST, anna.transport.port()))]);
    close_all([&anna]).await;

    for listen in ["0.0.0.0:0", "192.0.2.1:0"] {
        let address = listen.parse().unwrap();
        let error = bind(ANNA, TransportConfig { listen: Some(address), ..LOOPBACK }).await.unwrap_err();
        assert!(matches!(error, BindError::NotLoopback { address: named } if named == address), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_another_machine_is_named() {
    // TEST-NET-1 (RFC 5737): nobody has it.
    let address = "192.0.2.1:0".parse().unwrap();
    let config = TransportConfig { network: Network::Lan, listen: Some(address), ..TransportConfig::default() };
    let error = bind(ANNA, config).await.unwrap_err();
    assert!(matches!(error, BindError::NoSuchAddress { address: named } if named == address), "{error:?}");
}

/// What `--listen` names is what peers are told, and nothing else is bound.
#[tokio::test(flavor = "multi_thread")]
async fn a_listening_address_is_the_only_one() {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let config = TransportConfig { network: Network::Lan, listen: Some(listen), ..TransportConfig::default() };
    let anna = Device::with_config(ANNA, &[BEN], config.clone()).await;
    let ben = Device::with_config(BEN, &[ANNA], config).await;
    assert_eq!(anna.addresses(), [SocketAddr::from((Ipv4Addr::LOCALHOST, anna.transport.port()))]);
    let (dialled, _accepted) = tokio::join!(ben.dial(&anna), anna.accept_sync());
    dialled.unwrap();
    close_all([&anna, &ben]).await;
}
