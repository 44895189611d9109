//! The high-water mark: a disk that was put back is noticed before anything is written, and one that lost only what was never durable is
//! not taken for such.

use proptest::prelude::*;
use verso_identity::WorkspaceId;
use verso_log::{MemoryStorage, Storage as _};
use verso_replica::{Effect, Event, HighWater, HighWaterError, OpenNotices};
use verso_vv::Seq;

use crate::notes::write;
use crate::rig::{NOW, Rig, TestReplica, my_key, open_marked};

fn commit(rig: &mut Rig, workspace: WorkspaceId, text: &str) {
    rig.replica.commit(&workspace, &[write(text)], NOW).unwrap();
}

/// Keeps the mark as a key store does: as bytes.
pub(crate) fn kept(replica: &TestReplica) -> HighWater {
    HighWater::decode(&replica.high_water().encode().unwrap()).unwrap()
}

fn told(replica: &mut TestReplica) -> bool {
    let mut told = false;
    while let Some(effect) = replica.poll() {
        told |= matches!(effect, Effect::Event(Event::RolledBack { .. }));
    }
    told
}

/// The device goes on as a new author, durably, told so once, and nothing was written under the old one.
fn assert_moved_on(disk: &MemoryStorage, mark: &HighWater) {
    let (mut replica, notices) = open_marked(disk, mark);
    assert!(notices.rolled_back.is_some());
    assert!(told(&mut replica), "the host is told as well");
    let author = replica.author();
    assert_ne!(author.incarnation, mark.incarnation());
    let workspaces: Vec<_> = replica.workspaces().collect();
    for workspace in workspaces {
        replica.commit(&workspace, &[write("after")], NOW).unwrap();
        replica.flush(NOW).unwrap();
        assert_ne!(replica.head(&workspace, &author).unwrap().seq, Seq::ZERO);
    }
    // The next start is an ordinary one, with the old mark, if the new one could not be kept, as with the new.
    let new = kept(&replica);
    drop(replica);
    for mark in [mark, &new] {
        let (replica, notices) = open_marked(&disk.crash(3), mark);
        assert_eq!((notices.rolled_back, replica.author()), (None, author));
    }
}

fn assert_same_author(disk: &MemoryStorage, mark: &HighWater) -> OpenNotices {
    let (mut replica, notices) = open_marked(disk, mark);
    assert_eq!(notices.rolled_back, None);
    assert!(!told(&mut replica));
    assert_eq!(replica.author().incarnation, mark.incarnation());
    notices
}

#[test]
fn a_disk_that_was_put_back_is_noticed() {
    let (mut rig, workspace) = Rig::with_workspace();
    let image = rig.disk.snapshot(5);
    assert_same_author(&image, &kept(&rig.replica));
    commit(&mut rig, workspace, "two");
    rig.replica.flush(NOW).unwrap();
    let mark = kept(&rig.replica);
    assert_same_author(&rig.disk.snapshot(5), &mark);
    assert_moved_on(&image, &mark);
}

