//! What a person means: a workspace or a node by its id, the start of its id, or its exact name, url or title.

use std::collections::BTreeMap;

use verso_graph::{ConflictId, Graph, Node, NodeId};
use verso_identity::WorkspaceId;
use verso_replica::PendingOffer;
use verso_wire::Application as _;
use verso_worker::{HostReplica, Invitation};

use crate::command::invite::id_of;
use crate::command::restore::PeerName;
use crate::device::Device;
use crate::error::{CliError, Exit};
use crate::output::shown;
use crate::settings::Settings;

/// How many candidates are named where several could be meant.
const MAX_CANDIDATES: usize = 5;

/// A workspace as people know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) id: WorkspaceId,
    pub(crate) name: String,
}

/// Returns the workspaces of a device, by name.
pub(crate) fn workspaces(device: &Device) -> Vec<Named> {
    workspaces_of(device.replica())
}

/// Returns the workspaces that a replica holds, by name.
pub(crate) fn workspaces_of(replica: &HostReplica<Graph>) -> Vec<Named> {
    let name = |id| replica.application(&id).and_then(|graph| graph.name()).unwrap_or_default().to_owned();
    let mut workspaces: Vec<Named> = replica.workspaces().map(|id| Named { id, name: name(id) }).collect();
    workspaces.sort_unstable_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    workspaces
}

/// Finds the workspace that is meant: by `wanted`, else by the environment, else the only one.
pub(crate) fn workspace(device: &Device, wanted: Option<&str>, settings: &Settings) -> Result<Named, CliError> {
    choose_workspace(workspaces(device), wanted.or(settings.workspace.as_deref()))
}

/// Finds the workspace that is meant among these: the only one, if none is named.
pub(crate) fn choose_workspace(all: Vec<Named>, wanted: Option<&str>) -> Result<Named, CliError> {
    const WHAT: &str = "can't tell which workspace is meant";
    const HINT: &str = "name it with -w or VERSO_WORKSPACE, by its name or the start of its id";
    if all.is_empty() {
        let why = "there is no workspace on this device yet";
        let hint =
            "make one with `verso workspace new NAME`, or get those of another device with `verso join` and `verso up`";
        return Err(CliError::new(Exit::Failed, "can't open a workspace", why, hint));
    }
    let told_workspace = |one: &Named| format!("{} ({})", shown(&one.name), one.id);
    let listed = |some: &[&Named]| list(some.iter().map(|one| told_workspace(one)));
    let everything: Vec<&Named> = all.iter().collect();
    let Some(wanted) = wanted else {
        return match <[Named; 1]>::try_from(all) {
            Ok([only]) => Ok(only),
            Err(all) => {
                let why = format!("there are several: {}", listed(&all.iter().collect::<Vec<_>>()));
                Err(CliError::new(Exit::Usage, WHAT, why, HINT))
            }
        };
    };
    let meant = meant(&all, wanted, |one| (one.id.to_hex(), &one.name));
    let none = || {
        let why = format!("none is called `{}`; there are: {}", shown(wanted), listed(&everything));
        CliError::new(Exit::Failed, "can't find the workspace", why, HINT)
    };
    the_one(&meant, wanted, told_workspace, WHAT, none).cloned()
}

/// Finds the peer that is meant, among those of this device.
pub(crate) fn peer(device: &Device, wanted: &str) -> Result<PeerName, CliError> {
    let known = device.replica().known_peers(device.now());
    let all: Vec<PeerName> = known.into_iter().map(|(device, name)| PeerName { device, name }).collect();
    let none = || {
        let why = format!("none is called `{}`, or has an id that starts so", shown(wanted));
        CliError::new(Exit::Failed, "can't find the peer", why, "see `verso peers`")
    };
    let meant = meant(&all, wanted, |one| (one.device.to_hex(), &one.name));
    the_one(&meant, wanted, told_peer, "can't tell which peer is meant", none).cloned()
}

