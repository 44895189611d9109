//! What becomes of entries past a cut: going on after it, keeping, discarding.

use verso_identity::DeviceId;
use verso_trust::{
    Access, Admission, Cut, Discard, EventContext, HeldReason, Keep, Membership, MembershipEvent, Resume, Run, Standing,
};
use verso_vv::{Author, Seq};

use crate::world::{Node, author, device, meet, nothing};

type Member = Node<Membership>;

const RO: Access = Access::ReadOnly;
const RW: Access = Access::ReadWrite;

/// A founder, a co-owner, and a third device that wrote five entries, was revoked, and unaware wrote five more.
fn revoked() -> (Member, Member, Member, Cut) {
    let (mut founder, mut co_owner, mut third) = (Member::founder(), Member::member(2), Member::member(3));
    founder.vouch(device(2), RW, Standing::CoOwner);
    founder.vouch(device(3), RW, Standing::Member);
    meet(&mut [&mut founder, &mut co_owner, &mut third]);
    third.write_content(5);
    let cut = third.head();
    third.write_content(5);
    founder.revoke(third.me, vec![cut.clone()], None);
    co_owner.pull(&founder);
    (founder, co_owner, third, cut)
}

fn run(author: Author, first: u64, last: u64) -> Run {
    Run { author, first: Seq(first), last: Seq(last), hash: verso_vv::EntryHash([5; 32]) }
}

fn applied(node: &Member, author: &Author) -> Vec<(u64, u64)> {
    node.fold.admissions(author).applied().iter().map(|(first, last)| (first.0, last.0)).collect()
}

fn vouch(node: &mut Member, device: DeviceId) -> EventContext {
    node.vouch(device, RW, Standing::Member)
}

const OPEN: u64 = u64::MAX;

#[test]
fn a_device_that_is_vouched_for_again_goes_on_where_it_says_so() {
    let (mut founder, _, mut third, cut) = revoked();
    vouch(&mut founder, third.me);
    third.pull(&founder);
    assert_eq!(third.fold.access_of(&third.me), Some(RW));
    assert_eq!(applied(&third, &cut.author), [(1, 5)], "what was cut stays cut");
    assert!(third.fold.must_resume(&third.author));

    third.write(Resume {});
    assert!(!third.fold.must_resume(&third.author));
    founder.pull(&third);
    assert_eq!(applied(&founder, &cut.author), [(1, 5), (11, OPEN)]);
}

#[test]
fn a_fresh_chain_after_a_new_vouch_says_so_too() {
    let (mut founder, _, mut third, _) = revoked();
    let before = author(3, 2);
    vouch(&mut founder, third.me);
    third.pull(&founder);
    third.restart(3);
    assert!(third.fold.must_resume(&third.author));
    third.write(Resume {});
    founder.pull(&third);
    assert_eq!(applied(&founder, &third.author), [(1, OPEN)]);
    assert_eq!(applied(&founder, &before), [], "a chain that was begun while revoked is not revived");
}

#[test]
fn a_device_cannot_say_so_before_it_is_vouched_for() {
    let (mut founder, _, mut third, cut) = revoked();
    third.pull(&founder);
    third.write(Resume {});
    vouch(&mut founder, third.me);
    founder.pull(&third);
    assert_eq!(applied(&founder, &cut.author), [(1, 5)]);
}

#[test]
fn write_access_that_comes_back_revives_nothing_that_was_cut() {
    let (mut founder, mut third) = (Member::founder(), Member::member(3));
    vouch(&mut founder, third.me);
    third.pull(&founder);
    third.write_content(2);
    let cut = third.head();
    founder.revoke(third.me, vec![cut.clone()], Some(RO));
    third.write_content(2);
    vouch(&mut founder, third.me);
    third.pull(&founder);
    third.write(Resume {});
    third.write_content(1);
    founder.pull(&third);
    assert_eq!(applied(&founder, &cut.author), [(1, 2), (5, OPEN)]);
}

