//! What a graph holds comes back from the file, whatever it is; and the file is one that browsers read.

use std::collections::BTreeSet;
use std::fs;

use proptest::prelude::*;
use verso_bookmarks::{FOLDER, MAX_DEPTH};
use verso_graph::{Intent, NodeRef};

use super::*;
use crate::desk::Desk;
use crate::import::{FileFormat, Import};

fn exported(desk: &Desk) -> String {
    let mut out = Vec::new();
    write_bookmarks(&mut out, &desk.graph).unwrap();
    String::from_utf8(out).unwrap()
}

/// Imports a file, and tells how many intents that took.
fn import(desk: &mut Desk, html: &str) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bookmarks.html");
    fs::write(&path, html).unwrap();
    let mut import = Import::check(&path, FileFormat::Auto, &mut |_progress| ()).unwrap();
    while let Some(batch) = import.next_batch(&desk.graph).unwrap() {
        desk.commit(&batch);
    }
    import.counts().intents
}

fn imported(number: u8, html: &str) -> Desk {
    let mut desk = Desk::new(number);
    import(&mut desk, html);
    desk
}

/// Url and title of a node, its tags, and kind, url and title of where its edges lead.
type Shown = (String, String, Vec<String>, BTreeSet<(String, String, String)>);

fn content(desk: &Desk) -> Vec<Shown> {
    let mut content: Vec<Shown> = desk
        .graph
        .nodes()
        .map(|node| {
            let text = str::to_owned;
            let edges = node.outgoing();
            let edges =
                edges.iter().map(|edge| (text(edge.kind()), text(edge.target().url()), text(edge.target().title())));
            (text(node.url()), text(node.title()), node.tags().into_iter().map(text).collect(), edges.collect())
        })
        .collect();
    content.sort();
    content
}

fn node(url: &str, title: &str) -> Intent {
    Intent::AddNode { url: url.to_owned(), title: title.to_owned() }
}

fn link(src: usize, dst: usize, kind: &str) -> Intent {
    Intent::Link { src: NodeRef::New(src), dst: NodeRef::New(dst), kind: kind.to_owned() }
}

fn tag(node: usize, tag: &str) -> Intent {
    Intent::Tag { node: NodeRef::New(node), tag: tag.to_owned() }
}

#[test]
fn what_browsers_wrote_is_written_as_they_do() {
    for html in [
        include_str!("../../../../verso-bookmarks/tests/browsers/firefox.html"),
        include_str!("../../../../verso-bookmarks/tests/browsers/chrome.html"),
        include_str!("../../../../verso-bookmarks/tests/browsers/safari.html"),
    ] {
        let first = imported(1, html);
        let written = exported(&first);
        assert!(!written.contains("VERSO"), "the format can say all of it:\n{written}");
        assert_eq!(content(&imported(2, &written)), content(&first));
        // Links and folders stand in the order in which they stood.
        let names = |text: &str| -> Vec<String> {
            let named = text.lines().filter(|line| line.contains("<H3") || line.contains("HREF="));
            named
                .filter(|line| !line.contains("place:"))
                .map(|line| line.rsplit_once('>').unwrap().0.rsplit_once('>').unwrap().1.to_owned())
                .collect()
        };
        assert_eq!(names(&written), names(html).iter().map(|name| name.replace("&#39;", "'")).collect::<Vec<_>>());
    }
}

#[test]
fn the_form_is_the_one_that_browsers_look_for() {
    let mut desk = Desk::new(1);
    desk.commit(&[
        node("folder:Bar", "Bar"),
        node("https://a.example.org/?b=\"c\"&d", "<A> & \"B\""),
        node("https://b.example.org/", "b"),
        link(0, 1, CONTAINS),
        tag(0, "toolbar"),
        tag(1, "x"),
        tag(1, "y z"),
        Intent::SetWorkspaceName { name: "gar<den".to_owned() },
    ]);
    let expected = "<!DOCTYPE NETSCAPE-Bookmark-file-1>\n\
        <META HTTP-EQUIV=\"Content-Type\" CONTENT=\"text/html; charset=UTF-8\">\n\
        <TITLE>gar&lt;den</TITLE>\n\
        <H1>gar&lt;den</H1>\n\
        <DL><p>\n    \
            <DT><H3 PERSONAL_TOOLBAR_FOLDER=\"true\" ADD_DATE=\"1700000000\">Bar</H3>\n    \
            <DL><p>\n        \
                <DT><A HREF=\"https://a.example.org/?b=&quot;c&quot;&amp;d\" ADD_DATE=\"1700000000\" TAGS=\"x,y z\">&lt;A&gt; &amp; &quot;B&quot;</A>\n    \
            </DL><p>\n    \
            <DT><A HREF=\"https://b.example.org/\" ADD_DATE=\"1700000000\">b</A>\n\
        </DL><p>\n";
    assert_eq!(exported(&desk), expected);
}

