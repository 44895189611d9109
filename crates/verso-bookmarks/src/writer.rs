//! [`Writer`]: bookmarks in the form that all browsers import.

use std::io::{self, Write};

use crate::words::{Ours, READING_LIST_ID, SPECIAL, folder_url, is_blank, is_query};

/// A link or a folder to write.
#[derive(Debug, Clone, Default)]
pub struct Entry<'a> {
    /// Where it leads to.
    pub url: &'a str,
    /// What it is called.
    pub title: &'a str,
    /// Its tags.
    pub tags: Vec<&'a str>,
    /// When it was made, in seconds since 1970. No reader of ours looks at it.
    pub added: Option<u64>,
    /// Its name within the file, if ties of others lead to it; below 2⁶³.
    pub id: Option<u64>,
    /// What else it is tied to: ids of other entries, each with the kind of the tie.
    pub links: Vec<(u64, &'a str)>,
}

/// Writes a file of bookmarks, one entry after the other.
///
/// What browsers have no place for stands in an attribute of our own, which they ignore. Some of them read line by line, so every link and every
/// folder has one of its own. [`Reader`](crate::Reader) gives back every entry as it was, as long as folders lie less than
/// [`MAX_DEPTH`](crate::MAX_DEPTH) deep, and what is said of an entry takes no more than [`MAX_LIST`](crate::MAX_LIST).
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    /// The urls of the folders that are open, the innermost at the end.
    open: Vec<String>,
}

impl<W: Write> Writer<W> {
    /// Begins a file; `name` is what the whole of it is called.
    ///
    /// # Errors
    /// If `out` takes nothing more.
    pub fn begin(mut out: W, name: &str) -> io::Result<Self> {
        let name = escaped(name);
        writeln!(out, "<!DOCTYPE NETSCAPE-Bookmark-file-1>")?;
        writeln!(out, "<META HTTP-EQUIV=\"Content-Type\" CONTENT=\"text/html; charset=UTF-8\">")?;
        writeln!(out, "<TITLE>{name}</TITLE>\n<H1>{name}</H1>\n<DL><p>")?;
        Ok(Self { out, open: Vec::new() })
    }

    /// How many folders are open.
    pub const fn depth(&self) -> usize {
        self.open.len()
    }

    /// Writes a link, into the innermost folder that is open.
    ///
    /// # Errors
    /// If `out` takes nothing more.
    pub fn link(&mut self, link: &Entry<'_>) -> io::Result<()> {
        let mut ours = ours(link);
        if link.url.is_empty() || is_query(link.url) || !is_said_by_text(link.url) {
            ours.url = Some(link.url.to_owned());
        }
        self.indent()?;
        write!(self.out, "<DT><A HREF=\"{}\"", escaped(link.url))?;
        self.attributes(link, &link.tags, &ours)?;
        writeln!(self.out, ">{}</A>", escaped(link.title))
    }

    /// Writes a folder, into the innermost that is open, and opens it.
    ///
    /// # Errors
    /// If `out` takes nothing more.
    pub fn folder(&mut self, folder: &Entry<'_>) -> io::Result<()> {
        let mut ours = ours(folder);
        if folder.url != folder_url(self.open.last().map(String::as_str), folder.title) {
            ours.url = Some(folder.url.to_owned());
        }
        self.indent()?;
        write!(self.out, "<DT><H3")?;
        let is_tagged = |tag| folder.tags.contains(&tag);
        if is_tagged(SPECIAL.toolbar) {
            write!(self.out, " PERSONAL_TOOLBAR_FOLDER=\"true\"")?;
        }
        if is_tagged(SPECIAL.unfiled) {
            write!(self.out, " UNFILED_BOOKMARKS_FOLDER=\"true\"")?;
        }
        if is_tagged(SPECIAL.reading_list) {
            write!(self.out, " id=\"{READING_LIST_ID}\"")?;
        }
        let is_special = |tag: &&str| [SPECIAL.toolbar, SPECIAL.unfiled, SPECIAL.reading_list].contains(tag);
        let tags: Vec<&str> = folder.tags.iter().copied().filter(|tag| !is_special(tag)).collect();
        self.attributes(folder, &tags, &ours)?;
        writeln!(self.out, ">{}</H3>", escaped(folder.title))?;
        self.indent()?;
        writeln!(self.out, "<DL><p>")?;
        self.open.push(folder.url.to_owned());
        Ok(())
    }

    /// Closes the innermost folder that is open; nothing happens if none is.
    ///
    /// # Errors
    /// If `out` takes nothing more.
    pub fn end_folder(&mut self) -> io::Result<()> {
        if self.open.pop().is_none() {
            return Ok(());
        }
        self.indent()?;
        writeln!(self.out, "</DL><p>")
    }

    /// Closes what is open, ends the file and gives back where it was written to.
    ///
    /// # Errors
    /// If `out` takes nothing more.
    pub fn finish(mut self) -> io::Result<W> {
        while self.depth() > 0 {
            self.end_folder()?;
        }
        writeln!(self.out, "</DL><p>")?;
        Ok(self.out)
    }

    fn indent(&mut self) -> io::Result<()> {
        write!(self.out, "{}", "    ".repeat(self.open.len().saturating_add(1)))
    }

    fn attributes(&mut self, entry: &Entry<'_>, tags: &[&str], ours: &Ours) -> io::Result<()> {
        if let Some(added) = entry.added {
            write!(self.out, " ADD_DATE=\"{added}\"")?;
        }
        if !tags.is_empty() {
            write!(self.out, " TAGS=\"{}\"", escaped(&tags.join(",")))?;
        }
        let Ours { id, title, url, tags, links } = ours;
        if id.is_some() || title.is_some() || url.is_some() || tags.is_some() || !links.is_empty() {
            write!(self.out, " VERSO=\"{}\"", escaped(&serde_json::to_string(ours)?))?;
        }
        Ok(())
    }
}

/// What of an entry the format itself can't say, but for its url.
fn ours(entry: &Entry<'_>) -> Ours {
    Ours {
        id: entry.id,
        title: (!is_said_by_text(entry.title)).then(|| entry.title.to_owned()),
        url: None,
        tags: (!entry.tags.iter().all(|tag| is_said_by_list(tag)))
            .then(|| entry.tags.iter().map(ToString::to_string).collect()),
        links: entry.links.iter().map(|(id, kind)| (*id, (*kind).to_owned())).collect(),
    }
}

/// Whether a text comes back as it is when it stands between tags, on one line.
fn is_said_by_text(text: &str) -> bool {
    text.trim_matches(is_blank) == text && !text.contains(['\n', '\r', '\0', '\u{c}'])
}

/// Whether a tag comes back as it is among others with commas between them.
fn is_said_by_list(tag: &str) -> bool {
    is_said_by_text(tag) && !tag.contains(',')
}

/// Text as it stands in HTML, between tags as well as between double quotes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // What would end the line; where that matters our own attribute says it.
            '\n' | '\r' | '\0' | '\u{c}' => escaped.push(' '),
            _ => escaped.push(character),
        }
    }
    escaped
}
