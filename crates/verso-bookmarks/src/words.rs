//! The words of the format that reading and writing share.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// What a folder's url begins with; its path follows.
pub const FOLDER: &str = "folder:";
/// Most lists within one another, that of the whole file with them. Nobody has a hundred folders within each other, and only so many paths are
/// remembered.
pub const MAX_DEPTH: usize = 128;
/// Longest value of `TAGS` and of our own attribute in bytes: a mebibyte, as the longest of the JSON lines that `verso import` reads, which say the same.
pub const MAX_LIST: usize = 1024 * 1024;
/// Folders that browsers keep apart, by the tags that tell them.
pub const SPECIAL: Special = Special { toolbar: "toolbar", unfiled: "unfiled", reading_list: "reading-list" };
/// By this id Safari tells its reading list.
pub(crate) const READING_LIST_ID: &str = "com.apple.ReadingList";

/// Firefox's saved searches, which lead nowhere outside of it.
const QUERY: &[u8] = b"place:";
/// What a name can't have as it is within a path.
const IN_PATH: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'/').add(b'<').add(b'>').add(b'?').add(b'\\');

/// The tags of folders that browsers keep apart.
#[derive(Debug, Clone, Copy)]
pub struct Special {
    /// What lies below the address bar.
    pub toolbar: &'static str,
    /// What nobody put anywhere.
    pub unfiled: &'static str,
    /// What is to be read later.
    pub reading_list: &'static str,
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
