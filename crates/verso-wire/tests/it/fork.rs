//! Forks: proofs that show them, branches that go on.

use verso_identity::Signature;
use verso_vv::{EntryHash, Seq};
use verso_wire::limits::MAX_PROOF_DIGESTS;
use verso_wire::{
    Branch, ChainHead, CompressionLevel, DecodeError, EntryDigest, ForkError, ForkProof, SealError, SyncUnit,
    UnitBuilder, VerifiedUnit, VerifyError,
};

use crate::support::{Draft, NOW, Writer};

fn entry(byte: u8) -> Draft {
    Draft::Full(verso_wire::EntryKind(1), NOW, vec![byte])
}

/// A device and its clone, which agree on entries 1 and 2 and differ from 3 on.
fn forked() -> (Writer, VerifiedUnit, VerifiedUnit) {
    let (mut writer, mut clone) = (Writer::new(1), Writer::new(1));
    for one in [&mut writer, &mut clone] {
        one.unit(&[entry(1), entry(2)]);
    }
    let ours = writer.unit(&[entry(3), entry(4)]);
    let theirs = clone.unit(&[entry(33), entry(34), entry(35)]);
    (writer, ours, theirs)
}

#[test]
fn two_sealed_histories_prove_a_fork() {
    let (writer, ours, theirs) = forked();
    let proof = ForkProof::between(&ours, &theirs).unwrap();
    assert_eq!((proof.at, proof.prev_hash), (Seq(3), *ours.prev_hash()));
    let branches = proof.verify(&writer.workspace).unwrap();
    for unit in [&ours, &theirs] {
        assert!(branches.contains(&Branch { at: Seq(3), hash: unit.hashes()[0] }));
    }
    // Whoever compares, the proof is the same.
    assert_eq!(ForkProof::between(&theirs, &ours), Some(proof));
    assert_eq!(ForkProof::between(&ours, &ours), None);
    assert_eq!(ForkProof::between(&ours, &Writer::new(2).one(b"x")), None);
}

#[test]
fn a_fork_within_units_is_found_where_it_is() {
    let (mut writer, mut clone) = (Writer::new(1), Writer::new(1));
    let ours = writer.unit(&[entry(1), entry(2), entry(3)]);
    let theirs = clone.unit(&[entry(1), entry(2), entry(4), entry(5)]);
    let proof = ForkProof::between(&ours, &theirs).unwrap();
    assert_eq!((proof.at, proof.prev_hash), (Seq(3), ours.hashes()[1]));
    assert!(proof.verify(&writer.workspace).is_ok());
}

#[test]
fn what_proves_no_fork_is_refused() {
    let (writer, ours, theirs) = forked();
    let proof = ForkProof::between(&ours, &theirs).unwrap();
    let check = |change: &dyn Fn(&mut ForkProof)| {
        let mut changed = proof.clone();
        change(&mut changed);
        changed.verify(&writer.workspace)
    };
    assert!(check(&|_| {}).is_ok());
    assert_eq!(check(&|proof| proof.sides.swap(0, 1)), Err(ForkError::Order));
    assert_eq!(check(&|proof| proof.sides[1] = proof.sides[0].clone()), Err(ForkError::Order));
    assert_eq!(check(&|proof| proof.sides[0].digests.clear()), Err(ForkError::Length));
    let long = |proof: &mut ForkProof| proof.sides[0].digests.resize(MAX_PROOF_DIGESTS + 1, EntryDigest([0xff; 32]));
    assert_eq!(check(&long), Err(ForkError::Length));
    assert_eq!(check(&|proof| proof.at = Seq(0)), Err(ForkError::Length));
    assert_eq!(check(&|proof| proof.at = Seq(1)), Err(ForkError::Start));
    assert!(matches!(check(&|proof| proof.at = Seq(u64::MAX)), Err(ForkError::Length)));
    assert!(matches!(check(&|proof| proof.prev_hash = EntryHash([0; 32])), Err(ForkError::Seal(_))));
    assert!(matches!(check(&|proof| proof.author = Writer::new(2).author), Err(ForkError::Seal(_))));
    let bad = Signature::from_bytes([7; 64]);
    assert!(matches!(check(&|proof| proof.sides[1].signature = bad), Err(ForkError::Seal(_))));
    let forged = |proof: &mut ForkProof| proof.sides[1].digests.push(EntryDigest([1; 32]));
    assert!(matches!(check(&forged), Err(ForkError::Seal(_))));
    assert!(proof.verify(&Writer::new(2).workspace).is_err());
}

