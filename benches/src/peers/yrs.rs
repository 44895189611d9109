//! yrs: a map of nodes, each a map with its title, its url, and maps of its tags and links.

use std::sync::{Arc, Mutex};

use yrs::updates::decoder::Decode as _;
use yrs::updates::encoder::Encode as _;
use yrs::{Any, Doc, Map as _, MapPrelim, MapRef, Out, ReadTxn, StateVector, Transact as _, Update};

use super::Peer as _;
use crate::edits::{Edit, Who};
use crate::rows::Row;

/// A replica.
#[derive(Debug)]
pub struct Peer {
    doc: Doc,
    nodes: MapRef,
}

impl Peer {
    fn around(doc: Doc) -> Self {
        let nodes = doc.get_or_insert_map("nodes");
        Self { doc, nodes }
    }
}

fn child<T: ReadTxn>(parent: &MapRef, txn: &T, key: &str) -> Option<MapRef> {
    match parent.get(txn, key)? {
        Out::YMap(map) => Some(map),
        _ => None,
    }
}

fn text_len<T: ReadTxn>(node: &MapRef, txn: &T, key: &str) -> usize {
    match node.get(txn, key) {
        Some(Out::Any(Any::String(text))) => text.len(),
        _ => 0,
    }
}

impl super::Peer for Peer {
    const NAME: &'static str = "yrs";

    fn new() -> Self {
        Self::around(Doc::new())
    }

    fn add_nodes(&mut self, first: usize, rows: &[Row]) {
        let mut txn = self.doc.transact_mut();
        for (number, row) in (first..).zip(rows) {
            let node = self.nodes.insert(&mut txn, number.to_string(), MapPrelim::default());
            node.insert(&mut txn, "title", row.title.as_str());
            node.insert(&mut txn, "url", row.url.as_str());
            let tags = node.insert(&mut txn, "tags", MapPrelim::default());
            for tag in &row.tags {
                tags.insert(&mut txn, tag.as_str(), true);
            }
        }
    }

    fn add_links(&mut self, first: usize, rows: &[Row]) {
        let mut txn = self.doc.transact_mut();
        for (number, row) in (first..).zip(rows).filter(|(_, row)| !row.links.is_empty()) {
            let node = child(&self.nodes, &txn, &number.to_string()).expect("it is there");
            let links = node.insert(&mut txn, "links", MapPrelim::default());
            for (dst, kind) in &row.links {
                links.insert(&mut txn, format!("{kind} {dst}"), true);
            }
        }
    }

    fn save(&mut self) -> Vec<u8> {
        self.doc.transact().encode_state_as_update_v1(&StateVector::default())
    }

    fn load(bytes: &[u8]) -> Self {
        let peer = Self::around(Doc::new());
        let update = Update::decode_v1(bytes).expect("it was saved here");
        peer.doc.transact_mut().apply_update(update).expect("it was saved here");
        peer
    }

    fn pass(&self) -> usize {
        let txn = self.doc.transact();
        let mut read = 0;
        for (_, node) in self.nodes.iter(&txn) {
            let Out::YMap(node) = node else { continue };
            read += text_len(&node, &txn, "title") + text_len(&node, &txn, "url");
            if let Some(tags) = child(&node, &txn, "tags") {
                read += tags.keys(&txn).map(str::len).sum::<usize>();
            }
            read += child(&node, &txn, "links").map_or(0, |links| links.keys(&txn).count());
        }
        read
    }

    fn fork(&mut self) -> Self {
        Self::load(&self.save())
    }

    fn edit(&mut self, number: usize, edit: Edit, who: Who) {
        let key = number.to_string();
        let mut txn = self.doc.transact_mut();
        let node = child(&self.nodes, &txn, &key).expect("it is there");
        match edit {
            Edit::Title => drop(node.insert(&mut txn, "title", format!("by {} {number}", who.name()))),
            Edit::Tag => {
                let tags = child(&node, &txn, "tags").expect("there are tags");
                tags.insert(&mut txn, format!("of {}", who.name()), true);
            }
            Edit::Delete => drop(self.nodes.remove(&mut txn, &key)),
        }
    }

    fn lacking(&mut self, other: &mut Self) -> Vec<Vec<u8>> {
        let has = other.doc.transact().state_vector();
        vec![self.doc.transact().encode_diff_v1(&has)]
    }

    fn merge(&mut self, bytes: &[Vec<u8>]) {
        for update in bytes {
            let update = Update::decode_v1(update).expect("it is an update");
            self.doc.transact_mut().apply_update(update).expect("it is an update");
        }
    }
}

impl super::Talks for Peer {
    type Session = Session;

    /// Each says what it has, and is sent what it lacks, as the first two steps of its protocol are.
    fn meet(&mut self, other: &mut Self) -> usize {
        let asked = |peer: &Self| peer.doc.transact().state_vector().encode_v1().len();
        let (there, here) = (self.lacking(other), other.lacking(self));
        let sum = asked(self) + asked(other) + there.iter().chain(&here).map(Vec::len).sum::<usize>();
        other.merge(&there);
        self.merge(&here);
        sum
    }

    fn stay(&mut self, _other: &mut Self) -> Session {
        let news = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&news);
        let note = move |_: &yrs::TransactionMut<'_>, event: &yrs::UpdateEvent| {
            to.lock().expect("nobody panicked").push(event.update.clone());
        };
        self.doc.observe_update_v1("session", note).expect("no transaction is open");
        Session { news }
    }

    fn tell(&mut self, other: &mut Self, session: &mut Session) -> usize {
        let news = std::mem::take(&mut *session.news.lock().expect("nobody panicked"));
        other.merge(&news);
        news.iter().map(Vec::len).sum()
    }
}

/// What each transaction told since it was last asked.
#[derive(Debug)]
pub struct Session {
    news: Arc<Mutex<Vec<Vec<u8>>>>,
}
