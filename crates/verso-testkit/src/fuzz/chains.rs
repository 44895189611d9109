//! Chains: of all that can be made of sealed units, nothing verifies but what was signed.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use verso_identity::WorkspaceId;
use verso_vv::{EntryHash, Seq};
use verso_wire::{Branch, ChainHead, ChainedUnit, CompressionLevel, ForkProof, Message, Seam, SyncUnit};

use crate::fuzz::{Bytes, shapes};

/// How many changes of an input are made.
const MAX_CHANGES: usize = 16;

/// What one author wrote: a chain, and a fork of it.
struct Written {
    workspace: WorkspaceId,
    /// Units of all forms, encoded.
    units: Vec<Vec<u8>>,
    /// Where it sealed.
    heads: BTreeSet<(Seq, EntryHash)>,
    /// All entries.
    hashes: BTreeSet<(Seq, EntryHash)>,
    proof: ForkProof,
    branches: [Branch; 2],
}

static WRITTEN: LazyLock<Written> = LazyLock::new(|| {
    let mut writer = shapes::Writer::new(1);
    let texts: Vec<u8> = (0..=255).flat_map(|byte: u8| blake3::hash(&[byte]).as_bytes()[..6].to_vec()).collect();
    let mut choices = Bytes::new(&texts);
    let mut units: Vec<ChainedUnit> = Vec::new();
    for max in [1, 4, 4, 40] {
        units.push(writer.unit(&mut choices, max).into_chained());
    }
    let before = units[0].head();
    writer.put_back(before);
    let other = writer.unit(&mut choices, 6).into_chained();
    let proof = ForkProof::between(&units[1], &other).expect("both follow the first unit");
    let branches = proof.verify(&writer.workspace).expect("both were sealed");
    let hashes = |unit: &ChainedUnit| {
        let entries = unit.entries().zip(unit.hashes()).map(|(entry, hash)| (entry.seq, *hash));
        entries.collect::<Vec<_>>()
    };
    let at = |head: ChainHead| (head.seq, head.hash);
    let all = units.iter().chain([&other]);
    let (heads, hashes) = all.fold((BTreeSet::new(), BTreeSet::new()), |(mut heads, mut all), unit| {
        heads.insert(at(unit.head()));
        all.extend(hashes(unit));
        (heads, all)
    });
    let mut joined = units[1].clone().into_unit();
    joined.join(&units[2], Seam::Keep).expect("they are small");
    let branch = branches.into_iter().find(|branch| branch.hash == units[1].hashes()[0]).expect("it is one side");
    let on_branch = joined.clone().chain().onto_branch(branch).expect("it starts with the fork").into_unit();
    let cut = units[3].cut_front(Seq(units[3].first_seq().0 + 1)).expect("it has several entries").into_unit();
    let units = units.into_iter().map(ChainedUnit::into_unit).chain([other.into_unit(), joined, on_branch, cut]);
    let units = units.flat_map(|unit| [unit.encode(CompressionLevel::RECORD), unit.encode(CompressionLevel::COMPACT)]);
    Written { workspace: writer.workspace, units: units.collect(), heads, hashes, proof, branches }
});

/// Changes sealed units, or the proof of a fork, as `input` says.
///
/// # Panics
/// If something verifies that was not signed.
pub fn chain(input: &[u8]) {
    let mut input = Bytes::new(input);
    let written = &*WRITTEN;
    match input.below(8) {
        0 => proof(written, &mut input),
        1 => {
            // The front of one, the back of another.
            let (front, back) = (pick(written, &mut input), pick(written, &mut input));
            let spliced = [&front[..input.below(front.len())], &back[input.below(back.len())..]].concat();
            unit(written, &shapes::edited(&spliced, &mut input, MAX_CHANGES), written.workspace);
        }
        2 => {
            let other = WorkspaceId::from_bytes([input.byte(); 16]);
            unit(written, &shapes::edited(pick(written, &mut input), &mut input, MAX_CHANGES), other);
        }
        _ => {
            let changed = shapes::edited(pick(written, &mut input), &mut input, MAX_CHANGES);
            unit(written, &changed, written.workspace);
        }
    }
}

fn pick<'a>(written: &'a Written, input: &mut Bytes<'_>) -> &'a [u8] {
    &written.units[input.below(written.units.len())]
}

fn unit(written: &Written, bytes: &[u8], workspace: WorkspaceId) {
    let Ok(unit) = SyncUnit::decode(&workspace, bytes) else { return };
    let Ok(verified) = unit.chain().verify() else { return };
    assert_eq!(workspace, written.workspace, "a seal is worth nothing in another workspace");
    for (entry, hash) in verified.entries().zip(verified.hashes()) {
        assert!(written.hashes.contains(&(entry.seq, *hash)), "entry {} was not written", entry.seq);
    }
    let kept = verified.kept_seals().iter().map(|kept| kept.seq);
    for seq in kept.chain([verified.last_seq()]) {
        let seal = verified.seal_at(seq).expect("it is in the unit");
        assert!(written.heads.contains(&(seq, seal.head.hash)), "entry {seq} was not sealed");
        assert!(seal.verify(&workspace).is_ok(), "a seal that is taken for one, and is none");
    }
    // What verifies is passed on, whole or cut.
    for seq in [verified.first_seq(), verified.last_seq()] {
        let part = verified.cut_front(seq).expect("it is in the unit");
        let again = SyncUnit::decode(&workspace, &part.encode(CompressionLevel::RECORD)).expect("it was just encoded");
        assert_eq!(again.chain().verify().as_ref(), Ok(&part));
    }
}

fn proof(written: &Written, input: &mut Bytes<'_>) {
    let body = Message::Proof(written.proof.clone()).encode().expect("it is small");
    let Ok(Message::Proof(proof)) = Message::decode(&shapes::edited(&body, input, MAX_CHANGES)) else { return };
    if let Ok(branches) = proof.verify(&written.workspace) {
        assert_eq!(branches, written.branches, "there is one fork");
    }
}
