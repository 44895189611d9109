//! Taking back one's own steps, and never what others did.

use std::collections::BTreeSet;

use proptest::prelude::*;
use verso_graph::{Choice, Graph, Intent, NodeId, NodeState, Plan, Register, Stamp, UndoStack};
use verso_vv::Dot;
use verso_wire::Application as _;

use crate::world::{Device, delete, link, pair, resolve, sync, tag, title, unlink, untag};

fn carry_out(device: &mut Device, stack: &mut UndoStack, plan: Plan) {
    let first = device.write(plan.intents()).remove(0);
    stack.done(&device.graph, plan, Dot { author: first.author, seq: first.seq });
}

fn act(device: &mut Device, stack: &mut UndoStack, intents: Vec<Intent>) {
    let plan = Plan::new(&device.graph, intents);
    carry_out(device, stack, plan);
}

fn undo(device: &mut Device, stack: &mut UndoStack) -> bool {
    let plan = stack.undo(&device.graph);
    let is_some = plan.is_some();
    if let Some(plan) = plan {
        carry_out(device, stack, plan);
    }
    is_some
}

fn redo(device: &mut Device, stack: &mut UndoStack) -> bool {
    let plan = stack.redo(&device.graph);
    let is_some = plan.is_some();
    if let Some(plan) = plan {
        carry_out(device, stack, plan);
    }
    is_some
}

/// What a reader sees, without who did it when.
fn seen(graph: &Graph) -> Vec<String> {
    let node = |node: verso_graph::Node<'_>| {
        format!("{:?} {} {} {:?} {:?}", node.id(), node.url(), node.title(), node.tags(), node.state())
    };
    let mut lines: Vec<String> = graph.nodes().map(node).collect();
    lines.extend(graph.edges().map(|edge| format!("{edge:?} {}", edge.kind())));
    lines.extend(graph.name().map(str::to_owned));
    lines
}

#[test]
fn a_step_is_taken_back_and_done_again() {
    let (mut one, _) = pair();
    let (a, b) = (one.add("a"), one.add("b"));
    one.write(&[tag(a, "old"), link(a, b, "old"), Graph::rename("before")]);
    let before = seen(&one.graph);
    let mut stack = UndoStack::new();
    let add = Intent::AddNode { url: "u".to_owned(), title: "new".to_owned() };
    act(
        &mut one,
        &mut stack,
        vec![
            add,
            title(a, "x"),
            tag(a, "t"),
            untag(a, "old"),
            link(b, a, "k"),
            unlink(a, b, "old"),
            delete(b),
            Graph::rename("after"),
        ],
    );
    let after = seen(&one.graph);
    assert!(undo(&mut one, &mut stack));
    assert_eq!(seen(&one.graph), before);
    assert!(redo(&mut one, &mut stack) && !redo(&mut one, &mut stack));
    assert_eq!(seen(&one.graph), after);
    assert!(undo(&mut one, &mut stack) && !undo(&mut one, &mut stack));
    assert_eq!(seen(&one.graph), before);
    act(&mut one, &mut stack, vec![tag(a, "other")]);
    assert!(!redo(&mut one, &mut stack), "what was done since ends the way forward");
}

#[test]
fn what_others_did_since_stays() {
    let (mut one, mut two) = pair();
    let (a, b) = (one.add("a"), one.add("b"));
    sync(&mut one, &mut two);
    let mut stack = UndoStack::new();
    act(&mut one, &mut stack, vec![title(a, "mine"), tag(a, "t"), link(a, b, "k"), delete(b)]);
    let add = Intent::AddNode { url: String::new(), title: "shared".to_owned() };
    act(&mut one, &mut stack, vec![add]);
    let shared = one.log.last().expect("it was written").node();
    sync(&mut one, &mut two);
    two.write(&[title(a, "theirs"), tag(a, "t"), tag(shared, "theirs"), resolve(b, Choice::Delete)]);
    sync(&mut one, &mut two);
    assert!(!undo(&mut one, &mut stack), "of all that only the edge stands as it was written, and its end is gone");
    sync(&mut one, &mut two);
    let node = two.graph.node(&a).expect("there");
    assert_eq!((node.title(), node.tags()), ("theirs", vec!["t"]));
    assert_eq!(two.graph.node(&shared).expect("there").tags(), ["theirs"]);
    assert_eq!(two.graph.state(&b), Some(NodeState::Removed));
}

#[test]
fn a_concurrent_value_stays_when_the_own_one_is_taken_back() {
    for later in [0_u64, 1] {
        let (mut one, mut two) = pair();
        let a = one.add("a");
        sync(&mut one, &mut two);
        one.wall += 100 * later;
        two.wall += 100 * (1 - later);
        let mut stack = UndoStack::new();
        act(&mut one, &mut stack, vec![title(a, "mine")]);
        two.one(title(a, "theirs"));
        sync(&mut one, &mut two);
        assert!(undo(&mut one, &mut stack));
        sync(&mut one, &mut two);
        let node = two.graph.node(&a).expect("there");
        assert_eq!((node.title(), node.values(Register::Title).len()), ("theirs", 1));
    }
}

