//! Anything at all: it is read, or told to be wrong.

use std::fmt::Write as _;
use std::io::{self, Read};

use proptest::prelude::*;
use verso_bookmarks::{Cause, Kind, ReadError, Reader};
use verso_graph::{MAX_LABEL, MAX_TITLE, MAX_URL};

use crate::reading::read;

#[test]
fn a_disk_that_fails_is_told_as_such() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }
    let mut reader = Reader::new((&b"<A HREF=u:1>a</A>\n<A HREF=u:2>"[..]).chain(Failing));
    assert!(reader.next_item().unwrap().is_some());
    let ReadError { line: 2, cause: Cause::Read(error), .. } = reader.next_item().unwrap_err() else { panic!() };
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}

/// Pieces of such files, in any order.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"<DL><p>".to_vec()),
        Just(b"</DL><p>".to_vec()),
        Just(b"<DT>".to_vec()),
        Just(b"<H3 PERSONAL_TOOLBAR_FOLDER=true>".to_vec()),
        Just(b"</H3>".to_vec()),
        Just(b"<A HREF=\"u:".to_vec()),
        Just(b"\" TAGS='a,b'>".to_vec()),
        Just(b"<A VERSO='{\"id\":1,\"links\":[[2,\"x\"]],\"url\":\"\"}'>".to_vec()),
        Just(b"</A>".to_vec()),
        Just(b"<DD>".to_vec()),
        Just(b"<HR>".to_vec()),
        Just(b"<!--".to_vec()),
        Just(b"<![CDATA[".to_vec()),
        Just(b"&amp".to_vec()),
        Just(b"&#x".to_vec()),
        prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(piece, 0..200).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// No panic, and whatever is read is what a graph takes.
    #[test]
    fn any_bytes_are_read_or_told_to_be_wrong(html in prop_oneof![pieces(), prop::collection::vec(any::<u8>(), 0..2000)]) {
        let mut reader = Reader::new(&html[..]);
        let lines = u64::try_from(html.split(|byte| *byte == b'\n').count()).unwrap();
        let mut folders = vec![];
        loop {
            match reader.next_item() {
                Ok(Some(item)) => {
                    prop_assert!(item.title.len() <= MAX_TITLE && item.url.len() <= MAX_URL);
                    prop_assert!(item.tags.iter().all(|tag| (1..=MAX_LABEL).contains(&tag.len())));
                    folders.truncate(item.depth);
                    prop_assert_eq!(folders.last().copied(), item.within, "a folder comes before what lies in it");
                    prop_assert_eq!(folders.len(), item.depth);
                    if item.kind == Kind::Folder {
                        folders.push(item.id);
                    }
                }
                Ok(None) => break,
                Err(ReadError { line, .. }) => {
                    prop_assert!((1..=lines).contains(&line));
                    break;
                }
            }
        }
    }

    /// However it is laid out, it is the same.
    #[test]
    fn line_ends_and_indentation_mean_nothing(pieces in prop::collection::vec(0..6_usize, 1..60)) {
        let write = |between: &str| pieces.iter().enumerate().fold(String::new(), |mut html, (number, piece)| {
            let item = match piece {
                0 => format!("<DT><H3>f{number}</H3>"),
                1 => "<DL><p>".to_owned(),
                2 => "</DL><p>".to_owned(),
                3 => format!("<DT><A HREF=\"u:{number}\">t{number}</A>"),
                4 => "<HR>".to_owned(),
                _ => "<DD>d".to_owned(),
            };
            write!(html, "{item}{between}").unwrap();
            html
        });
        prop_assert_eq!(read(write("").as_bytes()), read(write("\r\n\t  ").as_bytes()));
    }
}
