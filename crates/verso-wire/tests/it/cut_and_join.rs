//! Carriers cut and join units without their author, and every hash stays what it was.

use proptest::prelude::*;
use verso_vv::{Incarnation, Seq};
use verso_wire::limits::{MAX_KEPT_SEALS, MAX_UNIT_ENTRIES};
use verso_wire::{
    Branch, CompressionLevel, Content, CutError, DecodeError, EntryKind, JoinError, Seam, SyncUnit, VerifiedUnit,
    VerifyError,
};

use crate::support::{Draft, NOW, Writer, drafts, drafts_of};

/// Joins units, keeping the seams that `keep` says.
fn join(units: &[VerifiedUnit], keep: impl Fn(usize) -> bool) -> SyncUnit {
    let (first, rest) = units.split_first().unwrap();
    let mut joined = first.clone().into_chained().into_unit();
    for (index, unit) in rest.iter().enumerate() {
        let seam = if keep(index) { Seam::Keep } else { Seam::Drop };
        joined.join(unit, seam).unwrap();
    }
    joined
}

fn again(unit: &VerifiedUnit) -> VerifiedUnit {
    let bytes = unit.encode(CompressionLevel::RECORD);
    SyncUnit::decode(unit.workspace(), &bytes).unwrap().chain().verify().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn joining_and_cutting_keep_every_hash(
        batches in prop::collection::vec(drafts(12), 1..8),
        kept in prop::collection::vec(any::<bool>(), 8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut writer = Writer::new(1);
        let units: Vec<VerifiedUnit> = batches.iter().map(|batch| writer.unit(batch)).collect();
        let all: Vec<Draft> = batches.concat();
        let joined = join(&units, |index| kept[index]).chain().verify().unwrap();
        prop_assert_eq!(&drafts_of(&joined), &all);
        let hashes: Vec<_> = units.iter().flat_map(|unit| unit.hashes().to_vec()).collect();
        prop_assert_eq!(joined.hashes(), &hashes[..]);
        prop_assert_eq!(joined.head(), writer.head);
        prop_assert_eq!(&again(&joined), &joined);

        // What is given up leaves its digests, but for what is about membership; no hash is another, and it can't be given up twice.
        let mut less = join(&units, |index| kept[index]);
        let run = (Seq(u64::try_from(cut.index(all.len())).unwrap() + 1), Seq(u64::MAX));
        let was_less = less.give_up(&[run]);
        let mut digested = 0;
        let whole = joined.clone().into_chained().into_unit();
        for (entry, whole) in less.entries().zip(whole.entries()) {
            prop_assert_eq!(entry.content.digest(), whole.content.digest());
            if matches!(entry.content, Content::Digest(_)) && matches!(whole.content, Content::Full { .. }) {
                digested += 1;
                prop_assert!(entry.seq >= run.0);
            } else {
                prop_assert_eq!(entry, whole);
                let stays = !matches!(entry.content, Content::Full { kind, .. } if !kind.is_membership() && entry.seq >= run.0);
                prop_assert!(stays);
            }
        }
        prop_assert_eq!(was_less, digested > 0);
        let bytes = less.encode(CompressionLevel::RECORD);
        let less = SyncUnit::decode(joined.workspace(), &bytes).unwrap();
        prop_assert!(!less.clone().give_up(&[run]));
        let less = less.chain().verify().unwrap();
        prop_assert_eq!(less.hashes(), &hashes[..]);

        // In front it can be cut anywhere.
        let index = cut.index(all.len());
        let first = Seq(u64::try_from(index).unwrap() + 1);
        let back = joined.cut_front(first).unwrap();
        prop_assert_eq!(drafts_of(&back), &all[index..]);
        prop_assert_eq!(back.hashes(), &hashes[index..]);
        prop_assert_eq!(&again(&back), &back);

        // Behind only at a seal; the two parts are the whole again.
        let mut at = 0;
        for (number, unit) in units.iter().enumerate() {
            at += unit.len();
            let last = unit.last_seq();
            if last < first {
                continue;
            }
            let part = joined.cut_behind(last).and_then(|front| front.cut_front(first));
            if number + 1 < units.len() && !kept[number] {
                prop_assert_eq!(part.map(|part| part.len()), Err(CutError::NoSeal { asked: last }));
                continue;
            }
            let part = part.unwrap();
            prop_assert_eq!(part.hashes(), &hashes[index..at]);
            prop_assert_eq!(&again(&part), &part);
            if number + 1 < units.len() {
                let mut whole = part.into_chained().into_unit();
                whole.join(&joined.cut_front(last.next()).unwrap(), Seam::Keep).unwrap();
                prop_assert_eq!(whole.chain().verify().unwrap(), back.clone());
            }
        }
    }
}

#[test]
fn a_cut_needs_an_entry_of_the_unit() {
    let mut writer = Writer::new(1);
    writer.one(b"first");
    let unit = writer.unit(&[Draft::Full(EntryKind(1), NOW, vec![2]), Draft::Full(EntryKind(1), NOW, vec![3])]);
    let outside = |asked| CutError::Outside { asked, first: Seq(2), last: Seq(3) };
    assert_eq!(unit.cut_front(Seq(1)), Err(outside(Seq(1))));
    assert_eq!(unit.cut_front(Seq(4)), Err(outside(Seq(4))));
    assert_eq!(unit.cut_behind(Seq(0)), Err(outside(Seq(0))));
    assert_eq!(unit.cut_behind(Seq(2)), Err(CutError::NoSeal { asked: Seq(2) }));
    assert_eq!(unit.cut_front(Seq(2)).as_ref(), Ok(&unit));
    assert_eq!(unit.cut_behind(Seq(3)).as_ref(), Ok(&unit));
}

#[test]
fn only_what_follows_is_joined() {
    let (mut writer, mut other) = (Writer::new(1), Writer::new(2));
    let (first, second, third) = (writer.one(b"1"), writer.one(b"2"), writer.one(b"3"));
    let mut unit = first.clone().into_chained().into_unit();
    let wrong = JoinError::NotConsecutive { expected: Seq(2), got: Seq(3) };
    assert_eq!(unit.join(&third, Seam::Drop), Err(wrong));
    assert_eq!(unit.join(&other.one(b"2"), Seam::Drop), Err(JoinError::OtherChain));
    // Another life of the same device, and another side of a fork.
    let mut reborn = Writer::new(1);
    reborn.author.incarnation = Incarnation(77);
    reborn.one(b"1");
    assert_eq!(unit.join(&reborn.one(b"2"), Seam::Drop), Err(JoinError::OtherChain));
    let branch = Branch { at: Seq(2), hash: second.hashes()[0] };
    let branched = second.clone().onto_branch(branch).unwrap();
    assert_eq!(unit.join(&branched, Seam::Drop), Err(JoinError::OtherChain));
    assert_eq!(&unit, &**first);
    assert_eq!(unit.join(&second, Seam::Drop), Ok(()));
    assert_eq!(unit.last_seq(), Seq(2));
}

#[test]
fn units_that_do_not_chain_do_not_verify_when_joined() {
    let mut writer = Writer::new(1);
    let mut clone = Writer::new(1);
    let first = writer.one(b"one history");
    clone.one(b"another");
    let second = clone.one(b"goes on");
    let mut unit = first.into_chained().into_unit();
    assert_eq!(unit.join(&second, Seam::Drop), Ok(()));
    assert!(unit.chain().verify().is_err());
}

#[test]
fn joining_stays_within_the_limits() {
    let mut writer = Writer::new(1);
    let entries = vec![Draft::Full(EntryKind(1), NOW, vec![7]); MAX_UNIT_ENTRIES - 1];
    let mut unit = writer.unit(&entries).into_chained().into_unit();
    assert_eq!(unit.join(&writer.one(b"fits"), Seam::Drop), Ok(()));
    let more = writer.one(b"does not");
    assert!(!unit.fits(&more, Seam::Drop));
    assert_eq!(unit.join(&more, Seam::Drop), Err(JoinError::Full));
    assert_eq!(unit.len(), MAX_UNIT_ENTRIES);

    let large = Draft::Full(EntryKind(1), NOW, vec![7; 60_000]);
    let mut unit = writer.unit(&vec![large.clone(); 4]).into_chained().into_unit();
    assert_eq!(unit.join(&writer.unit(&[large]), Seam::Drop), Err(JoinError::Full));

    let mut unit = writer.one(b"0").into_chained().into_unit();
    for _ in 0..MAX_KEPT_SEALS {
        assert_eq!(unit.join(&writer.one(b"n"), Seam::Keep), Ok(()));
    }
    let next = writer.one(b"one seal too many");
    assert_eq!(unit.join(&next, Seam::Keep), Err(JoinError::Full));
    assert_eq!(unit.join(&next, Seam::Drop), Ok(()));
    let bytes = unit.encode(CompressionLevel::RECORD);
    assert_eq!(SyncUnit::decode(&writer.workspace, &bytes).as_ref(), Ok(&unit));
}

/// Three entries, each with its seal, in one unit.
fn with_kept_seals(writer: &mut Writer) -> (Vec<VerifiedUnit>, Vec<u8>) {
    let units: Vec<VerifiedUnit> = (0..3).map(|byte| writer.one(&[byte])).collect();
    let bytes = join(&units, |_| true).encode(CompressionLevel::RECORD);
    (units, bytes)
}

#[test]
fn a_forged_kept_seal_is_noticed() {
    let mut writer = Writer::new(1);
    let (units, mut bytes) = with_kept_seals(&mut writer);
    assert!(SyncUnit::decode(&writer.workspace, &bytes).unwrap().chain().verify().is_ok());
    let signature = units[1].signature().as_bytes();
    let place = bytes.windows(64).position(|window| window == signature).unwrap();
    bytes[place] ^= 1;
    let verified = SyncUnit::decode(&writer.workspace, &bytes).unwrap().chain().verify();
    assert!(matches!(verified, Err(VerifyError::Seal { seq: Seq(2), .. })), "{verified:?}");
}

#[test]
fn kept_seals_lie_inside_and_ascend() {
    let mut writer = Writer::new(1);
    let (units, bytes) = with_kept_seals(&mut writer);
    let place = |unit: &VerifiedUnit| {
        let signature = unit.signature().as_bytes();
        bytes.windows(64).position(|window| window == signature).unwrap() - 2
    };
    let (first, second) = (place(&units[0]), place(&units[1]));
    assert_eq!((bytes[first], bytes[second]), (0, 1));
    // Where the unit ends anyway, beyond, twice, and backwards.
    for (one, two) in [(0, 2), (0, 3), (0, 0), (1, 1), (1, 0)] {
        let mut changed = bytes.clone();
        (changed[first], changed[second]) = (one, two);
        let decoded = SyncUnit::decode(&writer.workspace, &changed);
        assert_eq!(decoded, Err(DecodeError::KeptSeals), "at {one} and {two}");
    }
}

#[test]
fn a_thousand_single_intents_weigh_like_one_unit() {
    let mut writer = Writer::new(1);
    let mut joined: Option<SyncUnit> = None;
    for number in 0_u64..1000 {
        // Two commits a second, by hand.
        let hlc = verso_vv::Hlc::from_millis(NOW.millis() + number * 500);
        let unit = writer.unit(&[Draft::Full(EntryKind(1), hlc, number.to_le_bytes()[..2].to_vec())]);
        match &mut joined {
            Some(joined) => joined.join(&unit, Seam::Drop).unwrap(),
            None => joined = Some(unit.into_chained().into_unit()),
        }
    }
    let unit = joined.unwrap().chain().verify().unwrap();
    let bytes = unit.encode(CompressionLevel::RECORD).len();
    assert!(bytes < 3_000, "{bytes} bytes");
}
