//! Devices that were put back to an earlier state: whom they believe about who is still trusted.

use verso_identity::{DeviceId, WorkspaceId};
use verso_log::MemoryStorage;
use verso_replica::{ConnectionId, Effect, Event, Greeting, MendScope, mend};
use verso_session::Mode;
use verso_trust::PeerRole;
use verso_vv::{Author, Seq};
use verso_wire::limits::IN_FLIGHT;
use verso_wire::{Branch, ForkProof, HeldDigest, Message, Offered, Reason, VectorEntry, VerifiedUnit, WireAccess};

use crate::backup::{back_up_from, restore_to};
use crate::notes::TEXT;
use crate::peer::{Closed, Peer, stops};
use crate::rig::{NOW, Rig, my_key, open, other};
use crate::writer::{Writer, encode};

const CONTROL: WorkspaceId = WorkspaceId::CONTROL;

/// Workspaces of others.
const THEIRS: WorkspaceId = WorkspaceId::from_bytes([3; 16]);
const LATER: WorkspaceId = WorkspaceId::from_bytes([4; 16]);

/// A device that was restored from a backup, and two own devices that were in it.
fn restored() -> (Rig, [DeviceId; 2]) {
    restored_after(|_rig, _own| {})
}

/// The same, where an own device had brought something before the backup was made.
fn restored_after(bring: impl FnOnce(&mut Rig, &mut Peer)) -> (Rig, [DeviceId; 2]) {
    let (mut rig, _workspace) = Rig::with_workspace();
    let second = rig.meet(other(1), PeerRole::Own, &[]).device;
    let mut first = rig.meet(other(0), PeerRole::Own, &[]);
    bring(&mut rig, &mut first);
    let own = [first.device, second];
    let (backup, _done) = back_up_from(&rig.disk).unwrap();
    let disk = MemoryStorage::new(77);
    restore_to(&disk, &backup).unwrap();
    let (replica, _notices) = open(&disk).unwrap();
    let rig = Rig { replica, disk, ..Rig::new() };
    assert_eq!(rig.replica.unconfirmed().count(), 2);
    (rig, own)
}

fn connect(rig: &mut Rig, device: DeviceId) -> ConnectionId {
    let greeting = Greeting { addresses: Vec::new(), mode: Mode::StayOpen };
    rig.replica.connect(device, greeting, NOW).unwrap()
}

fn told(rig: &mut Rig) -> usize {
    rig.sort_effects();
    rig.events.iter().filter(|event| matches!(event, Event::Confirmed)).count()
}

/// What the device holds of the control log, as a vector says it.
fn vector(rig: &Rig) -> Vec<VectorEntry> {
    let held = rig.replica.held(&CONTROL).unwrap();
    let entry = |(author, seq): (Author, Seq)| {
        let end = rig.replica.head(&CONTROL, &author).unwrap();
        assert_eq!(end.seq, seq);
        VectorEntry::new(author, seq, &end.hash)
    };
    held.iter().map(entry).collect()
}

/// Says that the control log is held so far and no further.
fn show(rig: &mut Rig, peer: &Peer, entries: Vec<VectorEntry>) {
    peer.say_in(rig, CONTROL, Message::Hello { digest: HeldDigest::of([]) });
    peer.say_in(rig, CONTROL, Message::Vector { entries, seal: None });
}

/// The next unit of a chain of the control log: what it says is nothing that this version reads.
fn unit(writer: &mut Writer, text: &str) -> VerifiedUnit {
    writer.seal(&[(TEXT, text.as_bytes().to_vec())])
}

/// A chain of the control log that its device forked at the second entry: what came before, both sides, and the proof.
fn forked() -> (Author, [VerifiedUnit; 3], ForkProof) {
    let mut writer = Writer::new(other(1), 1, CONTROL);
    let common = unit(&mut writer, "common");
    let (left, right) = (unit(&mut writer.twin(), "left"), unit(&mut writer, "right"));
    let proof = ForkProof::between(&left, &right).unwrap();
    (writer.author, [common, left, right], proof)
}

