//! Entries that all owners gave up: nothing brings them back, so that their content may go.

use verso_identity::DeviceId;
use verso_trust::{Access, Cut, Discard, Keep, Membership, Run, Standing};
use verso_vv::{Author, Seq};

use crate::world::{Node, device, meet};

type Member = Node<Membership>;

const RW: Access = Access::ReadWrite;

/// A founder, as many co-owners as are named, and a device that was revoked after five entries and wrote five more.
fn revoked(co_owners: &[u8]) -> (Member, Vec<Member>, Cut) {
    let mut founder = Member::founder();
    let mut guest = Member::member(9);
    founder.vouch(guest.me, RW, Standing::Member);
    for number in co_owners {
        founder.vouch(device(*number), RW, Standing::CoOwner);
    }
    guest.write_content(5);
    let cut = guest.head();
    founder.revoke(guest.me, vec![cut.clone()], None);
    let mut owners: Vec<Member> = co_owners.iter().map(|number| Member::member(*number)).collect();
    for owner in &mut owners {
        owner.pull(&founder);
    }
    (founder, owners, cut)
}

fn run(cut: &Cut, first: u64, last: u64) -> Run {
    Run { author: cut.author, first: Seq(first), last: Seq(last), hash: verso_vv::EntryHash([5; 32]) }
}

fn pairs(runs: &[(Seq, Seq)]) -> Vec<(u64, u64)> {
    runs.iter().map(|(first, last)| (first.0, last.0)).collect()
}

fn given_up(node: &Member, author: &Author) -> Vec<(u64, u64)> {
    pairs(node.fold.admissions(author).given_up())
}

fn applied(node: &Member, author: &Author) -> Vec<(u64, u64)> {
    pairs(node.fold.admissions(author).applied())
}

fn to_give_up(node: &Member, me: DeviceId) -> Vec<(u64, u64)> {
    node.fold.to_give_up(&me).into_iter().map(|(_, first, last)| (first.0, last.0)).collect()
}

#[test]
fn one_owner_alone_gives_up_at_once() {
    let (mut founder, _, cut) = revoked(&[]);
    founder.write(Discard { run: run(&cut, 6, 8) });
    assert_eq!(given_up(&founder, &cut.author), [(6, 8)]);
    founder.write(Keep { run: run(&cut, 6, 9) });
    assert_eq!(applied(&founder, &cut.author), [(1, 5), (9, 9)], "it can't be taken back");
}

#[test]
fn of_several_owners_all_have_to() {
    let (mut founder, mut others, cut) = revoked(&[2, 3]);
    founder.write(Discard { run: run(&cut, 6, 8) });
    assert_eq!(to_give_up(&founder, founder.me), [], "it has");
    for other in &mut others {
        other.pull(&founder);
        assert_eq!(given_up(other, &cut.author), []);
        assert_eq!(to_give_up(other, other.me), [(6, 8)]);
        other.write(Discard { run: run(&cut, 6, 8) });
        assert_eq!(to_give_up(other, other.me), []);
    }
    founder.pull(&others[0]);
    assert_eq!(given_up(&founder, &cut.author), [], "one is missing");
    founder.pull(&others[1]);
    assert_eq!(given_up(&founder, &cut.author), [(6, 8)]);
}

/// What one keeps while another discards is kept, also if a third gives it up because it has not heard of the keep yet.
#[test]
fn what_was_kept_at_once_is_never_given_up_by_habit() {
    let (mut founder, mut others, cut) = revoked(&[2, 3]);
    founder.write(Discard { run: run(&cut, 6, 8) });
    others[0].write(Keep { run: run(&cut, 7, 7) });
    others[1].pull(&founder);
    assert_eq!(to_give_up(&others[1], device(3)), [(6, 8)]);
    others[1].write(Discard { run: run(&cut, 6, 8) });
    let [second, third] = &mut others[..] else { panic!() };
    meet(&mut [&mut founder, second, third]);
    assert_eq!(to_give_up(second, second.me), [(6, 6), (8, 8)], "not what it kept");
    second.write(Discard { run: run(&cut, 6, 6) });
    founder.pull(second);
    assert_eq!((given_up(&founder, &cut.author), applied(&founder, &cut.author)), (vec![(6, 6)], vec![(1, 5), (7, 7)]));
}

#[test]
fn an_owner_that_came_later_need_not_say_so() {
    let (mut founder, _, cut) = revoked(&[]);
    founder.write(Discard { run: run(&cut, 6, 8) });
    founder.vouch(device(2), RW, Standing::CoOwner);
    assert_eq!(given_up(&founder, &cut.author), [(6, 8)]);
    let mut late = Member::member(2);
    late.pull(&founder);
    late.write(Keep { run: run(&cut, 6, 8) });
    founder.pull(&late);
    assert_eq!(applied(&founder, &cut.author), [(1, 5)]);
}

#[test]
fn who_owns_nothing_gives_nothing_up() {
    let (mut founder, _, cut) = revoked(&[]);
    founder.vouch(device(4), RW, Standing::Member);
    founder.write(Discard { run: run(&cut, 6, 8) });
    let mut member = Member::member(4);
    member.pull(&founder);
    assert_eq!(to_give_up(&member, member.me), []);
    member.write(Discard { run: run(&cut, 9, 9) });
    founder.pull(&member);
    assert_eq!(given_up(&founder, &cut.author), [(6, 8)]);
}

/// What every owner discarded is gone even if the removal that cut it turns out to be void.
#[test]
fn a_later_grant_brings_nothing_back() {
    let (mut founder, _, cut) = revoked(&[]);
    founder.write(Discard { run: run(&cut, 4, 8) });
    assert_eq!(applied(&founder, &cut.author), [(1, 3)]);
    founder.vouch(cut.author.device, RW, Standing::Member);
    assert_eq!(applied(&founder, &cut.author), [(1, 3)]);
}

#[test]
fn who_left_is_told_apart_from_who_was_removed() {
    let (mut founder, _, _) = revoked(&[]);
    let mut friend = Member::member(4);
    founder.vouch(device(4), RW, Standing::Member);
    friend.pull(&founder);
    let head = friend.head();
    friend.revoke(friend.me, vec![head], None);
    founder.pull(&friend);
    assert_eq!(founder.fold.access_of(&device(4)), None);
    assert!(founder.fold.has_left(&device(4)) && !founder.fold.has_left(&device(9)));
    assert_eq!(founder.fold.left().collect::<Vec<_>>(), [device(4)]);
    founder.vouch(device(4), RW, Standing::Member);
    assert!(!founder.fold.has_left(&device(4)) && founder.fold.access_of(&device(4)) == Some(RW));
}
