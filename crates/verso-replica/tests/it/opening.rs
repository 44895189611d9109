//! Opening a device from whatever its disk holds.

use verso_replica::{LocalStateError, OpenError};
use verso_trust::PeerRole;

use crate::notes::write;
use crate::peer::Peer;
use crate::rig::{NOW, Rig, TestReplica, open, other};
use crate::writer::{Writer, key};

/// The directories of logs, without the control log's.
fn workspace_logs(rig: &Rig) -> Vec<String> {
    let control = {
        // It was made first, and nothing else was there then.
        let fresh = Rig::new();
        fresh.disk.files().into_iter().find(|path| path.starts_with("logs/")).unwrap()
    };
    let control = control.rsplit_once('/').unwrap().0.to_owned();
    let mut logs: Vec<String> =
        rig.disk.files().into_iter().filter(|path| path.starts_with("logs/") && !path.starts_with(&control)).collect();
    logs.sort();
    logs
}

#[test]
fn a_clean_close_leaves_the_same_device() {
    let (mut rig, workspace) = Rig::with_workspace();
    rig.meet(other(0), PeerRole::Own, &[workspace]);
    let (author, before) = (rig.replica.author(), rig.replica.entries(&workspace));
    let disk = rig.disk.clone();
    rig.replica.close().unwrap();
    let (replica, notices) = open(&disk).unwrap();
    assert_eq!((replica.author(), replica.entries(&workspace), replica.name()), (author, before, "laptop"));
    assert!(!notices.local_state_lost && notices.logs.is_empty());
    assert_eq!(replica.peers().count(), 1);
}

#[test]
fn what_was_not_flushed_is_made_durable_by_a_close() {
    let (mut rig, workspace) = Rig::with_workspace();
    rig.replica.commit(&workspace, &[write("two")], NOW).unwrap();
    let disk = rig.disk.clone();
    rig.replica.close().unwrap();
    let (replica, _) = open(&disk.crash(4)).unwrap();
    assert_eq!(replica.application(&workspace).unwrap().texts(), ["Reading", "one", "two"]);
}