#[test]
fn what_others_did_in_between_stays_though_the_own_steps_around_it_are_taken_back() {
    let (mut one, mut two) = pair();
    let (a, b) = (one.add("a"), one.add("b"));
    sync(&mut one, &mut two);
    let mut stack = UndoStack::new();
    act(&mut one, &mut stack, vec![title(a, "first"), tag(a, "t"), delete(b)]);
    sync(&mut one, &mut two);
    two.write(&[title(a, "theirs"), untag(a, "t"), tag(a, "t"), resolve(b, Choice::Keep)]);
    sync(&mut one, &mut two);
    act(&mut one, &mut stack, vec![title(a, "second"), untag(a, "t"), delete(b)]);
    let is_theirs = |graph: &Graph| {
        let node = graph.node(&a).expect("there");
        (node.title(), node.tags(), graph.state(&b)) == ("theirs", vec!["t"], Some(NodeState::Live))
    };
    assert!(!is_theirs(&one.graph));
    assert!(undo(&mut one, &mut stack));
    assert!(is_theirs(&one.graph));
    assert!(!undo(&mut one, &mut stack), "what was before theirs is no longer there to be taken back");
    assert!(is_theirs(&one.graph));
}

#[test]
fn a_node_is_brought_back_and_a_decision_taken_back() {
    let (mut one, _) = pair();
    let a = one.add("a");
    let mut stack = UndoStack::new();
    act(&mut one, &mut stack, vec![delete(a)]);
    assert!(undo(&mut one, &mut stack));
    assert_eq!(one.graph.state(&a), Some(NodeState::Live));
    assert!(redo(&mut one, &mut stack));
    assert_eq!(one.graph.state(&a), Some(NodeState::Removed));
    act(&mut one, &mut stack, vec![resolve(a, Choice::Ghost)]);
    assert!(undo(&mut one, &mut stack));
    assert_eq!(one.graph.state(&a), Some(NodeState::Removed));
}

#[test]
fn a_step_that_touched_a_node_twice_is_taken_back_as_one() {
    let (mut one, _) = pair();
    let (a, b) = (one.add("a"), one.add("b"));
    one.write(&[tag(a, "old"), delete(b)]);
    let before = seen(&one.graph);
    let steps = [
        vec![title(a, "x"), tag(a, "t"), untag(a, "old"), delete(a)],
        vec![title(a, "x"), title(a, "y"), tag(a, "t"), untag(a, "t"), untag(a, "old"), tag(a, "old")],
        vec![resolve(b, Choice::Keep), title(b, "x"), link(a, b, "k"), tag(b, "t")],
        vec![delete(a), resolve(a, Choice::Ghost), resolve(a, Choice::Keep), delete(a)],
    ];
    for step in steps {
        let mut stack = UndoStack::new();
        act(&mut one, &mut stack, step);
        let after = seen(&one.graph);
        assert_ne!(after, before);
        assert!(undo(&mut one, &mut stack));
        assert_eq!(seen(&one.graph), before);
        assert!(redo(&mut one, &mut stack));
        assert_eq!(seen(&one.graph), after);
        assert!(undo(&mut one, &mut stack));
        assert_eq!(seen(&one.graph), before);
    }
}

#[test]
fn a_step_too_large_to_be_taken_back_ends_the_way_back() {
    let (mut one, _) = pair();
    let a = one.add("a");
    let mut stack = UndoStack::new();
    act(&mut one, &mut stack, vec![tag(a, "t")]);
    act(&mut one, &mut stack, (0..4097).map(|number| tag(a, &number.to_string())).collect());
    assert!(!undo(&mut one, &mut stack));
    act(&mut one, &mut stack, vec![title(a, "x")]);
    assert!(undo(&mut one, &mut stack) && !undo(&mut one, &mut stack));
    assert_eq!(one.graph.node(&a).expect("there").tags().len(), 4098);
}

/// What is done, and to which of the first nodes.
type Wish = (u8, usize, usize);

fn wishes() -> impl Strategy<Value = Vec<Wish>> {
    prop::collection::vec((any::<u8>(), 0_usize..4, 0_usize..4), 1..5)
}

fn intent_of((what, node, other): Wish, nodes: &[NodeId]) -> Intent {
    let text = ["x", "y", "z"][usize::from(what / 16) % 3];
    let (node, other) = (nodes[node], nodes[other]);
    match what % 10 {
        0 => Intent::AddNode { url: String::new(), title: text.to_owned() },
        1 | 2 => title(node, text),
        3 => tag(node, text),
        4 => untag(node, text),
        5 => link(node, other, text),
        6 => unlink(node, other, text),
        7 => resolve(node, [Choice::Delete, Choice::Ghost, Choice::Keep][usize::from(what / 16) % 3]),
        8 => Graph::rename(text),
        _ => delete(node),
    }
}

