//! What is kept of contacts, by peer and workspace, for whoever asks when nothing runs.

use verso_identity::WorkspaceId;
use verso_replica::{Contact, Now, WorkspaceContact};
use verso_trust::PeerRole;
use verso_vv::Seq;
use verso_wire::limits::IN_FLIGHT;
use verso_wire::{Message, Reason};

use crate::notes::write;
use crate::peer::{Peer, stops};
use crate::rig::{NOW, Rig, open, other};

const HOUR_MS: u64 = 3_600_000;

const fn later(hours: u64) -> Now {
    Now { wall_ms: NOW.wall_ms + hours * HOUR_MS, monotonic_ms: NOW.monotonic_ms + hours * HOUR_MS }
}

fn contact(rig: &Rig) -> Contact {
    rig.replica.peers().next().unwrap().contact
}

fn in_workspace(rig: &Rig, workspace: &WorkspaceId) -> WorkspaceContact {
    contact(rig).workspaces.get(workspace).cloned().unwrap_or_default()
}

/// Two workspaces that are level with a device, which then declines what is written in the first.
fn declined() -> (Rig, [WorkspaceId; 2], Peer) {
    let (mut rig, first) = Rig::with_workspace();
    let second = rig.replica.found_workspace("Later", NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    let mut own = rig.meet(other(0), PeerRole::Own, &[first, second]);
    own.listen(&mut rig);
    rig.replica.commit(&first, &[write("two")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    own.listen(&mut rig);
    let author = rig.replica.held(&first).unwrap().iter().next().unwrap().0;
    let (from, reason) = (Seq(1), Reason::ReadOnly);
    own.say_in(&mut rig, first, Message::Decline { author, from, reason });
    own.listen(&mut rig);
    assert_eq!(stops(&rig.events), [reason]);
    (rig, [first, second], own)
}

#[test]
fn what_stops_one_workspace_is_kept_of_that_one_and_told_when_nothing_runs() {
    let (mut rig, [first, second], own) = declined();
    for is_reopened in [false, true] {
        if is_reopened {
            rig.replica.flush(NOW).unwrap();
            rig.disk = rig.disk.crash(3);
            rig.reopen();
        }
        assert_eq!(in_workspace(&rig, &first).reason, Some(("read-only".to_owned(), NOW.wall_ms)));
        assert_eq!(in_workspace(&rig, &second).reason, None);
        assert_eq!(contact(&rig).reason, None, "the peer itself is in order");
    }
    // That it can't be reached meanwhile says nothing of what comes once it can.
    rig.replica.note_reason(own.device, Some(Reason::Unreachable), later(1));
    assert_eq!(in_workspace(&rig, &first).reason, Some(("read-only".to_owned(), NOW.wall_ms)));
    let mut again = Peer::connect(&mut rig, own.device, &[first, second]);
    rig.replica.flush(NOW).unwrap();
    again.listen(&mut rig);
    assert_eq!((contact(&rig).reason, in_workspace(&rig, &first).reason), (None, None), "now both take all");
}

/// What was in the way of all workspaces is over, and what is in the way of one is not.
#[test]
fn a_contact_that_leaves_one_workspace_stopped_clears_what_stopped_all() {
    let (mut rig, [first, second], mut own) = declined();
    rig.replica.note_reason(own.device, Some(Reason::Unreachable), NOW);
    rig.replica.commit(&second, &[write("more")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    own.listen(&mut rig);
    let (author, seq) = rig.replica.held(&second).unwrap().iter().next().unwrap();
    own.say_in(&mut rig, second, Message::Ack { held: vec![(author, seq)], credit: IN_FLIGHT });
    own.listen(&mut rig);
    assert_eq!(contact(&rig).reason, None);
    assert_eq!(in_workspace(&rig, &first).reason.unwrap().0, "read-only");
}

/// A connection of hours was a contact to its end, of what was level then.
#[test]
fn the_last_contact_is_when_it_ended_and_not_when_it_began() {
    let (mut rig, [first, second], own) = declined();
    assert_eq!(in_workspace(&rig, &second).level_ms, Some(NOW.wall_ms));
    // What is written now reaches nobody, since nobody acknowledges it.
    rig.replica.commit(&second, &[write("three")], later(1)).unwrap();
    rig.replica.flush(later(1)).unwrap();
    rig.replica.tick(later(5));
    let kept = contact(&rig);
    assert_eq!(kept.last_seen_ms, Some(later(5).wall_ms));
    assert_eq!(kept.workspaces[&second].level_ms, Some(NOW.wall_ms), "not since");
    assert_eq!(kept.workspaces[&first].level_ms, Some(later(5).wall_ms), "in all that it takes");
    rig.replica.disconnected(own.connection);
    rig.replica.tick(later(6));
    rig.replica.flush(later(6)).unwrap();
    let (again, _notices) = open(&rig.disk.crash(4)).unwrap();
    assert_eq!(again.peers().next().unwrap().contact, kept);
}

/// A disk that is full keeps nobody from what needs no room, least of all for the sake of when somebody was met.
#[test]
fn that_a_contact_can_t_be_noted_fails_nothing_and_is_tried_again() {
    let (mut rig, _workspaces, own) = declined();
    rig.replica.flush(NOW).unwrap();
    rig.replica.tick(later(3));
    rig.replica.disconnected(own.connection);
    rig.replica.tick(later(4));
    assert!(rig.replica.needs_flush());
    rig.disk.fail_after(0);
    rig.replica.flush(later(4)).unwrap();
    let kept = |rig: &Rig| open(&rig.disk.snapshot(5)).unwrap().0.peers().next().unwrap().contact.last_seen_ms;
    assert_eq!(kept(&rig), Some(NOW.wall_ms), "the disk has failed");
    assert!(!rig.replica.needs_flush(), "nothing waits for it");
    rig.replica.tick(later(5));
    rig.replica.flush(later(5)).unwrap();
    assert_eq!(kept(&rig), Some(later(3).wall_ms));
}

#[test]
fn a_stop_while_connected_keeps_when_that_was() {
    let (mut rig, _workspaces, _own) = declined();
    rig.replica.tick(later(2));
    let disk = rig.disk.clone();
    rig.replica.close().unwrap();
    let (again, _notices) = open(&disk).unwrap();
    assert_eq!(again.peers().next().unwrap().contact.last_seen_ms, Some(later(2).wall_ms));
}

/// Nobody fills the state with workspaces that are not here.
#[test]
fn of_workspaces_that_are_not_here_nothing_is_kept() {
    let (mut rig, [first, second], own) = declined();
    for number in 0..100 {
        own.say_in(&mut rig, WorkspaceId::from_bytes([number; 16]), Message::Open { workspace: WorkspaceId::CONTROL });
    }
    assert!(contact(&rig).workspaces.keys().all(|workspace| [first, second].contains(workspace)));
}
