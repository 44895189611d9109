//! Titles, urls and the workspace's name: causality first, the clock only among concurrent writes, and no value is lost.

use verso_graph::{Choice, ConflictId, Intent, NodeId, Register, Rule, What};
use verso_wire::Application as _;

use crate::world::{Device, graph_of, pair, sync, title};

fn titles(device: &Device, node: NodeId) -> Vec<String> {
    let node = device.graph.node(&node).expect("the node is there");
    node.values(Register::Title).iter().map(|written| written.value.to_owned()).collect()
}

#[test]
fn a_write_that_has_seen_another_replaces_it_whatever_the_clocks_say() {
    let (mut one, mut two) = pair();
    one.wall = 4_070_908_800_000; // the year 2099
    two.wall = 0; // 1970
    let node = one.add("a");
    one.one(title(node, "from the future"));
    sync(&mut one, &mut two);
    two.one(title(node, "from the past"));
    sync(&mut one, &mut two);
    assert_eq!(titles(&one, node), ["from the past"]);
    assert_eq!(one.graph.conflicts(), []);
}

#[test]
fn of_concurrent_writes_the_later_is_shown_and_the_other_stays_readable_until_someone_writes_again() {
    let (mut one, mut two) = pair();
    let node = one.add("a");
    sync(&mut one, &mut two);
    two.wall += 1000;
    one.one(title(node, "earlier"));
    two.one(title(node, "later"));
    sync(&mut one, &mut two);
    assert_eq!(titles(&one, node), ["later", "earlier"]);
    assert_eq!(one.graph.node(&node).expect("there").title(), "later");

    let id = ConflictId::Register(node, Register::Title);
    let conflict = one.graph.conflict(&id).expect("it is open");
    assert_eq!(conflict.rule, Rule::GreatestStamp);
    let sides: Vec<_> = conflict.sides.iter().map(|side| (side.what, side.stamp.dot.author)).collect();
    assert_eq!(sides, [(What::Value("later"), two.author), (What::Value("earlier"), one.author)]);
    assert!(conflict.sides[0].stamp.hlc > conflict.sides[1].stamp.hlc);
    assert_eq!(one.graph.conflicts(), [conflict]);

    two.one(title(node, "again"));
    sync(&mut one, &mut two);
    assert_eq!((titles(&one, node), one.graph.conflicts().len()), (vec!["again".to_owned()], 0));
}

#[test]
fn equal_times_are_decided_by_the_author() {
    let (mut one, mut two) = pair();
    let node = one.add("a");
    sync(&mut one, &mut two);
    one.wall += 1000;
    two.wall += 1000;
    let (a, b) = (one.one(title(node, "of one")), two.one(title(node, "of two")));
    assert_eq!(a.hlc, b.hlc);
    sync(&mut one, &mut two);
    for device in [&one, &two] {
        assert_eq!(titles(device, node), ["of two", "of one"]);
        assert_eq!(device.graph.node(&node).expect("there").title(), "of two");
    }
}

#[test]
fn equal_values_are_no_conflict() {
    let (mut one, mut two) = pair();
    let node = one.add("a");
    sync(&mut one, &mut two);
    one.one(title(node, "same"));
    two.one(title(node, "same"));
    sync(&mut one, &mut two);
    assert_eq!((titles(&one, node).len(), one.graph.conflicts().len()), (2, 0));
}

#[test]
fn a_loser_is_picked_back_with_one_intent() {
    let (mut one, mut two) = pair();
    let node = one.add("a");
    sync(&mut one, &mut two);
    one.one(title(node, "loser"));
    two.wall += 1;
    two.one(title(node, "winner"));
    sync(&mut one, &mut two);
    let id = ConflictId::Register(node, Register::Title);
    let pick = one.graph.pick(&id, 1).expect("the second value");
    assert_eq!((one.graph.pick(&id, 2), one.graph.pick(&ConflictId::Deletion(node), 0)), (None, None));
    one.one(pick);
    sync(&mut one, &mut two);
    assert_eq!(titles(&two, node), ["loser"]);
    assert_eq!(two.graph.conflicts(), []);
}

