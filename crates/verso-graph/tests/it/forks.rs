//! A copied disk: two branches of one chain, and references that find the one they meant.

use verso_graph::{Choice, Graph, NodeId, NodeState, Register, Topic};
use verso_vv::Author;
use verso_wire::AppliedEntry;

use crate::world::{
    Device, Entry, bytes_of, delete, graph_of, link, pair, relabel, resolve, shuffled, tag, title, untag,
};

/// What a device gets to see once it knows of all branches, in several orders that must all come to the same.
fn healed(devices: &[&Device]) -> (Graph, Vec<Entry>) {
    let mut all: Vec<Entry> = Vec::new();
    for entry in devices.iter().flat_map(|device| &device.log) {
        if !all.iter().any(|other| other.hash == entry.hash) {
            all.push(entry.clone());
        }
    }
    let entries = relabel(&all);
    let graph = graph_of(&shuffled(&entries, &[0]));
    for choices in [&[1_u16, 0][..], &[7, 3, 5, 2], &[2], &[3, 1, 4, 1, 5, 9, 2, 6]] {
        assert_eq!(bytes_of(&graph_of(&shuffled(&entries, choices))), bytes_of(&graph));
    }
    assert_eq!((graph.counts().waiting, graph.counts().ignored), (0, 0));
    (graph, entries)
}

fn authors(entries: &[Entry]) -> Vec<Author> {
    let mut authors: Vec<Author> = entries.iter().map(|entry| entry.author).collect();
    authors.sort_unstable();
    authors.dedup();
    authors
}

#[test]
fn both_branches_apply_and_what_was_before_stays_theirs() {
    let mut one = Device::new(1);
    let a = one.add("a");
    one.one(tag(a, "common"));
    let mut copy = one.clone_disk();
    let b = one.add("b");
    // Bare numbers: to the trunk's node, and the trunk's label.
    one.write(&[link(a, b, "k"), tag(b, "common")]);
    let c = copy.add("c");
    copy.write(&[link(c, a, "k"), tag(c, "common"), title(a, "copied")]);
    let (graph, entries) = healed(&[&one, &copy]);
    assert_eq!(authors(&entries).len(), 3);
    assert_eq!((graph.counts().nodes, graph.edges().count(), graph.tags()), (3, 2, vec![("common", 3)]));
    assert_eq!(graph.node(&a).expect("there").title(), "copied");
}

#[test]
fn others_references_find_their_branch_by_the_hash() {
    let (mut one, mut two) = pair();
    one.add("a");
    let mut copy = one.clone_disk();
    // Both write their second entry: the same author and number.
    let b = one.add("b");
    let c = copy.add("c");
    let mut three = Device::new(3);
    two.pull(&one);
    three.pull(&copy);
    two.one(tag(b, "of two"));
    three.one(tag(c, "of three"));
    let (graph, _) = healed(&[&one, &copy, &two, &three]);
    let tags = |node: NodeId| graph.node(&node).expect("there").tags();
    assert_eq!((tags(b), tags(c)), (vec!["of two"], vec!["of three"]));
}

#[test]
fn concurrent_writes_of_two_branches_are_a_conflict_like_any_other() {
    let mut one = Device::new(1);
    let a = one.add("a");
    one.one(title(a, "before"));
    let mut copy = one.clone_disk();
    one.one(title(a, "here"));
    copy.wall += 10;
    copy.one(title(a, "there"));
    let (graph, _) = healed(&[&one, &copy]);
    let values: Vec<&str> =
        graph.node(&a).expect("there").values(Register::Title).iter().map(|one| one.value).collect();
    assert_eq!((values, graph.conflicts().len()), (vec!["there", "here"], 1));
}

