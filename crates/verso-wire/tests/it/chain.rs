//! The chain is what the document says it is, computed here by other means.

use proptest::prelude::*;
use verso_vv::{Author, EntryHash, Hlc, Incarnation, Seq};
use verso_wire::{Branch, ChainHead, EntryDigest, EntryKind, HeldDigest, Seal, chain_next, chain_start};

use crate::support::{Draft, Writer, drafts};

/// BLAKE3 over parts, put together in the plainest way.
fn blake3_of(parts: &[&[u8]]) -> [u8; 32] {
    *blake3::hash(&parts.concat()).as_bytes()
}

fn model_digest(draft: &Draft) -> [u8; 32] {
    match draft {
        Draft::Full(kind, hlc, payload) => {
            let len = u32::try_from(payload.len()).unwrap();
            blake3_of(&[&[kind.0], &hlc.0.to_le_bytes(), &len.to_le_bytes(), payload])
        }
        Draft::Digest(digest) => digest.0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hashes_follow_the_formula(entries in drafts(40), number in 1_u8..9) {
        let mut writer = Writer::new(number);
        let incarnation = writer.author.incarnation.0.to_le_bytes();
        let mut hash = blake3_of(&[b"verso chain v1", writer.workspace.as_bytes(), writer.author.device.as_bytes(), &incarnation]);
        prop_assert_eq!(chain_start(&writer.workspace, &writer.author), EntryHash(hash));
        let unit = writer.unit(&entries);
        for (seq, entry) in (1_u64..).zip(&entries) {
            hash = blake3_of(&[&hash, &seq.to_le_bytes(), &model_digest(entry)]);
            prop_assert_eq!(unit.hash_at(Seq(seq)), Some(EntryHash(hash)));
        }
        let signed = [&writer.workspace.as_bytes()[..], writer.author.device.as_bytes(), &incarnation, &unit.last_seq().0.to_le_bytes(), &hash].concat();
        prop_assert!(writer.author.device.verify(verso_identity::SignatureDomain::Seal, &signed, unit.signature()).is_ok());
    }

    #[test]
    fn long_and_short_payloads_digest_alike(len in prop_oneof![0_usize..20, 230_usize..260, 60_000_usize..65_536], kind: u8, hlc: u64) {
        let payload = vec![0x7e; len];
        let draft = Draft::Full(EntryKind(kind), Hlc(hlc), payload.clone());
        prop_assert_eq!(EntryDigest::of(EntryKind(kind), Hlc(hlc), &payload).0, model_digest(&draft));
    }
}

#[test]
fn each_part_of_an_entry_changes_its_hash() {
    let digest = EntryDigest::of(EntryKind(1), Hlc(2), b"three");
    assert_ne!(digest, EntryDigest::of(EntryKind(2), Hlc(2), b"three"));
    assert_ne!(digest, EntryDigest::of(EntryKind(1), Hlc(3), b"three"));
    assert_ne!(digest, EntryDigest::of(EntryKind(1), Hlc(2), b"thre"));
    let hash = chain_next(&EntryHash([0; 32]), Seq(5), &digest);
    assert_ne!(hash, chain_next(&EntryHash([1; 32]), Seq(5), &digest));
    assert_ne!(hash, chain_next(&EntryHash([0; 32]), Seq(6), &digest));
    assert_ne!(hash, chain_next(&EntryHash([0; 32]), Seq(5), &EntryDigest([0; 32])));
}

#[test]
fn a_seal_holds_for_one_chain_in_one_workspace_only() {
    let mut writer = Writer::new(1);
    let other = Writer::new(2);
    let seal = writer.one(b"x").head_seal();
    assert_eq!(seal.verify(&writer.workspace), Ok(()));
    assert!(seal.verify(&other.workspace).is_err());
    let next = ChainHead { seq: seal.head.seq.next(), ..seal.head };
    assert!(Seal { head: next, ..seal }.verify(&writer.workspace).is_err());
    let reborn = Author { incarnation: Incarnation(77), ..seal.author };
    assert!(Seal { author: reborn, ..seal }.verify(&writer.workspace).is_err());
    assert!(Seal { author: other.author, ..seal }.verify(&writer.workspace).is_err());
}

#[test]
fn a_branch_is_an_author_of_the_same_device() {
    let signer = Writer::new(1).author;
    let branch = Branch { at: Seq(7), hash: EntryHash([9; 32]) };
    let derived = branch.author(&signer);
    let hash = blake3_of(&[
        b"verso branch v1",
        signer.device.as_bytes(),
        &signer.incarnation.0.to_le_bytes(),
        &7_u64.to_le_bytes(),
        &[9; 32],
    ]);
    assert_eq!(derived.device, signer.device);
    assert_eq!(derived.incarnation.0.to_le_bytes(), hash[..8]);
    assert_ne!(derived, Branch { at: Seq(8), ..branch }.author(&signer));
    assert_ne!(derived, Branch { hash: EntryHash([8; 32]), ..branch }.author(&signer));
}

#[test]
fn the_held_digest_tells_what_is_held_and_not_in_which_order() {
    let (one, two) = (Writer::new(1).author, Writer::new(2).author);
    let head = |seq, byte| ChainHead { seq: Seq(seq), hash: EntryHash([byte; 32]) };
    let digest = HeldDigest::of([(one, head(3, 1)), (two, head(4, 2))]);
    assert_eq!(digest, HeldDigest::of([(two, head(4, 2)), (one, head(3, 1))]));
    assert_eq!(digest, HeldDigest::of([(two, head(4, 2)), (one, head(3, 1)), (Writer::new(3).author, head(0, 9))]));
    assert_ne!(digest, HeldDigest::of([(one, head(3, 1))]));
    assert_ne!(digest, HeldDigest::of([(one, head(4, 1)), (two, head(4, 2))]));
    assert_ne!(digest, HeldDigest::of([(one, head(3, 5)), (two, head(4, 2))]));
    assert_ne!(digest, HeldDigest::of([(two, head(3, 1)), (one, head(4, 2))]));
}
