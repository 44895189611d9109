//! Deletions, ghosts and decisions.

use verso_graph::{Choice, ConflictId, Intent, NodeId, NodeState, Rule, Topic, What};

use crate::world::{Device, delete, graph_of, link, pair, resolve, sync, tag, title, untag};

fn state(device: &Device, node: NodeId) -> (NodeState, usize) {
    (device.graph.state(&node).expect("the node has arrived"), device.graph.counts().conflicts)
}

const LIVE: (NodeState, usize) = (NodeState::Live, 0);
const GONE: (NodeState, usize) = (NodeState::Removed, 0);
const GHOST: (NodeState, usize) = (NodeState::Ghost, 0);
const OPEN: (NodeState, usize) = (NodeState::Ghost, 1);

/// A node that one deletes while the other gives it a title.
fn ghost() -> (Device, Device, NodeId) {
    let (mut one, mut two) = pair();
    let node = one.add("a");
    sync(&mut one, &mut two);
    one.one(delete(node));
    two.one(title(node, "edited"));
    sync(&mut one, &mut two);
    assert_eq!(state(&one, node), OPEN);
    (one, two, node)
}

#[test]
fn a_deletion_that_has_seen_all_activity_removes() {
    let (mut one, mut two) = pair();
    let (a, b) = (one.add("a"), one.add("b"));
    sync(&mut one, &mut two);
    two.write(&[title(a, "x"), tag(a, "t"), link(b, a, "k")]);
    sync(&mut one, &mut two);
    one.one(delete(a));
    sync(&mut one, &mut two);
    assert_eq!(state(&two, a), GONE);
    assert!(two.graph.node(&a).is_none() && two.graph.nodes_with_title("x").is_empty());
    assert_eq!((two.graph.edges().count(), two.graph.tags().len()), (0, 0));
    assert_eq!(two.graph.counts().nodes, 1);
}

#[test]
fn a_deletion_that_met_concurrent_activity_leaves_a_ghost_with_its_edges() {
    let (mut one, mut two) = pair();
    let (a, b) = (one.add("a"), one.add("b"));
    one.one(link(a, b, "old"));
    sync(&mut one, &mut two);
    let deletion = one.one(delete(a));
    let activity = two.one(link(b, a, "new"));
    sync(&mut one, &mut two);
    assert_eq!(state(&one, a), OPEN);
    assert_eq!((state(&one, b).0, one.graph.edges().count()), (NodeState::Live, 2));
    let conflict = one.graph.conflict(&ConflictId::Deletion(a)).expect("it is open");
    assert_eq!(conflict.rule, Rule::UnseenActivity);
    let sides: Vec<_> = conflict.sides.iter().map(|side| (side.what, side.stamp.dot.author, side.stamp.hlc)).collect();
    let expected = [(What::Deleted, one.author, deletion.hlc), (What::Activity("link"), two.author, activity.hlc)];
    assert_eq!(sides, expected);
    let why = one.graph.explain(&Topic::Node(a)).expect("it has arrived");
    assert_eq!((why.rule, why.because), (Rule::UnseenActivity, conflict.sides));
}

#[test]
fn removing_a_tag_keeps_no_node_alive() {
    let (mut one, mut two) = pair();
    let node = one.add("a");
    one.one(tag(node, "t"));
    sync(&mut one, &mut two);
    one.one(delete(node));
    two.one(untag(node, "t"));
    sync(&mut one, &mut two);
    assert_eq!(state(&one, node), GONE);
}

#[test]
fn two_deletions_that_each_saw_another_part_remove_together() {
    let (mut one, mut two) = pair();
    let mut three = Device::new(3);
    let node = one.add("a");
    sync(&mut one, &mut two);
    sync(&mut one, &mut three);
    two.one(title(node, "x"));
    three.one(tag(node, "t"));
    // One sees what two did, three sees only its own.
    one.pull(&two);
    one.one(delete(node));
    three.one(delete(node));
    three.pull(&two);
    assert_eq!(state(&three, node), OPEN);
    sync(&mut one, &mut three);
    assert_eq!(state(&one, node), GONE);
}

#[test]
fn one_deletion_of_several_nodes() {
    let (mut one, mut two) = pair();
    let nodes: Vec<NodeId> = (0..5).map(|number| one.add(&number.to_string())).collect();
    sync(&mut one, &mut two);
    two.one(tag(nodes[3], "t"));
    one.one(Intent::DeleteNode { nodes: nodes.iter().map(|node| (*node).into()).collect() });
    sync(&mut one, &mut two);
    let states: Vec<NodeState> = nodes.iter().map(|node| state(&one, *node).0).collect();
    let ghosts: Vec<bool> = states.iter().map(|state| *state == NodeState::Ghost).collect();
    assert_eq!(ghosts, [false, false, false, true, false]);
    assert_eq!(states.iter().filter(|state| **state == NodeState::Removed).count(), 4);
}

