//! The one authorisation decision, request by request.

use std::collections::BTreeSet;

use verso_identity::{DeviceId, WorkspaceId};
use verso_trust::{
    Access, Brings, Control, Discard, Excluded, FurtherDevice, FurtherDevices, Granted, HoldReason, Keep,
    MAX_CHAINS_PER_DEVICE, Membership, PairingSide, PeerRole, Refusal, Removed, Request, Resume, Run, Standing,
    Verdict, Withdrawn, WorkspaceKnown, WorkspaceOrigin, decide,
};
use verso_vv::{Author, EntryHash, Seq};

use crate::world::{FOUNDER, Node, admitted, author, device, workspace};

const ALLOW: Verdict = Verdict::Allow;
const RO: Access = Access::ReadOnly;
const RW: Access = Access::ReadWrite;

const ME: u8 = FOUNDER;
const OWN: u8 = 2;
const FRIEND: u8 = 3;
const REMOVED: u8 = 4;
const STRANGER: u8 = 9;

/// This device, which founded the workspace, with an own device that is a co-owner, a friend without any grant, and a removed friend.
struct Scene {
    control: Node<Control>,
    membership: Node<Membership>,
}

impl Scene {
    fn new() -> Self {
        let mut control = Node::<Control>::new(ME);
        control.write(admitted(device(OWN), PeerRole::Own, PairingSide::Showing));
        control.write(admitted(device(FRIEND), PeerRole::Friend, PairingSide::Showing));
        control.write(admitted(device(REMOVED), PeerRole::Friend, PairingSide::Showing));
        control.write(Removed { device: device(REMOVED), cuts: Vec::new() });
        control.write(known(WorkspaceOrigin::Founded));
        let mut membership = Node::<Membership>::founder();
        membership.vouch(device(OWN), RW, Standing::CoOwner);
        Self { control, membership }
    }

    fn share(&mut self, access: Access) {
        self.control.write(Granted { device: device(FRIEND), workspace: workspace(), access });
        self.membership.vouch(device(FRIEND), access, Standing::Member);
    }

    fn decide(&self, request: Request) -> Verdict {
        decide(&request, &self.control.fold, Some(&self.membership.fold))
    }

    fn shares(&self, peer: u8, workspace: WorkspaceId) -> Verdict {
        let peer = device(peer);
        let verdict = self.decide(Request::Offer { peer, workspace });
        assert_eq!(verdict, self.decide(Request::Open { peer, workspace }), "what is offered can be opened");
        verdict
    }

    fn unit(&self, carrier: u8, author: Author, (first, last): (u64, u64), brings: Brings) -> Verdict {
        self.decide(Request::Unit {
            carrier: device(carrier),
            author,
            workspace: workspace(),
            first: Seq(first),
            last: Seq(last),
            brings,
            other_chains: 0,
        })
    }

    fn content(&self, carrier: u8, author: Author, first: u64, last: u64) -> Verdict {
        self.unit(carrier, author, (first, last), Brings::Content)
    }
}

fn known(origin: WorkspaceOrigin) -> WorkspaceKnown {
    WorkspaceKnown { workspace: workspace(), name: "notes".to_owned(), origin }
}

fn refused(refusal: Refusal) -> Verdict {
    Verdict::Refuse(refusal)
}

#[test]
fn only_peers_are_dialled_and_accepted() {
    let mut scene = Scene::new();
    let connects = |scene: &Scene, number: u8| {
        let peer = device(number);
        let verdict = scene.decide(Request::Dial { peer });
        assert_eq!(verdict, scene.decide(Request::Accept { peer }));
        verdict
    };
    assert_eq!(connects(&scene, OWN), ALLOW);
    assert_eq!(connects(&scene, FRIEND), ALLOW);
    assert_eq!(connects(&scene, REMOVED), refused(Refusal::Revoked));
    assert_eq!(connects(&scene, STRANGER), refused(Refusal::NotTrusted));
    assert_eq!(connects(&scene, ME), refused(Refusal::NotTrusted), "not even oneself");

    scene.control.fold.add_provisional(device(STRANGER), 1_000);
    assert_eq!(connects(&scene, STRANGER), ALLOW, "for its first handshake");
    scene.control.fold.lapse_provisional(1_000);
    assert_eq!(connects(&scene, STRANGER), refused(Refusal::NotTrusted));
}

