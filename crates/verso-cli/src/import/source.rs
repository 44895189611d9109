//! [`Source`]: a file to import, plain or compressed with zstd, read from its start as often as needed and never held.

use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Seek as _};
use std::mem;
use std::path::Path;
use std::rc::Rc;
use std::time::SystemTime;

use zstd::stream::read::Decoder;

use super::error::ImportError;

/// Longest line in bytes. A node with a thousand links takes about 20 KiB; what is longer than this is another kind of
/// file, and is not read to its end.
pub(super) const MAX_LINE: usize = 1024 * 1024;
/// Largest window a compressed file may ask for, as a power of two: 128 MiB is what `zstd` itself writes at most, and
/// reads, unless told otherwise.
const MAX_WINDOW_LOG: u32 = 27;
/// First bytes of a zstd frame (RFC 8878 §3.1.1).
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Compression by other means, which is worth naming: first bytes and name.
const FOREIGN: [(&[u8], &str); 4] =
    [(&[0x1f, 0x8b], "gzip"), (b"BZh", "bzip2"), (&[0xfd, b'7', b'z', b'X', b'Z'], "xz"), (b"PK\x03\x04", "zip")];
/// First bytes of files in which browsers keep bookmarks for themselves: Firefox's backups, Safari's list.
const OWN: [(&[u8], &str); 2] = [(b"mozLz40\0", "Firefox"), (b"bplist00", "Safari")];
/// Enough of a file's text to know of what kind it is, in bytes.
const SNIFF: usize = 1024;

/// A file that is read several times over. It has to stay as it is meanwhile, which is checked each time.
#[derive(Debug)]
pub(super) struct Source {
    file: File,
    form: Form,
    stamp: Stamp,
}

/// How a file is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    Zstd,
}

/// What differs if somebody writes to the file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    len: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { len: metadata.len(), modified: metadata.modified().ok() })
    }
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<Self, ImportError> {
        let mut file = File::open(path).map_err(ImportError::Open)?;
        if !file.metadata().map_err(ImportError::Open)?.is_file() {
            return Err(ImportError::NotAFile);
        }
        let mut start = Vec::new();
        Read::by_ref(&mut file).take(8).read_to_end(&mut start).map_err(ImportError::Open)?;
        if let Some((_, name)) = FOREIGN.iter().find(|(magic, _)| start.starts_with(magic)) {
            return Err(ImportError::OtherCompression { name });
        }
        if let Some((_, browser)) = OWN.iter().find(|(magic, _)| start.starts_with(magic)) {
            return Err(ImportError::BrowsersOwn { browser });
        }
        let form = if start.starts_with(&ZSTD) || is_skippable_frame(&start) { Form::Zstd } else { Form::Plain };
        let stamp = Stamp::of(&file).map_err(ImportError::Open)?;
        Ok(Self { file, form, stamp })
    }

    /// Length of the file as it lies there, compressed or not.
    pub(super) const fn len(&self) -> u64 {
        self.stamp.len
    }

    /// Tells by its first words what a file is made of.
    pub(super) fn sniff(&self) -> Result<Kind, ImportError> {
        let Opened { bytes, .. } = self.bytes()?;
        let mut start = Vec::new();
        let read = bytes.take(u64::try_from(SNIFF).unwrap_or(u64::MAX)).read_to_end(&mut start);
        // What can't be read is told where it is read, with its place.
        read.unwrap_or_default();
        let start = start.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&start).trim_ascii_start();
        let begins = |text: &[u8]| start.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text));
        let has = |text: &[u8]| start.windows(text.len()).any(|window| window == text);
        Ok(if begins(b"<!DOCTYPE NETSCAPE-Bookmark-file-1") {
            Kind::Bookmarks
        } else if begins(b"<") {
            Kind::OtherHtml
        } else if has(b"\"checksum\"") && has(b"\"roots\"") {
            Kind::BrowsersOwn("Chrome")
        } else if has(b"\"root________\"") {
            Kind::BrowsersOwn("Firefox")
        } else {
            Kind::Lines
        })
    }

    /// Reads lines from the start.
    pub(super) fn lines(&self) -> Result<Lines, ImportError> {
        let Opened { bytes, consumed } = self.bytes()?;
        Ok(Lines {
            reader: BufReader::with_capacity(64 * 1024, bytes),
            form: self.form,
            consumed,
            number: 0,
            line: Vec::new(),
            again: false,
        })
    }

    /// Reads from the start, decompressed.
    pub(super) fn bytes(&self) -> Result<Opened, ImportError> {
        if Stamp::of(&self.file).map_err(ImportError::Open)? != self.stamp {
            return Err(ImportError::Changed);
        }
        let mut file = self.file.try_clone().map_err(ImportError::Open)?;
        file.rewind().map_err(ImportError::Open)?;
        let consumed = Rc::new(Cell::new(0));
        let counted = Counted { file, consumed: Rc::clone(&consumed) };
        let bytes: Box<dyn Read> = match self.form {
            Form::Plain => Box::new(counted),
            Form::Zstd => {
                let mut decoder = Decoder::new(counted).map_err(ImportError::Open)?;
                decoder.window_log_max(MAX_WINDOW_LOG).map_err(ImportError::Open)?;
                Box::new(decoder)
            }
        };
        Ok(Opened { bytes, consumed })
    }

    /// How the file is stored.
    pub(super) const fn form(&self) -> Form {
        self.form
    }
}

