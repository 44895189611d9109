//! What becomes of each kind of unit that a peer brings.

use bytes::Bytes;
use verso_trust::{Access, Cut, MembershipEvent, PeerRole, Revoke, Standing, Vouch};
use verso_vv::{AuthorTag, Hlc, Seen, SeenItem, Seq};
use verso_wire::{CompressionLevel, EntryKind, Reason, UnitBuilder};

use crate::notes::{TEXT, write};
use crate::peer::{Closed, Peer, stops};
use crate::rig::{NOW, let_in, other, with_own};
use crate::writer::{Writer, encode, key};

#[test]
fn a_unit_of_a_member_is_taken_and_acknowledged() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let unit = writer.texts(&["two", "three"]);
    own.give(&mut rig, workspace, &unit);
    assert_eq!(own.acked(workspace, writer.author), Seq(2));
    assert_eq!(rig.texts(&workspace), ["Reading", "one", "three", "two"]);
    rig.assert_rebuilds();
}

#[test]
fn nothing_is_acknowledged_before_a_flush() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let unit = writer.texts(&["two"]);
    own.send(&mut rig, workspace, &unit);
    own.listen(&mut rig);
    assert_eq!(own.acked(workspace, writer.author), Seq::ZERO);
    rig.crash(3);
    assert_eq!(rig.texts(&workspace), ["Reading", "one"]);
}

#[test]
fn a_duplicate_is_acknowledged_and_changes_nothing() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let unit = writer.texts(&["two", "three"]);
    own.give(&mut rig, workspace, &unit);
    own.acked.clear();
    let before = rig.replica.entries(&workspace);
    own.give(&mut rig, workspace, &unit);
    assert_eq!(own.acked(workspace, writer.author), Seq(2));
    assert_eq!(rig.replica.entries(&workspace), before);
    assert_eq!(own.closed, Closed::Not);
}

#[test]
fn of_a_unit_that_overlaps_only_the_rest_is_taken() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let start = writer.head;
    let first = writer.seal(&[(TEXT, b"two".to_vec()), (TEXT, b"three".to_vec())]);
    own.give(&mut rig, workspace, &encode(&first));
    // The same author sealed the same entries and one more as one unit.
    let mut builder = UnitBuilder::new(workspace, writer.author, None, start);
    for entry in first.entries() {
        if let verso_wire::Content::Full { kind, hlc, payload } = entry.content {
            builder.push(kind, hlc, payload).unwrap();
        }
    }
    builder.push(TEXT, Hlc(1), b"four").unwrap();
    let longer = builder.seal(&key(other(0))).unwrap();
    own.give(&mut rig, workspace, &encode(&longer));
    assert_eq!(own.acked(workspace, writer.author), Seq(3));
    assert_eq!(rig.texts(&workspace), ["Reading", "four", "one", "three", "two"]);
    rig.assert_rebuilds();
}

#[test]
fn a_gap_is_declined_and_closed_later() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let units = [writer.texts(&["two"]), writer.texts(&["three"]), writer.texts(&["four"])];
    own.give(&mut rig, workspace, &units[1]);
    own.give(&mut rig, workspace, &units[2]);
    // One gap is told once, however many units lie behind it: each time it is told, the peer sends everything again.
    assert_eq!(own.declined, [(workspace, writer.author, Seq(1), Reason::Gap)]);
    assert_eq!(own.acked(workspace, writer.author), Seq::ZERO);
    for unit in &units {
        own.give(&mut rig, workspace, unit);
    }
    assert_eq!(own.acked(workspace, writer.author), Seq(3));
    assert_eq!(rig.texts(&workspace), ["Reading", "four", "one", "three", "two"]);
}

#[test]
fn a_forged_signature_ends_the_session() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let mut unit = writer.texts(&["two"]).to_vec();
    // The signature is the last thing in the head, before the columns.
    let at = 1 + 32 + 8 + 32 + 10;
    unit[at] ^= 1;
    own.give(&mut rig, workspace, &Bytes::from(unit));
    assert_eq!(own.closed, Closed::For(Reason::Malformed));
    assert_eq!(rig.texts(&workspace), ["Reading", "one"]);
    assert_eq!(stops(&rig.events), [Reason::Malformed]);
}