/// Tells whether any of the devices nearby is meant.
pub(crate) fn is_meant(all: &[PeerName], wanted: &str) -> bool {
    !meant(all, wanted, |one| (one.device.to_hex(), &one.name)).is_empty()
}

/// Finds the device that is meant, among those nearby.
pub(crate) fn nearby(all: &[PeerName], wanted: &str, none: impl FnOnce() -> CliError) -> Result<PeerName, CliError> {
    let meant = meant(all, wanted, |one| (one.device.to_hex(), &one.name));
    the_one(&meant, wanted, told_peer, "can't tell which device is meant", none).cloned()
}

fn told_peer(peer: &PeerName) -> String {
    let id = peer.device.to_hex();
    format!("{} ({})", shown(&peer.name), id.get(..10).unwrap_or(&id))
}

/// Finds the workspace that is meant among those that this device left.
pub(crate) fn left(device: &Device, wanted: &str) -> Option<Named> {
    let left: Vec<WorkspaceId> = device.replica().left_workspaces().collect();
    let all: Vec<Named> = workspaces(device).into_iter().filter(|one| left.contains(&one.id)).collect();
    match meant(&all, wanted, |one| (one.id.to_hex(), &one.name)).as_slice() {
        [only] => Some((*only).clone()),
        _ => None,
    }
}

/// Finds the offer that is meant, among those of friends.
pub(crate) fn offer<'a>(offers: &'a [PendingOffer], wanted: &str) -> Result<&'a PendingOffer, CliError> {
    const WHAT: &str = "can't find the offer";
    let told = |offer: &PendingOffer| format!("{} ({})", shown(&offer.name), offer.workspace);
    let none = || {
        let why = format!("no friend offers a workspace called `{}`, or it was joined already", shown(wanted));
        let hint = "see `verso workspace list`, and sync with the friend by `verso up`";
        CliError::new(Exit::Failed, WHAT, why, hint)
    };
    let meant = meant(offers, wanted, |offer| (offer.workspace.to_hex(), &offer.name));
    the_one(&meant, wanted, told, WHAT, none)
}

/// Finds the invitation that is meant, by its id or the start of it.
pub(crate) fn invitation<'a>(all: &'a [Invitation], wanted: &str) -> Result<&'a Invitation, CliError> {
    let prefix = id_prefix(wanted);
    let is_it = |one: &&Invitation| prefix.as_ref().is_some_and(|prefix| id_of(one).starts_with(prefix));
    let meant: Vec<&Invitation> = all.iter().filter(is_it).collect();
    let none = || {
        let why = format!("none has an id that starts like `{}`", shown(wanted));
        CliError::new(Exit::Failed, "can't find the invitation", why, "see `verso pair list`")
    };
    the_one(&meant, wanted, |one| one.id.to_string(), "can't tell which invitation is meant", none)
}

/// Returns the only one of those that are meant. Else `none` is the error, or, under `what`, that there are several.
fn the_one<'a, T>(
    meant: &[&'a T],
    wanted: &str,
    told: impl Fn(&T) -> String,
    what: &str,
    none: impl FnOnce() -> CliError,
) -> Result<&'a T, CliError> {
    match meant {
        [only] => Ok(*only),
        [] => Err(none()),
        several => {
            let why = format!("`{}` could be: {}", shown(wanted), list(several.iter().map(|one| told(one))));
            Err(CliError::new(Exit::Usage, what, why, "name it by more of its id"))
        }
    }
}

