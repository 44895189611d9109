//! The engine, and connections whose tasks a test plays.

use verso_graph::Graph;
use verso_identity::DeviceKey;
use verso_replica::{PairSecret, ProvisionalPeer};
use verso_session::Mode;
use verso_trust::{PairingSide, PairingWay, PeerRole};
use verso_wire::limits::IN_FLIGHT;

use super::*;
use crate::orders::{MAX_BACKLOG, Order, orders};

fn peer_of_pairing(device: DeviceId) -> ProvisionalPeer {
    ProvisionalPeer {
        device,
        noise_key: [1; 32],
        sealing_key: [2; 32],
        secret: PairSecret::from_bytes([3; 32]),
        name: "lap".into(),
        role: PeerRole::Own,
        side: PairingSide::Showing,
        way: PairingWay::Link,
        addresses: Vec::new(),
        workspaces: Vec::new(),
        expires_ms: u64::MAX,
    }
}

/// An engine whose device is paired with one other.
struct Rig {
    _directory: tempfile::TempDir,
    engine: EngineHandle<Graph>,
    thread: EngineThread<Graph>,
    peer: DeviceId,
    generation: u64,
}

impl Rig {
    fn new(prepare: impl FnOnce(&mut HostReplica<Graph>, Now)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let storage = FileStorage::open(directory.path()).unwrap();
        let (key, now) = (DeviceKey::generate().unwrap(), now_since(Instant::now()));
        let (mut replica, _) = Replica::<_, Graph>::open(storage, key, "desk", now).unwrap();
        // The device with the lower id opens streams.
        let mut peers = std::iter::repeat_with(|| DeviceKey::generate().unwrap().id());
        let peer = peers.find(|peer| *peer > replica.device()).unwrap();
        let pairing = peer_of_pairing(peer);
        let generation = pairing.secret.generation();
        replica.store_provisional(pairing).unwrap();
        prepare(&mut replica, now);
        let (engine, thread) = start(replica, Arc::default(), Arc::new(Board::new())).unwrap();
        Self { _directory: directory, engine, thread, peer, generation }
    }

    /// Connects the peer, with room for so many bytes on their way to it.
    fn connect(
        &self,
        number: u64,
        limit: usize,
    ) -> (Result<ConnectionId, ConnectError>, mpsc::UnboundedReceiver<Order>) {
        let (orders, inbox) = orders(limit);
        let (reply, answer) = oneshot::channel();
        let greeting = Greeting { addresses: Vec::new(), mode: Mode::StayOpen };
        let (peer, generation) = (self.peer, self.generation);
        self.tell(Command::Connect { peer, number, generation, greeting, orders, reply });
        (answer.blocking_recv().unwrap(), inbox)
    }

    fn tell(&self, command: Command<Graph>) {
        self.engine.commands.blocking_send(command).unwrap();
    }

    fn end(self) -> HostReplica<Graph> {
        self.tell(Command::ShutDown);
        self.thread.join().unwrap()
    }
}

/// Two devices dial each other at once. The connection that gave way may be taken in after the one that stays.
#[test]
fn a_connection_that_gave_way_does_not_end_the_other() {
    let rig = Rig::new(|_replica, _now| {});
    let (stays, mut orders) = rig.connect(8, MAX_BACKLOG);
    let stays = stays.unwrap();
    assert!(orders.blocking_recv().is_some(), "it says hello");
    let (gave_way, _) = rig.connect(7, MAX_BACKLOG);
    assert!(matches!(gave_way, Err(ConnectError::Refused(Reason::Busy))), "{gave_way:?}");

    // The one that stays still has a session: what ends it is told of.
    rig.tell(Command::Refuse { connection: stays, reason: Reason::Malformed });
    assert!(is_closed(&mut orders));
    // One that comes later takes the place.
    assert!(rig.connect(9, MAX_BACKLOG).0.is_ok());
    drop(rig.end());
}

/// Takes orders until one closes the connection; `false` if none does.
fn is_closed(orders: &mut mpsc::UnboundedReceiver<Order>) -> bool {
    std::iter::from_fn(|| orders.blocking_recv()).any(|order| matches!(order.what, ConnectionOrder::Close(_)))
}