#[test]
fn an_empty_workspace_is_a_whole_file() {
    let html = exported(&Desk::new(1));
    assert!(html.ends_with("<H1>Bookmarks</H1>\n<DL><p>\n</DL><p>\n"), "{html}");
    assert_eq!(imported(2, &html).graph.counts().nodes, 0);
}

#[test]
fn what_lies_in_several_folders_stands_in_each_and_is_one() {
    let mut desk = Desk::new(1);
    desk.commit(&[
        node("folder:A", "A"),
        node("folder:B", "B"),
        node("u:x", "x"),
        link(0, 2, CONTAINS),
        link(1, 2, CONTAINS),
    ]);
    let html = exported(&desk);
    assert_eq!(html.matches("HREF=\"u:x\"").count(), 2);
    assert!(!html.contains("VERSO"), "{html}");
    assert_eq!(content(&imported(2, &html)), content(&desk));
}

#[test]
fn folders_that_hold_each_other_are_written_once_each() {
    let mut desk = Desk::new(1);
    desk.commit(&[
        node("folder:A", "A"),
        node("folder:A/B", "B"),
        node("folder:A/B/C", "C"),
        link(0, 1, CONTAINS),
        link(1, 2, CONTAINS),
        link(2, 0, CONTAINS),
        link(2, 2, CONTAINS),
    ]);
    let html = exported(&desk);
    assert_eq!(html.matches("<H3").count(), 3, "{html}");
    assert_eq!(content(&imported(2, &html)), content(&desk));
}

#[test]
fn folders_lie_no_deeper_in_each_other_than_they_are_read() {
    let depth = MAX_DEPTH * 2 + 3;
    let mut desk = Desk::new(1);
    let folders: Vec<Intent> = (0..depth).map(|number| node(&format!("{FOLDER}{number}"), "f")).collect();
    let edges = (1..depth).map(|number| link(number - 1, number, CONTAINS));
    desk.commit(&folders.into_iter().chain(edges).collect::<Vec<_>>());
    assert_eq!(content(&imported(2, &exported(&desk))), content(&desk));
}

/// Texts of which HTML would make something else, and folders that could be taken for each other's.
fn text() -> impl Strategy<Value = String> {
    const CHOSEN: &[&str] = &[
        "",
        " ",
        "a",
        "a,b",
        "folder:a",
        "folder:a/a",
        "folder:",
        "place:x",
        "u:1",
        "\"'<>&amp;",
        "\r\n",
        "\0",
        "\u{a0}x\u{c}",
        "%2F/",
    ];
    prop_oneof![3 => prop::sample::select(CHOSEN).prop_map(str::to_owned), 1 => any::<String>()]
}

/// A batch that makes a graph: nodes that differ in url or title, tags, edges of any kind between them.
fn batch() -> impl Strategy<Value = Vec<Intent>> {
    let nodes = prop::collection::btree_set((text(), text()), 1..12);
    let tags = prop::collection::vec((any::<prop::sample::Index>(), text()), 0..12);
    let edge = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        prop_oneof![3 => Just(CONTAINS.to_owned()), 1 => text()],
    );
    (nodes, tags, prop::collection::vec(edge, 0..24)).prop_map(|(nodes, tags, edges)| {
        let nodes: Vec<_> = nodes.into_iter().collect();
        let count = nodes.len();
        let tags: Vec<_> = tags.into_iter().filter(|(_, text)| !text.is_empty()).collect();
        let added = nodes.iter().map(|(url, title)| node(url, title));
        let tagged = tags.iter().map(|(index, text)| tag(index.index(count), text));
        let linked = edges.iter().map(|(src, dst, kind)| link(src.index(count), dst.index(count), kind));
        added.chain(tagged).chain(linked).collect()
    })
}

proptest! {
    #[test]
    fn whatever_a_graph_holds_comes_back(batch in batch()) {
        let mut first = Desk::new(1);
        first.commit(&batch);
        let html = exported(&first);
        let mut second = imported(2, &html);
        prop_assert_eq!(content(&second), content(&first), "{}", html);
        prop_assert_eq!(import(&mut second, &html), 0, "importing twice adds nothing");
        prop_assert_eq!(import(&mut first, &html), 0, "nor does importing where it came from");
        for line in html.lines().filter(|line| line.contains("<A ")) {
            prop_assert!(line.trim_start().starts_with("<DT><A HREF=\"") && line.ends_with("</A>"), "{}", line);
        }
    }
}
