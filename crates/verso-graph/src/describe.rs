//! What entries would do that are held and not applied: in words, for people who decide whether they count.

use std::collections::BTreeMap;

use verso_vv::{AuthorTag, Dot, HashTag, Seq};
use verso_wire::{AppliedEntry, Description};

use crate::chains::Name;
use crate::graph::Graph;
use crate::intent::{Choice, Register};
use crate::payload::{Label, OtherRef, Payload, Ref, SeenBy, kinds};
use crate::table::NodeIx;

/// How many nodes a description names of a deletion of many.
const MAX_NAMED: usize = 3;

/// What is known of a held entry for those that name it.
#[derive(Debug, Clone, Default)]
struct Told {
    /// What the node is called that it is about.
    about: Option<String>,
    /// The held entry that made that node.
    made_by: Option<Dot>,
    /// The label whose text it carries.
    label: Option<String>,
}

/// Held entries on their way to be described.
struct Teller<'a> {
    graph: &'a Graph,
    told: BTreeMap<Dot, Told>,
    /// Held entries that make nodes, as others name them.
    made: BTreeMap<(AuthorTag, u64), Vec<(HashTag, Dot)>>,
    needs: Vec<Dot>,
}

impl Graph {
    /// Describes held entries, which may name one another.
    pub(crate) fn describe_held(&self, held: &[AppliedEntry<'_>]) -> Vec<Description> {
        let mut teller = Teller { graph: self, told: BTreeMap::new(), made: BTreeMap::new(), needs: Vec::new() };
        for entry in held.iter().filter(|entry| entry.kind == kinds::ADD_NODE) {
            let made = teller.made.entry((entry.tag, entry.dot.seq.0)).or_default();
            made.push((entry.hash.tag(), entry.dot));
            if let Ok(Payload::AddNode { url, title }) = Payload::read(entry.kind, entry.payload, entry.dot.seq.0) {
                let told = Told { about: Some(named(title, url)), made_by: Some(entry.dot), label: None };
                teller.told.insert(entry.dot, told);
            }
        }
        held.iter().map(|entry| teller.describe(entry)).collect()
    }

    /// Returns the applied entries that wait for the nodes that held ones make.
    pub(crate) fn waiting_for_held(&self, held: &[AppliedEntry<'_>]) -> Vec<Dot> {
        let name = |entry: &AppliedEntry<'_>| {
            let line = self.chains.find_line(entry.tag)?;
            Some(Name { line, seq: entry.dot.seq.0, hash: entry.hash.tag() })
        };
        let places = held.iter().filter(|entry| entry.kind == kinds::ADD_NODE).filter_map(name);
        let expected = places.filter_map(|name| self.place_expected(name));
        let waiting = expected.flat_map(|node| self.nodes[node].more.iter().flat_map(|more| more.waiting.iter()));
        let mut dots: Vec<Dot> = waiting.map(|at| self.chains.stamp(*at).dot).collect();
        dots.sort_unstable();
        dots.dedup();
        dots
    }

    /// Returns what people know a node by.
    fn called(&self, node: NodeIx) -> String {
        let row = &self.nodes[node];
        if row.created.is_none() {
            return UNKNOWN.to_owned();
        }
        named(row.shown(&self.chains, Register::Title), row.shown(&self.chains, Register::Url))
    }
}

/// What stands for a node that is not known here.
const UNKNOWN: &str = "a node that is not here";

impl Teller<'_> {
    fn describe(&mut self, entry: &AppliedEntry<'_>) -> Description {
        let payload = Payload::read(entry.kind, entry.payload, entry.dot.seq.0);
        let text = payload.map_or_else(|_malformed| "can't be read".to_owned(), |payload| self.tell(entry, payload));
        let mut needs = std::mem::take(&mut self.needs);
        needs.sort_unstable();
        needs.dedup();
        Description { text, needs }
    }

    fn tell(&mut self, entry: &AppliedEntry<'_>, payload: Payload<'_>) -> String {
        match payload {
            Payload::AddNode { url, title } => match (title, url) {
                ("", "") => "adds a node without a title or url".to_owned(),
                ("", url) => format!("adds {url}"),
                (title, "") => format!("adds {title}"),
                (title, url) => format!("adds {title} ({url})"),
            },
            Payload::Set { register, node, value, .. } => {
                let node = self.about(entry, node);
                match register {
                    Register::Title => format!("gives {node} the title {value}"),
                    Register::Url => format!("gives {node} the url {value}"),
                }
            }
            Payload::SetWorkspaceName { name, .. } => format!("calls the workspace {name}"),
            Payload::Tag { node, tag } => {
                let (node, tag) = (self.about(entry, node), self.label(entry, tag));
                format!("tags {node} with {tag}")
            }
            Payload::Untag { node, tag, .. } => {
                let (node, tag) = (self.about(entry, node), self.label(entry, tag));
                format!("takes the tag {tag} off {node}")
            }
            Payload::Link { src, dst, kind } => {
                let (src, dst, kind) = (self.about(entry, src), self.node(entry, dst), self.label(entry, kind));
                format!("links {src} to {dst}{}", of_kind(&kind))
            }
            Payload::Unlink { src, dst, kind, .. } => {
                let (src, dst, kind) = (self.about(entry, src), self.node(entry, dst), self.label(entry, kind));
                format!("takes the link from {src} to {dst} away{}", of_kind(&kind))
            }
            Payload::Traverse { src, dst, trigger } => {
                let (src, dst) = (self.about(entry, src), self.node(entry, dst));
                self.label(entry, trigger);
                format!("went from {src} to {dst}")
            }
            Payload::DeleteNode { seen, nodes } => {
                self.vector(entry, &seen);
                let mut names: Vec<String> = Vec::new();
                for (at, node) in nodes.iter().enumerate() {
                    let name = if at == 0 { self.about(entry, *node) } else { self.node(entry, *node) };
                    names.push(name);
                }
                let more = names.len().saturating_sub(MAX_NAMED);
                names.truncate(MAX_NAMED);
                let names = names.join(", ");
                if more == 0 { format!("deletes {names}") } else { format!("deletes {names} and {more} more") }
            }
            Payload::Resolve { choice, seen, node } => {
                self.vector(entry, &seen);
                let node = self.about(entry, node);
                match choice {
                    Choice::Keep => format!("decides that {node} stays"),
                    Choice::Ghost => format!("decides that {node} stays as a ghost"),
                    Choice::Delete => format!("decides that {node} is gone"),
                }
            }
            Payload::ResolveRegister { register, node, .. } => {
                let node = self.about(entry, node);
                let what = if register == Register::Title { "title" } else { "url" };
                format!("decides which {what} of {node} stays")
            }
        }
    }

