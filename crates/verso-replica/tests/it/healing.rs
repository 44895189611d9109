//! Disks that fail while a fork is healed: the host is told, nothing that is only half read is taken for the state, and nothing is taken for damage that is
//! none.

use verso_identity::WorkspaceId;
use verso_log::MemoryStorage;
use verso_replica::{Event, FlushError, HighWater};
use verso_trust::PeerRole;
use verso_wire::{ChainHead, Reason};

use crate::notes::{TEXT, write};
use crate::peer::{Closed, Peer};
use crate::rig::{NOW, Rig, my_key, open, other};
use crate::writer::{Writer, encode};

/// A device that is about to learn, with its next flush, that its own chain was forked and another's, too: both lie in several files.
struct Scene {
    rig: Rig,
    workspace: WorkspaceId,
    own: Peer,
}

/// What a device shows and holds of all, and the mark that it has set of its own writing.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    texts: Vec<String>,
    entries: Option<(u64, u64)>,
    forks: usize,
}

impl Scene {
    fn new() -> Self {
        let (mut rig, workspace) = Rig::with_workspace();
        let own = rig.meet(other(0), PeerRole::Own, &[workspace]).device;
        let mut left = Writer::new(other(0), 1, workspace);
        let mut right = left.twin();
        for text in ["left", "more left"] {
            rig.reopen();
            let mut own = Peer::connect(&mut rig, own, &[workspace]);
            own.give(&mut rig, workspace, &left.texts(&[text]));
            rig.replica.commit(&workspace, &[write(&format!("mine beside {text}"))], NOW).unwrap();
            rig.replica.flush(NOW).unwrap();
        }
        rig.reopen();
        let mut own = Peer::connect(&mut rig, own, &[workspace]);
        rig.replica.commit(&workspace, &[write("mine")], NOW).unwrap();
        rig.replica.flush(NOW).unwrap();
        own.listen(&mut rig);
        own.send(&mut rig, workspace, &encode(&right.seal(&[(TEXT, b"right".to_vec())])));
        rig.events.clear();
        Self { rig, workspace, own }
    }

    fn seen(&self) -> Seen {
        let texts = self.rig.texts(&self.workspace).into_iter().map(str::to_owned).collect();
        let forks = self.rig.replica.forks(&self.workspace).len();
        Seen { texts, entries: self.rig.replica.entries(&self.workspace), forks }
    }

    fn rebuilt(&mut self) -> usize {
        self.rig.sort_effects();
        let of_workspace =
            |event: &&Event| matches!(event, Event::Rebuilt { workspace } if *workspace == self.workspace);
        self.rig.events.iter().filter(of_workspace).count()
    }

    fn mark(&self) -> Option<ChainHead> {
        let mark = HighWater::decode(&self.rig.replica.high_water().encode().unwrap()).unwrap();
        mark.heads().find(|(workspace, _)| *workspace == self.workspace).map(|(_, head)| head)
    }
}

/// One operation of the disk fails, whichever: either the device has healed the fork and said so, or it has said that it could not, and does so once
/// its log is open again.
#[test]
fn a_fork_that_can_t_be_healed_is_told_and_healed_later() {
    let whole = {
        let mut scene = Scene::new();
        scene.rig.replica.flush(NOW).unwrap();
        assert_eq!(scene.rebuilt(), 1);
        scene.seen()
    };
    assert_eq!(whole.forks, 1);
    let (mut failed_logs, mut healed) = (0, 0);
    for after in 0.. {
        let mut scene = Scene::new();
        let mark = scene.mark();
        assert!(mark.is_some());
        scene.rig.disk.fail_after(after);
        let flushed = scene.rig.replica.flush(NOW);
        scene.rig.disk.clear_faults();
        scene.own.listen(&mut scene.rig);
        assert_ne!(scene.own.closed, Closed::Not, "after {after}: its names have changed");
        assert_eq!(scene.mark(), mark, "after {after}: what was durable is");
        match &flushed {
            Ok(()) => healed += 1,
            Err(FlushError::Log { workspace, .. }) => {
                failed_logs += 1;
                assert_eq!(*workspace, scene.workspace, "after {after}");
                assert!(scene.rig.replica.failure(workspace).is_some(), "after {after}");
                assert!(scene.rig.replica.has_failed(), "after {after}");
                assert!(matches!(scene.own.closed, Closed::For(reason) if reason != Reason::Fork), "after {after}");
                assert_eq!(scene.rebuilt(), 0, "after {after}: what is shown is a part");
                let refused = scene.rig.replica.commit(workspace, &[write("four")], NOW);
                assert!(refused.is_err(), "after {after}");
                assert!(scene.rig.replica.recover(NOW).unwrap(), "after {after}");
            }
            Err(error) => assert!(matches!(error, FlushError::Local(_)), "after {after}: {error:?}"),
        }
        assert_eq!(scene.rebuilt(), 1, "after {after}: {flushed:?}");
        assert_eq!(scene.rig.replica.failure(&scene.workspace), None, "after {after}: {flushed:?}");
        scene.rig.replica.flush(NOW).unwrap();
        assert_eq!(scene.seen(), whole, "after {after}: {flushed:?}");
        assert_eq!(scene.mark(), mark, "after {after}");
        scene.rig.replica.commit(&scene.workspace, &[write("four")], NOW).unwrap();
        scene.rig.replica.flush(NOW).unwrap();
        assert_ne!(scene.mark(), mark, "after {after}");
        scene.rig.assert_rebuilds();
        if healed == 3 {
            break;
        }
    }
    assert!(failed_logs >= 5, "the disk failed while the log was read again {failed_logs} times");
}

