//! [`Record`]: one line of the file, a node with its tags and links.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use verso_graph::{MAX_LABEL, MAX_TITLE, MAX_URL};

use super::error::{Fault, ImportError};
use super::source::Line;

/// A node as a line tells it.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record<'a> {
    /// Its name within the file.
    pub(super) id: u64,
    /// What it is called.
    #[serde(default, borrow)]
    pub(super) title: Cow<'a, str>,
    /// Where it points to.
    #[serde(default, borrow)]
    pub(super) url: Cow<'a, str>,
    /// Its tags.
    #[serde(default)]
    pub(super) tags: Vec<String>,
    /// Ids of other lines, each with what the link means.
    #[serde(default)]
    pub(super) links: Vec<(u64, String)>,
    /// The id of the folder in which it lies; files of bookmarks have folders, lines have none.
    #[serde(skip)]
    pub(super) within: Option<u64>,
}

/// A place in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Id,
    Title,
    Url,
    Tag(usize),
    Link(usize),
}

impl<'a> Record<'a> {
    /// Reads a line. Its content is checked by [`check`](Self::check).
    pub(super) fn parse(line: Line<'a>) -> Result<Self, ImportError> {
        // serde would take an array for a struct, too.
        let start = line.text.len().saturating_sub(line.text.trim_start().len());
        if !line.text.get(start..).is_some_and(|text| text.starts_with('{')) {
            let what = "a line has to be one JSON object: {\"id\":…,\"title\":…,\"url\":…,\"tags\":[…],\"links\":[…]}";
            return Err(ImportError::Json { line: line.number, column: line.column(start), what: what.to_owned() });
        }
        serde_json::from_str(line.text).map_err(|error| {
            let told = error.to_string();
            // Its own position is that within this line; the line is ours to tell.
            let what = told.rsplit_once(" at line ").map_or(told.as_str(), |(what, _)| what).to_owned();
            ImportError::Json { line: line.number, column: line.column(error.column().saturating_sub(1)), what }
        })
    }

    /// Checks what can be checked without the other lines: that the graph takes every text.
    pub(super) fn check(&self) -> Result<(), (Part, Fault)> {
        let too_long = |part, field, text: &str, limit| {
            if text.len() > limit { Err((part, Fault::TooLong { field, len: text.len(), limit })) } else { Ok(()) }
        };
        too_long(Part::Title, "the title", &self.title, MAX_TITLE)?;
        too_long(Part::Url, "the url", &self.url, MAX_URL)?;
        for (index, tag) in self.tags.iter().enumerate() {
            if tag.is_empty() {
                return Err((Part::Tag(index), Fault::EmptyTag));
            }
            too_long(Part::Tag(index), "a tag", tag, MAX_LABEL)?;
        }
        for (index, (_, kind)) in self.links.iter().enumerate() {
            too_long(Part::Link(index), "a link's kind", kind, MAX_LABEL)?;
        }
        Ok(())
    }
}

/// Makes the error about a part of a line that parses.
pub(super) fn content_error(line: Line<'_>, part: Part, fault: Fault) -> ImportError {
    let column = line.column(offset(line.text, part).unwrap_or_default());
    ImportError::Content { line: line.number, column, fault }
}

/// The fields of a line as they are written: what they borrow tells where they stand.
#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    title: Option<&'a RawValue>,
    #[serde(borrow)]
    url: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tags: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    links: Vec<&'a RawValue>,
}

