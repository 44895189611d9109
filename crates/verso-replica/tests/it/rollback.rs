//! A device that was rolled back, restored or cloned: it never uses a number twice once it can know.

use verso_identity::WorkspaceId;
use verso_replica::Event;
use verso_trust::PeerRole;
use verso_vv::Seq;
use verso_wire::{EntryKind, Message, Seal};

use crate::notes::{TEXT, write};
use crate::peer::Peer;
use crate::rig::{NOW, Rig, my_key, other};
use crate::writer::{Writer, encode};

/// What this device's chain in the workspace would look like if it had gone on from `rig`'s state: its own key seals it.
fn future(rig: &Rig, workspace: WorkspaceId) -> Writer {
    let mut writer = Writer::of(my_key(), rig.replica.author().incarnation, workspace);
    writer.head = rig.replica.head(&workspace, &rig.replica.author()).unwrap();
    writer
}

fn rolled_back(rig: &Rig) -> bool {
    rig.events.iter().any(|event| matches!(event, Event::RolledBack { .. }))
}

/// Shows the replica a seal of its own chain, as a vector does.
fn show(rig: &mut Rig, workspace: WorkspaceId, seal: Seal) -> Peer {
    let device = rig.pair(other(0), PeerRole::Own);
    let mut peer = Peer::connect_silently(rig, device, &[workspace]);
    rig.replica.flush(NOW).unwrap();
    peer.listen(rig);
    let digest = verso_wire::HeldDigest([0; 32]);
    peer.say_in(rig, workspace, Message::Hello { digest });
    peer.say_in(rig, workspace, Message::Vector { entries: Vec::new(), seal: Some(seal) });
    rig.replica.flush(NOW).unwrap();
    peer.listen(rig);
    peer
}

#[test]
fn a_seal_beyond_what_is_remembered_starts_a_new_incarnation_at_once() {
    let (mut rig, workspace) = Rig::with_workspace();
    let before = rig.replica.author();
    let mut future = future(&rig, workspace);
    future.texts(&["forgotten"]);
    show(&mut rig, workspace, future.seal_of_head());
    assert!(rolled_back(&rig));
    assert_ne!(rig.replica.author(), before);
    assert_eq!(rig.replica.name(), "laptop");
    let (now, last) = (rig.replica.author(), rig.replica.held(&workspace).unwrap().get(&before));
    rig.crash(1);
    assert_eq!(rig.replica.author(), now, "durable before anything is written under it");
    rig.replica.commit(&workspace, &[write("two")], NOW).unwrap();
    assert_eq!(rig.replica.held(&workspace).unwrap().get(&before), last);
}

#[test]
fn a_claim_that_doesn_t_verify_is_worth_nothing() {
    let (mut rig, workspace) = Rig::with_workspace();
    let before = rig.replica.author();
    let mut future = future(&rig, workspace);
    future.texts(&["never written"]);
    let mut forged = future.seal_of_head();
    forged.head.seq = Seq(forged.head.seq.0 + 5);
    show(&mut rig, workspace, forged);
    assert_eq!(rig.replica.author(), before);
}

#[test]
fn a_seal_of_what_is_remembered_says_nothing() {
    let (mut rig, workspace) = Rig::with_workspace();
    let before = rig.replica.author();
    let seal = future(&rig, workspace).seal_of_head();
    show(&mut rig, workspace, seal);
    assert_eq!(rig.replica.author(), before);
    assert!(!rolled_back(&rig));
}

/// A clone wrote something else under a number that this device has used: whoever learns of the other moves on.
#[test]
fn a_seal_over_other_entries_than_its_own_starts_a_new_incarnation() {
    let (mut rig, workspace) = Rig::with_workspace();
    let before = rig.replica.author();
    let mut clone = future(&rig, workspace);
    rig.replica.commit(&workspace, &[write("mine"), write("mine, too")], NOW).unwrap();
    clone.texts(&["the clone's"]);
    show(&mut rig, workspace, clone.seal_of_head());
    assert_ne!(rig.replica.author(), before);
}

#[test]
fn own_entries_that_come_from_elsewhere_start_a_new_incarnation() {
    let (mut rig, workspace) = Rig::with_workspace();
    let before = rig.replica.author();
    let mut own = rig.meet(other(0), PeerRole::Own, &[workspace]);
    let mut future = future(&rig, workspace);
    let forgotten = future.texts(&["forgotten"]);
    // Nothing showed a seal before, and still it is noticed, before anything is written.
    own.give(&mut rig, workspace, &forgotten);
    assert!(rolled_back(&rig));
    assert_ne!(rig.replica.author(), before);
    assert_eq!(
        rig.replica.held(&workspace).unwrap().get(&before),
        future.last(),
        "the old tail comes like any other's"
    );
    assert!(rig.texts(&workspace).contains(&"forgotten"));
    rig.replica.commit(&workspace, &[write("two")], NOW).unwrap();
    assert_eq!(rig.replica.held(&workspace).unwrap().get(&before), future.last());
    rig.assert_rebuilds_after_flush();
}

#[test]
fn a_unit_of_a_clone_starts_a_new_incarnation_and_is_told_as_a_fork() {
    let (mut rig, workspace) = Rig::with_workspace();
    let before = rig.replica.author();
    let mut clone = future(&rig, workspace);
    rig.replica.commit(&workspace, &[write("mine")], NOW).unwrap();
    let unit = encode(&clone.seal(&[(TEXT, b"the clone's".to_vec()), (EntryKind(1), b"too".to_vec())]));
    let mut own = rig.meet(other(0), PeerRole::Own, &[workspace]);
    own.give(&mut rig, workspace, &unit);
    assert_ne!(rig.replica.author(), before);
    assert!(crate::peer::stops(&rig.events).contains(&verso_wire::Reason::Fork));
}

/// The new incarnation can't be stored: until it can, nothing is written, under the old one or under the new.
#[test]
fn nothing_is_written_until_the_new_incarnation_is_durable() {
    for after in 0..7 {
        let (mut rig, workspace) = Rig::with_workspace();
        let before = rig.replica.author();
        let own = rig.meet(other(0), PeerRole::Own, &[workspace]);
        let mut future = future(&rig, workspace);
        let forgotten = future.texts(&["forgotten"]);
        rig.disk.crash_after(after);
        own.send(&mut rig, workspace, &forgotten);
        let written = rig.replica.commit(&workspace, &[write("two")], NOW).is_ok() && rig.replica.flush(NOW).is_ok();
        let author = rig.replica.author();
        rig.crash(after);
        let held = rig.replica.held(&workspace).unwrap().clone();
        assert!(held.get(&before) <= future.last());
        if written {
            assert_ne!(author, before);
            assert_eq!(rig.replica.author(), author);
        }
        // Whatever came of it: what is written next takes no number that was ever given.
        let mut own = Peer::connect(&mut rig, own.device, &[workspace]);
        own.give(&mut rig, workspace, &forgotten);
        rig.replica.commit(&workspace, &[write("three")], NOW).unwrap();
        rig.replica.flush(NOW).unwrap();
        assert_eq!(rig.replica.held(&workspace).unwrap().get(&before), future.last(), "after {after}");
        assert!(
            crate::peer::stops(&rig.events).iter().all(|reason| *reason != verso_wire::Reason::Fork),
            "after {after}"
        );
    }
}
