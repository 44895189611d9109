//! [`Reader`]: the links and folders of a file of bookmarks, one after the other.

mod counting;
mod tokens;

use std::cell::Cell;
use std::io::Read;
use std::rc::Rc;
use std::{fmt, mem};

use html5gum::Tokenizer;
use verso_graph::{MAX_LABEL, MAX_TITLE, MAX_URL};

use crate::error::{Cause, Fault, ReadError};
use crate::item::{Item, Kind, LeftOut};
use crate::words::{MAX_DEPTH, Ours, READING_LIST_ID, SPECIAL, folder_url, is_blank, is_query};
use counting::Counting;
use tokens::{Attributes, Element, Token, Tokens, Value};

/// Ids that the file itself doesn't give have this bit, so that none is meant by a link.
const UNNAMED: u64 = 1 << 63;

/// The links and folders of a file; a folder comes before what lies in it.
///
/// It reads a little at a time, and holds one item, the paths of the folders that are open, and what of a name or an attribute a graph would take.
pub struct Reader<R: Read> {
    tokens: Tokenizer<Counting<R>, Tokens>,
    line: Rc<Cell<u64>>,
    /// For each list that is open the folder that it lists; none at the top.
    lists: Vec<Option<Rc<Folder>>>,
    /// The folder whose list may begin.
    heading: Option<Rc<Folder>>,
    reading: Reading,
    left_out: LeftOut,
    number: u64,
    item: Item,
    again: bool,
}

#[derive(Debug)]
struct Folder {
    id: u64,
    url: String,
    /// How many folders it lies in.
    depth: usize,
}

/// What the text at hand belongs to.
#[derive(Debug, Default)]
enum Reading {
    /// To nothing.
    #[default]
    Nothing,
    Link(Box<Attributes>, Value),
    Heading(Box<Attributes>, Value),
    Description,
}

impl<R: Read> fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("line", &self.line()).field("left_out", &self.left_out).finish_non_exhaustive()
    }
}

impl<R: Read> Reader<R> {
    /// Begins at the start of a file.
    pub fn new(bytes: R) -> Self {
        let line = Rc::new(Cell::new(1));
        let reader = Counting::new(bytes, Rc::clone(&line));
        Self {
            tokens: Tokenizer::new_with_emitter(reader, Tokens::default()),
            line,
            lists: Vec::new(),
            heading: None,
            reading: Reading::Nothing,
            left_out: LeftOut::default(),
            number: 0,
            item: Item::default(),
            again: false,
        }
    }

    /// What was left out so far.
    pub const fn left_out(&self) -> LeftOut {
        self.left_out
    }

    /// The line that is being read, from 1.
    pub fn line(&self) -> u64 {
        self.line.get()
    }

    /// Makes [`next_item`](Self::next_item) give the same one once more.
    pub const fn again(&mut self) {
        self.again = true;
    }

    /// The next link or folder, `None` at the end. What a graph doesn't take is left out.
    ///
    /// # Errors
    /// If the bytes can't be read, or what they say can't be. Reading ends with it.
    pub fn next_item(&mut self) -> Result<Option<&Item>, ReadError> {
        if !mem::take(&mut self.again) {
            match self.read() {
                Ok(Some(item)) => self.item = item,
                Ok(None) => return Ok(None),
                Err(cause) => return Err(ReadError { line: self.line(), cause }),
            }
            self.number = self.number.saturating_add(1);
        }
        Ok(Some(&self.item))
    }

    fn read(&mut self) -> Result<Option<Item>, Cause> {
        loop {
            let Some(token) = self.tokens.next().transpose().map_err(Cause::Read)? else {
                return self.finish();
            };
            let finished = match token {
                Token::Text(text) => {
                    self.text(&text);
                    None
                }
                Token::Start(Element::Other, _) | Token::End(Element::Other | Element::Item) => None,
                Token::Start(element, attributes) => {
                    let finished = self.finish()?;
                    self.begin(element, attributes)?;
                    finished
                }
                Token::End(element) => {
                    let finished = self.finish()?;
                    if element == Element::List {
                        self.heading = None;
                        self.lists.pop();
                    }
                    finished
                }
            };
            if finished.is_some() {
                return Ok(finished);
            }
        }
    }

    fn text(&mut self, text: &[u8]) {
        match &mut self.reading {
            // With room for blanks around it, which don't count.
            Reading::Link(_, title) | Reading::Heading(_, title) => title.push(text, MAX_TITLE.saturating_mul(2)),
            Reading::Description if text.iter().any(|byte| !byte.is_ascii_whitespace()) => {
                self.left_out.descriptions = self.left_out.descriptions.saturating_add(1);
                self.reading = Reading::Nothing;
            }
            Reading::Description | Reading::Nothing => {}
        }
    }

    fn begin(&mut self, element: Element, attributes: Box<Attributes>) -> Result<(), Cause> {
        match element {
            Element::Link => self.reading = Reading::Link(attributes, Value::default()),
            Element::Heading => self.reading = Reading::Heading(attributes, Value::default()),
            Element::Description => self.reading = Reading::Description,
            Element::Separator => self.left_out.separators = self.left_out.separators.saturating_add(1),
            Element::List => {
                if self.lists.len() >= MAX_DEPTH {
                    return Err(Cause::Fault(Fault::TooDeep));
                }
                let folder = self.heading.take().or_else(|| self.folder());
                self.lists.push(folder);
            }
            Element::Item | Element::Title | Element::Other => {}
        }
        Ok(())
    }

    /// The folder in which what is read lies.
    fn folder(&self) -> Option<Rc<Folder>> {
        self.lists.last().cloned().flatten()
    }

