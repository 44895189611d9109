//! A device and another that lies to it: whatever is said, what is held was signed, and afterwards all is well.

use verso_graph::{Graph, Intent};
use verso_trust::PeerRole;

use crate::fuzz::Bytes;
use crate::world::World;

/// How often the two meet.
const MAX_MEETINGS: usize = 4;

/// Most lies of an input.
const MAX_LIES: usize = 200;

/// Has two devices meet, one of which says what `input` makes of its messages: cut, flipped, repeated, swapped, left out, altered field by field, or
/// replaced by inventions and by units that nobody sealed or a stranger did.
///
/// # Panics
/// If what must hold at any moment does not; or if the two are not in step once nobody lies any more, own devices of one person as they are.
pub fn peer(input: &[u8]) {
    let mut input = Bytes::new(input);
    let mut world = World::<Graph>::new(u64::from(input.byte()));
    let (honest, liar) = (world.add_device("honest"), world.add_device("liar"));
    let role = if input.byte().is_multiple_of(4) { PeerRole::Friend } else { PeerRole::Own };
    let ours = world.found_workspace(honest, "ours");
    let theirs = world.found_workspace(liar, "theirs");
    world.pair_as(honest, liar, role);
    let meetings = 1 + input.below(MAX_MEETINGS);
    world.lie_by(liar, input.rest().iter().copied().take(3 * MAX_LIES).collect());
    for meeting in 0..meetings {
        world.connect(liar, honest);
        world.run();
        for (device, workspace) in [(honest, ours), (liar, theirs), (liar, ours)] {
            if world.holds(device, workspace) {
                let title = format!("text {meeting}");
                world.commit(device, workspace, &[Intent::AddNode { url: format!("https://{title}"), title }]);
            }
        }
        world.run();
        world.cut();
    }
    world.check();
    world.lie(liar, 0);
    for _ in 0..2 {
        assert!(world.connect(honest, liar), "they are paired");
        world.run();
        world.cut();
    }
    world.check();
    match role {
        PeerRole::Own => world.assert_equal(&[honest, liar]),
        PeerRole::Friend => assert!(!world.holds(liar, ours) && !world.holds(honest, theirs), "nothing was shared"),
    }
}
