//! What files of bookmarks and graphs have to do with each other: the words that [`import`](crate::import) and
//! [`export`](crate::export) share.
//!
//! | in the file | in the graph |
//! | --- | --- |
//! | a link | a node, with its tags |
//! | a folder | a node whose url is [`FOLDER`] and its path, so that it is the same one when it is imported again |
//! | what lies in a folder | an edge of the kind [`CONTAINS`] from the folder's node |
//! | the toolbar, the unfiled bookmarks, the reading list | a tag on the folder's node, of [`SPECIAL`] |
//! | dates, icons | nothing |
//! | descriptions, separators, keywords, saved searches | nothing, and it is told |

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// What a folder's url begins with; its path follows.
pub(crate) const FOLDER: &str = "folder:";
/// The kind of the edges from a folder to what lies in it.
pub(crate) const CONTAINS: &str = "contains";
/// Most lists within one another. Nobody has a hundred folders within each other, and only so many paths are remembered.
pub(crate) const MAX_DEPTH: usize = 128;
/// Folders that browsers keep apart, by the tags that tell them.
pub(crate) const SPECIAL: Special = Special { toolbar: "toolbar", unfiled: "unfiled", reading_list: "reading-list" };
/// By this id Safari tells its reading list.
pub(crate) const READING_LIST_ID: &str = "com.apple.ReadingList";

/// Firefox's saved searches, which lead nowhere outside of it.
const QUERY: &[u8] = b"place:";
/// What a name can't have as it is within a path.
const IN_PATH: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'/').add(b'<').add(b'>').add(b'?').add(b'\\');

/// The tags of folders that browsers keep apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Special {
    /// What lies below the address bar.
    pub(crate) toolbar: &'static str,
    /// What nobody put anywhere.
    pub(crate) unfiled: &'static str,
    /// What is to be read later.
    pub(crate) reading_list: &'static str,
}

/// The url of the folder of this name that lies in another, or in none.
pub(crate) fn folder_url(within: Option<&str>, name: &str) -> String {
    let name = utf8_percent_encode(name, IN_PATH);
    within.map_or_else(|| format!("{FOLDER}{name}"), |within| format!("{within}/{name}"))
}

/// Whether Firefox would search for this, and not open it.
pub(crate) fn is_query(url: &str) -> bool {
    url.as_bytes().get(..QUERY.len()).is_some_and(|start| start.eq_ignore_ascii_case(QUERY))
}

/// What our own attribute says: as a JSON line does, as far as the format itself can't.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ours {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) links: Vec<(u64, String)>,
}

/// What HTML takes for white space.
pub(crate) const fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}
