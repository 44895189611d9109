//! What is held and not applied, and how it comes to be applied, or no longer is.

use verso_trust::{Access, Cut, Keep, MembershipEvent, PeerRole, Revoke, Run, Standing, Vouch};
use verso_vv::{AuthorTag, Seen, SeenItem, Seq};
use verso_wire::EntryKind;

use crate::notes::TEXT;
use crate::rig::{let_in, other, with_own};
use crate::writer::{Writer, encode};

fn saw(writer: &Writer) -> Seen {
    let item = SeenItem { author: AuthorTag::of(&writer.author), seq: writer.last(), tag: writer.head.hash.tag() };
    Seen::new([item])
}

fn cut(writer: &Writer, at: &verso_wire::ChainHead) -> Cut {
    Cut { author: writer.author, seq: at.seq, hash: at.hash, seal: Vec::new() }
}

#[test]
fn an_own_device_brings_what_nobody_vouched_for_yet() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let mut guest = Writer::new(other(2), 1, workspace);
    let units = [guest.texts(&["hello"]), guest.texts(&["world"])];
    for unit in &units {
        own.give(&mut rig, workspace, unit);
    }
    assert_eq!(own.acked(workspace, guest.author), Seq(2), "held is held");
    assert_eq!(rig.texts(&workspace), ["Reading", "one"]);
    assert_eq!(rig.replica.entries(&workspace), Some((6, 4)), "two are held and not applied");
    rig.assert_rebuilds();
    let_in(&mut rig, &mut own, &mut writer, guest.device(), Access::ReadWrite);
    assert_eq!(rig.texts(&workspace), ["Reading", "hello", "one", "world"]);
    rig.assert_rebuilds();
    rig.reopen();
    assert_eq!(rig.texts(&workspace), ["Reading", "hello", "one", "world"]);
}

#[test]
fn what_lies_past_a_cut_disappears_and_comes_back_when_kept() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let mut guest = Writer::new(other(2), 1, workspace);
    let_in(&mut rig, &mut own, &mut writer, guest.device(), Access::ReadWrite);
    let unit = guest.texts(&["kept"]);
    own.give(&mut rig, workspace, &unit);
    let last_good = guest.head;
    let unit = guest.texts(&["cut", "too"]);
    own.give(&mut rig, workspace, &unit);
    assert_eq!(rig.texts(&workspace), ["Reading", "cut", "kept", "one", "too"]);

    let revoke = Revoke { device: guest.device(), cuts: vec![cut(&guest, &last_good)], keeps: None };
    let unit = writer.member(&MembershipEvent::new(saw(&writer), revoke));
    own.give(&mut rig, workspace, &unit);
    assert_eq!(rig.texts(&workspace), ["Reading", "kept", "one"]);
    assert!(rig.events.iter().any(|event| matches!(event, verso_replica::Event::Rebuilt { .. })));
    rig.assert_rebuilds();

    let run = Run { author: guest.author, first: Seq(2), last: Seq(2), hash: last_good.hash };
    let unit = writer.member(&MembershipEvent::new(saw(&writer), Keep { run }));
    own.give(&mut rig, workspace, &unit);
    assert_eq!(rig.texts(&workspace), ["Reading", "cut", "kept", "one"]);
    rig.assert_rebuilds();
}

/// An owner's unit lets through, by its own event, entries of the same chain that lie before it: they come first, and none is forgotten.
#[test]
fn a_unit_that_lets_through_what_lies_before_it_in_its_own_chain() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let mut second = Writer::new(other(1), 1, workspace);
    let grant = Vouch { device: second.device(), access: Access::ReadWrite, standing: Standing::CoOwner };
    let unit = writer.member(&MembershipEvent::new(saw(&writer), grant.clone()));
    own.give(&mut rig, workspace, &unit);
    let unit = second.texts(&["before"]);
    own.give(&mut rig, workspace, &unit);
    let good = second.head;
    let unit = second.texts(&["between", "and between"]);
    own.give(&mut rig, workspace, &unit);
    let revoke = Revoke { device: second.device(), cuts: vec![cut(&second, &good)], keeps: None };
    let unit = writer.member(&MembershipEvent::new(saw(&writer), revoke));
    own.give(&mut rig, workspace, &unit);
    assert_eq!(rig.texts(&workspace), ["Reading", "before", "one"]);
    let unit = writer.member(&MembershipEvent::new(saw(&writer), grant));
    own.give(&mut rig, workspace, &unit);
    // It has seen that it is an owner again, keeps what was cut of its own, and goes on.
    let run = Run { author: second.author, first: Seq(2), last: Seq(3), hash: second.head.hash };
    let keep = MembershipEvent::new(saw(&writer), Keep { run });
    let unit = second.seal(&[(EntryKind(keep.kind()), keep.encode().unwrap()), (TEXT, b"after".to_vec())]);
    own.give(&mut rig, workspace, &encode(&unit));
    assert_eq!(rig.texts(&workspace), ["Reading", "after", "and between", "before", "between", "one"]);
    rig.assert_rebuilds();
}

/// What the replica vouches says which membership it has seen, not which entries it has applied: so it counts after a removal.
#[test]
fn a_vouch_after_a_removal_counts_and_is_not_repeated() {
    let (mut rig, workspace, _own, writer) = with_own();
    let mut second = Writer::new(other(1), 1, workspace);
    let mut second_peer = rig.meet(other(1), PeerRole::Own, &[workspace]);
    let revoke = MembershipEvent::new(
        Seen::default(),
        Revoke { device: writer.device(), cuts: Vec::new(), keeps: Some(Access::ReadOnly) },
    );
    let unit = second.seal(&[(EntryKind(revoke.kind()), revoke.encode().unwrap()), (TEXT, b"and a text".to_vec())]);
    let held = rig.replica.entries(&workspace).unwrap().0;
    second_peer.give(&mut rig, workspace, &encode(&unit));
    // The person's device is to have the workspace, so this one vouches for it again.
    assert_eq!(rig.replica.entries(&workspace).unwrap().0, held + 3);
    let_in(&mut rig, &mut second_peer, &mut second, crate::writer::key(other(2)).id(), Access::ReadOnly);
    assert_eq!(rig.replica.entries(&workspace).unwrap().0, held + 4, "once");
    rig.reopen();
    assert_eq!(rig.replica.entries(&workspace).unwrap().0, held + 4, "also after a restart");
}
