//! Chains of which two histories come: each becomes a branch, and all that was written is there, whoever learns of it how and when.

use proptest::prelude::*;
use verso_identity::WorkspaceId;
use verso_log::Storage as _;
use verso_replica::Event;
use verso_trust::{Access, Cut, MembershipEvent, PeerRole, Revoke};
use verso_vv::{Author, AuthorTag, Incarnation, Seen, SeenItem, Seq};
use verso_wire::{ChainHead, ForkProof, Message, Reason, VerifiedUnit};

use crate::notes::{TEXT, write};
use crate::peer::{Closed, Peer, stops};
use crate::rig::{NOW, Rig, let_in, my_key, other, with_own};
use crate::writer::{Writer, encode, text};

/// What the branch is called that begins with this unit.
fn branch(rig: &Rig, unit: &VerifiedUnit) -> Author {
    let first = ChainHead { seq: unit.first_seq(), hash: unit.hashes()[0] };
    rig.replica.author_of(unit.workspace(), &first).unwrap()
}

fn held(rig: &Rig, workspace: WorkspaceId, author: &Author) -> Seq {
    rig.replica.held(&workspace).unwrap().get(author)
}

/// Meets again whoever was left because of a fork.
fn meet_again(rig: &mut Rig, peer: &mut Peer, workspace: WorkspaceId) {
    assert_eq!(peer.closed, Closed::For(Reason::Fork));
    *peer = Peer::connect(rig, peer.device, &[workspace]);
}

#[test]
fn two_histories_become_branches() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    own.give(&mut rig, workspace, &encode(&text(&mut writer, "two")));
    let mut twin = writer.twin();
    let (left, right) = (text(&mut writer, "left"), text(&mut twin, "right"));
    own.give(&mut rig, workspace, &encode(&left));
    own.give(&mut rig, workspace, &encode(&right));
    assert_eq!(stops(&rig.events), [Reason::Fork], "the person is told");
    let told = |event: &Event| matches!(event, Event::Forked { author, at: Seq(2), .. } if *author == writer.author);
    assert!(rig.events.iter().any(told));

    meet_again(&mut rig, &mut own, workspace);
    own.give(&mut rig, workspace, &encode(&right));
    assert_eq!(rig.texts(&workspace), ["Reading", "left", "one", "right", "two"]);
    let (left_branch, right_branch) = (branch(&rig, &left), branch(&rig, &right));
    assert_eq!(own.acked(workspace, right_branch), Seq(2));
    let mut branches = rig.replica.forks(&workspace)[0].branches;
    branches.sort();
    let mut names = [left_branch, right_branch];
    names.sort();
    assert_eq!(branches, names);
    assert_eq!(held(&rig, workspace, &writer.author), Seq(1), "what is before the fork stays");

    // Whoever has not heard of the fork goes on under the name that it knows, and is understood.
    own.give(&mut rig, workspace, &encode(&text(&mut writer, "more left")));
    own.give(&mut rig, workspace, &encode(&text(&mut twin, "more right")));
    assert_eq!((held(&rig, workspace, &left_branch), held(&rig, workspace, &right_branch)), (Seq(3), Seq(3)));
    assert_eq!(own.closed, Closed::Not);
    rig.assert_rebuilds();
    rig.crash(5);
    assert_eq!(held(&rig, workspace, &left_branch), Seq(3));
    assert_eq!(rig.replica.forks(&workspace).len(), 1);
}

#[test]
fn a_label_alone_makes_no_branch() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let first = text(&mut writer, "two");
    let second = text(&mut writer, "three");
    let branch = verso_wire::Branch { at: Seq(2), hash: second.hashes()[0] };
    own.give(&mut rig, workspace, &encode(&first));
    own.give(&mut rig, workspace, &encode(&second.onto_branch(branch).unwrap()));
    assert_eq!(own.acked(workspace, writer.author), Seq(2), "it is what its author wrote next");
    assert!(rig.replica.forks(&workspace).is_empty());
    rig.assert_rebuilds();
}

/// Digests suffice: of the other side not a word is known.
#[test]
fn a_proof_alone_gives_what_is_held_its_name() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    own.give(&mut rig, workspace, &encode(&text(&mut writer, "two")));
    let mut twin = writer.twin();
    let (left, right) = (text(&mut writer, "left"), text(&mut twin, "right"));
    own.give(&mut rig, workspace, &encode(&left));
    let proof = ForkProof::between(&left, &right).unwrap();
    own.say_in(&mut rig, workspace, Message::Proof(proof.clone()));
    rig.replica.flush(NOW).unwrap();
    own.listen(&mut rig);
    let name = branch(&rig, &left);
    assert_ne!(name, writer.author);
    assert!(proof.branches().unwrap().map(|branch| branch.author(&writer.author)).contains(&name));
    rig.crash(7);
    assert_eq!(branch(&rig, &left), name, "the proof is kept");

    // What it is told again changes nothing.
    own = Peer::connect(&mut rig, own.device, &[workspace]);
    own.say_in(&mut rig, workspace, Message::Proof(proof));
    rig.replica.flush(NOW).unwrap();
    own.listen(&mut rig);
    assert_eq!(own.closed, Closed::Not);
    own.give(&mut rig, workspace, &encode(&right));
    assert_eq!(rig.texts(&workspace), ["Reading", "left", "one", "right", "two"]);
    rig.assert_rebuilds();
}