/// A file that was opened from its start.
pub(super) struct Opened {
    /// What is in it, decompressed.
    pub(super) bytes: Box<dyn Read>,
    /// Bytes of the file that were read so far.
    pub(super) consumed: Rc<Cell<u64>>,
}

/// What a file is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bookmarks,
    Lines,
    /// HTML that doesn't say that it has bookmarks in it.
    OtherHtml,
    /// A browser's own file.
    BrowsersOwn(&'static str),
}

impl Form {
    /// What a failed read at this line means.
    pub(super) fn unreadable(self, error: io::Error, line: u64) -> ImportError {
        match (self, error.kind()) {
            (Self::Plain, _) => ImportError::Read(error),
            (Self::Zstd, io::ErrorKind::UnexpectedEof) => ImportError::Truncated { line },
            // A failed read of the file itself has a number from the operating system.
            (Self::Zstd, _) if error.raw_os_error().is_some() => ImportError::Read(error),
            (Self::Zstd, _) => ImportError::Damaged { line, source: error },
        }
    }
}

/// Frames that carry no data may stand first (RFC 8878 §3.1.2).
fn is_skippable_frame(start: &[u8]) -> bool {
    matches!(start, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// Counts the bytes of the file that were read, for progress.
#[derive(Debug)]
struct Counted {
    file: File,
    consumed: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.consumed.set(self.consumed.get().saturating_add(u64::try_from(count).unwrap_or(u64::MAX)));
        Ok(count)
    }
}

/// One line without its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    /// From 1.
    pub(super) number: u64,
    /// The line's text.
    pub(super) text: &'a str,
}

impl Line<'_> {
    /// The column, from 1 and in characters, of the byte at `offset`.
    pub(super) fn column(&self, offset: usize) -> usize {
        let before = self.text.char_indices().take_while(|(at, _)| *at < offset).count();
        before.saturating_add(1)
    }
}

