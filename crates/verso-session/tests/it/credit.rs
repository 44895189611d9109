//! Data in flight is bounded, and an acknowledgement waits for the disk.

use verso_identity::WorkspaceId;
use verso_session::Mode;
use verso_trust::PeerRole;
use verso_wire::limits::{IN_FLIGHT, IN_FLIGHT_IN_ALL, MAX_UNIT_BYTES};

use crate::net::{Net, workspace};

/// A workspace of 50 units of 240 kB: more than may be in flight.
fn large() -> Net {
    let mut net = Net::new(2, 4);
    net.found(0, WorkspaceId::CONTROL, 1);
    net.found(0, workspace(1), 0);
    for _ in 0..50 {
        net.devices[0].store.commit(workspace(1), 4, 60_000);
    }
    net
}

/// While the receiver's disk does nothing, nothing is acknowledged, no more than the credit is sent, and nobody is said to be level. Every message
/// that is sent is checked against both, see `Net::check`.
#[test]
fn a_slow_disk_holds_the_sender_back() {
    let mut net = large();
    let link = net.connect(0, 1, PeerRole::Own, [Mode::StayOpen; 2]);
    let found_level = |net: &Net| (0..2).all(|end| net.end(link, end).seen.level.contains_key(&WorkspaceId::CONTROL));
    while !found_level(&net) {
        assert!(net.step());
    }
    net.disks_stand_still = true;
    net.run();
    let sent = net.end(link, 0).seen.bytes_sent;
    assert!(
        sent <= IN_FLIGHT && sent > IN_FLIGHT - 2 * u64::try_from(MAX_UNIT_BYTES).unwrap(),
        "{sent} bytes were sent"
    );
    assert_eq!(net.end(link, 0).seen.progress[&workspace(1)].sent, 0);
    assert!(!net.end(link, 0).seen.level.contains_key(&workspace(1)));
    assert!(!net.end(link, 1).seen.level.contains_key(&workspace(1)));
    assert_eq!(net.end(link, 1).seen.received, net.end(link, 0).seen.units_sent[&workspace(1)] + 1);

    // What is new waits behind what has no room.
    let units = net.end(link, 0).seen.units_sent[&workspace(1)];
    for _ in 0..8 {
        net.commit(0, workspace(1), 1);
    }
    assert_eq!(net.end(link, 0).seen.units_sent[&workspace(1)], units);

    net.disks_stand_still = false;
    net.run();
    net.assert_equal();
    assert!(net.end(link, 0).session.is_level() && net.end(link, 1).session.is_level());
}

/// What waits for one workspace's disk does not keep another's from moving, nor the control log's.
#[test]
fn one_full_stream_does_not_block_the_others() {
    let mut net = large();
    let link = net.connect(0, 1, PeerRole::Own, [Mode::StayOpen; 2]);
    while net.end(link, 0).seen.units_sent.get(&workspace(1)).is_none_or(|units| *units < 25) {
        assert!(net.step());
    }
    net.still = Some(workspace(1));
    net.found(1, workspace(2), 3);
    net.set_offered(1, workspace(2), crate::net::Offering::Yes);
    net.run();
    net.commit(0, WorkspaceId::CONTROL, 1);
    net.run();
    for end in 0..2 {
        assert!(net.end(link, end).seen.level.contains_key(&workspace(2)));
        assert!(net.end(link, end).seen.level[&WorkspaceId::CONTROL] > 1);
        assert!(!net.end(link, end).seen.level.contains_key(&workspace(1)));
    }
}

/// Commits that go out as they are made stop at the credit, too.
#[test]
fn pushes_stay_within_the_credit() {
    let mut net = Net::new(2, 4);
    net.found(0, WorkspaceId::CONTROL, 1);
    net.found(0, workspace(1), 1);
    let link = net.connect(0, 1, PeerRole::Own, [Mode::StayOpen; 2]);
    net.run();
    net.disks_stand_still = true;
    net.payload = 60_000;
    for _ in 0..50 {
        net.commit(0, workspace(1), 4);
        net.run();
    }
    let units = net.end(link, 0).seen.units_sent[&workspace(1)];
    assert!((30..50).contains(&units), "{units} units were pushed");
    net.disks_stand_still = false;
    net.run();
    net.assert_equal();
}

/// A peer that takes everything and acknowledges nothing, in many workspaces: what is on its way stays bounded over all of them, and yet each
/// of them moves.
#[test]
fn what_is_on_its_way_is_bounded_over_all_streams() {
    const STREAMS: u8 = 4;
    let mut net = Net::new(2, 4);
    net.found(0, WorkspaceId::CONTROL, 1);
    for number in 1..=STREAMS {
        net.found(0, workspace(number), 0);
        for _ in 0..36 {
            net.devices[0].store.commit(workspace(number), 4, 60_000);
        }
    }
    let link = net.connect(0, 1, PeerRole::Own, [Mode::StayOpen; 2]);
    while !net.end(link, 0).seen.level.contains_key(&WorkspaceId::CONTROL) {
        assert!(net.step());
    }
    net.disks_stand_still = true;
    net.run();
    let sent = net.end(link, 0).seen.bytes_sent;
    let beyond = u64::from(STREAMS) * u64::try_from(MAX_UNIT_BYTES).unwrap();
    assert!(sent <= IN_FLIGHT_IN_ALL + beyond && sent > IN_FLIGHT_IN_ALL - beyond, "{sent} bytes were sent");
    assert!((1..=STREAMS).all(|number| net.end(link, 0).seen.units_sent.contains_key(&workspace(number))));
    net.payload = 60_000;
    net.commit(0, workspace(STREAMS), 4);
    assert_eq!(net.end(link, 0).seen.bytes_sent, sent, "what is new waits, too");
    net.disks_stand_still = false;
    net.run();
    net.assert_equal();
}

/// Both have far more for the other than may be on its way, and both take in all that has come before their disks do anything, one after the other: neither
/// ever waits for the other to take something first.
#[test]
fn two_devices_with_slow_hosts_never_block_each_other() {
    for seed in 0..2 {
        let mut net = Net::new(2, seed);
        net.found(0, WorkspaceId::CONTROL, 1);
        for number in 1..4 {
            net.found(usize::from(number) % 2, workspace(number), 0);
        }
        let link = net.connect(0, 1, PeerRole::Own, [Mode::StayOpen; 2]);
        net.run();
        for device in 0..2 {
            for number in 1..4 {
                for _ in 0..30 {
                    net.devices[device].store.commit(workspace(number), 4, 60_000);
                }
            }
        }
        net.cut(link);
        let link = net.connect(0, 1, PeerRole::Own, [Mode::FinishWhenLevel; 2]);
        let mut slow = 0;
        while !(0..2).all(|end| net.end(link, end).session.has_said_goodbye()) {
            net.disks_stand_still = true;
            net.run();
            net.sync(slow % 2);
            slow += 1;
            let levels = [0, 1].map(|end| net.end(link, end).session.is_level());
            assert!(slow < 100, "they wait for each other: {levels:?}");
        }
        net.assert_equal();
        assert!(slow > 4, "no disk held anybody back");
    }
}
