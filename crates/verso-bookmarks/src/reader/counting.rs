//! [`Counting`]: hands bytes to the tokenizer, and counts the lines that it has taken.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};
use std::rc::Rc;

use html5gum::{IoReader, Reader};

/// Bytes of a file of bookmarks. What the tokenizer has looked at and not taken is not counted.
pub(super) struct Counting<R: Read> {
    bytes: IoReader<Retrying<R>>,
    lines: Rc<Cell<u64>>,
}

impl<R: Read> fmt::Debug for Counting<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counting").field("lines", &self.lines).finish_non_exhaustive()
    }
}

impl<R: Read> Counting<R> {
    /// Counts in `lines`, which stands at the line that is being read, from 1.
    pub(super) fn new(bytes: R, lines: Rc<Cell<u64>>) -> Self {
        lines.set(1);
        Self { bytes: IoReader::new(Retrying(bytes)), lines }
    }
}

#[expect(clippy::naive_bytecount, reason = "a chunk is a few dozen bytes; a crate for it would not be noticed")]
fn count(lines: &Cell<u64>, bytes: &[u8]) {
    let ended = bytes.iter().filter(|byte| **byte == b'\n').count();
    lines.set(lines.get().saturating_add(u64::try_from(ended).unwrap_or(u64::MAX)));
}

impl<R: Read> Reader for Counting<R> {
    type Error = io::Error;

    fn read_byte(&mut self) -> io::Result<Option<u8>> {
        let byte = self.bytes.read_byte()?;
        count(&self.lines, byte.as_slice());
        Ok(byte)
    }

    /// Strings that are asked for never have an end of a line in them.
    fn try_read_string(&mut self, text: &[u8], case_sensitive: bool) -> io::Result<bool> {
        self.bytes.try_read_string(text, case_sensitive)
    }

    fn read_until<'b>(&'b mut self, needle: &[u8], buffer: &'b mut [u8; 4]) -> io::Result<Option<&'b [u8]>> {
        let Self { bytes, lines } = self;
        let found = bytes.read_until(needle, buffer)?;
        count(lines, found.unwrap_or_default());
        Ok(found)
    }
}

/// Reads again where a signal came in between.
struct Retrying<R>(R);

impl<R: Read> Read for Retrying<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_were_taken_are_counted() {
        let lines = Rc::new(Cell::new(0));
        let mut counting = Counting::new(&b"a\r\nb\n\nc"[..], Rc::clone(&lines));
        assert_eq!(lines.get(), 1);
        assert!(counting.try_read_string(b"A", false).unwrap());
        assert_eq!(lines.get(), 1);
        let mut buffer = [0; 4];
        assert_eq!(counting.read_until(b"b", &mut buffer).unwrap(), Some(&b"\r\n"[..]));
        assert_eq!(lines.get(), 2);
        while counting.read_byte().unwrap().is_some() {}
        assert_eq!(lines.get(), 4);
    }

    struct Restless(bool);

    impl Read for Restless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, false) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            buffer.fill(b'x');
            Ok(buffer.len())
        }
    }

    #[test]
    fn a_signal_is_no_end() {
        let mut counting = Counting::new(Restless(true), Rc::new(Cell::new(0)));
        assert_eq!(counting.read_byte().unwrap(), Some(b'x'));
    }
}