fn offset(text: &str, part: Part) -> Option<usize> {
    let written: Written<'_> = serde_json::from_str(text).ok()?;
    let raw = match part {
        Part::Id => written.id?,
        Part::Title => written.title?,
        Part::Url => written.url?,
        Part::Tag(index) => written.tags.get(index)?,
        Part::Link(index) => written.links.get(index)?,
    };
    raw.get().as_ptr().addr().checked_sub(text.as_ptr().addr())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"{"id":7,"title":"Ä","url":"u","tags":["a","b"],"links":[[1,"x"],[2,""]]}"#;

    fn line(text: &str) -> Line<'_> {
        Line { number: 3, text }
    }

    fn told(text: &str) -> String {
        let parsed = Record::parse(line(text));
        parsed.map_or_else(|error| error.to_string(), |record| format!("{record:?}"))
    }

    #[test]
    fn a_line_in_order() {
        let record = Record::parse(line(WHOLE)).unwrap();
        assert_eq!((record.id, &*record.title, &*record.url), (7, "Ä", "u"));
        assert_eq!(record.tags, ["a", "b"]);
        assert_eq!(record.links, [(1, "x".to_owned()), (2, String::new())]);
        assert_eq!(record.check(), Ok(()));
        let least = Record::parse(line(r#" {"id":0}"#)).unwrap();
        assert_eq!((least.id, &*least.title, least.tags.len(), least.links.len()), (0, "", 0, 0));
        let escaped = Record::parse(line(r#"{"id":0,"title":"a\"\u00e4"}"#)).unwrap();
        assert_eq!(escaped.title, "a\"ä");
    }

    #[test]
    fn what_is_wrong_is_told_with_line_and_column() {
        assert_eq!(told(r#"{"id":0,"title":5}"#), "line 3, column 17: invalid type: integer `5`, expected a string");
        assert_eq!(told(r#"{"title":"ä"}"#), "line 3, column 13: missing field `id`");
        assert_eq!(told(r#"{"id":-1}"#), "line 3, column 8: invalid value: integer `-1`, expected u64");
        assert_eq!(told(r#"{"id":0,"id":1}"#), "line 3, column 12: duplicate field `id`");
        assert_eq!(told(r#"{"id":0}}"#), "line 3, column 9: trailing characters");
        assert!(told(r#"{"id":0,"ä":1,"colour":2}"#).starts_with("line 3, column 11: unknown field `ä`"));
        assert!(told(r#"{"id":0,"links":[[1]]}"#).starts_with("line 3, column 20: invalid length 1"));
        assert!(told(r#"{"id":0,"title":"a"#).starts_with("line 3, column 18: EOF"));
        assert!(told(r#"  [0,"title","url",[],[]]"#).starts_with("line 3, column 3: a line has to be one JSON object"));
    }

    #[test]
    fn nesting_does_not_exhaust_the_stack() {
        for field in ["title", "tags", "links", "unknown", "id"] {
            let deep = format!("{{\"id\":0,\"{field}\":{}", "[".repeat(1_000_000));
            assert!(Record::parse(line(&deep)).is_err(), "{field}");
            let deep = format!("{{\"{field}\":{}", "{\"a\":".repeat(150_000));
            assert!(Record::parse(line(&deep)).is_err(), "{field}");
        }
    }

    #[test]
    fn parts_are_found_where_they_stand() {
        let column = |part| match content_error(line(WHOLE), part, Fault::EmptyTag) {
            ImportError::Content { line: 3, column, .. } => column,
            error => panic!("{error:?}"),
        };
        let stands_at =
            |text: &str| WHOLE.chars().collect::<String>().find(text).map(|at| WHOLE[..at].chars().count() + 1);
        assert_eq!(Some(column(Part::Id)), stands_at("7,"));
        assert_eq!(Some(column(Part::Title)), stands_at("\"Ä\""));
        assert_eq!(Some(column(Part::Url)), stands_at("\"u\""));
        assert_eq!(Some(column(Part::Tag(1))), stands_at("\"b\""));
        assert_eq!(Some(column(Part::Link(1))), stands_at("[2"));
    }

    #[test]
    fn a_graph_has_limits() {
        let text = |len| "x".repeat(len);
        let with = |record: Record<'_>| record.check().map_err(|(part, _)| part);
        let plain = || Record { id: 0, title: "".into(), url: "".into(), tags: vec![], links: vec![], within: None };
        assert_eq!(with(Record { title: text(MAX_TITLE).into(), url: text(MAX_URL).into(), ..plain() }), Ok(()));
        assert_eq!(with(Record { title: text(MAX_TITLE + 1).into(), ..plain() }), Err(Part::Title));
        assert_eq!(with(Record { url: text(MAX_URL + 1).into(), ..plain() }), Err(Part::Url));
        assert_eq!(with(Record { tags: vec![text(MAX_LABEL), text(0)], ..plain() }), Err(Part::Tag(1)));
        assert_eq!(with(Record { tags: vec![text(MAX_LABEL + 1)], ..plain() }), Err(Part::Tag(0)));
        assert_eq!(with(Record { links: vec![(0, text(0)), (0, text(MAX_LABEL + 1))], ..plain() }), Err(Part::Link(1)));
    }
}
