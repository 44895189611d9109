//! Payloads of version 1, byte by byte: `tests/golden/payloads-v1.txt`. What is written there must be read for ever.

use std::fmt::Write as _;

use verso_graph::{Choice, Graph, Intent, NodeRef, Register};
use verso_vv::{AuthorTag, Dot, EntryHash, Hlc, Seq};
use verso_wire::{Application as _, AppliedEntry, EntryKind};

use crate::world::{Device, delete, link, resolve, tag, title, unlink, untag};

const GOLDEN: &str = include_str!("../golden/payloads-v1.txt");

/// Two devices write every kind of entry, with every way to name something.
pub(crate) fn scenario() -> Device {
    let (mut one, mut two) = (Device::new(1), Device::new(2));
    let entries = one.write(&[
        Intent::AddNode { url: "https://kernel.org".to_owned(), title: "Linux".to_owned() },
        Intent::AddNode { url: String::new(), title: "GNU's Not Unix — ünïcode".to_owned() },
        tag(NodeRef::New(0), "kernel"),
        tag(NodeRef::New(1), "kernel"),
        link(NodeRef::New(1), NodeRef::New(0), "runs on"),
        Intent::Traverse { src: NodeRef::New(0), dst: NodeRef::New(1), trigger: "click".to_owned() },
        Graph::rename("Systems"),
    ]);
    let (linux, gnu) = (entries[0].node(), entries[1].node());
    two.pull(&one);
    two.write(&[
        title(linux, "Linux kernel"),
        Intent::SetUrl { node: linux.into(), url: "https://www.kernel.org".to_owned() },
        Graph::rename("Operating systems"),
        untag(linux, "kernel"),
        unlink(gnu, linux, "runs on"),
        delete(gnu),
    ]);
    one.write(&[title(linux, "Linux, the kernel"), tag(gnu, "free")]);
    one.pull(&two);
    one.write(&[
        Intent::DeleteNode { nodes: vec![gnu.into(), linux.into()] },
        resolve(linux, Choice::Keep),
        resolve(gnu, Choice::Ghost),
        Intent::Resolve { node: linux.into(), register: Some(Register::Title), choice: Choice::Keep },
    ]);
    two.pull(&one);
    two.write(&[resolve(gnu, Choice::Delete), resolve(linux, Choice::Delete)]);
    one.pull(&two);
    one
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hexadecimal")).collect()
}

#[test]
fn what_is_written_has_not_changed() {
    let device = scenario();
    let mut text = String::from("# device, entry, kind, clock, hash, payload; then the digest of the state\n");
    for entry in &device.log {
        let number = entry.author.incarnation.0;
        writeln!(
            text,
            "{number} {} {} {} {} {}",
            entry.seq,
            entry.kind,
            entry.hlc.0,
            hex(&entry.hash.0),
            hex(&entry.payload)
        )
        .expect("a string takes everything");
    }
    writeln!(text, "{}", hex(&device.graph.digest())).expect("a string takes everything");
    assert_eq!(device.graph.counts().ignored, 0);
    assert!(text == GOLDEN, "the format changed; if it was meant to, it needs new kinds. Now:\n{text}");
}

#[test]
fn what_was_written_is_read() {
    let mut graph = Graph::new();
    let mut lines = GOLDEN.lines().skip(1).peekable();
    let mut kinds = Vec::new();
    while let Some(line) = lines.next() {
        if lines.peek().is_none() {
            assert_eq!(line, hex(&graph.digest()));
            break;
        }
        let fields: Vec<&str> = line.split(' ').collect();
        let [device, seq, kind, hlc, hash, payload] = fields[..] else { panic!("six fields: {line}") };
        let author = Device::new(device.parse().expect("a device")).author;
        let kind = EntryKind(kind.parse().expect("a kind"));
        kinds.push(kind);
        graph.apply(&AppliedEntry {
            dot: Dot { author, seq: Seq(seq.parse().expect("a number")) },
            tag: AuthorTag::of(&author),
            hash: EntryHash(bytes(hash).try_into().expect("32 bytes")),
            kind,
            hlc: Hlc(hlc.parse().expect("a clock")),
            payload: &bytes(payload),
            ancestors: &[],
        });
    }
    assert_eq!((graph.counts().ignored, graph.counts().waiting), (0, 0));
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds, (0..12).map(EntryKind).collect::<Vec<_>>());
}