    /// Names the node that an entry is about, and remembers it for those that name the entry.
    fn about(&mut self, entry: &AppliedEntry<'_>, node: Ref) -> String {
        let (name, made_by) = self.find(entry, node);
        let told = self.told.entry(entry.dot).or_default();
        (told.about, told.made_by) = (Some(name.clone()), made_by);
        name
    }

    fn node(&mut self, entry: &AppliedEntry<'_>, node: Ref) -> String {
        self.find(entry, node).0
    }

    /// Finds a node that an entry names: among the held ones, else in the state. What is held is noted as needed.
    fn find(&mut self, entry: &AppliedEntry<'_>, node: Ref) -> (String, Option<Dot>) {
        match node {
            Ref::Own(seq) => {
                let own = own(entry, seq);
                if let Some(told) = self.told.get(&own) {
                    let (name, made_by) = (told.about.clone(), told.made_by);
                    self.needs.push(own);
                    self.needs.extend(made_by);
                    return (name.unwrap_or_else(|| UNKNOWN.to_owned()), made_by);
                }
                let chain = self.graph.chains.find(&own.author);
                let known = chain.and_then(|chain| self.graph.chains.own(chain, seq)).and_then(|known| known.about);
                (known.map_or_else(|| UNKNOWN.to_owned(), |node| self.graph.called(node)), None)
            }
            Ref::Other(other) => {
                if let Some(made_by) = self.made_by(other) {
                    self.needs.push(made_by);
                    let name = self.told.get(&made_by).and_then(|told| told.about.clone());
                    return (name.unwrap_or_else(|| UNKNOWN.to_owned()), Some(made_by));
                }
                let line = self.graph.chains.find_line(other.author);
                let name = line.map(|line| Name { line, seq: other.seq, hash: other.hash });
                let node = name.and_then(|name| self.graph.created_by(name));
                (node.map_or_else(|| UNKNOWN.to_owned(), |node| self.graph.called(node)), None)
            }
        }
    }

    /// Returns the held entry that makes a node, as others name it.
    fn made_by(&self, OtherRef { author, seq, hash }: OtherRef) -> Option<Dot> {
        let made = self.made.get(&(author, seq))?;
        made.iter().find(|(tag, _)| *tag == hash).map(|(_, dot)| *dot)
    }

    fn label(&mut self, entry: &AppliedEntry<'_>, label: Label<'_>) -> String {
        match label {
            Label::Text(text) => {
                self.told.entry(entry.dot).or_default().label = Some(text.to_owned());
                text.to_owned()
            }
            Label::Same(seq) => {
                let own = own(entry, seq);
                if let Some(label) = self.told.get(&own).and_then(|told| told.label.clone()) {
                    self.needs.push(own);
                    return label;
                }
                let chain = self.graph.chains.find(&own.author);
                let label = chain.and_then(|chain| self.graph.chains.label_at(chain, seq));
                label.map_or_else(|| "?".to_owned(), |label| self.graph.labels.text(label).to_owned())
            }
        }
    }

    /// Notes which held entry carries the vector that an entry names.
    fn vector(&mut self, entry: &AppliedEntry<'_>, seen: &SeenBy) {
        if let SeenBy::Same(seq) = seen {
            let own = own(entry, *seq);
            if self.told.contains_key(&own) {
                self.needs.push(own);
            }
        }
    }
}

/// Returns an entry of an entry's own chain.
fn own(entry: &AppliedEntry<'_>, seq: u64) -> Dot {
    Dot { author: entry.author_at(Seq(seq)), seq: Seq(seq) }
}

fn named(title: &str, url: &str) -> String {
    match (title, url) {
        ("", "") => "a node without a title or url".to_owned(),
        ("", url) => url.to_owned(),
        (title, _) => title.to_owned(),
    }
}

fn of_kind(kind: &str) -> String {
    if kind.is_empty() { String::new() } else { format!(" ({kind})") }
}
