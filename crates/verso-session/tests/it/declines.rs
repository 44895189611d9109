//! What a device does not take: it is out of the lag, stops nothing behind it, and comes once it is wanted.

use proptest::prelude::*;
use verso_identity::WorkspaceId;
use verso_session::Mode;
use verso_trust::PeerRole;
use verso_wire::Reason;

use crate::net::{Closed, Net, workspace};

const OPEN: [Mode; 2] = [Mode::StayOpen; 2];

/// Device 0 holds what two of its incarnations wrote; device 1 doesn't admit the first.
fn unwelcome(seed: u64) -> (Net, verso_vv::Author) {
    let mut net = Net::new(2, seed);
    net.found(0, workspace(1), 5);
    let first = net.devices[0].store.author();
    net.devices[0].store.new_incarnation();
    net.found(0, WorkspaceId::CONTROL, 1);
    net.found(0, workspace(1), 5);
    net.devices[1].store.unwelcome.insert(first);
    (net, first)
}

#[test]
fn a_decline_stops_nothing_behind_it() {
    let (mut net, first) = unwelcome(1);
    let second = net.devices[0].store.author();
    let link = net.connect(0, 1, PeerRole::Own, OPEN);
    net.run();
    let durable = |device: usize, author| net.devices[device].store.durable(workspace(1), author);
    assert_eq!(durable(1, &first).0, 0);
    assert_eq!(durable(1, &second), durable(0, &second));
    assert_eq!(net.end(link, 0).seen.peer_declined, [(first, verso_vv::Seq(1), Reason::Declined)]);

    // Level, with the declined entries in none of the figures.
    for end in 0..2 {
        assert!(net.end(link, end).session.is_level());
    }
    let progress = net.end(link, 0).seen.progress[&workspace(1)];
    assert_eq!((progress.sent, progress.to_send), (durable(0, &second).0, durable(0, &second).0));

    // What comes to a declined chain is not even sent; what comes to another is.
    let sent = net.end(link, 0).seen.units_sent[&workspace(1)];
    net.commit(0, workspace(1), 1);
    net.devices[0].store.resume_incarnation(first);
    net.commit(0, workspace(1), 1);
    net.run();
    assert_eq!(net.end(link, 0).seen.units_sent[&workspace(1)], sent + 1);
    assert!(net.end(link, 0).session.is_level());

    net.welcome(1, first);
    net.run();
    net.assert_equal();
    assert_eq!(net.end(link, 0).seen.peer_withdrew, [first]);
    assert!(net.end(link, 0).session.is_level() && net.end(link, 1).session.is_level());
}

#[test]
fn a_declined_chain_keeps_nobody_from_finishing() {
    let (mut net, first) = unwelcome(2);
    let link = net.connect(0, 1, PeerRole::Own, [Mode::FinishWhenLevel; 2]);
    net.run_until_closed();
    assert!(net.links[link].ends.iter().all(|end| !matches!(end.closed, Closed::For(_))));
    assert_eq!(net.devices[1].store.durable(workspace(1), &first).0, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Admitted at any moment, while units that were sent before the decline was known are still on their way: those leave gaps, which
    /// are sent again, and all arrives.
    #[test]
    fn a_withdrawn_decline_heals(seed: u64, steps in 0..60_usize, commits in 0..6_usize) {
        let (mut net, first) = unwelcome(seed);
        let link = net.connect(0, 1, PeerRole::Own, OPEN);
        for _ in 0..steps {
            net.step();
        }
        net.welcome(1, first);
        net.devices[0].store.resume_incarnation(first);
        for _ in 0..commits {
            net.step();
            net.commit(0, workspace(1), 1);
        }
        net.run();
        net.assert_equal();
        prop_assert!(net.end(link, 0).session.is_level() && net.end(link, 1).session.is_level());
    }
}
