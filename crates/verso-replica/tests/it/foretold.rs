//! Forks are shown to whom they concern, and cost whoever they don't next to nothing: nobody can stop a sync with forks of chains that nobody holds.

use verso_identity::WorkspaceId;
use verso_replica::Event;
use verso_trust::{Access, PeerRole};
use verso_vv::{Author, Seq};
use verso_wire::{ChainHead, ForkProof, Message, VerifiedUnit};

use crate::peer::{Closed, Peer};
use crate::rig::{NOW, Rig, let_in, other, with_own};
use crate::writer::{Writer, encode, key, text};

/// More forks than the proofs of which a peer could afford if each cost as much as one that changes something.
const MANY: u64 = 400;

/// The fork of a chain of which nobody holds anything.
fn invented(number: u64, workspace: WorkspaceId) -> ForkProof {
    let mut left = Writer::new(other(5), number, workspace);
    let mut right = left.twin();
    ForkProof::between(&text(&mut left, "left"), &text(&mut right, "right")).unwrap()
}

/// Two histories of one chain, of one entry in common and two each.
fn histories(writer: &mut Writer) -> (VerifiedUnit, [VerifiedUnit; 2], [VerifiedUnit; 2]) {
    let common = text(writer, "common");
    let mut twin = writer.twin();
    let left = [text(writer, "left"), text(writer, "more left")];
    let right = [text(&mut twin, "right"), text(&mut twin, "more right")];
    (common, left, right)
}

fn name(rig: &Rig, unit: &VerifiedUnit) -> Author {
    rig.replica.author_of(unit.workspace(), &unit.head()).unwrap()
}

fn heads(rig: &Rig, workspace: WorkspaceId) -> Vec<(Author, ChainHead)> {
    let held = rig.replica.held(&workspace).unwrap();
    held.iter().map(|(author, _)| (author, rig.replica.head(&workspace, &author).unwrap())).collect()
}

fn forked(rig: &Rig) -> usize {
    rig.events.iter().filter(|event| matches!(event, Event::Forked { .. })).count()
}

/// A device that knows both histories of another's chain.
fn with_fork() -> (Rig, WorkspaceId, Peer, Writer, [VerifiedUnit; 2]) {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let (common, left, right) = histories(&mut writer);
    own.give(&mut rig, workspace, &encode(&common));
    own.give(&mut rig, workspace, &encode(&left[0]));
    own.give(&mut rig, workspace, &encode(&right[0]));
    own = Peer::connect(&mut rig, own.device, &[workspace]);
    own.give(&mut rig, workspace, &encode(&right[0]));
    assert_eq!(rig.replica.forks(&workspace).len(), 1);
    let [_, left] = left;
    let [_, right] = right;
    (rig, workspace, own, writer, [left, right])
}

#[test]
fn forks_of_chains_that_nobody_holds_stop_nothing() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    for number in 0..MANY {
        own.say_in(&mut rig, workspace, Message::Proof(invented(number, workspace)));
        rig.replica.flush(NOW).unwrap();
    }
    own.give(&mut rig, workspace, &encode(&text(&mut writer, "two")));
    assert_eq!(own.closed, Closed::Not, "what changes nothing ends nothing");
    assert_eq!(own.acked(workspace, writer.author), writer.last());
    assert!(rig.replica.forks(&workspace).is_empty(), "and it is not kept for good");
    // Nor is any of it passed on.
    let tablet = rig.pair(other(1), PeerRole::Own);
    let mut tablet = Peer::connect_silently(&mut rig, tablet, &[workspace]);
    tablet.hold(&mut rig, workspace, &[]);
    assert_eq!(tablet.proofs, []);
    assert_eq!(tablet.units.len(), 2);
    rig.crash(3);
    assert!(rig.replica.forks(&workspace).is_empty());
}

/// What is known costs little, however often it is shown.
#[test]
fn a_known_fork_is_shown_as_often_as_anybody_likes() {
    let (mut rig, workspace, mut own, _writer, _) = with_fork();
    let mut tablet = Peer::connect_silently(&mut rig, own.device, &[workspace]);
    tablet.hold(&mut rig, workspace, &[]);
    let [(0, proof)] = &tablet.proofs[..] else { panic!("{:?}", tablet.proofs) };
    own = Peer::connect(&mut rig, own.device, &[workspace]);
    for _ in 0..MANY {
        own.say_in(&mut rig, workspace, Message::Proof(proof.clone()));
    }
    rig.replica.flush(NOW).unwrap();
    own.listen(&mut rig);
    assert_eq!(own.closed, Closed::Not);
}

