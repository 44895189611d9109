//! Events of trust: payloads that any member, or any own device, may have written.

use std::collections::BTreeMap;

use verso_identity::{DeviceId, WorkspaceId};
use verso_trust::{Control, ControlEvent, EventContext, Membership, MembershipEvent};
use verso_vv::{Author, AuthorTag, EntryHash, Hlc, Incarnation, Seq};

use crate::fuzz::Bytes;

/// How many events one input has at most: circles of removals are looked at as a whole.
const MAX_EVENTS: usize = 24;

/// How many devices write.
const DEVICES: usize = 3;

/// Reads events, and folds those that are any, in the order in which they come and in the reverse.
///
/// # Panics
/// If an event is not written as it was read, or a fold goes by the order in which events come.
pub fn event(input: &[u8]) {
    let mut input = Bytes::new(input);
    let workspace = WorkspaceId::found(&device(0), &[0x44; 16]);
    let (mut control, mut membership) = (Vec::new(), Vec::new());
    let mut heads: BTreeMap<(u8, Author), u64> = BTreeMap::new();
    for number in 0..MAX_EVENTS {
        if input.is_empty() {
            break;
        }
        let (author, kind) = (author(input.below(DEVICES)), input.byte());
        let len = input.below(600);
        let payload = input.take(len);
        let is_membership = kind >= MembershipEvent::FIRST_KIND;
        let seq = heads.entry((u8::from(is_membership), author)).or_insert(0);
        *seq += 1;
        let parts: [&[u8]; 4] = [author.device.as_bytes(), &seq.to_le_bytes(), &[kind], payload];
        let hash = EntryHash(*blake3::hash(&parts.concat()).as_bytes());
        let hlc = Hlc(u64::try_from(number / 2).unwrap_or(0));
        let context = EventContext { author, seq: Seq(*seq), hash, hlc, tag: AuthorTag::of(&author) };
        if is_membership {
            let Ok(event) = MembershipEvent::decode(kind, payload) else { continue };
            assert_eq!((event.kind(), event.encode().ok().as_deref()), (kind, Some(payload)));
            membership.push((context, event));
        } else {
            let Ok(event) = ControlEvent::decode(kind, payload) else { continue };
            assert_eq!((event.kind(), event.encode().ok().as_deref()), (kind, Some(payload)));
            control.push((context, event));
        }
    }
    let before = folded(workspace, &membership, &control);
    membership.reverse();
    control.reverse();
    assert_eq!(folded(workspace, &membership, &control), before);
}

/// What follows from these events, as text.
fn folded(
    workspace: WorkspaceId,
    membership: &[(EventContext, MembershipEvent)],
    control: &[(EventContext, ControlEvent)],
) -> String {
    let (mut members, mut peers) = (Membership::new(workspace), Control::new(device(0)));
    for (context, event) in membership {
        members.apply(context, event.clone());
    }
    for (context, event) in control {
        peers.apply(context, event.clone());
    }
    let admissions = |number| (members.admissions(&author(number)), peers.admissions(&author(number)));
    let admitted: Vec<_> = (0..DEVICES).map(admissions).collect();
    let (known, trusted): (Vec<_>, Vec<_>) = (members.members().collect(), peers.peers().collect());
    format!("{admitted:?} {known:?} {trusted:?} {:?}", members.founder())
}

fn device(number: usize) -> DeviceId {
    DeviceId::from_bytes([u8::try_from(number + 1).unwrap_or(u8::MAX); 32])
}

fn author(number: usize) -> Author {
    Author { device: device(number), incarnation: Incarnation(7) }
}
