//! What can't be recorded, and that nothing is then.

use verso_graph::{
    Choice, Field, Intent, MAX_DELETED, MAX_LABEL, MAX_TITLE, MAX_URL, NodeId, NodeRef, Register, Rejected,
};

use crate::world::{Device, bytes_of, delete, link, resolve, tag, title, unlink, untag};

#[test]
fn each_kind_of_nonsense_has_its_error() {
    let mut one = Device::new(1);
    let (a, b) = (one.add("a"), one.add("b"));
    let gone = one.add("gone");
    one.write(&[tag(a, "t"), link(a, b, "k"), delete(gone)]);
    let add = || Intent::AddNode { url: String::new(), title: String::new() };
    let long = |len: usize| "x".repeat(len + 1);
    let nobody = NodeId::from_bytes([7; 16]);
    let unknown = |intent, node| Rejected::UnknownNode { intent, node };
    let cases: Vec<(Vec<Intent>, Rejected)> = vec![
        (vec![tag(nobody, "t")], unknown(0, nobody.into())),
        (vec![add(), tag(gone, "t")], unknown(1, gone.into())),
        (vec![link(a, gone, "t")], unknown(0, gone.into())),
        (vec![delete(gone)], unknown(0, gone.into())),
        (vec![resolve(nobody, Choice::Keep)], unknown(0, nobody.into())),
        (vec![tag(NodeRef::New(1), "t"), add()], unknown(0, NodeRef::New(1))),
        (vec![tag(a, "t"), tag(NodeRef::New(0), "t")], unknown(1, NodeRef::New(0))),
        (vec![tag(NodeRef::New(0), "t")], unknown(0, NodeRef::New(0))),
        (vec![tag(NodeRef::New(usize::MAX), "t")], unknown(0, NodeRef::New(usize::MAX))),
        (vec![delete(a), title(a, "x")], unknown(1, a.into())),
        (vec![add(), delete(NodeRef::New(0)), tag(NodeRef::New(0), "t")], unknown(2, NodeRef::New(0))),
        (vec![resolve(a, Choice::Delete), title(a, "x")], unknown(1, a.into())),
        (vec![untag(a, "u")], Rejected::NoSuchTag { intent: 0, tag: "u".to_owned() }),
        (vec![untag(b, "t")], Rejected::NoSuchTag { intent: 0, tag: "t".to_owned() }),
        (vec![untag(a, "t"), untag(a, "t")], Rejected::NoSuchTag { intent: 1, tag: "t".to_owned() }),
        (vec![unlink(b, a, "k")], Rejected::NoSuchEdge { intent: 0, kind: "k".to_owned() }),
        (vec![unlink(a, b, "k"), unlink(a, b, "k")], Rejected::NoSuchEdge { intent: 1, kind: "k".to_owned() }),
        (vec![tag(a, "")], Rejected::Empty { intent: 0, field: Field::Tag }),
        (vec![tag(a, &long(MAX_LABEL))], Rejected::TooLong { intent: 0, field: Field::Tag, len: MAX_LABEL + 1 }),
        (vec![title(a, &long(MAX_TITLE))], Rejected::TooLong { intent: 0, field: Field::Title, len: MAX_TITLE + 1 }),
        (
            vec![Intent::SetUrl { node: a.into(), url: long(MAX_URL) }],
            Rejected::TooLong { intent: 0, field: Field::Url, len: MAX_URL + 1 },
        ),
        (
            vec![Intent::SetWorkspaceName { name: long(MAX_LABEL) }],
            Rejected::TooLong { intent: 0, field: Field::WorkspaceName, len: MAX_LABEL + 1 },
        ),
        (
            vec![link(a, b, &long(MAX_LABEL))],
            Rejected::TooLong { intent: 0, field: Field::EdgeKind, len: MAX_LABEL + 1 },
        ),
        (vec![Intent::DeleteNode { nodes: vec![] }], Rejected::NodeCount { intent: 0, count: 0 }),
        (
            vec![Intent::DeleteNode { nodes: vec![a.into(); MAX_DELETED + 1] }],
            Rejected::NodeCount { intent: 0, count: MAX_DELETED + 1 },
        ),
        (
            vec![Intent::Resolve { node: a.into(), register: Some(Register::Url), choice: Choice::Ghost }],
            Rejected::NotForRegisters { intent: 0 },
        ),
    ];
    let before = bytes_of(&one.graph);
    for (batch, expected) in cases {
        assert_eq!(one.try_write(&batch).expect_err("nonsense"), expected);
        assert!(!expected.to_string().is_empty());
    }
    assert_eq!(bytes_of(&one.graph), before);
}

#[test]
fn the_longest_texts_are_accepted() {
    let mut one = Device::new(1);
    let long = |len: usize| "ü".repeat(len / 2);
    let entries = one.write(&[
        Intent::AddNode { url: long(MAX_URL), title: long(MAX_TITLE) },
        tag(NodeRef::New(0), &long(MAX_LABEL)),
        Intent::DeleteNode { nodes: vec![NodeRef::New(0); MAX_DELETED] },
    ]);
    assert!(entries.iter().all(|entry| entry.payload.len() <= verso_wire::limits::MAX_PAYLOAD));
    assert_eq!(
        (one.graph.counts().ignored, one.graph.state(&entries[0].node())),
        (0, Some(verso_graph::NodeState::Removed))
    );
}

#[test]
fn a_deleted_node_can_be_kept_and_used_in_the_same_batch() {
    let mut one = Device::new(1);
    let a = one.add("a");
    one.write(&[delete(a), resolve(a, Choice::Keep), tag(a, "t")]);
    assert_eq!(one.graph.tags(), [("t", 1)]);
}