    /// Makes a record of what was read, if it makes one.
    fn finish(&mut self) -> Result<Option<Item>, Cause> {
        match mem::take(&mut self.reading) {
            Reading::Nothing | Reading::Description => Ok(None),
            Reading::Link(attributes, title) => {
                self.heading = None;
                self.link(&attributes, &title)
            }
            Reading::Heading(attributes, title) => self.heading(&attributes, &title).map(Some),
        }
        .map_err(Cause::Fault)
    }

    fn link(&mut self, attributes: &Attributes, title: &Value) -> Result<Option<Item>, Fault> {
        let ours = ours(attributes)?;
        let href = attributes.href.as_ref().map(Value::whole);
        let href = href.map(|href| href.map(|bytes| text(bytes.trim_ascii())).transpose()).transpose()?.flatten();
        if ours.url.is_none() && href.as_deref().is_some_and(is_query) {
            self.left_out.queries = self.left_out.queries.saturating_add(1);
            return Ok(None);
        }
        if attributes.keyword.is_some() {
            self.left_out.keywords = self.left_out.keywords.saturating_add(1);
        }
        let url = ours.url.clone().or_else(|| href.filter(|href| !href.is_empty()));
        let title = ours.title.clone().map(Ok).or_else(|| name(title).transpose()).transpose()?;
        let (Some(url), Some(title)) = (url, title) else {
            self.left_out.unusable = self.left_out.unusable.saturating_add(1);
            return Ok(None);
        };
        let tags = self.tags(attributes)?;
        self.item(ours, Item { kind: Kind::Link, title, url, tags, ..Item::default() }).map(Some)
    }

    fn heading(&mut self, attributes: &Attributes, title: &Value) -> Result<Item, Fault> {
        let ours = ours(attributes)?;
        let title = match &ours.title {
            Some(title) => title.clone(),
            None => name(title)?.ok_or(Fault::TooLong("the name of a folder"))?,
        };
        let within = self.folder();
        let url =
            ours.url.clone().unwrap_or_else(|| folder_url(within.as_ref().map(|folder| folder.url.as_str()), &title));
        if url.len() > MAX_URL {
            return Err(Fault::TooDeep);
        }
        let mut tags = self.tags(attributes)?;
        let is_true = |value: &Option<Value>| {
            value.as_ref().and_then(Value::whole).is_some_and(|value| value.eq_ignore_ascii_case(b"true"))
        };
        let is_reading_list = attributes.id.as_ref().and_then(Value::whole) == Some(READING_LIST_ID.as_bytes());
        for (is_it, tag) in [
            (is_true(&attributes.toolbar), SPECIAL.toolbar),
            (is_true(&attributes.unfiled), SPECIAL.unfiled),
            (is_reading_list, SPECIAL.reading_list),
        ] {
            if is_it && !tags.iter().any(|other| other == tag) {
                tags.push(tag.to_owned());
            }
        }
        let item = self.item(ours, Item { kind: Kind::Folder, title, url, tags, ..Item::default() })?;
        self.heading = Some(Rc::new(Folder { id: item.id, url: item.url.clone(), depth: item.depth }));
        Ok(item)
    }

    /// Puts what our own attribute says over what the format itself does, where it stands.
    fn item(&self, ours: Ours, said: Item) -> Result<Item, Fault> {
        let within = self.folder();
        let item = Item {
            within: within.as_ref().map(|folder| folder.id),
            depth: within.map_or(0, |folder| folder.depth.saturating_add(1)),
            id: ours.id.unwrap_or(UNNAMED | self.number),
            tags: ours.tags.unwrap_or(said.tags),
            links: ours.links,
            ..said
        };
        item.check()?;
        Ok(item)
    }

    /// The tags that the format itself can say: with commas between them.
    fn tags(&mut self, attributes: &Attributes) -> Result<Vec<String>, Fault> {
        let Some(tags) = &attributes.tags else { return Ok(Vec::new()) };
        let tags = text(tags.whole().ok_or(Fault::TooLong("a list of tags"))?)?;
        let mut kept = Vec::new();
        for tag in tags.split(',').map(|tag| tag.trim_matches(is_blank)).filter(|tag| !tag.is_empty()) {
            if tag.len() > MAX_LABEL {
                self.left_out.unusable = self.left_out.unusable.saturating_add(1);
            } else {
                kept.push(tag.to_owned());
            }
        }
        Ok(kept)
    }
}

fn ours(attributes: &Attributes) -> Result<Ours, Fault> {
    let Some(value) = &attributes.verso else { return Ok(Ours::default()) };
    let value = value.whole().ok_or(Fault::TooLong("the attribute VERSO"))?;
    let ours: Ours = serde_json::from_slice(value).map_err(|error| Fault::Ours(error.to_string()))?;
    if ours.id.is_some_and(|id| id >= UNNAMED) {
        return Err(Fault::Ours("the id is too great".to_owned()));
    }
    Ok(ours)
}

fn text(bytes: &[u8]) -> Result<String, Fault> {
    String::from_utf8(bytes.to_vec()).map_err(|_bytes| Fault::NotUtf8)
}

/// The text of an element without the blanks around it and with one for each place where a line was broken. `None` if that is longer than a title may be.
fn name(value: &Value) -> Result<Option<String>, Fault> {
    let Some(bytes) = value.whole() else { return Ok(None) };
    let whole = text(bytes)?;
    let whole = whole.trim_matches(is_blank);
    let mut name = String::with_capacity(whole.len());
    for (index, line) in whole.split(['\n', '\r']).enumerate() {
        if index > 0 {
            name.truncate(name.trim_end_matches(is_blank).len());
            name.push(' ');
        }
        name.push_str(if index > 0 { line.trim_start_matches(is_blank) } else { line });
    }
    Ok((name.len() <= MAX_TITLE).then_some(name))
}
