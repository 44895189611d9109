//! A data directory that was put back trusts whom it trusted then, so nobody before that is confirmed: as after a backup was restored.

use verso_identity::{DeviceId, WorkspaceId};
use verso_log::MemoryStorage;
use verso_replica::{Event, HighWater, OpenNotices};
use verso_trust::PeerRole;
use verso_vv::Seq;
use verso_wire::Reason;

use crate::high_water::kept;
use crate::notes::write;
use crate::peer::Peer;
use crate::rig::{NOW, Rig, TestReplica, open, open_marked, other, provisional};
use crate::writer::key;

/// A device with a workspace, and an image of its disk from when it trusted an own device and a friend.
fn with_image() -> (Rig, MemoryStorage, DeviceId, DeviceId) {
    let (mut rig, _workspace) = Rig::with_workspace();
    let own = rig.meet(other(0), PeerRole::Own, &[]).device;
    let friend = rig.meet(other(1), PeerRole::Friend, &[]).device;
    rig.replica.flush(NOW).unwrap();
    let image = rig.disk.snapshot(5);
    (rig, image, own, friend)
}

/// The device goes on from the image, and from then on by itself.
fn put_back(image: &MemoryStorage, mark: &HighWater) -> (Rig, OpenNotices) {
    let (replica, notices) = open_marked(image, mark);
    assert!(notices.rolled_back.is_some());
    (Rig { replica, disk: image.clone(), ..Rig::new() }, notices)
}

fn unconfirmed(replica: &TestReplica) -> Vec<DeviceId> {
    replica.unconfirmed().collect()
}

fn confirmed(rig: &mut Rig) -> usize {
    rig.sort_effects();
    rig.events.iter().filter(|event| matches!(event, Event::Confirmed)).count()
}

#[test]
fn who_was_removed_since_is_not_let_in() {
    let (mut rig, image, own, friend) = with_image();
    rig.replica.forget(friend, NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    let mark = kept(&rig.replica);
    let (mut back, _notices) = put_back(&image, &mark);
    assert_eq!(back.replica.trust().role(&friend), Some(PeerRole::Friend), "so it was then");
    assert_eq!(back.replica.admits(&friend), Err(Reason::Unconfirmed));
    assert_eq!(back.replica.admits(&own), Ok(()), "for the control log");
    assert_eq!(unconfirmed(&back.replica).len(), 2);

    // It is durable, and the mark is answered once.
    for again in [open_marked(&back.disk.crash(1), &mark).0, open(&back.disk.crash(2)).unwrap().0] {
        assert_eq!(unconfirmed(&again).len(), 2);
    }
    back.replica.confirm(own, NOW).unwrap();
    assert_eq!(unconfirmed(&open_marked(&back.disk.crash(3), &mark).0), [friend]);
}

/// What the mark says was written counts, too: who never had it can't know of the removal.
#[test]
fn who_lacks_what_the_mark_tells_confirms_nobody() {
    let (mut rig, image, own, friend) = with_image();
    let before = rig.replica.author();
    let had = rig.replica.head(&WorkspaceId::CONTROL, &before).unwrap().seq;
    rig.replica.forget(friend, NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    let (mut back, _notices) = put_back(&image, &kept(&rig.replica));
    Peer::connect(&mut back, own, &[]);
    assert_eq!((unconfirmed(&back.replica).len(), confirmed(&mut back)), (2, 0), "it holds all that the image holds");
    assert_eq!(back.replica.held(&WorkspaceId::CONTROL).unwrap().get(&before), had);

    // Not so where nothing of the control log is known to be lost.
    let (mut rig, image, own, _friend) = with_image();
    let workspace = rig.replica.workspaces().next().unwrap();
    rig.replica.commit(&workspace, &[write("two")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    let (mut back, _notices) = put_back(&image, &kept(&rig.replica));
    assert_eq!(unconfirmed(&back.replica).len(), 2, "what others had told it may be lost all the same");
    Peer::connect(&mut back, own, &[]);
    assert_eq!((unconfirmed(&back.replica).len(), confirmed(&mut back)), (0, 1));
}

/// Who has one device is asked, and is not locked out.
#[test]
fn without_another_own_device_the_person_confirms() {
    let (mut rig, workspace) = Rig::with_workspace();
    let friends = [0, 1].map(|number| rig.meet(other(number), PeerRole::Friend, &[]).device);
    rig.replica.flush(NOW).unwrap();
    let image = rig.disk.snapshot(5);
    rig.replica.commit(&workspace, &[write("two")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    let (mut back, _notices) = put_back(&image, &kept(&rig.replica));
    assert!(friends.iter().all(|friend| back.replica.admits(friend) == Err(Reason::Unconfirmed)));
    back.replica.commit(&workspace, &[write("meanwhile")], NOW).unwrap();
    back.replica.confirm(friends[0], NOW).unwrap();
    assert_eq!(friends.map(|friend| back.replica.admits(&friend).is_ok()), [true, false]);
    back.replica.confirm(friends[1], NOW).unwrap();
    assert_eq!((friends.map(|friend| back.replica.admits(&friend).is_ok()), confirmed(&mut back)), ([true; 2], 1));
}

#[test]
fn who_has_no_peers_has_nothing_to_confirm() {
    let (mut rig, workspace) = Rig::with_workspace();
    let image = rig.disk.snapshot(5);
    rig.replica.commit(&workspace, &[write("two")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    let (mut back, _notices) = put_back(&image, &kept(&rig.replica));
    assert_eq!(unconfirmed(&back.replica), []);
    let own = back.meet(other(0), PeerRole::Own, &[workspace]).device;
    assert_eq!((unconfirmed(&back.replica), back.replica.admits(&own)), (Vec::new(), Ok(())));
    assert_eq!(back.replica.author().device, rig.replica.author().device);
    assert_ne!(back.replica.head(&workspace, &rig.replica.author()).unwrap().seq, Seq::ZERO);
}

/// Who had been paired and was not met before the image was made may have been met and removed since, and meeting it would confirm it.
#[test]
fn a_pairing_that_was_under_way_is_over() {
    let (mut rig, workspace) = Rig::with_workspace();
    let device = key(other(0)).id();
    rig.replica.store_provisional(provisional(device, PeerRole::Friend)).unwrap();
    let image = rig.disk.snapshot(5);
    assert_eq!(open(&image).unwrap().0.admits(&device), Ok(()), "as long as nothing is known of a removal");
    Peer::connect(&mut rig, device, &[]);
    rig.replica.forget(device, NOW).unwrap();
    rig.replica.commit(&workspace, &[write("two")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    let (back, _notices) = put_back(&image, &kept(&rig.replica));
    for replica in [back.replica, open(&back.disk.crash(1)).unwrap().0] {
        assert!(replica.admits(&device).is_err());
        assert_eq!(replica.provisional_peers(NOW).count(), 0);
    }
}

/// The change and the doubt are one write: however it is cut short, no start trusts more than the one before.
#[test]
fn a_power_cut_costs_no_doubt() {
    let (mut rig, image, _own, friend) = with_image();
    rig.replica.forget(friend, NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    let mark = kept(&rig.replica);
    for after in 0..12 {
        let disk = image.snapshot(after);
        disk.crash_after(after);
        drop(verso_replica::Replica::<_, crate::notes::Notes>::open_marked(
            disk.clone(),
            crate::rig::my_key(),
            "laptop",
            Some(&mark),
            NOW,
        ));
        let (replica, _notices) = open_marked(&disk.crash(after), &mark);
        assert_eq!(replica.admits(&friend), Err(Reason::Unconfirmed), "after {after}");
    }
}
