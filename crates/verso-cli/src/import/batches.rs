//! [`Import`]: the second pass, which yields what the workspace lacks in batches of intents.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::path::Path;

use verso_graph::{Graph, Intent, NodeId, NodeRef};

use super::counts::ImportCounts;
use super::error::ImportError;
use super::present::{self, Key};
use super::records::{FileFormat, Records};
use super::source::Source;
use super::{Phase, Progress, check};
use crate::bookmarks::CONTAINS;

/// Intents in a batch: four full units, so that syncing the disk after each costs little, and a killed import repeats little.
const BATCH_INTENTS: usize = 4 * 4096;
/// Bytes of text in a batch. Long titles and urls end one earlier, so that memory doesn't depend on what the file holds.
const BATCH_BYTES: usize = 1024 * 1024;

/// An import under way.
///
/// 1. [`check`](Self::check) reads the whole file and writes nothing.
/// 2. [`next_batch`](Self::next_batch) yields intents; the caller commits them, all or none, and asks again with the state
///    that they led to, until there are none.
///
/// Nodes come first, then tags, then links, each from a sweep over the file. A record's node is found by its url and title, so an
/// import that was killed between two batches goes on where it stopped when it is run again, and one that is run twice adds
/// nothing. Between records it remembers for each node of the file its id, and nothing else.
#[derive(Debug)]
pub(crate) struct Import {
    source: Source,
    format: FileFormat,
    records: Records,
    stage: Stage,
    /// The records of this stage were all read.
    swept: bool,
    counts: ImportCounts,
}

#[derive(Debug)]
enum Stage {
    /// Checked, and nothing begun.
    Checked,
    /// Adds the nodes that are not among these.
    Nodes {
        known: HashSet<Key>,
    },
    /// Adds tags, and finds the node of each record on the way.
    Tags {
        nodes: HashMap<Key, NodeId>,
        ids: HashMap<u64, NodeId>,
    },
    /// Adds links between those nodes.
    Links {
        ids: HashMap<u64, NodeId>,
    },
    Done,
}

impl Import {
    /// Checks the file at `path` from its first to its last byte.
    pub(crate) fn check(
        path: &Path,
        format: FileFormat,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, ImportError> {
        let source = Source::open(path)?;
        let format = format.settle(&source)?;
        let counts = ImportCounts { left_out: check::check(&source, format, progress)?, ..ImportCounts::default() };
        let records = Records::of(&source, format)?;
        Ok(Self { source, format, records, stage: Stage::Checked, swept: true, counts })
    }

    /// Yields the next intents that `graph` lacks, or `None` when it has all. `graph` has to include every batch yielded before.
    pub(crate) fn next_batch(&mut self, graph: &Graph) -> Result<Option<Vec<Intent>>, ImportError> {
        loop {
            if self.swept {
                self.advance(graph)?;
            }
            let mut batch = Batch::default();
            while !self.swept && !batch.is_full() {
                self.swept = !self.read_record(graph, &mut batch)?;
            }
            if !batch.intents.is_empty() {
                self.counts.intents = self.counts.intents.saturating_add(count(batch.intents.len()));
                return Ok(Some(batch.intents));
            }
            if matches!(self.stage, Stage::Done) {
                return Ok(None);
            }
        }
    }

    /// How far it is.
    pub(crate) fn progress(&self) -> Progress {
        let phase = match self.stage {
            Stage::Checked | Stage::Nodes { .. } => Phase::Nodes,
            Stage::Tags { .. } => Phase::Tags,
            Stage::Links { .. } | Stage::Done => Phase::Links,
        };
        Progress::new(phase, &self.source, &self.records)
    }

    /// What it did so far, given that all batches were committed.
    pub(crate) const fn counts(&self) -> ImportCounts {
        self.counts
    }

    /// Begins the next stage at the file's start.
    fn advance(&mut self, graph: &Graph) -> Result<(), ImportError> {
        self.stage = match mem::replace(&mut self.stage, Stage::Done) {
            Stage::Checked => Stage::Nodes { known: present::keys(graph) },
            Stage::Nodes { known } => {
                Stage::Tags { nodes: present::nodes(graph), ids: HashMap::with_capacity(known.len()) }
            }
            Stage::Tags { ids, .. } => Stage::Links { ids },
            Stage::Links { .. } | Stage::Done => return Ok(()),
        };
        self.records = Records::of(&self.source, self.format)?;
        self.swept = false;
        Ok(())
    }

    /// Reads one record into the batch; tells whether there was one.
    fn read_record(&mut self, graph: &Graph, batch: &mut Batch) -> Result<bool, ImportError> {
        let Some(record) = self.records.next().map_err(since_checked)? else { return Ok(false) };
        let key = Key::of(&record.url, &record.title);
        match &mut self.stage {
            Stage::Nodes { known } => {
                if known.insert(key) {
                    batch.push(Intent::AddNode { url: record.url.into_owned(), title: record.title.into_owned() });
                    self.counts.nodes = self.counts.nodes.saturating_add(1);
                } else {
                    self.counts.skipped = self.counts.skipped.saturating_add(1);
                }
            }
            Stage::Tags { nodes, ids } => {
                // A node that somebody deleted or renamed meanwhile is left alone, with its tags and links.
                let Some(&node) = nodes.get(&key) else { return Ok(true) };
                if !batch.touch(node) {
                    self.records.again();
                    return Ok(true);
                }
                ids.insert(record.id, node);
                let total = record.tags.len();
                let lacking = present::lacking_tags(graph, node, record.tags);
                self.counts.added_tags(lacking.len(), total);
                for tag in lacking {
                    batch.push(Intent::Tag { node: NodeRef::Id(node), tag });
                }
            }
            Stage::Links { ids } => {
                let Some(&node) = ids.get(&record.id) else { return Ok(true) };
                if !batch.touch(node) {
                    self.records.again();
                    return Ok(true);
                }
                let total = record.links.len();
                let targets = record.links.into_iter().filter_map(|(id, kind)| Some((*ids.get(&id)?, kind)));
                let lacking = present::lacking_links(graph, node, targets.collect());
                self.counts.added_edges(lacking.len(), total);
                for (dst, kind) in lacking {
                    batch.push(Intent::Link { src: node.into(), dst: dst.into(), kind });
                }
                if let Some(&folder) = record.within.and_then(|folder| ids.get(&folder)) {
                    let lacks = present::lacks_link(graph, folder, node, CONTAINS);
                    self.counts.added_edges(usize::from(lacks), 1);
                    if lacks {
                        batch.push(Intent::Link { src: folder.into(), dst: node.into(), kind: CONTAINS.to_owned() });
                    }
                }
            }
            Stage::Checked | Stage::Done => return Ok(false),
        }
        Ok(true)
    }
}

impl ImportCounts {
    fn added_tags(&mut self, added: usize, of: usize) {
        self.tags = self.tags.saturating_add(count(added));
        self.skipped = self.skipped.saturating_add(count(of.saturating_sub(added)));
    }

