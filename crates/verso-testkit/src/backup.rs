//! Backups of devices, devices that are restored from them, and files that nobody wrote by backing anything up.

use verso_identity::{Cost, DeviceKey, Key, Passphrase, purposes};
use verso_log::{MemoryStorage, Storage, StorageFile, StreamKey, StreamReader, StreamWriter};
use verso_replica::{BackedUp, Backup, BackupError, BackupSource, RestoreError, Restored, back_up};
use zeroize::Zeroizing;

use crate::device::DeviceIndex;
use crate::merge::Merge;
use crate::world::World;

/// As cheap as Argon2 allows: what is tried here is what is in a backup.
const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };

/// Where the backup lies on a disk of its own.
const FILE: &str = "backup";

/// What the tests have a host keep beside.
const HOST: &[u8] = b"host";

/// Length of a backup's header, from `docs/formats/backup.md`.
pub const HEADER_LEN: usize = 72;

/// Length of a chunk of the stream, and of what its encryption adds.
const CHUNK_LEN: usize = 64 << 10;
const TAG_LEN: usize = 16;

fn passphrase() -> Passphrase {
    Passphrase::new(Zeroizing::new("tea and cake".to_owned())).expect("it is not empty")
}

/// Backs up the device with this key that lies in a storage, onto another disk.
///
/// # Errors
/// [`BackupError`] if it can't be.
pub fn back_up_as<S: Storage>(key: &DeviceKey, storage: &S, target: &MemoryStorage) -> Result<BackedUp, BackupError> {
    let source = BackupSource { storage, key, host: HOST, now_ms: 1_700_000_000_000 };
    let file = target.create(FILE).map_err(BackupError::Write)?;
    back_up(&source, &passphrase(), CHEAP, file, &mut |_| {})
}

/// Reads the backup that was written onto a disk.
///
/// # Panics
/// If there is none.
pub fn read_backup(target: &MemoryStorage) -> Vec<u8> {
    target.read_file(FILE).expect("it was written")
}

/// Restores a backup onto a disk.
///
/// # Errors
/// [`RestoreError`] if it can't be.
pub fn restore_onto(disk: &MemoryStorage, backup: &[u8]) -> Result<Restored, RestoreError> {
    let source = MemoryStorage::new(1);
    source.write_file(FILE, backup);
    let backup = Backup::open(source.open(FILE).map_err(RestoreError::Read)?, &passphrase())?;
    backup.restore(disk, &mut |_| {})
}

/// Takes the plaintext of a backup that is whole.
///
/// # Panics
/// If it isn't.
pub fn plaintext(backup: &[u8]) -> Vec<u8> {
    let disk = MemoryStorage::new(1);
    disk.write_file(FILE, backup);
    let (header, sealed) = backup.split_at(HEADER_LEN);
    let key = stream_key(header);
    let file = disk.open(FILE).expect("it is there");
    let mut reader =
        StreamReader::new(file, key, u64::try_from(HEADER_LEN).expect("it is short")).expect("the disk works");
    let mut text = vec![0; sealed.len() - TAG_LEN * sealed.len().div_ceil(CHUNK_LEN + TAG_LEN)];
    reader.read(&mut text).expect("it is whole");
    reader.finish().expect("it is whole");
    text
}

/// Takes a plaintext apart into its items, each with its kind and length in front.
///
/// # Panics
/// If it ends within one.
pub fn items(plaintext: &[u8]) -> Vec<Vec<u8>> {
    let (mut items, mut rest) = (Vec::new(), plaintext);
    while let Some(([_, len @ ..], _)) = rest.split_first_chunk::<5>() {
        let len = 5 + usize::try_from(u32::from_le_bytes(*len)).expect("it is short");
        items.push(rest[..len].to_vec());
        rest = &rest[len..];
    }
    items
}

/// Makes a file that opens as a backup and holds any plaintext: only who knows the passphrase could.
///
/// # Panics
/// Never: the disk is in memory.
pub fn forge(plaintext: &[u8]) -> Vec<u8> {
    let mut header = b"verso backup".to_vec();
    header.extend_from_slice(&[1, 0, 72, 0, 1, 1, 1, 0, 8, 0, 0, 0]);
    header.extend_from_slice(&[7; 16]);
    let key = stream_key(&header);
    header.extend_from_slice(&key.canary());
    let mut check = [0; 16];
    blake3::Hasher::new().update(b"verso backup check v1").update(&header).finalize_xof().fill(&mut check);
    header.extend_from_slice(&check);
    let disk = MemoryStorage::new(1);
    let mut file = disk.create(FILE).expect("the disk works");
    file.write_at(0, &header).expect("the disk works");
    let mut writer = StreamWriter::new(file, key).expect("the disk works");
    writer.write(plaintext).expect("the disk works");
    writer.finish().expect("the disk works");
    read_backup(&disk)
}

/// The key behind a header of the cheapest kind.
fn stream_key(header: &[u8]) -> StreamKey {
    let salt = header[24..40].try_into().expect("16 bytes");
    let key: Key<purposes::Backup> = CHEAP.derive(&passphrase(), salt).expect("there is memory");
    StreamKey::new(&key, &header[..40])
}

impl<A: Merge> World<A> {
    /// Backs a device up as another process would: from its disk, whatever the device is doing.
    ///
    /// # Panics
    /// If that fails.
    pub fn back_up(&mut self, device: DeviceIndex) -> Vec<u8> {
        let target = MemoryStorage::new(self.rng.next());
        let device = &self.devices[device.0];
        let done = back_up_as(&device.key(), device.storage(), &target).expect("a device can be backed up");
        assert!(done.damage.is_empty(), "{:?}", done.damage);
        read_backup(&target)
    }

    /// Puts a new disk into a device, restores it from a backup and turns it on. What it had promised since is forgiven.
    ///
    /// # Panics
    /// If that fails.
    pub fn restore(&mut self, device: DeviceIndex, backup: &[u8]) {
        let disk = MemoryStorage::new(self.rng.next());
        self.tell(|| format!("{} is restored from a backup", self.name(device)));
        self.tally.count("restored devices");
        let restored = restore_onto(&disk, backup).expect("the backup is whole");
        assert_eq!(restored.key.id(), self.devices[device.0].id());
        self.roll_back(device, &disk);
    }

    /// Has the person at a device confirm a peer.
    ///
    /// # Panics
    /// If the device is off or its disk fails.
    pub fn confirm(&mut self, device: DeviceIndex, peer: DeviceIndex) {
        let (now, peer) = (self.tick(device), self.devices[peer.0].id());
        let replica = self.devices[device.0].replica_mut().expect("the device is on");
        replica.confirm(peer, now).expect("the disk works");
        self.settle(device);
    }

    /// Has the person at a device confirm all whom it does not trust yet, as far as it can.
    pub fn confirm_all(&mut self, device: DeviceIndex) {
        let Some(replica) = self.devices[device.0].replica() else { return };
        for peer in replica.unconfirmed().collect::<Vec<_>>() {
            self.tell(|| format!("the person at {} confirms {}", self.name(device), self.name_of(&peer)));
            self.decide(device, |replica, now| replica.confirm(peer, now).ok());
            self.tally.count("confirmed by name");
        }
    }
}
