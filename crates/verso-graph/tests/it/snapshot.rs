//! A state that was written and read back is the same in everything that follows; bytes that are none are refused.

use std::fmt::Write as _;

use proptest::prelude::*;
use verso_graph::Graph;
use verso_wire::Application as _;

use crate::converge::{Simulation, config, script};
use crate::golden::{hex, scenario};
use crate::hostile;
use crate::world::{Entry, bytes_of, graph_of, shuffled};

const GOLDEN: &str = include_str!("../golden/snapshot-v1.txt");

fn snapshot(graph: &Graph) -> Vec<u8> {
    let mut bytes = b"kept".to_vec();
    graph.snapshot(&mut bytes);
    assert_eq!(bytes.drain(..4).as_slice(), b"kept", "a snapshot is appended");
    bytes
}

/// Goes on from a snapshot at any of `places`, and compares with a state that never was one. Equal snapshots are more than equal canonical forms:
/// nothing inside differs, down to the places in memory.
fn check(arrival: &[Entry], places: &[u16]) -> Result<(), TestCaseError> {
    let straight = graph_of(arrival);
    for place in places.iter().map(|place| usize::from(*place) % (arrival.len() + 1)) {
        let (before, after) = arrival.split_at(place);
        let written = snapshot(&graph_of(before));
        let mut graph = Graph::restore(&written).expect("a snapshot is read");
        prop_assert_eq!(&snapshot(&graph), &written);
        prop_assert_eq!(bytes_of(&graph), bytes_of(&graph_of(before)));
        for entry in after {
            entry.apply_to(&mut graph);
        }
        prop_assert_eq!(bytes_of(&graph), bytes_of(&straight));
        prop_assert_eq!(snapshot(&graph), snapshot(&straight));
        prop_assert_eq!(found(&graph), found(&straight));
    }
    Ok(())
}

/// What is looked up through the tables that no snapshot holds.
fn found(graph: &Graph) -> String {
    let mut text = format!("{:?} {:?} {:?}\n", graph.counts(), graph.tags(), graph.conflicts());
    for node in graph.nodes() {
        let (id, url, title) = (node.id(), node.url(), node.title());
        let by_tag: Vec<_> = node.tags().into_iter().map(|tag| graph.nodes_with_tag(tag)).collect();
        let looked_up = (graph.node(&id), graph.nodes_with_url(url), graph.nodes_with_title(title), by_tag);
        writeln!(text, "{looked_up:?} {:?} {:?}", node.outgoing(), node.incoming()).expect("a string takes everything");
    }
    text
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_follows_a_snapshot_has_the_same_effect(script in script(0), places in prop::collection::vec(any::<u16>(), 3)) {
        let entries = Simulation::run(&script).entries();
        for order in &script.orders {
            check(&shuffled(&entries, order), &places)?;
        }
    }

    #[test]
    fn also_across_forks(script in script(1), places in prop::collection::vec(any::<u16>(), 3)) {
        let entries = Simulation::run(&script).entries();
        for order in &script.orders {
            check(&shuffled(&entries, order), &places)?;
        }
    }

    #[test]
    fn also_of_entries_that_no_honest_device_writes(
        (entries, order) in hostile::arrivals(),
        places in prop::collection::vec(any::<u16>(), 3),
    ) {
        check(&shuffled(&entries, &order), &places)?;
    }

    /// Sealed files keep damage out, and versions the bytes of others; what still gets here may be wrong, but breaks nothing.
    #[test]
    fn changed_bytes_never_panic(
        script in script(1),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let entries = Simulation::run(&script).entries();
        let half = entries.len() / 2;
        let mut bytes = snapshot(&graph_of(&entries[..half]));
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Some(mut graph) = Graph::restore(&bytes) {
            found(&graph);
            for entry in &entries[half..] {
                entry.apply_to(&mut graph);
            }
            found(&graph);
            bytes_of(&graph);
        }
    }
}

#[test]
fn no_prefix_is_a_snapshot_and_nothing_follows_one() {
    let bytes = snapshot(&scenario().graph);
    for end in 0..bytes.len() {
        assert!(Graph::restore(&bytes[..end]).is_none(), "the first {end} bytes");
    }
    assert!(Graph::restore(&[&bytes[..], &[0]].concat()).is_none());
    assert!(Graph::restore(&bytes).is_some());
}

#[test]
fn the_bytes_of_version_1_have_not_changed() {
    assert_eq!(Graph::SNAPSHOTS, Some(1));
    let now = hex(&snapshot(&scenario().graph));
    assert!(now == GOLDEN.trim_end(), "snapshots changed: they need a new version, and this file too. Now:\n{now}");
}
