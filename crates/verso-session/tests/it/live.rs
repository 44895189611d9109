//! What is new while connected goes out at once, both ways, and onward to third devices.

use proptest::prelude::*;
use verso_identity::WorkspaceId;
use verso_session::{Mode, Progress};
use verso_trust::PeerRole;
use verso_vv::Seq;

use crate::net::{Net, Seen, workspace};

const OPEN: [Mode; 2] = [Mode::StayOpen; 2];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Commits on both sides, at any moment: while vectors cross, while units flow, and when all was quiet.
    #[test]
    fn commits_at_any_moment_arrive(seed: u64, commits in prop::collection::vec((0..2_usize, 0..30_usize), 1..20)) {
        let mut net = Net::new(2, seed);
        net.found(0, WorkspaceId::CONTROL, 1);
        net.found(0, workspace(1), 3);
        net.connect(0, 1, PeerRole::Own, OPEN);
        for (device, steps) in commits {
            for _ in 0..steps {
                net.step();
            }
            let control = net.rng.below(4) == 0;
            net.commit(device, if control { WorkspaceId::CONTROL } else { workspace(1) }, 2);
        }
        net.run();
        net.assert_equal();
    }

    /// A – B – C in a line, and with `mesh` also A – C: what any of them writes reaches all, once over each connection but for what crosses.
    #[test]
    fn third_devices_get_it_too(seed: u64, mesh: bool, commits in prop::collection::vec((0..3_usize, 0..40_usize), 1..15)) {
        let mut net = Net::new(3, seed);
        net.found(0, WorkspaceId::CONTROL, 1);
        net.found(1, workspace(1), 3);
        net.connect(0, 1, PeerRole::Own, OPEN);
        net.connect(2, 1, PeerRole::Own, OPEN);
        if mesh {
            net.connect(0, 2, PeerRole::Own, OPEN);
        }
        for (device, steps) in commits {
            for _ in 0..steps {
                net.step();
            }
            net.commit(device, workspace(1), 1);
        }
        net.run();
        net.assert_equal();
        for link in &net.links {
            prop_assert!(link.ends.iter().all(|end| end.session.is_level()));
        }
    }
}

/// One commit costs one unit out and one acknowledgement back, without a read and without an echo.
#[test]
fn a_commit_costs_one_unit_and_one_ack() {
    let mut net = Net::new(2, 7);
    net.found(0, WorkspaceId::CONTROL, 1);
    net.found(0, workspace(1), 3);
    let link = net.connect(0, 1, PeerRole::Own, OPEN);
    net.run();
    for end in 0..2 {
        let level = [(WorkspaceId::CONTROL, 1)].into();
        net.links[link].ends[end].seen = Seen { level, ..Seen::default() };
    }
    for round in 1..=5 {
        net.commit(0, workspace(1), 1);
        let sent = &net.end(link, 0).seen.messages_sent;
        assert_eq!(sent.len(), round, "the unit goes out in the same step as the commit");
        net.run();
    }
    net.assert_equal();
    assert_eq!(net.end(link, 0).seen.messages_sent, ["Unit"; 5]);
    assert_eq!(net.end(link, 1).seen.messages_sent, ["Ack"; 5]);
    assert_eq!(net.end(link, 0).seen.level[&workspace(1)], 5, "level is said again after each");
}

/// In a line, what came from one side is not sent back to it: every unit crosses every connection once.
#[test]
fn nothing_is_sent_back_to_where_it_came_from() {
    let mut net = Net::new(3, 3);
    net.found(0, WorkspaceId::CONTROL, 1);
    net.found(0, workspace(1), 1);
    let left = net.connect(0, 1, PeerRole::Own, OPEN);
    let right = net.connect(1, 2, PeerRole::Own, OPEN);
    net.run();
    for _ in 0..10 {
        net.commit(0, workspace(1), 1);
        net.run();
    }
    net.assert_equal();
    assert_eq!(
        net.devices[2].store.durable(workspace(1), &net.devices[0].store.author()).0,
        net.devices[0].store.durable(workspace(1), &net.devices[0].store.author()).0
    );
    for link in [left, right] {
        assert_eq!(net.end(link, 0).seen.units_sent[&workspace(1)], 11);
        assert_eq!(net.end(link, 1).seen.units_sent.get(&workspace(1)), None);
    }
}

/// Two devices that both have what a third lacks, more than is in flight at a time: what the third acknowledges to the slower one
/// covers what came from the other, which it then skips.
#[test]
fn what_came_from_elsewhere_is_skipped() {
    const UNITS: u64 = 60;
    let mut net = Net::new(3, 0);
    net.found(0, WorkspaceId::CONTROL, 1);
    net.found(0, workspace(1), 0);
    for _ in 0..UNITS {
        net.devices[0].store.commit(workspace(1), 4, 60_000);
    }
    let copied = net.connect(0, 1, PeerRole::Own, OPEN);
    net.run();
    net.cut(copied);

    let links = [net.connect(0, 2, PeerRole::Own, OPEN), net.connect(1, 2, PeerRole::Own, OPEN)];
    while !net.end(links[1], 0).seen.units_sent.contains_key(&workspace(1)) {
        net.step();
    }
    net.slow = Some(links[1]);
    net.run();
    net.assert_equal();
    let sent = links.map(|link| net.end(link, 0).seen.units_sent[&workspace(1)]);
    assert!(sent[0] == UNITS && sent[1] < 40, "{sent:?} units were sent, of {UNITS}");
    assert!(links.iter().all(|link| net.end(*link, 0).session.is_level() && net.end(*link, 1).session.is_level()));
}

/// The figures say what is under way, and that nothing is left.
#[test]
fn progress_tells_entries() {
    let mut net = Net::new(2, 11);
    net.found(0, WorkspaceId::CONTROL, 1);
    net.found(0, workspace(1), 10);
    let link = net.connect(0, 1, PeerRole::Own, OPEN);
    net.run();
    let author = net.devices[0].store.author();
    let Seq(entries) = net.devices[0].store.durable(workspace(1), &author);
    let sender = Progress { sent: entries, to_send: entries, received: 0, to_receive: 0 };
    let receiver = Progress { sent: 0, to_send: 0, received: entries, to_receive: entries };
    assert_eq!(net.end(link, 0).seen.progress[&workspace(1)], sender);
    assert_eq!(net.end(link, 1).seen.progress[&workspace(1)], receiver);
}
