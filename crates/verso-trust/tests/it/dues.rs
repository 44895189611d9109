//! What a device owes to the workspaces it owns, so that their members are whom the person wants.

use verso_trust::{
    Access, Control, Due, Excluded, FurtherDevice, FurtherDevices, Granted, Included, Membership, PairingSide,
    PeerRole, Removed, Standing, Vouch, Withdrawn, dues,
};

use crate::world::{FOUNDER, Node, admitted, device, workspace};

const RO: Access = Access::ReadOnly;
const RW: Access = Access::ReadWrite;
const OWN: u8 = 2;
const FRIEND: u8 = 3;

/// The founder with another own device that is a co-owner, and a friend that has nothing yet.
fn scene() -> (Node<Control>, Node<Membership>) {
    let (mut control, mut membership) = (Node::<Control>::new(FOUNDER), Node::<Membership>::founder());
    control.write(admitted(device(OWN), PeerRole::Own, PairingSide::Showing));
    control.write(admitted(device(FRIEND), PeerRole::Friend, PairingSide::Showing));
    membership.vouch(device(OWN), RW, Standing::CoOwner);
    (control, membership)
}

fn due(control: &Node<Control>, membership: &Node<Membership>) -> Vec<Due> {
    dues(&control.fold, &membership.fold)
}

fn vouch(number: u8, access: Access, standing: Standing) -> Due {
    Due::Vouch(Vouch { device: device(number), access, standing })
}

fn revoke(number: u8, keeps: Option<Access>) -> Due {
    Due::Revoke { device: device(number), keeps }
}

fn granted(access: Access) -> Granted {
    Granted { device: device(FRIEND), workspace: workspace(), access }
}

#[test]
fn own_devices_are_vouched_for_once_and_with_what_the_voucher_has() {
    let (mut control, mut membership) = scene();
    assert_eq!(due(&control, &membership), []);
    control.write(admitted(device(6), PeerRole::Own, PairingSide::Showing));
    assert_eq!(due(&control, &membership), [vouch(6, RW, Standing::CoOwner)]);
    membership.vouch(device(6), RW, Standing::CoOwner);
    assert_eq!(due(&control, &membership), []);
    control.write(admitted(device(7), PeerRole::Own, PairingSide::Showing));
    control.write(Excluded { workspace: workspace(), device: device(7) });
    assert_eq!(due(&control, &membership), [], "an excluded device is owed nothing");

    // A member of a friend's workspace gives its further devices what it has itself.
    let mut elsewhere = Node::<Control>::new(FRIEND);
    elsewhere.write(admitted(device(8), PeerRole::Own, PairingSide::Showing));
    membership.vouch(device(FRIEND), RO, Standing::Member);
    assert_eq!(dues(&elsewhere.fold, &membership.fold), [vouch(8, RO, Standing::Member)]);
}

#[test]
fn a_friend_gets_what_was_granted_and_loses_what_was_withdrawn() {
    let (mut control, mut membership) = scene();
    control.write(granted(RO));
    assert_eq!(due(&control, &membership), [vouch(FRIEND, RO, Standing::Member)]);
    membership.vouch(device(FRIEND), RO, Standing::Member);
    assert_eq!(due(&control, &membership), []);
    control.write(granted(RW));
    assert_eq!(due(&control, &membership), [vouch(FRIEND, RW, Standing::Member)]);
    membership.vouch(device(FRIEND), RW, Standing::Member);
    control.write(granted(RO));
    assert_eq!(due(&control, &membership), [revoke(FRIEND, Some(RO))], "less is a loss, and has a cut");
    membership.revoke(device(FRIEND), Vec::new(), Some(RO));
    assert_eq!(due(&control, &membership), []);
    control.write(Withdrawn { device: device(FRIEND), workspace: workspace() });
    assert_eq!(due(&control, &membership), [revoke(FRIEND, None)]);
    membership.revoke(device(FRIEND), Vec::new(), None);
    assert_eq!(due(&control, &membership), []);
}

