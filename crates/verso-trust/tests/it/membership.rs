//! Who may do what in a workspace: founding, vouching, revoking, and who outranks whom.

use verso_identity::WorkspaceId;
use verso_trust::{
    Access, Admission, EventContext, Found, HeldReason, Membership, MembershipEvent, Revoke, Standing, Vouch,
};
use verso_vv::Seq;

use crate::world::{FOUNDER, NONCE, Node, author, device, meet, nothing};

type Member = Node<Membership>;

const RO: Access = Access::ReadOnly;
const RW: Access = Access::ReadWrite;
const MEMBER: Standing = Standing::Member;
const OWNER: Standing = Standing::CoOwner;

/// A founder, and others with this access and standing, numbered from 2, vouched for by the founder in this order; all have met.
fn workspace_of(others: &[(Access, Standing)]) -> Vec<Member> {
    let mut nodes = vec![Member::founder()];
    for (number, (access, standing)) in (2..).zip(others) {
        nodes[0].vouch(device(number), *access, *standing);
        nodes.push(Member::member(number));
    }
    meet(&mut nodes.iter_mut().collect::<Vec<_>>());
    nodes
}

fn members(membership: &Membership) -> Vec<(u8, Access, Standing)> {
    membership.members().map(|member| (member.device.as_bytes()[0], member.access, member.standing)).collect()
}

fn all_see(nodes: &[Member], expected: &[(u8, Access, Standing)]) {
    for node in nodes {
        assert_eq!(members(&node.fold), expected, "seen from {}", node.me);
    }
}

fn cut_by(revocation: &EventContext) -> Admission {
    Admission::Held(HeldReason::Cut { by: revocation.author.device, at: revocation.hlc })
}

#[test]
fn the_founder_is_who_the_workspace_id_says() {
    let founder = Member::founder();
    assert_eq!(founder.fold.founder(), Some(device(FOUNDER)));
    assert_eq!(members(&founder.fold), [(FOUNDER, RW, OWNER)]);
    assert_eq!(founder.fold.admits(&founder.author, Seq(99)), Admission::Applied);

    let mut pretender = Member::member(9);
    pretender.write(Found { nonce: NONCE });
    pretender.vouch(device(8), RW, OWNER);
    assert_eq!(pretender.fold.founder(), None);
    assert_eq!(members(&pretender.fold), []);
    assert_eq!(pretender.fold.admits(&pretender.author, Seq::FIRST), Admission::Unknown);

    let mut elsewhere = Membership::new(WorkspaceId::from_bytes([1; 16]));
    let (context, event) = founder.held.values().next().unwrap().clone();
    elsewhere.apply(&context, event);
    assert_eq!(elsewhere.founder(), None, "an entry proves a founder of its own workspace only");
}

#[test]
fn a_preview_judges_the_founding_chain_by_its_own_first_entry() {
    let founder = Member::founder();
    let empty = Membership::new(crate::world::workspace());
    let preview = empty.preview(founder.held.values().cloned());
    assert_eq!(preview.admits(&founder.author, Seq::FIRST), Admission::Applied);
    assert_eq!(empty.admits(&founder.author, Seq::FIRST), Admission::Unknown, "the fold itself is as it was");
}

#[test]
fn co_owners_grant_and_revoke() {
    let mut nodes = workspace_of(&[(RW, OWNER), (RW, MEMBER)]);
    nodes[1].vouch(device(4), RO, MEMBER);
    nodes[1].vouch(device(5), RW, OWNER);
    nodes[1].revoke(device(3), Vec::new(), None);
    meet(&mut nodes.iter_mut().collect::<Vec<_>>());
    all_see(&nodes, &[(1, RW, OWNER), (2, RW, OWNER), (4, RO, MEMBER), (5, RW, OWNER)]);
    assert!(nodes[0].fold.was_member(&device(3)) && !nodes[0].fold.was_member(&device(9)));
    let vouched_by: Vec<_> = nodes[0].fold.members().map(|member| member.vouched_by).collect();
    assert_eq!(vouched_by, [None, Some(device(1)), Some(device(2)), Some(device(2))]);
}