/// What a vector says of one that knows of the fork and holds these sides of it.
fn shown(signer: Author, common: &VerifiedUnit, sides: &[&VerifiedUnit]) -> Vec<VectorEntry> {
    let side = |unit: &&VerifiedUnit| {
        let head = unit.head();
        VectorEntry::new(Branch { at: head.seq, hash: head.hash }.author(&signer), head.seq, &head.hash)
    };
    let trunk = VectorEntry::new(signer, common.head().seq, &common.head().hash);
    sides.iter().map(side).chain([trunk]).collect()
}

/// Acknowledges all of the control log but a chain.
fn acknowledge_but(rig: &mut Rig, peer: &mut Peer, but: Option<Author>) {
    let held = rig.replica.held(&CONTROL).unwrap();
    let held = held.iter().filter(|(author, _)| Some(*author) != but).collect();
    peer.say_in(rig, CONTROL, Message::Ack { held, credit: IN_FLIGHT });
    rig.replica.flush(NOW).unwrap();
    peer.listen(rig);
    assert_eq!(peer.closed, Closed::Not);
}

fn acknowledge(rig: &mut Rig, peer: &mut Peer) {
    acknowledge_but(rig, peer, None);
}

/// The peer comes again and holds all that the device does.
fn meet_again(rig: &mut Rig, peer: &Peer) {
    rig.replica.disconnected(peer.connection);
    Peer::connect(rig, peer.device, &[]);
    rig.replica.flush(NOW).unwrap();
}

#[test]
fn who_lacked_something_confirms_nobody_once_it_was_taught() {
    let (mut rig, [first, second]) = restored();
    let mut peer = Peer::connect_untold(&mut rig, first, &[]);
    show(&mut rig, &peer, Vec::new());
    assert!(!peer.units.iter().any(|(workspace, _)| *workspace != CONTROL));
    // The power goes before anything is flushed: what the peer was sent it has.
    rig.crash(3);
    peer = Peer::connect(&mut rig, first, &[]);
    assert_eq!((rig.replica.unconfirmed().count(), told(&mut rig)), (2, 0), "after a power cut");
    meet_again(&mut rig, &peer);
    assert_eq!((rig.replica.unconfirmed().count(), told(&mut rig)), (2, 0), "at the third contact");
    assert!(stops(&rig.events).iter().all(|reason| *reason == Reason::Unconfirmed));

    Peer::connect(&mut rig, second, &[]);
    assert_eq!((rig.replica.unconfirmed().count(), told(&mut rig)), (0, 1));
}

/// An acknowledgement of what it was never sent teaches it nothing either.
#[test]
fn who_acknowledges_what_it_lacked_confirms_nobody() {
    let (mut rig, [first, _]) = restored();
    let mut peer = Peer::connect_untold(&mut rig, first, &[]);
    show(&mut rig, &peer, Vec::new());
    acknowledge(&mut rig, &mut peer);
    assert_eq!((rig.replica.unconfirmed().count(), told(&mut rig)), (2, 0));
    meet_again(&mut rig, &peer);
    assert_eq!((rig.replica.unconfirmed().count(), told(&mut rig)), (2, 0));
}

/// Level is said of what both take: what a peer doesn't take it doesn't know.
#[test]
fn who_declines_a_chain_confirms_nobody() {
    let (mut rig, [first, _]) = restored();
    let mut peer = Peer::connect_untold(&mut rig, first, &[]);
    let me = rig.replica.author();
    let entries: Vec<_> = vector(&rig).into_iter().filter(|entry| entry.author != me).collect();
    let declined = entries.iter().find(|entry| entry.author.device == me.device).unwrap().author;
    show(&mut rig, &peer, entries);
    peer.say_in(&mut rig, CONTROL, Message::Decline { author: declined, from: Seq(1), reason: Reason::Limit });
    acknowledge_but(&mut rig, &mut peer, Some(declined));
    assert_eq!((rig.replica.unconfirmed().count(), told(&mut rig)), (2, 0));
}

/// What this device wrote since it was restored is nobody's to know.
#[test]
fn who_lacks_only_what_came_later_confirms_all() {
    let (mut rig, [first, _]) = restored();
    let mut peer = Peer::connect_untold(&mut rig, first, &[]);
    let me = rig.replica.author();
    let entries = vector(&rig).into_iter().filter(|entry| entry.author != me).collect();
    show(&mut rig, &peer, entries);
    assert_eq!(told(&mut rig), 0, "it is not level yet");
    acknowledge(&mut rig, &mut peer);
    assert_eq!((rig.replica.unconfirmed().count(), told(&mut rig)), (0, 1));
}

