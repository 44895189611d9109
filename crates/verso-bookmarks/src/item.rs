//! [`Item`]: a link or a folder as a file of bookmarks tells it.

use serde::Serialize;
use verso_graph::{MAX_LABEL, MAX_TITLE, MAX_URL};

use crate::error::Fault;

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// It leads somewhere.
    #[default]
    Link,
    /// It holds others.
    Folder,
}

/// A link or a folder. All of its texts are such as a graph takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Item {
    /// Which of the two it is.
    pub kind: Kind,
    /// Its name within the file. One that the file itself says is below 2⁶³, and may be said more than once; all others are their own.
    pub id: u64,
    /// What it is called.
    pub title: String,
    /// Where it leads to; that of a folder says where it lies.
    pub url: String,
    /// Its tags, in no order that means anything.
    pub tags: Vec<String>,
    /// What else it is tied to: ids of other items, each with the kind of the tie.
    pub links: Vec<(u64, String)>,
    /// The id of the folder in which it lies, which came before it.
    pub within: Option<u64>,
    /// How many folders it lies in. The last folder that came with one less is the one in which it lies.
    pub depth: usize,
}

impl Item {
    /// Checks that a graph takes every text.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        let fits = |field, text: &str, limit| {
            if text.len() > limit { Err(Fault::OverLimit { field, len: text.len(), limit }) } else { Ok(()) }
        };
        fits("the title", &self.title, MAX_TITLE)?;
        fits("the url", &self.url, MAX_URL)?;
        for tag in &self.tags {
            if tag.is_empty() {
                return Err(Fault::EmptyTag);
            }
            fits("a tag", tag, MAX_LABEL)?;
        }
        self.links.iter().try_for_each(|(_, kind)| fits("a link's kind", kind, MAX_LABEL))
    }
}

/// What a file of bookmarks has and no item has a place for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct LeftOut {
    /// What somebody wrote about a link or a folder.
    pub descriptions: u64,
    /// Lines between items.
    pub separators: u64,
    /// Words to type instead of an address.
    pub keywords: u64,
    /// Saved searches of Firefox.
    pub queries: u64,
    /// Links without an address, and links and tags that are longer than a graph takes.
    pub unusable: u64,
}
