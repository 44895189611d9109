//! Whatever is written is read as it was.

use std::collections::BTreeSet;

use proptest::prelude::*;
use verso_bookmarks::{Entry, Item, Kind, Reader, SPECIAL, Writer};

/// Kind, depth, url, title, tags, links, and the id if the file says it.
type Shown = (Kind, usize, String, String, BTreeSet<String>, Vec<(u64, String)>, Option<u64>);

fn shown(item: &Item) -> Shown {
    let id = Some(item.id).filter(|id| id >> 63 == 0);
    let tags = item.tags.iter().cloned().collect();
    (item.kind, item.depth, item.url.clone(), item.title.clone(), tags, item.links.clone(), id)
}

fn written(items: &[Shown]) -> Vec<u8> {
    let mut writer = Writer::begin(Vec::new(), "<all>").unwrap();
    for (kind, depth, url, title, tags, links, id) in items {
        while writer.depth() > *depth {
            writer.end_folder().unwrap();
        }
        let tags = tags.iter().map(String::as_str).collect();
        let links = links.iter().map(|(id, kind)| (*id, kind.as_str())).collect();
        let entry = Entry { url, title, tags, id: *id, links, added: Some(7) };
        match kind {
            Kind::Link => writer.link(&entry).unwrap(),
            Kind::Folder => writer.folder(&entry).unwrap(),
        }
    }
    writer.finish().unwrap()
}

fn read(html: &[u8]) -> Vec<Shown> {
    let mut reader = Reader::new(html);
    let mut items = Vec::new();
    while let Some(item) = reader.next_item().unwrap() {
        items.push(shown(item));
    }
    assert_eq!(reader.left_out(), verso_bookmarks::LeftOut::default());
    items
}

#[test]
fn what_browsers_can_say_is_said_as_they_do() {
    let entry = |url, title| Entry { url, title, ..Entry::default() };
    let mut writer = Writer::begin(Vec::new(), "gar<den").unwrap();
    writer.folder(&Entry { tags: vec![SPECIAL.toolbar], ..entry("folder:Bar", "Bar") }).unwrap();
    writer.folder(&entry("folder:Bar/In", "In")).unwrap();
    writer.end_folder().unwrap();
    writer.link(&Entry { tags: vec!["x", "y z"], ..entry("u:1?a&b=\"c\"", "<A>") }).unwrap();
    let html = String::from_utf8(writer.finish().unwrap()).unwrap();
    let expected = "<!DOCTYPE NETSCAPE-Bookmark-file-1>\n\
        <META HTTP-EQUIV=\"Content-Type\" CONTENT=\"text/html; charset=UTF-8\">\n\
        <TITLE>gar&lt;den</TITLE>\n\
        <H1>gar&lt;den</H1>\n\
        <DL><p>\n    \
            <DT><H3 PERSONAL_TOOLBAR_FOLDER=\"true\">Bar</H3>\n    \
            <DL><p>\n        \
                <DT><H3>In</H3>\n        \
                <DL><p>\n        \
                </DL><p>\n        \
                <DT><A HREF=\"u:1?a&amp;b=&quot;c&quot;\" TAGS=\"x,y z\">&lt;A&gt;</A>\n    \
            </DL><p>\n\
        </DL><p>\n";
    assert_eq!(html, expected);
}

#[test]
fn more_ends_than_folders_end_nothing() {
    let mut writer = Writer::begin(Vec::new(), "").unwrap();
    writer.end_folder().unwrap();
    writer.link(&Entry { url: "u:1", ..Entry::default() }).unwrap();
    let html = writer.finish().unwrap();
    assert_eq!(read(&html).len(), 1);
    assert!(html.ends_with(b"</A>\n</DL><p>\n"));
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
        "place:x",
        "u:1",
        "\"'<>&amp;",
        "\r\n",
        "\0",
        "\u{a0}x\u{c}",
        "toolbar",
    ];
    prop_oneof![3 => prop::sample::select(CHOSEN).prop_map(str::to_owned), 1 => any::<String>()]
}

fn item() -> impl Strategy<Value = Shown> {
    let kind = prop_oneof![Just(Kind::Link), Just(Kind::Folder)];
    let tags = prop::collection::btree_set(text(), 0..4).prop_map(|mut tags| {
        tags.remove("");
        tags
    });
    let links = prop::collection::vec((any::<u64>(), text()), 0..3);
    (kind, 0..5_usize, text(), text(), tags, links, prop::option::of(0..u64::MAX >> 1))
}

proptest! {
    #[test]
    fn whatever_is_written_comes_back(mut items in prop::collection::vec(item(), 0..30)) {
        // None lies deeper than the folder before it allows.
        let mut deepest = 0;
        for item in &mut items {
            item.1 = item.1.min(deepest);
            deepest = item.1 + usize::from(item.0 == Kind::Folder);
        }
        let html = written(&items);
        prop_assert_eq!(read(&html), items, "{}", String::from_utf8_lossy(&html));
    }
}