#[test]
fn kept_entries_are_applied() {
    let (mut founder, _, third, cut) = revoked();
    founder.write(Keep { run: run(third.author, 6, 8) });
    assert_eq!(applied(&founder, &cut.author), [(1, 8)]);
    assert!(matches!(founder.fold.admits(&cut.author, Seq(9)), Admission::Held(HeldReason::Cut { .. })));
}

#[test]
fn discarded_entries_are_named_so_and_what_is_applied_cannot_be_discarded() {
    let (mut founder, _, third, cut) = revoked();
    founder.write(Discard { run: run(third.author, 4, 8) });
    assert_eq!(applied(&founder, &cut.author), [(1, 5)]);
    assert_eq!(founder.fold.admits(&cut.author, Seq(8)), Admission::Held(HeldReason::Discarded));
    assert!(matches!(founder.fold.admits(&cut.author, Seq(9)), Admission::Held(HeldReason::Cut { .. })));
}

#[test]
fn keep_wins_over_a_concurrent_discard() {
    let (mut founder, mut co_owner, third, cut) = revoked();
    founder.write(Discard { run: run(third.author, 6, 10) });
    co_owner.write(Keep { run: run(third.author, 7, 8) });
    meet(&mut [&mut founder, &mut co_owner]);
    for node in [&founder, &co_owner] {
        assert_eq!(applied(node, &cut.author), [(1, 5), (7, 8)]);
        assert_eq!(node.fold.admits(&cut.author, Seq(6)), Admission::Held(HeldReason::Discarded));
    }
}

#[test]
fn a_discard_that_knows_of_the_keep_takes_it_back() {
    let (mut founder, mut co_owner, third, cut) = revoked();
    founder.write(Keep { run: run(third.author, 6, 10) });
    co_owner.pull(&founder);
    co_owner.write(Discard { run: run(third.author, 8, 9) });
    founder.pull(&co_owner);
    assert_eq!(applied(&founder, &cut.author), [(1, 7), (10, 10)]);
    founder.write(Keep { run: run(third.author, 9, 9) });
    assert_eq!(applied(&founder, &cut.author), [(1, 7), (9, 10)]);
}

#[test]
fn only_owners_keep_and_discard() {
    let (mut founder, _, mut third, cut) = revoked();
    let mut member = Member::member(4);
    vouch(&mut founder, member.me);
    meet(&mut [&mut founder, &mut member, &mut third]);
    let own = third.author;
    member.write(Keep { run: run(own, 6, 10) });
    third.write(Keep { run: run(own, 6, 10) });
    third.write_event(MembershipEvent::new(nothing(), Keep { run: run(own, 6, 10) }));
    meet(&mut [&mut founder, &mut member, &mut third]);
    assert_eq!(applied(&founder, &cut.author), [(1, 5)]);
}

#[test]
fn what_a_revoked_owner_kept_past_its_cut_is_not_kept() {
    let (mut founder, mut co_owner, third, cut) = revoked();
    let end = co_owner.head();
    co_owner.write(Keep { run: run(third.author, 6, 10) });
    founder.pull(&co_owner);
    assert_eq!(applied(&founder, &cut.author), [(1, 10)]);
    founder.revoke(device(2), vec![end], None);
    assert_eq!(applied(&founder, &cut.author), [(1, 5)]);
}

#[test]
fn keeping_revives_content_and_no_vouch() {
    let (mut founder, mut third) = (Member::founder(), Member::member(3));
    vouch(&mut founder, third.me);
    third.pull(&founder);
    let cut = third.head();
    founder.revoke(third.me, vec![cut.clone()], None);
    vouch(&mut third, device(9));
    founder.pull(&third);
    founder.write(Keep { run: run(third.author, 1, 9) });
    assert_eq!(applied(&founder, &cut.author), [(1, 9)]);
    assert_eq!(founder.fold.access_of(&device(9)), None);
}

#[test]
fn entries_of_an_author_nobody_vouched_for_can_be_kept() {
    let mut founder = Member::founder();
    founder.write(Keep { run: run(author(9, 1), 1, 2) });
    assert_eq!(applied(&founder, &author(9, 1)), [(1, 2)]);
    assert_eq!(founder.fold.admits(&author(9, 1), Seq(3)), Admission::Unknown);
}