/// Whom the person confirmed can confirm the others as well.
#[test]
fn one_that_is_confirmed_by_name_confirms_all_that_it_knows_of() {
    let (mut rig, [first, _]) = restored();
    rig.replica.confirm(first, NOW).unwrap();
    assert_eq!(rig.replica.unconfirmed().count(), 1);
    Peer::connect(&mut rig, first, &[]);
    assert_eq!((rig.replica.unconfirmed().count(), told(&mut rig)), (0, 1));
}

/// A device restored from a backup that knows of a fork, and has one side of it.
fn restored_knowing(common: &VerifiedUnit, left: &VerifiedUnit, proof: &ForkProof) -> (Rig, [DeviceId; 2]) {
    restored_after(|rig, own| {
        own.give(rig, CONTROL, &encode(common));
        own.give(rig, CONTROL, &encode(left));
        own.say_in(rig, CONTROL, Message::Proof(proof.clone()));
        rig.replica.flush(NOW).unwrap();
        assert_eq!(rig.replica.forks(&CONTROL).len(), 1);
    })
}

/// A fork that was found after the backup was made gives chains other names: whoever calls them by those knows more, and not less.
#[test]
fn who_knows_of_a_fork_confirms_all_once_it_has_shown_it() {
    let (signer, [common, left, right], proof) = forked();
    let (mut rig, [first, _]) = restored_after(|rig, own| {
        own.give(rig, CONTROL, &encode(&common));
        own.give(rig, CONTROL, &encode(&left));
    });
    let theirs = |rig: &Rig| {
        let others = vector(rig).into_iter().filter(|entry| entry.author.device != signer.device);
        let mut all: Vec<_> = others.chain(shown(signer, &common, &[&left, &right])).collect();
        all.sort_by_key(|entry| entry.author);
        all
    };
    let mut peer = Peer::connect_untold(&mut rig, first, &[]);
    let entries = theirs(&rig);
    show(&mut rig, &peer, entries);
    peer.say_in(&mut rig, CONTROL, Message::Proof(proof));
    rig.replica.flush(NOW).unwrap();
    peer.listen(&mut rig);
    assert_eq!(peer.closed, Closed::For(Reason::Fork));
    rig.crash(8);
    peer = Peer::connect_untold(&mut rig, first, &[]);
    let entries = theirs(&rig);
    show(&mut rig, &peer, entries);
    assert_eq!(told(&mut rig), 0, "it has yet to bring the other side");
    peer.give(&mut rig, CONTROL, &encode(&right));
    assert_eq!((rig.replica.unconfirmed().count(), told(&mut rig)), (0, 1));
}

/// The other way round: the backup knows of the fork.
#[test]
fn who_is_shown_a_fork_confirms_all_once_it_knows_the_names() {
    let (_, [common, left, _], proof) = forked();
    let (mut rig, [first, _]) = restored_knowing(&common, &left, &proof);
    let me = rig.replica.author();
    let known = |entry: &VectorEntry| entry.author != me;
    let mut entries: Vec<_> = vector(&rig).into_iter().filter(known).collect();
    let branch = entries.iter_mut().find(|entry| entry.author.device == proof.author.device && entry.seq == Seq(2));
    branch.unwrap().author = proof.author;
    entries.retain(|entry| entry.author != proof.author || entry.seq == Seq(2));
    entries.sort_by_key(|entry| entry.author);
    let peer = Peer::connect_untold(&mut rig, first, &[]);
    show(&mut rig, &peer, entries);
    // It learns of the fork, and meets this device again at once.
    rig.replica.disconnected(peer.connection);
    let mut peer = Peer::connect_untold(&mut rig, first, &[]);
    let entries = vector(&rig).into_iter().filter(known).collect();
    show(&mut rig, &peer, entries);
    acknowledge(&mut rig, &mut peer);
    assert_eq!((rig.replica.unconfirmed().count(), told(&mut rig)), (0, 1));
}