#[test]
fn a_device_that_was_put_back_trusts_own_devices_with_the_control_log_and_nobody_with_more() {
    let mut scene = Scene::new();
    scene.share(RW);
    scene.control.fold.confirm_only(BTreeSet::new());
    let adopts = |scene: &Scene, peer: u8| scene.decide(Request::Adopt { peer: device(peer), workspace: workspace() });
    let unconfirmed = refused(Refusal::Unconfirmed);
    assert_eq!(scene.decide(Request::Dial { peer: device(OWN) }), ALLOW);
    assert_eq!(scene.shares(OWN, WorkspaceId::CONTROL), ALLOW);
    assert_eq!(scene.shares(OWN, workspace()), unconfirmed);
    assert_eq!(adopts(&scene, OWN), unconfirmed);
    assert_eq!(scene.decide(Request::Accept { peer: device(FRIEND) }), unconfirmed);
    assert_eq!(scene.shares(FRIEND, workspace()), unconfirmed);
    assert_eq!(adopts(&scene, FRIEND), unconfirmed);
    assert!(scene.control.fold.is_unconfirmed(&device(OWN)));

    scene.control.fold.confirm_only(BTreeSet::from([device(FRIEND)]));
    assert_eq!(scene.shares(FRIEND, workspace()), ALLOW, "each by name");
    assert_eq!(scene.shares(OWN, workspace()), unconfirmed);
    assert_eq!(scene.shares(REMOVED, workspace()), refused(Refusal::Revoked), "and nobody who was removed");
    scene.control.fold.confirm_all();
    assert_eq!(scene.shares(OWN, workspace()), ALLOW);
    assert!(!scene.control.fold.is_unconfirmed(&device(OWN)));
}

#[test]
fn the_control_log_is_for_own_devices_only() {
    let mut scene = Scene::new();
    scene.share(RW);
    scene.control.fold.add_provisional(device(STRANGER), 1_000);
    assert_eq!(scene.shares(OWN, WorkspaceId::CONTROL), ALLOW);
    assert_eq!(scene.shares(FRIEND, WorkspaceId::CONTROL), refused(Refusal::NoGrant));
    assert_eq!(scene.shares(REMOVED, WorkspaceId::CONTROL), refused(Refusal::Revoked));
    assert_eq!(scene.shares(STRANGER, WorkspaceId::CONTROL), refused(Refusal::NotTrusted), "provisional as it is");
}

#[test]
fn an_own_device_has_every_workspace_that_is_not_excluded() {
    let mut scene = Scene::new();
    assert_eq!(scene.shares(OWN, workspace()), ALLOW);
    scene.control.write(Excluded { workspace: workspace(), device: device(OWN) });
    assert_eq!(scene.shares(OWN, workspace()), refused(Refusal::NoGrant));
}

#[test]
fn a_device_that_is_excluded_itself_shares_and_takes_and_writes_nothing() {
    let mut scene = Scene::new();
    scene.share(RW);
    let mut own = Node::<Control>::new(OWN);
    own.write(admitted(device(ME), PeerRole::Own, PairingSide::Joining));
    own.pull(&scene.control);
    own.write(Excluded { workspace: workspace(), device: device(ME) });
    scene.control.pull(&own);
    assert_eq!(scene.shares(OWN, workspace()), refused(Refusal::NoGrant));
    assert_eq!(scene.shares(FRIEND, workspace()), refused(Refusal::NoGrant));
    assert_eq!(scene.content(OWN, author(OWN, 1), 1, 1), refused(Refusal::Declined));
    let adopt = Request::Adopt { peer: device(OWN), workspace: workspace() };
    assert_eq!(scene.decide(adopt), refused(Refusal::Declined));
    let write = Request::Write { workspace: workspace(), author: author(ME, 1) };
    assert_eq!(scene.decide(write), refused(Refusal::NoGrant));
}

