//! Opening from a checkpoint: nobody can tell but by the time it took. Whatever is wrong with one, the log is read instead.

use verso_identity::{WorkspaceId, purposes};
use verso_log::{MemoryStorage, SealedFile, Storage as _};
use verso_replica::Moment;
use verso_trust::{Access, Cut, MembershipEvent, PeerRole, Revoke};
use verso_vv::{AuthorTag, Seen, SeenItem};
use verso_wire::{Application as _, ForkProof, Message};

use crate::notes::{Intent, Notes, TEXT, write};
use crate::rig::{NOW, Rig, TestReplica, checkpoints, let_in, my_key, open, other};
use crate::writer::{Writer, encode};

const GOLDEN: &str = include_str!("../golden/checkpoint-v1.txt");

/// What is shown, held and applied, and what the clock says.
fn shown(replica: &TestReplica) -> Vec<String> {
    let of = |workspace: WorkspaceId| {
        let notes = replica.application(&workspace).unwrap();
        assert_eq!(notes.disorder, 0);
        let (held, entries) = (replica.held(&workspace), replica.entries(&workspace));
        format!("{:?} {held:?} {entries:?} {:?} {:?}", notes.digest(), replica.access(&workspace), replica.clock())
    };
    replica.workspaces().map(of).collect()
}

/// How many entries of a workspace went through the application when the device was opened from this disk.
fn replayed(disk: &MemoryStorage, workspace: &WorkspaceId) -> usize {
    open(disk).unwrap().0.application(workspace).unwrap().applied
}

/// A device with a checkpoint that covers the founding, the name and one text.
fn with_checkpoint() -> (Rig, WorkspaceId, String) {
    let (mut rig, workspace) = Rig::with_workspace();
    rig.write_checkpoints();
    let path = checkpoints(&rig.disk).pop().unwrap();
    (rig, workspace, path)
}