/// Of the wishes those that make sense, each after the others; whether a node is there is decided once at most.
fn batch(device: &Device, wishes: &[Wish], nodes: &[NodeId]) -> Vec<Intent> {
    let mut intents = Vec::new();
    let mut decided = BTreeSet::new();
    for wish in wishes {
        let intent = intent_of(*wish, nodes);
        let is_decision = matches!(intent, Intent::DeleteNode { .. } | Intent::Resolve { .. });
        intents.push(intent);
        if device.drafts(&intents).is_err() || is_decision && !decided.insert(wish.1) {
            intents.pop();
        }
    }
    intents
}

/// Tags, titles and edges, of which who did them and when is so.
fn shown(graph: &Graph, is_meant: impl Fn(&[Stamp]) -> bool) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for node in graph.nodes() {
        let tags = node.tags().into_iter().filter(|tag| is_meant(&node.tagged(tag)));
        lines.extend(tags.map(|tag| format!("{:?} {tag}", node.id())));
        let values = node.values(Register::Title);
        let values = values.iter().filter(|value| is_meant(&[value.stamp]));
        lines.extend(values.map(|value| format!("{:?} = {}", node.id(), value.value)));
    }
    let edges = graph.edges().filter(|edge| is_meant(&edge.linked()));
    lines.extend(edges.map(|edge| format!("{edge:?} {}", edge.kind())));
    lines
}

#[derive(Debug, Clone)]
enum Event {
    Mine(Vec<Wish>),
    Theirs(Vec<Wish>),
    Meet,
    Undo,
    Redo,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => wishes().prop_map(Event::Mine),
        3 => wishes().prop_map(Event::Theirs),
        3 => Just(Event::Meet),
        4 => Just(Event::Undo),
        2 => Just(Event::Redo),
    ]
}

fn start() -> (Device, Device, Vec<NodeId>) {
    let (mut one, mut two) = pair();
    let nodes = ["a", "b", "c", "d"].map(|title| one.add(title)).to_vec();
    one.one(Graph::rename("name"));
    sync(&mut one, &mut two);
    (one, two, nodes)
}

fn act_on(device: &mut Device, stack: &mut UndoStack, wishes: &[Wish], nodes: &[NodeId]) {
    let intents = batch(device, wishes, nodes);
    if !intents.is_empty() {
        act(device, stack, intents);
    }
}

proptest! {
    #![proptest_config(crate::converge::config())]

    /// Whatever two do and whenever they meet: what the other did and what has been there ever since is neither taken back nor undone by doing
    /// something again. (What one deletes, brings back and deletes again goes, of course.)
    #[test]
    fn undo_never_destroys_what_others_did(events in prop::collection::vec(event(), 1..24)) {
        let (mut one, mut two, nodes) = start();
        let mut stack = UndoStack::new();
        let mut came_and_went = BTreeSet::new();
        for event in &events {
            let theirs = |graph: &Graph| shown(graph, |stamps| stamps.iter().any(|stamp| stamp.dot.author == two.author));
            let before = theirs(&one.graph);
            match event {
                Event::Mine(wishes) => act_on(&mut one, &mut stack, wishes, &nodes),
                Event::Theirs(wishes) => {
                    let intents = batch(&two, wishes, &nodes);
                    two.write(&intents);
                    continue;
                }
                Event::Meet => {
                    sync(&mut one, &mut two);
                    came_and_went.extend(before.difference(&shown(&one.graph, |_| true)).cloned());
                    continue;
                }
                Event::Undo => drop(undo(&mut one, &mut stack)),
                Event::Redo => drop(redo(&mut one, &mut stack)),
            }
            let after = shown(&one.graph, |_| true);
            if !matches!(event, Event::Mine(_)) {
                let gone = before.difference(&after).find(|line| !came_and_went.contains(*line));
                prop_assert_eq!(gone, None, "there is {:?}", after);
            }
            came_and_went.extend(before.symmetric_difference(&after).cloned());
        }
    }

    /// Alone one comes back to where one was, and forth again, any number of times.
    #[test]
    fn alone_all_is_taken_back_and_done_again(steps in prop::collection::vec(wishes(), 1..8), turns in prop::collection::vec(0..8, 0..4)) {
        let (mut one, _, nodes) = start();
        let before = seen(&one.graph);
        let mut stack = UndoStack::new();
        for wishes in &steps {
            act_on(&mut one, &mut stack, wishes, &nodes);
        }
        let after = seen(&one.graph);
        for count in turns {
            for _ in 0..count {
                undo(&mut one, &mut stack);
            }
            while redo(&mut one, &mut stack) {}
            prop_assert_eq!(&seen(&one.graph), &after);
        }
        while undo(&mut one, &mut stack) {}
        prop_assert_eq!(seen(&one.graph), before);
    }
}