#[test]
fn so_is_one_from_before_the_workspace_and_an_empty_one() {
    let rig = Rig::new();
    let image = rig.disk.snapshot(5);
    let mut rig = rig;
    rig.replica.found_workspace("Reading", NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    assert_moved_on(&image, &kept(&rig.replica));
    assert_moved_on(&MemoryStorage::new(7), &kept(&rig.replica));
}

#[test]
fn a_workspace_s_log_that_is_gone_is_noticed() {
    let (rig, workspace) = Rig::with_workspace();
    let mark = kept(&rig.replica);
    let disk = rig.disk.snapshot(5);
    let logs = disk.list("logs").unwrap();
    let without = |name: &String| {
        let disk = rig.disk.snapshot(5);
        verso_log::SyncLog::remove(&disk, &format!("logs/{name}")).unwrap();
        disk
    };
    // One of the two is the control log; whichever it is, it is missed.
    assert_eq!((logs.len(), mark.heads().count()), (2, 2));
    for name in &logs {
        let (replica, notices) = open_marked(&without(name), &mark);
        assert!(notices.rolled_back == Some(workspace) || notices.control_log_lost);
        assert_ne!(replica.author().incarnation, mark.incarnation());
    }
}

/// The mark speaks of a later life than the image knows.
#[test]
fn an_image_of_an_earlier_incarnation_is_noticed_and_a_later_one_is_not() {
    let (mut rig, workspace) = Rig::with_workspace();
    let (image, early) = (rig.disk.snapshot(5), kept(&rig.replica));
    commit(&mut rig, workspace, "two");
    rig.replica.flush(NOW).unwrap();
    let (replica, notices) = open_marked(&image, &kept(&rig.replica));
    assert!(notices.rolled_back.is_some());
    let late = kept(&replica);
    assert_ne!(late.incarnation(), early.incarnation());
    drop(replica);
    // The change to the new incarnation is on the disk, and a power cut came before its mark was kept.
    let (again, notices) = open_marked(&image.crash(1), &early);
    assert_eq!((notices.rolled_back, again.author().incarnation), (None, late.incarnation()));
    assert_moved_on(&rig.disk.snapshot(6), &late);
    // One that has left some incarnation knows nothing of what came later elsewhere.
    let (elsewhere, _notices) = open_marked(&rig.disk.snapshot(8), &late);
    assert_moved_on(&image.snapshot(9), &kept(&elsewhere));
}

/// What was never durable is in no mark, so its loss is none.
#[test]
fn a_torn_off_tail_is_not_taken_for_a_rollback() {
    for seed in 0..40 {
        let (mut rig, workspace) = Rig::with_workspace();
        for text in ["two", "three"] {
            commit(&mut rig, workspace, text);
            let mark = kept(&rig.replica);
            assert_same_author(&rig.disk.crash(seed), &mark);
        }
        // The power goes off while all of it is made durable, at any moment.
        rig.disk.crash_after(seed % 8);
        let flushed = rig.replica.flush(NOW);
        let mark = kept(&rig.replica);
        assert_same_author(&rig.disk.crash(seed), &mark);
        drop(flushed);
    }
}

#[test]
fn it_names_what_was_written_last_and_fits_a_key_store() {
    let mut rig = Rig::new();
    let mut workspaces = Vec::new();
    for number in 0..45 {
        workspaces.push(rig.replica.found_workspace(&format!("{number}"), NOW).unwrap());
        rig.replica.flush(NOW).unwrap();
    }
    let mark = kept(&rig.replica);
    assert!(mark.encode().unwrap().len() <= verso_identity::MAX_MARK_LEN);
    let named: Vec<_> = mark.heads().map(|(workspace, _)| workspace).collect();
    assert_eq!(named.len(), 40);
    assert_eq!(named[0], workspaces[44]);
    // After a start the order is the same, and who writes comes first.
    let (mut replica, notices) = open_marked(&rig.disk, &mark);
    assert_eq!(notices.rolled_back, None);
    assert_eq!(*replica.high_water(), mark);
    replica.commit(&workspaces[0], &[write("again")], NOW).unwrap();
    assert_eq!(*replica.high_water(), mark, "nothing of it is durable");
    replica.flush(NOW).unwrap();
    assert_eq!(replica.high_water().heads().next().unwrap().0, workspaces[0]);
}

#[test]
fn the_bytes_are_the_documented_ones() {
    let (rig, _workspace) = Rig::with_workspace();
    let bytes = rig.replica.high_water().encode().unwrap();
    assert_eq!(bytes[0], 1);
    assert_eq!(HighWater::decode(&bytes).unwrap(), *rig.replica.high_water());
    for len in 0..bytes.len() {
        assert_eq!(HighWater::decode(&bytes[..len]), Err(HighWaterError));
    }
    assert_eq!(HighWater::decode(&[bytes.as_slice(), &[0]].concat()), Err(HighWaterError));
    assert_eq!(rig.replica.device(), my_key().id());
}

proptest! {
    #[test]
    fn any_bytes_are_one_mark_or_none(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let bytes = [&[1], bytes.as_slice()].concat();
        if let Ok(mark) = HighWater::decode(&bytes) {
            prop_assert_eq!(mark.encode().unwrap(), bytes);
        }
    }
}