/// Whoever leaves has a last word, which has to reach the others; then nothing more comes or goes.
#[test]
fn a_device_that_left_shares_until_the_others_have_heard() {
    let mut scene = Scene::new();
    scene.share(RW);
    scene.control.write(Excluded { workspace: workspace(), device: device(ME) });
    for peer in [OWN, FRIEND] {
        assert_eq!(scene.shares(peer, workspace()), ALLOW);
    }
    assert_eq!(scene.content(OWN, author(OWN, 1), 1, 1), ALLOW);
    let adopt = Request::Adopt { peer: device(OWN), workspace: workspace() };
    assert_eq!(scene.decide(adopt), refused(Refusal::Declined));
    let write = Request::Write { workspace: workspace(), author: author(ME, 1) };
    assert_eq!(scene.decide(write), refused(Refusal::NoGrant));

    // At another own device: it is given nothing more once its last word is there.
    let mut other = Node::<Control>::new(OWN);
    other.write(admitted(device(ME), PeerRole::Own, PairingSide::Joining));
    other.pull(&scene.control);
    let mut membership = scene.membership.clone();
    let open = Request::Open { peer: device(ME), workspace: workspace() };
    assert_eq!(decide(&open, &other.fold, Some(&membership.fold)), ALLOW);
    membership.revoke(device(ME), Vec::new(), None);
    assert_eq!(decide(&open, &other.fold, Some(&membership.fold)), refused(Refusal::NoGrant));
}

#[test]
fn a_friend_has_what_was_granted() {
    let mut scene = Scene::new();
    assert_eq!(scene.shares(FRIEND, workspace()), refused(Refusal::NoGrant));
    // The person's word alone is not enough: the workspace's own log has to say so, or others would decline what the friend writes.
    scene.control.write(Granted { device: device(FRIEND), workspace: workspace(), access: RO });
    assert_eq!(scene.shares(FRIEND, workspace()), refused(Refusal::NoGrant));
    scene.membership.vouch(device(FRIEND), RO, Standing::Member);
    assert_eq!(scene.shares(FRIEND, workspace()), ALLOW);
    // And a grant that is taken back is closed at once, whether or not the workspace's log says so yet.
    scene.control.write(Withdrawn { device: device(FRIEND), workspace: workspace() });
    assert_eq!(scene.shares(FRIEND, workspace()), refused(Refusal::NoGrant));
}

#[test]
fn a_friend_cannot_tell_a_workspace_it_may_not_have_from_one_that_is_not_there() {
    let scene = Scene::new();
    let (peer, nowhere) = (device(FRIEND), WorkspaceId::from_bytes([9; 16]));
    let there = scene.decide(Request::Open { peer, workspace: workspace() });
    let not_there = decide(&Request::Open { peer, workspace: nowhere }, &scene.control.fold, None);
    assert_eq!(there, not_there);
}

#[test]
fn a_friend_that_is_removed_has_nothing_whatever_the_log_says() {
    let mut scene = Scene::new();
    scene.share(RW);
    scene.control.write(Removed { device: device(FRIEND), cuts: Vec::new() });
    assert_eq!(scene.shares(FRIEND, workspace()), refused(Refusal::Revoked));
    // Paired again, it still has nothing: the grant went with the removal.
    scene.control.write(admitted(device(FRIEND), PeerRole::Friend, PairingSide::Showing));
    assert_eq!(scene.shares(FRIEND, workspace()), refused(Refusal::NoGrant));
}