/// Lines that have something in them, one after the other.
pub(super) struct Lines {
    reader: BufReader<Box<dyn Read>>,
    form: Form,
    consumed: Rc<Cell<u64>>,
    number: u64,
    line: Vec<u8>,
    again: bool,
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Lines {
    /// Makes [`next`](Self::next) give the same line once more.
    pub(super) const fn again(&mut self) {
        self.again = true;
    }

    /// Bytes of the file that were read so far.
    pub(super) fn consumed(&self) -> u64 {
        self.consumed.get()
    }

    /// Lines that were read so far.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// The next line that is not blank, or `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Line<'_>>, ImportError> {
        while !mem::take(&mut self.again) {
            self.line.clear();
            self.number = self.number.saturating_add(1);
            // The longest line and its end.
            let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX).saturating_add(1);
            let read = Read::by_ref(&mut self.reader).take(limit).read_until(b'\n', &mut self.line);
            let count = read.map_err(|error| self.form.unreadable(error, self.number))?;
            if count == 0 {
                self.number = self.number.saturating_sub(1);
                return Ok(None);
            }
            if self.line.ends_with(b"\n") {
                self.line.truncate(self.line.len().saturating_sub(1));
            }
            if self.line.len() > MAX_LINE {
                return Err(ImportError::LineTooLong { line: self.number });
            }
            if self.line.iter().any(|byte| !byte.is_ascii_whitespace()) {
                break;
            }
        }
        let number = self.number;
        let bytes = match self.line.strip_prefix("\u{feff}".as_bytes()) {
            Some(rest) if number == 1 => rest,
            _ => &self.line,
        };
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Some(Line { number, text: text.trim_end() })),
            Err(error) => {
                let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let column = String::from_utf8_lossy(valid).chars().count().saturating_add(1);
                Err(ImportError::NotUtf8 { line: number, column })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn source(&self, bytes: &[u8]) -> Result<Source, ImportError> {
            let path = self.0.path().join("file");
            fs::write(&path, bytes).unwrap();
            Source::open(&path)
        }
    }

    /// All lines with their numbers, or the error behind them.
    fn read(source: &Source) -> (Vec<(u64, String)>, Option<ImportError>) {
        let mut lines = source.lines().unwrap();
        let mut found = Vec::new();
        loop {
            match lines.next() {
                Ok(Some(line)) => found.push((line.number, line.text.to_owned())),
                Ok(None) => return (found, None),
                Err(error) => return (found, Some(error)),
            }
        }
    }

    fn lines_of(bytes: &[u8]) -> Vec<(u64, String)> {
        let (lines, error) = read(&Folder::new().source(bytes).unwrap());
        assert!(error.is_none(), "{error:?}");
        lines
    }

    fn error_of(bytes: &[u8]) -> ImportError {
        read(&Folder::new().source(bytes).unwrap()).1.expect("an error")
    }

    fn many() -> String {
        (0..30_000).map(|number| format!("line {number}\n")).collect::<Vec<_>>().concat()
    }

    fn texts(lines: &[(u64, &str)]) -> Vec<(u64, String)> {
        lines.iter().map(|&(number, text)| (number, text.to_owned())).collect()
    }

    #[test]
    fn ends_of_lines_and_of_the_file() {
        assert_eq!(lines_of(b""), []);
        assert_eq!(lines_of(b"\n\n"), []);
        assert_eq!(lines_of(b"a\nb"), texts(&[(1, "a"), (2, "b")]));
        assert_eq!(lines_of(b"a\r\n\r\n  \nb\r\n"), texts(&[(1, "a"), (4, "b")]), "blank lines count");
        assert_eq!(lines_of("\u{feff}a\n\u{feff}b".as_bytes()), texts(&[(1, "a"), (2, "\u{feff}b")]));
    }

    #[test]
    fn a_line_can_be_had_again() {
        let folder = Folder::new();
        let mut lines = folder.source("\u{feff}a\n\nb\n".as_bytes()).unwrap().lines().unwrap();
        let mut next = |again| {
            if again {
                lines.again();
            }
            lines.next().unwrap().map(|line| (line.number, line.text.to_owned()))
        };
        assert_eq!(next(false), Some((1, "a".to_owned())));
        assert_eq!(next(true), Some((1, "a".to_owned())));
        assert_eq!(next(false), Some((3, "b".to_owned())));
        assert_eq!(next(true), Some((3, "b".to_owned())));
        assert_eq!(next(false), None);
    }

    #[test]
    fn a_line_may_have_a_mebibyte() {
        let longest = vec![b'x'; MAX_LINE];
        assert_eq!(lines_of(&longest).len(), 1);
        assert_eq!(lines_of(&[&longest[..], b"\nb"].concat()).len(), 2);
        for more in [&b"x"[..], b"x\nb", b"xx", &longest] {
            let error = error_of(&[b"a\n", &longest[..], more].concat());
            assert!(matches!(error, ImportError::LineTooLong { line: 2 }), "{error:?}");
        }
    }

    #[test]
    fn what_is_not_text_is_found_by_line_and_column() {
        let error = error_of("ä\nü b\u{fffd}".as_bytes().strip_suffix(b"\xbd").unwrap());
        assert!(matches!(error, ImportError::NotUtf8 { line: 2, column: 4 }), "{error:?}");
    }

    #[test]
    fn compressed_lines_are_the_same_lines() {
        let text = many();
        let compressed = zstd::encode_all(text.as_bytes(), 3).unwrap();
        assert_eq!(lines_of(&compressed), lines_of(text.as_bytes()));
        let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9][..], &compressed].concat();
        assert_eq!(lines_of(&skippable), lines_of(text.as_bytes()));
        // A file may be made of frames one behind the other.
        let twice = [&compressed[..], &compressed].concat();
        assert_eq!(lines_of(&twice).len(), 60_000);
    }

    #[test]
    fn a_truncated_file_is_told_from_a_damaged_one() {
        let text = many();
        let compressed = zstd::encode_all(text.as_bytes(), 3).unwrap();
        for cut in [5, 9, compressed.len() / 2, compressed.len() - 1] {
            let error = error_of(&compressed[..cut]);
            assert!(matches!(error, ImportError::Truncated { .. }), "{cut}: {error:?}");
        }
        let error = error_of(&[&compressed[..], b"not a frame"].concat());
        assert!(matches!(error, ImportError::Damaged { .. }), "{error:?}");
        let mut flipped = compressed.clone();
        flipped[compressed.len() / 2] ^= 0xff;
        assert!(matches!(error_of(&flipped), ImportError::Damaged { .. } | ImportError::Truncated { .. }));
    }

    #[test]
    fn a_window_of_more_than_is_usual_is_refused() {
        // A frame whose header asks for a window of 2^30 bytes (RFC 8878 §3.1.1.1.2).
        let frame = [&ZSTD[..], &[0x00, (30 - 10) << 3, 0x01, 0x00, 0x00]].concat();
        let error = error_of(&frame);
        assert!(matches!(error, ImportError::Damaged { .. }), "{error:?}");
    }

    #[test]
    fn other_compression_is_named() {
        let error = Folder::new().source(&[0x1f, 0x8b, 8, 0]).unwrap_err();
        assert!(matches!(error, ImportError::OtherCompression { name: "gzip" }), "{error:?}");
    }

    #[test]
    fn a_folder_and_what_is_missing_are_no_source() {
        let folder = Folder::new();
        assert!(matches!(Source::open(folder.0.path()), Err(ImportError::NotAFile)));
        assert!(matches!(Source::open(&folder.0.path().join("missing")), Err(ImportError::Open(_))));
    }

    #[test]
    fn a_file_that_changes_is_noticed() {
        let folder = Folder::new();
        let source = folder.source(b"a\n").unwrap();
        assert!(source.lines().is_ok() && source.lines().is_ok(), "as often as needed");
        fs::write(folder.0.path().join("file"), b"a\nb\n").unwrap();
        assert!(matches!(source.lines().err(), Some(ImportError::Changed)));
    }

    #[test]
    fn progress_counts_the_bytes_of_the_file() {
        let folder = Folder::new();
        let source = folder.source(b"a\nb\n").unwrap();
        let mut lines = source.lines().unwrap();
        while lines.next().unwrap().is_some() {}
        assert_eq!((lines.consumed(), lines.number()), (source.len(), 2));
    }
}
