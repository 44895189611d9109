//! What a sync costs when there is nothing to do.

use verso_identity::WorkspaceId;
use verso_session::Mode;
use verso_trust::PeerRole;

use crate::net::{Adopts, Closed, Net, Offering, workspace};

/// Two devices in step: a control log and a workspace of four authors each.
fn in_step() -> Net {
    let mut net = Net::new(2, 5);
    net.found(0, WorkspaceId::CONTROL, 2);
    net.found(0, workspace(1), 3);
    for _ in 0..3 {
        net.devices[0].store.new_incarnation();
        net.found(0, workspace(1), 3);
        net.found(0, WorkspaceId::CONTROL, 2);
    }
    let link = net.connect(0, 1, PeerRole::Own, [Mode::StayOpen; 2]);
    net.run();
    net.assert_equal();
    net.cut(link);
    net
}

/// Under 300 bytes each way, whatever the number of authors: digests cross and nothing else. Who has met before knows after one round trip that both hold
/// the same, and half a round trip later both have left.
#[test]
fn a_sync_without_news_costs_one_round_trip_and_a_few_bytes() {
    let mut net = in_step();
    net.expected = Some([workspace(1)].into());
    let link = net.connect(0, 1, PeerRole::Own, [Mode::FinishWhenLevel; 2]);
    let level = |net: &Net| [0, 1].map(|end| net.end(link, end).seen.all_level);
    net.flight();
    assert_eq!(level(&net), [0, 0]);
    net.flight();
    assert_eq!(level(&net), [1, 1], "one round trip");
    assert!((0..2).all(|end| net.end(link, end).session.has_said_goodbye()));
    net.flight();
    assert!((0..2).any(|end| net.end(link, end).closed == Closed::Done), "and the first to hear it closes");
    assert_costs_little(&net, link);
}

/// At the first contact it takes longer, and costs no more.
#[test]
fn a_sync_without_news_costs_a_few_bytes_at_the_first_contact() {
    let mut net = in_step();
    net.expected = None;
    let link = net.connect(0, 1, PeerRole::Own, [Mode::FinishWhenLevel; 2]);
    net.run_until_closed();
    assert_costs_little(&net, link);
}

fn assert_costs_little(net: &Net, link: usize) {
    let opener = usize::from(net.end(link, 0).seen.opened.is_empty());
    let mut sent = net.links[link].ends.each_ref().map(|end| end.seen.messages_sent.clone());
    for messages in &mut sent {
        messages.sort_unstable();
    }
    assert_eq!(sent[opener], ["Decided", "Goodbye", "Hello", "Hello", "Offer", "Open", "Open", "PeerInfo"]);
    assert_eq!(sent[1 - opener], ["Decided", "Goodbye", "Hello", "Hello", "Offer", "PeerInfo"]);
    for end in 0..2 {
        let bytes = net.end(link, end).seen.bytes_sent;
        assert!(bytes < 300, "end {end} sent {bytes} bytes");
    }
}

/// One intent of 30 bytes, its signature and the frame around it included.
#[test]
fn one_live_intent_costs_at_most_260_bytes() {
    let mut net = in_step();
    net.payload = 30;
    let link = net.connect(0, 1, PeerRole::Own, [Mode::StayOpen; 2]);
    net.run();
    let before = [0, 1].map(|end| net.end(link, end).seen.bytes_sent);
    net.commit(0, workspace(1), 1);
    net.run();
    let [unit, ack] = [0, 1].map(|end| net.end(link, end).seen.bytes_sent - before[end]);
    assert!(unit <= 200 && unit + ack <= 260, "{unit} bytes there, {ack} back");
}

/// What was shared before and no longer is costs a stream that is closed at once, and nothing else; what is offered again is shared again.
#[test]
fn a_memory_that_is_wrong_does_no_harm() {
    for seed in 0..100 {
        let mut net = Net::new(2, seed);
        net.found(0, WorkspaceId::CONTROL, 1);
        net.found(0, workspace(1), 3);
        net.found(1, workspace(2), 3);
        net.devices[0].adopts = Adopts::Nothing;
        net.devices[1].adopts = Adopts::Nothing;
        net.expected = Some((1..4).map(workspace).collect());
        let link = net.connect(0, 1, PeerRole::Own, [Mode::StayOpen; 2]);
        net.run();
        for end in 0..2 {
            assert!(net.end(link, end).session.is_level());
            assert_eq!(net.end(link, end).session.poll_timeout(), None);
            assert_eq!(net.end(link, end).seen.received, u64::from(end == 1), "the control log, and nothing else");
        }
        for device in 0..2 {
            for number in 1..3 {
                net.set_offered(device, workspace(number), Offering::Yes);
            }
        }
        net.run();
        net.assert_equal();
        assert!((0..2).all(|end| net.end(link, end).session.is_level()));
    }
}