#[test]
fn offers_of_own_devices_are_adopted_and_those_of_friends_wait() {
    let scene = Scene::new();
    let new = WorkspaceId::from_bytes([9; 16]);
    let adopt = |peer: u8| decide(&Request::Adopt { peer: device(peer), workspace: new }, &scene.control.fold, None);
    assert_eq!(adopt(OWN), ALLOW);
    assert_eq!(adopt(FRIEND), Verdict::Hold(HoldReason::Consent));
    assert_eq!(adopt(STRANGER), refused(Refusal::NotTrusted));
    let control = Request::Adopt { peer: device(OWN), workspace: WorkspaceId::CONTROL };
    assert_eq!(scene.decide(control), refused(Refusal::NoGrant));
}

#[test]
fn a_friends_offer_of_a_workspace_held_from_elsewhere_is_refused() {
    let mut scene = Scene::new();
    let adopt = Request::Adopt { peer: device(FRIEND), workspace: workspace() };
    assert_eq!(scene.decide(adopt), refused(Refusal::HeldElsewhere));
    scene.share(RO);
    assert_eq!(scene.decide(adopt), ALLOW, "a member offers what it has");
}

/// A device that took the friend's workspace, before and after its log came.
#[test]
fn an_adopted_workspace_bootstraps_from_who_offered_it() {
    let friend = Node::<Membership>::founder();
    let mut control = Node::<Control>::new(7);
    control.write(admitted(device(FOUNDER), PeerRole::Friend, PairingSide::Joining));
    control.write(admitted(device(FRIEND), PeerRole::Friend, PairingSide::Joining));
    control.write(known(WorkspaceOrigin::Adopted { from: device(FOUNDER) }));
    let empty = Membership::new(workspace());
    let opens = |membership: &Membership, peer: DeviceId| {
        decide(&Request::Open { peer, workspace: workspace() }, &control.fold, Some(membership))
    };
    assert_eq!(opens(&empty, device(FOUNDER)), ALLOW);
    assert_eq!(opens(&empty, device(FRIEND)), refused(Refusal::NoGrant));

    let founding = Request::Unit {
        carrier: device(FOUNDER),
        author: friend.author,
        workspace: workspace(),
        first: Seq(1),
        last: Seq(1),
        brings: Brings::Membership,
        other_chains: 0,
    };
    assert_eq!(decide(&founding, &control.fold, Some(&empty)), refused(Refusal::Declined));
    let preview = empty.preview(friend.held.values().cloned());
    assert_eq!(decide(&founding, &control.fold, Some(&preview)), ALLOW);
    // With the founder known, the log decides, and nobody has vouched for this friend.
    assert_eq!(opens(&preview, device(FOUNDER)), ALLOW);
    assert_eq!(opens(&preview, device(FRIEND)), refused(Refusal::NoGrant));
}

/// Whose log has not begun here came from nobody if this device founded it: then no friend gets it before it says who has it.
#[test]
fn a_founded_workspace_bootstraps_from_no_friend() {
    let mut control = Node::<Control>::new(7);
    control.write(admitted(device(FRIEND), PeerRole::Friend, PairingSide::Joining));
    control.write(known(WorkspaceOrigin::Founded));
    let empty = Membership::new(workspace());
    for membership in [None, Some(&empty)] {
        let open = Request::Open { peer: device(FRIEND), workspace: workspace() };
        assert_eq!(decide(&open, &control.fold, membership), refused(Refusal::NoGrant));
    }
}

