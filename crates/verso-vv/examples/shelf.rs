//! Two devices with a shelf of notes each, kept in step by version vectors: only what the other side lacks travels.
//!
//! `cargo run -p verso-vv --example shelf`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::BTreeMap;
use std::error::Error;

use verso_identity::DeviceId;
use verso_vv::{Author, Dot, Hlc, HlcClock, Incarnation, Seq, VersionVector};

/// A device: who writes there, what it holds, and how far that goes.
struct Shelf {
    author: Author,
    clock: HlcClock,
    held: VersionVector,
    notes: BTreeMap<Dot, (Hlc, String)>,
}

impl Shelf {
    fn new(number: u8) -> Self {
        // A real incarnation is random, so that a device that was put back to an earlier state never uses a number again.
        let author = Author { device: DeviceId::from_bytes([number; 32]), incarnation: Incarnation(u64::from(number)) };
        Self { author, clock: HlcClock::default(), held: VersionVector::new(), notes: BTreeMap::new() }
    }

    fn write(&mut self, now_ms: u64, text: &str) -> Result<(), Box<dyn Error>> {
        let seq = self.held.get(&self.author).next();
        self.held.advance(self.author, seq, seq)?;
        let stamp = self.clock.tick(now_ms);
        self.notes.insert(Dot { author: self.author, seq }, (stamp, text.to_owned()));
        Ok(())
    }

    /// What somebody who holds that much lacks: runs of entries, author by author, without a gap.
    fn beyond(&self, theirs: &VersionVector) -> Vec<(Author, Seq, Seq)> {
        self.held.beyond(theirs).collect()
    }

    /// Takes what this side lacks from the other. Returns how many notes came.
    fn pull(&mut self, from: &Self, now_ms: u64) -> Result<u64, Box<dyn Error>> {
        let mut count = 0;
        for (author, first, last) in from.beyond(&self.held) {
            for seq in (first.0..=last.0).map(Seq) {
                let dot = Dot { author, seq };
                let note = from.notes.get(&dot).ok_or("what a vector covers is held")?;
                self.clock.observe(note.0, now_ms);
                self.notes.insert(dot, note.clone());
                count += 1;
            }
            // A run that left something out would be refused here.
            self.held.advance(author, first, last)?;
        }
        Ok(count)
    }

    /// All notes as people read them: by time, and by author where that is the same.
    fn read(&self) -> Vec<&str> {
        let mut notes: Vec<_> = self.notes.iter().map(|(dot, (stamp, text))| (stamp, dot, text.as_str())).collect();
        notes.sort_unstable();
        notes.into_iter().map(|(_, _, text)| text).collect()
    }
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let (mut desk, mut phone) = (Shelf::new(1), Shelf::new(2));
    desk.write(1_000, "buy tea")?;
    desk.write(2_000, "call Mira")?;
    println!("the phone takes {} notes from the desk", phone.pull(&desk, 2_500)?);

    // Apart from each other, both go on. The phone's clock is slow; what it has seen goes before what its clock says.
    desk.write(3_000, "read the paper")?;
    phone.write(1_500, "tea is bought")?;
    println!("the two are {:?}", desk.held.compare(&phone.held));

    let (to_desk, to_phone) = (desk.pull(&phone, 4_000)?, phone.pull(&desk, 4_000)?);
    println!("one note travels each way: {to_desk} and {to_phone}");
    println!("again, nothing does: {} and {}", desk.pull(&phone, 4_000)?, phone.pull(&desk, 4_000)?);

    if desk.read() != phone.read() || (to_desk, to_phone) != (1, 1) {
        return Err("the two are not in step".into());
    }
    for note in desk.read() {
        println!("- {note}");
    }
    Ok(())
}
