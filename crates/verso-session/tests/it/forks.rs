//! Restored and cloned devices: the evidence reaches whoever has to act on it.

use verso_identity::WorkspaceId;
use verso_session::Mode;
use verso_trust::PeerRole;
use verso_vv::{Author, Seq};
use verso_wire::Reason;

use crate::net::{Net, workspace};

const OPEN: [Mode; 2] = [Mode::StayOpen; 2];

/// A device that was rolled back is shown the seal of what it had written, and gets it back.
#[test]
fn a_rolled_back_device_is_shown_its_seal() {
    let mut net = Net::new(2, 1);
    net.found(0, WorkspaceId::CONTROL, 1);
    net.found(0, workspace(1), 3);
    let backup = net.devices[0].store.clone();
    net.found(0, workspace(1), 3);
    let link = net.connect(0, 1, PeerRole::Own, OPEN);
    net.run();
    net.cut(link);

    net.devices[0].store = backup;
    let link = net.connect(0, 1, PeerRole::Own, OPEN);
    net.run();
    assert_eq!(net.end(link, 0).seen.peer_seals, 1);
    net.assert_equal();
}

/// A net of two devices, both with the chain of the first; then each wrote an entry of its own under the same number.
fn clones() -> (Net, Author, Seq) {
    let mut net = Net::new(2, 1);
    net.found(0, WorkspaceId::CONTROL, 1);
    net.found(0, workspace(1), 3);
    net.devices[1].offers.insert(workspace(1));
    let author = net.devices[0].store.author();
    let original = net.devices[0].store.clone();
    net.devices[1].store.clone_author_of(&original, workspace(1), 3);
    let shared = net.devices[1].store.durable(workspace(1), &author);
    net.devices[0].store.commit(workspace(1), 1, 10);
    net.devices[1].store.commit_as_clone(workspace(1), &original, 1, 11);
    (net, author, shared)
}

/// Two clones that wrote different entries of the same number: both learn of it by the vectors, and each is shown the other's branch.
#[test]
fn clones_of_equal_length_are_shown_each_others_branch() {
    let (mut net, author, shared) = clones();
    let link = net.connect(0, 1, PeerRole::Own, OPEN);
    net.run();
    for end in 0..2 {
        let seen = &net.end(link, end).seen;
        assert_eq!(seen.peer_declined, [(author, shared.next(), Reason::Fork)], "the receiver has its proof");
        assert!(seen.units_sent.get(&workspace(1)).is_some_and(|sent| *sent > 0));
    }
    assert!(net.end(link, 0).session.is_level() && net.end(link, 1).session.is_level());
}

/// Who is to finish does not take the two for level because both have as much.
#[test]
fn clones_of_equal_length_do_not_part_as_if_all_were_done() {
    let (mut net, author, shared) = clones();
    let link = net.connect(0, 1, PeerRole::Own, [Mode::FinishWhenLevel; 2]);
    net.run();
    for end in 0..2 {
        assert_eq!(net.end(link, end).seen.peer_declined, [(author, shared.next(), Reason::Fork)]);
    }
}

/// Where one clone wrote more, its first unit shows the fork to the other, who declines; nothing else is held up.
#[test]
fn clones_of_other_length_are_noticed_by_the_one_behind() {
    let mut net = Net::new(2, 1);
    net.found(0, WorkspaceId::CONTROL, 1);
    net.found(0, workspace(1), 3);
    net.devices[1].offers.insert(workspace(1));
    let author = net.devices[0].store.author();
    let original = net.devices[0].store.clone();
    net.devices[1].store.clone_author_of(&original, workspace(1), 3);
    net.devices[0].store.commit(workspace(1), 1, 10);
    net.devices[0].store.commit(workspace(1), 1, 10);
    net.devices[1].store.commit_as_clone(workspace(1), &original, 1, 11);
    net.found(1, workspace(1), 2);

    let link = net.connect(0, 1, PeerRole::Own, OPEN);
    net.run();
    let [declined] = net.end(link, 0).seen.peer_declined[..] else { panic!("one decline was to come") };
    assert_eq!((declined.0, declined.2), (author, Reason::Fork));
    let other = net.devices[1].store.author();
    assert_eq!(net.devices[0].store.durable(workspace(1), &other), net.devices[1].store.durable(workspace(1), &other));
    assert!(net.end(link, 0).session.is_level() && net.end(link, 1).session.is_level());
}
