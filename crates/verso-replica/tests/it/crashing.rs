//! Applications with defects: what panics costs its workspace a while, and nobody else anything.

use verso_identity::WorkspaceId;
use verso_replica::{CommitError, JournalError};
use verso_trust::{Access, PeerRole};
use verso_vv::Seq;
use verso_wire::Reason;

use crate::notes::{ARMED, Intent, POISON, write};
use crate::peer::{Closed, stops};
use crate::rig::{NOW, Rig, let_in, other, with_own};
use crate::writer::Writer;

fn poison() -> Intent {
    write(std::str::from_utf8(POISON).unwrap())
}

fn with_another() -> (Rig, WorkspaceId, WorkspaceId) {
    let (mut rig, workspace) = Rig::with_workspace();
    let another = rig.replica.found_workspace("Recipes", NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    (rig, workspace, another)
}

#[test]
fn what_the_application_panics_on_is_not_recorded_and_costs_no_other_workspace() {
    let (mut rig, workspace, another) = with_another();
    let outcome = rig.replica.commit(&workspace, &[write("before"), poison(), write("after")], NOW);
    assert!(matches!(outcome, Err(CommitError::Journal(JournalError::Crashed))), "{outcome:?}");
    assert_eq!(rig.replica.failure(&workspace), Some(Reason::WorkerCrash));
    rig.replica.commit(&another, &[write("meanwhile")], NOW).unwrap();
    // It is told, and what the other took in is durable.
    assert_eq!(rig.replica.flush(NOW).unwrap_err().reason(), Reason::WorkerCrash);
    assert!(rig.texts(&another).contains(&"meanwhile"));

    assert!(rig.replica.recover(NOW).unwrap());
    assert_eq!(rig.texts(&workspace), ["Reading", "one"]);
    rig.replica.commit(&workspace, &[write("two")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    rig.crash(3);
    assert_eq!(rig.texts(&workspace), ["Reading", "one", "two"]);
    assert!(rig.texts(&another).contains(&"meanwhile"));
}

#[test]
fn an_intent_that_can_t_be_encoded_for_a_defect_changes_nothing() {
    let (mut rig, workspace) = Rig::with_workspace();
    let outcome = rig.replica.commit(&workspace, &[write("two"), Intent::Absurd], NOW);
    assert!(matches!(outcome, Err(CommitError::Journal(JournalError::Crashed))), "{outcome:?}");
    assert_eq!(rig.replica.failure(&workspace), None, "nothing had been touched");
    rig.replica.commit(&workspace, &[write("two")], NOW).unwrap();
    rig.assert_rebuilds_after_flush();
}

#[test]
fn what_a_peer_brings_that_the_application_panics_on_ends_the_session_with_its_reason() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let mut guest = Writer::new(other(2), 1, workspace);
    let_in(&mut rig, &mut own, &mut writer, guest.device(), Access::ReadWrite);
    let good = guest.texts(&["good"]);
    own.give(&mut rig, workspace, &good);
    let bad = guest.texts(&["poison"]);
    own.send(&mut rig, workspace, &bad);
    assert!(rig.replica.flush(NOW).is_err());
    own.listen(&mut rig);
    assert_eq!(own.closed, Closed::For(Reason::WorkerCrash));
    assert_eq!(own.acked(workspace, guest.author), Seq(1), "it is not acknowledged");
    assert!(stops(&rig.events).contains(&Reason::WorkerCrash));

    // Whoever connects before the workspace works again is told why it doesn't, and gets everything else.
    rig.events.clear();
    let mut another = rig.meet(other(1), PeerRole::Own, &[workspace]);
    assert_eq!(stops(&rig.events), [Reason::WorkerCrash]);
    assert_eq!(another.closed, Closed::Not);
    assert!(rig.replica.recover(NOW).unwrap());
    rig.replica.flush(NOW).unwrap();
    another.listen(&mut rig);
    assert!(another.hellos.contains_key(&workspace), "it goes on");
    assert_eq!(rig.texts(&workspace), ["Reading", "good", "one"]);
}

/// What is on the disk already, and a version of the application has a defect that shows with it.
#[test]
fn a_device_opens_though_an_application_panics_on_what_it_holds() {
    let (mut rig, workspace, another) = with_another();
    ARMED.set(false);
    rig.replica.commit(&workspace, &[poison()], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    ARMED.set(true);
    rig.reopen();
    assert_eq!(rig.replica.failure(&workspace), Some(Reason::WorkerCrash));
    assert_eq!(rig.texts(&another), ["Recipes"]);
    rig.replica.commit(&another, &[write("two")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    assert!(!rig.replica.recover(NOW).unwrap(), "it fails again");
    assert!(rig.replica.commit(&workspace, &[write("two")], NOW).is_err());
    // With a version that doesn't, nothing was lost.
    ARMED.set(false);
    assert!(rig.replica.recover(NOW).unwrap());
    assert_eq!(rig.texts(&workspace), ["Reading", "one", "poison"]);
}
