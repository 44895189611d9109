//! What the three browsers write, what nobody should, and anything at all.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::desk::Desk;
use crate::import::{FileFormat, Import};

/// What is read of a link or a folder: the folder it lies in by its url, its own url, its title, its tags.
type Shown = (String, String, String, Vec<String>);

fn read(html: &[u8]) -> Result<(Vec<Shown>, LeftOut), (u64, MarkupFault)> {
    let mut bookmarks = Bookmarks::new(Box::new(io::Cursor::new(html.to_vec())));
    let mut shown: Vec<Shown> = Vec::new();
    let mut urls = std::collections::BTreeMap::new();
    loop {
        match bookmarks.next() {
            Ok(Some(record)) => {
                let within = record.within.map(|within| String::clone(&urls[&within])).unwrap_or_default();
                urls.insert(record.id, record.url.clone().into_owned());
                shown.push((within, record.url.into_owned(), record.title.into_owned(), record.tags));
            }
            Ok(None) => return Ok((shown, bookmarks.left_out())),
            Err(NextError { line, cause: Cause::Fault(fault) }) => return Err((line, fault)),
            Err(NextError { cause: Cause::Read(error), .. }) => panic!("{error}"),
        }
    }
}

/// Folder, url, title, tags with commas.
fn told(html: &str) -> Vec<[String; 4]> {
    let (shown, _) = read(html.as_bytes()).unwrap();
    shown.into_iter().map(|(within, url, title, tags)| [within, url, title, tags.join(",")]).collect()
}

#[test]
fn firefox() {
    let html = include_str!("../../../tests/bookmarks/firefox.html");
    let expected = [
        ["", "folder:Recipes", "Recipes", ""],
        ["folder:Recipes", "https://recipes.example.org/dal?for=4&hot=yes", "Dal, the \"quick\" one", "dinner,lentils"],
        ["folder:Recipes", "folder:Recipes/Bread%20&%20cake", "Bread & cake", ""],
        ["folder:Recipes/Bread%20&%20cake", "https://bread.example.org/", "Rye <72 h>", "dinner"],
        ["folder:Recipes", "folder:Recipes/Empty", "Empty", ""],
        ["", "https://words.example.org/search?q=%s", "Words", ""],
        ["", "javascript:document.body.style.filter='invert(1)'", "Night", ""],
        ["", "folder:Bookmarks%20Toolbar", "Bookmarks Toolbar", "toolbar"],
        ["folder:Bookmarks%20Toolbar", "https://www.w3.org/", "W3C", ""],
        ["", "folder:Other%20Bookmarks", "Other Bookmarks", "unfiled"],
        ["folder:Other%20Bookmarks", "https://größe.example.org/straße", "Größe 🕸", ""],
        ["folder:Other%20Bookmarks", "about:config", "about:config", ""],
    ];
    assert_eq!(told(html), expected);
    let left_out = LeftOut { descriptions: 2, separators: 2, keywords: 1, queries: 1, unusable: 0 };
    assert_eq!(read(html.as_bytes()).unwrap().1, left_out);
}

#[test]
fn chrome() {
    let html = include_str!("../../../tests/bookmarks/chrome.html");
    let bar = "folder:Lesezeichenleiste";
    let maps = "folder:Lesezeichenleiste/Maps%2FTrails";
    let expected = [
        ["", bar, "Lesezeichenleiste", "toolbar"],
        [bar, "https://www.w3.org/", "W3C", ""],
        [bar, "https://empty.example.org/", "", ""],
        [bar, maps, "Maps/Trails", ""],
        [maps, "https://maps.example.org/?q=a&z=\"9\"", "Ridge 'n' valley", ""],
        [maps, "https://www.w3.org/", "W3C", ""],
        ["", "data:text/html,%3Ch1%3Enote%3C/h1%3E", "Note", ""],
        ["", "folder:Mobile%20Lesezeichen", "Mobile Lesezeichen", ""],
        ["folder:Mobile%20Lesezeichen", "chrome://flags/", "Flags", ""],
    ];
    assert_eq!(told(html), expected);
    assert_eq!(read(html.as_bytes()).unwrap().1, LeftOut::default());
}

#[test]
fn safari() {
    let html = include_str!("../../../tests/bookmarks/safari.html");
    let work = "folder:Favourites/Work%20&%20play";
    let expected = [
        ["", "folder:Favourites", "Favourites", ""],
        ["folder:Favourites", "https://www.w3.org/", "W3C", ""],
        ["folder:Favourites", work, "Work & play", ""],
        [work, "https://play.example.org/", "Play", ""],
        ["", "folder:Bookmarks%20Menu", "Bookmarks Menu", ""],
        ["", "https://loose.example.org/", "Loose", ""],
        ["", "folder:Reading%20List", "Reading List", "reading-list"],
        ["folder:Reading%20List", "https://long.example.org/read", "A long read", ""],
    ];
    assert_eq!(told(html), expected);
}