    fn added_edges(&mut self, added: usize, of: usize) {
        self.edges = self.edges.saturating_add(count(added));
        self.skipped = self.skipped.saturating_add(count(of.saturating_sub(added)));
    }
}

/// What will be committed at once.
#[derive(Debug, Default)]
struct Batch {
    intents: Vec<Intent>,
    bytes: usize,
    /// Nodes whose tags or links are in it. Two records may mean the same node; what the second one lacks shows only in the state
    /// that the first one led to.
    touched: HashSet<NodeId>,
    closed: bool,
}

impl Batch {
    fn push(&mut self, intent: Intent) {
        let text = match &intent {
            Intent::AddNode { url, title } => url.len().saturating_add(title.len()),
            Intent::Tag { tag: text, .. } | Intent::Link { kind: text, .. } => text.len(),
            _ => 0,
        };
        self.bytes = self.bytes.saturating_add(text);
        self.intents.push(intent);
    }

    /// Tells whether this node's record may go into this batch, and closes the batch if not.
    fn touch(&mut self, node: NodeId) -> bool {
        self.closed = !self.touched.insert(node);
        !self.closed
    }

    fn is_full(&self) -> bool {
        self.closed || self.intents.len() >= BATCH_INTENTS || self.bytes >= BATCH_BYTES
    }
}

/// A record that was in order when it was checked and no longer is, was changed.
fn since_checked(error: ImportError) -> ImportError {
    match error {
        ImportError::Open(_) | ImportError::Read(_) => error,
        _ => ImportError::Changed,
    }
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::desk::Desk;
    use verso_bookmarks::LeftOut;

    const SAMPLE: &str = include_str!("../../assets/sample.jsonl");

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn begin(&self, bytes: &[u8]) -> Result<Import, ImportError> {
            let path = self.0.path().join("file");
            fs::write(&path, bytes).unwrap();
            Import::check(&path, FileFormat::Auto, &mut |_progress| ())
        }
    }

