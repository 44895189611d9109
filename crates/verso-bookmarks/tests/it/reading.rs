//! What the three browsers write, and what nobody should.

use verso_bookmarks::{Cause, Fault, LeftOut, MAX_DEPTH, ReadError, Reader};
use verso_graph::{MAX_LABEL, MAX_TITLE, MAX_URL};

/// What is read of a link or a folder: the folder it lies in by its url, its own url, its title, its tags.
pub(crate) type Shown = (String, String, String, Vec<String>);

pub(crate) fn read(html: &[u8]) -> Result<(Vec<Shown>, LeftOut), (u64, Fault)> {
    let mut reader = Reader::new(html);
    let mut shown: Vec<Shown> = Vec::new();
    let mut urls = std::collections::BTreeMap::new();
    loop {
        match reader.next_item() {
            Ok(Some(item)) => {
                let within = item.within.map(|within| String::clone(&urls[&within])).unwrap_or_default();
                urls.insert(item.id, item.url.clone());
                shown.push((within, item.url.clone(), item.title.clone(), item.tags.clone()));
            }
            Ok(None) => return Ok((shown, reader.left_out())),
            Err(ReadError { line, cause: Cause::Fault(fault), .. }) => return Err((line, fault)),
            Err(error) => panic!("{error}"),
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
    let html = include_str!("../browsers/firefox.html");
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
    let html = include_str!("../browsers/chrome.html");
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
    let html = include_str!("../browsers/safari.html");
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
    let mut reader = Reader::new(html.as_bytes());
    let item = reader.next_item().unwrap().unwrap();
    assert_eq!((item.id, &*item.title, &*item.url), (7, " \n", ""));
    assert_eq!((&item.tags, &item.links), (&vec!["a,b".to_owned()], &vec![(7, "self".to_owned())]));
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let fault = |html: &[u8]| read(html).unwrap_err();
    assert_eq!(fault(b"<A HREF=u:1>ok</A>\n\n<A\nHREF=u:2>\xff</A>\n"), (4, Fault::NotUtf8));
    assert_eq!(fault(b"\n<H3>\xff</H3>"), (2, Fault::NotUtf8));
    let (line, Fault::Ours(what)) = fault(b"\n\n<A HREF=u:1 VERSO='{}x'>a</A>") else { panic!() };
    assert!(line == 3 && what.contains("trailing"), "{what}");
    let over = format!("<A HREF=u:1 VERSO='{{\"id\":{}}}'>a</A>", u64::MAX);
    assert!(matches!(fault(over.as_bytes()), (1, Fault::Ours(_))));
    let empty = b"<A HREF=u:1 VERSO='{\"tags\":[\"\"]}'>a</A>";
    assert_eq!(fault(empty), (1, Fault::EmptyTag));
    let long = format!("<A HREF=u:1 VERSO='{{\"links\":[[1,\"{}\"]]}}'>a</A>", "x".repeat(MAX_LABEL + 1));
    let over = Fault::OverLimit { field: "a link's kind", len: MAX_LABEL + 1, limit: MAX_LABEL };
    assert_eq!(fault(long.as_bytes()), (1, over));
    assert_eq!(
        fault(format!("<H3>{}</H3>", "x".repeat(MAX_TITLE + 1)).as_bytes()).1,
        Fault::TooLong("the name of a folder")
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
    assert_eq!(read(nested(1_000_000).as_bytes()).unwrap_err(), (line, Fault::TooDeep));
    let long = format!("<H3>{0}</H3><DL><H3>{0}</H3><DL><H3>{0}</H3>", "x".repeat(MAX_TITLE));
    assert_eq!(read(long.as_bytes()).unwrap_err().1, Fault::TooDeep, "its path is longer than a url");
}

#[test]
fn an_item_can_be_had_again() {
    let mut reader = Reader::new(&b"<A HREF=u:1>a</A><A HREF=u:2>b</A>"[..]);
    let url = |reader: &mut Reader<&[u8]>| reader.next_item().unwrap().map(|item| item.url.clone());
    assert_eq!(url(&mut reader).as_deref(), Some("u:1"));
    reader.again();
    assert_eq!(url(&mut reader).as_deref(), Some("u:1"));
    assert_eq!(url(&mut reader).as_deref(), Some("u:2"));
    assert_eq!(url(&mut reader), None);
}
