//! A diary that survives power cuts, that nobody else can read, and that tells which day is damaged.
//!
//! `cargo run -p verso-log --example diary`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::path::Path;

use verso_identity::{DeviceKey, Key, purposes};
use verso_log::{FileStorage, LogOptions, ReadError, RunMeta, SyncLog};
use verso_vv::{Author, EntryHash, Incarnation, Seq};

/// What the log is about. It stands encrypted in every file.
const LABEL: [u8; 16] = *b"a diary of 2026\0";

struct Diary {
    log: SyncLog<FileStorage>,
    author: Author,
}

impl Diary {
    fn create(folder: &Path, key: &Key<purposes::Log>, author: Author) -> Result<Self, Box<dyn Error>> {
        let storage = FileStorage::open(folder)?;
        Ok(Self { log: SyncLog::create(storage, "diary", key, LABEL, LogOptions::default())?, author })
    }

    fn open(folder: &Path, key: &Key<purposes::Log>, author: Author) -> Result<Self, Box<dyn Error>> {
        let (log, report) = SyncLog::open(FileStorage::open(folder)?, "diary", key, LogOptions::default())?;
        for damage in &report.damage {
            println!("found when opening: {damage}");
        }
        Ok(Self { log, author })
    }

    /// Adds a day. Each record is a run of one entry here; a run may be of thousands.
    fn write(&mut self, day: &str) -> Result<(), Box<dyn Error>> {
        let (last, head) = self.log.head(&self.author).unwrap_or((Seq::ZERO, EntryHash([0; 32])));
        let seq = last.next();
        // Whoever has a hash chain (verso-wire, say) puts its hashes here; the journal only keeps them.
        let hash =
            EntryHash(std::array::from_fn(|at| if at == 0 { u8::try_from(seq.0).unwrap_or(u8::MAX) } else { 0 }));
        let meta = RunMeta {
            author: self.author,
            branch: None,
            first_seq: seq,
            last_seq: seq,
            prev_hash: head,
            head_hash: hash,
        };
        self.log.append(&meta, day.as_bytes())?;
        Ok(())
    }

    fn read(&self) -> Vec<Result<String, ReadError>> {
        self.log.replay().map(|run| run.map(|(_, record)| String::from_utf8_lossy(&record).into_owned())).collect()
    }
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    // A real device keeps its key in a `KeyStore` of verso-identity.
    let device = DeviceKey::generate()?;
    let key = device.derive::<purposes::Log>();
    let author = Author { device: device.id(), incarnation: Incarnation(1) };

    let mut diary = Diary::create(folder.path(), &key, author)?;
    diary.write("Monday: rain")?;
    diary.write("Tuesday: rain")?;
    // One sync makes both durable. Whoever is told "saved" is told so behind this line.
    diary.log.sync()?;
    diary.write("Wednesday: not saved yet")?;
    // As if the process was killed: what was not synced may be gone, and nothing else.
    drop(diary);

    let mut diary = Diary::open(folder.path(), &key, author)?;
    let days = diary.read().len();
    println!("{days} days are there");
    diary.write("Thursday: sun")?;
    diary.log.close()?;

    let Err(error) = Diary::open(folder.path(), &DeviceKey::generate()?.derive(), author) else {
        return Err("another key opened it".into());
    };
    println!("with another key: {error}");

    // A bit flips on the disk: in the first record, behind both copies of the header.
    let file = folder.path().join("diary").join("0000000001.seg");
    flip(&file, 1_024 + 16)?;
    let diary = Diary::open(folder.path(), &key, author)?;
    let read = diary.read();
    let whole = read.iter().filter(|day| day.is_ok()).count();
    for day in read {
        match day {
            Ok(day) => println!("- {day}"),
            Err(error) => println!("- lost: {error}"),
        }
    }
    if whole != days || diary.log.verify()?.damage.len() != 1 {
        return Err("one day is lost, and no other".into());
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "harm comes to files from outside the journal")]
fn flip(file: &Path, at: usize) -> Result<(), Box<dyn Error>> {
    let mut bytes = std::fs::read(file)?;
    *bytes.get_mut(at).ok_or("the segment is shorter")? ^= 1;
    Ok(std::fs::write(file, bytes)?)
}
