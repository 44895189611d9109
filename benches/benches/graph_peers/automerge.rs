//! automerge: a map of nodes, each a map with its title, its url, and maps of its tags and links.

use automerge::transaction::Transactable as _;
use automerge::{AutoCommit, ObjId, ObjType, ROOT, ReadDoc as _, Value};
use verso_benches::rows::Row;

use crate::{Edit, MERGED, Who};

pub(crate) struct Peer {
    doc: AutoCommit,
    nodes: ObjId,
}

impl Peer {
    fn around(doc: AutoCommit) -> Self {
        let nodes = object(&doc, &ROOT, "nodes").expect("there are nodes");
        Self { doc, nodes }
    }
}

fn object(doc: &AutoCommit, parent: &ObjId, key: &str) -> Option<ObjId> {
    doc.get(parent, key).expect("it can be read").map(|(_, id)| id)
}

fn text_len(doc: &AutoCommit, node: &ObjId, key: &str) -> usize {
    match doc.get(node, key).expect("it can be read") {
        Some((Value::Scalar(value), _)) => value.as_str().map_or(0, str::len),
        _ => 0,
    }
}

impl crate::Peer for Peer {
    const NAME: &'static str = "automerge";

    fn record(rows: &[Row]) -> Self {
        let mut doc = AutoCommit::new();
        let nodes = doc.put_object(&ROOT, "nodes", ObjType::Map).expect("it works");
        doc.commit();
        let mut ids = Vec::new();
        for (number, row) in rows.iter().enumerate() {
            let node = doc.put_object(&nodes, number.to_string(), ObjType::Map).expect("it works");
            doc.put(&node, "title", row.title.as_str()).expect("it works");
            doc.put(&node, "url", row.url.as_str()).expect("it works");
            let tags = doc.put_object(&node, "tags", ObjType::Map).expect("it works");
            for tag in &row.tags {
                doc.put(&tags, tag.as_str(), true).expect("it works");
            }
            ids.push(node);
            doc.commit();
        }
        for (row, node) in rows.iter().zip(&ids).filter(|(row, _)| !row.links.is_empty()) {
            let links = doc.put_object(node, "links", ObjType::Map).expect("it works");
            for (dst, kind) in &row.links {
                doc.put(&links, format!("{kind} {dst}"), true).expect("it works");
            }
            doc.commit();
        }
        Self { doc, nodes }
    }

    fn save(&mut self) -> Vec<u8> {
        self.doc.save()
    }

    fn load(bytes: &[u8]) -> Self {
        Self::around(AutoCommit::load(bytes).expect("it was saved here"))
    }

    fn pass(&self) -> usize {
        let doc = &self.doc;
        let mut read = 0;
        for item in doc.map_range(&self.nodes, ..) {
            let node = item.id();
            read += text_len(doc, &node, "title") + text_len(doc, &node, "url");
            if let Some(tags) = object(doc, &node, "tags") {
                read += doc.map_range(&tags, ..).map(|tag| tag.key.len()).sum::<usize>();
            }
            read += object(doc, &node, "links").map_or(0, |links| doc.map_range(&links, ..).count());
        }
        read
    }

    fn fork(&mut self) -> Self {
        Self::around(self.doc.fork())
    }

    fn edit(&mut self, who: Who) {
        for number in 0..MERGED {
            let node = object(&self.doc, &self.nodes, &number.to_string()).expect("it is there");
            match Edit::of(number, who) {
                Edit::Title => self.doc.put(&node, "title", format!("by {} {number}", who.name())).expect("it works"),
                Edit::Tag => {
                    let tags = object(&self.doc, &node, "tags").expect("there are tags");
                    self.doc.put(&tags, format!("of {}", who.name()), true).expect("it works");
                }
                Edit::Delete => self.doc.delete(&self.nodes, number.to_string()).expect("it works"),
            }
            self.doc.commit();
        }
    }

    fn lacking(&mut self, other: &mut Self) -> Vec<Vec<u8>> {
        // What the other has besides is nothing that this one knows.
        let changes = other.doc.get_changes_added(&mut self.doc);
        changes.into_iter().map(|mut change| change.bytes().into_owned()).collect()
    }

    fn merge(&mut self, bytes: &[Vec<u8>]) {
        self.doc.load_incremental(&bytes.concat()).expect("they are changes");
    }
}