#[test]
fn a_deletion_covers_the_branch_that_was_seen_and_not_the_other() {
    let (mut one, mut two) = pair();
    let (a, b) = (one.add("a"), one.add("b"));
    let mut copy = one.clone_disk();
    one.one(tag(a, "seen"));
    copy.one(tag(b, "unseen"));
    two.pull(&one);
    two.write(&[delete(a), delete(b)]);
    let (graph, _) = healed(&[&one, &copy, &two]);
    // Both were deleted by somebody who had seen one branch up to entry 3.
    assert_eq!(graph.state(&a), Some(NodeState::Removed));
    assert_eq!(graph.state(&b), Some(NodeState::Ghost));
}

#[test]
fn a_removal_and_a_decision_cover_the_branch_that_was_seen() {
    let (mut one, mut two) = pair();
    let a = one.add("a");
    let mut copy = one.clone_disk();
    one.one(tag(a, "t"));
    // At the same time it would be the same entry, and no fork.
    copy.wall += 1;
    copy.one(tag(a, "t"));
    two.pull(&one);
    two.one(untag(a, "t"));
    two.one(delete(a));
    two.one(resolve(a, Choice::Ghost));
    let (graph, entries) = healed(&[&one, &copy, &two]);
    let stamps = graph.node(&a).expect("there").tagged("t");
    let of_copy = entries.iter().find(|entry| Some(entry.hash) == copy.log.last().map(|last| last.hash));
    assert_eq!(stamps.iter().map(|stamp| stamp.dot.author).collect::<Vec<_>>(), [of_copy.expect("it is there").author]);
    // The ghost had not seen what the copy did.
    assert_eq!((graph.state(&a), graph.conflicts().len()), (Some(NodeState::Ghost), 1));
}

#[test]
fn until_the_named_branch_arrives_only_the_trunk_is_covered() {
    let (mut one, mut two) = pair();
    let a = one.add("a");
    one.one(tag(a, "t"));
    let mut copy = one.clone_disk();
    one.one(title(a, "here"));
    copy.one(title(a, "there"));
    two.pull(&one);
    two.one(delete(a));
    let all: Vec<Entry> = [&one.log[..], &copy.log[2..], &two.log[3..]].concat();
    let entries = relabel(&all);
    let find = |hash| entries.iter().find(|entry| entry.hash == hash).expect("it is there").clone();
    let [create, tagged, here] = [0, 1, 2].map(|at| find(one.log[at].hash));
    let (there, deletion) = (find(copy.log[2].hash), find(two.log[3].hash));
    let mut graph = graph_of(&[create, tagged, deletion, there]);
    // What the deletion names at entry 3 is not the copy's, so that wasn't seen.
    assert_eq!(graph.state(&a), Some(NodeState::Ghost));
    here.apply_to(&mut graph);
    assert_eq!(graph.state(&a), Some(NodeState::Ghost));
    assert_eq!(graph.explain(&Topic::Node(a)).expect("there").because.len(), 2);
    assert_eq!(graph.node(&a).expect("there").values(Register::Title).len(), 2);
}

#[test]
fn a_vector_that_an_unknown_branch_contradicts_covers_nothing_of_that_chain() {
    let (mut one, mut two) = pair();
    let a = one.add("a");
    let mut copy = one.clone_disk();
    copy.one(tag(a, "there"));
    two.pull(&copy);
    let deletion = two.one(delete(a));
    let mut graph = graph_of(&[one.log[0].clone(), deletion]);
    assert_eq!(graph.state(&a), Some(NodeState::Removed));
    // Entry 2 turns out to be another one here; nothing tells yet where the chains part.
    one.one(title(a, "here")).apply_to(&mut graph);
    assert_eq!(graph.state(&a), Some(NodeState::Ghost));
    let (graph, _) = healed(&[&one, &copy, &two]);
    assert_eq!(graph.explain(&Topic::Node(a)).expect("there").because.len(), 2);
}

