//! How entries name each other: by bare number in the own chain, by author, number and hash tag in others'; and what waits.

use verso_graph::{Choice, Graph, Intent, NodeId, NodeRef, NodeState, kinds};
use verso_vv::{AuthorTag, Dot, EntryHash};
use verso_wire::EntryKind;

use crate::world::{Device, Entry, bytes_of, delete, graph_of, link, pair, resolve, sync, tag, title};

#[test]
fn own_nodes_and_labels_are_named_in_few_bytes() {
    let mut one = Device::new(1);
    let add = |title: &str| Intent::AddNode { url: String::new(), title: title.to_owned() };
    let entries = one.write(&[
        add("a"),
        tag(NodeRef::New(0), "games"),
        tag(NodeRef::New(0), "devel"),
        add("b"),
        tag(NodeRef::New(3), "games"),
        link(NodeRef::New(0), NodeRef::New(3), "depends"),
        link(NodeRef::New(0), NodeRef::New(0), "depends"),
    ]);
    let payloads: Vec<&[u8]> = entries.iter().map(|entry| &entry.payload[..]).collect();
    let expected: [&[u8]; 7] = [
        b"\0a",
        b"\x01\0games", // the node of the entry before; a new label
        b"\x01\0devel",
        b"\0b",
        b"\x01\x02",          // the label of entry 2
        b"\x05\x04\0depends", // from the node of entry 6 − 5, to the node of entry 4
        b"\x01\x01\x06",
    ];
    assert_eq!(payloads, expected);
    // The next batch goes on where this one ended.
    let a = entries[0].node();
    assert_eq!(one.one(tag(a, "devel")).payload, b"\x01\x03");
    assert_eq!(one.one(title(entries[3].node(), "c")).payload, b"\x05\0c");
}

#[test]
fn whoever_wrote_an_entry_learns_which_node_it_created() {
    let (mut one, mut two) = pair();
    let add = |title: &str| Intent::AddNode { url: String::new(), title: title.to_owned() };
    let entries = one.write(&[add("a"), tag(NodeRef::New(0), "games"), add("b")]);
    let created = |graph: &Graph| {
        entries
            .iter()
            .map(|entry| graph.node_created_by(&Dot { author: entry.author, seq: entry.seq }))
            .collect::<Vec<_>>()
    };
    let expected = [Some(entries[0].node()), None, Some(entries[2].node())];
    assert_eq!(created(&one.graph), expected);
    assert_eq!(created(&two.graph), [None; 3], "not here yet");
    sync(&mut one, &mut two);
    assert_eq!(created(&two.graph), expected);
    one.write(&[delete(entries[0].node())]);
    assert_eq!(created(&one.graph), expected, "also of a node that is gone");
}

#[test]
fn others_nodes_are_named_once_and_then_by_the_own_entry_about_them() {
    let (mut one, mut two) = pair();
    let (a, b) = (one.add("a"), one.add("b"));
    sync(&mut one, &mut two);
    let lens = |entries: Vec<Entry>| -> Vec<usize> { entries.iter().map(|entry| entry.payload.len()).collect() };
    let named = 1 + 8 + 1 + 4;
    assert_eq!(lens(two.write(&[tag(a, "t"), tag(a, "u"), tag(b, "t"), tag(a, "v")])), [named + 2, 3, named + 1, 3]);
    assert_eq!(lens(two.write(&[link(a, b, "")])), [1 + 1 + 1]);
    sync(&mut one, &mut two);
    assert_eq!(one.graph.node(&a).expect("there").tags(), ["t", "u", "v"]);
    assert_eq!((one.graph.node(&b).expect("there").tags(), one.graph.edges().count()), (vec!["t"], 1));
}

