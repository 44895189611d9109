//! Entries that no honest device writes: any payloads, vectors and names, forged hash tags, branches of branches. Whatever they say, the
//! same entries in any order give the same bytes, and nothing panics.

use proptest::prelude::*;
use verso_graph::{Topic, kinds};
use verso_identity::{DeviceId, WorkspaceId};
use verso_vv::{Author, AuthorTag, EntryHash, HashTag, Hlc, Incarnation, Seen, SeenItem, Seq};
use verso_wire::{EntryDigest, EntryKind, chain_next, chain_start};

use crate::world::{Entry, bytes_of, graph_of, relabel, shuffled};

/// A draw of numbers from which a payload is made.
#[derive(Debug, Clone)]
struct Draw {
    author: u8,
    /// How many entries before its author's last one it starts a branch; mostly none.
    back: u8,
    kind: u8,
    hlc: u8,
    /// The first byte of its hash tag, which is the only one that differs: few values, so that names collide.
    tag: u8,
    numbers: Vec<u8>,
}

/// Draws entries that extend their chain, or, `branches` times in ten, start a branch.
fn draw(branches: u32) -> impl Strategy<Value = Draw> {
    let back = prop_oneof![10 - branches => Just(0_u8), branches => 1_u8..3];
    let kind = prop_oneof![3 => Just(0_u8), 8 => 0_u8..13, 1 => Just(200)];
    (0_u8..3, back, kind, 0_u8..4, 0_u8..3, prop::collection::vec(any::<u8>(), 24))
        .prop_map(|(author, back, kind, hlc, tag, numbers)| Draw { author, back, kind, hlc, tag, numbers })
}

fn author(number: u8) -> Author {
    Author { device: DeviceId::from_bytes([number; 32]), incarnation: Incarnation(0) }
}

/// Writes payloads that are well-formed more often than not.
struct Writer<'a> {
    numbers: std::iter::Cycle<std::slice::Iter<'a, u8>>,
    seq: u64,
    bytes: Vec<u8>,
}

impl Writer<'_> {
    fn next(&mut self, below: u8) -> u8 {
        self.numbers.next().copied().unwrap_or(0) % below
    }

    /// An entry before this one, by difference, or somebody's.
    fn node(&mut self) {
        if self.seq > 1 && self.next(3) > 0 {
            let own = 1 + u64::from(self.next(4)) % (self.seq - 1);
            self.bytes.push(u8::try_from(own).unwrap_or(1));
        } else {
            self.other();
        }
    }

    fn other(&mut self) {
        let who = author(self.next(3));
        let seq = 1 + self.next(6);
        let tag = self.next(3);
        self.bytes.push(0);
        self.bytes.extend(AuthorTag::of(&who).0);
        self.bytes.push(seq);
        self.bytes.extend([tag, 0, 0, 0]);
    }

    fn dots(&mut self) {
        let count = self.next(3);
        self.bytes.push(count);
        for _ in 0..count {
            if self.seq > 1 && self.next(4) == 0 {
                self.bytes.push(1);
            } else {
                self.other();
            }
        }
    }

    fn label(&mut self) {
        let label = [b'x', b'y'][usize::from(self.next(2))];
        self.bytes.extend([0, label]);
    }

    fn seen(&mut self) {
        if self.seq > 1 && self.next(4) == 0 {
            self.bytes.push(1);
            return;
        }
        let count = self.next(4);
        let items: Vec<SeenItem> = (0..count)
            .map(|_| SeenItem {
                author: AuthorTag::of(&author(self.next(3))),
                seq: Seq(1 + u64::from(self.next(6))),
                tag: HashTag([self.next(3), 0, 0, 0]),
            })
            .collect();
        self.bytes.push(0);
        Seen::new(items).encode(&mut self.bytes);
    }

    fn payload(mut self, kind: EntryKind) -> Vec<u8> {
        match kind {
            kinds::ADD_NODE => {
                let (url, title) = (self.next(3), self.next(3));
                self.bytes.extend([1, b'a' + url, b'a' + title]);
            }
            kinds::SET_TITLE | kinds::SET_URL => {
                self.node();
                self.dots();
                let value = b'a' + self.next(3);
                self.bytes.push(value);
            }
            kinds::SET_WORKSPACE_NAME => {
                self.dots();
                let value = b'a' + self.next(3);
                self.bytes.push(value);
            }
            kinds::TAG => {
                self.node();
                self.label();
            }
            kinds::UNTAG => {
                self.node();
                self.dots();
                self.label();
            }
            kinds::LINK | kinds::TRAVERSE => {
                self.node();
                self.other();
                self.label();
            }
            kinds::UNLINK => {
                self.node();
                self.other();
                self.dots();
                self.label();
            }
            kinds::DELETE_NODE => {
                self.seen();
                self.node();
                if self.next(2) == 0 {
                    self.node();
                }
            }
            kinds::RESOLVE => {
                let choice = self.next(3);
                self.bytes.push(choice);
                self.seen();
                self.node();
            }
            kinds::RESOLVE_REGISTER => {
                let register = self.next(2);
                self.bytes.push(register);
                self.node();
                self.dots();
            }
            _ => {
                for _ in 0..self.next(12) {
                    let byte = self.next(255);
                    self.bytes.push(byte);
                }
            }
        }
        self.bytes
    }
}