#[test]
fn a_conflict_is_settled_for_every_device() {
    for (choice, settled) in [(Choice::Keep, LIVE), (Choice::Ghost, GHOST), (Choice::Delete, GONE)] {
        let (mut one, mut two, node) = ghost();
        let intent = two.graph.resolution(&ConflictId::Deletion(node), choice).expect("it is open");
        two.one(intent);
        sync(&mut one, &mut two);
        assert_eq!(state(&one, node), settled);
        assert_eq!(one.graph.conflict(&ConflictId::Deletion(node)), None);
    }
}

#[test]
fn undoing_a_deletion_is_keep() {
    let (mut one, mut two) = pair();
    let (node, other) = (one.add("a"), one.add("b"));
    one.write(&[tag(node, "t"), link(node, other, "k")]);
    one.one(delete(node));
    sync(&mut one, &mut two);
    assert_eq!(state(&two, node), GONE);
    two.one(resolve(node, Choice::Keep));
    sync(&mut one, &mut two);
    assert_eq!(state(&one, node), LIVE);
    assert_eq!((one.graph.node(&node).expect("there").tags(), one.graph.edges().count()), (vec!["t"], 1));
}

#[test]
fn a_decision_is_valid_in_any_state() {
    for (choice, expected) in [(Choice::Keep, LIVE), (Choice::Ghost, GHOST), (Choice::Delete, GONE)] {
        let (mut one, mut two) = pair();
        let node = one.add("a");
        one.one(resolve(node, choice));
        sync(&mut one, &mut two);
        assert_eq!(state(&two, node), expected);
    }
}

#[test]
fn of_concurrent_decisions_keep_wins_over_ghost_over_delete() {
    use Choice::{Delete, Ghost, Keep};
    for (first, second, expected) in [
        (Keep, Ghost, LIVE),
        (Ghost, Keep, LIVE),
        (Keep, Delete, LIVE),
        (Delete, Keep, LIVE),
        (Ghost, Delete, GHOST),
        (Delete, Ghost, GHOST),
        (Delete, Delete, GONE),
        (Keep, Keep, LIVE),
        (Ghost, Ghost, GHOST),
    ] {
        let (mut one, mut two, node) = ghost();
        one.one(resolve(node, first));
        two.one(resolve(node, second));
        sync(&mut one, &mut two);
        assert_eq!(state(&one, node), expected, "{first:?} against {second:?}");
    }
}

#[test]
fn a_later_decision_that_has_seen_the_earlier_one_overrules_it() {
    use Choice::{Delete, Ghost, Keep};
    for (first, second, expected) in
        [(Keep, Delete, GONE), (Keep, Ghost, GHOST), (Ghost, Delete, GONE), (Delete, Keep, LIVE)]
    {
        let (mut one, mut two, node) = ghost();
        one.one(resolve(node, first));
        sync(&mut one, &mut two);
        two.one(resolve(node, second));
        sync(&mut one, &mut two);
        assert_eq!(state(&one, node), expected, "{first:?}, then {second:?}");
    }
}

#[test]
fn an_overruled_decision_settles_nothing_any_more() {
    let (mut one, mut two) = pair();
    let mut three = Device::new(3);
    let node = one.add("a");
    three.pull(&one);
    sync(&mut one, &mut two);
    one.one(delete(node));
    one.one(resolve(node, Choice::Keep));
    two.pull(&one);
    two.one(resolve(node, Choice::Delete));
    // Three knows of neither the deletion nor the decisions.
    three.one(resolve(node, Choice::Keep));
    three.pull(&two);
    // Keep wins, but who kept it had not seen the deletion, and who had seen that was overruled.
    assert_eq!(state(&three, node), OPEN);
}

#[test]
fn keep_against_a_further_deletion() {
    // One that has seen the decision counts.
    let (mut one, mut two, node) = ghost();
    one.one(resolve(node, Choice::Keep));
    sync(&mut one, &mut two);
    two.one(delete(node));
    sync(&mut one, &mut two);
    assert_eq!(state(&one, node), GONE);

    // Against one that has not, the decision is an activity: the conflict opens again.
    let (mut one, mut two, node) = ghost();
    one.one(resolve(node, Choice::Keep));
    let deletion = two.one(delete(node));
    sync(&mut one, &mut two);
    assert_eq!(state(&one, node), OPEN);
    let conflict = one.graph.conflict(&ConflictId::Deletion(node)).expect("it is open");
    let sides: Vec<_> = conflict.sides.iter().map(|side| (side.what, side.stamp.dot.author)).collect();
    assert_eq!(sides, [(What::Deleted, two.author), (What::Decided(Choice::Keep), one.author)]);
    assert_eq!(conflict.sides[0].stamp.dot.seq, deletion.seq);
    two.one(resolve(node, Choice::Delete));
    sync(&mut one, &mut two);
    assert_eq!(state(&one, node), GONE);
}