#[test]
fn junk_ends_the_session() {
    for junk in [&b"x"[..], &[0xff; 300], &[1; 4096]] {
        let (mut rig, workspace, mut own, _writer) = with_own();
        own.give(&mut rig, workspace, &Bytes::copy_from_slice(junk));
        assert_eq!(own.closed, Closed::For(Reason::Malformed));
    }
}

#[test]
fn a_unit_of_another_workspace_does_not_verify_here() {
    let (mut rig, workspace, mut own, _writer) = with_own();
    let elsewhere = rig.replica.found_workspace("Elsewhere", NOW).unwrap();
    let unit = Writer::new(other(0), 1, elsewhere).texts(&["smuggled"]);
    own.give(&mut rig, workspace, &unit);
    assert_eq!(own.closed, Closed::For(Reason::Malformed));
    assert_eq!(rig.texts(&workspace), ["Reading", "one"]);
}

#[test]
fn a_friend_without_access_brings_nothing_of_a_stranger() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let friend = rig.pair(other(1), PeerRole::Friend);
    let_in(&mut rig, &mut own, &mut writer, friend, Access::ReadWrite);
    let mut friend = Peer::connect(&mut rig, friend, &[workspace]);
    rig.replica.flush(NOW).unwrap();
    friend.listen(&mut rig);
    assert!(friend.offered.contains_key(&workspace));

    let mut stranger = Writer::new(other(2), 1, workspace);
    let units: Vec<Bytes> = (0..50).map(|text| stranger.texts(&[&format!("spam {text}")])).collect();
    for unit in &units {
        friend.give(&mut rig, workspace, unit);
    }
    // Said once: what is on its way until the peer learns of it is dropped, or a window full of small units would be answered by as many
    // messages.
    assert_eq!(friend.declined, [(workspace, stranger.author, Seq(1), Reason::Declined)]);
    assert_eq!(friend.closed, Closed::Not);
    assert_eq!(rig.replica.entries(&workspace), Some((5, 5)), "nothing of the stranger is held");
    assert!(stops(&rig.events).contains(&Reason::Declined));
}

#[test]
fn what_was_declined_is_wanted_once_somebody_vouches() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let friend = rig.pair(other(1), PeerRole::Friend);
    let_in(&mut rig, &mut own, &mut writer, friend, Access::ReadWrite);
    let mut friend = Peer::connect(&mut rig, friend, &[workspace]);
    let mut guest = Writer::new(other(2), 1, workspace);
    let unit = guest.texts(&["hello"]);
    friend.give(&mut rig, workspace, &unit);
    assert_eq!(friend.declined.len(), 1);
    let_in(&mut rig, &mut own, &mut writer, guest.device(), Access::ReadWrite);
    friend.listen(&mut rig);
    assert_eq!(friend.withdrawn, [(workspace, guest.author)], "the decline stands no longer");
    friend.give(&mut rig, workspace, &unit);
    assert_eq!(friend.acked(workspace, guest.author), Seq(1));
    assert!(rig.texts(&workspace).contains(&"hello"));
}

/// What decides is what is new: entries that are held already lend nothing to those behind a cut.
#[test]
fn a_unit_that_reaches_past_a_cut_is_judged_by_what_of_it_is_new() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let friend = rig.pair(other(1), PeerRole::Friend);
    let_in(&mut rig, &mut own, &mut writer, friend, Access::ReadWrite);
    let mut friend = Peer::connect(&mut rig, friend, &[workspace]);
    let mut guest = Writer::new(other(2), 1, workspace);
    let_in(&mut rig, &mut own, &mut writer, guest.device(), Access::ReadWrite);
    let start = guest.head;
    let first = guest.seal(&[(TEXT, b"hello".to_vec())]);
    friend.give(&mut rig, workspace, &encode(&first));
    let at = guest.head;
    let cut = Cut { author: guest.author, seq: at.seq, hash: at.hash, seal: Vec::new() };
    let seen = SeenItem { author: AuthorTag::of(&writer.author), seq: writer.last(), tag: writer.head.hash.tag() };
    let revoke = Revoke { device: guest.device(), cuts: vec![cut], keeps: None };
    let unit = writer.member(&MembershipEvent::new(Seen::new([seen]), revoke));
    own.give(&mut rig, workspace, &unit);
    let mut longer = UnitBuilder::new(workspace, guest.author, None, start);
    longer.push(TEXT, Hlc::from_millis(guest.millis), b"hello").unwrap();
    longer.push(TEXT, Hlc(1), b"after the cut").unwrap();
    let longer = longer.seal(&key(other(2))).unwrap();
    assert_eq!(longer.hashes()[0], at.hash);
    friend.give(&mut rig, workspace, &encode(&longer));
    assert_eq!(friend.declined, [(workspace, guest.author, Seq(2), Reason::Declined)]);
    assert_eq!(rig.replica.held(&workspace).unwrap().get(&guest.author), Seq(1));
}