#[test]
fn a_deletion_of_several_of_anothers_nodes_is_about_the_first() {
    let (mut one, mut two) = pair();
    let nodes: Vec<NodeId> = ["a", "b", "c"].map(|title| one.add(title)).to_vec();
    sync(&mut one, &mut two);
    two.write(&[
        Intent::DeleteNode { nodes: nodes.iter().map(|node| (*node).into()).collect() },
        resolve(nodes[2], Choice::Keep),
        resolve(nodes[0], Choice::Ghost),
        resolve(nodes[1], Choice::Keep),
    ]);
    sync(&mut one, &mut two);
    let states: Vec<_> = nodes.iter().filter_map(|node| one.graph.state(node)).collect();
    assert_eq!(states, [NodeState::Ghost, NodeState::Live, NodeState::Live]);
}

#[test]
fn what_has_not_arrived_waits_and_is_found_when_it_comes() {
    let (mut one, mut two) = pair();
    let (a, b) = (one.add("a"), one.add("b"));
    sync(&mut one, &mut two);
    two.write(&[title(a, "x"), tag(a, "t"), link(a, b, "k"), delete(b), tag(a, "u")]);
    let of_two: Vec<Entry> = two.log.iter().filter(|entry| entry.author == two.author).cloned().collect();
    let mut graph = graph_of(&of_two);
    assert_eq!((graph.nodes().count(), graph.counts().waiting, graph.conflicts().len()), (0, 5, 0));
    assert!(graph.tags().is_empty() && graph.nodes_with_title("x").is_empty());
    one.log[0].apply_to(&mut graph);
    // The edge still waits for its other end, which is also the one that was deleted.
    assert_eq!((graph.node(&a).expect("there").title(), graph.counts().waiting), ("x", 2));
    assert_eq!((graph.tags(), graph.edges().count()), (vec![("t", 1), ("u", 1)], 0));
    one.log[1].apply_to(&mut graph);
    assert_eq!((graph.state(&b), graph.counts().waiting), (Some(NodeState::Removed), 0));
    assert_eq!(bytes_of(&graph), bytes_of(&two.graph));
}

#[test]
fn a_name_that_is_nobodys_waits_for_ever_and_harms_nothing() {
    let (mut one, mut two) = pair();
    let a = one.add("a");
    sync(&mut one, &mut two);
    let named = |hash: [u8; 4], seq: u8| {
        [&[0][..], &AuthorTag::of(&Device::new(1).author).0, &[seq], &hash, b"\0evil"].concat()
    };
    let right = one.log[0].hash.tag().0;
    // Another hash, another number, an entry that is no node; and a good one.
    two.append(kinds::TAG, &named([1, 2, 3, 4], 1));
    two.append(kinds::TAG, &named(right, 9));
    one.one(tag(a, "t"));
    two.append(kinds::TAG, &named(one.log[1].hash.tag().0, 2));
    assert_eq!(two.graph.counts().waiting, 3);
    two.append(kinds::TAG, &named(right, 1));
    sync(&mut one, &mut two);
    assert_eq!((two.graph.counts().waiting, two.graph.counts().ignored), (3, 0));
    assert_eq!(two.graph.tags(), [("evil", 1), ("t", 1)]);
}

#[test]
fn malformed_payloads_are_ignored_by_all_alike_and_counted() {
    let (mut one, mut two) = pair();
    let a = one.add("a");
    let bad: [(EntryKind, &[u8]); 12] = [
        (kinds::ADD_NODE, b""),                // no length
        (kinds::ADD_NODE, b"\x05url"),         // shorter than it says
        (kinds::ADD_NODE, b"\x00\xff"),        // not UTF-8
        (kinds::TAG, b"\x01"),                 // no label
        (kinds::TAG, b"\x01\0"),               // an empty tag
        (kinds::TAG, b"\x81\x00\0t"),          // a number in too many bytes
        (kinds::TAG, b"\x7f\0t"),              // before the first entry
        (kinds::TAG, b"\x01\x01"),             // entry 1 carries no label
        (kinds::RESOLVE, b"\x03\0\0\x01"),     // no such choice
        (kinds::RESOLVE, b"\x02\0\0\x01\x00"), // a byte too many
        (kinds::DELETE_NODE, b"\0\0"),         // no node
        (EntryKind(127), b"from a later version"),
    ];
    for (kind, payload) in bad {
        let before = bytes_of(&one.graph);
        one.append(kind, payload);
        let after = bytes_of(&one.graph);
        assert_eq!(before.len(), after.len(), "{kind:?} {payload:?}");
    }
    assert_eq!(one.graph.counts().ignored, 12);
    // Nothing can be about an entry that was ignored.
    one.append(kinds::TAG, b"\x01\0t");
    // What comes after is understood as before.
    one.one(tag(a, "good"));
    sync(&mut one, &mut two);
    assert_eq!((two.graph.counts().ignored, two.graph.tags()), (13, vec![("good", 1)]));
}

