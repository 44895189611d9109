//! The same on real files, and the lock of a data directory.

use std::process::{Command, Stdio};

use verso_log::{DataDirLock, FileStorage, LockError, Storage, StorageFile, SyncLog, read_all, write_atomic};

use crate::support::{Concat, DIR, append, author, check, create, open};

#[test]
fn a_log_on_real_files_lives_through_everything() {
    let dir = tempfile::tempdir().unwrap();
    let storage = FileStorage::open(&dir.path().join("not/yet/there")).unwrap();
    let mut log = create(&storage);
    for _ in 0..20 {
        append(&mut log, author(1), 2).unwrap();
        append(&mut log, author(2), 1).unwrap();
        log.sync().unwrap();
    }
    drop(log);
    let (mut log, report) = open(&storage);
    assert_eq!((report.damage, report.torn), (vec![], None));
    append(&mut log, author(1), 3).unwrap();
    let compacted = log.compact(&mut Concat::new(7)).unwrap();
    assert!(compacted.bytes_after < compacted.bytes_before);
    append(&mut log, author(1), 1).unwrap();
    log.close().unwrap();
    let (log, _) = open(&storage);
    assert_eq!(check(&log)[&author(1)], 44);
    let stats = log.stats();
    let names = storage.list(DIR).unwrap();
    let on_disk: usize = names.iter().map(|name| read_all(&storage, &format!("{DIR}/{name}")).unwrap().len()).sum();
    assert_eq!(stats.bytes, u64::try_from(on_disk).unwrap(), "no preallocated room is left");
    SyncLog::remove(&storage, DIR).unwrap();
    assert_eq!(storage.list("").unwrap(), [""; 0]);
}

#[test]
fn a_path_does_not_leave_the_storage() {
    let dir = tempfile::tempdir().unwrap();
    let storage = FileStorage::open(&dir.path().join("inner")).unwrap();
    for path in ["../x", "a/../../x", "/etc/x", "a//x", ".", "..", "a\\..\\x", "c:x", "nul\0"] {
        let error = storage.create(path).map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{path:?}");
    }
    assert_eq!(storage.root(), dir.path().join("inner"));
}

#[test]
fn files_read_and_write_at_offsets() {
    let dir = tempfile::tempdir().unwrap();
    let storage = FileStorage::open(dir.path()).unwrap();
    let mut file = storage.create("file").unwrap();
    file.write_at(3, b"abc").unwrap();
    file.preallocate(100_000).unwrap();
    file.preallocate(10).unwrap();
    assert_eq!(file.len().unwrap(), 100_000, "preallocating never cuts");
    let mut found = [9; 8];
    file.read_at(0, &mut found).unwrap();
    assert_eq!(&found, b"\0\0\0abc\0\0");
    file.set_len(5).unwrap();
    file.sync_data().unwrap();
    assert_eq!(read_all(&storage, "file").unwrap(), b"\0\0\0ab");
    assert!(file.read_at(3, &mut [0; 3]).is_err());
    write_atomic(&storage, "file", b"other").unwrap();
    assert_eq!(storage.list("").unwrap(), ["file"]);
    assert_eq!(read_all(&storage, "file").unwrap(), b"other");
    let mut random = [[0; 32]; 2];
    for bytes in &mut random {
        storage.random(bytes).unwrap();
    }
    assert!(random[0] != random[1] && random[0] != [0; 32]);
}

#[cfg(unix)]
#[test]
fn others_on_the_machine_can_read_nothing() {
    use std::os::unix::fs::PermissionsExt as _;

    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("data");
    let storage = FileStorage::open(&root).unwrap();
    create(&storage);
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&root), mode(&root.join(DIR))), (0o700, 0o700));
    assert_eq!(mode(&root.join(DIR).join("0000000001.seg")), 0o600);
}

#[test]
fn a_locked_directory_tells_who_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let lock = DataDirLock::acquire(dir.path()).unwrap();
    let error = DataDirLock::acquire(dir.path()).unwrap_err();
    let own = std::process::id();
    assert!(matches!(error, LockError::Held { pid: Some(pid) } if pid == own), "{error}");
    assert_eq!(error.to_string(), format!("another process holds the data directory (process {own})"));
    drop(lock);
    let lock = DataDirLock::acquire(dir.path()).unwrap();
    drop(lock);
    assert!(matches!(DataDirLock::acquire(&dir.path().join("none")).unwrap_err(), LockError::Io(_)));
}

/// Another process with the lock: this test binary itself, which runs the test below and waits to be killed.
#[cfg(unix)]
#[test]
fn a_lock_ends_with_its_process_however_it_ends() {
    use std::io::{BufRead as _, BufReader};

    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "files::hold_the_lock_for_another_test", "--ignored", "--nocapture"])
        .env("VERSO_TEST_LOCK_DIR", dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("locked")), "the child holds the lock");
    let error = DataDirLock::acquire(dir.path()).unwrap_err();
    assert!(matches!(error, LockError::Held { pid: Some(pid) } if pid == child.id()), "{error}");
    child.kill().unwrap();
    child.wait().unwrap();
    DataDirLock::acquire(dir.path()).unwrap();
}

#[test]
#[ignore = "run as another process by the test above"]
#[expect(clippy::print_stdout, reason = "the line tells the parent that the lock is held")]
fn hold_the_lock_for_another_test() {
    let dir = std::env::var_os("VERSO_TEST_LOCK_DIR").unwrap();
    let _lock = DataDirLock::acquire(dir.as_ref()).unwrap();
    println!("locked");
    // Ends when the parent does, if it is not killed before.
    std::io::stdin().read_line(&mut String::new()).unwrap();
}
