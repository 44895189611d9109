//! Logs with forked chains are mended, backed up and restored as others are: whatever is lost, what comes back finds its place.

use bytes::Bytes;
use verso_identity::{DeviceId, WorkspaceId};
use verso_log::{MemoryStorage, Storage as _};
use verso_replica::{MendScope, Mended, mend};
use verso_trust::PeerRole;
use verso_vv::{Author, Seq};
use verso_wire::{ChainHead, CompressionLevel};

use crate::backup::{back_up_from, restore_to};
use crate::peer::Peer;
use crate::rig::{NOW, Rig, my_key, other};
use crate::writer::{Writer, key};

/// A device with a workspace, of which another wrote two histories. Nearly every unit is in a file of its own.
struct Scene {
    rig: Rig,
    workspace: WorkspaceId,
    /// All that is stored, in stored order, and what its last entry is called.
    units: Vec<(Bytes, ChainHead, Author)>,
    texts: Vec<String>,
}

impl Scene {
    fn new() -> Self {
        let (mut rig, workspace) = Rig::with_workspace();
        let own = rig.meet(other(0), PeerRole::Own, &[workspace]).device;
        let mut left = Writer::new(other(0), 1, workspace);
        let common = left.texts(&["common"]);
        let mut right = left.twin();
        let left = ["left", "more left", "most left"].map(|text| left.texts(&[text]));
        let right = ["right", "more right", "most right"].map(|text| right.texts(&[text]));
        let both = left.into_iter().zip(right).flat_map(|(left, right)| [left, right]);
        for unit in [common].into_iter().chain(both) {
            rig.reopen();
            give(&mut rig, workspace, own, &unit);
        }
        let stored = rig.replica.log_tail(&workspace, usize::MAX).unwrap();
        let units = stored.into_iter().map(|unit| {
            let unit = unit.chain();
            let author = rig.replica.author_of(&workspace, &unit.head()).unwrap();
            (Bytes::from(unit.encode(CompressionLevel::RECORD)), unit.head(), author)
        });
        let units = units.collect();
        let texts = rig.texts(&workspace).into_iter().map(str::to_owned).collect();
        assert_eq!(rig.replica.forks(&workspace).len(), 1);
        assert!(rig.replica.log_stats(&workspace).unwrap().segments >= 8);
        Self { rig, workspace, units, texts }
    }

    /// The device after each of many single flipped bits in the workspace's files.
    fn damaged(&self) -> impl Iterator<Item = (String, MemoryStorage)> {
        let segments = u32::try_from(self.rig.replica.log_stats(&self.workspace).unwrap().segments).unwrap();
        (1..=segments).flat_map(move |segment| {
            let path = self.rig.replica.segment_path(&self.workspace, segment).unwrap();
            let len = self.rig.disk.read_file(&path).unwrap().len();
            (1_024..len).step_by(61).map(move |at| {
                let disk = self.rig.disk.snapshot(1);
                disk.flip(&path, at, 0x20);
                (format!("{segment} at {at}"), disk)
            })
        })
    }

    /// The stored units that a device does not hold.
    fn missing(&self, rig: &Rig) -> Vec<&Bytes> {
        let is_missing =
            |(_, head, _): &&(Bytes, ChainHead, Author)| rig.replica.author_of(&self.workspace, head).is_none();
        self.units.iter().filter(is_missing).map(|(bytes, ..)| bytes).collect()
    }

    /// Asserts that a device holds all there was under the names that it had, and shows it.
    fn assert_whole(&self, rig: &mut Rig, what: &str) {
        assert_eq!(rig.replica.failure(&self.workspace), None, "{what}");
        for (_, head, author) in &self.units {
            assert_eq!(rig.replica.author_of(&self.workspace, head), Some(*author), "{what}: {head:?}");
        }
        assert_eq!(rig.texts(&self.workspace), self.texts, "{what}");
        rig.assert_rebuilds();
    }
}

/// Has a device that was met before bring a unit, and meets it again where a fork had ended the session.
fn give(rig: &mut Rig, workspace: WorkspaceId, own: DeviceId, unit: &Bytes) {
    for _ in 0..2 {
        let mut own = Peer::connect(rig, own, &[workspace]);
        own.give(rig, workspace, unit);
        rig.replica.disconnected(own.connection);
    }
}

fn on(disk: MemoryStorage) -> Rig {
    let mut rig = Rig::new();
    rig.disk = disk;
    let notices = rig.reopen();
    assert!(notices.logs.iter().all(|(_, report)| !report.loses_records()), "{notices:?}");
    rig
}

fn mended(disk: &MemoryStorage) -> Mended {
    mend(disk, &my_key(), MendScope::All).unwrap()
}

/// Closes a device, mends it and opens it again.
fn mended_again(rig: Rig) -> (Rig, Mended) {
    let Rig { replica, disk, .. } = rig;
    replica.close().unwrap();
    let mended = mended(&disk);
    (on(disk), mended)
}

