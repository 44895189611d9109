//! Small units are joined on their way to a peer; large ones pass as they are stored.

use bytes::Bytes;
use verso_identity::WorkspaceId;
use verso_trust::PeerRole;
use verso_vv::{Author, Seq};
use verso_wire::{CompressionLevel, EntryKind, HeldDigest, Message, SyncUnit};

use crate::notes::{TEXT, write};
use crate::peer::Peer;
use crate::rig::{NOW, Rig, other};
use crate::writer::Writer;

/// Has a device that holds nothing of the workspace ask for all of it; returns the units that it is sent.
fn cold_sync(rig: &mut Rig, workspace: WorkspaceId) -> Vec<Bytes> {
    let device = rig.pair(other(0), PeerRole::Own);
    let mut peer = Peer::connect_silently(rig, device, &[workspace]);
    rig.replica.flush(NOW).unwrap();
    peer.listen(rig);
    peer.say_in(rig, workspace, Message::Hello { digest: HeldDigest([0; 32]) });
    peer.say_in(rig, workspace, Message::Vector { entries: Vec::new(), seal: None });
    peer.listen(rig);
    peer.units.into_iter().filter(|(of, _)| *of == workspace).map(|(_, bytes)| bytes).collect()
}

/// Decodes and verifies units, which must be one chain from its start; returns how many entries each has.
fn verified(workspace: WorkspaceId, units: &[Bytes]) -> Vec<usize> {
    let mut next = Seq::FIRST;
    let lens = units.iter().map(|bytes| {
        let unit = SyncUnit::decode(&workspace, bytes).unwrap().chain().verify().unwrap();
        assert_eq!(unit.first_seq(), next);
        next = unit.last_seq().next();
        unit.len()
    });
    lens.collect()
}

fn author(workspace: WorkspaceId, bytes: &Bytes) -> Author {
    SyncUnit::decode(&workspace, bytes).unwrap().author()
}

/// Each was durable by itself, with a seal of its own; on the wire they are one unit with one seal, and weigh what a batch would.
#[test]
fn a_thousand_single_commits_cost_one_seal_on_the_wire() {
    let (mut rig, workspace) = Rig::with_workspace();
    for number in 0..1000 {
        let text = write(&format!("https://example.org/{number} entry number {number}"));
        rig.replica.commit(&workspace, &[text], NOW).unwrap();
        rig.replica.flush(NOW).unwrap();
    }
    let (held, _) = rig.replica.entries(&workspace).unwrap();
    let units = cold_sync(&mut rig, workspace);
    // The vouch for the peer is written when it is met.
    assert_eq!(verified(workspace, &units), [usize::try_from(held).unwrap() + 1]);
    let bytes: usize = units.iter().map(Bytes::len).sum();
    assert!(bytes <= 1000 * 8, "{bytes} bytes for 1,000 entries with texts of about 45 bytes");
}

/// What is large already passes byte for byte as it came, at whatever level it was compressed; joining stops at the limits of a unit.
#[test]
fn large_units_pass_as_they_are_stored() {
    let (mut rig, workspace) = Rig::with_workspace();
    let mut own = rig.meet(other(1), PeerRole::Own, &[workspace]);
    let mut writer = Writer::new(other(1), 1, workspace);
    let noise = |number: u64| (TEXT, blake3::hash(&number.to_le_bytes()).as_bytes().to_vec());
    let texts: Vec<(EntryKind, Vec<u8>)> = (0..3000).map(noise).collect();
    let large = Bytes::from(writer.seal(&texts).encode(CompressionLevel::new(1)));
    own.give(&mut rig, workspace, &large);
    for number in 0..1500 {
        let unit = writer.texts(&[&format!("behind {number}")]);
        own.send(&mut rig, workspace, &unit);
    }
    let unit = writer.texts(&["x".repeat(60_000).as_str(); 4]);
    own.give(&mut rig, workspace, &unit);
    assert_eq!(own.acked(workspace, writer.author), writer.last());

    let units = cold_sync(&mut rig, workspace);
    let theirs: Vec<Bytes> = units.into_iter().filter(|bytes| author(workspace, bytes) == writer.author).collect();
    assert_eq!(verified(workspace, &theirs), [3000, 1504]);
    assert_eq!(theirs[0], large);
}