#[test]
fn what_a_decision_had_not_seen_opens_the_conflict_again() {
    for choice in [Choice::Ghost, Choice::Delete] {
        let (mut one, mut two, node) = ghost();
        one.one(resolve(node, choice));
        two.one(tag(node, "late"));
        sync(&mut one, &mut two);
        assert_eq!(state(&one, node), OPEN, "{choice:?}");
    }
    // Keep has nothing left to open: the node is there.
    let (mut one, mut two, node) = ghost();
    one.one(resolve(node, Choice::Keep));
    two.one(tag(node, "late"));
    sync(&mut one, &mut two);
    assert_eq!(state(&one, node), LIVE);
}

#[test]
fn a_conflict_keeps_its_id_whatever_arrives() {
    let (mut one, mut two, node) = ghost();
    let id = one.graph.conflicts()[0].id;
    two.one(tag(node, "more"));
    one.one(delete(node));
    sync(&mut one, &mut two);
    assert_eq!(one.graph.conflicts()[0].id, id);
    one.one(resolve(node, Choice::Ghost));
    two.one(tag(node, "again"));
    sync(&mut one, &mut two);
    assert_eq!((one.graph.conflicts()[0].id, id.to_string().parse()), (id, Ok(id)));
}

#[test]
fn a_deletion_waits_for_what_it_names() {
    let (mut one, mut two) = pair();
    let node = one.add("a");
    sync(&mut one, &mut two);
    let deletion = two.one(delete(node));
    let mut graph = graph_of(&[deletion]);
    assert_eq!((graph.state(&node), graph.counts().waiting), (None, 1));
    one.log[0].apply_to(&mut graph);
    assert_eq!((graph.state(&node), graph.counts().waiting), (Some(NodeState::Removed), 0));
}

#[test]
fn what_a_deletion_has_seen_is_covered_before_all_of_it_arrives() {
    let mut devices: Vec<Device> = (1..=3).map(Device::new).collect();
    let node = devices[0].add("a");
    let creation = devices[0].log[0].clone();
    devices[1].receive(&creation);
    let early = devices[1].one(tag(node, "t"));
    let later = devices[1].one(title(node, "x"));
    for entry in [&creation, &early, &later] {
        devices[2].receive(entry);
    }
    let deletion = devices[2].one(delete(node));
    // The vector names the later entry; the earlier one is covered all the same.
    let mut graph = graph_of(&[creation, deletion, early]);
    assert_eq!(graph.state(&node), Some(NodeState::Removed));
    later.apply_to(&mut graph);
    assert_eq!(graph.state(&node), Some(NodeState::Removed));
}

#[test]
fn what_waits_has_not_been_seen() {
    let (mut one, mut two) = pair();
    let mut three = Device::new(3);
    let a = one.add("a");
    three.pull(&one);
    two.pull(&one);
    let b = two.add("b");
    three.pull(&two);
    let waits = three.one(link(a, b, "k"));
    // One gets the edge before the node that it leads to, so nobody there can have seen the edge.
    one.receive(&waits);
    assert_eq!((one.graph.counts().waiting, one.graph.edges().count()), (1, 0));
    one.one(delete(a));
    one.pull(&two);
    assert_eq!((state(&one, a), one.graph.edges().count()), (OPEN, 1));
}

#[test]
fn vectors_are_carried_once_a_batch_and_referred_to_after() {
    let (mut one, mut two) = pair();
    let nodes: Vec<NodeId> = (0..4).map(|number| one.add(&number.to_string())).collect();
    sync(&mut one, &mut two);
    let lens: Vec<usize> = two
        .write(&nodes.iter().map(|node| delete(*node)).collect::<Vec<_>>())
        .iter()
        .map(|entry| entry.payload.len())
        .collect();
    // The first: a marker, a count, and 13 bytes for the one other author; all: 14 bytes for the node.
    assert_eq!(lens, [1 + 1 + 13 + 14, 1 + 14, 1 + 14, 1 + 14]);
    // Nothing of others came in between: the next batch refers to the same.
    let again = two.one(resolve(nodes[0], Choice::Keep));
    assert_eq!(again.payload.len(), 1 + 1 + 14);
    sync(&mut one, &mut two);
    assert_eq!(state(&one, nodes[0]), LIVE);
    assert_eq!(one.graph.state(&nodes[3]), Some(NodeState::Removed));
}
