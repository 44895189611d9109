//! A friend can't learn which workspaces there are besides those that it was given: not by a name, an id, a count, or by what it is told and when.

use verso_identity::WorkspaceId;
use verso_replica::{Effect, Greeting, Stream};
use verso_session::Mode;
use verso_trust::{Access, PeerRole};
use verso_vv::{Author, Incarnation, Seq};
use verso_wire::{HeldDigest, Message, Reason};

use crate::notes::write;
use crate::peer::{Closed, Peer};
use crate::rig::{NOW, Rig, other};
use crate::writer::{Writer, key};

/// What is said on which stream.
type Attempt = fn(WorkspaceId, &Peer) -> Vec<(Stream, Message)>;

/// What a friend tries with a workspace that it was not given, with what it hopes to hear.
const TRIES: [Attempt; 6] = [
    |workspace, _| vec![(Stream::Workspace(workspace), Message::Open { workspace })],
    |workspace, _| vec![(Stream::Workspace(workspace), Message::Hello { digest: HeldDigest([1; 32]) })],
    |workspace, _| vec![(Stream::Workspace(workspace), Message::Vector { entries: Vec::new(), seal: None })],
    |workspace, _| {
        let offered = crate::peer::offered(workspace);
        vec![(Stream::Control, Message::Offer { add: vec![offered], remove: Vec::new() })]
    },
    |workspace, _| vec![(Stream::Control, Message::Offer { add: Vec::new(), remove: vec![workspace] })],
    |workspace, peer| {
        let author = Author { device: peer.device, incarnation: Incarnation(1) };
        let decline = Message::Decline { author, from: Seq(1), reason: Reason::Declined };
        vec![(Stream::Workspace(workspace), decline)]
    },
];

/// A device with one workspace that is the friend's business, and `secret` others. Connected is the friend.
fn scene(secrets: usize) -> (Rig, Peer, WorkspaceId, Vec<WorkspaceId>) {
    let (mut rig, shared) = Rig::with_workspace();
    let friend = rig.pair(other(1), PeerRole::Friend);
    let mut friend = Peer::connect(&mut rig, friend, &[]);
    rig.replica.share(&shared, friend.device, Access::ReadWrite, NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    let secrets = (0..secrets).map(|number| {
        let workspace = rig.replica.found_workspace(&format!("secret {number}"), NOW).unwrap();
        rig.replica.commit(&workspace, &[write("a secret")], NOW).unwrap();
        workspace
    });
    let secrets = secrets.collect();
    rig.replica.flush(NOW).unwrap();
    friend.listen(&mut rig);
    (rig, friend, shared, secrets)
}

/// All that a device does and says when a friend tries something, and how it ends.
fn heard(rig: &mut Rig, friend: &Peer, tried: Vec<(Stream, Message)>) -> Vec<String> {
    rig.sort_effects();
    rig.effects.clear();
    for (stream, message) in tried {
        rig.replica.receive(friend.connection, stream, message, rig.now);
        // Each in its own step: also whether anything is left for a flush shows.
        rig.replica.flush(rig.now).unwrap();
    }
    rig.sort_effects();
    rig.effects.iter().map(|effect: &Effect| format!("{effect:?}")).collect()
}

#[test]
fn a_workspace_that_is_held_and_one_that_is_not_there_look_the_same() {
    let invented = WorkspaceId::from_bytes([0x77; 16]);
    for (number, attempt) in TRIES.iter().enumerate() {
        let (mut rig, friend, _, secrets) = scene(1);
        let with_held = attempt(secrets[0], &friend);
        let of_held = heard(&mut rig, &friend, with_held);
        let due_of_held = rig.replica.poll_timeout();
        let (mut rig, friend, _, _) = scene(1);
        let with_invented = attempt(invented, &friend);
        let of_invented = heard(&mut rig, &friend, with_invented);
        let same = |texts: Vec<String>| {
            texts
                .into_iter()
                .map(|text| text.replace(&secrets[0].to_string(), &invented.to_string()))
                .collect::<Vec<_>>()
        };
        assert_eq!(same(of_held), of_invented, "attempt {number}");
        assert_eq!(due_of_held, rig.replica.poll_timeout(), "attempt {number}: and nothing is answered later");
    }
}

#[test]
fn all_that_a_friend_is_told_is_the_same_however_many_workspaces_there_are() {
    let told = |secrets: usize| {
        let (mut rig, friend, shared, _) = scene(secrets);
        assert_eq!(friend.offered.keys().collect::<Vec<_>>(), [&shared]);
        rig.replica.disconnected(friend.connection);
        rig.sort_effects();
        rig.effects.clear();
        let greeting = Greeting { addresses: Vec::new(), mode: Mode::StayOpen };
        let connection = rig.replica.connect(friend.device, greeting, NOW).unwrap();
        let friend = Peer::on(connection, friend.device);
        friend.introduce(&mut rig, &[shared]);
        friend.say(&mut rig, Message::Offer { add: Vec::new(), remove: Vec::new() });
        rig.replica.flush(NOW).unwrap();
        rig.sort_effects();
        rig.effects.iter().map(|effect: &Effect| format!("{effect:?}")).collect::<Vec<_>>()
    };
    let few = told(0);
    assert!(few.len() > 4, "{few:?}");
    assert_eq!(few, told(40));
}

#[test]
fn what_is_written_elsewhere_moves_nothing_on_a_friend_s_connection() {
    let (mut rig, _friend, _, secrets) = scene(1);
    rig.sort_effects();
    rig.effects.clear();
    let due = rig.replica.poll_timeout();
    rig.replica.commit(&secrets[0], &[write("another")], NOW).unwrap();
    rig.replica.found_workspace("one more", NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    rig.sort_effects();
    assert!(rig.effects.is_empty(), "{:?}", rig.effects);
    assert_eq!(rig.replica.poll_timeout(), due);
}

#[test]
fn a_friend_that_offers_a_workspace_under_an_id_that_is_held_gets_and_gives_nothing() {
    let (mut rig, mut friend, _, secrets) = scene(1);
    let held = secrets[0];
    let before = (rig.replica.entries(&held), rig.texts(&held).len());
    friend.offer(&mut rig, &[held]);
    rig.replica.flush(NOW).unwrap();
    friend.listen(&mut rig);
    assert!(!friend.offered.contains_key(&held) && friend.hellos.is_empty());
    assert_eq!(rig.replica.pending_offers().count(), 0, "nor is the person asked");
    assert!(rig.replica.join_workspace(&held, friend.device, NOW).is_err());
    assert_eq!(friend.closed, Closed::Not);
    // What it sends of it ends the session: the workspace has no stream.
    let unit = Writer::new(other(1), 1, held).texts(&["smuggled"]);
    friend.give(&mut rig, held, &unit);
    assert_eq!(friend.closed, Closed::For(Reason::Malformed));
    assert_eq!((rig.replica.entries(&held), rig.texts(&held).len()), before);
    assert_eq!(rig.replica.trust().role(&key(other(1)).id()), Some(PeerRole::Friend));
}
