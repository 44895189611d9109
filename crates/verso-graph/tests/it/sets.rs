//! Tags, edges and traversals: additive.

use verso_graph::{Intent, NodeId, NodeRef};

use crate::world::{Device, graph_of, link, pair, sync, tag, unlink, untag};

fn tags(device: &Device, node: NodeId) -> Vec<String> {
    device.graph.node(&node).expect("there").tags().iter().map(|tag| (*tag).to_owned()).collect()
}

#[test]
fn an_addition_that_the_removal_had_not_seen_survives() {
    let (mut one, mut two) = pair();
    let node = one.add("a");
    one.one(tag(node, "t"));
    sync(&mut one, &mut two);
    one.one(untag(node, "t"));
    let again = two.one(tag(node, "t"));
    sync(&mut one, &mut two);
    assert_eq!(tags(&one, node), ["t"]);
    let stamps = one.graph.node(&node).expect("there").tagged("t");
    assert_eq!(
        stamps.iter().map(|stamp| (stamp.dot.author, stamp.dot.seq)).collect::<Vec<_>>(),
        [(two.author, again.seq)]
    );
}

#[test]
fn a_removal_that_has_seen_all_additions_removes() {
    let (mut one, mut two) = pair();
    let node = one.add("a");
    sync(&mut one, &mut two);
    one.one(tag(node, "t"));
    two.one(tag(node, "t"));
    sync(&mut one, &mut two);
    assert_eq!(tags(&one, node), ["t"]);
    assert_eq!(one.graph.node(&node).expect("there").tagged("t").len(), 2);
    two.one(untag(node, "t"));
    sync(&mut one, &mut two);
    assert_eq!(tags(&one, node), [""; 0]);
    assert!(one.graph.nodes_with_tag("t").is_empty() && one.graph.tags().is_empty());
    one.one(tag(node, "t"));
    sync(&mut one, &mut two);
    assert_eq!(two.graph.tags(), [("t", 1)]);
}

#[test]
fn a_removal_may_come_before_what_it_removes() {
    let (mut one, mut two) = pair();
    let node = one.add("a");
    sync(&mut one, &mut two);
    let earlier = one.one(tag(node, "t"));
    let later = one.one(tag(node, "t"));
    two.pull(&one);
    let removal = two.one(untag(node, "t"));
    for order in [[&removal, &earlier, &later], [&earlier, &removal, &later], [&earlier, &later, &removal]] {
        let mut graph = graph_of(&[one.log[0].clone()]);
        for entry in order {
            entry.apply_to(&mut graph);
        }
        assert_eq!(graph.node(&node).expect("there").tags(), [""; 0]);
    }
}

#[test]
fn an_edge_is_never_taken_away_by_someone_who_had_not_seen_it() {
    let (mut one, mut two) = pair();
    let (a, b) = (one.add("a"), one.add("b"));
    one.one(link(a, b, "k"));
    sync(&mut one, &mut two);
    one.one(unlink(a, b, "k"));
    two.one(link(a, b, "k"));
    sync(&mut one, &mut two);
    let edges: Vec<_> = one.graph.edges().map(|edge| (edge.src(), edge.dst(), edge.kind())).collect();
    assert_eq!(edges, [(a, b, "k")]);
    one.one(unlink(a, b, "k"));
    sync(&mut one, &mut two);
    assert_eq!(two.graph.edges().count(), 0);
}

#[test]
fn kinds_and_directions_are_different_edges() {
    let (mut one, _) = pair();
    let (a, b) = (one.add("a"), one.add("b"));
    one.write(&[link(a, b, "k"), link(a, b, ""), link(b, a, "k"), link(a, a, "k")]);
    assert_eq!(one.graph.edges().count(), 4);
    one.one(unlink(a, b, "k"));
    let kinds: Vec<_> =
        one.graph.node(&a).expect("there").outgoing().iter().map(|edge| (edge.dst(), edge.kind())).collect();
    let mut expected = vec![(a, "k"), (b, "")];
    expected.sort_unstable();
    assert_eq!(kinds, expected);
    let sources: Vec<_> = one.graph.node(&a).expect("there").incoming().iter().map(verso_graph::Edge::src).collect();
    let mut expected = vec![a, b];
    expected.sort_unstable();
    assert_eq!(sources, expected);
}

#[test]
fn within_a_batch_what_was_just_added_can_be_removed() {
    let (mut one, mut two) = pair();
    let entries = one.write(&[
        Intent::AddNode { url: String::new(), title: "a".to_owned() },
        Intent::AddNode { url: String::new(), title: "b".to_owned() },
        tag(NodeRef::New(0), "t"),
        tag(NodeRef::New(0), "u"),
        untag(NodeRef::New(0), "t"),
        link(NodeRef::New(0), NodeRef::New(1), "k"),
        unlink(NodeRef::New(0), NodeRef::New(1), "k"),
    ]);
    sync(&mut one, &mut two);
    assert_eq!(tags(&two, entries[0].node()), ["u"]);
    assert_eq!(two.graph.edges().count(), 0);
}

#[test]
fn traversals_are_kept_in_order_of_time() {
    let (mut one, mut two) = pair();
    let (a, b) = (one.add("a"), one.add("b"));
    sync(&mut one, &mut two);
    let go = |src: NodeId, dst: NodeId, trigger: &str| Intent::Traverse {
        src: src.into(),
        dst: dst.into(),
        trigger: trigger.to_owned(),
    };
    two.wall += 5;
    two.one(go(a, b, "second"));
    one.one(go(b, a, "first"));
    one.wall += 10;
    one.one(go(a, b, "third"));
    sync(&mut one, &mut two);
    let history: Vec<_> = two.graph.traversals().iter().map(|one| (one.trigger, one.src, one.dst)).collect();
    assert_eq!(history, [("first", b, a), ("second", a, b), ("third", a, b)]);
}