/// Returns those that are meant by a whole id; else by a name; else by the start of an id.
fn meant<'a, T>(all: &'a [T], wanted: &str, known_by: impl Fn(&T) -> (String, &String)) -> Vec<&'a T> {
    let prefix = id_prefix(wanted);
    let by_id = |found: fn(&str, &str) -> bool| {
        let is_it = |one: &&T| prefix.as_ref().is_some_and(|prefix| found(&known_by(one).0, prefix));
        all.iter().filter(is_it).collect::<Vec<&T>>()
    };
    let mut meant = by_id(|id, wanted| id == wanted);
    if meant.is_empty() {
        meant = all.iter().filter(|one| known_by(one).1 == wanted).collect();
    }
    if meant.is_empty() {
        meant = by_id(|id, wanted| id.starts_with(wanted));
    }
    meant
}

/// Finds the node that is meant.
pub(crate) fn node<'a>(graph: &'a Graph, wanted: &str) -> Result<Node<'a>, CliError> {
    if let Some(node) = wanted.parse::<NodeId>().ok().and_then(|id| graph.node(&id)) {
        return Ok(node);
    }
    // Nodes without a title or url are many, and none of them is meant by nothing.
    let mut meant: BTreeMap<NodeId, Node<'a>> = BTreeMap::new();
    if !wanted.is_empty() {
        let exact = graph.nodes_with_url(wanted).into_iter().chain(graph.nodes_with_title(wanted));
        meant = exact.map(|node| (node.id(), node)).collect();
    }
    if meant.is_empty()
        && let Some(prefix) = id_prefix(wanted)
    {
        meant = graph.nodes_with_prefix(&prefix).take(MAX_CANDIDATES + 1).map(|node| (node.id(), node)).collect();
    }
    let mut candidates = meant.values();
    match (candidates.next(), candidates.next()) {
        (Some(only), None) => Ok(*only),
        (None, _) => {
            let why = format!("no node has this url or title, or an id that starts so: `{}`", shown(wanted));
            Err(CliError::new(
                Exit::Failed,
                "can't find the node",
                why,
                "look for it with `verso export --format jsonl`",
            ))
        }
        (Some(_), Some(_)) => {
            let why = format!("`{}` could be: {}", shown(wanted), list(meant.values().map(told)));
            Err(CliError::new(Exit::Usage, "can't tell which node is meant", why, "name it by its id, or more of it"))
        }
    }
}

/// Finds the conflict that is meant, among those that are open: by its id, the start of it, or the start of its node's id.
pub(crate) fn conflict(
    open: &[(WorkspaceId, ConflictId)],
    wanted: &str,
) -> Result<(WorkspaceId, ConflictId), CliError> {
    let lower = wanted.to_ascii_lowercase();
    let whole = |(_, id): &&(WorkspaceId, ConflictId)| id.to_string() == lower;
    let of_node = |id: &ConflictId| {
        let node = id.node().map(|node| node.to_hyphenated());
        node.is_some_and(|node| node.starts_with(&lower) || node.replace('-', "").starts_with(&lower))
    };
    let starts = |(_, id): &&(WorkspaceId, ConflictId)| id.to_string().starts_with(&lower) || of_node(id);
    let mut meant: Vec<&(WorkspaceId, ConflictId)> = open.iter().filter(whole).collect();
    if meant.is_empty() && !lower.is_empty() {
        meant = open.iter().filter(starts).collect();
    }
    let none = || {
        let why = format!("none that is open has an id that starts like `{}`", shown(wanted));
        CliError::new(Exit::Failed, "can't find the conflict", why, "see `verso conflicts`")
    };
    the_one(&meant, wanted, |(_, id)| id.to_string(), "can't tell which conflict is meant", none).copied()
}

/// A node in a list of candidates: enough of its id to name it by, and what people know it by.
fn told(node: &Node<'_>) -> String {
    let id = node.id().to_hyphenated();
    let short = id.get(..13).unwrap_or(&id);
    let label = if node.title().is_empty() { node.url() } else { node.title() };
    format!("{short} ({})", shown(label))
}

/// The start of an id in lower case, if a text can be one.
fn id_prefix(text: &str) -> Option<String> {
    let is_prefix = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    is_prefix.then(|| text.to_ascii_lowercase())
}

