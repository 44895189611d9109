//! [`StreamWriter`] and [`StreamReader`]: a long encrypted file, written once from front to back and read so, in little memory.
//!
//! The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its Nonce-Reuse
//! Misuse-Resistance", 2015): chunks are numbered, and the last one says that it is. So chunks can't be left out, swapped,
//! repeated or added, and a file that was cut short is never taken for whole.

use std::fmt;
use std::io;

use verso_identity::{Key, Purpose};
use zeroize::Zeroizing;

use crate::codec::to_u64;
use crate::crypto::{KEY_GENERATION, MasterKey, SegmentKey, TAG_LEN};
use crate::storage::StorageFile;

/// How much text a chunk holds; only the last one holds less. Larger chunks cost memory on both ends, smaller ones room: 16
/// bytes each.
const CHUNK_LEN: usize = 64 << 10;

/// The canary takes the number that no chunk has.
const CANARY: u64 = u64::MAX;

/// What each chunk says about itself, authenticated with it.
const MORE: &[u8] = &[0];
const LAST: &[u8] = &[1];

/// The key of one stream.
pub struct StreamKey(SegmentKey);

impl StreamKey {
    /// Derives the key of the stream that `header` stands in front of. The header must hold something random that no other has: a stream
    /// under the same key and header would repeat nonces.
    pub fn new<P: Purpose>(key: &Key<P>, header: &[u8]) -> Self {
        Self(MasterKey::new(key).stream(KEY_GENERATION, blake3::hash(header).as_bytes()))
    }

    /// Returns what tells a wrong key from damage: whoever finds another value in a header that is whole has another key.
    pub fn canary(&self) -> [u8; TAG_LEN] {
        self.0.seal(CANARY, &[], &mut [])
    }
}

impl fmt::Debug for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamKey")
    }
}

/// Writes a stream into a file, behind what is there.
pub struct StreamWriter<F> {
    file: F,
    key: StreamKey,
    /// The text of the chunk that is being filled.
    text: Zeroizing<Vec<u8>>,
    /// The number of that chunk.
    number: u64,
    end: u64,
}

impl<F: StorageFile> StreamWriter<F> {
    /// Begins a stream at the end of `file`.
    ///
    /// # Errors
    /// What the storage reports.
    pub fn new(file: F, key: StreamKey) -> io::Result<Self> {
        let end = file.len()?;
        // Room from the start for the tag too: a buffer that grows leaves copies of what may be secret behind.
        Ok(Self { file, key, text: Zeroizing::new(Vec::with_capacity(CHUNK_LEN + TAG_LEN)), number: 0, end })
    }

    /// Writes bytes. They are durable once [`finish`](Self::finish) has returned.
    ///
    /// # Errors
    /// What the storage reports; the stream is then worth nothing.
    pub fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            // A full chunk is written only when more follows: else it is the last.
            if self.text.len() == CHUNK_LEN {
                self.seal(MORE)?;
            }
            let (now, rest) = bytes.split_at(bytes.len().min(CHUNK_LEN - self.text.len()));
            self.text.extend_from_slice(now);
            bytes = rest;
        }
        Ok(())
    }

    /// Ends the stream and makes the file durable. Returns the file and its length.
    ///
    /// # Errors
    /// What the storage reports; the stream is then worth nothing.
    pub fn finish(mut self) -> io::Result<(F, u64)> {
        self.seal(LAST)?;
        self.file.sync_data()?;
        Ok((self.file, self.end))
    }

    fn seal(&mut self, place: &[u8]) -> io::Result<()> {
        let tag = self.key.0.seal(self.number, place, &mut self.text);
        self.text.extend_from_slice(&tag);
        self.file.write_at(self.end, &self.text)?;
        self.end += to_u64(self.text.len());
        self.number += 1;
        self.text.clear();
        Ok(())
    }
}

impl<F> fmt::Debug for StreamWriter<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamWriter").field("chunk", &self.number).field("end", &self.end).finish_non_exhaustive()
    }
}

/// A stream was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// It was changed, cut short, or put together from parts.
    #[error("the file is damaged in the {} bytes from offset {offset} on", CHUNK_LEN + TAG_LEN)]
    Damaged {
        /// Where the chunk begins that does not verify.
        offset: u64,
    },
    /// It ends where more was expected.
    #[error("the file ends early")]
    Ended,
    /// It goes on where its end was expected.
    #[error("the file goes on behind its end")]
    GoesOn,
    /// The storage failed.
    #[error("the file could not be read")]
    Io(#[from] io::Error),
}

/// Reads a stream. Nothing is given out before its chunk has been authenticated; that the stream is whole is known when
/// [`finish`](Self::finish) has returned.
pub struct StreamReader<F> {
    file: F,
    key: StreamKey,
    sealed: Vec<u8>,
    text: Zeroizing<Vec<u8>>,
    /// How much of the text was given out.
    taken: usize,
    number: u64,
    at: u64,
    len: u64,
    ended: bool,
}

impl<F: StorageFile> StreamReader<F> {
    /// Reads the stream that begins at `start`.
    ///
    /// # Errors
    /// What the storage reports.
    pub fn new(file: F, key: StreamKey, start: u64) -> io::Result<Self> {
        let len = file.len()?;
        let (sealed, text) = (Vec::new(), Zeroizing::new(Vec::with_capacity(CHUNK_LEN)));
        Ok(Self { file, key, sealed, text, taken: 0, number: 0, at: start, len, ended: false })
    }

    /// Fills `bytes`.
    ///
    /// # Errors
    /// [`StreamError`].
    pub fn read(&mut self, mut bytes: &mut [u8]) -> Result<(), StreamError> {
        while !bytes.is_empty() {
            let text = self.text.get(self.taken..).unwrap_or_default();
            if text.is_empty() {
                self.open()?;
                continue;
            }
            let len = text.len().min(bytes.len());
            let (now, rest) = bytes.split_at_mut(len);
            now.copy_from_slice(text.get(..len).unwrap_or_default());
            self.taken += len;
            bytes = rest;
        }
        Ok(())
    }

    /// Makes sure that all was read, and that nothing is missing.
    ///
    /// # Errors
    /// [`StreamError`].
    pub fn finish(mut self) -> Result<(), StreamError> {
        if self.number == 0 {
            self.open()?;
        }
        if self.ended && self.taken == self.text.len() { Ok(()) } else { Err(StreamError::GoesOn) }
    }

    /// Returns how far in the file the reader is, and how long the file is.
    pub const fn position(&self) -> (u64, u64) {
        (self.at, self.len)
    }

    /// Opens the next chunk.
    fn open(&mut self) -> Result<(), StreamError> {
        if self.ended {
            return Err(StreamError::Ended);
        }
        let left = self.len.saturating_sub(self.at);
        let len = left.min(to_u64(CHUNK_LEN + TAG_LEN));
        self.ended = len == left;
        self.sealed.resize(usize::try_from(len).unwrap_or(CHUNK_LEN + TAG_LEN), 0);
        self.file.read_at(self.at, &mut self.sealed)?;
        let place = if self.ended { LAST } else { MORE };
        let damaged = StreamError::Damaged { offset: self.at };
        self.key.0.open(self.number, place, &self.sealed, &mut self.text).ok_or(damaged)?;
        self.number += 1;
        self.at += len;
        self.taken = 0;
        Ok(())
    }
}

impl<F> fmt::Debug for StreamReader<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamReader").field("chunk", &self.number).field("at", &self.at).finish_non_exhaustive()
    }
}