#[test]
fn a_read_only_member_may_vouch_and_not_write() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let friend = rig.pair(other(1), PeerRole::Friend);
    let_in(&mut rig, &mut own, &mut writer, friend, Access::ReadOnly);
    let mut friend = Peer::connect(&mut rig, friend, &[workspace]);
    let mut reader = Writer::new(other(1), 1, workspace);
    let vouch = Vouch { device: key(other(2)).id(), access: Access::ReadOnly, standing: Standing::Member };
    let unit = reader.member(&MembershipEvent::new(Seen::default(), vouch));
    friend.give(&mut rig, workspace, &unit);
    assert_eq!(friend.acked(workspace, reader.author), Seq(1));
    let unit = reader.texts(&["not mine to write"]);
    friend.give(&mut rig, workspace, &unit);
    assert_eq!(friend.declined, [(workspace, reader.author, Seq(2), Reason::ReadOnly)]);
    assert_eq!(rig.texts(&workspace), ["Reading", "one"]);
}

#[test]
fn a_device_has_a_limited_number_of_chains() {
    let (mut rig, workspace, mut own, _writer) = with_own();
    for incarnation in 1..=64 {
        let unit = Writer::new(other(0), incarnation, workspace).texts(&["life"]);
        own.give(&mut rig, workspace, &unit);
    }
    assert!(own.declined.is_empty());
    let mut last = Writer::new(other(0), 65, workspace);
    let unit = last.texts(&["one life too many"]);
    own.give(&mut rig, workspace, &unit);
    assert_eq!(own.declined, [(workspace, last.author, Seq(1), Reason::Limit)]);
    // Those that are there go on.
    let mut first = Writer::new(other(0), 1, workspace);
    let units = [first.texts(&["life"]), first.texts(&["goes on"])];
    own.give(&mut rig, workspace, &units[0]);
    own.give(&mut rig, workspace, &units[1]);
    assert_eq!(own.acked(workspace, first.author), Seq(2));
}

#[test]
fn an_unknown_kind_of_membership_is_held_and_says_nothing() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let unit = encode(&writer.seal(&[(EntryKind(200), vec![9; 20]), (TEXT, b"two".to_vec())]));
    own.give(&mut rig, workspace, &unit);
    assert_eq!(own.acked(workspace, writer.author), Seq(2));
    assert_eq!(rig.texts(&workspace), ["Reading", "one", "two"]);
    rig.assert_rebuilds();
}

#[test]
fn what_one_peer_brought_goes_on_to_another_even_if_the_first_is_gone_before_the_flush() {
    let (mut rig, workspace, own, mut writer) = with_own();
    let mut second = rig.meet(other(1), PeerRole::Own, &[workspace]);
    second.units.clear();
    let unit = writer.texts(&["two"]);
    own.send(&mut rig, workspace, &unit);
    rig.replica.disconnected(own.connection);
    rig.events.clear();
    rig.replica.flush(NOW).unwrap();
    second.listen(&mut rig);
    assert_eq!(second.units, [(workspace, unit)]);
    let told = rig.events.iter().any(|event| matches!(event, verso_replica::Event::RemoteDelta { entries: 1, .. }));
    assert!(told, "the host learns of it, too");
}

#[test]
fn the_unit_of_one_workspace_is_compressed_as_it_came() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let mut second = rig.meet(other(1), PeerRole::Own, &[workspace]);
    second.units.clear();
    let unit = writer.seal(&[(TEXT, vec![b'a'; 5000])]);
    let bytes = Bytes::from(unit.encode(CompressionLevel::new(9)));
    own.give(&mut rig, workspace, &bytes);
    second.listen(&mut rig);
    assert_eq!(second.units, [(workspace, bytes)]);
    rig.replica.commit(&workspace, &[write("three")], NOW).unwrap();
    assert!(rig.replica.needs_flush());
}
