//! Payloads of the graph: entries that any member may have written.

use verso_graph::Graph;
use verso_identity::{DeviceId, WorkspaceId};
use verso_vv::{Author, AuthorTag, Dot, EntryHash, Hlc, Incarnation, Seq};
use verso_wire::{Application as _, AppliedEntry, EntryDigest, EntryKind, chain_next, chain_start};

use crate::fuzz::Bytes;

/// How many entries one input has at most.
const MAX_ENTRIES: usize = 64;

/// Of more kinds than there are, so that unknown ones come as well.
const KINDS: usize = 14;

/// An entry as it arrives.
struct Entry<'a> {
    dot: Dot,
    hash: EntryHash,
    kind: EntryKind,
    hlc: Hlc,
    payload: &'a [u8],
}

/// Applies entries of two authors with any payloads, in two orders that keep each author's own.
///
/// # Panics
/// If the state goes by the order, or is another after it was saved and read back.
pub fn payload(input: &[u8]) {
    let entries = entries(input);
    let arrived = graph_of(entries.iter());
    let (firsts, seconds): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| entry.dot.author == author(0));
    let other = graph_of(seconds.into_iter().chain(firsts));
    assert_eq!(arrived.digest(), other.digest());

    let mut saved = Vec::new();
    arrived.snapshot(&mut saved);
    let restored = Graph::restore(&saved).expect("it was just saved");
    assert_eq!(restored.digest(), arrived.digest());
}

fn author(number: u8) -> Author {
    Author { device: DeviceId::from_bytes([number + 1; 32]), incarnation: Incarnation(u64::from(number) + 1) }
}

/// Makes entries of choices: who, of which kind, how long a payload, the payload, when.
fn entries(input: &[u8]) -> Vec<Entry<'_>> {
    let mut input = Bytes::new(input);
    let authors = [author(0), author(1)];
    let mut heads = authors.map(|author| (Seq::ZERO, chain_start(&WorkspaceId::from_bytes([9; 16]), &author)));
    let mut entries = Vec::new();
    while entries.len() < MAX_ENTRIES && !input.is_empty() {
        let (who, kind) = (input.below(authors.len()), input.below(KINDS));
        let len = input.below(300);
        let (Some(author), Some((seq, head))) = (authors.get(who), heads.get_mut(who)) else { break };
        let (kind, payload) = (EntryKind(u8::try_from(kind).unwrap_or(0)), input.take(len));
        let hlc = Hlc(u64::from(input.byte()));
        *seq = seq.next();
        *head = chain_next(head, *seq, &EntryDigest::of(kind, hlc, payload));
        entries.push(Entry { dot: Dot { author: *author, seq: *seq }, hash: *head, kind, hlc, payload });
    }
    entries
}

fn graph_of<'a>(entries: impl IntoIterator<Item = &'a Entry<'a>>) -> Graph {
    let mut graph = Graph::new();
    for &Entry { dot, hash, kind, hlc, payload } in entries {
        let tag = AuthorTag::of(&dot.author);
        graph.apply(&AppliedEntry { dot, tag, hash, kind, hlc, payload, ancestors: &[] });
    }
    graph
}