#[test]
fn an_entry_that_is_applied_twice_counts_once() {
    let mut one = Device::new(1);
    let a = one.add("a");
    one.write(&[tag(a, "t"), title(a, "b"), delete(a)]);
    let state = bytes_of(&one.graph);
    for entry in one.log.clone() {
        entry.apply_to(&mut one.graph);
    }
    assert_eq!(bytes_of(&one.graph), state);
}

#[test]
fn membership_entries_change_nothing_but_have_their_place() {
    let (mut one, mut two) = pair();
    let a = one.add("a");
    one.append(EntryKind(128), b"who may write");
    sync(&mut one, &mut two);
    // The last that two has seen of one is that entry.
    two.one(delete(a));
    sync(&mut one, &mut two);
    assert_eq!((one.graph.state(&a), one.graph.counts().ignored), (Some(NodeState::Removed), 0));
    one.one(tag_of_new("b"));
    assert_eq!(one.graph.counts().nodes, 1);
}

fn tag_of_new(title: &str) -> Intent {
    Intent::AddNode { url: String::new(), title: title.to_owned() }
}

#[test]
fn a_gap_in_a_chain_loses_only_what_it_held() {
    let mut one = Device::new(1);
    let a = one.add("a");
    let lost = one.one(tag(a, "lost"));
    one.one(tag(a, "kept"));
    one.one(title(a, "titled"));
    // It names the label by the entry that was discarded, so there is none to be had.
    let orphan = one.one(tag(a, "lost"));
    let graph = graph_of(one.log.iter().filter(|entry| entry.hash != lost.hash));
    let node = graph.node(&a).expect("there");
    // "kept" names its node by the entry before it, which is gone; the title by that, in turn.
    assert_eq!((node.title(), node.tags()), ("a", vec![""; 0]));
    assert_eq!(graph.counts().ignored, 3);
    assert_eq!(orphan.payload.len(), 2);
}

#[test]
fn ids_are_made_from_the_entry_and_found_by_prefix() {
    let mut one = Device::new(1);
    let nodes: Vec<NodeId> = (0..40).map(|number| one.add(&number.to_string())).collect();
    let mut sorted = nodes.clone();
    sorted.sort_unstable();
    assert_eq!(one.graph.nodes().map(|node| node.id()).collect::<Vec<_>>(), sorted);
    for (entry, node) in one.log.iter().zip(&nodes) {
        assert_eq!(NodeId::of(&entry.hash), *node);
        assert_eq!(entry.hash.0[..4], node.as_bytes()[..4]);
        let whole = node.to_hyphenated();
        for len in [1, 8, 9, 14, 36] {
            let found: Vec<NodeId> = one.graph.nodes_with_prefix(&whole[..len]).map(|node| node.id()).collect();
            let start = |id: &NodeId| id.to_hyphenated().starts_with(&whole[..len]);
            assert_eq!(found, sorted.iter().copied().filter(start).collect::<Vec<_>>());
        }
    }
    assert_eq!(one.graph.nodes_with_prefix("zz").count(), 0);
    assert_eq!(one.graph.state(&NodeId::of(&EntryHash([0; 32]))), None);
    assert_eq!(format!("{:?}", Graph::new()), format!("{:?}", verso_graph::Counts::default()));
}