#[test]
fn removed_and_excluded_devices_lose_everything() {
    let (mut control, mut membership) = scene();
    membership.vouch(device(FRIEND), RW, Standing::Member);
    control.write(Excluded { workspace: workspace(), device: device(OWN) });
    assert_eq!(due(&control, &membership), [revoke(OWN, None)]);
    control.write(Removed { device: device(FRIEND), cuts: Vec::new() });
    assert_eq!(due(&control, &membership), [revoke(OWN, None), revoke(FRIEND, None)]);
    // Members whom others let in are none of this person's business.
    membership.vouch(device(9), RW, Standing::Member);
    assert_eq!(due(&control, &membership).len(), 2);
}

#[test]
fn one_of_the_own_devices_carries_it_out() {
    let (mut control, mut membership) = scene();
    let mut own = Node::<Control>::new(OWN);
    own.write(admitted(device(FOUNDER), PeerRole::Own, PairingSide::Joining));
    control.pull(&own);
    own.pull(&control);
    // The one that was told does it.
    own.write(granted(RO));
    control.pull(&own);
    assert_eq!(due(&control, &membership), []);
    assert_eq!(due(&own, &membership), [vouch(FRIEND, RO, Standing::Member)]);
    // A third own device that is no owner there leaves it to the most senior that is.
    let mut third = Node::<Control>::new(5);
    control.pair(&mut third, PeerRole::Own);
    third.pull(&control);
    third.write(granted(RW));
    control.pull(&third);
    own.pull(&third);
    membership.vouch(device(FRIEND), RO, Standing::Member);
    let wanted = vouch(FRIEND, RW, Standing::Member);
    assert!(due(&control, &membership).contains(&wanted));
    assert!(!due(&own, &membership).contains(&wanted));
}

#[test]
fn what_a_device_was_told_that_is_gone_another_carries_out() {
    let (mut control, mut membership) = scene();
    membership.vouch(device(FRIEND), RO, Standing::Member);
    let mut own = Node::<Control>::new(OWN);
    own.write(admitted(device(FOUNDER), PeerRole::Own, PairingSide::Joining));
    own.pull(&control);
    own.write(Withdrawn { device: device(FRIEND), workspace: workspace() });
    control.pull(&own);
    assert_eq!(due(&control, &membership), []);
    control.remove(device(OWN));
    assert_eq!(due(&control, &membership), [revoke(OWN, None), revoke(FRIEND, None)]);
}

fn list(friend: u8, devices: &[u8]) -> FurtherDevices {
    let further = |number: &u8| FurtherDevice {
        device: device(*number),
        noise_key: [*number; 32],
        name: String::new(),
        addresses: Vec::new(),
    };
    FurtherDevices { friend: device(friend), devices: devices.iter().map(further).collect() }
}

#[test]
fn a_friend_s_further_devices_get_and_lose_what_the_friend_does() {
    let (mut control, mut membership) = scene();
    control.write(list(FRIEND, &[5]));
    assert_eq!(due(&control, &membership), [], "it was given nothing yet");
    control.write(granted(RO));
    assert_eq!(due(&control, &membership), [vouch(FRIEND, RO, Standing::Member), vouch(5, RO, Standing::Member)]);
    membership.vouch(device(FRIEND), RW, Standing::Member);
    membership.vouch(device(5), RW, Standing::Member);
    assert_eq!(due(&control, &membership), [revoke(FRIEND, Some(RO)), revoke(5, Some(RO))]);
    let mut gone = control.clone();
    gone.write(list(FRIEND, &[]));
    assert_eq!(due(&gone, &membership), [revoke(FRIEND, Some(RO)), revoke(5, None)]);
    control.remove(device(FRIEND));
    assert_eq!(due(&control, &membership), [revoke(FRIEND, None), revoke(5, None)]);
}

#[test]
fn whom_a_friend_vouched_for_goes_with_the_friend_though_nobody_here_knows_it() {
    let (mut control, mut membership) = scene();
    control.write(granted(RW));
    membership.vouch(device(FRIEND), RW, Standing::Member);
    let mut friend = Node::<Membership>::member(FRIEND);
    let mut hidden = Node::<Membership>::member(6);
    friend.pull(&membership);
    friend.vouch(device(6), RW, Standing::Member);
    hidden.pull(&friend);
    hidden.vouch(device(7), RO, Standing::Member);
    membership.pull(&hidden);
    assert_eq!(due(&control, &membership), []);
    control.write(granted(RO));
    assert_eq!(due(&control, &membership), [revoke(FRIEND, Some(RO)), revoke(6, Some(RO))], "no more than the friend");
    control.write(Withdrawn { device: device(FRIEND), workspace: workspace() });
    let all = [revoke(FRIEND, None), revoke(6, None), revoke(7, None)];
    assert_eq!(due(&control, &membership), all);
    // Also where it shows only after the friend is out.
    let cuts = membership.cuts_of(device(FRIEND));
    membership.revoke(device(FRIEND), cuts, None);
    assert_eq!(due(&control, &membership), [revoke(6, None), revoke(7, None)]);
}