/// A forked log is opened while the disk fails: the device opens with all there is, or not at all, and nothing is said to be damaged.
#[test]
fn a_disk_that_fails_is_no_damage() {
    let mut scene = Scene::new();
    scene.rig.replica.flush(NOW).unwrap();
    let whole = scene.seen();
    let (mut refused, mut opened) = (0, 0);
    for after in 0.. {
        let disk: MemoryStorage = scene.rig.disk.snapshot(after);
        disk.fail_after(after);
        let outcome = open(&disk);
        match outcome {
            Err(_) => refused += 1,
            Ok((replica, notices)) => {
                assert!(notices.logs.is_empty(), "after {after}: {notices:?}");
                assert!(!notices.local_state_lost && !notices.control_log_lost, "after {after}: {notices:?}");
                assert_eq!(replica.failure(&scene.workspace), None, "after {after}");
                assert_eq!(replica.entries(&scene.workspace), whole.entries, "after {after}");
                assert_eq!(replica.forks(&scene.workspace).len(), whole.forks, "after {after}");
                opened += 1;
                if opened == 20 {
                    break;
                }
            }
        }
    }
    assert!(refused > 20, "{refused}");
    assert_eq!(my_key().id(), scene.rig.replica.device());
}

/// What lies on the disk has rotted while the device was running: that shows when all is read again, and the host is told.
#[test]
fn damage_that_shows_while_a_fork_is_healed_is_told() {
    let mut damaged = 0;
    for at in (1_024..2_048).step_by(13) {
        let mut scene = Scene::new();
        let path = scene.rig.replica.segment_path(&scene.workspace, 2).unwrap();
        if at >= scene.rig.disk.read_file(&path).unwrap().len() {
            break;
        }
        scene.rig.disk.flip(&path, at, 0x20);
        match scene.rig.replica.flush(NOW) {
            Ok(()) => assert_eq!(scene.rebuilt(), 1, "at {at}: it was where nothing is"),
            Err(error) => {
                damaged += 1;
                assert_eq!(error.reason(), Reason::LogDamaged, "at {at}");
                assert!(matches!(error, FlushError::Log { workspace, .. } if workspace == scene.workspace), "at {at}");
                assert_eq!(scene.rebuilt(), 0, "at {at}");
                assert!(scene.rig.replica.recover(NOW).unwrap(), "at {at}: what is whole is shown");
                assert_eq!(scene.rebuilt(), 1, "at {at}");
                assert_eq!(scene.rig.replica.failure(&scene.workspace), Some(Reason::LogDamaged), "at {at}");
                assert!(!scene.rig.replica.has_failed(), "at {at}: opening it once more brings nothing");
            }
        }
    }
    assert!(damaged > 3, "{damaged}");
}

/// The control log says whom this device trusts: while it is only half read nobody is let in, shut out or told anything on the strength of it.
#[test]
fn nothing_follows_from_a_control_log_that_is_half_read() {
    let mut failed = 0;
    for after in 0..60 {
        let (mut rig, workspace) = Rig::with_workspace();
        let mut own = rig.meet(other(0), PeerRole::Own, &[workspace]);
        let members = |rig: &Rig| rig.replica.entries(&workspace).unwrap();
        let before = members(&rig);
        let trusted: Vec<_> = rig.replica.trust().peers().map(|peer| peer.device).collect();
        // A copy of the other device tells of itself another way.
        let mut left = Writer::new(other(0), 9, WorkspaceId::CONTROL);
        let mut right = left.twin();
        own.give(&mut rig, WorkspaceId::CONTROL, &left.texts(&["left"]));
        own.send(&mut rig, WorkspaceId::CONTROL, &right.texts(&["right"]));
        rig.disk.fail_after(after);
        let flushed = rig.replica.flush(NOW);
        rig.disk.clear_faults();
        assert_eq!(members(&rig), before, "after {after}: something was told of members");
        if matches!(flushed, Err(FlushError::Log { workspace: WorkspaceId::CONTROL, .. })) {
            failed += 1;
            own.listen(&mut rig);
            assert_ne!(own.closed, Closed::For(Reason::Revoked), "after {after}");
            assert_ne!(own.closed, Closed::For(Reason::NotTrusted), "after {after}");
            assert!(rig.replica.recover(NOW).unwrap(), "after {after}");
        }
        rig.replica.flush(NOW).unwrap();
        assert_eq!(members(&rig), before, "after {after}");
        let now: Vec<_> = rig.replica.trust().peers().map(|peer| peer.device).collect();
        assert_eq!(now, trusted, "after {after}");
        assert_eq!(rig.replica.forks(&WorkspaceId::CONTROL).len(), 1, "after {after}");
    }
    assert!(failed >= 3, "the disk failed while the log was read again {failed} times");
}
