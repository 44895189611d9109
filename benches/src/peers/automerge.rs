//! automerge: a map of nodes, each a map with its title, its url, and maps of its tags and links.

use automerge::sync::{Message, State, SyncDoc as _};
use automerge::transaction::CommitOptions;
use automerge::transaction::Transactable as _;
use automerge::{AutoCommit, ObjId, ObjType, ROOT, ReadDoc as _, Value};

use crate::edits::{Edit, Who};
use crate::rows::Row;

/// A replica.
#[derive(Debug)]
pub struct Peer {
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

impl super::Peer for Peer {
    const NAME: &'static str = "automerge";
    fn new() -> Self {
        // The map is made by one actor in all replicas, or there would be two of them.
        let mut doc = AutoCommit::new().with_actor([0].as_slice().into());
        let nodes = doc.put_object(&ROOT, "nodes", ObjType::Map).expect("it works");
        doc.commit_with(CommitOptions::default().with_time(0));
        Self { doc: doc.fork(), nodes }
    }

    fn add_nodes(&mut self, first: usize, rows: &[Row]) {
        let doc = &mut self.doc;
        for (number, row) in (first..).zip(rows) {
            let node = doc.put_object(&self.nodes, number.to_string(), ObjType::Map).expect("it works");
            doc.put(&node, "title", row.title.as_str()).expect("it works");
            doc.put(&node, "url", row.url.as_str()).expect("it works");
            let tags = doc.put_object(&node, "tags", ObjType::Map).expect("it works");
            for tag in &row.tags {
                doc.put(&tags, tag.as_str(), true).expect("it works");
            }
        }
        doc.commit();
    }

    fn add_links(&mut self, first: usize, rows: &[Row]) {
        for (number, row) in (first..).zip(rows).filter(|(_, row)| !row.links.is_empty()) {
            let node = object(&self.doc, &self.nodes, &number.to_string()).expect("it is there");
            let links = self.doc.put_object(node, "links", ObjType::Map).expect("it works");
            for (dst, kind) in &row.links {
                self.doc.put(&links, format!("{kind} {dst}"), true).expect("it works");
            }
        }
        self.doc.commit();
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

    fn edit(&mut self, number: usize, edit: Edit, who: Who) {
        let node = object(&self.doc, &self.nodes, &number.to_string()).expect("it is there");
        match edit {
            Edit::Title => self.doc.put(&node, "title", format!("by {} {number}", who.name())).expect("it works"),
            Edit::Tag => {
                let tags = object(&self.doc, &node, "tags").expect("there are tags");
                self.doc.put(&tags, format!("of {}", who.name()), true).expect("it works");
            }
            Edit::Delete => self.doc.delete(&self.nodes, number.to_string()).expect("it works"),
        }
        self.doc.commit();
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

impl super::Talks for Peer {
    type Session = Session;

    fn meet(&mut self, other: &mut Self) -> usize {
        self.tell(other, &mut Session::default())
    }

    fn stay(&mut self, other: &mut Self) -> Session {
        let mut session = Session::default();
        self.tell(other, &mut session);
        session
    }

    fn tell(&mut self, other: &mut Self, session: &mut Session) -> usize {
        let mut sum = 0;
        loop {
            let sent = send(&mut self.doc, &mut session.one, &mut other.doc, &mut session.two);
            let answered = send(&mut other.doc, &mut session.two, &mut self.doc, &mut session.one);
            if sent + answered == 0 {
                return sum;
            }
            sum += sent + answered;
        }
    }
}

/// What each side knows of the other.
#[derive(Debug, Default)]
pub struct Session {
    one: State,
    two: State,
}

/// Sends one message, if there is anything to say. Returns its length.
fn send(from: &mut AutoCommit, known: &mut State, to: &mut AutoCommit, known_there: &mut State) -> usize {
    let Some(message) = from.sync().generate_sync_message(known) else { return 0 };
    let bytes = message.encode();
    let message = Message::decode(&bytes).expect("it was encoded");
    to.sync().receive_sync_message(known_there, message).expect("it was made here");
    bytes.len()
}