fn entries_of(draws: &[Draw]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for draw in draws {
        let author = author(draw.author);
        let own: Vec<&Entry> = entries.iter().filter(|entry| entry.author == author).collect();
        let last = own.len().checked_sub(1 + usize::from(draw.back)).and_then(|at| own.get(at));
        let start = (EntryHash([0; 32]), Seq::ZERO);
        let start =
            if own.is_empty() { (chain_start(&WorkspaceId::from_bytes([9; 16]), &author), start.1) } else { start };
        let (previous, seq) = match last {
            Some(last) => (last.hash, last.seq),
            None if own.is_empty() => start,
            None => (own[0].previous, Seq::ZERO),
        };
        let seq = seq.next();
        let kind = EntryKind(draw.kind);
        let writer = Writer { numbers: draw.numbers.iter().cycle(), seq: seq.0, bytes: Vec::new() };
        let payload = writer.payload(kind);
        let hlc = Hlc(u64::from(draw.hlc));
        let mut hash = chain_next(&previous, seq, &EntryDigest::of(kind, hlc, &payload));
        hash.0[..4].copy_from_slice(&[draw.tag, 0, 0, 0]);
        let ancestors = Vec::new();
        entries.push(Entry { signer: author, author, seq, previous, hash, kind, hlc, payload, ancestors });
    }
    entries
}

fn check(draws: &[Draw], orders: &[Vec<u16>]) -> Result<(), TestCaseError> {
    let entries = relabel(&entries_of(draws));
    let first = shuffled(&entries, &[0]);
    let whole = bytes_of(&graph_of(&first));
    for order in orders {
        let arrival = shuffled(&entries, order);
        prop_assert_eq!(bytes_of(&graph_of(&arrival)), whole.clone());
        let part = &arrival[..arrival.len() / 2];
        prop_assert_eq!(bytes_of(&graph_of(&shuffled(part, &[3, 1, 0]))), bytes_of(&graph_of(part)));
    }
    // Reading must hold for whatever came out.
    let graph = graph_of(&first);
    for node in graph.nodes() {
        prop_assert!(graph.nodes_with_title(node.title()).iter().any(|found| found.id() == node.id()));
        prop_assert!(graph.nodes_with_url(node.url()).iter().any(|found| found.id() == node.id()));
        prop_assert!(graph.explain(&Topic::Node(node.id())).is_some());
    }
    prop_assert_eq!(graph.conflicts().len(), graph.counts().conflicts);
    Ok(())
}

/// Entries with forged branches among them, and an order of arrival.
pub(crate) fn arrivals() -> impl Strategy<Value = (Vec<Entry>, Vec<u16>)> {
    let entries = prop::collection::vec(draw(2), 1..30).prop_map(|draws| relabel(&entries_of(&draws)));
    (entries, prop::collection::vec(any::<u16>(), 1..40))
}

fn orders() -> impl Strategy<Value = Vec<Vec<u16>>> {
    prop::collection::vec(prop::collection::vec(any::<u16>(), 1..40), 3)
}

proptest! {
    #![proptest_config(crate::converge::config())]

    #[test]
    fn forged_entries_in_any_order_give_the_same_bytes(
        draws in prop::collection::vec(draw(0), 1..30), orders in orders()
    ) {
        check(&draws, &orders)?;
    }

    #[test]
    fn forged_branches_in_any_order_give_the_same_bytes(
        draws in prop::collection::vec(draw(2), 1..30), orders in orders()
    ) {
        check(&draws, &orders)?;
    }
}