#[test]
fn who_was_taken_out_by_an_owner_is_not_let_in_again_by_a_member() {
    let (_, mut membership) = scene();
    membership.vouch(device(FRIEND), RW, Standing::Member);
    let mut phone = Node::<Control>::new(FRIEND);
    phone.write(admitted(device(5), PeerRole::Own, PairingSide::Showing));
    assert_eq!(dues(&phone.fold, &membership.fold), [vouch(5, RW, Standing::Member)]);
    membership.vouch(device(5), RW, Standing::Member);
    membership.revoke(device(5), Vec::new(), None);
    assert_eq!(dues(&phone.fold, &membership.fold), [], "it would be taken out again, without end");
}

#[test]
fn a_friend_takes_nothing_from_a_device_of_which_it_told_and_that_is_another_s() {
    let (mut control, mut membership) = scene();
    control.write(admitted(device(4), PeerRole::Friend, PairingSide::Showing));
    control.write(granted(RW));
    control.write(Granted { device: device(4), workspace: workspace(), access: RW });
    membership.vouch(device(FRIEND), RW, Standing::Member);
    membership.vouch(device(4), RW, Standing::Member);
    let mut other = Node::<Membership>::member(4);
    other.pull(&membership);
    other.vouch(device(5), RW, Standing::Member);
    membership.pull(&other);
    control.write(list(FRIEND, &[5]));
    control.write(list(FRIEND, &[]));
    assert_eq!(due(&control, &membership), []);
}

#[test]
fn a_friend_decides_nothing_in_a_workspace_of_which_it_is_a_member() {
    let (_, mut membership) = scene();
    let mut friend = Node::<Control>::new(FRIEND);
    friend.write(admitted(device(9), PeerRole::Friend, PairingSide::Showing));
    friend.write(Granted { device: device(9), workspace: workspace(), access: RW });
    membership.vouch(device(FRIEND), RW, Standing::Member);
    assert_eq!(dues(&friend.fold, &membership.fold), [], "sharing onward is the owners' business");
}

#[test]
fn a_device_that_leaves_says_so_itself_and_nobody_else_for_it() {
    let (mut control, mut membership) = scene();
    let mut own = Node::<Control>::new(OWN);
    own.write(admitted(device(FOUNDER), PeerRole::Own, PairingSide::Joining));
    own.pull(&control);
    own.write(Excluded { workspace: workspace(), device: device(OWN) });
    control.pull(&own);
    assert_eq!(due(&control, &membership), [], "its last word may still bring what it wrote");
    assert_eq!(due(&own, &membership), [revoke(OWN, None)]);
    let mut leaving = Node::<Membership>::member(OWN);
    leaving.pull(&membership);
    leaving.revoke(device(OWN), Vec::new(), None);
    membership.pull(&leaving);
    assert_eq!((due(&own, &membership), due(&control, &membership)), (Vec::new(), Vec::new()));
    // It comes back by its own word, too.
    own.write(Included { workspace: workspace(), device: device(OWN) });
    control.pull(&own);
    assert_eq!(due(&control, &membership), [vouch(OWN, RW, Standing::CoOwner)]);
}

#[test]
fn a_friend_that_left_is_not_let_in_again_because_of_what_was_granted_before() {
    let (mut control, mut membership) = scene();
    control.write(granted(RW));
    membership.vouch(device(FRIEND), RW, Standing::Member);
    let mut friend = Node::<Membership>::member(FRIEND);
    friend.pull(&membership);
    friend.revoke(device(FRIEND), Vec::new(), None);
    membership.pull(&friend);
    assert_eq!(membership.fold.access_of(&device(FRIEND)), None);
    assert_eq!(due(&control, &membership), []);
}