#[test]
fn each_side_becomes_an_author_of_its_own() {
    let (writer, ours, theirs) = forked();
    let proof = ForkProof::between(&ours, &theirs).unwrap();
    let branches = proof.verify(&writer.workspace).unwrap();
    let on = |unit: &VerifiedUnit| {
        let branch = branches.iter().copied().find(|branch| branch.hash == unit.hashes()[0]).unwrap();
        unit.clone().onto_branch(branch).unwrap()
    };
    let (ours, theirs) = (on(&ours), on(&theirs));
    assert_ne!(ours.author(), theirs.author());
    assert_eq!(ours.signer(), theirs.signer());
    assert_eq!(ours.author().device, writer.author.device);
    // The label travels, and what was signed verifies under its original author.
    let bytes = ours.encode(CompressionLevel::RECORD);
    let decoded = SyncUnit::decode(&writer.workspace, &bytes).unwrap().chain().verify().unwrap();
    assert_eq!(decoded, ours);
    // A later part still names the branch, whose first entry it doesn't hold.
    assert_eq!(ours.cut_front(Seq(4)).unwrap().author(), ours.author());
}

#[test]
fn entries_of_another_branch_are_refused() {
    let (writer, ours, theirs) = forked();
    let other = Branch { at: Seq(3), hash: theirs.hashes()[0] };
    let refused = VerifyError::Branch { seq: Seq(3) };
    assert_eq!(ours.clone().onto_branch(other), Err(refused));
    let later = Branch { at: Seq(4), hash: ours.hashes()[1] };
    assert_eq!(ours.clone().onto_branch(later), Err(VerifyError::Branch { seq: Seq(4) }));

    // The same from bytes: the first entry's hash is in the extras, at a place that the label's length tells.
    let branch = Branch { at: Seq(3), hash: ours.hashes()[0] };
    let labelled = ours.clone().onto_branch(branch).unwrap();
    let bytes = labelled.encode(CompressionLevel::RECORD);
    let place = bytes.windows(32).position(|window| window == branch.hash.0).unwrap();
    let mut forged = bytes.clone();
    forged[place] ^= 1;
    let decoded = SyncUnit::decode(&writer.workspace, &forged).unwrap();
    assert_eq!(decoded.chain().verify(), Err(refused));
    let mut before = bytes;
    before[place - 8] = 4;
    let error = DecodeError::Branch { at: Seq(4), first: Seq(3) };
    assert_eq!(SyncUnit::decode(&writer.workspace, &before), Err(error));
}

#[test]
fn a_builder_seals_only_what_is_on_its_branch() {
    let (writer, ours, theirs) = forked();
    let branch = Branch { at: Seq(3), hash: ours.hashes()[0] };
    let build = |after: ChainHead, byte: u8| {
        let mut builder = UnitBuilder::new(writer.workspace, writer.author, Some(branch), after);
        builder.push(verso_wire::EntryKind(1), NOW, &[byte]).unwrap();
        builder.seal(&writer.key)
    };
    assert_eq!(build(ours.before(), 3).unwrap().author(), branch.author(&writer.author));
    assert_eq!(build(ours.before(), 33), Err(SealError::Branch { at: Seq(3) }));
    let before = ChainHead { seq: Seq(1), hash: EntryHash([0; 32]) };
    assert_eq!(build(before, 3), Err(SealError::Branch { at: Seq(3) }));
    let after = build(ours.head(), 5).unwrap();
    assert_eq!(after.author(), branch.author(&writer.author));
    assert_ne!(after.author(), Branch { at: Seq(3), hash: theirs.hashes()[0] }.author(&writer.author));
}

#[test]
fn a_chain_starts_at_its_start() {
    let mut writer = Writer::new(1);
    writer.head.hash = EntryHash([3; 32]);
    let unit = writer.one(b"from nowhere");
    let bytes = unit.encode(CompressionLevel::RECORD);
    let decoded = SyncUnit::decode(&writer.workspace, &bytes).unwrap();
    assert_eq!(decoded.chain().verify(), Err(VerifyError::Start));
}
