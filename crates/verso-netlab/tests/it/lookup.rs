//! An address lookup of one's own: who is at which relay.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use verso_netlab::{Access, Lookup, Relay, Wire};
use verso_transport::{LookupState, OwnRelay, Probe, Reached, RelayState, Route};

use crate::fixture::{ANNA, BEN, CARL, Device, close_all};
use crate::patience::{PATIENCE, online, with_relay};

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
    let dialling = tokio::time::timeout(Duration::from_secs(2), carl.dial_at(ANNA, &[]));
    assert!(!matches!(dialling.await, Ok(Ok(_))), "nobody can have told Carl");
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

/// What a person is told who asks what is wrong.
#[tokio::test(flavor = "multi_thread")]
async fn whether_the_servers_answer_can_be_asked() {
    let relay = Relay::start(HERE, Wire::Plain, Access::Everyone).await;
    let lookup = Lookup::start(HERE).await;
    let config = with_relay(at(&relay, Some(&lookup)));
    let url = relay.url().parse().unwrap();
    let anna = Device::with_config(ANNA, &[], config.clone()).await;
    let there = Probe {
        relay: RelayState::Connected { relay: url },
        reached: None,
        lookup: LookupState::Reachable,
        route: Route::Known,
    };
    assert_eq!(anna.transport.probe(PATIENCE).await, there);
    close_all([&anna]).await;

    // Nobody is there any more.
    let mut odd = at(&relay, None);
    odd.lookup = Some(format!("{}nonsense", relay.url()).parse().unwrap());
    relay.stop().await;
    lookup.stop().await;
    let ben = Device::with_config(BEN, &[], with_relay(odd)).await;
    let probe = ben.transport.probe(Duration::from_secs(3)).await;
    assert!(matches!(probe.lookup, LookupState::Unreachable { .. }), "{probe:?}");
    assert_eq!(probe.relay.connected(), None, "{probe:?}");
    assert!(matches!(probe.reached, Some(Reached::NoTcp { .. })), "{probe:?}");
    close_all([&ben]).await;
}
