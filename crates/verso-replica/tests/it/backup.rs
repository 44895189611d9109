//! Backups: what is in one, whatever whoever uses the device does meanwhile, and the bytes.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use verso_identity::{Cost, Passphrase, WorkspaceId};
use verso_log::{LogOptions, MemoryFile, MemoryStorage, RunMeta, Storage, SyncLog};
use verso_replica::{BackedUp, Backup, BackupError, BackupProgress, BackupSource, RestoreError, Restored, back_up};
use verso_trust::PeerRole;
use verso_vv::Incarnation;
use zeroize::Zeroizing;

use crate::hooked::Hooked;
use crate::notes::write;
use crate::rig::{NOW, Rig, TestReplica, my_key, open, other};
use crate::writer::Writer;

/// As cheap as Argon2 allows.
const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };

const GOLDEN: &[u8] = include_bytes!("../golden/backup-v1.bin");

fn passphrase() -> Passphrase {
    Passphrase::new(Zeroizing::new("correct horse battery staple".to_owned())).unwrap()
}

pub(crate) fn back_up_from<S: Storage>(storage: &S) -> Result<(Vec<u8>, BackedUp), BackupError> {
    let target = MemoryStorage::new(9);
    let source = BackupSource { storage, key: &my_key(), host: b"what the host keeps", now_ms: NOW.wall_ms };
    let mut last = BackupProgress { done: 0, of: 0 };
    let mut progress = |at: BackupProgress| {
        assert!(last.done <= at.done && at.done <= at.of, "{last:?} {at:?}");
        last = at;
    };
    let done = back_up(&source, &passphrase(), CHEAP, target.create("backup").unwrap(), &mut progress)?;
    assert_eq!(last.done, last.of, "it is done");
    let bytes = target.read_file("backup").unwrap();
    assert_eq!(done.bytes, u64::try_from(bytes.len()).unwrap());
    Ok((bytes, done))
}

fn opened(backup: &[u8]) -> Result<Backup<MemoryFile>, RestoreError> {
    let source = MemoryStorage::new(8);
    source.write_file("backup", backup);
    Backup::open(source.open("backup").unwrap(), &passphrase())
}

pub(crate) fn restore_to(disk: &MemoryStorage, backup: &[u8]) -> Result<Restored, RestoreError> {
    opened(backup)?.restore(disk, &mut |_| {})
}

/// Restores a backup of the rig's device and opens it.
fn restored(backup: &[u8]) -> (TestReplica, Restored) {
    let disk = MemoryStorage::new(77);
    let restored = restore_to(&disk, backup).unwrap();
    assert_eq!(restored.key.id(), my_key().id());
    let (replica, notices) = open(&disk.crash(3)).unwrap();
    assert!(notices.logs.is_empty() && !notices.local_state_lost && !notices.control_log_lost, "{notices:?}");
    (replica, restored)
}

fn texts(replica: &TestReplica, workspace: &WorkspaceId) -> Vec<String> {
    replica.application(workspace).unwrap().texts().into_iter().map(str::to_owned).collect()
}

#[test]
fn everything_is_in_it_but_the_right_to_go_on_as_before() {
    let (mut rig, workspace) = Rig::with_workspace();
    let second = rig.replica.found_workspace("Cooking", NOW).unwrap();
    rig.pair(other(0), PeerRole::Own);
    assert_eq!(rig.replica.provisional_peers(NOW).count(), 1);
    rig.replica.flush(NOW).unwrap();
    let (bytes, done) = back_up_from(&rig.disk).unwrap();
    assert!(done.damage.is_empty(), "{:?}", done.damage);
    assert_eq!(done.workspaces, 2);
    let (replica, told) = restored(&bytes);
    assert_eq!((told.workspaces, told.entries), (2, done.entries));
    let backup = opened(&bytes).unwrap();
    assert_eq!((backup.host(), backup.made_ms()), (&b"what the host keeps"[..], NOW.wall_ms));
    assert_eq!(backup.device(), my_key().id());
    for workspace in [workspace, second] {
        assert_eq!(texts(&replica, &workspace), texts(&rig.replica, &workspace));
        let author = rig.replica.author();
        assert_eq!(replica.head(&workspace, &author), rig.replica.head(&workspace, &author));
    }
    assert_eq!(replica.name(), "laptop");
    assert_ne!(replica.author(), rig.replica.author(), "a number may be used twice");
    assert_eq!(replica.provisional_peers(NOW).count(), 0, "a pairing that was under way is over");
}