    /// Imports all of it and returns what was counted and in how many batches.
    fn import(desk: &mut Desk, bytes: &[u8]) -> (ImportCounts, usize) {
        let mut import = Folder::new().begin(bytes).unwrap();
        let mut batches = 0;
        while let Some(batch) = import.next_batch(&desk.graph).unwrap() {
            assert!(!batch.is_empty());
            desk.commit(&batch);
            batches += 1;
        }
        assert_eq!(import.next_batch(&desk.graph).unwrap(), None, "it stays at its end");
        (import.counts(), batches)
    }

    fn counted(nodes: u64, tags: u64, edges: u64, skipped: u64) -> ImportCounts {
        ImportCounts { nodes, tags, edges, intents: nodes + tags + edges, skipped, left_out: LeftOut::default() }
    }

    /// Title, url, tags, and links as kind and title, of a node.
    type Shown = (String, String, Vec<String>, Vec<(String, String)>);

    /// All nodes, sorted.
    fn content(desk: &Desk) -> Vec<Shown> {
        let mut content: Vec<_> = desk
            .graph
            .nodes()
            .map(|node| {
                let tags = node.tags().iter().map(ToString::to_string).collect();
                let mut links: Vec<(String, String)> = node
                    .outgoing()
                    .iter()
                    .map(|edge| (edge.kind().to_owned(), edge.target().title().to_owned()))
                    .collect();
                links.sort();
                (node.title().to_owned(), node.url().to_owned(), tags, links)
            })
            .collect();
        content.sort();
        content
    }

    #[test]
    fn every_node_tag_and_link_arrives() {
        let mut desk = Desk::new(1);
        let text = "\u{feff}{\"id\":7,\"title\":\"A\",\"url\":\"u:a\",\"tags\":[\"x\",\"ä\"],\"links\":[[9,\"to\"],[7,\"\"]]}\r\n\
            \r\n{\"id\":9,\"title\":\"B\",\"url\":\"\",\"tags\":[],\"links\":[[7,\"back\"]]}";
        assert_eq!(import(&mut desk, text.as_bytes()).0, counted(2, 2, 3, 0));
        let owned = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let expected = vec![
            ("A".to_owned(), "u:a".to_owned(), vec!["x".to_owned(), "ä".to_owned()], owned(&[("", "A"), ("to", "B")])),
            ("B".to_owned(), String::new(), vec![], owned(&[("back", "A")])),
        ];
        assert_eq!(content(&desk), expected);
    }

    #[test]
    fn the_sample_arrives_whole_and_once() {
        let mut desk = Desk::new(1);
        let (counts, _) = import(&mut desk, SAMPLE.as_bytes());
        assert_eq!(counts.nodes, u64::try_from(SAMPLE.lines().count()).unwrap());
        assert_eq!(counts.skipped, 0, "no line of the sample says anything twice");
        let before = content(&desk);
        let compressed = zstd::encode_all(SAMPLE.as_bytes(), 3).unwrap();
        let again = counted(0, 0, 0, counts.intents);
        assert_eq!(import(&mut desk, &compressed), (again, 0), "importing twice adds nothing");
        assert_eq!(content(&desk), before);
    }

    #[test]
    fn an_empty_file_is_an_empty_graph() {
        let mut desk = Desk::new(1);
        assert_eq!(import(&mut desk, b""), (counted(0, 0, 0, 0), 0));
    }

    /// A file of enough lines for several batches of each stage.
    fn many(lines: usize) -> String {
        let line = |id| {
            format!(
                "{{\"id\":{id},\"title\":\"t{id}\",\"url\":\"https://example.org/{}\",\"tags\":[\"even\",\"t{}\"],\
                 \"links\":[[{},\"next\"],[{},\"far\"]]}}\n",
                id % 100,
                id % 7,
                (id + 1) % lines,
                (id * 31) % lines
            )
        };
        (0..lines).map(line).collect::<Vec<_>>().concat()
    }

    #[test]
    fn an_import_that_was_killed_is_completed_by_another() {
        let text = many(9_000);
        let mut whole = Desk::new(1);
        let (counts, batches) = import(&mut whole, text.as_bytes());
        assert_eq!(batches, 5, "one of nodes, two of tags, two of links");
        for last in 0..batches {
            let mut desk = Desk::new(1);
            let mut killed = Folder::new().begin(text.as_bytes()).unwrap();
            let mut done = 0;
            for index in 0..=last {
                let mut batch = killed.next_batch(&desk.graph).unwrap().unwrap();
                if index == last {
                    // Not even the last batch is there as a whole.
                    batch.truncate(batch.len() / 3);
                }
                done += count(batch.len());
                desk.commit(&batch);
            }
            let rest = import(&mut desk, text.as_bytes()).0;
            assert_eq!(done + rest.intents, counts.intents, "killed in batch {last}");
            assert_eq!(rest.skipped, done + counts.skipped);
            assert_eq!(content(&desk), content(&whole), "killed in batch {last}");
        }
    }

