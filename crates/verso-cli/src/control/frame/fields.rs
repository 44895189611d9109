//! [`Writer`] and [`Fields`]: numbers, texts and lists in a frame.

use zeroize::Zeroizing;

use super::{FrameError, LENGTH};

/// Most items of a list for which room is made before they are there.
const ROOM: usize = 256;

/// A frame that is being written. What it holds may be a secret.
#[derive(Debug)]
pub(super) struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    /// Begins with room for the length.
    pub(super) fn frame() -> Self {
        Self(Zeroizing::new(vec![0; LENGTH]))
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn u8(&mut self, number: u8) {
        self.0.push(number);
    }

    pub(super) fn u16(&mut self, number: u16) {
        self.raw(&number.to_le_bytes());
    }

    pub(super) fn u32(&mut self, number: u32) {
        self.raw(&number.to_le_bytes());
    }

    pub(super) fn u64(&mut self, number: u64) {
        self.raw(&number.to_le_bytes());
    }

    /// A number of items. What is longer than a frame may be is refused when it is sent.
    pub(super) fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).unwrap_or(u32::MAX));
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.raw(bytes);
    }

    /// Puts the length in front.
    pub(super) fn finish(self) -> Zeroizing<Vec<u8>> {
        let Self(mut frame) = self;
        let len = u32::try_from(frame.len().saturating_sub(LENGTH)).unwrap_or(u32::MAX);
        if let Some(length) = frame.first_chunk_mut::<LENGTH>() {
            *length = len.to_le_bytes();
        }
        frame
    }
}

/// What is left to be read of a frame.
#[derive(Debug)]
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) const fn new(body: &'a [u8]) -> Self {
        Self(body)
    }

    pub(super) fn raw<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let (field, rest) = self.0.split_first_chunk::<N>().ok_or(FrameError::Short)?;
        self.0 = rest;
        Ok(*field)
    }

    pub(super) fn u8(&mut self) -> Result<u8, FrameError> {
        Ok(u8::from_le_bytes(self.raw()?))
    }

    pub(super) fn u16(&mut self) -> Result<u16, FrameError> {
        Ok(u16::from_le_bytes(self.raw()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, FrameError> {
        Ok(u32::from_le_bytes(self.raw()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, FrameError> {
        Ok(u64::from_le_bytes(self.raw()?))
    }

    fn count(&mut self) -> Result<usize, FrameError> {
        usize::try_from(self.u32()?).map_err(|_too_many| FrameError::TooLong)
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], FrameError> {
        let len = self.count()?;
        let (field, rest) = self.0.split_at_checked(len).ok_or(FrameError::Short)?;
        self.0 = rest;
        Ok(field)
    }

    pub(super) fn text(&mut self) -> Result<String, FrameError> {
        let text = std::str::from_utf8(self.bytes()?).map_err(|_error| FrameError::NotText)?;
        Ok(text.to_owned())
    }

    /// Reads as many items as are said to be there. Each takes at least the bytes of its length, so there are no more than fit.
    pub(super) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, FrameError>,
    ) -> Result<Vec<T>, FrameError> {
        let count = self.count()?;
        let mut items = Vec::with_capacity(count.min(ROOM));
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// Everything that is left.
    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Makes sure that nothing is left.
    pub(super) fn end(self) -> Result<(), FrameError> {
        if self.0.is_empty() { Ok(()) } else { Err(FrameError::Trailing) }
    }
}