/// The text with this number, which nothing makes much shorter.
fn noise(number: u64) -> String {
    let mut bytes = vec![0; verso_graph::MAX_URL];
    blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes.iter().map(|byte| char::from(b'!' + byte % 90)).collect()
}

/// A peer that acknowledges what it never reads has ever more sent to it by the protocol's credit. None of it is taken by the network, so the connection
/// is closed, and the engine waits for nobody.
#[test]
fn a_peer_that_acknowledges_what_it_never_reads_is_closed_within_bounds() {
    const MIB: usize = 1024 * 1024;
    /// More than the credit that an honest peer gives before it has read anything.
    const LIMIT: usize = 9 * MIB;
    let mut workspace = WorkspaceId::CONTROL;
    let rig = Rig::new(|replica, now| {
        workspace = replica.found_workspace("Reading", now).unwrap();
        let node = |number| verso_graph::Intent::AddNode { url: noise(number), title: String::new() };
        for batch in 0..64 {
            replica.commit(&workspace, &(batch * 8..batch * 8 + 8).map(node).collect::<Vec<_>>(), now).unwrap();
        }
        replica.flush(now).unwrap();
    });
    let (connection, mut orders) = rig.connect(1, LIMIT);
    let connection = connection.unwrap();
    let say = |stream, message| rig.tell(Command::Receive { connection, stream, message: Box::new(message) });
    let (name, addresses) = (String::new(), Vec::new());
    let versions = verso_wire::VersionRange::CURRENT;
    say(Stream::Control, Message::PeerInfo { name, versions, wall_clock_ms: 0, addresses });
    let name = "Reading".to_owned();
    let offered = verso_wire::Offered { workspace, name, access: verso_wire::WireAccess::ReadWrite };
    say(Stream::Control, Message::Offer { add: vec![offered], remove: Vec::new() });
    // Nothing leaves this: the network takes nothing.
    let (mut unread, mut sent, mut credit) = (Vec::new(), 0, IN_FLIGHT);
    let reason = loop {
        let order = orders.blocking_recv().unwrap();
        match &order.what {
            ConnectionOrder::Close(reason) => break *reason,
            ConnectionOrder::Send { stream, body } => match (*stream, Message::decode(body).unwrap()) {
                // Once, of all that it is offered.
                (Stream::Control, Message::Offer { add, .. }) if !add.is_empty() => {
                    say(Stream::Control, Message::Offer { add: Vec::new(), remove: Vec::new() });
                }
                (Stream::Workspace(WorkspaceId::CONTROL), hello @ Message::Hello { .. }) => {
                    say(Stream::Workspace(WorkspaceId::CONTROL), hello);
                }
                (Stream::Workspace(id), Message::Hello { .. }) => {
                    let digest = verso_wire::HeldDigest::of(std::iter::empty());
                    say(Stream::Workspace(id), Message::Hello { digest });
                    say(Stream::Workspace(id), Message::Vector { entries: Vec::new(), seal: None });
                }
                (Stream::Workspace(id), Message::Unit { bytes }) if id == workspace => {
                    sent += u64::try_from(bytes.len()).unwrap();
                    // It has got all of it, says the peer, as soon as its credit is nearly used up.
                    if credit - sent < 2 * u64::try_from(MIB).unwrap() {
                        credit = sent + IN_FLIGHT;
                        say(Stream::Workspace(id), Message::Ack { held: Vec::new(), credit });
                    }
                }
                _ => {}
            },
            _ => {}
        }
        unread.push(order);
    };
    assert_eq!(reason, Some(Reason::Limit));
    assert!(sent > IN_FLIGHT, "by credit alone it would have got more: {sent}");
    let bytes = |order: &Order| match &order.what {
        ConnectionOrder::Send { body, .. } => body.len(),
        _ => 0,
    };
    assert!(unread.iter().map(bytes).sum::<usize>() <= LIMIT);
    assert!(orders.blocking_recv().is_none(), "nothing follows");
    // Of this connection nothing is left once its task has said that it is gone.
    let (reply, parting) = oneshot::channel();
    rig.tell(Command::Disconnected { connection, reply });
    assert_eq!(parting.blocking_recv().unwrap(), Parting::Unfinished);
    drop(rig.end());
}
