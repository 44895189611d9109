//! Two devices come level, whatever order the streams deliver in.

use proptest::prelude::*;
use verso_identity::WorkspaceId;
use verso_session::Mode;
use verso_trust::PeerRole;

use crate::net::{Closed, Net, workspace};

const OPEN: [Mode; 2] = [Mode::StayOpen; 2];
const FINISH: [Mode; 2] = [Mode::FinishWhenLevel; 2];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Both founded something, both know something of the other's already, and both hold the same at the end.
    #[test]
    fn two_devices_come_level(seed: u64, before in 0..20_usize, units in prop::array::uniform4(0..12_usize)) {
        let mut net = Net::new(2, seed);
        net.found(0, WorkspaceId::CONTROL, units[0]);
        net.found(1, WorkspaceId::CONTROL, units[1]);
        net.found(0, workspace(1), units[2]);
        net.found(1, workspace(2), units[3]);

        // A first meeting that is cut somewhere, so that each holds a part of the other's.
        let first = net.connect(0, 1, PeerRole::Own, OPEN);
        for _ in 0..before {
            net.step();
        }
        net.cut(first);
        for device in &mut net.devices {
            device.store.crash();
        }
        if seed % 2 == 0 {
            net.devices[0].store.compact();
        }

        let second = net.connect(0, 1, PeerRole::Own, OPEN);
        net.run();
        net.assert_equal();
        for end in 0..2 {
            let seen = &net.end(second, end).seen;
            prop_assert_eq!(seen.all_level, 1);
            prop_assert!(seen.level.keys().eq(&[workspace(1), workspace(2), WorkspaceId::CONTROL]));
            prop_assert!(seen.progress.values().all(|p| p.sent == p.to_send && p.received == p.to_receive));
        }

        // What each sent is what the other received, in the figures that people see.
        for (id, mine) in &net.end(second, 0).seen.progress {
            let theirs = net.end(second, 1).seen.progress[id];
            prop_assert_eq!((mine.sent, mine.received), (theirs.received, theirs.sent));
        }
    }

    /// With a goodbye, too: both close without a reason, and only once both hold the same.
    #[test]
    fn two_devices_come_level_and_part(seed: u64, units in prop::array::uniform4(0..12_usize), role in 0..2_usize) {
        let role = [PeerRole::Own, PeerRole::Friend][role];
        let mut net = Net::new(2, seed);
        if role == PeerRole::Own {
            net.found(0, WorkspaceId::CONTROL, units[0]);
            net.found(1, WorkspaceId::CONTROL, units[1]);
        }
        net.found(0, workspace(1), units[2]);
        net.found(1, workspace(2), units[3]);
        let link = net.connect(0, 1, role, FINISH);
        net.run_until_closed();
        net.assert_equal();
        for end in 0..2 {
            let end = net.end(link, end);
            prop_assert_eq!(end.seen.all_level, 1);
            prop_assert!(!matches!(end.closed, Closed::For(_)));
        }
        prop_assert!(net.links[link].ends.iter().any(|end| end.closed != Closed::Open));
    }
}
