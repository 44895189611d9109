//! Damaged logs are mended: what is whole goes on, what is lacking comes back, and no number is used twice, whenever the power goes.

use verso_identity::WorkspaceId;
use verso_log::{MemoryStorage, Storage as _};
use verso_replica::{MendScope, Mended, mend};
use verso_trust::PeerRole;
use verso_vv::{Author, Seq};

use crate::notes::write;
use crate::rig::{NOW, Rig, TestReplica, my_key, open, other};
use crate::writer::Writer;

/// A device with a workspace of three files: its own texts, and one of an own device, each in a file of its own.
struct Scene {
    rig: Rig,
    workspace: WorkspaceId,
    writer: Writer,
    author: Author,
    /// How much each chain held before anything was damaged.
    ends: [Seq; 2],
}

impl Scene {
    fn new() -> Self {
        let (mut rig, workspace) = Rig::with_workspace();
        let mut own = rig.meet(other(0), PeerRole::Own, &[workspace]);
        let mut writer = Writer::new(other(0), 1, workspace);
        let unit = writer.texts(&["theirs"]);
        own.give(&mut rig, workspace, &unit);
        for text in ["two", "three"] {
            rig.reopen();
            rig.replica.commit(&workspace, &[write(text)], NOW).unwrap();
            rig.replica.flush(NOW).unwrap();
        }
        let author = rig.replica.author();
        let held = rig.replica.held(&workspace).unwrap();
        let ends = [held.get(&author), held.get(&writer.author)];
        assert!(rig.replica.log_stats(&workspace).unwrap().segments >= 3);
        Self { rig, workspace, writer, author, ends }
    }

    /// The file of a segment of the workspace.
    fn path(&self, segment: u32) -> String {
        self.rig.replica.segment_path(&self.workspace, segment).unwrap()
    }

    /// The device after the file at `path` was changed in one bit.
    fn damaged(&self, path: &str, at: usize) -> MemoryStorage {
        let disk = self.rig.disk.snapshot(1);
        disk.flip(path, at, 0x20);
        disk
    }

    fn held(&self, replica: &TestReplica) -> [Seq; 2] {
        let held = replica.held(&self.workspace).unwrap_or_default();
        [held.get(&self.author), held.get(&self.writer.author)]
    }
}

fn mended(disk: &MemoryStorage) -> Mended {
    mend(disk, &my_key(), MendScope::All).unwrap()
}

/// Opens a device that must be whole.
fn reopened(disk: &MemoryStorage) -> TestReplica {
    let (replica, notices) = open(disk).unwrap();
    assert!(notices.logs.iter().all(|(_, report)| !report.loses_records()), "{notices:?}");
    replica
}

#[test]
fn a_whole_device_is_left_as_it_is() {
    let scene = Scene::new();
    let (files, author) = (scene.rig.disk.files(), scene.author);
    assert_eq!(mended(&scene.rig.disk), Mended::default());
    assert_eq!(scene.rig.disk.files(), files);
    assert_eq!(reopened(&scene.rig.disk).author(), author);
}

#[test]
fn whatever_bit_flips_the_device_writes_again_and_nothing_whole_is_lost() {
    let scene = Scene::new();
    let (mut losses, mut none) = (0, 0);
    for segment in 1..=3 {
        let path = scene.path(segment);
        for at in (0..scene.rig.disk.read_file(&path).unwrap().len()).step_by(7) {
            let disk = scene.damaged(&path, at);
            let before = open(&disk.snapshot(2)).unwrap().0;
            let what = format!("{segment} at {at}");
            let done = mended(&disk);
            let mut replica = reopened(&disk);
            let (held, was) = (scene.held(&replica), scene.held(&before));
            assert!(held.iter().zip(was).all(|(now, before)| *now >= before), "{what}: what could be read is there");
            let short: u64 = scene.ends.iter().zip(held).map(|(end, now)| end.0 - now.0).sum();
            if short > 0 && done.lost.is_empty() {
                // Nothing tells a flipped bit in the last batch from a power cut.
                assert_eq!(segment, 3, "{what}");
            } else if short > 0 {
                losses += 1;
                assert_ne!(replica.author(), scene.author, "{what}: a number may be used twice");
                assert_eq!(done.lost.first(), Some(&scene.workspace), "{what}");
                // What is known to be missing is what something behind it tells of.
                let missing = done.missing.get(&scene.workspace).copied().unwrap_or_default();
                assert!(
                    missing == short || (missing < short && (segment == 3 || held[1] < scene.ends[1])),
                    "{what}: {done:?}"
                );
            } else {
                none += 1;
            }
            let committed = replica.commit(&scene.workspace, &[write("after")], NOW);
            // Who founded it says who may write.
            assert_eq!(committed.is_ok(), held[0] > Seq::ZERO, "{what}: {committed:?}");
            replica.flush(NOW).unwrap();
            let again = mended(&disk);
            assert_eq!((again.damaged.len(), again.missing), (0, done.missing), "{what}");
        }
    }
    assert!(losses > 20 && none > 20, "{losses} {none}");
}

