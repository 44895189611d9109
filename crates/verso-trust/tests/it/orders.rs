//! Random lives of a few devices: the folds give the same for every order of arrival, from every device, and heed the last word.

use proptest::prelude::*;
use verso_identity::WorkspaceId;
use verso_trust::{
    Access, Admission, Control, ControlChange, ControlEvent, Discard, EventContext, Excluded, FurtherDevice,
    FurtherDevices, GenerationId, Granted, Included, Keep, Membership, MembershipChange, MembershipEvent, PairingSide,
    PeerRole, Relocated, Removed, Renamed, Resume, Revoke, Run, SecretRenewed, Standing, Vouch, Withdrawn,
    WorkspaceForgotten, WorkspaceKnown, WorkspaceOrigin,
};
use verso_vv::{Author, EntryHash, SeenItem, Seq};

use crate::world::{Fold, Node, admitted, author, cases, device, meet, nothing, workspace};

const DEVICES: u8 = 4;
const PHOTOS: WorkspaceId = WorkspaceId::from_bytes([3; 16]);

/// One step of a life: what is done, by whom, about whom, and a number for whatever else it needs.
#[derive(Debug, Clone, Copy)]
struct Step {
    what: u8,
    by: u8,
    about: u8,
    detail: u8,
}

fn steps(kinds: u8) -> impl Strategy<Value = Vec<Step>> {
    let step = (0..kinds, 1..=DEVICES, 1..=DEVICES, any::<u8>());
    let step = step.prop_map(|(what, by, about, detail)| Step { what, by, about, detail });
    proptest::collection::vec(step, 1..40)
}

/// Two different nodes.
fn two<F: Fold>(nodes: &mut [Node<F>], one: u8, other: u8) -> Option<(&mut Node<F>, &mut Node<F>)> {
    let (low, high) = (usize::from(one.min(other)) - 1, usize::from(one.max(other)) - 1);
    if low == high {
        return None;
    }
    let (before, rest) = nodes.split_at_mut(high);
    let (first, second) = (&mut before[low], &mut rest[0]);
    Some(if one < other { (first, second) } else { (second, first) })
}

/// The first kinds of steps are honest, the rest what a hostile device may do.
const HONEST: u8 = 11;
const ALL: u8 = 14;

fn control_life(steps: &[Step]) -> Vec<Node<Control>> {
    let mut nodes: Vec<Node<Control>> = (1..=DEVICES).map(Node::<Control>::new).collect();
    for (life, Step { what, by, about, detail }) in (2..).zip(steps.iter().copied()) {
        let name = format!("name {detail}");
        let change: ControlChange = match what {
            0 | 1 => {
                if let Some((one, other)) = two(&mut nodes, by, about) {
                    one.pair(other, if what == 1 && detail % 3 == 0 { PeerRole::Friend } else { PeerRole::Own });
                    // Sometimes the connection breaks before either has the other's log.
                    if detail % 4 != 0 {
                        meet(&mut [one, other]);
                    }
                }
                continue;
            }
            2 | 3 => {
                if let Some((one, other)) = two(&mut nodes, by, about) {
                    meet(&mut [one, other]);
                }
                continue;
            }
            4 => {
                let node = &mut nodes[usize::from(by) - 1];
                // An honest device removes its peers, and once it knows of its own removal writes nothing in the control log.
                if node.fold.role(&device(about)).is_some() && node.fold.is_own(&node.me.clone()) {
                    node.remove(device(about));
                }
                continue;
            }
            5 => Renamed { device: device(about), name }.into(),
            6 if detail % 2 == 0 => {
                Granted { device: device(about), workspace: PHOTOS, access: Access::ReadWrite }.into()
            }
            6 => Withdrawn { device: device(about), workspace: PHOTOS }.into(),
            7 if detail % 2 == 0 => Excluded { workspace: PHOTOS, device: device(about) }.into(),
            7 => Included { workspace: PHOTOS, device: device(about) }.into(),
            8 if detail % 3 == 0 => WorkspaceForgotten { workspace: PHOTOS }.into(),
            8 => WorkspaceKnown { workspace: PHOTOS, name, origin: WorkspaceOrigin::Founded }.into(),
            9 if detail % 2 == 0 => SecretRenewed { id: GenerationId([detail; 16]), sealed: Vec::new() }.into(),
            9 if detail % 3 == 0 => {
                // Some of the four, and two that nobody else knows.
                let devices = (1..=DEVICES + 2).filter(|number| detail >> number & 1 == 1).map(device);
                let further = |device| FurtherDevice {
                    device,
                    noise_key: [detail; 32],
                    name: String::new(),
                    addresses: Vec::new(),
                };
                FurtherDevices { friend: device(about), devices: devices.map(further).collect() }.into()
            }
            9 => Relocated { device: device(about), addresses: vec![name] }.into(),
            10 => {
                nodes[usize::from(by) - 1].restart(life);
                continue;
            }
            // Whoever leaves before it ever came, and is let in by one who can't know, has left: no last word heeds that.
            11 | 13 if by == about => continue,
            11 => Removed { device: device(about), cuts: Vec::new() }.into(),
            12 => admitted(device(about), PeerRole::Own, PairingSide::Showing).into(),
            _ => {
                let node = &mut nodes[usize::from(by) - 1];
                node.set_clock(u64::from(detail));
                let cuts = node.cuts_of(device(about));
                node.write_event(ControlEvent::new(nothing(), Removed { device: device(about), cuts }));
                continue;
            }
        };
        let node = &mut nodes[usize::from(by) - 1];
        if what >= HONEST || node.fold.is_own(&node.me.clone()) {
            node.write(change);
        }
    }
    nodes
}

