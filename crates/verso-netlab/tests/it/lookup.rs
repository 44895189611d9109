//! An address lookup of one's own: who is at which relay.

use std::net::{IpAddr, Ipv4Addr};

use verso_netlab::{Access, Lookup, Relay, Wire};
use verso_transport::{DialError, OwnRelay};

use crate::fixture::{ANNA, BEN, CARL, Device, close_all};
use crate::patience::{online, with_relay};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn at(relay: &Relay, lookup: Option<&Lookup>) -> OwnRelay {
    let lookup = lookup.map(|lookup| lookup.url().parse().unwrap());
    OwnRelay { lookup, ..OwnRelay::at(relay.url().parse().unwrap()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_at_different_relays_find_each_other_by_their_ids() {
    let [first, second] = [
        Relay::start(HERE, Wire::Plain, Access::Everyone).await,
        Relay::start(HERE, Wire::Plain, Access::Everyone).await,
    ];
    let lookup = Lookup::start(HERE).await;
    let anna = Device::with_config(ANNA, &[BEN, CARL], with_relay(at(&first, Some(&lookup)))).await;
    online(&anna.transport).await;
    while lookup.published() == 0 {
        tokio::task::yield_now().await;
    }
    let ben = Device::with_config(BEN, &[ANNA], with_relay(at(&second, Some(&lookup)))).await;
    let (dialled, accepted) = tokio::join!(ben.dial_at(ANNA, &[]), anna.accept_sync());
    let _connections = (dialled.unwrap(), accepted);

    // Without the lookup there is nothing that tells where Anna is, and only Carl's own relay to try.
    let carl = Device::with_config(CARL, &[ANNA], with_relay(at(&second, None))).await;
    assert_eq!(carl.dial_at(ANNA, &[]).await.unwrap_err(), DialError::Unreachable);
    close_all([&anna, &ben, &carl]).await;
    lookup.stop().await;
}

/// A lookup is a help, and its failure is none of who is found otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_that_is_gone_stops_nobody_who_is_found_otherwise() {
    let relay = Relay::start(HERE, Wire::Plain, Access::Everyone).await;
    let lookup = Lookup::start(HERE).await;
    let config = with_relay(at(&relay, Some(&lookup)));
    lookup.stop().await;
    let anna = Device::with_config(ANNA, &[BEN], config.clone()).await;
    let ben = Device::with_config(BEN, &[ANNA], config).await;
    online(&anna.transport).await;
    let (dialled, accepted) = tokio::join!(ben.dial_at(ANNA, &[]), anna.accept_sync());
    let _connections = (dialled.unwrap(), accepted);
    close_all([&anna, &ben]).await;
}
