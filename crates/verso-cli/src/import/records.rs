//! [`Records`]: what a file holds, one node after the other, whatever the file is made of.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::Read;
use std::rc::Rc;

use verso_bookmarks::{Cause, Item, LeftOut, ReadError, Reader};

use super::error::ImportError;
use super::record::Record;
use super::source::{Form, Kind, Lines, Opened, Source};

/// What a file is made of, as a person says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileFormat {
    /// What its first words say.
    Auto,
    /// A browser's bookmarks.
    Bookmarks,
    /// JSON lines.
    Lines,
}

/// The nodes of a file from its start, with their tags and links.
#[derive(Debug)]
pub(super) enum Records {
    Lines(Lines),
    Bookmarks {
        bookmarks: Box<Reader<Box<dyn Read>>>,
        form: Form,
        /// Bytes of the file that were read so far.
        consumed: Rc<Cell<u64>>,
    },
}

impl FileFormat {
    /// Looks at the file if need be.
    pub(super) fn settle(self, source: &Source) -> Result<Self, ImportError> {
        if self != Self::Auto {
            return Ok(self);
        }
        match source.sniff()? {
            Kind::Bookmarks => Ok(Self::Bookmarks),
            Kind::Lines => Ok(Self::Lines),
            Kind::OtherHtml => Err(ImportError::OtherHtml),
            Kind::BrowsersOwn(browser) => Err(ImportError::BrowsersOwn { browser }),
        }
    }
}

impl Records {
    /// Begins at the file's start.
    pub(super) fn of(source: &Source, format: FileFormat) -> Result<Self, ImportError> {
        match format {
            FileFormat::Auto | FileFormat::Lines => Ok(Self::Lines(source.lines()?)),
            FileFormat::Bookmarks => {
                let Opened { bytes, consumed } = source.bytes()?;
                Ok(Self::Bookmarks { bookmarks: Box::new(Reader::new(bytes)), form: source.form(), consumed })
            }
        }
    }

    /// The next node, `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Record<'_>>, ImportError> {
        match self {
            Self::Lines(lines) => lines.next()?.map(Record::parse).transpose(),
            Self::Bookmarks { bookmarks, form, .. } => {
                let item = bookmarks.next_item().map_err(|ReadError { line, cause }| match cause {
                    Cause::Fault(fault) => ImportError::Markup { line, fault },
                    Cause::Read(error) => form.unreadable(error, line),
                })?;
                Ok(item.map(record))
            }
        }
    }

    /// Makes [`next`](Self::next) give the same one once more.
    pub(super) const fn again(&mut self) {
        match self {
            Self::Lines(lines) => lines.again(),
            Self::Bookmarks { bookmarks, .. } => bookmarks.again(),
        }
    }

    /// Bytes of the file that were read so far.
    pub(super) fn consumed(&self) -> u64 {
        match self {
            Self::Lines(lines) => lines.consumed(),
            Self::Bookmarks { consumed, .. } => consumed.get(),
        }
    }

    /// Lines of the file that were read so far.
    pub(super) fn line(&self) -> u64 {
        match self {
            Self::Lines(lines) => lines.number(),
            Self::Bookmarks { bookmarks, .. } => bookmarks.line(),
        }
    }

    /// What was left out so far.
    pub(super) fn left_out(&self) -> LeftOut {
        match self {
            Self::Lines(_) => LeftOut::default(),
            Self::Bookmarks { bookmarks, .. } => bookmarks.left_out(),
        }
    }
}

/// A link or a folder as a line would tell it.
fn record(item: &Item) -> Record<'_> {
    Record {
        id: item.id,
        title: Cow::Borrowed(&item.title),
        url: Cow::Borrowed(&item.url),
        tags: item.tags.clone(),
        links: item.links.clone(),
        within: item.within,
    }
}