type Use = fn(&mut Rig, &WorkspaceId);

/// How the device is used while it is backed up.
const USES: [(&str, Use); 4] = [
    ("it writes", |rig, workspace| {
        rig.replica.commit(workspace, &[write("meanwhile")], NOW).unwrap();
        rig.replica.flush(NOW).unwrap();
    }),
    ("it writes, and what it wrote is not durable yet", |rig, workspace| {
        // So much that some of it is written before any of it is durable.
        let text = |number: u8| {
            let mut bytes = vec![0; 30_000];
            blake3::Hasher::new_keyed(&[number; 32]).finalize_xof().fill(&mut bytes);
            bytes.iter().fold("meanwhile".to_owned(), |mut text, byte| {
                write!(text, "{byte:02x}").unwrap();
                text
            })
        };
        for number in 0..10 {
            rig.replica.commit(workspace, &[write(&text(number))], NOW).unwrap();
        }
    }),
    ("it is compacted", |rig, workspace| {
        rig.replica.compact(workspace, |_| {}).unwrap();
    }),
    ("it is opened again, writes and is compacted", |rig, workspace| {
        rig.reopen();
        rig.replica.commit(workspace, &[write("meanwhile")], NOW).unwrap();
        rig.replica.flush(NOW).unwrap();
        rig.replica.compact(workspace, |_| {}).unwrap();
        rig.replica.found_workspace("Meanwhile", NOW).unwrap();
        rig.replica.flush(NOW).unwrap();
    }),
];

#[test]
fn it_is_whole_whatever_happens_meanwhile() {
    for (what, act) in USES {
        for at in 0.. {
            let (mut rig, workspace) = Rig::with_workspace();
            // Some files to be joined.
            for text in ["two", "three", "four"] {
                rig.reopen();
                rig.replica.commit(&workspace, &[write(text)], NOW).unwrap();
                rig.replica.flush(NOW).unwrap();
            }
            let (disk, author) = (rig.disk.clone(), rig.replica.author());
            let before = rig.replica.head(&workspace, &author).unwrap();
            let rig = Arc::new(Mutex::new(rig));
            let used = Arc::clone(&rig);
            let source = Hooked::new(&disk, at, move || act(&mut used.lock().unwrap(), &workspace));
            let (bytes, done) = back_up_from(&source).unwrap();
            if source.operations() <= at {
                assert!(at > 20, "{what}: {at} operations");
                break;
            }
            assert!(done.damage.is_empty(), "{what} at {at}: {:?}", done.damage);
            let (replica, _) = restored(&bytes);
            let found = texts(&replica, &workspace);
            let without: Vec<_> = found.iter().filter(|text| !text.starts_with("meanwhile")).collect();
            assert_eq!(without, ["Reading", "four", "one", "three", "two"], "{what} at {at}");
            assert!(replica.head(&workspace, &author).unwrap().seq >= before.seq, "{what} at {at}");
            // What is in it is not forgotten by the device, whatever happens to that next.
            let live = disk.crash(at);
            let (live, _) = open(&live).unwrap();
            assert!(live.head(&workspace, &author).unwrap().seq >= replica.head(&workspace, &author).unwrap().seq);
            for text in &found {
                assert!(texts(&live, &workspace).contains(text), "{what} at {at}: {text:.20} was not durable");
            }
            drop(rig);
        }
    }
}

#[test]
fn a_workspace_that_is_gone_meanwhile_is_no_failure() {
    for at in 0.. {
        let (mut rig, workspace) = Rig::with_workspace();
        let second = rig.replica.found_workspace("Cooking", NOW).unwrap();
        rig.replica.flush(NOW).unwrap();
        drop(rig.replica);
        let disk = rig.disk;
        let elsewhere = disk.clone();
        // As the replica does when it leaves a workspace.
        let logs: Vec<_> = disk.list("logs").unwrap().into_iter().map(|name| format!("logs/{name}")).collect();
        let of_second = logs.into_iter().find(|log| log_label(&disk, log) == *second.as_bytes()).unwrap();
        let source = Hooked::new(&disk, at, move || SyncLog::remove(&elsewhere, &of_second).unwrap());
        let (bytes, done) = back_up_from(&source).unwrap();
        if source.operations() <= at {
            break;
        }
        assert!(done.damage.is_empty(), "{at}: {:?}", done.damage);
        let (replica, _) = restored(&bytes);
        assert_eq!(texts(&replica, &workspace), ["Reading", "one"], "{at}");
    }
}