/// The log comes in pieces, and who brings it may be one whom the founder let in further on.
#[test]
fn an_adopted_workspace_bootstraps_from_a_device_that_did_not_found_it() {
    let mut founder = Node::<Membership>::founder();
    let mut control = Node::<Control>::new(7);
    control.write(admitted(device(FRIEND), PeerRole::Friend, PairingSide::Joining));
    control.write(known(WorkspaceOrigin::Adopted { from: device(FRIEND) }));
    let opens = |membership: &Membership| {
        decide(&Request::Open { peer: device(FRIEND), workspace: workspace() }, &control.fold, Some(membership))
    };
    assert_eq!(opens(&founder.fold), ALLOW);
    founder.vouch(device(7), Access::ReadWrite, Standing::Member);
    assert_eq!(opens(&founder.fold), refused(Refusal::NoGrant), "once this device is let in the log decides");
    founder.vouch(device(FRIEND), Access::ReadWrite, Standing::Member);
    assert_eq!(opens(&founder.fold), ALLOW);
    let mut revoked = Node::<Membership>::founder();
    revoked.vouch(device(FRIEND), Access::ReadWrite, Standing::Member);
    revoked.revoke(device(FRIEND), Vec::new(), None);
    assert_eq!(opens(&revoked.fold), refused(Refusal::NoGrant));
}

/// The founder's word for this device may come before another device's word for the one of the founder's person that brings it all.
#[test]
fn who_brings_an_adopted_workspace_goes_on_while_the_log_knows_only_another_device_of_that_person() {
    let mut founder = Node::<Membership>::founder();
    founder.vouch(device(7), RW, Standing::Member);
    let mut control = Node::<Control>::new(7);
    control.write(admitted(device(FRIEND), PeerRole::Friend, PairingSide::Joining));
    control.write(known(WorkspaceOrigin::Adopted { from: device(FRIEND) }));
    let opens = |control: &Control, membership: &Membership| {
        let open = Request::Open { peer: device(FRIEND), workspace: workspace() };
        assert_eq!(decide(&open, control, Some(membership)), decide(&offer(FRIEND), control, Some(membership)));
        decide(&open, control, Some(membership))
    };
    assert_eq!(opens(&control.fold, &founder.fold), refused(Refusal::NoGrant), "it is nobody's who is in there");
    let (noise_key, name, addresses) = ([8; 32], String::new(), Vec::new());
    let further = FurtherDevice { device: device(FOUNDER), noise_key, name, addresses };
    control.write(FurtherDevices { friend: device(FRIEND), devices: vec![further] });
    assert_eq!(opens(&control.fold, &founder.fold), ALLOW);
    let mut revoked = founder.clone();
    revoked.vouch(device(FRIEND), RW, Standing::Member);
    revoked.revoke(device(FRIEND), Vec::new(), None);
    assert_eq!(opens(&control.fold, &revoked.fold), refused(Refusal::NoGrant), "it was taken out");
    founder.revoke(device(7), Vec::new(), None);
    assert_eq!(opens(&control.fold, &founder.fold), refused(Refusal::NoGrant), "this device was");
    control.write(Withdrawn { device: device(FRIEND), workspace: workspace() });
    assert_eq!(opens(&control.fold, &Membership::new(workspace())), refused(Refusal::NoGrant), "the person says no");
}

fn offer(peer: u8) -> Request {
    Request::Offer { peer: device(peer), workspace: workspace() }
}

#[test]
fn a_unit_is_judged_by_its_author_whoever_carries_it() {
    let mut scene = Scene::new();
    scene.share(RW);
    for carrier in [OWN, FRIEND] {
        assert_eq!(scene.content(carrier, author(FRIEND, 1), 1, 9), ALLOW);
        assert_eq!(scene.content(carrier, author(OWN, 1), 1, 9), ALLOW);
        assert_eq!(scene.content(carrier, author(ME, 5), 1, 9), ALLOW, "an old chain of this very device");
    }
    assert_eq!(scene.content(OWN, author(STRANGER, 1), 1, 9), Verdict::Hold(HoldReason::Unvouched));
    assert_eq!(scene.content(FRIEND, author(STRANGER, 1), 1, 9), refused(Refusal::Declined));
    let elsewhere = Request::Unit {
        carrier: device(OWN),
        author: author(OWN, 1),
        workspace: WorkspaceId::from_bytes([9; 16]),
        first: Seq(1),
        last: Seq(1),
        brings: Brings::Content,
        other_chains: 0,
    };
    assert_eq!(decide(&elsewhere, &scene.control.fold, None), refused(Refusal::Declined));
}

