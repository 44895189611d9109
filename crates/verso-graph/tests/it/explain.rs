//! Why something is as it is: who did what and when, and by which rule.

use verso_graph::{Choice, Graph, NodeId, Register, Rule, Stamp, Topic, What};
use verso_vv::Dot;
use verso_wire::Application as _;

use crate::world::{Device, Entry, delete, link, pair, resolve, sync, tag, title, unlink, untag};

fn stamp(entry: &Entry) -> Stamp {
    Stamp { hlc: entry.hlc, dot: Dot { author: entry.author, seq: entry.seq } }
}

fn why<'a>(device: &'a Device, topic: &Topic<'_>) -> (Rule, Vec<(What<'a>, Stamp)>) {
    let explanation = device.graph.explain(topic).expect("it is there");
    (explanation.rule, explanation.because.iter().map(|side| (side.what, side.stamp)).collect())
}

#[test]
fn why_this_title_is_shown() {
    let (mut one, mut two) = pair();
    let a = one.add("a");
    let created = stamp(&one.log[0]);
    let topic = Topic::Value(a, Register::Title);
    assert_eq!(why(&one, &topic), (Rule::LastWrite, vec![(What::Value("a"), created)]));
    sync(&mut one, &mut two);
    two.wall += 1000;
    let (mine, theirs) = (one.one(title(a, "mine")), two.one(title(a, "theirs")));
    sync(&mut one, &mut two);
    let both = vec![(What::Value("theirs"), stamp(&theirs)), (What::Value("mine"), stamp(&mine))];
    assert_eq!(why(&one, &topic), (Rule::GreatestStamp, both));
    let decision = one.one(title(a, "ours"));
    assert_eq!(why(&one, &topic), (Rule::LastWrite, vec![(What::Value("ours"), stamp(&decision))]));
    assert_eq!(
        why(&one, &Topic::Value(a, Register::Url)),
        (Rule::LastWrite, vec![(What::Value("https://a"), created)])
    );
}

#[test]
fn why_the_workspace_is_called_so() {
    let (mut one, _) = pair();
    assert_eq!(one.graph.explain(&Topic::WorkspaceName), None);
    let named = one.one(Graph::rename("name"));
    assert_eq!(why(&one, &Topic::WorkspaceName), (Rule::LastWrite, vec![(What::Value("name"), stamp(&named))]));
}

#[test]
fn who_added_this_tag_and_this_edge() {
    let (mut one, mut two) = pair();
    let (a, b) = (one.add("a"), one.add("b"));
    sync(&mut one, &mut two);
    let (tag_topic, edge) = (Topic::Tag(a, "t"), Topic::Edge { src: a, dst: b, kind: "k" });
    assert_eq!((one.graph.explain(&tag_topic), one.graph.explain(&edge)), (None, None));
    let mine = one.write(&[tag(a, "t"), link(a, b, "k")]);
    let theirs = two.write(&[tag(a, "t"), link(a, b, "k")]);
    sync(&mut one, &mut two);
    for (at, topic, what) in [(0, tag_topic, "tag"), (1, edge, "link")] {
        let by = [&mine, &theirs].map(|entries| (What::Activity(what), stamp(&entries[at]))).to_vec();
        assert_eq!(why(&one, &topic), (Rule::Added, by));
    }
    // What one knows is taken away; what another adds meanwhile has been added by that one alone.
    two.write(&[untag(a, "t"), unlink(a, b, "k")]);
    let again = one.write(&[tag(a, "t"), link(a, b, "k")]);
    sync(&mut one, &mut two);
    assert_eq!(why(&two, &tag_topic), (Rule::Added, vec![(What::Activity("tag"), stamp(&again[0]))]));
    assert_eq!(why(&two, &edge), (Rule::Added, vec![(What::Activity("link"), stamp(&again[1]))]));
    // An edge goes with its end, and nothing explains what isn't there.
    one.one(delete(b));
    assert_eq!(one.graph.explain(&edge), None);
    assert_eq!(one.graph.explain(&Topic::Edge { src: b, dst: a, kind: "k" }), None);
    assert_eq!(one.graph.explain(&Topic::Tag(a, "other")), None);
}

#[test]
fn why_this_node_is_there_a_ghost_or_gone() {
    let (mut one, mut two) = pair();
    let a = one.add("a");
    let topic = Topic::Node(a);
    assert_eq!(why(&one, &topic), (Rule::NotDeleted, vec![(What::Activity("add-node"), stamp(&one.log[0]))]));
    sync(&mut one, &mut two);
    let (deleted, tagged) = (one.one(delete(a)), two.one(tag(a, "t")));
    assert_eq!(why(&one, &topic), (Rule::SeenWhole, vec![(What::Deleted, stamp(&deleted))]));
    sync(&mut one, &mut two);
    let mut sides = vec![(What::Deleted, stamp(&deleted)), (What::Activity("tag"), stamp(&tagged))];
    assert_eq!(why(&two, &topic), (Rule::UnseenActivity, sides.clone()));
    let decided = two.one(resolve(a, Choice::Ghost));
    sides.push((What::Decided(Choice::Ghost), stamp(&decided)));
    assert_eq!(why(&two, &topic), (Rule::Decided, sides));
    let decided = two.one(resolve(a, Choice::Delete));
    let (rule, sides) = why(&two, &topic);
    assert_eq!((rule, sides.last()), (Rule::Decided, Some(&(What::Decided(Choice::Delete), stamp(&decided)))));
    let decided = two.one(resolve(a, Choice::Keep));
    let (rule, sides) = why(&two, &topic);
    assert_eq!((rule, sides.last()), (Rule::Decided, Some(&(What::Decided(Choice::Keep), stamp(&decided)))));
    assert_eq!(two.graph.explain(&Topic::Node(NodeId::from_bytes([1; 16]))), None);
}