fn list(candidates: impl Iterator<Item = String>) -> String {
    let mut all: Vec<String> = candidates.collect();
    let more = all.len().saturating_sub(MAX_CANDIDATES);
    if more > 0 {
        all.truncate(MAX_CANDIDATES);
        all.push("…".to_owned());
    }
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use verso_graph::Intent;

    use super::*;
    use crate::desk::Desk;

    fn named(byte: u8, name: &str) -> Named {
        Named { id: WorkspaceId::from_bytes([byte; 16]), name: name.to_owned() }
    }

    #[test]
    fn a_workspace_is_the_only_one_or_the_one_that_is_named() {
        let all = || vec![named(0xab, "garden"), named(0xac, "work"), named(0xcd, "ab")];
        let choose = |wanted: Option<&str>| choose_workspace(all(), wanted);
        assert_eq!(choose_workspace(vec![named(1, "garden")], None).unwrap().name, "garden");
        assert_eq!(choose(Some("work")).unwrap().name, "work");
        assert_eq!(choose(Some("AC")).unwrap().name, "work", "the start of an id");
        assert_eq!(choose(Some("ab")).unwrap().name, "ab", "a name comes before the start of an id");
        let whole = "ab".repeat(16);
        assert_eq!(choose(Some(&whole)).unwrap().name, "garden", "a whole id before a name");
        let failures = [
            (None, Exit::Usage, "garden (abababab), work (acacacac), ab (cdcdcdcd)"),
            (Some("a"), Exit::Usage, "garden (abababab), work (acacacac)"),
            (Some("Garden"), Exit::Failed, "garden (abababab), work"),
            (Some(""), Exit::Failed, "garden"),
        ];
        for (wanted, exit, words) in failures {
            let error = choose(wanted).unwrap_err();
            assert_eq!(error.exit, exit, "{error}");
            assert!(error.why.contains(words), "{error}");
        }
        assert_eq!(choose_workspace(Vec::new(), None).unwrap_err().exit, Exit::Failed);
    }

    #[test]
    fn of_two_workspaces_of_one_name_neither_is_taken() {
        let error = choose_workspace(vec![named(1, "garden"), named(2, "garden")], Some("garden")).unwrap_err();
        assert!(error.why.contains("garden (01010101), garden (02020202)"), "{error}");
    }

    #[test]
    fn a_node_is_named_by_id_url_or_title() {
        let mut desk = Desk::new(1);
        let add = |url: &str, title: &str| Intent::AddNode { url: url.to_owned(), title: title.to_owned() };
        let ids = desk.commit(&[add("u:a", "A"), add("u:b", "A"), add("u:c", ""), add("", "C"), add("C", "other")]);
        let find = |wanted: &str| node(&desk.graph, wanted).map(|node| node.id());
        assert_eq!(find("u:a"), Ok(ids[0]));
        assert_eq!(find(&ids[1].to_hyphenated()), Ok(ids[1]));
        assert_eq!(find(&ids[1].to_hyphenated().to_uppercase()[..14]), Ok(ids[1]));
        assert_eq!(find("other"), Ok(ids[4]));
        for (ambiguous, meant) in [("A", [ids[0], ids[1]]), ("C", [ids[3], ids[4]])] {
            let error = find(ambiguous).unwrap_err();
            assert_eq!(error.exit, Exit::Usage);
            for id in meant {
                assert!(error.why.contains(&id.to_hyphenated()[..13]), "{error}");
            }
        }
        for nothing in ["", "a", "nothing", "zz"] {
            if let Ok(id) = find(nothing) {
                assert!(id.to_hyphenated().starts_with(nothing) && !nothing.is_empty(), "{nothing}");
            }
        }
        assert_eq!(find("").unwrap_err().exit, Exit::Failed);
        assert_eq!(find("zz").unwrap_err().exit, Exit::Failed);
    }
}
