//! The simulated disk is as bad as real ones, and no worse.

use std::collections::BTreeSet;
use std::io::ErrorKind;

use verso_log::{MemoryStorage, Storage, StorageFile, read_all, write_atomic};

/// What a crash leaves in `file`, over many seeds.
fn images(disk: &MemoryStorage, path: &str) -> BTreeSet<Option<Vec<u8>>> {
    (0..400).map(|seed| disk.crash(seed).read_file(path)).collect()
}

fn disk_with(bytes: &[u8]) -> (MemoryStorage, impl StorageFile) {
    let disk = MemoryStorage::new(1);
    let mut file = disk.create("file").unwrap();
    file.write_at(0, bytes).unwrap();
    file.sync_data().unwrap();
    disk.sync_dir("").unwrap();
    (disk, file)
}

#[test]
fn what_was_synced_survives_and_what_was_not_may_be_lost_in_any_subset_of_sectors() {
    let (disk, mut file) = disk_with(&[1; 1_536]);
    assert_eq!(images(&disk, "file"), BTreeSet::from([Some(vec![1; 1_536])]));
    file.write_at(0, &[2; 1_536]).unwrap();
    assert_eq!(disk.read_file("file").unwrap(), [2; 1_536], "programs see what was written");
    let found = images(&disk, "file");
    assert_eq!(found.len(), 8, "three sectors, each lost or not");
    for image in found.into_iter().flatten() {
        assert!(image.chunks(512).all(|sector| sector == [1; 512] || sector == [2; 512]), "a sector is whole");
    }
    file.sync_data().unwrap();
    assert_eq!(images(&disk, "file"), BTreeSet::from([Some(vec![2; 1_536])]));
}

#[test]
fn a_write_is_torn_at_the_sectors_of_the_file_and_not_its_own() {
    let (disk, mut file) = disk_with(&[1; 1_024]);
    file.write_at(500, &[2; 24]).unwrap();
    let found = images(&disk, "file");
    assert_eq!(found.len(), 4);
}

#[test]
fn a_length_may_survive_without_its_bytes_and_the_reverse_never() {
    let (disk, mut file) = disk_with(b"");
    file.write_at(0, &[7; 600]).unwrap();
    let found = images(&disk, "file");
    assert!(
        found.contains(&Some(vec![])) && found.contains(&Some(vec![0; 512])) && found.contains(&Some(vec![7; 600]))
    );
    let mut hole = vec![0; 512];
    hole.extend([7; 88]);
    assert!(found.contains(&Some(hole)));
    file.sync_data().unwrap();
    file.set_len(10).unwrap();
    let lens: BTreeSet<_> = images(&disk, "file").into_iter().flatten().map(|image| image.len()).collect();
    assert_eq!(lens, BTreeSet::from([10, 600]));
}

#[test]
fn names_survive_only_after_the_directory_was_synced() {
    let (disk, _file) = disk_with(b"old");
    disk.rename("file", "moved").unwrap();
    let left: BTreeSet<_> = (0..200).map(|seed| disk.crash(seed).files()).collect();
    assert_eq!(left, BTreeSet::from([vec!["file".to_owned()], vec!["moved".to_owned()]]), "never both, never none");
    disk.sync_dir("").unwrap();
    assert!((0..200).all(|seed| disk.crash(seed).files() == ["moved"]));
    disk.remove("moved").unwrap();
    assert_eq!((0..200).map(|seed| disk.crash(seed).files().len()).collect::<BTreeSet<_>>(), BTreeSet::from([0, 1]));
    disk.sync_dir("").unwrap();
    assert!((0..200).all(|seed| disk.crash(seed).files().is_empty()));
}

#[test]
fn two_changes_of_names_may_survive_in_any_order() {
    let disk = MemoryStorage::new(1);
    disk.create("a").unwrap();
    disk.create("b").unwrap();
    let left: BTreeSet<_> = (0..200).map(|seed| disk.crash(seed).files()).collect();
    assert_eq!(left.len(), 4);
}

