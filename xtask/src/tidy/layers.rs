//! The layers: a crate may depend only on crates below it, so that data passes through in one direction and a part can
//! be taken alone.

use std::path::Path;

use anyhow::Context as _;
use cargo_metadata::{DependencyKind, MetadataCommand};

use super::Problem;

/// For each crate, bottom-up, the crates of this workspace that it may use. `docs/architecture.md` tells why.
const LAYERS: &[(&str, &[&str])] = &[
    ("verso-identity", &[]),
    ("verso-vv", &["verso-identity"]),
    ("verso-trust", &["verso-identity", "verso-vv"]),
    ("verso-log", &["verso-identity", "verso-vv"]),
    ("verso-wire", &["verso-identity", "verso-vv"]),
    ("verso-graph", &["verso-identity", "verso-vv", "verso-wire"]),
    ("verso-bookmarks", &["verso-graph"]),
    ("verso-noise", &["verso-identity"]),
    ("verso-session", &["verso-identity", "verso-vv", "verso-trust", "verso-wire"]),
    ("verso-pairing", &["verso-identity", "verso-trust", "verso-wire", "verso-noise"]),
    ("verso-replica", &["verso-identity", "verso-vv", "verso-trust", "verso-log", "verso-wire", "verso-session"]),
    ("verso-transport", &["verso-identity", "verso-wire", "verso-noise"]),
    ("verso-discovery", &["verso-identity"]),
    (
        "verso-testkit",
        &[
            "verso-identity",
            "verso-vv",
            "verso-trust",
            "verso-log",
            "verso-wire",
            "verso-graph",
            "verso-bookmarks",
            "verso-noise",
            "verso-session",
            "verso-pairing",
            "verso-replica",
            "verso-discovery",
        ],
    ),
    (
        "verso-worker",
        &[
            "verso-identity",
            "verso-vv",
            "verso-trust",
            "verso-log",
            "verso-wire",
            "verso-graph",
            "verso-noise",
            "verso-session",
            "verso-pairing",
            "verso-replica",
            "verso-transport",
            "verso-discovery",
        ],
    ),
    // For tests alone, which put all layers up to the worker into its networks.
    ("verso-netlab", &["verso-identity"]),
    ("verso-panel", &["verso-identity", "verso-vv", "verso-trust", "verso-wire", "verso-graph", "verso-pairing"]),
    (
        "verso-cli",
        &[
            "verso-identity",
            "verso-vv",
            "verso-trust",
            "verso-log",
            "verso-wire",
            "verso-graph",
            "verso-bookmarks",
            "verso-noise",
            "verso-session",
            "verso-pairing",
            "verso-replica",
            "verso-transport",
            "verso-discovery",
            "verso-worker",
            "verso-panel",
        ],
    ),
];

/// Members that are no layer: nothing may depend on them, and they may use what they need.
const OUTSIDE: &[&str] = &["verso-benches", "verso-netlab", "xtask"];

/// A member of the workspace and what it depends on, tests and benches not counted.
#[derive(Debug)]
pub(super) struct Member {
    name: String,
    dependencies: Vec<String>,
}

/// Reads the members of the workspace in `root` from `cargo metadata`.
pub(super) fn members(root: &Path) -> anyhow::Result<Vec<Member>> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cargo can't read the workspace")?;
    let members = metadata.workspace_packages().into_iter().map(|package| Member {
        name: package.name.to_string(),
        dependencies: package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind != DependencyKind::Development && dependency.path.is_some())
            .map(|dependency| dependency.name.clone())
            .collect(),
    });
    Ok(members.collect())
}

/// Checks that the lock file of the fuzzers, who are no members, knows what the crates in `root` depend on.
pub(super) fn check_fuzzers(root: &Path) -> Option<Problem> {
    let mut metadata = MetadataCommand::new();
    metadata.manifest_path(root.join("fuzz/Cargo.toml")).other_options(["--locked".to_owned()]);
    let error = metadata.exec().err()?;
    let todo = "`cargo metadata --manifest-path fuzz/Cargo.toml` brings it up to date";
    Some(Problem::of_file("fuzz/Cargo.lock", format!("{todo}: {error}")))
}

pub(super) fn check(members: &[Member]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for member in members {
        if OUTSIDE.contains(&member.name.as_str()) {
            continue;
        }
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == member.name) else {
            problems.push(Problem::of_file(
                &member.name,
                "is no layer: the table in xtask/src/tidy/layers.rs doesn't know it",
            ));
            continue;
        };
        for dependency in &member.dependencies {
            if !allowed.contains(&dependency.as_str()) {
                let may = if allowed.is_empty() { "no crate of this workspace".to_owned() } else { allowed.join(", ") };
                problems.push(Problem::of_file(&member.name, format!("depends on {dependency}; it may use {may}")));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems_of(name: &str, dependencies: &[&str]) -> Vec<String> {
        let dependencies = dependencies.iter().map(ToString::to_string).collect();
        check(&[Member { name: name.to_owned(), dependencies }]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn looking_down_is_fine() {
        assert_eq!(problems_of("verso-graph", &["verso-wire", "verso-vv"]), [""; 0]);
    }

    #[test]
    fn looking_up_or_aside_is_found() {
        assert_eq!(
            problems_of("verso-vv", &["verso-graph"]),
            ["verso-vv: depends on verso-graph; it may use verso-identity"]
        );
        assert_eq!(problems_of("verso-identity", &["verso-vv"]).len(), 1);
        assert_eq!(problems_of("verso-log", &["verso-wire"]).len(), 1, "the journal knows no units");
        assert_eq!(problems_of("verso-replica", &["verso-graph"]).len(), 1, "the replica knows no graph");
        assert_eq!(problems_of("verso-cli", &["verso-testkit"]).len(), 1, "tests' tools are not shipped");
    }

    #[test]
    fn a_crate_that_the_table_does_not_know_is_found() {
        assert_eq!(problems_of("verso-common", &[]).len(), 1);
        assert_eq!(problems_of("verso-benches", &["verso-graph"]), [""; 0]);
    }

    #[test]
    fn the_table_is_in_order_bottom_up() {
        for (index, (name, allowed)) in LAYERS.iter().enumerate() {
            for below in *allowed {
                assert!(LAYERS[..index].iter().any(|(name, _)| name == below), "{name} stands above {below}");
            }
        }
    }
}