/// A proof comes before the entries that it is about: these have their names at once, and no session ends.
#[test]
fn what_a_fork_was_foretold_of_has_its_name_at_once() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let (common, left, right) = histories(&mut writer);
    let proof = ForkProof::between(&left[0], &right[0]).unwrap();
    own.give(&mut rig, workspace, &encode(&common));
    own.say_in(&mut rig, workspace, Message::Proof(proof.clone()));
    rig.replica.flush(NOW).unwrap();
    assert_eq!((forked(&rig), rig.replica.forks(&workspace).len()), (0, 0));
    own.give(&mut rig, workspace, &encode(&left[0]));
    assert_eq!((forked(&rig), rig.replica.forks(&workspace).len()), (1, 1));
    own.give(&mut rig, workspace, &encode(&right[0]));
    assert_eq!(own.closed, Closed::Not);
    let names = [name(&rig, &left[0]), name(&rig, &right[0])];
    let mut branches = proof.branches().unwrap().map(|branch| branch.author(&writer.author));
    branches.sort();
    let mut sorted = names;
    sorted.sort();
    assert_eq!(sorted, branches);
    assert_eq!(names.map(|name| own.acked(workspace, name)), [Seq(2); 2]);
    assert_eq!(rig.replica.held(&workspace).unwrap().get(&writer.author), Seq(1), "what is before the fork stays");
    for unit in left.iter().chain(&right).skip(1) {
        own.give(&mut rig, workspace, &encode(unit));
    }
    assert_eq!(rig.texts(&workspace), ["Reading", "common", "left", "more left", "more right", "one", "right"]);
    rig.assert_rebuilds();
    rig.crash(4);
    assert_eq!([name(&rig, &left[1]), name(&rig, &right[1])], names, "the proof is kept");
}

/// A branch goes on from an entry of another author's: once that has come, nothing is missing any more.
#[test]
fn a_branch_that_came_before_its_trunk_is_taken_when_it_comes_again() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let (common, left, right) = histories(&mut writer);
    let proof = ForkProof::between(&left[0], &right[0]).unwrap();
    let branch = proof.branches().unwrap().into_iter().find(|branch| branch.hash == left[0].head().hash).unwrap();
    let left = encode(&left[0].clone().onto_branch(branch).unwrap());
    own.say_in(&mut rig, workspace, Message::Proof(proof));
    own.give(&mut rig, workspace, &left);
    let name = branch.author(&writer.author);
    assert_eq!(own.declined, [(workspace, name, Seq(2), verso_wire::Reason::Gap)]);
    // What is on its way until the peer has heard that is not answered anew.
    own.give(&mut rig, workspace, &left);
    assert_eq!(own.declined.len(), 1);
    own.give(&mut rig, workspace, &encode(&common));
    own.give(&mut rig, workspace, &left);
    assert_eq!(own.acked(workspace, name), Seq(2));
}

/// One peer foretells it and another brings the entries, by the name that it knows.
#[test]
fn whoever_brings_what_a_fork_was_foretold_of_is_shown_it() {
    let (mut rig, workspace, own, mut writer) = with_own();
    let mut tablet = rig.meet(other(1), PeerRole::Own, &[workspace]);
    let (common, left, right) = histories(&mut writer);
    let proof = ForkProof::between(&left[0], &right[0]).unwrap();
    own.say_in(&mut rig, workspace, Message::Proof(proof.clone()));
    tablet.give(&mut rig, workspace, &encode(&common));
    assert_eq!(tablet.proofs, []);
    tablet.give(&mut rig, workspace, &encode(&left[0]));
    assert_ne!(name(&rig, &left[0]), writer.author);
    assert_eq!(tablet.proofs, [(0, proof)]);
    tablet.give(&mut rig, workspace, &encode(&left[1]));
    assert_eq!(tablet.proofs.len(), 1, "once");
}

/// Digests that agree show nothing of a fork behind which the peer holds nothing. It waits for its own name to be acknowledged, if nobody tells it.
#[test]
fn whoever_goes_by_an_old_name_is_shown_the_fork() {
    let (mut rig, workspace, own, _writer, [left, _]) = with_fork();
    rig.replica.disconnected(own.connection);
    let mut own = Peer::connect(&mut rig, own.device, &[workspace]);
    assert_eq!(own.proofs, []);
    own.give(&mut rig, workspace, &encode(&left));
    assert_eq!(own.proofs.len(), 1);
    // What is held already tells the same.
    rig.replica.disconnected(own.connection);
    let mut own = Peer::connect(&mut rig, own.device, &[workspace]);
    own.give(&mut rig, workspace, &encode(&left));
    assert_eq!(own.proofs.len(), 1);
}

/// Nor does the one that gets the entries on the way know by what name they come.
#[test]
fn a_fork_goes_before_the_entries_behind_it() {
    let (mut rig, workspace, own, _writer, [left, right]) = with_fork();
    let mut tablet = rig.meet(other(1), PeerRole::Own, &[workspace]);
    tablet.units.clear();
    for unit in [&left, &right] {
        own.send(&mut rig, workspace, &encode(unit));
        rig.replica.flush(NOW).unwrap();
    }
    tablet.listen(&mut rig);
    let shown: Vec<usize> = tablet.proofs.iter().map(|(before, _)| *before).collect();
    assert_eq!((shown, tablet.units.len()), (vec![0], 2));
}