/// What was lost comes back unit by unit, and after each whatever follows is taken over from what was put aside, under whatever label it lies there.
#[test]
fn whatever_bit_flips_in_a_forked_log_all_of_it_comes_back() {
    let scene = Scene::new();
    let mut lost = 0;
    for (what, disk) in scene.damaged() {
        let before = mended(&disk);
        let mut rig = on(disk);
        let is_whole = scene.missing(&rig).is_empty();
        // Nothing tells a flipped bit in the last batch from a power cut.
        assert!(is_whole || !before.lost.is_empty() || before == Mended::default(), "{what}: {before:?}");
        let mut rounds = 0;
        while let Some(unit) = scene.missing(&rig).first() {
            give(&mut rig, scene.workspace, key(other(0)).id(), unit);
            rig = mended_again(rig).0;
            rounds += 1;
            assert!(rounds <= 5, "{what}: more had to come back than lay in one file");
        }
        lost += usize::from(rounds > 0);
        let (mut rig, after) = mended_again(rig);
        assert_eq!(after, Mended::default(), "{what}");
        assert!(rig.disk.list("logs").unwrap().iter().all(|name| name.len() == 16), "{what}: something is put aside");
        scene.assert_whole(&mut rig, &what);
    }
    assert!(lost > 40, "{lost}");
}

/// All of it comes back before anything is taken over: nothing is missing then, wherever it lies now.
#[test]
fn what_came_back_otherwise_is_not_missed() {
    let scene = Scene::new();
    for (what, disk) in scene.damaged().step_by(3) {
        mended(&disk);
        let mut rig = on(disk);
        for (unit, ..) in &scene.units {
            give(&mut rig, scene.workspace, key(other(0)).id(), unit);
        }
        scene.assert_whole(&mut rig, &what);
        let (mut rig, after) = mended_again(rig);
        assert_eq!(after, Mended::default(), "{what}");
        assert!(rig.disk.list("logs").unwrap().iter().all(|name| name.len() == 16), "{what}: something is put aside");
        scene.assert_whole(&mut rig, &what);
    }
}

/// What lies behind the damage is one history, and what comes back from a peer is another: nobody knew of the fork before.
#[test]
fn a_history_that_was_put_aside_is_not_taken_for_the_one_that_came_back() {
    let (mut rig, workspace) = Rig::with_workspace();
    let own = rig.meet(other(0), PeerRole::Own, &[workspace]).device;
    let mut left = Writer::new(other(0), 1, workspace);
    rig.reopen();
    let common = left.texts(&["common"]);
    give(&mut rig, workspace, own, &common);
    let segment = u32::try_from(rig.replica.log_stats(&workspace).unwrap().segments).unwrap();
    let mut right = left.twin();
    rig.reopen();
    give(&mut rig, workspace, own, &left.texts(&["left", "more left"]));
    let path = rig.replica.segment_path(&workspace, segment).unwrap();
    let len = rig.disk.read_file(&path).unwrap().len();
    let damaged = (1_024..len).map(|at| {
        let disk = rig.disk.snapshot(1);
        disk.flip(&path, at, 0x20);
        disk
    });
    let of_writer = |rig: &Rig| rig.replica.held(&workspace).unwrap().get(&left.author);
    let mut rig = damaged
        .map(|disk| {
            mended(&disk);
            on(disk)
        })
        .find(|rig| of_writer(rig) == Seq::ZERO)
        .unwrap();
    let theirs = right.texts(&["right", "more right", "most right"]);
    for unit in [&common, &theirs] {
        give(&mut rig, workspace, own, unit);
    }
    assert_eq!(of_writer(&rig), Seq(4), "it is all that this device knows");
    let (mut rig, after) = mended_again(rig);
    assert_eq!(after, Mended::default());
    assert!(rig.disk.list("logs").unwrap().iter().all(|name| name.len() == 16), "nothing is put aside any more");
    for head in [left.head, right.head] {
        assert!(rig.replica.author_of(&workspace, &head).is_some(), "one of two histories is gone");
    }
    let forks = rig.replica.forks(&workspace);
    assert_eq!(forks.len(), 1, "it is proven, so that it can be shown to peers");
    assert_eq!((forks[0].author, forks[0].at), (left.author, Seq(2)));
    let texts = ["Reading", "common", "left", "more left", "more right", "most right", "one", "right"];
    assert_eq!(rig.texts(&workspace), texts);
    rig.assert_rebuilds();
}

#[test]
fn a_backup_of_a_forked_log_makes_the_same_device() {
    let scene = Scene::new();
    let (bytes, done) = back_up_from(&scene.rig.disk).unwrap();
    assert!(done.damage.is_empty());
    let disk = MemoryStorage::new(77);
    restore_to(&disk, &bytes).unwrap();
    let mut rig = on(disk);
    scene.assert_whole(&mut rig, "restored");
    assert_eq!(rig.replica.forks(&scene.workspace), scene.rig.replica.forks(&scene.workspace));
    // It was damaged, too, and what it lacks comes back.
    let mut lost = 0;
    for (what, disk) in scene.damaged() {
        let (bytes, done) = back_up_from(&disk).unwrap();
        let disk = MemoryStorage::new(78);
        restore_to(&disk, &bytes).unwrap();
        let mut rig = on(disk);
        lost += usize::from(!done.damage.is_empty());
        rig.replica.confirm(key(other(0)).id(), NOW).unwrap();
        for (unit, ..) in &scene.units {
            give(&mut rig, scene.workspace, key(other(0)).id(), unit);
        }
        scene.assert_whole(&mut rig, &what);
    }
    assert!(lost > 40, "{lost}");
}