fn membership_life(steps: &[Step]) -> Vec<Node<Membership>> {
    let mut nodes: Vec<Node<Membership>> = vec![Node::<Membership>::founder()];
    nodes.extend((2..=DEVICES).map(Node::<Membership>::member));
    for (life, Step { what, by, about, detail }) in (2..).zip(steps.iter().copied()) {
        let access = if detail % 3 == 0 { Access::ReadOnly } else { Access::ReadWrite };
        let run = || Run {
            author: author(about, 1),
            first: Seq(u64::from(detail % 8) + 1),
            last: Seq(u64::from(detail / 8 % 8) + 9),
            hash: EntryHash([1; 32]),
        };
        let change: MembershipChange = match what {
            0 => Vouch { device: device(about), access: Access::ReadWrite, standing: Standing::CoOwner }.into(),
            1 | 2 => Vouch { device: device(about), access, standing: Standing::Member }.into(),
            3..=5 => {
                if let Some((one, other)) = two(&mut nodes, by, about) {
                    meet(&mut [one, other]);
                }
                continue;
            }
            6 if by == about => continue,
            6 => {
                let cuts = nodes[usize::from(by) - 1].cuts_of(device(about));
                let keeps = [None, Some(Access::ReadOnly), Some(Access::ReadWrite)][usize::from(detail % 3)];
                Revoke { device: device(about), cuts, keeps }.into()
            }
            7 => Keep { run: run() }.into(),
            8 => Discard { run: run() }.into(),
            9 => Resume {}.into(),
            10 => {
                nodes[usize::from(by) - 1].write_content(u64::from(detail % 8));
                continue;
            }
            11 => {
                nodes[usize::from(by) - 1].restart(life);
                continue;
            }
            _ if by == about => continue,
            _ => {
                let node = &mut nodes[usize::from(by) - 1];
                node.set_clock(u64::from(detail));
                let revoke = Revoke { device: device(about), cuts: Vec::new(), keeps: None };
                node.write_event(MembershipEvent::new(nothing(), revoke));
                continue;
            }
        };
        nodes[usize::from(by) - 1].write(change);
    }
    nodes
}

