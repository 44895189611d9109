//! A device that shows forks of chains that nobody ever held: each is proven, and says nothing about anything.

use verso_identity::{DeviceKey, WorkspaceId};
use verso_vv::{Author, Hlc, Incarnation};
use verso_wire::{ChainHead, EntryKind, ForkProof, UnitBuilder, VerifiedUnit};
use zeroize::Zeroizing;

use crate::device::DeviceIndex;
use crate::merge::Merge;
use crate::rng::Rng;
use crate::world::World;

impl<A: Merge> World<A> {
    /// Has a device show `forks` new forks of chains of nobody's in each workspace and at each contact at which vectors cross. 0 makes it honest again.
    pub fn invent_forks(&mut self, device: DeviceIndex, forks: usize) {
        self.tell(|| format!("{} invents {forks} forks at each contact", self.name(device)));
        self.devices[device.0].inventions = forks;
        self.distrust(device);
    }
}

/// Proves that a device that nobody knows has forked its chain: each time another.
pub(crate) fn invented(rng: &mut Rng, workspace: WorkspaceId) -> ForkProof {
    let mut secret = [0xf0; 32];
    secret[..8].copy_from_slice(&rng.next().to_le_bytes());
    let key = DeviceKey::from_secret(&Zeroizing::new(secret));
    let author = Author { device: key.id(), incarnation: Incarnation(1) };
    let [left, right] = [b"left", b"rite"].map(|text| side(workspace, author, &key, text));
    ForkProof::between(&left, &right).expect("they differ in their first entry")
}

fn side(workspace: WorkspaceId, author: Author, key: &DeviceKey, text: &[u8]) -> VerifiedUnit {
    let mut builder = UnitBuilder::new(workspace, author, None, ChainHead::start(&workspace, &author));
    builder.push(EntryKind(1), Hlc(1), text).expect("there is room");
    builder.seal(key).expect("the key is the author's")
}