#[test]
fn a_forged_proof_ends_the_session() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let mut twin = writer.twin();
    let (left, right) = (text(&mut writer, "left"), text(&mut twin, "right"));
    let mut proof = ForkProof::between(&left, &right).unwrap();
    proof.sides[0].signature = proof.sides[1].signature;
    own.say_in(&mut rig, workspace, Message::Proof(proof));
    rig.replica.flush(NOW).unwrap();
    own.listen(&mut rig);
    assert_eq!(own.closed, Closed::For(Reason::Malformed));
    assert!(rig.replica.forks(&workspace).is_empty());
}

/// What is remembered for good is not for a friend to choose.
#[test]
fn a_friend_proves_nothing_about_strangers() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let friend = rig.pair(other(1), PeerRole::Friend);
    let_in(&mut rig, &mut own, &mut writer, friend, Access::ReadWrite);
    let friend = Peer::connect(&mut rig, friend, &[workspace]);
    let mut stranger = Writer::new(other(2), 1, workspace);
    let mut twin = stranger.twin();
    let (left, right) = (text(&mut stranger, "left"), text(&mut twin, "right"));
    friend.say_in(&mut rig, workspace, Message::Proof(ForkProof::between(&left, &right).unwrap()));
    rig.replica.flush(NOW).unwrap();
    assert!(rig.replica.forks(&workspace).is_empty());
}