/// Everything that a fold can be asked, for comparing.
fn control_view(control: &Control, authors: &[Author]) -> String {
    let devices: Vec<_> = (1..=DEVICES + 2).map(device).collect();
    let each: Vec<_> = devices
        .iter()
        .map(|device| {
            let exclusion = control.is_excluded(&PHOTOS, device);
            let further = control.further_devices(device);
            (control.name(device), control.removal(device), exclusion, control.intention(device, &PHOTOS), further)
        })
        .collect();
    let admissions: Vec<_> = authors.iter().map(|author| control.admissions(author)).collect();
    format!(
        "{:?}\n{:?}\n{each:?}\n{admissions:?}\n{:?}\n{:?}\n{:?}\n{:?}",
        control.own_devices().collect::<Vec<_>>(),
        control.peers().collect::<Vec<_>>(),
        control.workspaces().collect::<Vec<_>>(),
        control.generations().collect::<Vec<_>>(),
        control.current_generation(),
        control.seen(),
    )
}

fn membership_view(membership: &Membership, authors: &[Author]) -> String {
    let of = |author| (membership.admissions(author), membership.membership_admissions(author));
    let admissions: Vec<_> = authors.iter().map(of).collect();
    let members: Vec<_> = membership.members().collect();
    format!("{:?}\n{members:?}\n{admissions:?}\n{:?}", membership.founder(), membership.seen())
}

/// All events of a life, each author's in its order.
fn chains<F: Fold>(nodes: &mut [Node<F>]) -> Vec<Vec<(EventContext, F::Event)>> {
    meet(&mut nodes.iter_mut().collect::<Vec<_>>());
    let mut chains: Vec<Vec<(EventContext, F::Event)>> = Vec::new();
    for (context, event) in nodes[0].held.values() {
        match chains.last_mut() {
            Some(chain) if chain[0].0.author == context.author => chain.push((*context, event.clone())),
            _ => chains.push(vec![(*context, event.clone())]),
        }
    }
    chains
}

fn authors<E>(chains: &[Vec<(EventContext, E)>]) -> Vec<Author> {
    let known = chains.iter().map(|chain| chain[0].0.author);
    known.chain((1..=DEVICES).map(|number| author(number, 424_242))).collect()
}

/// Deals the chains out in an order that `picks` choose, each author's own order kept.
fn deal<E: Clone>(chains: &[Vec<(EventContext, E)>], picks: &[prop::sample::Index]) -> Vec<(EventContext, E)> {
    let mut rest: Vec<_> = chains.iter().map(|chain| chain.iter().cloned()).collect();
    let total = chains.iter().map(Vec::len).sum();
    let mut dealt = Vec::new();
    for pick in picks.iter().cycle().take(total) {
        rest.retain(|chain| chain.len() > 0);
        let chain = pick.index(rest.len());
        dealt.extend(rest[chain].next());
    }
    assert_eq!(dealt.len(), total);
    dealt
}