#[test]
fn a_member_vouches_its_further_devices_with_at_most_its_own_access() {
    let mut nodes = workspace_of(&[(RW, MEMBER), (RO, MEMBER)]);
    nodes[1].vouch(device(4), RW, MEMBER);
    nodes[1].vouch(device(5), RW, OWNER);
    nodes[2].vouch(device(6), RO, MEMBER);
    nodes[2].vouch(device(7), RW, MEMBER);
    meet(&mut nodes.iter_mut().collect::<Vec<_>>());
    all_see(&nodes, &[(1, RW, OWNER), (2, RW, MEMBER), (3, RO, MEMBER), (4, RW, MEMBER), (6, RO, MEMBER)]);
}

#[test]
fn a_further_device_may_vouch_the_next() {
    let mut nodes = workspace_of(&[(RO, MEMBER)]);
    nodes.push(Member::member(3));
    nodes[1].vouch(device(3), RO, MEMBER);
    nodes[2].vouch(device(4), RO, MEMBER);
    nodes[2].vouch(device(5), RW, MEMBER);
    meet(&mut nodes.iter_mut().collect::<Vec<_>>());
    all_see(&nodes, &[(1, RW, OWNER), (2, RO, MEMBER), (3, RO, MEMBER), (4, RO, MEMBER)]);
}

#[test]
fn nobody_raises_itself() {
    let mut nodes = workspace_of(&[(RO, MEMBER)]);
    let myself = nodes[1].me;
    nodes[1].vouch(myself, RW, OWNER);
    nodes[1].vouch(myself, RW, MEMBER);
    nodes[1].revoke(myself, Vec::new(), Some(RW));
    meet(&mut nodes.iter_mut().collect::<Vec<_>>());
    assert!(nodes[0].fold.access_of(&device(2)) < Some(RW));
}

#[test]
fn a_member_revokes_nobody_else_and_a_stranger_nothing() {
    let mut nodes = workspace_of(&[(RW, MEMBER), (RW, MEMBER)]);
    nodes.push(Member::member(9));
    let founder = nodes[0].clone();
    nodes[3].pull(&founder);
    nodes[1].revoke(device(3), Vec::new(), None);
    nodes[3].revoke(device(3), Vec::new(), None);
    nodes[3].vouch(device(8), RW, MEMBER);
    meet(&mut nodes.iter_mut().collect::<Vec<_>>());
    all_see(&nodes, &[(1, RW, OWNER), (2, RW, MEMBER), (3, RW, MEMBER)]);
}

#[test]
fn a_member_may_leave() {
    let mut nodes = workspace_of(&[(RW, MEMBER)]);
    nodes[1].write_content(3);
    let leaving = nodes[1].me;
    nodes[1].revoke(leaving, Vec::new(), None);
    let gone = nodes[1].head().seq;
    meet(&mut nodes.iter_mut().collect::<Vec<_>>());
    all_see(&nodes, &[(1, RW, OWNER)]);
    assert_eq!(nodes[0].fold.admits(&nodes[1].author, gone), Admission::Applied, "its chain ends where it left");
    assert!(matches!(nodes[0].fold.admits(&nodes[1].author, gone.next()), Admission::Held(_)));
}

#[test]
fn a_revocation_cuts_the_chains_it_names_and_all_of_those_it_does_not() {
    let mut nodes = workspace_of(&[(RW, MEMBER)]);
    nodes[1].write_content(5);
    let (named, unnamed) = (nodes[1].head(), author(2, 77));
    assert_eq!(nodes[0].fold.admits(&unnamed, Seq::FIRST), Admission::Applied);
    let revocation = nodes[0].revoke(device(2), vec![named.clone()], None);
    let fold = &nodes[0].fold;
    assert_eq!(fold.admits(&named.author, named.seq), Admission::Applied);
    assert_eq!(fold.admits(&named.author, named.seq.next()), cut_by(&revocation));
    assert_eq!(fold.admits(&unnamed, Seq::FIRST), cut_by(&revocation), "also a fresh incarnation's");
    assert_eq!(fold.admissions(&named.author).applied(), [(Seq::FIRST, named.seq)]);
}