#[test]
fn whatever_is_left_open_ends_where_the_next_begins() {
    let html = "<dl><dt><h3>One<dl><dt><a href=u:1>a<dt><a href=u:2>b<dd>about b<dt><h3>Two<dt><a href=u:3>c</dl>\n<dt><a href=u:4>d";
    let expected = [
        ["", "folder:One", "One", ""],
        ["folder:One", "u:1", "a", ""],
        ["folder:One", "u:2", "b", ""],
        ["folder:One", "folder:One/Two", "Two", ""],
        ["folder:One", "u:3", "c", ""],
        ["", "u:4", "d", ""],
    ];
    assert_eq!(told(html), expected);
}

#[test]
fn a_description_may_stand_between_a_folder_and_its_list() {
    let html = "<DT><H3>One</H3>\n<DD>said of it<DL><p><DT><A HREF=u:1>a</A></DL>";
    assert_eq!(told(html)[1], ["folder:One", "u:1", "a", ""]);
}

#[test]
fn lists_that_nobody_named_are_part_of_what_is_around_them() {
    let html = "<DL><DL><DT><H3>One</H3><DL><DL><A HREF=u:1>a</A></DL></DL></DL></DL></DL></DL><A HREF=u:2>b</A>";
    let expected = [["", "folder:One", "One", ""], ["folder:One", "u:1", "a", ""], ["", "u:2", "b", ""]];
    assert_eq!(told(html), expected);
}

#[test]
fn names_are_what_is_read_of_them() {
    let name = |html: &str| told(&format!("<A HREF=u:1>{html}</A>"))[0][2].clone();
    assert_eq!(name("  two  words\t"), "two  words");
    assert_eq!(name("one \r\n   line\n"), "one line");
    assert_eq!(name("<b>so</b>-<i>called</i>"), "so-called");
    assert_eq!(name("&auml;&#x1f578;&#39;&amp;amp;"), "ä🕸'&amp;");
    assert_eq!(told("<A HREF='\n u:1 '>x</A>")[0][1], "u:1");
}

#[test]
fn tags_stand_with_commas_between_them() {
    assert_eq!(told("<A HREF=u:1 TAGS=' a b,,c ,'>x</A>")[0][3], "a b,c");
    let html = format!("<A HREF=u:1 TAGS='a,{},b'>x</A>", "t".repeat(MAX_LABEL + 1));
    let (shown, left_out) = read(html.as_bytes()).unwrap();
    assert_eq!((&shown[0].3[..], left_out.unusable), (&["a".to_owned(), "b".to_owned()][..], 1));
}

#[test]
fn what_leads_nowhere_or_is_too_long_is_left_out() {
    let long = |len| "x".repeat(len);
    for html in [
        "<A>no address</A>".to_owned(),
        "<A HREF=' '>an empty one</A>".to_owned(),
        format!("<A HREF='{}'>long</A>", long(MAX_URL + 1)),
        format!("<A HREF='u:1'>{}</A>", long(MAX_TITLE + 1)),
    ] {
        assert_eq!(read(html.as_bytes()).unwrap(), (vec![], LeftOut { unusable: 1, ..LeftOut::default() }));
    }
    let html = format!("<A HREF='{}'>{}</A>", long(MAX_URL), long(MAX_TITLE));
    assert_eq!(read(html.as_bytes()).unwrap().0.len(), 1);
}

