//! Clocks that are wrong: nothing of anybody's is lost or destroyed by them.

use verso_graph::{Choice, NodeId, NodeState, Register};

use crate::world::{Device, delete, link, pair, resolve, sync, tag, title, unlink, untag};

const YEAR_2099: u64 = 4_070_908_800_000;
const YEAR_1970: u64 = 0;

fn titles(device: &Device, node: NodeId) -> Vec<String> {
    let node = device.graph.node(&node).expect("there");
    node.values(Register::Title).iter().map(|written| written.value.to_owned()).collect()
}

/// A device with a good clock and one with this wrong one; and two nodes, tagged and linked, that both know.
fn scene(wrong: u64) -> (Device, Device, [NodeId; 2]) {
    let (mut good, mut bad) = pair();
    bad.wall = wrong;
    let (a, b) = (good.add("a"), good.add("b"));
    good.write(&[tag(a, "t"), link(a, b, "k")]);
    sync(&mut good, &mut bad);
    (good, bad, [a, b])
}

#[test]
fn whoever_has_seen_a_write_replaces_it_though_its_author_lives_in_2099_or_1970() {
    for wrong in [YEAR_2099, YEAR_1970] {
        let (mut good, mut bad, [a, _]) = scene(wrong);
        bad.one(title(a, "bad"));
        sync(&mut good, &mut bad);
        assert_eq!(titles(&good, a), ["bad"], "it had seen what was there");
        good.one(title(a, "good"));
        sync(&mut good, &mut bad);
        assert_eq!(titles(&bad, a), ["good"]);
        bad.one(title(a, "bad again"));
        sync(&mut good, &mut bad);
        assert_eq!(titles(&good, a), ["bad again"]);
    }
}

#[test]
fn of_concurrent_writes_the_one_of_2099_is_shown_and_the_one_of_1970_is_not_and_both_are_there() {
    for (wrong, expected) in [(YEAR_2099, ["bad", "good"]), (YEAR_1970, ["good", "bad"])] {
        let (mut good, mut bad, [a, _]) = scene(wrong);
        bad.one(title(a, "bad"));
        good.one(title(a, "good"));
        sync(&mut good, &mut bad);
        assert_eq!(titles(&good, a), expected);
        assert_eq!(good.graph.conflicts().len(), 1);
        let pick = good.graph.pick(&good.graph.conflicts()[0].id, 1).expect("there are two");
        good.one(pick);
        sync(&mut good, &mut bad);
        assert_eq!(titles(&bad, a), [expected[1]]);
    }
}

#[test]
fn a_wrong_clock_removes_only_what_its_device_had_seen_and_loses_nothing_that_it_did() {
    for wrong in [YEAR_2099, YEAR_1970] {
        let (mut good, mut bad, [a, b]) = scene(wrong);
        // At the same time: one takes away what the other adds, and both the other way round.
        bad.write(&[untag(a, "t"), unlink(a, b, "k"), tag(b, "bad"), link(b, a, "bad"), delete(b)]);
        good.write(&[tag(a, "t"), link(a, b, "k"), tag(b, "good")]);
        sync(&mut good, &mut bad);
        let [first, second] = [a, b].map(|node| good.graph.node(&node).expect("there"));
        assert_eq!((first.tags(), second.tags()), (vec!["t"], vec!["bad", "good"]));
        assert_eq!(good.graph.edges().count(), 2);
        assert_eq!(second.state(), NodeState::Ghost, "it was deleted without knowing all that was done to it");
        good.one(resolve(b, Choice::Keep));
        sync(&mut good, &mut bad);
        assert_eq!(bad.graph.state(&b), Some(NodeState::Live));
        bad.one(delete(b));
        sync(&mut good, &mut bad);
        assert_eq!(good.graph.state(&b), Some(NodeState::Removed), "what was seen is deleted, whatever the clocks say");
    }
}

#[test]
fn a_clock_of_2099_is_not_adopted() {
    let (mut good, mut bad, [a, _]) = scene(YEAR_2099);
    bad.one(title(a, "bad"));
    sync(&mut good, &mut bad);
    let entry = good.one(title(a, "good"));
    assert_eq!(entry.hlc.millis(), good.wall);
}

#[test]
fn a_clock_that_steps_backwards_harms_nothing() {
    let (mut one, mut two, [a, b]) = scene(1_700_000_000_000);
    let first = one.one(title(a, "first"));
    one.wall -= 86_400_000;
    let second = one.one(title(a, "second"));
    assert!(second.hlc > first.hlc, "the own stamps go on");
    one.write(&[untag(a, "t"), tag(a, "u"), delete(b)]);
    sync(&mut one, &mut two);
    assert_eq!(titles(&two, a), ["second"]);
    assert_eq!(two.graph.node(&a).expect("there").tags(), ["u"]);
    assert_eq!(two.graph.state(&b), Some(NodeState::Removed));
    two.one(title(a, "third"));
    sync(&mut one, &mut two);
    assert_eq!(titles(&one, a), ["third"]);
}
