//! What is shared changes while devices are connected.

use proptest::prelude::*;
use verso_identity::WorkspaceId;
use verso_session::Mode;
use verso_trust::PeerRole;

use crate::net::{Adopts, Closed, Net, Offering, workspace};

const OPEN: [Mode; 2] = [Mode::StayOpen; 2];

/// A workspace founded while connected is offered, adopted and brought level.
#[test]
fn a_new_workspace_is_shared_while_connected() {
    for founder in 0..2 {
        let mut net = Net::new(2, 1);
        net.found(0, WorkspaceId::CONTROL, 1);
        let link = net.connect(0, 1, PeerRole::Own, OPEN);
        net.run();
        net.found(founder, workspace(1), 4);
        net.set_offered(founder, workspace(1), Offering::Yes);
        net.run();
        net.assert_equal();
        assert!(net.end(link, 0).seen.level.contains_key(&workspace(1)));
    }
}

/// A friend who has not joined gets nothing, not even a stream; after joining, everything.
#[test]
fn a_friend_gets_a_workspace_once_it_joins() {
    let mut net = Net::new(2, 1);
    net.found(0, workspace(1), 4);
    net.devices[1].adopts = Adopts::Nothing;
    let link = net.connect(0, 1, PeerRole::Friend, OPEN);
    net.run();
    assert!(net.devices[1].store.holdings().is_empty());
    assert!(net.links[link].ends.iter().all(|end| end.seen.opened.is_empty() && end.seen.received == 0));
    net.set_offered(1, workspace(1), Offering::Yes);
    net.run();
    net.assert_equal();
    assert!(!net.devices[1].store.holdings().is_empty());
}

/// A grant taken away while units flow: nothing is sent on that stream from that moment on (`Net::check` looks at every message).
#[test]
fn nothing_is_sent_after_a_grant_is_taken_away() {
    for seed in 0..100 {
        let mut net = Net::new(2, seed);
        net.found(0, WorkspaceId::CONTROL, 1);
        net.found(0, workspace(1), 30);
        let link = net.connect(0, 1, PeerRole::Own, OPEN);
        while !net.end(link, 0).seen.units_sent.contains_key(&workspace(1)) {
            assert!(net.step());
        }
        net.devices[1].adopts = Adopts::Nothing;
        net.set_offered(0, workspace(1), Offering::No);
        let sent = net.end(link, 0).seen.units_sent[&workspace(1)];
        net.commit(0, workspace(1), 1);
        net.run();
        assert_eq!(net.end(link, 0).seen.units_sent[&workspace(1)], sent);
        assert!(net.links[link].ends.iter().all(|end| end.closed == Closed::Open && end.session.is_level()));

        net.set_offered(0, workspace(1), Offering::Yes);
        net.run();
        net.assert_equal();
    }
}

/// An acceptor once took the stream of a workspace for a new one that had been opened, and taken away again, before it heard of either, and then waited for
/// an offer to be withdrawn that already was.
#[test]
fn a_stream_that_comes_after_its_offer_was_taken_away_is_left_alone() {
    for seed in 0..300 {
        let mut net = Net::new(2, seed);
        net.found(0, WorkspaceId::CONTROL, 1);
        net.found(0, workspace(1), 2);
        let link = net.connect(0, 1, PeerRole::Own, OPEN);
        let opener = usize::from(net.devices[1].store.id() < net.devices[0].store.id());
        while !net.end(link, opener).seen.opened.contains(&workspace(1)) {
            assert!(net.step());
        }
        net.devices[opener].adopts = Adopts::Nothing;
        net.set_offered(opener, workspace(1), Offering::No);
        net.run();
        assert!(net.links[link].ends.iter().all(|end| end.session.poll_timeout().is_none() && end.session.is_level()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Offered and taken away on either side, at any moment and any number of times: never two streams, never a message on a closed one,
    /// and level when it is offered at the end.
    #[test]
    fn offers_may_change_at_any_moment(seed: u64, own: bool, acts in prop::collection::vec((0..2_usize, any::<bool>(), 0..20_usize), 0..30)) {
        let role = if own { PeerRole::Own } else { PeerRole::Friend };
        let mut net = Net::new(2, seed);
        if own {
            net.found(0, WorkspaceId::CONTROL, 1);
        }
        net.found(0, workspace(1), 10);
        net.found(1, workspace(1), 10);
        net.connect(0, 1, role, OPEN);
        for (device, offered, steps) in acts {
            for _ in 0..steps {
                net.step();
            }
            net.set_offered(device, workspace(1), if offered { Offering::Yes } else { Offering::No });
        }
        for device in 0..2 {
            net.set_offered(device, workspace(1), Offering::Yes);
        }
        net.run();
        net.assert_equal();
        for end in &net.links[0].ends {
            prop_assert!(end.closed == Closed::Open && end.session.is_level());
            prop_assert_eq!(end.session.poll_timeout(), None, "somebody still waits");
        }
    }
}
