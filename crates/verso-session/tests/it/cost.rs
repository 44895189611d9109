//! What a sync costs when there is nothing to do.

use verso_identity::WorkspaceId;
use verso_session::Mode;
use verso_trust::PeerRole;

use crate::net::{Net, workspace};

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

/// Under 300 bytes each way, whatever the number of authors: digests cross and nothing else, one round trip a stream.
#[test]
fn a_sync_without_news_costs_a_few_bytes() {
    let mut net = in_step();
    let link = net.connect(0, 1, PeerRole::Own, [Mode::FinishWhenLevel; 2]);
    net.run_until_closed();
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
