//! The connection is cut, or a device crashes, after every single step; the next contact completes what was begun.

use verso_identity::WorkspaceId;
use verso_session::Mode;
use verso_trust::PeerRole;

use crate::net::{Closed, Net, workspace};

/// What one device has been told is durable at the other.
fn acknowledged(net: &Net, link: usize, end: usize) -> u64 {
    net.end(link, end).seen.progress.values().map(|progress| progress.sent).sum()
}

#[test]
fn a_cut_after_every_step_loses_nothing() {
    for seed in 0..4 {
        let mut cut_at = 0;
        loop {
            let mut net = Net::new(2, seed);
            net.found(0, WorkspaceId::CONTROL, 2);
            net.found(1, WorkspaceId::CONTROL, 2);
            net.found(0, workspace(1), 4);
            net.found(1, workspace(1), 3);
            let first = net.connect(0, 1, PeerRole::Own, [Mode::FinishWhenLevel, Mode::StayOpen]);
            let mut steps = 0;
            while steps < cut_at && net.step() {
                steps += 1;
            }
            let completed = steps < cut_at;
            net.cut(first);

            // Both lose what was not durable. What was acknowledged must still be there.
            let before: Vec<u64> = (0..2).map(|end| acknowledged(&net, first, end)).collect();
            for device in &mut net.devices {
                device.store.crash();
            }
            for (end, acknowledged) in before.iter().enumerate() {
                let author = net.devices[end].store.author();
                let there = &net.devices[1 - end].store;
                let held: u64 =
                    [WorkspaceId::CONTROL, workspace(1)].iter().map(|id| there.durable(*id, &author).0).sum();
                assert!(
                    held >= *acknowledged,
                    "seed {seed}, cut at {cut_at}: {acknowledged} acknowledged, {held} held"
                );
            }

            let second = net.connect(0, 1, PeerRole::Own, [Mode::FinishWhenLevel; 2]);
            net.run_until_closed();
            net.assert_equal();
            assert!(net.links[second].ends.iter().all(|end| !matches!(end.closed, Closed::For(_))));
            if completed {
                break;
            }
            cut_at += 1;
        }
        assert!(cut_at > 30, "only {cut_at} steps were tried");
    }
}