#[test]
fn keeping_what_is_shown_drops_only_what_was_seen() {
    let (mut one, mut two) = pair();
    let mut three = Device::new(3);
    let node = one.add("a");
    sync(&mut one, &mut two);
    sync(&mut one, &mut three);
    for (late, device) in [&mut one, &mut two, &mut three].into_iter().enumerate() {
        device.wall += u64::try_from(late).unwrap() * 10;
        device.one(title(node, ["a1", "a2", "a3"][late]));
    }
    sync(&mut one, &mut two);
    let id = ConflictId::Register(node, Register::Title);
    assert_eq!(one.graph.resolution(&id, Choice::Ghost), None);
    let keep = one.graph.resolution(&id, Choice::Keep).expect("it is open");
    one.one(keep);
    assert_eq!((titles(&one, node), one.graph.conflicts().len()), (vec!["a2".to_owned()], 0));
    sync(&mut one, &mut three);
    assert_eq!(titles(&one, node), ["a3", "a2"]);
}

#[test]
fn keeping_drops_also_what_the_same_author_wrote() {
    let (mut one, mut two) = pair();
    let node = one.add("a");
    sync(&mut one, &mut two);
    one.one(title(node, "mine"));
    two.wall += 1;
    two.one(title(node, "shown"));
    sync(&mut one, &mut two);
    one.one(Intent::Resolve { node: node.into(), register: Some(Register::Title), choice: Choice::Keep });
    sync(&mut one, &mut two);
    assert_eq!(titles(&two, node), ["shown"]);
}

#[test]
fn a_write_may_come_before_what_it_replaces() {
    let (mut one, mut two) = pair();
    let node = one.add("a");
    sync(&mut one, &mut two);
    let first = one.one(title(node, "first"));
    let second = one.one(title(node, "second"));
    two.pull(&one);
    let last = two.one(title(node, "last"));
    let graph = graph_of(&[one.log[0].clone(), last, first.clone()]);
    let values = |graph: &verso_graph::Graph| graph.node(&node).expect("there").values(Register::Title).len();
    // The first write is known to be replaced although what was named, the second, is still on its way.
    assert_eq!((graph.node(&node).expect("there").title(), values(&graph)), ("last", 1));
    let mut graph = graph;
    second.apply_to(&mut graph);
    assert_eq!((graph.node(&node).expect("there").title(), values(&graph)), ("last", 1));
    assert_eq!(graph.nodes_with_title("last").len(), 1);
    assert!(graph.nodes_with_title("first").is_empty() && graph.nodes_with_title("second").is_empty());
}

#[test]
fn urls_and_the_workspace_name_follow_the_same_rule() {
    let (mut one, mut two) = pair();
    let node = one.add("a");
    assert_eq!(one.graph.name(), None);
    sync(&mut one, &mut two);
    for (late, device) in [&mut one, &mut two].into_iter().enumerate() {
        device.wall += u64::try_from(late).unwrap();
        let name = ["w1", "w2"][late].to_owned();
        device.write(&[
            verso_graph::Graph::rename(&name),
            Intent::SetUrl { node: node.into(), url: format!("https://{name}") },
        ]);
    }
    sync(&mut one, &mut two);
    assert_eq!(one.graph.name(), Some("w2"));
    assert_eq!(one.graph.node(&node).expect("there").url(), "https://w2");
    let ids: Vec<ConflictId> = one.graph.conflicts().iter().map(|conflict| conflict.id).collect();
    assert_eq!(ids, [ConflictId::WorkspaceName, ConflictId::Register(node, Register::Url)]);
    for id in &ids {
        assert_eq!(id.to_string().parse(), Ok(*id));
    }
    let intents: Vec<Intent> =
        ids.iter().map(|id| one.graph.resolution(id, Choice::Keep).expect("it is open")).collect();
    one.write(&intents);
    sync(&mut one, &mut two);
    assert_eq!((two.graph.conflicts().len(), two.graph.name()), (0, Some("w2")));
}

#[test]
fn whoever_writes_replaces_also_what_others_had_replaced_before() {
    let mut devices: Vec<Device> = (1..=4).map(Device::new).collect();
    let node = devices[0].add("a");
    let mut last = 0;
    for writer in [1, 2, 3] {
        for from in 0..=last {
            let log = devices[from].log.clone();
            for entry in &log {
                devices[writer].receive(entry);
            }
        }
        devices[writer].one(title(node, &format!("by {writer}")));
        last = writer;
    }
    // The write in between is missing, as after its author was cut off: what it had replaced doesn't come back.
    let log = &devices[3].log;
    let graph = graph_of(log.iter().filter(|entry| entry.author != devices[2].author));
    let values = graph.node(&node).expect("there").values(Register::Title);
    assert_eq!(values.iter().map(|written| written.value).collect::<Vec<_>>(), ["by 3"]);
}
