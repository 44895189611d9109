//! Restoring from arbitrary bytes: files that are no backup, backups that were changed, and plaintexts that only who knows the passphrase
//! could have sealed.

use std::sync::LazyLock;

use verso_graph::{Graph, Intent};
use verso_identity::DeviceKey;
use verso_log::MemoryStorage;
use verso_replica::{Now, Replica};
use zeroize::Zeroizing;

use crate::backup::{HEADER_LEN, back_up_as, forge, items, plaintext, read_backup, restore_onto};
use crate::fuzz::Bytes;

/// How many items an input can make.
const MAX_ITEMS: usize = 32;

const NOW: Now = Now { wall_ms: 1_700_000_000_000, monotonic_ms: 0 };

/// A backup, whole, and the items in it with their heads.
struct Base {
    backup: Vec<u8>,
    items: Vec<Vec<u8>>,
}

static BASE: LazyLock<Base> = LazyLock::new(|| {
    let disk = MemoryStorage::new(3);
    let key = DeviceKey::from_secret(&Zeroizing::new([8; 32]));
    let twin = DeviceKey::from_secret(&Zeroizing::new([8; 32]));
    let (mut replica, _) = Replica::<_, Graph>::open(disk.clone(), key, "laptop", NOW).expect("the disk works");
    for name in ["Reading", "Cooking"] {
        let workspace = replica.found_workspace(name, NOW).expect("the disk works");
        for at in 0..3 {
            let (url, title) = (format!("https://example.org/{at}"), name.to_owned());
            replica.commit(&workspace, &[Intent::AddNode { url, title }], NOW).expect("the disk works");
            replica.flush(NOW).expect("the disk works");
        }
    }
    let target = MemoryStorage::new(4);
    back_up_as(&twin, &disk, &target).expect("the disk works");
    let backup = read_backup(&target);
    let items = items(&plaintext(&backup));
    Base { backup, items }
});

/// Restores from what `input` makes of a backup.
///
/// # Panics
/// If restoring panics; if a backup that was changed is taken; or if what was restored does not open as a device.
pub fn backup_restore(input: &[u8]) {
    let mut input = Bytes::new(input);
    let base = &*BASE;
    let kind = input.below(4);
    let file = match kind {
        0 => input.rest().to_vec(),
        1 => [&base.backup[..HEADER_LEN], input.rest()].concat(),
        2 => changed(base, &mut input),
        _ => forge(&composed(base, &mut input)),
    };
    let disk = MemoryStorage::new(1);
    match restore_onto(&disk, &file) {
        Ok(restored) => {
            assert!(kind == 3 || file == base.backup, "nobody without the passphrase can make one");
            let (replica, notices) = Replica::<_, Graph>::open(disk.crash(2), restored.key, "laptop", NOW)
                .expect("what was restored is a device");
            assert!(notices.logs.is_empty(), "{:?}", notices.logs);
            let held = replica.workspaces().map(|workspace| replica.entries(&workspace).map_or(0, |(held, _)| held));
            assert!(held.sum::<u64>() <= restored.entries, "nothing came from nowhere");
        }
        Err(_) => assert!(file != base.backup, "it is whole"),
    }
}

/// The backup, changed in some places, cut, or longer.
fn changed(base: &Base, input: &mut Bytes<'_>) -> Vec<u8> {
    let mut file = base.backup.clone();
    while !input.is_empty() {
        let at = input.below(file.len() + 1);
        match input.below(4) {
            0 => file.truncate(at),
            1 => {
                let len = input.below(256);
                file.splice(at..at, input.take(len).iter().copied());
            }
            _ => {
                let bits = input.byte();
                file.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= bits);
            }
        }
    }
    file
}

/// A plaintext: items of the backup in any order, some of them changed, and others.
fn composed(base: &Base, input: &mut Bytes<'_>) -> Vec<u8> {
    let mut text = Vec::new();
    let (mut units, mut entries) = (0_u64, 0_u64);
    for _ in 0..MAX_ITEMS {
        if input.is_empty() {
            break;
        }
        let mut item = base.items[input.below(base.items.len())].clone();
        match input.below(8) {
            // As it is, mostly: so that those behind it are reached.
            0..5 => {
                // Each unit of the base holds one entry, but those that make a workspace or a device.
                units += u64::from(item[0] == 3);
                entries += u64::from(item[0] == 3);
                text.extend(item);
            }
            5 => {
                let (at, bits) = (input.below(item.len()), input.byte());
                item[at] ^= bits;
                text.extend(item);
            }
            6 => {
                let (code, len) = (input.byte(), input.below(256));
                let body = input.take(len);
                text.push(code);
                text.extend_from_slice(&u32::try_from(body.len()).expect("it is short").to_le_bytes());
                text.extend_from_slice(body);
            }
            _ => {
                let counts = [units + u64::from(input.byte()), entries + u64::from(input.byte())];
                text.extend_from_slice(&[5, 16, 0, 0, 0]);
                text.extend(counts.iter().flat_map(|count| count.to_le_bytes()));
            }
        }
    }
    text
}
