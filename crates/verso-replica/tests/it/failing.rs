//! Disks that fail under a running device: nothing that isn't durable is acknowledged, sent, or counted as done, ever.

use verso_replica::{Event, FlushError};
use verso_vv::Seq;
use verso_wire::Reason;

use crate::notes::{Intent, write};
use crate::peer::{Closed, Peer, stops};
use crate::rig::{NOW, Rig, other, with_own};

fn used(rig: &Rig) -> u64 {
    let len = |path: &String| rig.disk.read_file(path).map_or(0, |bytes| bytes.len());
    rig.disk.files().iter().map(len).sum::<usize>().try_into().unwrap()
}

fn large() -> Vec<Intent> {
    // Noise, which doesn't compress.
    let text = |at: u64| {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&at.to_le_bytes());
        let mut noise = vec![0; 3000];
        hasher.finalize_xof().fill(&mut noise);
        write(&noise.iter().map(|byte| char::from(byte % 95 + 32)).collect::<String>())
    };
    (0..400).map(text).collect()
}

#[test]
fn a_full_disk_stops_with_its_reason_and_goes_on_when_there_is_room() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    rig.disk.set_capacity(used(&rig));
    let unit = writer.texts(&["two"]);
    own.send(&mut rig, workspace, &unit);
    // Some room was reserved ahead; it ends.
    let mut outcome = rig.replica.flush(NOW);
    while outcome.is_ok() {
        let unit =
            writer.seal(&[(crate::notes::TEXT, blake3::hash(&writer.last().0.to_le_bytes()).as_bytes().repeat(90))]);
        own.send(&mut rig, workspace, &crate::writer::encode(&unit));
        outcome = rig.replica.flush(NOW);
    }
    let error = outcome.unwrap_err();
    assert_eq!(error.reason(), Reason::DiskFull, "{error:?}");
    assert!(matches!(error, FlushError::Log { workspace: failed, .. } if failed == workspace));
    own.listen(&mut rig);
    assert_eq!(own.closed, Closed::For(Reason::DiskFull), "the peer is told");
    assert_eq!(stops(&rig.events), [Reason::DiskFull]);
    let acked = own.acked(workspace, writer.author);
    assert!(acked < writer.last());
    assert_eq!(rig.replica.failure(&workspace), Some(Reason::DiskFull));
    // What can't be written is refused, with the same reason, and every time.
    let refused = rig.replica.commit(&workspace, &[write("three")], NOW).unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::DiskFull));

    rig.disk.set_capacity(u64::MAX);
    assert!(rig.replica.recover(NOW).unwrap());
    assert_eq!(rig.replica.failure(&workspace), None);
    assert!(rig.replica.held(&workspace).unwrap().get(&writer.author) >= acked, "what was acknowledged is there");
    rig.assert_rebuilds();
    rig.replica.commit(&workspace, &[write("three")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    assert!(rig.texts(&workspace).contains(&"three"));
}

/// A commit that failed is never sent, whatever is flushed later.
#[test]
fn what_failed_to_become_durable_is_never_sent() {
    let (mut rig, workspace, own, _writer) = with_own();
    drop(own);
    let elsewhere = rig.replica.found_workspace("Elsewhere", NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    rig.replica.commit(&workspace, &[write("lost")], NOW).unwrap();
    rig.disk.fail_after(0);
    assert!(rig.replica.flush(NOW).is_err());
    let mut again = Peer::connect(&mut rig, crate::writer::key(other(0)).id(), &[workspace, elsewhere]);
    rig.replica.commit(&elsewhere, &[write("kept")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    again.listen(&mut rig);
    assert!(again.units.iter().any(|(sent, _)| *sent == elsewhere), "the other workspace goes on");
    assert!(again.units.iter().all(|(sent, _)| *sent != workspace), "what is not durable goes nowhere");
    assert_eq!(again.closed, Closed::Not);
}

/// The batch of several units fails half-way: once the log is opened again, the state shows exactly what the disk holds.
#[test]
fn a_commit_that_fails_half_way_is_not_shown_after_recovery() {
    for after in 0..4 {
        let (mut rig, workspace) = Rig::with_workspace();
        rig.disk.fail_after(after);
        let committed = rig.replica.commit(&workspace, &large(), NOW).is_ok();
        let flushed = rig.replica.flush(NOW).is_ok();
        if committed && flushed {
            continue;
        }
        rig.disk.clear_faults();
        assert!(rig.replica.recover(NOW).unwrap(), "after {after}");
        rig.assert_rebuilds();
        rig.replica.commit(&workspace, &[write("after")], NOW).unwrap();
        rig.replica.flush(NOW).unwrap();
        rig.crash(5);
        assert!(rig.texts(&workspace).contains(&"after"), "after {after}");
    }
}

/// Of two workspaces one fails: what the other received is durable, and its host is told so.
#[test]
fn the_failure_of_one_log_costs_no_other() {
    let (mut rig, workspace, own, mut writer) = with_own();
    let elsewhere = rig.replica.found_workspace("Elsewhere", NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    let unit = writer.texts(&["two"]);
    own.send(&mut rig, workspace, &unit);
    rig.replica.commit(&elsewhere, &[write("three")], NOW).unwrap();
    rig.events.clear();
    // The logs are synced in the order of their ids; the first of them fails.
    let (first, second) = if workspace < elsewhere { (workspace, elsewhere) } else { (elsewhere, workspace) };
    rig.disk.fail_after(0);
    let error = rig.replica.flush(NOW).unwrap_err();
    assert!(matches!(error, FlushError::Log { workspace: failed, .. } if failed == first));
    let mut own = own;
    own.listen(&mut rig);
    let told = rig.events.iter().any(|event| matches!(event, Event::RemoteDelta { .. }));
    assert_eq!(told, second == workspace);
    assert_eq!(rig.replica.failure(&second), None);
    rig.disk = rig.disk.crash(2);
    rig.reopen();
    if second == elsewhere {
        assert!(rig.texts(&elsewhere).contains(&"three"));
    } else {
        assert_eq!(rig.replica.held(&workspace).unwrap().get(&writer.author), Seq(1));
    }
}

#[test]
fn a_local_state_that_can_t_be_written_is_told_and_tried_again() {
    let (mut rig, _workspace, own, _writer) = with_own();
    rig.replica.note_reason(own.device, Some(Reason::Unreachable), NOW);
    rig.disk.fail_after(0);
    assert!(matches!(rig.replica.flush(NOW), Err(FlushError::Local(_))));
    assert!(rig.replica.needs_flush());
    rig.replica.flush(NOW).unwrap();
    assert!(!rig.replica.needs_flush());
}

/// Opened again before anybody was told, a failed log would count as whole, and what it lost as done.
#[test]
fn a_failed_log_is_not_opened_again_before_its_failure_was_told() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let unit = writer.texts(&["two"]);
    own.send(&mut rig, workspace, &unit);
    rig.replica.commit(&workspace, &[write("three")], NOW).unwrap();
    rig.disk.fail_after(0);
    assert!(rig.replica.commit(&workspace, &large(), NOW).is_err());
    assert!(!rig.replica.recover(NOW).unwrap());
    assert!(rig.replica.flush(NOW).is_err());
    own.listen(&mut rig);
    assert_eq!(own.acked(workspace, writer.author), Seq::ZERO);
    assert!(own.units.iter().all(|(sent, _)| *sent != workspace));
    assert!(rig.replica.recover(NOW).unwrap());
    // What had been written of it may be there, what had not is not.
    assert!(rig.texts(&workspace).len() < 400);
    rig.assert_rebuilds();
}

/// A peer may meet this device between a commit and its flush: what it is told is held is durable, too.
#[test]
fn what_a_peer_is_told_is_held_survives_a_power_cut() {
    let (mut rig, workspace, own, _writer) = with_own();
    rig.replica.disconnected(own.connection);
    rig.replica.commit(&workspace, &[write("two")], NOW).unwrap();
    let again = Peer::connect(&mut rig, own.device, &[workspace]);
    rig.crash(6);
    let held = rig.replica.held(&workspace).unwrap();
    let heads = held.iter().map(|(author, _)| (author, rig.replica.head(&workspace, &author).unwrap()));
    assert_eq!(again.hellos[&workspace], verso_wire::HeldDigest::of(heads));
}

#[test]
fn a_contact_that_says_nothing_new_writes_nothing() {
    let (mut rig, workspace, own, _writer) = with_own();
    rig.replica.disconnected(own.connection);
    let before = rig.disk.operations();
    Peer::connect(&mut rig, own.device, &[workspace]);
    rig.replica.flush(NOW).unwrap();
    assert_eq!(rig.disk.operations(), before);
    rig.replica.tick(NOW);
    rig.replica.flush(NOW).unwrap();
    rig.reopen();
    assert_eq!(rig.replica.peers().next().unwrap().contact.last_seen_ms, Some(NOW.wall_ms));
}