/// What lies behind the fork is lacking all the same: it holds nothing that goes by another name once the fork is known, so its vector tells all.
#[test]
fn who_lacks_what_is_behind_a_fork_confirms_nobody_though_it_is_shown_the_fork() {
    let (_, [common, left, _], proof) = forked();
    let (mut rig, [first, _]) = restored_knowing(&common, &left, &proof);
    let me = rig.replica.author();
    let is_behind = |entry: &VectorEntry| entry.author.device == proof.author.device && entry.seq == Seq(2);
    let entries = vector(&rig).into_iter().filter(|entry| entry.author != me && !is_behind(entry)).collect();
    let mut peer = Peer::connect_untold(&mut rig, first, &[]);
    show(&mut rig, &peer, entries);
    peer.listen(&mut rig);
    assert_eq!(peer.proofs.len(), 1);
    acknowledge(&mut rig, &mut peer);
    assert_eq!((rig.replica.unconfirmed().count(), told(&mut rig)), (2, 0));
    // Nor later.
    meet_again(&mut rig, &peer);
    assert_eq!((rig.replica.unconfirmed().count(), told(&mut rig)), (2, 0));
}

/// A control log that was mended lacks what it is known to have had: who lacks the same knows as little.
#[test]
fn who_lacks_what_a_mended_control_log_lost_confirms_nobody() {
    let mut rig = Rig::new();
    let mut own = rig.meet(other(0), PeerRole::Own, &[]);
    let mut writer = Writer::new(other(0), 1, CONTROL);
    let units = ["one", "two", "three"].map(|text| unit(&mut writer, text));
    for unit in &units {
        own.give(&mut rig, CONTROL, &encode(unit));
    }
    let entries = vector(&rig);
    let path = rig.replica.segment_path(&CONTROL, 1).unwrap();
    let len = rig.disk.read_file(&path).unwrap().len();
    let mut tried = 0;
    for at in (1_024..len).step_by(11) {
        let disk = rig.disk.snapshot(1);
        disk.flip(&path, at, 0x20);
        mend(&disk, &my_key(), MendScope::All).unwrap();
        let (replica, _notices) = open(&disk).unwrap();
        let mut rig = Rig { replica, disk, ..Rig::new() };
        if rig.replica.held(&CONTROL).unwrap().get(&writer.author) != Seq(1) || rig.replica.unconfirmed().count() == 0 {
            continue;
        }
        tried += 1;
        let peer = Peer::connect(&mut rig, own.device, &[]);
        assert_eq!((rig.replica.unconfirmed().count(), told(&mut rig)), (1, 0), "it lacks the same");
        rig.replica.disconnected(peer.connection);
        let mut peer = Peer::connect_untold(&mut rig, own.device, &[]);
        show(&mut rig, &peer, entries.clone());
        for unit in &units {
            peer.give(&mut rig, CONTROL, &encode(unit));
        }
        acknowledge(&mut rig, &mut peer);
        assert_eq!((rig.replica.unconfirmed().count(), told(&mut rig)), (0, 1), "it has all");
    }
    assert!(tried > 2, "{tried}");
}

#[test]
fn pairing_anew_with_the_last_that_is_not_confirmed_confirms_all() {
    let (mut rig, [first, second]) = restored();
    for (number, device, left) in [(0, first, 1), (1, second, 0)] {
        assert_eq!(rig.pair(other(number), PeerRole::Own), device);
        connect(&mut rig, device);
        assert_eq!(rig.replica.unconfirmed().count(), left);
        assert_eq!(told(&mut rig), 1 - left);
    }
    rig.crash(4);
    let third = rig.meet(other(2), PeerRole::Own, &[]).device;
    assert!(!rig.replica.trust().is_unconfirmed(&third), "nothing is left of the reserve");
}

/// Two that were put back may meet, and each would wait for what the other offers: both say who they are first.
#[test]
fn who_trusts_nobody_yet_speaks_first_all_the_same() {
    let (mut rig, [first, _]) = restored();
    let connection = connect(&mut rig, first);
    rig.sort_effects();
    let said = |effect: &Effect| match effect {
        Effect::Send { connection: on, message: Message::PeerInfo { .. }, .. } => *on == connection,
        _ => false,
    };
    assert!(rig.effects.iter().any(said), "{:?}", rig.effects);
}

