//! What held entries would do, in words.

use verso_graph::{Choice, Graph, Intent, Register};
use verso_vv::{AuthorTag, Dot};
use verso_wire::{Application as _, AppliedEntry, Description};

use crate::world::{Device, Entry, link, pair, resolve, sync, tag, title, unlink, untag};

fn dot(entry: &Entry) -> Dot {
    Dot { author: entry.author, seq: entry.seq }
}

fn with<T>(entries: &[Entry], ask: impl FnOnce(&[AppliedEntry<'_>]) -> T) -> T {
    let held: Vec<AppliedEntry<'_>> = entries
        .iter()
        .map(|entry| {
            let (dot, tag) = (dot(entry), AuthorTag::of(&entry.signer));
            let Entry { hash, kind, hlc, ref payload, ref ancestors, .. } = *entry;
            AppliedEntry { dot, tag, hash, kind, hlc, payload, ancestors }
        })
        .collect();
    ask(&held)
}

fn describe(graph: &Graph, entries: &[Entry]) -> Vec<Description> {
    with(entries, |held| graph.describe(held))
}

fn texts(graph: &Graph, entries: &[Entry]) -> Vec<String> {
    describe(graph, entries).into_iter().map(|described| described.text).collect()
}

/// Everything that can be done, on nodes that are here and on such as are held themselves.
#[test]
fn every_intent_has_words() {
    let (mut one, mut two) = pair();
    let (a, b) = (one.add("a"), one.add("b"));
    sync(&mut one, &mut two);
    let new = Intent::AddNode { url: "u:new".into(), title: "new".into() };
    let held = two.write(&[
        new,
        title(a, "A"),
        Intent::SetUrl { node: b.into(), url: "u:b".into() },
        Graph::rename("yard"),
        tag(a, "x"),
        link(a, b, "hosts"),
        link(a, b, ""),
        Intent::Traverse { src: a.into(), dst: b.into(), trigger: "click".into() },
        untag(a, "x"),
        unlink(a, b, "hosts"),
        Intent::DeleteNode { nodes: vec![a.into(), b.into()] },
    ]);
    let expected = [
        "adds new (u:new)",
        "gives a the title A",
        "gives b the url u:b",
        "calls the workspace yard",
        "tags a with x",
        "links a to b (hosts)",
        "links a to b",
        "went from a to b",
        "takes the tag x off a",
        "takes the link from a to b away (hosts)",
        "deletes a, b",
    ];
    // The first device has applied nothing of it.
    assert_eq!(texts(&one.graph, &held), expected);
    let decided = two.write(&[resolve(a, Choice::Keep)]);
    assert_eq!(texts(&one.graph, &[held, decided].concat())[11], "decides that a stays");
}

#[test]
fn what_is_held_names_what_is_held() {
    let (one, mut two) = pair();
    let node = two.add("n");
    let other = two.add("m");
    two.write(&[tag(node, "x"), tag(other, "x"), link(node, other, "k"), title(node, "N")]);
    let held = two.log.clone();
    let described = describe(&one.graph, &held);
    let text: Vec<&str> = described.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(
        text,
        [
            "adds n (https://n)",
            "adds m (https://m)",
            "tags n with x",
            "tags m with x",
            "links n to m (k)",
            "gives n the title N"
        ]
    );
    let [n, m, first_tag] = [0, 1, 2].map(|at| dot(&held[at]));
    assert_eq!((described[0].needs.clone(), described[2].needs.clone()), (Vec::new(), vec![n]));
    assert!(
        described[3].needs.contains(&m) && described[3].needs.contains(&first_tag),
        "it takes the label from there"
    );
    assert!(described[4].needs.contains(&n) && described[4].needs.contains(&m));
    assert!(described[5].needs.contains(&n));
}

/// A node that another author made, held as well; and a third that applied what names it, and waits.
#[test]
fn across_authors_and_what_waits() {
    let (mut one, mut two) = pair();
    let node = one.add("n");
    sync(&mut one, &mut two);
    let held: Vec<Entry> = [one.log.clone(), two.write(&[tag(node, "x")])].concat();
    let empty = Graph::new();
    let described = describe(&empty, &held);
    assert_eq!(described[1].text, "tags n with x");
    assert_eq!(described[1].needs, [dot(&held[0])]);

    let mut third = Device::new(9);
    held[1].apply_to(&mut third.graph);
    let waiting = with(&held[..1], |held| third.graph.waiting_for(held));
    assert_eq!(waiting, [dot(&held[1])]);
    held[0].apply_to(&mut third.graph);
    assert_eq!(with(&held[..1], |held| third.graph.waiting_for(held)), [], "it waits no longer");
}

#[test]
fn nonsense_and_strangers_have_words_too() {
    let (one, mut two) = pair();
    let node = two.add("n");
    let tagged = two.one(tag(node, "x"));
    // The node that it names is neither here nor held.
    assert_eq!(texts(&one.graph, std::slice::from_ref(&tagged)), ["tags a node that is not here with x"]);
    let broken = Entry { payload: vec![0xff; 3], ..tagged };
    assert_eq!(texts(&one.graph, &[broken]), ["can't be read"]);
    assert_eq!(one.graph.explain(&verso_graph::Topic::Value(node, Register::Title)), None, "nothing was applied");
}
