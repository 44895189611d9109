//! [`Workload`]: the intents of a graph, as benches write them.

use verso_wire::EntryKind;

use crate::rows::{Row, rows};

/// The kind of an intent that adds a node.
pub const ADD_NODE: EntryKind = EntryKind(1);
const TAG: EntryKind = EntryKind(2);
const LINK: EntryKind = EntryKind(3);

/// Intents of a graph, encoded as tightly as is simple: nodes by number, integers of variable length.
#[derive(Debug, Default)]
pub struct Workload {
    /// Kind and payload of each intent.
    pub payloads: Vec<(EntryKind, Vec<u8>)>,
}

impl Workload {
    /// Every node of the [rows](crate::rows), then each node's tags and links. Without a file there are 5,000 nodes.
    pub fn load() -> Self {
        let rows = rows(5_000);
        let mut workload = Self::default();
        for Row { url, title, .. } in &rows {
            workload.add_node(url, title);
        }
        for (number, Row { tags, links, .. }) in (0_u64..).zip(&rows) {
            for tag in tags {
                workload.tag(number, tag);
            }
            for (dst, kind) in links {
                workload.link(number, u64::try_from(*dst).unwrap_or(u64::MAX), kind);
            }
        }
        workload
    }

    fn add_node(&mut self, url: &str, title: &str) {
        let mut payload = Vec::new();
        put(&mut payload, url.len().try_into().expect("a length"));
        payload.extend_from_slice(url.as_bytes());
        payload.extend_from_slice(title.as_bytes());
        self.payloads.push((ADD_NODE, payload));
    }

    fn tag(&mut self, node: u64, tag: &str) {
        let mut payload = Vec::new();
        put(&mut payload, node + 1);
        payload.extend_from_slice(tag.as_bytes());
        self.payloads.push((TAG, payload));
    }

    fn link(&mut self, src: u64, dst: u64, kind: &str) {
        let mut payload = Vec::new();
        put(&mut payload, src + 1);
        put(&mut payload, dst + 1);
        payload.extend_from_slice(kind.as_bytes());
        self.payloads.push((LINK, payload));
    }

    /// How many intents there are.
    pub fn count(&self) -> u64 {
        u64::try_from(self.payloads.len()).unwrap_or(u64::MAX)
    }
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(u8::try_from(value & 0x7f | 0x80).expect("8 bits"));
        value >>= 7;
    }
    out.push(u8::try_from(value).expect("7 bits"));
}
