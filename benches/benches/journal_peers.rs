//! The journal beside what others keep records in: `fjall`, `redb`, `SQLite`, and a bare file.
//!
//! `cargo xtask bench --peers` runs this program several times, and makes a table of the medians. With `VERSO_DATA` naming a file of JSON lines it measures the intents of that graph,
//! without it a made-up graph of the same proportions. A record is what a table would hold of an intent: the hash of its entry, kind, clock and payload.
//! Every append is durable when it returns. All stores do the same work in turns: the ratios count.
//!
//! `journal` is the journal alone: each group a run, encrypted and authenticated, as it stands. `units` is what a replica does: each group a
//! unit, chained, signed, compressed, encrypted; the others do nothing of that.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measurement that fails has nothing to say but that"
)]

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::time::Instant;

use rusqlite::Connection;
use verso_benches::workload::Workload;
use verso_identity::{DeviceKey, Key, WorkspaceId, purposes};
use verso_log::{FileStorage, LogOptions, RunMeta, SyncLog};
use verso_vv::{Author, EntryHash, Hlc, Incarnation, Seq};
use verso_wire::{ChainHead, CompressionLevel, Content, EntryKind, SyncUnit, UnitBuilder};
use zeroize::Zeroizing;

/// How many records are appended one by one: more would take minutes and say the same.
const ONE_BY_ONE: usize = 10_000;

/// An intent, and what a table would hold of it.
struct Record {
    kind: EntryKind,
    hlc: Hlc,
    payload: Vec<u8>,
    row: Vec<u8>,
}

/// Something that keeps records in a directory, in the order in which they came.
trait Store: Sized {
    const NAME: &'static str;

    fn create(at: &Path) -> Self;

    /// Appends records, durably.
    fn append(&mut self, records: &[Record]);

    fn close(self);

    /// Opens what was closed and reads everything; returns how many bytes that were.
    fn open_and_scan(at: &Path) -> usize;
}

fn main() {
    let measuring = std::env::args().any(|argument| argument == "--bench");
    let records = records(&Workload::load());
    let records = if measuring { &records[..] } else { &records[..500] };
    let bytes: usize = records.iter().map(|record| record.row.len()).sum();
    println!("all\tbytes of a record\t{}", float(bytes) / float(records.len()));
    round::<Bare>(records);
    round::<Preallocated>(records);
    round::<Sqlite>(records);
    round::<Redb>(records);
    round::<Fjall>(records);
    round::<Journal>(records);
    round::<Units>(records);
}

fn round<S: Store>(records: &[Record]) {
    let tell = |measure: &str, figure: f64| println!("{}\t{measure}\t{figure}", S::NAME);
    for (group, measure, of) in
        [(1, "1 a commit", ONE_BY_ONE), (100, "100 a commit", usize::MAX), (1_000, "1,000 a commit", usize::MAX)]
    {
        let records = &records[..records.len().min(of)];
        let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut store = S::create(place.path());
        // What the one before left to be written is not this one's.
        rustix::fs::sync();
        let began = Instant::now();
        records.chunks(group).for_each(|records| store.append(records));
        tell(measure, float(records.len()) / began.elapsed().as_secs_f64());
        store.close();
        if group == 1_000 {
            let began = Instant::now();
            let bytes = S::open_and_scan(place.path());
            tell("open and scan", began.elapsed().as_secs_f64());
            assert!(bytes >= records.iter().map(|record| record.payload.len()).sum(), "{} lost something", S::NAME);
            tell("at rest", float(at_rest(place.path())) / float(records.len()));
        }
    }
}

/// What the disk has given to a directory, in bytes.
fn at_rest(directory: &Path) -> usize {
    let of = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.unwrap();
        let meta = entry.metadata().unwrap();
        let blocks = usize::try_from(meta.blocks()).unwrap() * 512;
        if meta.is_dir() { at_rest(&entry.path()) } else { blocks }
    };
    std::fs::read_dir(directory).unwrap().map(of).sum()
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "figures for people")]
const fn float(count: usize) -> f64 {
    count as f64
}

fn key() -> DeviceKey {
    DeviceKey::from_secret(&Zeroizing::new([1; 32]))
}

fn author() -> Author {
    Author { device: key().id(), incarnation: Incarnation(0x1234_5678_9abc_def0) }
}

fn workspace() -> WorkspaceId {
    WorkspaceId::found(&key().id(), &[1; 16])
}