#[test]
fn only_what_came_since_is_replayed() {
    let (mut rig, workspace, _) = with_checkpoint();
    assert_eq!(replayed(&rig.disk, &workspace), 0);
    rig.replica.commit(&workspace, &[write("two"), write("three")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    assert_eq!(replayed(&rig.disk, &workspace), 2);
    assert_eq!(shown(&open(&rig.disk).unwrap().0), shown(&rig.replica));
    rig.reopen();
    rig.replica.commit(&workspace, &[write("four")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    assert_eq!(rig.texts(&workspace), ["Reading", "four", "one", "three", "two"]);
    rig.assert_rebuilds();
}

#[test]
fn a_checkpoint_that_is_changed_anywhere_or_cut_off_is_of_no_use() {
    let (rig, workspace, path) = with_checkpoint();
    let (bytes, shows) = (rig.disk.read_file(&path).unwrap(), shown(&rig.replica));
    let check = |changed: &[u8], what: &str| {
        rig.disk.write_file(&path, changed);
        let (replica, notices) = open(&rig.disk.snapshot(1)).unwrap();
        assert_eq!(replica.application(&workspace).unwrap().applied, 3, "{what}");
        assert_eq!(shown(&replica), shows, "{what}");
        assert!(notices.logs.is_empty() && !notices.local_state_lost, "the person has nothing to do about it");
    };
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        check(&changed, &format!("byte {at} changed"));
        check(&bytes[..at], &format!("the first {at} bytes"));
    }
    check(&[&bytes[..], &[0]].concat(), "a byte more");
    rig.disk.write_file(&path, &bytes);
    assert_eq!(replayed(&rig.disk, &workspace), 0);
}

#[test]
fn a_checkpoint_in_another_workspaces_place_is_of_no_use() {
    let (mut rig, first, _) = with_checkpoint();
    let second = rig.replica.found_workspace("Cooking", NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    rig.write_checkpoints();
    let shows = shown(&rig.replica);
    let paths = checkpoints(&rig.disk);
    let [one, other] = [&paths[0], &paths[1]];
    let bytes = [one, other].map(|path| rig.disk.read_file(path).unwrap());
    rig.disk.write_file(one, &bytes[1]);
    rig.disk.write_file(other, &bytes[0]);
    assert_eq!((replayed(&rig.disk, &first), replayed(&rig.disk, &second)), (3, 2));
    assert_eq!(shown(&open(&rig.disk).unwrap().0), shows);
}

/// Changes what a checkpoint says, as only the device itself, in another version, could.
fn reseal(rig: &Rig, workspace: &WorkspaceId, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let key = my_key().derive::<purposes::Checkpoint>();
    let label = [b"checkpoint", &workspace.as_bytes()[..]].concat();
    let mut text = SealedFile::open(&rig.disk, path, &key, &label).unwrap().to_vec();
    change(&mut text);
    SealedFile::seal(&rig.disk, path, &key, &label, &text).unwrap();
}

fn inflate(text: &[u8]) -> Vec<u8> {
    let len = usize::try_from(u64::from_le_bytes(text[1..9].try_into().unwrap())).unwrap();
    zstd::bulk::decompress(&text[9..], len).unwrap()
}

fn deflate(plaintext: &[u8]) -> Vec<u8> {
    let len = u64::try_from(plaintext.len()).unwrap().to_le_bytes();
    [&[1][..], &len, &zstd::bulk::compress(plaintext, 1).unwrap()].concat()
}

#[test]
fn a_checkpoint_of_another_version_is_of_no_use() {
    let changes: [fn(&mut Vec<u8>); 4] = [
        |text| text[0] = 0,
        |text| text[0] = 2,
        // The application's version.
        |text| {
            let mut plaintext = inflate(text);
            plaintext[0] += 1;
            *text = deflate(&plaintext);
        },
        // A length that nobody should make room for.
        |text| text[1..9].fill(0x7f),
    ];
    for change in changes {
        let (rig, workspace, path) = with_checkpoint();
        reseal(&rig, &workspace, &path, change);
        assert_eq!(replayed(&rig.disk, &workspace), 3);
        assert_eq!(shown(&open(&rig.disk).unwrap().0), shown(&rig.replica));
    }
    let (rig, workspace, path) = with_checkpoint();
    reseal(&rig, &workspace, &path, |text| *text = deflate(&inflate(text)));
    assert_eq!(replayed(&rig.disk, &workspace), 0, "what is only sealed again is good");
}

/// Sealed files keep it out; if it came in all the same it must not break anything.
#[test]
fn no_plaintext_breaks_anything() {
    let (rig, workspace, path) = with_checkpoint();
    let key = my_key().derive::<purposes::Checkpoint>();
    let label = [b"checkpoint", &workspace.as_bytes()[..]].concat();
    let plaintext = inflate(&SealedFile::open(&rig.disk, &path, &key, &label).unwrap());
    for at in 0..plaintext.len() {
        for changed in [plaintext[at] ^ 1, plaintext[at] ^ 0x80, 0xff] {
            let mut plaintext = plaintext.clone();
            plaintext[at] = changed;
            SealedFile::seal(&rig.disk, &path, &key, &label, &deflate(&plaintext)).unwrap();
            drop(open(&rig.disk.snapshot(1)).unwrap());
        }
        SealedFile::seal(&rig.disk, &path, &key, &label, &deflate(&plaintext[..at])).unwrap();
        assert_eq!(replayed(&rig.disk, &workspace), 3, "the first {at} bytes");
    }
}

/// The log was put back to an earlier state, and the checkpoint was not. It tells of entries that this device has not.
#[test]
fn a_checkpoint_that_knows_more_than_the_log_is_of_no_use() {
    let (mut rig, workspace, path) = with_checkpoint();
    let earlier = rig.disk.snapshot(1);
    rig.replica.commit(&workspace, &[write("two")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    rig.write_checkpoints();
    let later = rig.disk.read_file(&path).unwrap();

    earlier.write_file(&path, &later);
    assert_eq!(replayed(&earlier, &workspace), 3);
    // Then something else is written where the checkpoint knows an entry.
    let (mut replica, _) = open(&earlier).unwrap();
    replica.commit(&workspace, &[write("another two"), write("and three")], NOW).unwrap();
    replica.flush(NOW).unwrap();
    earlier.write_file(&path, &later);
    let (again, _) = open(&earlier).unwrap();
    assert_eq!(again.application(&workspace).unwrap().texts(), ["Reading", "and three", "another two", "one"]);
    assert_eq!(again.application(&workspace).unwrap().applied, 5);
}

#[test]
fn of_a_log_that_is_damaged_behind_the_checkpoint_all_is_read() {
    let (mut rig, workspace, _) = with_checkpoint();
    rig.reopen();
    let before = rig.disk.files();
    rig.replica.commit(&workspace, &[write("two")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    let disk = rig.disk.clone();
    rig.replica.close().unwrap();
    let new = disk.files().into_iter().find(|path| path.starts_with("logs/") && !before.contains(path)).unwrap();
    let len = disk.read_file(&new).unwrap().len();
    // Somewhere in its one record: behind two headers, before the index.
    let harmed = (0..len).step_by(16).filter(|at| {
        let disk = disk.snapshot(1);
        disk.flip(&new, *at, 4);
        let (replica, notices) = open(&disk).unwrap();
        let applied = replica.application(&workspace).unwrap().applied;
        assert!(applied == 1 || applied == 3 || applied == 4, "{applied}");
        let is_damaged = replica.failure(&workspace).is_some();
        assert_eq!(is_damaged, notices.logs.iter().any(|(_, report)| report.loses_records()), "byte {at}");
        assert!(!is_damaged || applied >= 3, "all that can be read was read");
        is_damaged
    });
    assert!(harmed.count() > 3);
}

#[test]
fn what_the_fold_no_longer_lets_through_does_not_come_back_from_a_checkpoint() {
    let (mut rig, workspace) = Rig::with_workspace();
    let mut own = rig.meet(other(0), PeerRole::Own, &[workspace]);
    let mut writer = Writer::new(other(0), 1, workspace);
    let mut guest = Writer::new(other(2), 1, workspace);
    let_in(&mut rig, &mut own, &mut writer, guest.device(), Access::ReadWrite);
    let unit = guest.texts(&["cut"]);
    own.give(&mut rig, workspace, &unit);
    rig.write_checkpoints();
    assert_eq!(replayed(&rig.disk, &workspace), 0);

    let saw = SeenItem { author: AuthorTag::of(&writer.author), seq: writer.last(), tag: writer.head.hash.tag() };
    let cuts: Vec<Cut> = Vec::new();
    let revoke = Revoke { device: guest.device(), cuts, keeps: None };
    let unit = writer.member(&MembershipEvent::new(Seen::new([saw]), revoke));
    own.give(&mut rig, workspace, &unit);
    assert_eq!(rig.texts(&workspace), ["Reading", "one"]);
    rig.assert_rebuilds();
    let (again, _) = open(&rig.disk.snapshot(1)).unwrap();
    assert_eq!(again.application(&workspace).unwrap().texts(), ["Reading", "one"]);
}

/// Whoever is listened to can prove a fork of a chain that nobody has, for it takes no more than a key.
#[test]
fn a_fork_of_a_chain_that_is_not_held_costs_no_checkpoint() {
    let (mut rig, workspace) = Rig::with_workspace();
    let mut own = rig.meet(other(0), PeerRole::Own, &[workspace]);
    rig.write_checkpoints();
    let mut left = Writer::new(other(2), 1, workspace);
    let mut right = left.twin();
    let [left, right] = [(&mut left, "left"), (&mut right, "right")]
        .map(|(writer, text)| writer.seal(&[(TEXT, text.as_bytes().to_vec())]));
    let before = rig.replica.application(&workspace).unwrap().applied;
    own.say_in(&mut rig, workspace, Message::Proof(ForkProof::between(&left, &right).unwrap()));
    rig.replica.flush(NOW).unwrap();
    own.listen(&mut rig);
    assert!(rig.replica.forks(&workspace).is_empty());
    assert_eq!(rig.replica.application(&workspace).unwrap().applied, before, "nothing is taken in again");
    assert_eq!(replayed(&rig.disk, &workspace), 0, "the one from before is as good as it was");
    rig.replica.commit(&workspace, &[write("two")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    assert!(rig.replica.checkpoint(&workspace).is_some());
    rig.assert_rebuilds();
    assert_eq!(replayed(&rig.disk, &workspace), 0);

    // Once something of it is held, names may change: all is read.
    own.give(&mut rig, workspace, &encode(&left));
    assert_ne!(rig.replica.author_of(&workspace, &left.head()), Some(*left.signer()));
    assert!(rig.replica.checkpoint(&workspace).is_none());
    assert!(replayed(&rig.disk, &workspace) > 0);
    rig.assert_rebuilds();
}

#[test]
fn the_power_may_go_off_at_any_moment_of_writing_one() {
    for covered in [false, true] {
        for after in 0.. {
            let (mut rig, workspace) = Rig::with_workspace();
            if covered {
                rig.write_checkpoints();
                rig.replica.commit(&workspace, &[write("two")], NOW).unwrap();
                rig.replica.flush(NOW).unwrap();
            }
            let shows = shown(&rig.replica);
            let operations = rig.disk.operations();
            rig.disk.crash_after(after);
            rig.write_checkpoints();
            if rig.disk.operations() <= operations + after {
                break;
            }
            for seed in 0..8 {
                let disk = rig.disk.crash(seed);
                assert_eq!(shown(&open(&disk).unwrap().0), shows);
                let begun = |path: &String| path.strip_suffix(".new").is_some_and(|path| path.len() == 22);
                assert!(!disk.files().iter().any(begun), "what was begun is cleared away");
            }
        }
    }
}

#[test]
fn a_disk_that_takes_no_checkpoint_costs_nothing_but_time() {
    let (mut rig, workspace) = Rig::with_workspace();
    rig.disk.set_capacity(0);
    let checkpoint = rig.replica.checkpoint(&workspace).unwrap();
    assert!(checkpoint.store().is_err());
    rig.disk.set_capacity(u64::MAX);
    rig.replica.commit(&workspace, &[write("two")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    assert_eq!(replayed(&rig.disk, &workspace), 4);
}

#[test]
fn nothing_is_covered_that_is_not_durable() {
    let (mut rig, workspace) = Rig::with_workspace();
    rig.replica.commit(&workspace, &[write("two")], NOW).unwrap();
    assert!(rig.replica.checkpoint(&workspace).is_none());
    rig.replica.flush(NOW).unwrap();
    assert!(rig.replica.checkpoint(&workspace).is_some());
}

/// A single change must not cost a copy of everything, and a long replay is not to happen twice.
#[test]
fn one_is_written_when_enough_has_come() {
    let (mut rig, workspace) = Rig::with_workspace();
    let commit = |rig: &mut Rig, count: usize| {
        let texts: Vec<Intent> = (0..count).map(|number| write(&number.to_string())).collect();
        rig.replica.commit(&workspace, &texts, NOW).unwrap();
        rig.replica.flush(NOW).unwrap();
    };
    let due = |rig: &mut Rig, moment| rig.replica.checkpoints_due(moment).len();
    commit(&mut rig, 1_000);
    assert_eq!((due(&mut rig, Moment::Running), due(&mut rig, Moment::Closing)), (0, 0), "it is replayed in no time");
    commit(&mut rig, 20_000);
    // Whoever asks takes it.
    assert_eq!((due(&mut rig, Moment::Running), due(&mut rig, Moment::Closing)), (1, 0));
    commit(&mut rig, 17_000);
    assert_eq!(
        (due(&mut rig, Moment::Running), due(&mut rig, Moment::Closing)),
        (0, 1),
        "less than half, more than an eighth"
    );
    commit(&mut rig, 1);
    assert_eq!(due(&mut rig, Moment::Closing), 0);
    commit(&mut rig, 20_000);
    let disk = rig.disk.clone();
    rig.replica.close().unwrap();
    assert_eq!(replayed(&disk, &workspace), 0, "a close writes what is due");
}

#[test]
fn a_checkpoint_whose_log_is_gone_is_removed() {
    let (rig, _, path) = with_checkpoint();
    rig.disk.write_file("state/0123456789abcdef", b"of a workspace that was left");
    rig.disk.write_file("state/notes", b"none of ours");
    let (_replica, _) = open(&rig.disk).unwrap();
    assert_eq!(checkpoints(&rig.disk), [path]);
    assert!(rig.disk.list("state").unwrap().contains(&"notes".to_owned()));
}

#[test]
fn the_bytes_of_version_1_have_not_changed() {
    let (rig, workspace, path) = with_checkpoint();
    let key = my_key().derive::<purposes::Checkpoint>();
    let label = [b"checkpoint", &workspace.as_bytes()[..]].concat();
    let plaintext = inflate(&SealedFile::open(&rig.disk, &path, &key, &label).unwrap());
    assert_eq!(Notes::SNAPSHOTS, Some(7));
    let now = plaintext.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    assert!(now == GOLDEN.trim_end(), "checkpoints changed: they need a new version, and this file too. Now:\n{now}");
}
