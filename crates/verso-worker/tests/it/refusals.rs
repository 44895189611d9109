//! Who was never paired, or can't prove what was agreed, gets nothing.

use std::time::Duration;

use verso_replica::{PairSecret, ProvisionalPeer};
use verso_trust::{PairingSide, PairingWay, PeerRole};
use verso_wire::Reason;
use verso_worker::OutcomeState;

use crate::rig::Device;

/// Lets `device` believe that it was paired with `peer`, with a secret of its own making.
pub(crate) async fn believe(device: &Device, peer: &Device, secret: [u8; 32]) {
    let (id, addresses) = (peer.handle.device(), peer.handle.addresses());
    let noise_key = peer.handle.read(verso_worker::HostReplica::noise_key).await.unwrap();
    let provisional = ProvisionalPeer {
        device: id,
        noise_key,
        sealing_key: [0; 32],
        secret: PairSecret::from_bytes(secret),
        name: "somebody".into(),
        role: PeerRole::Own,
        side: PairingSide::Joining,
        way: PairingWay::Link,
        addresses: addresses.iter().map(ToString::to_string).collect(),
        workspaces: Vec::new(),
        expires_ms: u64::MAX,
    };
    device.handle.store_provisional(provisional).await.unwrap();
}

#[tokio::test]
async fn a_stranger_gets_nothing() {
    let (laptop, stranger) = (Device::new("laptop").await, Device::new("stranger").await);
    let workspace = laptop.found("Private").await;
    believe(&stranger, &laptop, [1; 32]).await;
    let serve = laptop.handle.sync_once(Duration::from_secs(2));
    let (_, outcomes) = tokio::join!(serve, stranger.handle.sync_once(Duration::from_secs(2)));
    assert_eq!(outcomes[0].state, OutcomeState::Refused);
    assert_eq!(outcomes[0].reason, Some(Reason::NotTrusted));
    assert_eq!(outcomes[0].bytes_received, 0);
    assert_eq!(stranger.digest(workspace).await, None);
}

#[tokio::test]
async fn a_wrong_secret_gets_nothing() {
    let (laptop, impostor) = (Device::new("laptop").await, Device::new("impostor").await);
    let workspace = laptop.found("Private").await;
    believe(&laptop, &impostor, [1; 32]).await;
    believe(&impostor, &laptop, [2; 32]).await;
    let serve = laptop.handle.sync_once(Duration::from_secs(2));
    let (served, outcomes) = tokio::join!(serve, impostor.handle.sync_once(Duration::from_secs(2)));
    assert_eq!(outcomes[0].state, OutcomeState::Refused);
    assert_eq!(outcomes[0].reason, Some(Reason::HandshakeFailed));
    assert_eq!(served[0].entries_sent, 0);
    assert_eq!(impostor.digest(workspace).await, None);
    let peers = laptop.handle.read(|replica| replica.peers().count()).await;
    assert_eq!(peers, Some(0), "a peer that proved nothing is not made real");
}
