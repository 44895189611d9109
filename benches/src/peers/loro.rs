//! loro: a map of nodes, each a map with its title, its url, and maps of its tags and links.

use loro::{Container, ExportMode, LoroDoc, LoroMap, LoroValue, ValueOrContainer};

use super::Peer as _;
use crate::edits::{Edit, Who};
use crate::rows::Row;

/// A replica.
#[derive(Debug)]
pub struct Peer {
    doc: LoroDoc,
    nodes: LoroMap,
}

impl Peer {
    fn around(doc: LoroDoc) -> Self {
        let nodes = doc.get_map("nodes");
        Self { doc, nodes }
    }
}

fn child(parent: &LoroMap, key: &str) -> Option<LoroMap> {
    match parent.get(key)? {
        ValueOrContainer::Container(Container::Map(map)) => Some(map),
        _ => None,
    }
}

fn text_len(node: &LoroMap, key: &str) -> usize {
    match node.get(key) {
        Some(ValueOrContainer::Value(LoroValue::String(text))) => text.len(),
        _ => 0,
    }
}

impl super::Peer for Peer {
    const NAME: &'static str = "loro";

    fn new() -> Self {
        Self::around(LoroDoc::new())
    }

    fn add_nodes(&mut self, first: usize, rows: &[Row]) {
        for (number, row) in (first..).zip(rows) {
            let node = self.nodes.insert_container(&number.to_string(), LoroMap::new()).expect("it works");
            node.insert("title", row.title.as_str()).expect("it works");
            node.insert("url", row.url.as_str()).expect("it works");
            let tags = node.insert_container("tags", LoroMap::new()).expect("it works");
            for tag in &row.tags {
                tags.insert(tag, true).expect("it works");
            }
        }
        self.doc.commit();
    }

    fn add_links(&mut self, first: usize, rows: &[Row]) {
        for (number, row) in (first..).zip(rows).filter(|(_, row)| !row.links.is_empty()) {
            let node = child(&self.nodes, &number.to_string()).expect("it is there");
            let links = node.insert_container("links", LoroMap::new()).expect("it works");
            for (dst, kind) in &row.links {
                links.insert(&format!("{kind} {dst}"), true).expect("it works");
            }
        }
        self.doc.commit();
    }

    fn save(&mut self) -> Vec<u8> {
        self.doc.export(ExportMode::Snapshot).expect("it works")
    }

    fn load(bytes: &[u8]) -> Self {
        let doc = LoroDoc::new();
        doc.import(bytes).expect("it was saved here");
        Self::around(doc)
    }

    fn pass(&self) -> usize {
        let mut read = 0;
        self.nodes.for_each(|_, node| {
            let ValueOrContainer::Container(Container::Map(node)) = node else { return };
            read += text_len(&node, "title") + text_len(&node, "url");
            if let Some(tags) = child(&node, "tags") {
                tags.for_each(|tag, _| read += tag.len());
            }
            if let Some(links) = child(&node, "links") {
                links.for_each(|_, _| read += 1);
            }
        });
        read
    }

    fn fork(&mut self) -> Self {
        Self::around(self.doc.fork())
    }

    fn edit(&mut self, number: usize, edit: Edit, who: Who) {
        let key = number.to_string();
        let node = child(&self.nodes, &key).expect("it is there");
        match edit {
            Edit::Title => node.insert("title", format!("by {} {number}", who.name())).expect("it works"),
            Edit::Tag => {
                let tags = child(&node, "tags").expect("there are tags");
                tags.insert(&format!("of {}", who.name()), true).expect("it works");
            }
            Edit::Delete => self.nodes.delete(&key).expect("it works"),
        }
        self.doc.commit();
    }

    fn lacking(&mut self, other: &mut Self) -> Vec<Vec<u8>> {
        vec![self.doc.export(ExportMode::updates(&other.doc.oplog_vv())).expect("it works")]
    }

    fn merge(&mut self, bytes: &[Vec<u8>]) {
        for update in bytes {
            self.doc.import(update).expect("it is an update");
        }
    }
}

impl super::Talks for Peer {
    type Session = ();

    /// Each says what it has, and is sent what it lacks, if anything.
    fn meet(&mut self, other: &mut Self) -> usize {
        let (here, there) = (self.doc.oplog_vv(), other.doc.oplog_vv());
        let mut sum = here.encode().len() + there.encode().len();
        if here != there {
            sum += self.tell(other, &mut ()) + other.tell(self, &mut ());
        }
        sum
    }

    fn stay(&mut self, _other: &mut Self) {}

    fn tell(&mut self, other: &mut Self, _session: &mut ()) -> usize {
        let updates = self.lacking(other);
        other.merge(&updates);
        updates.iter().map(Vec::len).sum()
    }
}
