//! [`Tokens`]: what a tokenizer of HTML finds in a file of bookmarks, reduced to what bookmarks are made of.
//!
//! Only what is kept is held, and no more of it than a graph takes: icons, comments and texts of any length pass by.

use std::collections::VecDeque;

use html5gum::{Emitter, Error, State};
use verso_graph::MAX_URL;

use crate::words::MAX_LIST;

/// Longest name of an element or an attribute that means something here, in bytes, and one more.
const MAX_NAME: usize = 32;

/// The elements that mean something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    /// A link.
    Link,
    /// What a folder is called: `H2` to `H6`, though browsers write `H3`.
    Heading,
    /// What a folder holds.
    List,
    /// Begins an item of a list; closed by whatever begins next.
    Item,
    /// What somebody wrote about the item before it.
    Description,
    /// A line between items.
    Separator,
    /// The title of the whole, which no item is.
    Title,
    /// Paragraphs, which browsers put behind lists, and anything else.
    Other,
}

impl Element {
    fn of(name: &[u8]) -> Self {
        match name {
            b"a" => Self::Link,
            b"h2" | b"h3" | b"h4" | b"h5" | b"h6" => Self::Heading,
            b"dl" => Self::List,
            b"dt" => Self::Item,
            b"dd" => Self::Description,
            b"hr" => Self::Separator,
            b"h1" | b"title" => Self::Title,
            _ => Self::Other,
        }
    }
}

/// The attributes that mean something. Each is the value that was written first, as HTML has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) href: Option<Value>,
    pub(super) tags: Option<Value>,
    pub(super) keyword: Option<Value>,
    pub(super) toolbar: Option<Value>,
    pub(super) unfiled: Option<Value>,
    pub(super) id: Option<Value>,
    /// Our own, for what the others can't say.
    pub(super) verso: Option<Value>,
}

impl Attributes {
    /// The place of an attribute, and how long it may be.
    fn place(&mut self, name: &[u8]) -> Option<(&mut Option<Value>, usize)> {
        Some(match name {
            b"href" => (&mut self.href, MAX_URL),
            b"tags" => (&mut self.tags, MAX_LIST),
            b"shortcuturl" => (&mut self.keyword, MAX_NAME),
            b"personal_toolbar_folder" => (&mut self.toolbar, MAX_NAME),
            b"unfiled_bookmarks_folder" => (&mut self.unfiled, MAX_NAME),
            b"id" => (&mut self.id, MAX_NAME),
            b"verso" => (&mut self.verso, MAX_LIST),
            _ => return None,
        })
    }
}

/// Bytes of which only so many are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Value {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl Value {
    /// Adds what fits within the limit.
    pub(super) fn push(&mut self, more: &[u8], limit: usize) {
        let room = limit.saturating_sub(self.bytes.len());
        self.is_cut |= more.len() > room;
        self.bytes.extend_from_slice(more.get(..room).unwrap_or(more));
    }

    /// All of it, or `None` if there was more than fits.
    pub(super) fn whole(&self) -> Option<&[u8]> {
        (!self.is_cut).then_some(&self.bytes)
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Start(Element, Box<Attributes>),
    End(Element),
    /// A piece of text; what belongs together may come in several.
    Text(Vec<u8>),
}

/// Takes what the tokenizer finds. References to characters are resolved, and names in lower case, when it comes.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    found: VecDeque<Token>,
    tag: Tag,
    /// The name of the last tag that began.
    last: Vec<u8>,
}

#[derive(Debug, Default)]
struct Tag {
    is_end: bool,
    name: Vec<u8>,
    attributes: Attributes,
    /// The attribute that is being read.
    attribute: Vec<u8>,
    /// Whether that has a value already, from an attribute of the same name before it.
    is_repeated: bool,
}

/// Adds to a name. What is longer than any that means something loses its end, and so means nothing.
fn push_name(name: &mut Vec<u8>, more: &[u8]) {
    let room = MAX_NAME.saturating_sub(name.len());
    name.extend_from_slice(more.get(..room).unwrap_or(more));
}

impl Emitter for Tokens {
    type Token = Token;

    fn pop_token(&mut self) -> Option<Token> {
        self.found.pop_front()
    }

    fn emit_string(&mut self, text: &[u8]) {
        self.found.push_back(Token::Text(text.to_vec()));
    }

    fn init_start_tag(&mut self) {
        self.tag = Tag::default();
    }

    fn init_end_tag(&mut self) {
        self.tag = Tag { is_end: true, ..Tag::default() };
    }

    fn push_tag_name(&mut self, name: &[u8]) {
        push_name(&mut self.tag.name, name);
    }

    fn init_attribute(&mut self) {
        self.tag.attribute.clear();
        self.tag.is_repeated = false;
    }