/// A copy of this device writes beside it: whoever learns of the other moves on.
#[test]
fn of_its_own_chain_it_goes_on_as_another() {
    let (mut rig, workspace, mut own, _writer) = with_own();
    let before = rig.replica.author();
    let mut twin = Writer::of(my_key(), before.incarnation, workspace);
    twin.head = rig.replica.head(&workspace, &before).unwrap();
    rig.replica.commit(&workspace, &[write("mine")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    let theirs = text(&mut twin, "theirs");
    own.give(&mut rig, workspace, &encode(&theirs));
    assert_ne!(rig.replica.author(), before);
    meet_again(&mut rig, &mut own, workspace);
    own.give(&mut rig, workspace, &encode(&theirs));
    rig.replica.commit(&workspace, &[write("mine again")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    assert_eq!(rig.texts(&workspace), ["Reading", "mine", "mine again", "one", "theirs"]);
    assert_eq!(rig.replica.forks(&workspace).len(), 1);
    let after = rig.replica.author();
    rig.crash(3);
    assert_eq!(rig.replica.author(), after);
    rig.assert_rebuilds();
}

/// Nobody needs to show it the other's entries: that there are some is enough.
#[test]
fn a_proof_about_its_own_chain_has_it_go_on_as_another() {
    let (mut rig, workspace, own, _writer) = with_own();
    let before = rig.replica.author();
    let mut twin = Writer::of(my_key(), before.incarnation, workspace);
    twin.head = rig.replica.head(&workspace, &before).unwrap();
    let mut third = twin.twin();
    let (left, right) = (text(&mut twin, "left"), text(&mut third, "right"));
    own.say_in(&mut rig, workspace, Message::Proof(ForkProof::between(&left, &right).unwrap()));
    assert_ne!(rig.replica.author(), before, "before anything can be written");
    rig.replica.commit(&workspace, &[write("mine")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    assert_eq!(rig.texts(&workspace), ["Reading", "mine", "one"]);
    rig.assert_rebuilds();
}

/// There is a limit to the forks of one device that are believed, and none to what it leaves.
#[test]
fn however_often_its_chains_were_forked_it_leaves_its_own() {
    let (mut rig, workspace, own, _writer) = with_own();
    let prove = |rig: &mut Rig, mut left: Writer| {
        let mut right = left.twin();
        let proof = ForkProof::between(&text(&mut left, "left"), &text(&mut right, "right")).unwrap();
        own.say_in(rig, workspace, Message::Proof(proof));
    };
    for incarnation in 1..=63 {
        prove(&mut rig, Writer::of(my_key(), Incarnation(incarnation), workspace));
    }
    let before = rig.replica.author();
    let mut twin = Writer::of(my_key(), before.incarnation, workspace);
    twin.head = rig.replica.head(&workspace, &before).unwrap();
    prove(&mut rig, twin);
    assert_ne!(rig.replica.author(), before);
    rig.replica.flush(NOW).unwrap();
    assert_eq!(rig.replica.forks(&workspace).len(), 63);
}

/// A cut from before the fork was known says which entry it means by its hash: that branch is let through up to there, and nothing of the other.
#[test]
fn a_cut_means_the_branch_that_it_named() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let mut guest = Writer::new(other(2), 1, workspace);
    let_in(&mut rig, &mut own, &mut writer, guest.device(), Access::ReadWrite);
    own.give(&mut rig, workspace, &encode(&text(&mut guest, "common")));
    let mut twin = guest.twin();
    let (left, right) = (text(&mut guest, "left"), text(&mut twin, "right"));
    own.give(&mut rig, workspace, &encode(&left));
    let cut = Cut { author: guest.author, seq: guest.last(), hash: guest.head.hash, seal: Vec::new() };
    let seen = SeenItem { author: AuthorTag::of(&writer.author), seq: writer.last(), tag: writer.head.hash.tag() };
    let revoke = Revoke { device: guest.device(), cuts: vec![cut], keeps: None };
    own.give(&mut rig, workspace, &writer.member(&MembershipEvent::new(Seen::new([seen]), revoke)));
    own.give(&mut rig, workspace, &encode(&right));
    meet_again(&mut rig, &mut own, workspace);
    own.give(&mut rig, workspace, &encode(&right));
    assert_eq!(held(&rig, workspace, &branch(&rig, &right)), Seq(2), "it is held, in quarantine");
    assert_eq!(rig.texts(&workspace), ["Reading", "common", "left", "one"]);
    rig.assert_rebuilds();
}

/// A history that parts again and again: each unit goes on from an earlier one.
fn histories(number: u8, workspace: WorkspaceId, from: &[(usize, usize)]) -> Vec<VerifiedUnit> {
    let mut writers = vec![Writer::new(number, 1, workspace)];
    let mut units = Vec::new();
    for (at, (parent, entries)) in from.iter().enumerate() {
        let mut writer = writers[parent % writers.len()].twin();
        let texts: Vec<_> = (0..*entries).map(|entry| (TEXT, format!("{at}.{entry}").into_bytes())).collect();
        units.push(writer.seal(&texts));
        writers.push(writer);
    }
    units
}

/// Brings units in some order until all are held, meeting again after each fork; compacts on the way.
fn bring(rig: &mut Rig, workspace: WorkspaceId, units: &[VerifiedUnit], order: &[usize]) {
    let mut own = rig.meet(other(0), PeerRole::Own, &[workspace]);
    let is_held = |rig: &Rig, unit: &VerifiedUnit| rig.replica.author_of(&workspace, &unit.head()).is_some();
    for round in 0..200 {
        let wanted = order.iter().map(|at| at % units.len()).chain(0..units.len());
        let mut missing: Vec<usize> = Vec::new();
        for at in wanted.filter(|at| !is_held(rig, &units[*at])) {
            if !missing.contains(&at) {
                missing.push(at);
            }
        }
        if missing.is_empty() {
            return;
        }
        let next = missing[round % missing.len()];
        own.give(rig, workspace, &encode(&units[next]));
        if own.closed != Closed::Not {
            meet_again(rig, &mut own, workspace);
        }
        // What was asked for from further back comes on another connection.
        if !own.declined.is_empty() {
            rig.replica.disconnected(own.connection);
            own = Peer::connect(rig, own.device, &[workspace]);
        }
        if round % 7 == 3 {
            rig.replica.compact(&workspace, |_| {}).unwrap();
        }
    }
    panic!("some units are never held");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What entries are called follows from what is held, and not from the order in which it came, nor from where it is stored.
    #[test]
    fn names_follow_from_what_is_held(
        from in prop::collection::vec((0..8_usize, 1..4_usize), 2..9),
        one in prop::collection::vec(0..8_usize, 0..12),
        other_order in prop::collection::vec(0..8_usize, 0..12),
    ) {
        let views: Vec<_> = [one, other_order].iter().map(|order| {
            let (mut rig, workspace) = Rig::with_workspace();
            let units = histories(other(0), workspace, &from);
            bring(&mut rig, workspace, &units, order);
            rig.assert_rebuilds();
            let view = |rig: &Rig| {
                let texts: Vec<String> = rig.texts(&workspace).into_iter().map(str::to_owned).collect();
                (rig.replica.held(&workspace), rig.replica.entries(&workspace), texts)
            };
            let before = view(&rig);
            rig.crash(11);
            assert_eq!(view(&rig), before, "a restart changes names");
            if rig.disk.files().iter().any(|path| path == "state/local.forks") {
                rig.disk.remove("state/local.forks").unwrap();
                rig.crash(12);
                assert_eq!(view(&rig), before, "the logs show forks of which they hold both sides");
            }
            before
        }).collect();
        prop_assert_eq!(&views[0], &views[1]);
    }
}
