//! What is offered, to whom, and what is adopted.

use verso_identity::WorkspaceId;
use verso_trust::{Access, PeerRole};
use verso_wire::{Offered, WireAccess};

use crate::notes::write;
use crate::peer::{Closed, Peer};
use crate::rig::{NOW, Rig, let_in, other};
use crate::writer::{Writer, key};

#[test]
fn an_own_device_is_offered_everything_and_a_friend_what_it_was_granted() {
    let (mut rig, workspace) = Rig::with_workspace();
    let elsewhere = rig.replica.found_workspace("Elsewhere", NOW).unwrap();
    let mut own = rig.meet(other(0), PeerRole::Own, &[workspace]);
    let access = WireAccess::ReadWrite;
    let all = [(workspace, "Reading"), (elsewhere, "Elsewhere")];
    for (workspace, name) in all {
        assert_eq!(own.offered[&workspace], Offered { workspace, name: name.to_owned(), access });
    }
    let friend = rig.meet(other(1), PeerRole::Friend, &[workspace]);
    assert!(friend.offered.is_empty(), "a friend can't learn that a workspace exists");
    rig.replica.disconnected(friend.connection);
    let mut writer = Writer::new(other(0), 1, workspace);
    let_in(&mut rig, &mut own, &mut writer, friend.device, Access::ReadOnly);
    let friend = Peer::connect(&mut rig, friend.device, &[workspace]);
    let offered = Offered { workspace, name: "Reading".to_owned(), access: WireAccess::ReadOnly };
    assert_eq!(friend.offered.values().collect::<Vec<_>>(), [&offered]);
}

#[test]
fn a_workspace_founded_while_connected_is_offered_at_once() {
    let mut rig = Rig::new();
    let mut own = rig.meet(other(0), PeerRole::Own, &[]);
    let workspace = rig.replica.found_workspace("New", NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    own.listen(&mut rig);
    assert_eq!(own.offered[&workspace].name, "New");
}

#[test]
fn a_new_name_is_offered_too() {
    let mut rig = Rig::new();
    let mut own = rig.meet(other(0), PeerRole::Own, &[]);
    let nonce = [3; 16];
    let workspace = WorkspaceId::found(&own.device, &nonce);
    own.offer(&mut rig, &[workspace]);
    own.listen(&mut rig);
    assert_eq!(own.offered[&workspace].name, "", "adopted, and nobody knows its name yet");
    let mut writer = Writer::new(other(0), 1, workspace);
    let found = verso_trust::MembershipEvent::new(verso_vv::Seen::default(), verso_trust::Found { nonce });
    let unit = writer.member(&found);
    own.give(&mut rig, workspace, &unit);
    let unit = writer.texts(&["Their name"]);
    own.give(&mut rig, workspace, &unit);
    assert_eq!(own.offered[&workspace].name, "Their name");
}

#[test]
fn a_friend_s_offer_waits_for_the_person() {
    let mut rig = Rig::new();
    let workspace = WorkspaceId::found(&key(other(0)).id(), &[3; 16]);
    rig.meet(other(0), PeerRole::Friend, &[workspace]);
    assert_eq!(rig.replica.workspaces().count(), 0);
}

#[test]
fn more_workspaces_than_an_offer_holds_are_no_reason_to_offer_none() {
    let mut rig = Rig::new();
    for number in 0..260 {
        rig.replica.found_workspace(&format!("workspace {number}"), NOW).unwrap();
    }
    rig.replica.flush(NOW).unwrap();
    let own = rig.meet(other(0), PeerRole::Own, &[]);
    assert_eq!(own.offered.len(), 256);
    assert_eq!(own.closed, Closed::Not);
}

#[test]
fn a_long_name_is_cut_at_a_character() {
    let mut rig = Rig::new();
    let workspace = rig.replica.found_workspace(&"ä".repeat(400), NOW).unwrap();
    rig.replica.commit(&workspace, &[write("one")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    let own = rig.meet(other(0), PeerRole::Own, &[]);
    assert_eq!(own.offered[&workspace].name, "ä".repeat(128));
}

/// A device of one's own that went mad offers without end: it fills no disk, and pushes out nothing that has something in it.
#[test]
fn offers_of_nothing_are_adopted_within_a_bound() {
    let (mut rig, workspace) = Rig::with_workspace();
    let own = rig.meet(other(0), PeerRole::Own, &[]);
    let invented = |number: u16| {
        let [high, low] = number.to_be_bytes();
        WorkspaceId::from_bytes([0, high, low, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    };
    let mut before: Vec<WorkspaceId> = Vec::new();
    for batch in 0..3 {
        let batch: Vec<WorkspaceId> = (0..150).map(|number| invented(batch * 150 + number)).collect();
        let add = batch.iter().map(|workspace| crate::peer::offered(*workspace)).collect();
        own.say(&mut rig, verso_wire::Message::Offer { add, remove: std::mem::replace(&mut before, batch) });
        rig.replica.flush(NOW).unwrap();
    }
    assert_eq!(rig.replica.workspaces().count(), 257);
    let second = rig.meet(other(1), PeerRole::Own, &[]);
    assert!(second.offered.contains_key(&workspace));
}