#[test]
fn a_local_state_that_is_damaged_starts_a_new_incarnation() {
    let (mut rig, workspace) = Rig::with_workspace();
    let before = rig.replica.author();
    rig.disk.flip("state/local", 70, 1);
    let notices = rig.reopen();
    assert!(notices.local_state_lost);
    assert_ne!(rig.replica.author(), before);
    assert_eq!(rig.replica.name(), "laptop", "it keeps its name");
    assert!(rig.disk.read_file("state/local.damaged").is_some(), "what was there is put aside");
    rig.replica.commit(&workspace, &[write("two")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    let author = rig.replica.author();
    assert!(!rig.reopen().local_state_lost, "told once");
    assert_eq!(rig.replica.author(), author);
    assert_eq!(rig.texts(&workspace), ["Reading", "one", "two"]);
}

#[test]
fn a_local_state_that_is_gone_is_told_as_well() {
    let (rig, _workspace) = Rig::with_workspace();
    let before = rig.replica.author();
    let disk = rig.disk.clone();
    verso_log::Storage::remove(&disk, "state/local").unwrap();
    let (replica, notices) = open(&disk).unwrap();
    assert!(notices.local_state_lost);
    assert_ne!(replica.author(), before);
}

/// The wrong key opens nothing, and destroys nothing.
#[test]
fn the_wrong_key_changes_nothing() {
    let (mut rig, workspace) = Rig::with_workspace();
    rig.meet(other(0), PeerRole::Own, &[workspace]);
    let before = rig.replica.author();
    let files = |rig: &Rig| rig.disk.files().into_iter().map(|path| rig.disk.read_file(&path)).collect::<Vec<_>>();
    let bytes = files(&rig);
    let outcome = TestReplica::open(rig.disk.clone(), key(other(3)), "thief", NOW);
    assert!(matches!(outcome, Err(OpenError::WrongKey)));
    assert_eq!(files(&rig), bytes);
    assert!(!rig.reopen().local_state_lost);
    assert_eq!(rig.replica.author(), before);
    assert!(rig.replica.secret(&key(other(0)).id(), NOW).is_some(), "what was agreed at pairing is still there");
}

#[test]
fn a_local_state_from_a_newer_version_is_left_alone() {
    let (rig, _workspace) = Rig::with_workspace();
    let mut bytes = rig.disk.read_file("state/local").unwrap();
    bytes[8] = 9;
    let end = bytes.len() - 8;
    let check = blake3::hash(&bytes[..end]);
    bytes[end..].copy_from_slice(&check.as_bytes()[..8]);
    rig.disk.write_file("state/local", &bytes);
    let outcome = open(&rig.disk);
    assert!(matches!(outcome, Err(OpenError::Local(LocalStateError::Newer))));
    assert_eq!(rig.disk.read_file("state/local").unwrap(), bytes);
}

#[test]
fn a_log_whose_making_was_cut_short_is_cleared_away() {
    let (mut rig, workspace) = Rig::with_workspace();
    verso_log::Storage::create_dir(&rig.disk, "logs/0123456789abcdef").unwrap();
    rig.disk.write_file("logs/0123456789abcdef/00000001.seg.new", b"begun");
    rig.reopen();
    assert_eq!(rig.texts(&workspace), ["Reading", "one"]);
    assert!(verso_log::Storage::list(&rig.disk, "logs").unwrap().len() == 2);
}

#[test]
fn what_is_not_ours_in_the_directory_of_logs_is_left_alone() {
    let (mut rig, workspace) = Rig::with_workspace();
    rig.disk.write_file("logs/.DS_Store", b"not a log");
    verso_log::Storage::create_dir(&rig.disk, "logs/holiday pictures").unwrap();
    rig.reopen();
    assert_eq!(rig.texts(&workspace), ["Reading", "one"]);
    assert!(verso_log::Storage::list(&rig.disk, "logs").unwrap().contains(&"holiday pictures".to_owned()));
}

#[test]
fn a_workspace_that_was_adopted_and_brought_nothing_is_dropped_until_it_is_offered_again() {
    let mut rig = Rig::new();
    let device = key(other(0)).id();
    let workspace = verso_identity::WorkspaceId::found(&device, &[3; 16]);
    rig.meet(other(0), PeerRole::Own, &[workspace]);
    assert_eq!(rig.replica.workspaces().count(), 1);
    rig.reopen();
    assert_eq!(rig.replica.workspaces().count(), 0);
    Peer::connect(&mut rig, device, &[workspace]);
    assert_eq!(rig.replica.workspaces().count(), 1);
}

/// A log whose first record is damaged holds nothing without a gap. That is no reason to remove it.
#[test]
fn a_damaged_log_is_never_taken_for_an_empty_one() {
    let (mut rig, workspace) = Rig::with_workspace();
    for text in ["two", "three", "four"] {
        rig.replica.commit(&workspace, &[write(text)], NOW).unwrap();
        rig.replica.flush(NOW).unwrap();
    }
    let logs = workspace_logs(&rig);
    let before = rig.disk.read_file(&logs[0]).unwrap();
    for offset in (0..before.len().min(1400)).step_by(7) {
        let disk = rig.disk.snapshot(1);
        disk.flip(&logs[0], offset, 0x10);
        let opened = open(&disk).is_ok();
        let left = disk.read_file(&logs[0]).map_or(0, |bytes| bytes.len());
        assert!(left > 1400, "byte {offset}: {left} bytes are left, opened: {opened}");
    }
}

/// Damage costs what it touches: the rest of the workspace can be read, the others written.
/// Of a workspace whose first batch is all there is, a flipped bit leaves what a founding that was cut short leaves. It is told nevertheless.
#[test]
fn a_workspace_that_is_gone_with_its_first_batch_is_told() {
    let mut rig = Rig::new();
    let workspace = rig.replica.found_workspace("Reading", NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    let [segment] = &workspace_logs(&rig)[..] else { panic!("one log") };
    let disk = rig.disk.crash(1);
    disk.flip(segment, 1100, 1);
    let (replica, notices) = open(&disk).unwrap();
    assert_eq!(replica.workspaces().count(), 0);
    let [(told, report)] = &notices.logs[..] else { panic!("{notices:?}") };
    assert!(*told == workspace && report.torn.is_some());
    drop(replica);
    assert!(open(&disk).unwrap().1.logs.is_empty(), "once");
}

#[test]
fn a_damaged_record_leaves_the_rest_readable() {
    let (mut rig, workspace) = Rig::with_workspace();
    let mut own = rig.meet(other(0), PeerRole::Own, &[workspace]);
    let mut writer = Writer::new(other(0), 1, workspace);
    let elsewhere = rig.replica.found_workspace("Elsewhere", NOW).unwrap();
    let long = "two ".repeat(100);
    rig.replica.commit(&workspace, &[write(&long)], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    rig.replica.commit(&workspace, &[write("three")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    let unit = writer.texts(&["theirs"]);
    own.give(&mut rig, workspace, &unit);
    let disk = rig.disk.clone();
    let logs = workspace_logs(&rig);
    rig.replica.close().unwrap();

    let mut shown = Vec::new();
    let len = disk.read_file(&logs[0]).unwrap().len().max(disk.read_file(&logs[1]).unwrap().len());
    for segment in &logs {
        for offset in (0..len).step_by(61) {
            if offset >= disk.read_file(segment).unwrap().len() {
                continue;
            }
            let damaged = disk.snapshot(1);
            damaged.flip(segment, offset, 1);
            let (mut replica, notices) = match open(&damaged) {
                Ok(opened) => opened,
                Err(OpenError::Journal(error)) => {
                    // Nothing of that log can be read, which is told; to go on without it would be to write its chain anew.
                    assert!(error.to_string().contains("can't be opened"), "{error}");
                    continue;
                }
                Err(error) => panic!("byte {offset} of {segment}: {error:?}"),
            };
            let texts: Vec<String> =
                replica.application(&workspace).unwrap().texts().iter().map(|text| (*text).to_owned()).collect();
            let is_written = replica.commit(&workspace, &[write("more")], NOW).is_ok();
            let loses = notices.logs.iter().any(|(id, report)| *id == workspace && report.loses_records());
            assert_eq!(is_written, !loses, "byte {offset} of {segment}");
            if loses {
                replica.commit(&elsewhere, &[write("goes on")], NOW).unwrap();
            }
            replica.flush(NOW).unwrap();
            shown.push(texts.len());
        }
    }
    assert!(shown.contains(&5), "some damage loses nothing: {shown:?}");
    assert!(shown.iter().any(|count| (1..5).contains(count)), "some damage loses something, not all: {shown:?}");
}