fn records(workload: &Workload) -> Vec<Record> {
    let mut head = ChainHead::start(&workspace(), &author());
    let mut hlc = Hlc::from_millis(1_760_000_000_000);
    let mut records = Vec::new();
    for intents in workload.payloads.chunks(1_000) {
        let mut builder = UnitBuilder::new(workspace(), author(), None, head);
        for (kind, payload) in intents {
            hlc = Hlc(hlc.0 + 1);
            let hash = builder.push(*kind, hlc, payload).unwrap();
            let row = [&hash.0[..], &kind.0.to_le_bytes()[..], &hlc.0.to_le_bytes(), payload].concat();
            records.push(Record { kind: *kind, hlc, payload: payload.clone(), row });
        }
        head = builder.seal(&key()).unwrap().head();
    }
    records
}

/// A file that grows.
struct Bare {
    file: File,
    len: u64,
}

impl Bare {
    fn write(&mut self, records: &[Record]) {
        let bytes: Vec<u8> = records.iter().flat_map(|record| &record.row).copied().collect();
        self.file.write_all_at(&bytes, self.len).unwrap();
        self.len += u64::try_from(bytes.len()).unwrap();
        self.file.sync_data().unwrap();
    }
}

impl Store for Bare {
    const NAME: &'static str = "file";

    fn create(at: &Path) -> Self {
        Self { file: File::create(at.join("records")).unwrap(), len: 0 }
    }

    fn append(&mut self, records: &[Record]) {
        self.write(records);
    }

    fn close(self) {}

    fn open_and_scan(at: &Path) -> usize {
        let mut bytes = Vec::new();
        File::open(at.join("records")).unwrap().read_to_end(&mut bytes).unwrap()
    }
}

/// A file that has its whole length from the start.
struct Preallocated(Bare);

impl Store for Preallocated {
    const NAME: &'static str = "whole file";

    fn create(at: &Path) -> Self {
        let bare = Bare::create(at);
        let zeros = vec![0; 1 << 20];
        (0..64).for_each(|mebibyte| bare.file.write_all_at(&zeros, mebibyte << 20).unwrap());
        bare.file.sync_all().unwrap();
        Self(bare)
    }

    fn append(&mut self, records: &[Record]) {
        self.0.write(records);
    }

    fn close(self) {
        self.0.file.set_len(self.0.len).unwrap();
    }

    fn open_and_scan(at: &Path) -> usize {
        Bare::open_and_scan(at)
    }
}

struct Sqlite(Connection);

impl Sqlite {
    fn open(at: &Path) -> Self {
        let connection = Connection::open(at.join("records.db")).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        connection.pragma_update(None, "synchronous", "FULL").unwrap();
        Self(connection)
    }
}

impl Store for Sqlite {
    const NAME: &'static str = "SQLite";

    fn create(at: &Path) -> Self {
        let store = Self::open(at);
        store.0.execute("CREATE TABLE record (seq INTEGER PRIMARY KEY, row BLOB NOT NULL)", ()).unwrap();
        store
    }

    fn append(&mut self, records: &[Record]) {
        let transaction = self.0.transaction().unwrap();
        let mut insert = transaction.prepare_cached("INSERT INTO record (row) VALUES (?1)").unwrap();
        for record in records {
            insert.execute([&record.row]).unwrap();
        }
        drop(insert);
        transaction.commit().unwrap();
    }

    fn close(self) {
        self.0.close().unwrap();
    }

    fn open_and_scan(at: &Path) -> usize {
        let store = Self::open(at);
        let mut select = store.0.prepare("SELECT row FROM record ORDER BY seq").unwrap();
        let lengths = select.query_map((), |row| Ok(row.get_ref(0)?.as_blob()?.len())).unwrap();
        lengths.map(Result::unwrap).sum()
    }
}

struct Redb {
    database: redb::Database,
    next: u64,
}

const TABLE: redb::TableDefinition<'_, u64, &[u8]> = redb::TableDefinition::new("record");

impl Store for Redb {
    const NAME: &'static str = "redb";

    fn create(at: &Path) -> Self {
        Self { database: redb::Database::create(at.join("records.redb")).unwrap(), next: 0 }
    }

    fn append(&mut self, records: &[Record]) {
        let transaction = self.database.begin_write().unwrap();
        {
            let mut table = transaction.open_table(TABLE).unwrap();
            for record in records {
                table.insert(self.next, &record.row[..]).unwrap();
                self.next += 1;
            }
        }
        transaction.commit().unwrap();
    }

    fn close(self) {}