#[test]
fn what_is_not_offered_any_more_is_not_taken_later() {
    let (mut rig, [first, _]) = restored();
    let mut peer = Peer::on(connect(&mut rig, first), first);
    peer.introduce(&mut rig, &[THEIRS, LATER]);
    peer.say(&mut rig, Message::Offer { add: Vec::new(), remove: vec![THEIRS] });
    peer.listen(&mut rig);
    assert_eq!(told(&mut rig), 1, "it confirms all");
    assert!(rig.replica.workspaces().any(|workspace| workspace == LATER));
    assert!(!rig.replica.workspaces().any(|workspace| workspace == THEIRS));
}

/// Whoever was found to know less goes on on the connection that it has.
#[test]
fn what_an_unconfirmed_device_offers_is_taken_once_another_confirms_all() {
    let (mut rig, [first, second]) = restored();
    let mut peer = Peer::connect_untold(&mut rig, first, &[THEIRS]);
    show(&mut rig, &peer, Vec::new());
    acknowledge(&mut rig, &mut peer);
    assert_eq!(stops(&rig.events), [Reason::Unconfirmed]);
    peer.offer(&mut rig, &[LATER]);
    peer.listen(&mut rig);
    assert!(peer.offered.is_empty(), "it was offered something");
    let reason = |rig: &Rig| rig.replica.peers().find(|peer| peer.trusted.device == first).unwrap().contact.reason;
    assert!(reason(&rig).is_some());

    Peer::connect(&mut rig, second, &[]);
    assert_eq!(told(&mut rig), 1);
    for workspace in [THEIRS, LATER] {
        assert!(rig.replica.workspaces().any(|known| known == workspace), "{workspace} was not taken");
    }
    peer.listen(&mut rig);
    assert_eq!(peer.offered.len(), 3, "it is offered all");
    assert_eq!(reason(&rig), None);
    rig.replica.flush(NOW).unwrap();
    let stopped = |event: &Event| matches!(event, Event::AllLevel { peer, stopped: true } if *peer == first);
    rig.events.clear();
    peer.listen(&mut rig);
    acknowledge(&mut rig, &mut peer);
    assert!(!rig.events.iter().any(stopped), "something is still said to be kept back");
}

/// All were confirmed while it was being taught.
#[test]
fn who_is_level_only_after_another_confirmed_all_is_not_stopped() {
    let (mut rig, [first, second]) = restored();
    let mut peer = Peer::connect_untold(&mut rig, first, &[THEIRS]);
    show(&mut rig, &peer, Vec::new());
    Peer::connect(&mut rig, second, &[]);
    assert_eq!(told(&mut rig), 1);
    acknowledge(&mut rig, &mut peer);
    assert_eq!(stops(&rig.events), []);
    assert!(rig.replica.workspaces().any(|workspace| workspace == THEIRS));
}

/// However often it says something else, there is one offer of a workspace.
#[test]
fn the_last_offer_of_a_workspace_is_the_one_that_counts() {
    let (mut rig, [first, _]) = restored();
    let mut peer = Peer::on(connect(&mut rig, first), first);
    peer.introduce(&mut rig, &[]);
    for number in 0..100 {
        let add = vec![Offered { workspace: THEIRS, name: format!("{number}"), access: WireAccess::ReadWrite }];
        peer.say(&mut rig, Message::Offer { add, remove: Vec::new() });
    }
    let held = format!("{:?}", rig.replica).matches(&format!("Offered {{ workspace: {THEIRS:?}")).count();
    peer.listen(&mut rig);
    assert!(rig.replica.workspaces().any(|workspace| workspace == THEIRS));
    assert_eq!(held, 1, "each is kept");
}

/// Nobody is let into a workspace, and given no secret, by trust that was put back: whoever was removed since is still in it.
#[test]
fn nobody_is_vouched_for_before_trust_is_confirmed() {
    let (mut rig, own) = restored();
    let workspace = rig.replica.found_workspace("Later", NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    let entries = |rig: &Rig| (rig.replica.entries(&workspace).unwrap().0, rig.replica.entries(&CONTROL));
    let before = entries(&rig);
    rig.replica.flush(NOW).unwrap();
    assert_eq!(entries(&rig), before);
    assert_eq!(before.0, 2, "its founding and its name");
    for device in own {
        rig.replica.confirm(device, NOW).unwrap();
    }
    rig.replica.flush(NOW).unwrap();
    assert_eq!(entries(&rig).0, 4, "a vouch for each");
}