    fn push_attribute_name(&mut self, name: &[u8]) {
        push_name(&mut self.tag.attribute, name);
    }

    fn init_attribute_value(&mut self) {
        let Tag { attributes, attribute, is_repeated, .. } = &mut self.tag;
        if let Some((place, _limit)) = attributes.place(attribute) {
            *is_repeated = place.is_some();
            place.get_or_insert_default();
        }
    }

    fn push_attribute_value(&mut self, value: &[u8]) {
        let Tag { attributes, attribute, is_repeated, .. } = &mut self.tag;
        if let (Some((place, limit)), false) = (attributes.place(attribute), *is_repeated) {
            place.get_or_insert_default().push(value, limit);
        }
    }

    /// Never changes the tokenizer's state: bookmarks hold no scripts, and a stray one is text that nobody looks at.
    fn emit_current_tag(&mut self) -> Option<State> {
        let tag = std::mem::take(&mut self.tag);
        let element = Element::of(&tag.name);
        self.found.push_back(if tag.is_end {
            Token::End(element)
        } else {
            self.last = tag.name;
            Token::Start(element, Box::new(tag.attributes))
        });
        None
    }

    fn set_last_start_tag(&mut self, name: Option<&[u8]>) {
        self.last = name.unwrap_or_default().to_vec();
    }

    fn current_is_appropriate_end_tag_token(&mut self) -> bool {
        self.tag.is_end && !self.tag.name.is_empty() && self.tag.name == self.last
    }

    // What is wrong with its HTML is wrong with every file of bookmarks.
    fn should_emit_errors(&mut self) -> bool {
        false
    }

    fn emit_error(&mut self, _error: Error) {}
    fn emit_eof(&mut self) {}
    fn set_self_closing(&mut self) {}

    // Comments and what the document says that it is.
    fn init_comment(&mut self) {}
    fn push_comment(&mut self, _text: &[u8]) {}
    fn emit_current_comment(&mut self) {}
    fn init_doctype(&mut self) {}
    fn push_doctype_name(&mut self, _name: &[u8]) {}
    fn set_doctype_public_identifier(&mut self, _value: &[u8]) {}
    fn set_doctype_system_identifier(&mut self, _value: &[u8]) {}
    fn push_doctype_public_identifier(&mut self, _text: &[u8]) {}
    fn push_doctype_system_identifier(&mut self, _text: &[u8]) {}
    fn set_force_quirks(&mut self) {}
    fn emit_current_doctype(&mut self) {}
}

#[cfg(test)]
mod tests {
    use html5gum::Tokenizer;

    use super::*;

    fn tokens(html: &str) -> Vec<Token> {
        let Ok(found) = Tokenizer::new_with_emitter(html, Tokens::default()).collect::<Result<Vec<_>, _>>();
        found
    }

    fn value(text: &str) -> Value {
        Value { bytes: text.as_bytes().to_vec(), is_cut: false }
    }

    #[test]
    fn elements_in_any_case_with_and_without_attributes() {
        let start = |element| Token::Start(element, Box::default());
        let found = tokens("<DL><p><dt><H3>a</h3><HR><dd></Dl><blink>");
        let expected = [
            start(Element::List),
            start(Element::Other),
            start(Element::Item),
            start(Element::Heading),
            Token::Text(b"a".to_vec()),
            Token::End(Element::Heading),
            start(Element::Separator),
            start(Element::Description),
            Token::End(Element::List),
            start(Element::Other),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn attributes_are_had_with_and_without_quotes_and_the_first_counts() {
        let [Token::Start(Element::Link, attributes)] =
            &tokens("<A HREF='a&amp;b' href=c TAGS=d,e id ICON=\"data:x\" verso=\"{&quot;\">")[..]
        else {
            panic!("one tag")
        };
        let expected = Attributes {
            href: Some(value("a&b")),
            tags: Some(value("d,e")),
            verso: Some(value("{\"")),
            ..Attributes::default()
        };
        assert_eq!(**attributes, expected);
    }

    #[test]
    fn no_more_is_held_than_a_graph_takes() {
        let long = "x".repeat(5_000_000);
        let html =
            format!("<a{long} {long}={long} href={long} ICON={long} verso={long}><!--{long}--><!DOCTYPE {long}>");
        let [Token::Start(element, attributes)] = &tokens(&html)[..] else { panic!("one tag") };
        assert_eq!(*element, Element::Other, "it has a long name");
        let Attributes { href: Some(href), verso: Some(verso), .. } = &**attributes else { panic!("{attributes:?}") };
        assert_eq!((href.whole(), href.bytes.len()), (None, MAX_URL));
        assert_eq!((verso.whole(), verso.bytes.len()), (None, MAX_LIST));
    }
}