#[test]
fn a_branch_of_a_branch() {
    let mut one = Device::new(1);
    let a = one.add("a");
    let mut copy = one.clone_disk();
    one.one(tag(a, "one"));
    copy.one(tag(a, "copy"));
    let mut second = copy.clone_disk();
    copy.write(&[tag(a, "copy"), untag(a, "copy")]);
    second.wall += 1;
    second.one(tag(a, "copy"));
    let (graph, entries) = healed(&[&one, &copy, &second]);
    assert_eq!(authors(&entries).len(), 5);
    assert_eq!(graph.node(&a).expect("there").tags(), ["copy", "one"]);
    assert_eq!(graph.node(&a).expect("there").tagged("copy").len(), 1);
}

#[test]
fn nodes_that_an_author_forged_under_one_name_are_one() {
    let (mut one, mut two) = pair();
    one.add("a");
    let mut copy = one.clone_disk();
    one.add("b");
    copy.add("c");
    two.pull(&one);
    two.one(tag(NodeId::of(&one.log[1].hash), "t"));
    let all: Vec<Entry> = [&one.log[..], &copy.log[1..], &two.log[2..]].concat();
    let mut entries = relabel(&all);
    // Two bytes of work would make the tags equal; here they are made so.
    let tag = one.log[1].hash.tag().0;
    for entry in &mut entries {
        if entry.author != entry.signer {
            entry.hash.0[..4].copy_from_slice(&tag);
        }
    }
    let reference = graph_of(&entries);
    assert_eq!((reference.counts().nodes, reference.tags()), (2, vec![("t", 1)]));
    let twins: Vec<NodeId> = entries.iter().filter(|entry| entry.author != entry.signer).map(Entry::node).collect();
    assert_eq!(reference.state(twins.iter().min().expect("two")), Some(NodeState::Live));
    assert_eq!(reference.state(twins.iter().max().expect("two")), None);
    for choices in [&[0_u16][..], &[1, 0], &[2, 1, 3], &[5, 4, 3, 2, 1], &[7, 1, 2]] {
        assert_eq!(bytes_of(&graph_of(&shuffled(&entries, choices))), bytes_of(&reference));
    }
}

#[test]
fn a_name_that_fits_two_forged_branches_covers_both_in_any_order() {
    let (mut one, mut two) = pair();
    let a = one.add("a");
    let mut copy = one.clone_disk();
    one.one(tag(a, "t"));
    copy.wall += 1;
    copy.one(tag(a, "t"));
    two.pull(&one);
    two.one(untag(a, "t"));
    let all: Vec<Entry> = [&one.log[..], &copy.log[1..], &two.log[2..]].concat();
    let mut entries = relabel(&all);
    let tag = one.log[1].hash.tag().0;
    for entry in entries.iter_mut().filter(|entry| entry.author != entry.signer) {
        entry.hash.0[..4].copy_from_slice(&tag);
    }
    for choices in [&[0_u16][..], &[1, 0], &[2, 1, 3], &[5, 4, 3, 2, 1], &[7, 1, 2], &[0, 1, 1, 0, 2]] {
        assert_eq!(graph_of(&shuffled(&entries, choices)).tags(), []);
    }
}

#[test]
fn ancestors_tell_whose_an_entry_is() {
    let mut one = Device::new(1);
    one.add("a");
    let mut copy = one.clone_disk();
    one.add("b");
    copy.add("c");
    let all: Vec<Entry> = [&one.log[..], &copy.log[1..]].concat();
    for entry in relabel(&all).iter().filter(|entry| entry.author != entry.signer) {
        let applied = AppliedEntry {
            dot: verso_vv::Dot { author: entry.author, seq: entry.seq },
            tag: verso_vv::AuthorTag::of(&entry.signer),
            hash: entry.hash,
            kind: entry.kind,
            hlc: entry.hlc,
            payload: &entry.payload,
            ancestors: &entry.ancestors,
        };
        assert_eq!(applied.author_at(verso_vv::Seq(1)), one.author);
        assert_eq!(applied.author_at(verso_vv::Seq(2)), entry.author);
    }
}
