//! Backups against everything: disks that fail, files that were changed, and files that only who knows the passphrase could have made.

use verso_log::MemoryStorage;
use verso_replica::{RestoreError, Restored};
use verso_testkit::backup::{HEADER_LEN, back_up_as, forge, items, plaintext, read_backup, restore_onto};
use verso_testkit::{DeviceIndex, World};

use crate::scene::{node, two_paired};

/// A device with some units, and its backup.
fn with_backup(seed: u64) -> (World, DeviceIndex, Vec<u8>) {
    let (mut world, laptop, phone, workspace) = two_paired(seed);
    world.connect(laptop, phone);
    world.run();
    for title in ["three", "four"] {
        assert!(world.commit(laptop, workspace, &[node(title)]));
    }
    world.run();
    let backup = world.back_up(laptop);
    (world, laptop, backup)
}

fn restore(backup: &[u8]) -> Result<Restored, RestoreError> {
    restore_onto(&MemoryStorage::new(5), backup)
}

#[test]
fn a_disk_that_fails_while_a_backup_is_written_leaves_none_that_is_told_of() {
    let (world, laptop, backup) = with_backup(1);
    let device = world.device(laptop);
    let write = |target: &MemoryStorage| back_up_as(&device.key(), device.storage(), target);
    let probe = MemoryStorage::new(1);
    write(&probe).unwrap();
    for at in 0..probe.operations() {
        let target = MemoryStorage::new(at);
        target.fail_after(at);
        write(&target).unwrap_err();
        let target = MemoryStorage::new(at);
        target.crash_after(at);
        write(&target).unwrap_err();
    }
    let full = MemoryStorage::new(2);
    full.set_capacity(u64::try_from(backup.len()).unwrap() - 1);
    write(&full).unwrap_err();
    // What is told of is there after a power cut, but for its name, which is the business of whoever gave it.
    write(&probe).unwrap();
    assert_eq!(probe.read_durable("backup").unwrap(), read_backup(&probe));
}

#[test]
fn a_disk_that_fails_while_a_device_is_read_costs_the_backup_and_nothing_else() {
    let (world, laptop, backup) = with_backup(2);
    let device = world.device(laptop);
    let (source, before) = (device.storage().snapshot(1), plaintext(&backup));
    let mut failed = 0;
    for at in 0.. {
        let source = source.snapshot(at);
        let files = source.files();
        source.fail_after(at);
        let target = MemoryStorage::new(at);
        match back_up_as(&device.key(), &source, &target) {
            Err(_) => failed += 1,
            // Only how long the work will be was not found out.
            Ok(_) => assert!(plaintext(&read_backup(&target)) == before, "{at}"),
        }
        assert_eq!(source.files(), files);
        if at >= source.operations() {
            break;
        }
    }
    assert!(failed > 20, "{failed} failures");
}

#[test]
fn a_disk_that_fails_while_a_device_is_restored_is_told() {
    let (_, _, backup) = with_backup(3);
    let probe = MemoryStorage::new(1);
    restore_onto(&probe, &backup).unwrap();
    for at in 0..probe.operations() {
        let disk = MemoryStorage::new(at);
        disk.fail_after(at);
        restore_onto(&disk, &backup).unwrap_err();
    }
    let full = MemoryStorage::new(2);
    full.set_capacity(2_000);
    restore_onto(&full, &backup).unwrap_err();
}

#[test]
fn what_contradicts_itself_is_told_and_not_made_a_device_of() {
    let (_, _, backup) = with_backup(4);
    let items = items(&plaintext(&backup));
    let kinds: Vec<u8> = items.iter().map(|item| item[0]).collect();
    assert_eq!((kinds[0], kinds[1], kinds.last()), (1, 2, Some(&5)), "{kinds:?}");
    restore(&forge(&items.concat())).unwrap();
    let refused = |items: &[Vec<u8>], why: &str| match restore(&forge(&items.concat())) {
        Err(RestoreError::Contradiction { .. } | RestoreError::Damaged(_) | RestoreError::Record(_)) => {}
        other => panic!("{why}: {other:?}"),
    };
    let at = |kind: u8| kinds.iter().position(|other| *other == kind).unwrap();
    for left_out in (0..items.len()).filter(|index| kinds[*index] != 4) {
        let mut fewer = items.clone();
        fewer.remove(left_out);
        refused(&fewer, &format!("without item {left_out}"));
    }
    for twice in [0, 1, at(3), items.len() - 1] {
        let mut more = items.clone();
        more.insert(twice, items[twice].clone());
        refused(&more, &format!("item {twice} twice"));
    }
    let mut swapped = items.clone();
    swapped.swap(at(3), at(3) + 1);
    refused(&swapped, "two units swapped");
    let of_long_body = [vec![3], vec![0xff; 4]].concat();
    refused(&[items[0].clone(), items[1].clone(), of_long_body], "a body of 4 GiB");
    refused(&[items[0].clone(), vec![9, 0, 0, 0, 0]], "an item of unknown kind");
    refused(&[items.concat(), vec![0]], "a byte behind its end");
    for index in 0..items.len() {
        let mut shorter = items.clone();
        let len = shorter[index].len();
        // An empty one is as short as it gets.
        if len > 5 {
            shorter[index].truncate(len - 1);
            let body_len = u32::try_from(len - 6).unwrap().to_le_bytes();
            shorter[index][1..5].copy_from_slice(&body_len);
            let Err(_) = restore(&forge(&shorter.concat())) else {
                // What the host keeps is the host's business.
                assert_eq!(kinds[index], 1, "item {index} shorter");
                continue;
            };
        }
    }
}

#[test]
fn the_passphrase_and_the_header_are_told_apart_from_damage() {
    let (_, _, backup) = with_backup(5);
    // A header from another backup of the same device under the same passphrase has another salt.
    let other = forge(&plaintext(&backup));
    let mixed = [&other[..HEADER_LEN], &backup[HEADER_LEN..]].concat();
    let Err(RestoreError::Damaged(source)) = restore(&mixed) else { panic!("it is of two files") };
    assert!(source.to_string().contains("offset 72"), "{source}");
}
