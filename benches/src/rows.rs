//! [`Row`]: the work, as its file has it.

use std::env;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// A node with its tags and links.
#[derive(Debug, Clone)]
pub struct Row {
    /// Where the node points to.
    pub url: String,
    /// What it is called.
    pub title: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Where it links to, by number, and the link's kind.
    pub links: Vec<(usize, String)>,
}

/// Reads the file of JSON lines that `VERSO_DATA` names, plain or `.zst`; without one, makes up a graph of `count` nodes.
///
/// # Panics
/// If the file is not what it should be.
pub fn rows(count: usize) -> Vec<Row> {
    let Some(path) = env::var_os("VERSO_DATA") else { return made(count) };
    let file = File::open(&path).expect("VERSO_DATA names a file");
    if Path::new(&path).extension().is_some_and(|extension| extension == "zst") {
        read(BufReader::new(zstd::Decoder::new(file).expect("the file is zstd")))
    } else {
        read(BufReader::new(file))
    }
}

fn read(lines: impl BufRead) -> Vec<Row> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let row = |line: std::io::Result<String>| {
        let value: serde_json::Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        let link = |link: &serde_json::Value| {
            (link[0].as_u64().and_then(|id| id.try_into().ok()).unwrap_or_default(), text(&link[1]))
        };
        Row {
            url: text(&value["url"]),
            title: text(&value["title"]),
            tags: value["tags"].as_array().into_iter().flatten().map(text).collect(),
            links: value["links"].as_array().into_iter().flatten().map(link).collect(),
        }
    };
    lines.lines().map(row).collect()
}

/// Makes up a graph: as many tags and links a node as the packages of Debian have, with as few different ones.
///
/// # Panics
/// Where numbers have fewer than 64 bits.
pub fn made(count: usize) -> Vec<Row> {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random >> 11).expect("64 bits") % below
    };
    let kinds = ["depends", "depends", "depends", "recommends"];
    (0..count)
        .map(|number| Row {
            url: format!("https://host-{}.example/{:x}", next((count / 4).max(1)), next(1 << 20)),
            title: format!("page {number}"),
            tags: (0..next(6)).map(|_| format!("topic::{}", next(600))).collect(),
            // Few targets are named often, most seldom.
            links: (0..next(9)).map(|_| (next(count) * next(count) / count, kinds[next(4)].to_owned())).collect(),
        })
        .collect()
}
