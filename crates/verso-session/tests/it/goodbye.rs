//! How sessions end when all is done: both know it, nothing is lost, and nobody waits for ever.

use proptest::prelude::*;
use verso_identity::WorkspaceId;
use verso_session::{Input, Millis, Mode};
use verso_trust::PeerRole;

use crate::net::{Adopts, Closed, Net, Offering, workspace};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Commits and changes of offers at any moment, also while goodbyes are on their way: the session ends without a reason, and what it left is brought
    /// by the next contact.
    #[test]
    fn a_session_ends_whatever_happens_meanwhile(
        seed: u64,
        one_stays: bool,
        own: bool,
        acts in prop::collection::vec((0..2_usize, 0..6_usize, 0..25_usize), 0..20),
    ) {
        let role = if own { PeerRole::Own } else { PeerRole::Friend };
        let other = if one_stays { Mode::StayOpen } else { Mode::FinishWhenLevel };
        let mut net = Net::new(2, seed);
        if own {
            net.found(0, WorkspaceId::CONTROL, 2);
        }
        net.found(0, workspace(1), 3);
        net.found(1, workspace(2), 3);
        let first = net.connect(0, 1, role, [Mode::FinishWhenLevel, other]);
        for (device, act, steps) in acts {
            for _ in 0..steps {
                net.step();
            }
            match act {
                0 => net.set_offered(device, workspace(1), Offering::No),
                1 => net.set_offered(device, workspace(1), Offering::Yes),
                2 => net.found(device, workspace(3), 1),
                3 => net.set_offered(device, workspace(3), Offering::Yes),
                _ => net.commit(device, workspace(1), 1),
            }
        }
        net.run_until_closed();
        prop_assert!(net.now <= Millis(2_000), "it took until {} for somebody to give up", net.now);
        for end in &net.links[first].ends {
            prop_assert!(!matches!(end.closed, Closed::For(_)), "closed with {:?}: {:?}", end.closed, end.session.error());
        }
        prop_assert!(net.links[first].ends.iter().any(|end| end.closed != Closed::Open));

        for device in 0..2 {
            net.set_offered(device, workspace(1), Offering::Yes);
        }
        net.connect(0, 1, role, [Mode::FinishWhenLevel; 2]);
        net.run_until_closed();
        net.assert_equal();
    }
}

/// A device that stays connected answers the goodbye of one that leaves, and is level then, too.
#[test]
fn who_stays_answers() {
    for seed in 0..50 {
        let mut net = Net::new(2, seed);
        net.found(0, WorkspaceId::CONTROL, 2);
        net.found(1, workspace(1), 5);
        let link = net.connect(0, 1, PeerRole::Own, [Mode::FinishWhenLevel, Mode::StayOpen]);
        net.run();
        assert_eq!(net.end(link, 0).closed, Closed::Done);
        assert_eq!(net.end(link, 1).seen.all_level, 1);
        net.assert_equal();
    }
}

/// Two that stay don't part until one of them is told to finish.
#[test]
fn finish_ends_a_session_that_stayed_open() {
    let mut net = Net::new(2, 1);
    net.found(0, WorkspaceId::CONTROL, 2);
    net.found(1, workspace(1), 5);
    let link = net.connect(0, 1, PeerRole::Own, [Mode::StayOpen; 2]);
    net.run();
    assert!(net.links[link].ends.iter().all(|end| end.closed == Closed::Open && end.session.poll_timeout().is_none()));
    net.now = Millis(3_600_000);
    net.handle(link, 1, Input::Finish);
    net.run();
    assert_eq!(net.end(link, 1).closed, Closed::Done);
}

/// What is committed after the goodbye is not sent any more, and comes with the next contact.
#[test]
fn what_is_new_after_the_goodbye_waits() {
    let mut net = Net::new(2, 1);
    net.found(0, WorkspaceId::CONTROL, 1);
    net.found(0, workspace(1), 1);
    let link = net.connect(0, 1, PeerRole::Own, [Mode::FinishWhenLevel; 2]);
    while !net.end(link, 0).seen.messages_sent.contains(&"Goodbye") {
        assert!(net.step());
    }
    let sent = net.end(link, 0).seen.messages_sent.len();
    net.commit(0, workspace(1), 1);
    net.found(0, workspace(2), 1);
    net.set_offered(0, workspace(2), Offering::Yes);
    assert_eq!(net.end(link, 0).seen.messages_sent.len(), sent);
    net.run_until_closed();
    assert!(net.devices[0].store.holdings() != net.devices[1].store.holdings());
    net.connect(0, 1, PeerRole::Own, [Mode::FinishWhenLevel; 2]);
    net.run_until_closed();
    net.assert_equal();
}

/// An offer that nobody takes up keeps nobody from leaving.
#[test]
fn an_offer_that_is_not_adopted_is_no_lag() {
    for seed in 0..20 {
        let mut net = Net::new(2, seed);
        net.found(0, workspace(1), 2);
        net.devices[1].adopts = Adopts::Nothing;
        let link = net.connect(0, 1, PeerRole::Friend, [Mode::FinishWhenLevel; 2]);
        net.run_until_closed();
        for end in 0..2 {
            assert!(net.end(link, end).seen.opened.is_empty());
            assert_eq!(net.end(link, end).seen.all_level, 1);
        }
        assert!(net.devices[1].store.holdings().is_empty());
    }
}

/// Friends who share nothing part at once, and never see a control log.
#[test]
fn nothing_shared_is_level_at_once() {
    let mut net = Net::new(2, 9);
    net.found(0, WorkspaceId::CONTROL, 3);
    let link = net.connect(0, 1, PeerRole::Friend, [Mode::FinishWhenLevel; 2]);
    net.run_until_closed();
    for end in 0..2 {
        let seen = &net.end(link, end).seen;
        assert!(seen.opened.is_empty() && seen.level.is_empty());
        assert_eq!(seen.all_level, 1);
    }
    assert!(net.devices[1].store.holdings().is_empty());
}

/// An offer that crosses the goodbye of the peer that would have to open the stream begins nothing any more. Both know that it is left.
#[test]
fn an_offer_that_crosses_the_openers_goodbye_is_left_and_both_know() {
    let mut net = Net::new(2, 1);
    net.found(0, WorkspaceId::CONTROL, 1);
    net.found(0, workspace(1), 1);
    net.found(1, workspace(1), 1);
    net.devices[0].adopts = Adopts::Nothing;
    net.set_offered(0, workspace(1), Offering::No);
    let link = net.connect(0, 1, PeerRole::Own, [Mode::StayOpen, Mode::FinishWhenLevel]);
    while !net.end(link, 1).seen.messages_sent.contains(&"Goodbye") {
        assert!(net.step());
    }
    assert!(!net.end(link, 1).session.leaves_some());
    net.set_offered(0, workspace(1), Offering::Yes);
    net.run_until_closed();
    for end in [0, 1] {
        let session = &net.end(link, end).session;
        assert!(session.leaves_some() && !session.is_all_done(), "end {end}");
    }
    net.connect(0, 1, PeerRole::Own, [Mode::FinishWhenLevel; 2]);
    net.run_until_closed();
    net.assert_equal();
}