#[test]
fn a_read_only_authors_content_is_refused_and_its_vouches_are_taken() {
    let mut scene = Scene::new();
    scene.share(RO);
    let reader = author(FRIEND, 1);
    assert_eq!(scene.content(FRIEND, reader, 1, 1), refused(Refusal::ReadOnly));
    assert_eq!(scene.content(OWN, reader, 1, 1), Verdict::Hold(HoldReason::ReadOnly));
    assert_eq!(scene.unit(FRIEND, reader, (1, 1), Brings::Membership), ALLOW);
}

#[test]
fn a_unit_past_a_cut_is_held_from_an_own_device_and_declined_from_a_friend() {
    let mut scene = Scene::new();
    scene.share(RW);
    let mut friend = Node::<Membership>::member(FRIEND);
    friend.write_content(5);
    scene.membership.revoke(device(FRIEND), vec![friend.head()], None);
    assert_eq!(scene.content(FRIEND, friend.author, 4, 7), ALLOW, "a part of it counts");
    assert_eq!(scene.content(OWN, friend.author, 6, 7), Verdict::Hold(HoldReason::Cut));
    assert_eq!(scene.content(FRIEND, friend.author, 6, 7), refused(Refusal::Declined));
    assert_eq!(scene.content(FRIEND, author(FRIEND, 2), 1, 1), refused(Refusal::Declined), "a fresh incarnation");
}

#[test]
fn what_was_cut_is_held_where_what_follows_counts() {
    let mut scene = Scene::new();
    scene.share(RW);
    let mut friend = Node::<Membership>::member(FRIEND);
    friend.pull(&scene.membership);
    friend.write_content(5);
    scene.membership.revoke(device(FRIEND), vec![friend.head()], None);
    friend.write_content(5);
    // Vouched for again, it is about to say that it knows; the entries before that have to come first.
    scene.membership.vouch(device(FRIEND), RW, Standing::Member);
    assert_eq!(scene.content(FRIEND, friend.author, 6, 10), Verdict::Hold(HoldReason::Cut));
    friend.pull(&scene.membership);
    friend.write(Resume {});
    let resume = friend.held.values().filter(|(context, _)| context.author == friend.author).cloned();
    let preview = scene.membership.fold.preview(resume);
    let unit = Request::Unit {
        carrier: device(FRIEND),
        author: friend.author,
        workspace: workspace(),
        first: Seq(11),
        last: Seq(12),
        brings: Brings::Content,
        other_chains: 0,
    };
    assert_eq!(decide(&unit, &scene.control.fold, Some(&preview)), ALLOW);
}

#[test]
fn what_was_discarded_is_held_where_something_behind_it_was_kept() {
    let mut scene = Scene::new();
    let run =
        |first, last| Run { author: author(STRANGER, 1), first: Seq(first), last: Seq(last), hash: EntryHash([1; 32]) };
    scene.membership.write(Discard { run: run(1, 4) });
    scene.membership.write(Keep { run: run(5, 6) });
    assert_eq!(scene.content(FRIEND, author(STRANGER, 1), 1, 4), Verdict::Hold(HoldReason::Cut));
    assert_eq!(scene.content(FRIEND, author(STRANGER, 1), 5, 6), ALLOW);
    assert_eq!(scene.content(FRIEND, author(STRANGER, 1), 7, 7), refused(Refusal::Declined));
    // Likewise what lies in front of it and was neither.
    scene.membership.write(Keep { run: Run { author: author(STRANGER, 2), ..run(5, 6) } });
    assert_eq!(scene.content(FRIEND, author(STRANGER, 2), 1, 4), Verdict::Hold(HoldReason::Cut));
}

