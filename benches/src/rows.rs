//! [`Row`]: the work, as its file has it, and [`Work`], of which any share can be done without all of it being in memory.

use std::env;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::iter;
use std::path::{Path, PathBuf};

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

impl Row {
    /// How many intents make the node with its tags.
    pub const fn node_intents(&self) -> usize {
        1 + self.tags.len()
    }

    /// How many intents make its links.
    pub const fn link_intents(&self) -> usize {
        self.links.len()
    }
}

/// A share of the graph, in percent: less than all of it are its first nodes, more are copies of the whole under other names.
#[derive(Debug, Clone)]
pub struct Work {
    /// `None` if the graph is made up.
    file: Option<PathBuf>,
    /// How many nodes the whole has.
    whole: usize,
    nodes: usize,
}

impl Work {
    /// Takes a share of the graph in the file that `VERSO_DATA` names, or without one of a made-up graph of `made` nodes.
    ///
    /// # Panics
    /// If the file is not what it should be.
    pub fn new(percent: usize, made: usize) -> Self {
        let file = env::var_os("VERSO_DATA").map(PathBuf::from);
        let whole = file.as_ref().map_or(made, |path| lines(path).count());
        Self { file, whole, nodes: (whole * percent / 100).max(1) }
    }

    /// How many nodes there are.
    pub const fn nodes(&self) -> usize {
        self.nodes
    }

    /// Reads the nodes one by one.
    pub fn rows(&self) -> impl Iterator<Item = Row> + use<> {
        let Self { file, whole, nodes } = self.clone();
        let copy = move |number| -> Box<dyn Iterator<Item = Row>> {
            match &file {
                Some(path) => Box::new(read(lines(path))),
                None if number * whole < nodes => Box::new(made(whole)),
                None => Box::new(iter::empty()),
            }
        };
        let row = move |(number, row): (usize, Row)| {
            // Who links beyond the share links to a node of it, so that each node has as many links in any share.
            let first = number / whole * whole;
            let size = whole.min(nodes);
            let name = |name: &str| if first == 0 { name.to_owned() } else { format!("{name} {}", number / whole) };
            let links = row.links.into_iter().map(|(to, kind)| ((first + to % size) % nodes, kind)).collect();
            Row { url: name(&row.url), title: name(&row.title), tags: row.tags, links }
        };
        (0..nodes.div_ceil(whole)).flat_map(copy).take(nodes).enumerate().map(row)
    }

    /// Reads the nodes in pieces, each as long as `intents` add up to so many, or to a node's more.
    pub fn pieces(&self, least: usize, intents: fn(&Row) -> usize) -> impl Iterator<Item = Vec<Row>> + use<> {
        let mut rows = self.rows();
        iter::from_fn(move || {
            let (mut piece, mut sum) = (Vec::new(), 0);
            while sum < least
                && let Some(row) = rows.next()
            {
                sum += intents(&row);
                piece.push(row);
            }
            (!piece.is_empty()).then_some(piece)
        })
    }
}

/// Reads all nodes of the file of JSON lines that `VERSO_DATA` names, plain or `.zst`; without one, makes up a graph of `count` nodes.
///
/// # Panics
/// If the file is not what it should be.
pub fn rows(count: usize) -> Vec<Row> {
    Work::new(100, count).rows().collect()
}

fn lines(path: &Path) -> impl Iterator<Item = String> + use<> {
    let file = File::open(path).expect("VERSO_DATA names a file");
    let reader: Box<dyn BufRead> = if path.extension().is_some_and(|extension| extension == "zst") {
        Box::new(BufReader::new(zstd::Decoder::new(file).expect("the file is zstd")))
    } else {
        Box::new(BufReader::new(file))
    };
    reader.lines().map(|line| line.expect("a line"))
}

fn read(lines: impl Iterator<Item = String>) -> impl Iterator<Item = Row> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let row = move |line: String| {
        let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
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
    lines.map(row)
}

/// Makes up a graph: as many tags and links a node as the packages of Debian have, with as few different ones.
fn made(count: usize) -> impl Iterator<Item = Row> {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random >> 11).expect("64 bits") % below
    };
    let kinds = ["depends", "depends", "depends", "recommends"];
    (0..count).map(move |number| Row {
        url: format!("https://host-{}.example/{:x}", next((count / 4).max(1)), next(1 << 20)),
        title: format!("page {number}"),
        tags: (0..next(6)).map(|_| format!("topic::{}", next(600))).collect(),
        // Few targets are named often, most seldom.
        links: (0..next(9)).map(|_| (next(count) * next(count) / count, kinds[next(4)].to_owned())).collect(),
    })
}
