//! [`Workload`]: the intents of a graph, as benches write them.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead as _, BufReader};

use verso_wire::EntryKind;

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
    /// Reads the file of JSON lines that `VERSO_DATA` names (`.zst`), or makes a graph of the same proportions.
    ///
    /// # Panics
    /// If the file is not such a graph.
    pub fn load() -> Self {
        match std::env::var_os("VERSO_DATA") {
            Some(path) => {
                Self::debian(File::open(path).expect("VERSO_DATA names a file")).expect("the file is the graph")
            }
            None => Self::synthetic(5_000),
        }
    }

    /// Every node, then each node's tags and links.
    fn debian(file: File) -> Result<Self, Box<dyn Error>> {
        let lines = BufReader::new(zstd::Decoder::new(file)?).lines();
        let nodes: Vec<serde_json::Value> =
            lines.map(|line| Ok::<_, Box<dyn Error>>(serde_json::from_str(&line?)?)).collect::<Result<_, _>>()?;
        let mut workload = Self::default();
        for node in &nodes {
            workload.add_node(node["url"].as_str().unwrap_or_default(), node["title"].as_str().unwrap_or_default());
        }
        for (number, node) in (0_u64..).zip(&nodes) {
            for tag in node["tags"].as_array().into_iter().flatten() {
                workload.tag(number, tag.as_str().unwrap_or_default());
            }
            for link in node["links"].as_array().into_iter().flatten() {
                let kind = link[1].as_str().unwrap_or_default();
                workload.link(number, link[0].as_u64().unwrap_or_default(), kind);
            }
        }
        Ok(workload)
    }

    fn synthetic(nodes: u64) -> Self {
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = move |below: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % below
        };
        let mut workload = Self::default();
        for number in 0..nodes {
            workload.add_node(
                &format!("https://host-{}.example/{:x}", next(nodes / 4), next(1 << 20)),
                &format!("page {number}"),
            );
        }
        for number in 0..nodes {
            for _ in 0..next(6) {
                workload.tag(number, &format!("topic::{}", next(600)));
            }
            for _ in 0..next(9) {
                workload.link(number, next(nodes), if next(4) == 0 { "recommends" } else { "depends" });
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