fn picks() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    proptest::collection::vec(any::<prop::sample::Index>(), 1..60)
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn control_is_the_same_for_every_order_of_arrival(steps in steps(ALL), picks in picks(), me in 1..=DEVICES) {
        let chains = chains(&mut control_life(&steps));
        let authors = authors(&chains);
        let mut together = Control::new(device(me));
        chains.iter().flatten().for_each(|(context, event)| together.apply(context, event.clone()));
        let mut one_by_one = Control::new(device(me));
        for (context, event) in deal(&chains, &picks) {
            one_by_one.apply(&context, event.clone());
            // A question between any two events, and an event that comes twice, change nothing.
            prop_assert!(one_by_one.own_devices().len() <= usize::from(DEVICES));
            one_by_one.apply(&context, event);
        }
        prop_assert_eq!(control_view(&one_by_one, &authors), control_view(&together, &authors));
    }

    #[test]
    fn membership_is_the_same_for_every_order_of_arrival(steps in steps(13), picks in picks()) {
        let chains = chains(&mut membership_life(&steps));
        let authors = authors(&chains);
        let mut together = Membership::new(workspace());
        chains.iter().flatten().for_each(|(context, event)| together.apply(context, event.clone()));
        let mut one_by_one = Membership::new(workspace());
        for (context, event) in deal(&chains, &picks) {
            one_by_one.apply(&context, event.clone());
            prop_assert!(one_by_one.members().len() <= usize::from(DEVICES));
            one_by_one.apply(&context, event);
        }
        prop_assert_eq!(membership_view(&one_by_one, &authors), membership_view(&together, &authors));
    }

    /// Where two removals are concurrent, devices may differ about which of them counts: each decides by whom it trusts itself.
    #[test]
    fn own_devices_that_hold_the_same_agree(steps in steps(HONEST)) {
        let mut nodes = control_life(&steps);
        let authors = authors(&chains(&mut nodes));
        if has_concurrent_removals(&nodes[0]) {
            return Ok(());
        }
        for one in &nodes {
            for other in nodes.iter().filter(|other| one.fold.is_own(&other.me) && other.fold.is_own(&one.me)) {
                if !one.fold.is_own(&one.me) || !other.fold.is_own(&other.me) {
                    continue;
                }
                let own = |node: &Node<Control>| node.fold.own_devices().collect::<Vec<_>>();
                prop_assert_eq!(own(one), own(other));
                let third = |node: &Node<Control>| {
                    node.fold.peers().filter(|peer| ![one.me, other.me].contains(&peer.device)).collect::<Vec<_>>()
                };
                prop_assert_eq!(third(one), third(other));
                for author in &authors {
                    prop_assert_eq!(one.fold.admissions(author), other.fold.admissions(author), "{}", author);
                }
            }
        }
    }

    #[test]
    fn the_last_word_of_an_own_device_counts(steps in steps(ALL)) {
        let mut nodes = control_life(&steps);
        chains(&mut nodes);
        let own = |node: &Node<Control>| node.fold.own_devices().collect::<Vec<_>>();
        for node in nodes.iter().filter(|node| node.fold.is_own(&node.me)) {
            for about in own(node).into_iter().filter(|about| *about != node.me) {
                let mut node = node.clone();
                let all_count = node.held.values().all(|(context, event)| {
                    let is_removal = matches!(&event.change, ControlChange::Removed(_));
                    !is_removal || node.fold.admits(&context.author, context.seq) == Admission::Applied
                });
                node.remove(about);
                prop_assert!(!node.fold.is_own(&about) && node.fold.peer(&about).is_none());
                node.write(admitted(about, PeerRole::Own, PairingSide::Showing));
                // A removal that is void now might count once there are other grants, and then nobody has answered it.
                prop_assert!(!all_count || node.fold.is_own(&about));
            }
        }
    }

    #[test]
    fn the_last_word_of_a_co_owner_counts(steps in steps(13)) {
        let mut nodes = membership_life(&steps);
        chains(&mut nodes);
        for node in nodes.iter().filter(|node| node.fold.standing_of(&node.me) == Some(Standing::CoOwner)) {
            for about in (1..=DEVICES).map(device).filter(|about| *about != node.me) {
                let mut node = node.clone();
                let all_count = node.held.values().all(|(context, event)| {
                    let is_revocation = matches!(&event.change, MembershipChange::Revoke(_));
                    let admission = node.fold.membership_admissions(&context.author).at(context.seq);
                    !is_revocation || admission == Admission::Applied
                });
                let cuts = node.cuts_of(about);
                node.revoke(about, cuts, None);
                prop_assert_eq!(node.fold.access_of(&about), None);
                node.vouch(about, Access::ReadWrite, Standing::Member);
                prop_assert!(!all_count || node.fold.access_of(&about) == Some(Access::ReadWrite));
            }
        }
    }
}

/// Tells whether there are two removals of which neither author had seen the other's.
fn has_concurrent_removals(node: &Node<Control>) -> bool {
    let removals = || node.held.values().filter(|(_, event)| matches!(event.change, ControlChange::Removed(_)));
    let sees = |(context, event): &(EventContext, ControlEvent), other: &EventContext| {
        let covers = |item: &SeenItem| item.author == other.tag && item.seq >= other.seq;
        context.author == other.author && context.seq >= other.seq || event.seen.items().iter().any(covers)
    };
    removals().any(|one| removals().any(|other| !sees(one, &other.0) && !sees(other, &one.0)))
}
