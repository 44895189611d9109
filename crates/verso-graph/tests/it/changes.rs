//! Conflicts that open and are resolved, told as changes.

use verso_graph::{Choice, ConflictId, Graph, Register};
use verso_wire::{Application as _, ConflictChanges};

use crate::world::{Device, delete, pair, resolve, sync, tag, title};

fn changes(device: &mut Device) -> (Vec<String>, Vec<String>) {
    let ConflictChanges { opened, resolved } = device.graph.take_conflict_changes();
    (opened, resolved)
}

fn nothing() -> (Vec<String>, Vec<String>) {
    (vec![], vec![])
}

#[test]
fn a_conflict_opens_once_and_is_resolved_once() {
    let (mut one, mut two) = pair();
    let (a, b) = (one.add("a"), one.add("b"));
    sync(&mut one, &mut two);
    assert_eq!(changes(&mut one), nothing());
    one.write(&[title(a, "x"), delete(b), Graph::rename("w1")]);
    two.write(&[title(a, "y"), tag(b, "t"), Graph::rename("w2")]);
    assert_eq!((changes(&mut one), changes(&mut two)), (nothing(), nothing()));
    sync(&mut one, &mut two);
    let title_of_a = ConflictId::Register(a, Register::Title).to_string();
    let mut expected = [(a, title_of_a.clone()), (b, ConflictId::Deletion(b).to_string())];
    expected.sort_unstable();
    let [(_, first), (_, second)] = expected.clone();
    let opened = vec!["workspace-name".to_owned(), first, second];
    assert_eq!(changes(&mut one), (opened.clone(), vec![]));
    assert_eq!(changes(&mut two), (opened, vec![]));
    // Another round of the same conflict is not another conflict.
    one.one(tag(b, "more"));
    sync(&mut one, &mut two);
    assert_eq!((changes(&mut one), changes(&mut two)), (nothing(), nothing()));

    two.write(&[title(a, "z"), resolve(b, Choice::Ghost), Graph::rename("w")]);
    sync(&mut one, &mut two);
    let [(_, first), (_, second)] = expected;
    assert_eq!(changes(&mut one), (vec![], vec!["workspace-name".to_owned(), first, second]));
}

#[test]
fn what_opens_and_is_resolved_in_between_is_not_told() {
    let (mut one, mut two) = pair();
    let a = one.add("a");
    sync(&mut one, &mut two);
    changes(&mut one);
    two.one(title(a, "y"));
    one.one(title(a, "x"));
    one.pull(&two);
    one.one(title(a, "z"));
    assert_eq!(changes(&mut one), nothing());
}

#[test]
fn a_node_that_goes_takes_its_other_conflicts_along_and_brings_them_back() {
    let (mut one, mut two) = pair();
    let a = one.add("a");
    sync(&mut one, &mut two);
    one.one(title(a, "x"));
    two.one(title(a, "y"));
    sync(&mut one, &mut two);
    let id = ConflictId::Register(a, Register::Title).to_string();
    assert_eq!(changes(&mut one), (vec![id.clone()], vec![]));
    one.one(delete(a));
    assert_eq!(changes(&mut one), (vec![], vec![id.clone()]));
    one.one(resolve(a, Choice::Keep));
    assert_eq!(changes(&mut one), (vec![id], vec![]));
}
