//! Pairing and staying in step where the devices' networks have nothing in common but a relay.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;
use verso_netlab::{Access, Lookup, Relay, Wire};
use verso_transport::{KeyAgreement, Network, OwnRelay, PathKind, RelayState};
use verso_worker::{Link, Ways};

use crate::people::Person;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Six words are looked for as any device is: at the relay that both have, or by the lookup at the relay that the other has.
#[tokio::test(flavor = "multi_thread")]
async fn six_words_are_found_by_relay_and_by_lookup() {
    let [first, second] = [
        Relay::start(HERE, Wire::Plain, Access::Everyone).await,
        Relay::start(HERE, Wire::Plain, Access::Everyone).await,
    ];
    let lookup = Lookup::start(HERE).await;
    let at = |relay: &Relay, lookup: Option<&Lookup>| {
        let mut own = OwnRelay::at(relay.url().parse().unwrap());
        own.lookup = lookup.map(|lookup| lookup.url().parse().unwrap());
        Network::Relay(own.into())
    };
    let listen = Some("127.0.0.1:0".parse().unwrap());
    for (annas, bens) in [(at(&first, None), at(&first, None)), (at(&first, Some(&lookup)), at(&second, Some(&lookup)))]
    {
        let (anna, ben) = (Person::new(annas, listen), Person::new(bens, listen));
        let (shown, seen) = oneshot::channel();
        let (typed, invitation) = oneshot::channel();
        let ids = (anna.id(), ben.id());
        // Nobody types as fast as the three of them publish where they are, each before and after it came to its relay. If it is once, the next dial finds them.
        let typing = async {
            let words = seen.await.unwrap();
            let all_published = async {
                while lookup.published() < 6 {
                    tokio::task::yield_now().await;
                }
            };
            timeout(Duration::from_secs(2), all_published).await.unwrap_or_default();
            assert!(typed.send(words).is_ok());
        };
        let (shower, joiner, ()) = tokio::join!(anna.show(Ways::Words, shown), ben.join(invitation), typing);
        assert_eq!((joiner.device, shower.device), ids);
    }
}

/// The whole of it: two people at their homes, who have exchanged a link or six words and nothing else.
#[cfg(target_os = "linux")]
#[test]
fn from_home_to_home_people_pair_and_stay_in_step() {
    use crate::homes::{Internet, Router};
    let Some(internet) = Internet::new() else { return };
    for (ways, kind) in [(Ways::Link, Router::Home), (Ways::Words, Router::Strict)] {
        let (annas, bens) = (internet.home(7, kind), internet.home(8, kind));
        let network = internet.config().network;
        let (anna, ben) = (Person::new(network.clone(), None), Person::new(network, None));
        let (annas_id, bens_id) = (anna.id(), ben.id());
        let (shown, invitation) = oneshot::channel();
        let showing = annas.machine().start(anna.clone().show(ways, shown));
        assert_eq!(bens.machine().run(ben.clone().join(invitation)).device, annas_id);
        assert_eq!(showing().device, bens_id);

        let on_annas = annas.machine().run(anna.clone().up());
        let (on_annas, garden) = annas.machine().run(async move {
            let garden = on_annas.found().await;
            (on_annas, garden)
        });
        let on_bens = bens.machine().run(ben.clone().up());
        let watching = annas.machine().start(async move {
            on_annas.wait_in_step(bens_id, garden).await;
            on_annas
        });
        let url = internet.relay().url();
        // What a person is shown of it.
        bens.machine().run(async move {
            on_bens.wait_in_step(annas_id, garden).await;
            on_bens.wait("the relay", |status| status.relay.connected().is_some().then_some(())).await;
            let is_it = |link: &Link| match &link.path.as_ref()?.kind {
                PathKind::Direct { address } if kind == Router::Home => Some(address.ip().to_string()),
                PathKind::Relayed { relay } if kind == Router::Strict => Some(relay.to_string()),
                _ => None,
            };
            let (at, link) = on_bens
                .wait("the way", |status| {
                    let link = status.peers.get(&annas_id)?.link.as_ref()?;
                    Some((is_it(link)?, link.clone()))
                })
                .await;
            assert_eq!(at, if kind == Router::Home { "203.0.113.7".to_owned() } else { url });
            assert_eq!(link.key_agreement, KeyAgreement::PostQuantum);
            assert!(!link.path.unwrap().round_trip.is_zero() && link.bytes_sent > 0 && link.bytes_received > 0);
            let RelayState::Connected { .. } = on_bens.handle.status().borrow().relay else { panic!("no relay") };
            on_bens.down().await;
        });
        let on_annas = watching();
        annas.machine().run(async move {
            on_annas.wait("the end", |status| status.peers[&bens_id].link.is_none().then_some(())).await;
            on_annas.down().await;
        });
    }
    internet.close();
}