    #[test]
    fn batches_are_bounded_by_number_and_by_bytes() {
        let folder = Folder::new();
        let mut desk = Desk::new(1);
        let mut import = folder.begin(many(40_000).as_bytes()).unwrap();
        let first = import.next_batch(&desk.graph).unwrap().unwrap();
        assert_eq!(first.len(), BATCH_INTENTS);
        desk.commit(&first);

        let long = |id| format!("{{\"id\":{id},\"title\":\"{id}\",\"url\":\"{}\"}}\n", "x".repeat(30_000));
        let mut import = folder.begin((0..100).map(long).collect::<Vec<_>>().concat().as_bytes()).unwrap();
        let first = import.next_batch(&desk.graph).unwrap().unwrap();
        assert_eq!(first.len(), BATCH_BYTES.div_ceil(30_002), "urls of 30,000 bytes and titles of two");
    }

    #[test]
    fn lines_of_one_url_and_title_are_one_node() {
        let text = "{\"id\":1,\"title\":\"A\",\"tags\":[\"x\",\"y\",\"x\"],\"links\":[[2,\"to\"],[3,\"to\"]]}\n\
            {\"id\":2,\"title\":\"B\",\"tags\":[]}\n{\"id\":3,\"title\":\"B\",\"tags\":[\"z\"]}\n\
            {\"id\":4,\"title\":\"A\",\"tags\":[\"x\",\"z\"],\"links\":[[3,\"to\"],[1,\"self\"]]}\n";
        let mut desk = Desk::new(1);
        let (counts, _) = import(&mut desk, text.as_bytes());
        assert_eq!(counts, counted(2, 4, 2, 6));
        assert_eq!(import(&mut desk, text.as_bytes()).0.intents, 0);
        let graph = desk.graph.counts();
        assert_eq!((graph.nodes, graph.tags, graph.edges), (2, 4, 2));
    }

    #[test]
    fn of_twins_in_the_workspace_one_is_meant() {
        let mut desk = Desk::new(1);
        let twin = || Intent::AddNode { url: "u:a".to_owned(), title: "A".to_owned() };
        let mut twins = desk.commit(&[twin(), twin()]);
        twins.sort_unstable();
        let text = b"{\"id\":1,\"title\":\"A\",\"url\":\"u:a\",\"tags\":[\"x\"]}";
        assert_eq!(import(&mut desk, text).0, counted(0, 1, 0, 1));
        assert_eq!(import(&mut desk, text).0, counted(0, 0, 0, 2));
        assert_eq!(desk.graph.node(&twins[0]).unwrap().tags(), ["x"], "the one with the smaller id");
    }

    #[test]
    fn what_somebody_deletes_meanwhile_is_left_alone() {
        let text = "{\"id\":1,\"title\":\"A\",\"tags\":[\"x\"],\"links\":[[2,\"to\"]]}\n{\"id\":2,\"title\":\"B\",\"tags\":[\"x\"]}\n";
        let mut desk = Desk::new(1);
        let mut import = Folder::new().begin(text.as_bytes()).unwrap();
        let batch = import.next_batch(&desk.graph).unwrap().unwrap();
        let nodes = desk.commit(&batch);
        let batch = import.next_batch(&desk.graph).unwrap().unwrap();
        desk.commit(&batch);
        desk.commit(&[Intent::DeleteNode { nodes: vec![NodeRef::Id(nodes[1])] }]);
        assert_eq!(import.next_batch(&desk.graph).unwrap(), None);
        assert_eq!(desk.graph.counts().nodes, 1);
    }

    #[test]
    fn a_file_that_changes_between_the_passes_is_noticed() {
        let folder = Folder::new();
        let desk = Desk::new(1);
        let mut import = folder.begin(SAMPLE.as_bytes()).unwrap();
        fs::write(folder.0.path().join("file"), "{\"id\":1}").unwrap();
        assert!(matches!(import.next_batch(&desk.graph), Err(ImportError::Changed)));
    }

    #[test]
    fn progress_goes_through_the_phases() {
        let folder = Folder::new();
        let mut desk = Desk::new(1);
        let mut import = folder.begin(many(100).as_bytes()).unwrap();
        let mut phases = Vec::new();
        while let Some(batch) = import.next_batch(&desk.graph).unwrap() {
            desk.commit(&batch);
            phases.push((import.progress().phase, import.progress().lines));
        }
        assert_eq!(phases, [(Phase::Nodes, 100), (Phase::Tags, 100), (Phase::Links, 100)]);
    }
}
