//! Files of bookmarks: any bytes, in pieces of any sizes.

use std::collections::BTreeSet;
use std::io::{self, Read};

use verso_bookmarks::{Entry, Item, Kind, LeftOut, MAX_DEPTH, Reader, Writer};
use verso_graph::{MAX_LABEL, MAX_TITLE, MAX_URL};

use crate::fuzz::Bytes;

/// Reads what follows the first eight bytes as a file of bookmarks, in pieces of the sizes that those say.
///
/// # Panics
/// If what is read goes by the pieces, is more than a graph takes, lies in a folder that is not open, or stands in a line that is not there; or does not
/// come back from what it is written as.
pub fn bookmarks(input: &[u8]) {
    let mut input = Bytes::new(input);
    let sizes = input.take(8);
    let file = input.rest();
    let whole = read(file);
    assert_eq!(read(Pieces { file, sizes: sizes.iter().cycle() }), whole, "the pieces mean nothing");
    let Outcome { items, end, .. } = &whole;
    if let Err((line, _)) = end {
        let lines = file.split(|byte| *byte == b'\n').count();
        assert!((1..=lines).contains(&usize::try_from(*line).expect("a line of the file")));
    }
    let mut open: Vec<u64> = Vec::new();
    for item in items {
        check(item);
        open.truncate(item.depth);
        assert_eq!((open.len(), open.last().copied()), (item.depth, item.within), "it lies in a folder that is open");
        if item.kind == Kind::Folder {
            open.push(item.id);
        }
    }
    // A folder that is written has a list, even where nothing lies in it, within that of the whole file.
    if items.iter().all(|item| item.kind == Kind::Link || item.depth + 2 <= MAX_DEPTH) {
        let again = read(&write(items)[..]);
        assert_eq!((again.end, again.left_out), (Ok(()), LeftOut::default()), "all that was written is read");
        assert_eq!(
            again.items.into_iter().map(in_order).collect::<Vec<_>>(),
            items.iter().cloned().map(in_order).collect::<Vec<_>>()
        );
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    items: Vec<Item>,
    left_out: LeftOut,
    /// What was wrong, and in which line.
    end: Result<(), (u64, String)>,
}

fn read(file: impl Read) -> Outcome {
    let mut reader = Reader::new(file);
    let mut items = Vec::new();
    let end = loop {
        match reader.next_item() {
            Ok(Some(item)) => items.push(item.clone()),
            Ok(None) => break Ok(()),
            Err(error) => break Err((error.line, error.cause.to_string())),
        }
    };
    Outcome { items, left_out: reader.left_out(), end }
}

fn check(item: &Item) {
    assert!(item.title.len() <= MAX_TITLE && item.url.len() <= MAX_URL);
    assert!(item.tags.iter().all(|tag| (1..=MAX_LABEL).contains(&tag.len())));
    assert!(item.links.iter().all(|(_, kind)| kind.len() <= MAX_LABEL));
}

fn write(items: &[Item]) -> Vec<u8> {
    const INFALLIBLE: &str = "memory takes it";
    let mut writer = Writer::begin(Vec::new(), "").expect(INFALLIBLE);
    for item in items {
        while writer.depth() > item.depth {
            writer.end_folder().expect(INFALLIBLE);
        }
        let entry = Entry {
            url: &item.url,
            title: &item.title,
            tags: item.tags.iter().map(String::as_str).collect(),
            added: None,
            // What the file doesn't say is not said again.
            id: Some(item.id).filter(|id| *id < 1 << 63),
            links: item.links.iter().map(|(id, kind)| (*id, kind.as_str())).collect(),
        };
        match item.kind {
            Kind::Link => writer.link(&entry),
            Kind::Folder => writer.folder(&entry),
        }
        .expect(INFALLIBLE);
    }
    writer.finish().expect(INFALLIBLE)
}

/// The same item with its tags in order, which means nothing.
fn in_order(mut item: Item) -> Item {
    let tags: BTreeSet<String> = item.tags.drain(..).collect();
    item.tags.extend(tags);
    item
}

/// A file of which each read gives a piece, of one byte or more.
struct Pieces<'a, Sizes> {
    file: &'a [u8],
    sizes: Sizes,
}

impl<'a, Sizes: Iterator<Item = &'a u8>> Read for Pieces<'a, Sizes> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = 1 + self.sizes.next().map_or(0, |size| usize::from(*size));
        let (piece, rest) = self.file.split_at(size.min(buffer.len()).min(self.file.len()));
        self.file = rest;
        buffer[..piece.len()].copy_from_slice(piece);
        Ok(piece.len())
    }
}