#[test]
fn after_a_failed_sync_no_later_one_makes_the_lost_bytes_durable() {
    let mut lost = 0;
    for seed in 0..40 {
        let disk = MemoryStorage::new(seed);
        let mut file = disk.create("file").unwrap();
        disk.sync_dir("").unwrap();
        file.write_at(0, &[5; 2_048]).unwrap();
        disk.fail_after(0);
        assert!(file.sync_data().is_err());
        assert_eq!(disk.read_file("file").unwrap(), [5; 2_048], "programs see nothing of it");
        file.sync_data().unwrap();
        let left = disk.crash(1).read_file("file").unwrap();
        lost += u32::from(left != [5; 2_048]);
        assert!((0..20).all(|seed| disk.crash(seed).read_file("file").unwrap() == left), "it is settled");
    }
    assert!(lost > 10, "and often lost: {lost}");
}

#[test]
fn a_fault_hits_the_operation_it_is_set_for() {
    let (disk, mut file) = disk_with(b"12345");
    let before = disk.operations();
    disk.fail_after(1);
    assert_eq!(file.len().unwrap(), 5);
    assert!(file.read_at(0, &mut [0; 2]).is_err());
    assert!(file.read_at(0, &mut [0; 2]).is_ok());
    assert_eq!(disk.operations(), before + 3);
    disk.crash_after(1);
    assert!(disk.list("").is_ok());
    for _ in 0..3 {
        assert!(disk.list("").is_err(), "the power is off");
    }
    assert!(file.write_at(0, b"x").is_err() && file.sync_data().is_err() && disk.random(&mut [0]).is_err());
    assert!(disk.crash(1).list("").is_ok());
    disk.clear_faults();
    assert!(disk.list("").is_ok());
}

#[test]
fn it_answers_as_a_file_system_does() {
    let (disk, mut file) = disk_with(b"12345");
    let kind = |error: std::io::Error| error.kind();
    assert_eq!(disk.open("none").map(|_| ()).map_err(kind), Err(ErrorKind::NotFound));
    assert_eq!(disk.list("none").map_err(kind), Err(ErrorKind::NotFound));
    assert_eq!(disk.remove("none").map_err(kind), Err(ErrorKind::NotFound));
    assert_eq!(file.read_at(3, &mut [0; 3]).map_err(kind), Err(ErrorKind::UnexpectedEof));
    disk.create_dir("dir").unwrap();
    assert_eq!(disk.create_dir("dir").map_err(kind), Err(ErrorKind::AlreadyExists));
    write_atomic(&disk, "dir/inner", b"inner").unwrap();
    assert_eq!(disk.remove_dir("dir").map_err(kind), Err(ErrorKind::DirectoryNotEmpty));
    assert_eq!(disk.list("dir").unwrap(), ["inner"]);
    assert_eq!(disk.list("").unwrap(), ["dir", "file"]);
    disk.rename("dir", "else").unwrap();
    assert_eq!(read_all(&disk, "else/inner").unwrap(), b"inner");
    disk.remove("else/inner").unwrap();
    disk.remove_dir("else").unwrap();
    disk.remove("file").unwrap();
    disk.sync_dir("").unwrap();
    file.write_at(5, b"6").unwrap();
    let mut left = [0; 6];
    file.read_at(0, &mut left).unwrap();
    assert_eq!(&left, b"123456", "an open file outlives its name");
    assert_eq!(disk.files(), [""; 0]);
    disk.set_capacity(4);
    let mut full = disk.create("full").unwrap();
    assert_eq!(full.write_at(0, b"12345").map_err(kind), Err(ErrorKind::StorageFull));
}

#[test]
fn a_file_is_replaced_whole_or_not_at_all() {
    let disk = MemoryStorage::new(1);
    write_atomic(&disk, "file", &[1; 3_000]).unwrap();
    let before = disk.operations();
    let probe = disk.snapshot(0);
    write_atomic(&probe, "file", &[2; 4_000]).unwrap();
    for at in 0..probe.operations() {
        let disk = disk.snapshot(at);
        disk.crash_after(at);
        let done = write_atomic(&disk, "file", &[2; 4_000]).is_ok();
        for seed in 0..20 {
            let left = disk.crash(seed).read_file("file").unwrap();
            assert!(left == [2; 4_000] || (!done && left == [1; 3_000]), "cut at {at}");
        }
    }
    assert!(before > 0);
}