/// The entry in the middle is lost. It comes back from a peer, and what lay behind it from what was put aside.
#[test]
fn what_lay_behind_the_damage_follows_once_the_rest_is_back() {
    let scene = Scene::new();
    let path = scene.path(2);
    let at = scene.rig.disk.read_file(&path).unwrap().len() / 2;
    let disk = (0..at).map(|back| scene.damaged(&path, at + back)).find(|disk| {
        let held = scene.held(&open(&disk.snapshot(2)).unwrap().0);
        held[0] < scene.ends[0]
    });
    let disk = disk.unwrap();
    // What a peer would give: the unit as it was before the damage.
    let lost = scene.rig.replica.log_tail(&scene.workspace, 2).unwrap().remove(0);
    let missing = mended(&disk).missing[&scene.workspace];
    assert_eq!(missing, 2, "the one that was lost, and the one behind it");
    let mut rig = Rig::new();
    rig.disk = disk;
    rig.reopen();
    let mut own = crate::peer::Peer::connect(&mut rig, crate::writer::key(other(0)).id(), &[scene.workspace]);
    let bytes = lost.chain().encode(verso_wire::CompressionLevel::RECORD);
    own.give(&mut rig, scene.workspace, &bytes.into());
    assert_eq!(rig.replica.held(&scene.workspace).unwrap().get(&scene.author), Seq(scene.ends[0].0 - 1));
    let Rig { replica, disk, .. } = rig;
    replica.close().unwrap();
    assert_eq!(mended(&disk), Mended::default());
    let replica = reopened(&disk);
    assert_eq!(scene.held(&replica), scene.ends);
    assert!(disk.list("logs").unwrap().iter().all(|name| name.len() == 16), "nothing is put aside any more");
}

#[test]
fn trust_is_unconfirmed_once_the_control_log_has_lost_something() {
    let scene = Scene::new();
    let path = scene.rig.replica.segment_path(&WorkspaceId::CONTROL, 1).unwrap();
    let (mut lost, len) = (0, scene.rig.disk.read_file(&path).unwrap().len());
    for at in (1_024..len).step_by(11) {
        let disk = scene.damaged(&path, at);
        let done = mended(&disk);
        let replica = reopened(&disk);
        if done.missing.contains_key(&WorkspaceId::CONTROL) {
            lost += 1;
            assert_ne!(replica.author(), scene.author);
            assert_eq!(replica.unconfirmed().count(), replica.trust().peers().count(), "at {at}");
        } else {
            assert_eq!(replica.unconfirmed().count(), 0, "at {at}");
        }
    }
    assert!(lost > 10, "{lost}");
}

#[test]
fn the_power_may_go_at_any_moment_of_it() {
    let scene = Scene::new();
    let path = scene.path(2);
    let len = scene.rig.disk.read_file(&path).unwrap().len();
    let damaged = (len / 2..len).map(|at| scene.damaged(&path, at)).find(|disk| {
        open(&disk.snapshot(2)).unwrap().0.held(&scene.workspace).unwrap().get(&scene.author) < scene.ends[0]
    });
    let damaged = damaged.unwrap();
    let probe = damaged.snapshot(3);
    let whole = mended(&probe);
    let expected = scene.held(&reopened(&probe));
    for at in 0..probe.operations() {
        for fails in [MemoryStorage::fail_after, MemoryStorage::crash_after] {
            let disk = damaged.snapshot(at);
            fails(&disk, at);
            drop(mend(&disk, &my_key(), MendScope::All));
            disk.clear_faults();
            let disk = disk.crash(at);
            // Opened as it is: it never goes on with numbers that it has lost.
            let (mut replica, _) = open(&disk.snapshot(4)).unwrap();
            if replica.commit(&scene.workspace, &[write("after")], NOW).is_ok() {
                assert_ne!(replica.author(), scene.author, "at {at}");
            }
            assert_eq!(mended(&disk).missing, whole.missing, "at {at}");
            assert_eq!(scene.held(&reopened(&disk)), expected, "at {at}");
        }
    }
}

/// Two logs are damaged, and one is asked for.
#[test]
fn one_is_mended_and_the_other_left_as_it_is() {
    let mut scene = Scene::new();
    let second = scene.rig.replica.found_workspace("Cooking", NOW).unwrap();
    for text in ["salt", "pepper"] {
        scene.rig.replica.commit(&second, &[write(text)], NOW).unwrap();
        scene.rig.replica.flush(NOW).unwrap();
        scene.rig.reopen();
    }
    let disk = scene.rig.disk.snapshot(1);
    for workspace in [scene.workspace, second] {
        disk.flip(&scene.rig.replica.segment_path(&workspace, 1).unwrap(), 1_060, 4);
    }
    let dir = |workspace| scene.rig.replica.segment_path(workspace, 1).unwrap().rsplit_once('/').unwrap().0.to_owned();
    let left: Vec<_> = disk.files().into_iter().filter(|path| path.starts_with(&dir(&scene.workspace))).collect();
    let before: Vec<_> = left.iter().map(|path| disk.read_file(path)).collect();
    let only = mend(&disk, &my_key(), MendScope::Only(second)).unwrap();
    assert_eq!((only.damaged.iter().copied().collect::<Vec<_>>(), only.lost.len()), (vec![second], 1));
    assert_eq!(left.iter().map(|path| disk.read_file(path)).collect::<Vec<_>>(), before);
    let rest = mended(&disk);
    assert_eq!(rest.damaged.iter().copied().collect::<Vec<_>>(), [scene.workspace]);
    assert_eq!(rest.missing.len(), 2, "what was put aside before is tried again");
    // Not even that when one is asked for.
    assert!(mend(&disk, &my_key(), MendScope::Only(second)).unwrap().missing.keys().eq([&second]));
}