/// So it is while digests cross: they may agree, and then no vector shows what is due.
#[test]
fn a_fork_goes_before_the_entries_behind_it_also_while_digests_cross() {
    let (mut rig, workspace, own, _writer, [left, _]) = with_fork();
    let tablet = rig.pair(other(1), PeerRole::Own);
    let mut tablet = Peer::connect_silently(&mut rig, tablet, &[workspace]);
    let digest = tablet.hellos[&workspace];
    own.send(&mut rig, workspace, &encode(&left));
    rig.replica.flush(NOW).unwrap();
    tablet.say_in(&mut rig, workspace, Message::Hello { digest });
    tablet.listen(&mut rig);
    let shown: Vec<usize> = tablet.proofs.iter().map(|(before, _)| *before).collect();
    assert_eq!((shown, tablet.units.len()), (vec![0], 1));
}

/// A vector shows that a peer knows the fork, by either branch, and that it doesn't, by neither.
#[test]
fn a_vector_shows_whether_a_fork_is_due() {
    let (mut rig, workspace, own, writer, [left, right]) = with_fork();
    own.send(&mut rig, workspace, &encode(&right));
    rig.replica.flush(NOW).unwrap();
    let all = heads(&rig, workspace);
    let right = name(&rig, &right);
    let old = (writer.author, ChainHead { seq: Seq(2), hash: *left.prev_hash() });
    let only_right: Vec<_> = all.iter().copied().filter(|(author, _)| *author == right).collect();
    for (held, due) in [(vec![], 1), (vec![old], 1), (only_right, 0)] {
        let mut peer = Peer::connect_silently(&mut rig, own.device, &[workspace]);
        peer.hold(&mut rig, workspace, &held);
        assert_eq!(peer.proofs.len(), due, "{held:?}");
    }
}

/// There is no end to the forks that a peer can tell of. What there was no room for it tells again, once it concerns what is held.
#[test]
fn a_fork_that_had_no_room_is_shown_again() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let (common, left, right) = histories(&mut writer);
    let proof = ForkProof::between(&left[0], &right[0]).unwrap();
    own.give(&mut rig, workspace, &encode(&common));
    for number in 0..4_096 {
        own.say_in(&mut rig, workspace, Message::Proof(invented(number, workspace)));
    }
    own.say_in(&mut rig, workspace, Message::Proof(proof.clone()));
    let branch = proof.branches().unwrap().into_iter().find(|branch| branch.hash == left[0].head().hash).unwrap();
    let renamed = left[0].clone().onto_branch(branch).unwrap();
    own.give(&mut rig, workspace, &encode(&renamed));
    assert_eq!(name(&rig, &left[0]), writer.author);
    assert_eq!(own.closed, Closed::For(verso_wire::Reason::Fork), "so that the next contact shows that it is due");
    own = Peer::connect(&mut rig, own.device, &[workspace]);
    own.say_in(&mut rig, workspace, Message::Proof(proof));
    rig.replica.flush(NOW).unwrap();
    assert_eq!(name(&rig, &left[0]), branch.author(&writer.author));
    // On a connection on which all had room, a label is as good as any other.
    let (mut rig, workspace, mut own, _writer) = with_own();
    own.give(&mut rig, workspace, &encode(&common));
    own.give(&mut rig, workspace, &encode(&renamed));
    assert_eq!(own.closed, Closed::Not);
}

/// The forks that there is room for on one connection take none from another.
#[test]
fn who_tells_of_many_forks_takes_no_room_from_others() {
    let (mut rig, workspace, own, mut writer) = with_own();
    let mut tablet = rig.meet(other(1), PeerRole::Own, &[workspace]);
    for number in 0..4_096 {
        own.say_in(&mut rig, workspace, Message::Proof(invented(number, workspace)));
    }
    let (common, left, right) = histories(&mut writer);
    tablet.say_in(&mut rig, workspace, Message::Proof(ForkProof::between(&left[0], &right[0]).unwrap()));
    tablet.give(&mut rig, workspace, &encode(&common));
    tablet.give(&mut rig, workspace, &encode(&left[0]));
    assert_ne!(name(&rig, &left[0]), writer.author);
}

/// A fork that was proven is not enough: what is behind it is taken from whom it is taken otherwise.
#[test]
fn a_fork_lets_nobody_in() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let friend = rig.pair(other(1), PeerRole::Friend);
    let_in(&mut rig, &mut own, &mut writer, friend, Access::ReadWrite);
    let mut friend = Peer::connect(&mut rig, friend, &[workspace]);
    let mut stranger = Writer::of(key(other(3)), verso_vv::Incarnation(1), workspace);
    let (common, left, right) = histories(&mut stranger);
    friend.say_in(&mut rig, workspace, Message::Proof(ForkProof::between(&left[0], &right[0]).unwrap()));
    for unit in [&common, &left[0]] {
        friend.give(&mut rig, workspace, &encode(unit));
    }
    assert_eq!(friend.declined.len(), 1);
    assert!(rig.replica.forks(&workspace).is_empty());
}