#[test]
fn a_device_has_at_most_64_chains() {
    let scene = Scene::new();
    let unit = |other_chains| {
        scene.decide(Request::Unit {
            carrier: device(OWN),
            author: author(OWN, 1),
            workspace: workspace(),
            first: Seq(1),
            last: Seq(1),
            brings: Brings::Content,
            other_chains,
        })
    };
    assert_eq!(unit(MAX_CHAINS_PER_DEVICE - 1), ALLOW);
    assert_eq!(unit(MAX_CHAINS_PER_DEVICE), refused(Refusal::Limit));
}

#[test]
fn units_of_the_control_log_come_from_own_devices() {
    let mut scene = Scene::new();
    let own = Node::<Control>::new(OWN);
    let unit = |scene: &Scene, carrier: u8, author: Author, last: u64| {
        scene.decide(Request::Unit {
            carrier: device(carrier),
            author,
            workspace: WorkspaceId::CONTROL,
            first: Seq(1),
            last: Seq(last),
            brings: Brings::Content,
            other_chains: 0,
        })
    };
    assert_eq!(unit(&scene, OWN, own.author, 3), ALLOW);
    assert_eq!(unit(&scene, FRIEND, own.author, 3), refused(Refusal::NoGrant));
    // Whom another own device has admitted may be heard before the admission is.
    assert_eq!(unit(&scene, OWN, author(STRANGER, 1), 3), Verdict::Hold(HoldReason::Unvouched));
    scene.control.write(Removed { device: device(OWN), cuts: Vec::new() });
    scene.control.write(admitted(device(6), PeerRole::Own, PairingSide::Showing));
    assert_eq!(unit(&scene, 6, own.author, 3), Verdict::Hold(HoldReason::Cut));
    assert_eq!(unit(&scene, OWN, own.author, 3), refused(Refusal::NoGrant));
}

#[test]
fn a_device_writes_as_itself_where_it_has_write_access() {
    let scene = Scene::new();
    let write = |author: Author| scene.decide(Request::Write { workspace: workspace(), author });
    assert_eq!(write(author(ME, 1)), ALLOW);
    assert_eq!(write(author(OWN, 1)), refused(Refusal::NotTrusted), "as nobody else");
    let nowhere = Request::Write { workspace: WorkspaceId::from_bytes([9; 16]), author: author(ME, 1) };
    assert_eq!(decide(&nowhere, &scene.control.fold, None), refused(Refusal::NoGrant));
}

#[test]
fn a_read_only_device_refuses_its_own_write() {
    let mut founder = Node::<Membership>::founder();
    let control = Node::<Control>::new(5);
    let write = |founder: &Node<Membership>| {
        decide(&Request::Write { workspace: workspace(), author: author(5, 1) }, &control.fold, Some(&founder.fold))
    };
    assert_eq!(write(&founder), refused(Refusal::NoGrant));
    founder.vouch(device(5), RO, Standing::Member);
    assert_eq!(write(&founder), refused(Refusal::ReadOnly));
    founder.vouch(device(5), RW, Standing::Member);
    assert_eq!(write(&founder), ALLOW);
    founder.revoke(device(5), Vec::new(), None);
    assert_eq!(write(&founder), refused(Refusal::Revoked));
    founder.vouch(device(5), RW, Standing::Member);
    assert_eq!(write(&founder), Verdict::Hold(HoldReason::Resume), "first it has to say that it knows");
}

#[test]
fn a_removed_device_writes_nothing_in_the_control_log() {
    let mut devices = [Node::<Control>::new(1), Node::<Control>::new(2)];
    let [first, second] = &mut devices;
    first.pair(second, PeerRole::Own);
    first.pull(second);
    second.pull(first);
    let write = |node: &Node<Control>| {
        decide(&Request::Write { workspace: WorkspaceId::CONTROL, author: node.author }, &node.fold, None)
    };
    assert_eq!(write(second), ALLOW);
    first.remove(device(2));
    second.pull(first);
    assert_eq!(write(second), refused(Refusal::Revoked));
    first.write(admitted(device(2), PeerRole::Own, PairingSide::Showing));
    second.pull(first);
    assert_eq!(write(second), ALLOW);
}