#[test]
fn of_concurrent_cuts_the_smaller_holds() {
    let mut nodes = workspace_of(&[(RW, OWNER), (RW, MEMBER)]);
    nodes[2].write_content(4);
    let early = nodes[2].head();
    nodes[2].write_content(4);
    let late = nodes[2].head();
    nodes[0].revoke(device(3), vec![late], None);
    nodes[1].revoke(device(3), vec![early.clone()], None);
    meet(&mut nodes.iter_mut().collect::<Vec<_>>());
    for node in &nodes {
        assert_eq!(node.fold.admissions(&early.author).applied(), [(Seq::FIRST, early.seq)]);
    }
}

#[test]
fn what_a_revoked_device_vouched_past_its_cut_is_void_and_what_it_vouched_before_stays() {
    let mut nodes = workspace_of(&[(RW, MEMBER)]);
    nodes[1].vouch(device(4), RW, MEMBER);
    let cut = nodes[1].head();
    nodes[1].vouch(device(5), RW, MEMBER);
    nodes[0].revoke(device(2), vec![cut], None);
    meet(&mut nodes.iter_mut().collect::<Vec<_>>());
    all_see(&nodes, &[(1, RW, OWNER), (4, RW, MEMBER)]);
}

#[test]
fn revocation_wins_over_a_concurrent_vouch() {
    let mut nodes = workspace_of(&[(RW, OWNER), (RW, MEMBER)]);
    nodes[0].revoke(device(3), Vec::new(), None);
    nodes[1].vouch(device(3), RW, MEMBER);
    meet(&mut nodes.iter_mut().collect::<Vec<_>>());
    all_see(&nodes, &[(1, RW, OWNER), (2, RW, OWNER)]);
}

#[test]
fn a_device_that_loses_write_access_reads_on() {
    let mut nodes = workspace_of(&[(RW, MEMBER)]);
    nodes[1].write_content(2);
    let cut = nodes[1].head();
    let revocation = nodes[0].revoke(device(2), vec![cut.clone()], Some(RO));
    nodes[1].write_content(1);
    meet(&mut nodes.iter_mut().collect::<Vec<_>>());
    all_see(&nodes, &[(1, RW, OWNER), (2, RO, MEMBER)]);
    assert_eq!(nodes[0].fold.admits(&cut.author, cut.seq.next()), cut_by(&revocation));
    // Knowing of it, it may still vouch a further device, with what it has left.
    nodes[1].vouch(device(4), RO, MEMBER);
    nodes[1].vouch(device(5), RW, MEMBER);
    meet(&mut nodes.iter_mut().collect::<Vec<_>>());
    all_see(&nodes, &[(1, RW, OWNER), (2, RO, MEMBER), (4, RO, MEMBER)]);
    let theirs = nodes[0].fold.membership_admissions(&cut.author);
    assert_eq!(theirs.applied(), [(Seq::FIRST, cut.seq), (cut.seq.next().next(), Seq(u64::MAX))]);
}

#[test]
fn a_co_owner_can_be_made_a_member() {
    let mut nodes = workspace_of(&[(RW, OWNER)]);
    let cut = nodes[1].head();
    nodes[0].revoke(device(2), vec![cut], Some(RW));
    nodes[1].vouch(device(4), RW, OWNER);
    meet(&mut nodes.iter_mut().collect::<Vec<_>>());
    all_see(&nodes, &[(1, RW, OWNER), (2, RW, MEMBER)]);
}

#[test]
fn a_read_only_device_that_is_given_write_access_needs_nothing_else() {
    let mut nodes = workspace_of(&[(RO, MEMBER)]);
    let reader = nodes[1].author;
    assert_eq!(nodes[0].fold.admits(&reader, Seq::FIRST), Admission::Held(HeldReason::ReadOnly));
    nodes[0].vouch(device(2), RW, MEMBER);
    assert_eq!(nodes[0].fold.admits(&reader, Seq::FIRST), Admission::Applied);
    assert!(!nodes[0].fold.must_resume(&reader));
}