    fn open_and_scan(at: &Path) -> usize {
        use redb::{ReadableDatabase as _, ReadableTable as _};
        let database = redb::Database::open(at.join("records.redb")).unwrap();
        let table = database.begin_read().unwrap().open_table(TABLE).unwrap();
        table.iter().unwrap().map(|row| row.unwrap().1.value().len()).sum()
    }
}

struct Fjall {
    database: fjall::Database,
    records: fjall::Keyspace,
    next: u64,
}

impl Store for Fjall {
    const NAME: &'static str = "fjall";

    fn create(at: &Path) -> Self {
        let database = fjall::Database::builder(at.join("records")).open().unwrap();
        let records = database.keyspace("record", fjall::KeyspaceCreateOptions::default).unwrap();
        Self { database, records, next: 0 }
    }

    fn append(&mut self, records: &[Record]) {
        let mut batch = self.database.batch().durability(Some(fjall::PersistMode::SyncData));
        for record in records {
            batch.insert(&self.records, self.next.to_be_bytes(), &record.row[..]);
            self.next += 1;
        }
        batch.commit().unwrap();
    }

    fn close(self) {}

    fn open_and_scan(at: &Path) -> usize {
        let store = Self::create(at);
        store.records.iter().map(|guard| guard.value().unwrap().len()).sum()
    }
}

/// The journal alone.
struct Journal {
    log: SyncLog<FileStorage>,
    next: u64,
}

fn log_key() -> Key<purposes::Log> {
    key().derive()
}

fn create_log(at: &Path) -> SyncLog<FileStorage> {
    let storage = FileStorage::open(at).unwrap();
    SyncLog::create(storage, "log", &log_key(), *workspace().as_bytes(), LogOptions::default()).unwrap()
}

fn open_log(at: &Path) -> SyncLog<FileStorage> {
    SyncLog::open(FileStorage::open(at).unwrap(), "log", &log_key(), LogOptions::default()).unwrap().0
}

impl Store for Journal {
    const NAME: &'static str = "Verso";

    fn create(at: &Path) -> Self {
        Self { log: create_log(at), next: 1 }
    }

    fn append(&mut self, records: &[Record]) {
        let bytes: Vec<u8> = records.iter().flat_map(|record| &record.row).copied().collect();
        // What the hashes say is the chain's business, which is not measured here.
        let hash = |seq: u64| {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&seq.to_le_bytes());
            EntryHash(hash)
        };
        let last = self.next + u64::try_from(records.len()).unwrap() - 1;
        let meta = RunMeta {
            author: author(),
            branch: None,
            first_seq: Seq(self.next),
            last_seq: Seq(last),
            prev_hash: hash(self.next - 1),
            head_hash: hash(last),
        };
        self.log.append(&meta, &bytes).unwrap();
        self.log.sync().unwrap();
        self.next = last + 1;
    }

    fn close(self) {
        self.log.close().unwrap();
    }

    fn open_and_scan(at: &Path) -> usize {
        open_log(at).replay().map(|run| run.unwrap().1.len()).sum()
    }
}

/// The journal, filled with units.
struct Units {
    log: SyncLog<FileStorage>,
    head: ChainHead,
    key: DeviceKey,
}

impl Store for Units {
    const NAME: &'static str = "Verso, units";

    fn create(at: &Path) -> Self {
        Self { log: create_log(at), head: ChainHead::start(&workspace(), &author()), key: key() }
    }

    fn append(&mut self, records: &[Record]) {
        let mut builder = UnitBuilder::new(workspace(), author(), None, self.head);
        for Record { kind, hlc, payload, row: _ } in records {
            builder.push(*kind, *hlc, payload).expect("a group fits a unit");
        }
        let unit = builder.seal(&self.key).unwrap();
        let meta = RunMeta {
            author: author(),
            branch: None,
            first_seq: Seq(self.head.seq.0 + 1),
            last_seq: unit.last_seq(),
            prev_hash: self.head.hash,
            head_hash: unit.head().hash,
        };
        self.log.append(&meta, &unit.encode(CompressionLevel::RECORD)).unwrap();
        self.log.sync().unwrap();
        self.head = unit.head();
    }

    fn close(self) {
        self.log.close().unwrap();
    }

    fn open_and_scan(at: &Path) -> usize {
        let log = open_log(at);
        let payloads = log.replay().map(|run| {
            let unit = SyncUnit::decode(&workspace(), &run.unwrap().1).unwrap();
            let payload = |content| if let Content::Full { payload, .. } = content { payload.len() } else { 0 };
            unit.entries().map(|entry| payload(entry.content)).sum::<usize>()
        });
        payloads.sum()
    }
}