fn log_label(disk: &MemoryStorage, dir: &str) -> [u8; 16] {
    let (log, _) = SyncLog::open_beside(disk.clone(), dir, &my_key().derive()).unwrap();
    *log.label()
}

#[test]
fn of_a_damaged_log_it_has_what_is_whole_and_tells_what_it_lacks() {
    let (mut rig, workspace) = Rig::with_workspace();
    for text in ["two", "three"] {
        rig.reopen();
        rig.replica.commit(&workspace, &[write(text)], NOW).unwrap();
        rig.replica.flush(NOW).unwrap();
    }
    let stats = rig.replica.log_stats(&workspace).unwrap();
    assert!(stats.segments >= 3, "{stats:?}");
    let all = ["Reading", "one", "three", "two"].map(str::to_owned);
    let mut told = [0; 4];
    for segment in 1..=3 {
        let path = rig.replica.segment_path(&workspace, segment).unwrap();
        for at in (0..rig.disk.read_file(&path).unwrap().len()).step_by(5) {
            let disk = rig.disk.snapshot(1);
            disk.flip(&path, at, 0x10);
            let files = disk.files();
            let (bytes, done) = back_up_from(&disk).unwrap();
            assert_eq!(disk.files(), files, "it only reads");
            let (replica, _) = restored(&bytes);
            let found =
                if replica.application(&workspace).is_some() { texts(&replica, &workspace) } else { Vec::new() };
            if found == all {
                continue;
            }
            // What lies before the damage in the chain; a torn end was never told to anybody.
            let before = [&[][..], &["Reading"], &["Reading", "one"], &["Reading", "one", "two"]];
            assert!(before.iter().any(|texts| found == *texts), "{segment} at {at}: {found:?}");
            let is_told = done.damage.iter().any(|lost| lost.workspace == workspace && lost.path == path);
            assert!(is_told || segment == 3, "{segment} at {at}");
            told[found.len()] += 1;
        }
    }
    assert!(told.iter().all(|lost| *lost > 10), "{told:?}");
}

#[test]
fn nothing_is_made_of_a_storage_that_holds_something() {
    let (rig, _) = Rig::with_workspace();
    let (bytes, _) = back_up_from(&rig.disk).unwrap();
    let files = rig.disk.files();
    assert!(matches!(restore_to(&rig.disk, &bytes), Err(RestoreError::NotEmpty)));
    assert_eq!(rig.disk.files(), files);
}

/// Two units of one author in one log, and nothing else: what the bytes of version 1 are made of.
fn golden_disk() -> (MemoryStorage, WorkspaceId, Writer) {
    let disk = MemoryStorage::new(5);
    let workspace = WorkspaceId::from_bytes([3; 16]);
    let mut writer = Writer::of(my_key(), Incarnation(7), workspace);
    disk.create_dir("logs").unwrap();
    let label = *workspace.as_bytes();
    let mut log =
        SyncLog::create(disk.clone(), "logs/0123456789abcdef", &my_key().derive(), label, LogOptions::default())
            .unwrap();
    for texts in [&["one"][..], &["two", "three"]] {
        let before = writer.head;
        let unit = writer.texts(texts);
        let meta = RunMeta {
            author: writer.author,
            branch: None,
            first_seq: before.seq.next(),
            last_seq: writer.last(),
            prev_hash: before.hash,
            head_hash: writer.head.hash,
        };
        log.append(&meta, &unit).unwrap();
    }
    log.sync().unwrap();
    log.close().unwrap();
    (disk, workspace, writer)
}

#[test]
fn the_golden_file() {
    let (disk, workspace, writer) = golden_disk();
    let (bytes, _) = back_up_from(&disk).unwrap();
    assert!(bytes == GOLDEN, "backups changed: they need a new version, and the golden file too");
    let disk = MemoryStorage::new(6);
    let told = restore_to(&disk, GOLDEN).unwrap();
    assert_eq!((told.workspaces, told.entries, told.key.id()), (1, 3, my_key().id()));
    let backup = opened(GOLDEN).unwrap();
    assert_eq!((backup.host(), backup.made_ms()), (&b"what the host keeps"[..], NOW.wall_ms));
    let (replica, _) = open(&disk).unwrap();
    assert_eq!(replica.head(&workspace, &writer.author), Some(writer.head));
}