#[test]
fn of_mutual_revocations_between_co_owners_the_seniors_counts() {
    let mut nodes = workspace_of(&[(RW, OWNER), (RW, OWNER)]);
    let (second, third) = (nodes[1].head(), nodes[2].head());
    nodes[2].set_clock(1);
    nodes[1].revoke(device(3), vec![third], None);
    nodes[2].revoke(device(2), vec![second], None);
    meet(&mut nodes.iter_mut().collect::<Vec<_>>());
    all_see(&nodes, &[(1, RW, OWNER), (2, RW, OWNER)]);
}

#[test]
fn of_two_whom_the_same_vouched_for_the_first_is_the_senior() {
    let (mut founder, mut second, mut third) = (Member::founder(), Member::member(2), Member::member(3));
    founder.vouch(device(3), RW, OWNER);
    founder.vouch(device(2), RW, OWNER);
    meet(&mut [&mut founder, &mut second, &mut third]);
    let (cut_second, cut_third) = (second.head(), third.head());
    second.revoke(device(3), vec![cut_third], None);
    third.revoke(device(2), vec![cut_second], None);
    meet(&mut [&mut founder, &mut second, &mut third]);
    assert_eq!(members(&founder.fold), [(1, RW, OWNER), (3, RW, OWNER)]);
}

#[test]
fn the_founder_is_senior_to_all() {
    let mut nodes = workspace_of(&[(RW, OWNER)]);
    let (founder, second) = (nodes[0].head(), nodes[1].head());
    nodes[1].revoke(device(FOUNDER), vec![founder], None);
    nodes[0].revoke(device(2), vec![second], None);
    meet(&mut nodes.iter_mut().collect::<Vec<_>>());
    all_see(&nodes, &[(1, RW, OWNER)]);
}

#[test]
fn a_founders_lost_device_can_be_revoked() {
    let mut nodes = workspace_of(&[(RW, OWNER)]);
    let founder = nodes[0].head();
    nodes[1].revoke(device(FOUNDER), vec![founder], None);
    nodes[0].vouch(device(9), RW, OWNER);
    meet(&mut nodes.iter_mut().collect::<Vec<_>>());
    all_see(&nodes, &[(2, RW, OWNER)]);
    assert_eq!(nodes[0].fold.founder(), Some(device(FOUNDER)), "who founded it does not change");
}

#[test]
fn a_revocation_cannot_cut_off_the_vouch_it_rests_on() {
    let mut nodes = workspace_of(&[(RW, OWNER)]);
    let revoke = Revoke { device: device(FOUNDER), cuts: Vec::new(), keeps: None };
    nodes[1].write_event(MembershipEvent::new(nothing(), revoke));
    meet(&mut nodes.iter_mut().collect::<Vec<_>>());
    all_see(&nodes, &[(2, RW, OWNER)]);
}

#[test]
fn a_device_cannot_move_up_by_accomplices() {
    let mut nodes = workspace_of(&[(RW, OWNER), (RW, OWNER)]);
    nodes.push(Member::member(4));
    // The third has an accomplice vouch for it, at the beginning of time.
    nodes[2].vouch(device(4), RW, OWNER);
    nodes[3].set_clock(0);
    nodes[3].write_event(MembershipEvent::new(nothing(), Vouch { device: device(3), access: RW, standing: OWNER }));
    meet(&mut nodes.iter_mut().collect::<Vec<_>>());
    let (second, third) = (nodes[1].head(), nodes[2].head());
    nodes[1].revoke(device(3), vec![third], None);
    nodes[2].revoke(device(2), vec![second], None);
    meet(&mut nodes.iter_mut().collect::<Vec<_>>());
    assert_eq!(nodes[0].fold.standing_of(&device(2)), Some(OWNER));
}