#[test]
fn our_own_attribute_says_what_the_format_can_t() {
    let html = r#"<A HREF="u:1" VERSO="{&quot;id&quot;:7,&quot;title&quot;:&quot; \n&quot;,&quot;url&quot;:&quot;&quot;,&quot;tags&quot;:[&quot;a,b&quot;],&quot;links&quot;:[[7,&quot;self&quot;]]}" TAGS="z">x</A>"#;
    let mut bookmarks = Bookmarks::new(Box::new(html.as_bytes()));
    let record = bookmarks.next().unwrap().unwrap();
    assert_eq!((record.id, &*record.title, &*record.url), (7, " \n", ""));
    assert_eq!((record.tags, record.links), (vec!["a,b".to_owned()], vec![(7, "self".to_owned())]));
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let fault = |html: &[u8]| read(html).unwrap_err();
    assert_eq!(fault(b"<A HREF=u:1>ok</A>\n\n<A\nHREF=u:2>\xff</A>\n"), (4, MarkupFault::NotUtf8));
    assert_eq!(fault(b"\n<H3>\xff</H3>"), (2, MarkupFault::NotUtf8));
    let (line, MarkupFault::Ours(what)) = fault(b"\n\n<A HREF=u:1 VERSO='{}x'>a</A>") else { panic!() };
    assert!(line == 3 && what.contains("trailing"), "{what}");
    let over = format!("<A HREF=u:1 VERSO='{{\"id\":{}}}'>a</A>", u64::MAX);
    assert!(matches!(fault(over.as_bytes()), (1, MarkupFault::Ours(_))));
    let empty = b"<A HREF=u:1 VERSO='{\"tags\":[\"\"]}'>a</A>";
    assert!(matches!(fault(empty), (1, MarkupFault::Content(_))));
    assert_eq!(
        fault(format!("<H3>{}</H3>", "x".repeat(MAX_TITLE + 1)).as_bytes()).1,
        MarkupFault::TooLong("the name of a folder")
    );
}

#[test]
fn folders_within_folders_come_to_an_end() {
    let nested = |depth: usize| {
        (0..depth).fold(String::new(), |mut html, _| {
            html.push_str("<DT><H3>x</H3>\n<DL>");
            html
        })
    };
    assert_eq!(read(nested(MAX_DEPTH).as_bytes()).unwrap().0.len(), MAX_DEPTH);
    // One line each, and the list that is one too many stands in the next.
    let line = u64::try_from(MAX_DEPTH).unwrap() + 2;
    assert_eq!(read(nested(1_000_000).as_bytes()).unwrap_err(), (line, MarkupFault::TooDeep));
    let long = format!("<H3>{0}</H3><DL><H3>{0}</H3><DL><H3>{0}</H3>", "x".repeat(MAX_TITLE));
    assert_eq!(read(long.as_bytes()).unwrap_err().1, MarkupFault::TooDeep, "its path is longer than a url");
}

#[test]
fn a_record_can_be_had_again() {
    let mut bookmarks = Bookmarks::new(Box::new(&b"<A HREF=u:1>a</A><A HREF=u:2>b</A>"[..]));
    let url = |bookmarks: &mut Bookmarks| bookmarks.next().unwrap().map(|record| record.url.into_owned());
    assert_eq!(url(&mut bookmarks).as_deref(), Some("u:1"));
    bookmarks.again();
    assert_eq!(url(&mut bookmarks).as_deref(), Some("u:1"));
    assert_eq!(url(&mut bookmarks).as_deref(), Some("u:2"));
    assert_eq!(url(&mut bookmarks), None);
}

#[test]
fn an_import_of_bookmarks_that_was_killed_is_completed_by_another() {
    let html = include_str!("../../../tests/bookmarks/firefox.html");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bookmarks.html");
    std::fs::write(&path, html).unwrap();
    let begin = || Import::check(&path, FileFormat::Auto, &mut |_progress| ()).unwrap();
    let finish = |desk: &mut Desk| {
        let mut import = begin();
        while let Some(batch) = import.next_batch(&desk.graph).unwrap() {
            desk.commit(&batch);
        }
        (import.counts().intents, import.counts().skipped)
    };
    let mut whole = Desk::new(1);
    let (intents, skipped) = finish(&mut whole);
    assert_eq!((whole.graph.counts().nodes, intents, skipped), (12, 24, 0));
    for batches in 1..=3 {
        let mut desk = Desk::new(1);
        let mut killed = begin();
        let mut done = 0;
        for number in 1..=batches {
            let mut batch = killed.next_batch(&desk.graph).unwrap().unwrap();
            if number == batches {
                batch.truncate(batch.len() / 2);
            }
            done += u64::try_from(batch.len()).unwrap();
            desk.commit(&batch);
        }
        assert_eq!(finish(&mut desk), (24 - done, done), "killed in batch {batches}");
        assert_eq!(desk.graph.counts(), whole.graph.counts());
    }
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
        let mut bookmarks = Bookmarks::new(Box::new(io::Cursor::new(html.clone())));
        let lines = u64::try_from(html.split(|byte| *byte == b'\n').count()).unwrap();
        let mut folders = vec![];
        loop {
            match bookmarks.next() {
                Ok(Some(record)) => {
                    prop_assert_eq!(record.check(), Ok(()));
                    if let Some(within) = record.within {
                        prop_assert!(folders.contains(&within), "a folder comes before what lies in it");
                    }
                    folders.push(record.id);
                }
                Ok(None) => break,
                Err(NextError { line, .. }) => {
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
