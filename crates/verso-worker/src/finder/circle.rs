//! Whom this device recognises on the local network, and who recognises it.

use std::collections::BTreeMap;

use verso_discovery::Relationship;
use verso_identity::DeviceId;
use verso_log::Storage;
use verso_replica::{Now, PeerSecret, Replica};
use verso_trust::PeerRole;
use verso_wire::Application;
use zeroize::Zeroizing;

/// Makes a relationship of each secret that a device shares with a peer, those first for whom there should be room: of every peer its first secret, then
/// the others; own devices before friends.
///
/// Two kinds of secrets are good to recognise a peer, and this device is not announced by them. Generations of the group secret that are not the current
/// one: devices that were removed since have them, and the peer, which slept through the renewal, announces itself by it and is dialled. And those of
/// friends that are not confirmed after a restore: they may have been removed, and get nothing before that is known.
pub(crate) fn circle<S: Storage, A: Application>(replica: &Replica<S, A>, now: Now) -> Vec<Relationship> {
    let mut circle: BTreeMap<(usize, u8, DeviceId), Relationship> = BTreeMap::new();
    for peer in replica.known_peers(now).into_keys() {
        let provisional = || replica.provisional_peers(now).find(|known| known.device == peer).map(|known| known.role);
        let is_friend = replica.trust().role(&peer).or_else(provisional) == Some(PeerRole::Friend);
        let is_doubtful = is_friend && replica.trust().is_unconfirmed(&peer);
        let secrets = replica.secrets(&peer, now);
        let current = secrets.iter().find(|secret| secret.is_of_group()).map(|secret| secret.generation);
        for (rank, secret) in secrets.iter().enumerate() {
            let is_outdated = secret.is_of_group() && Some(secret.generation) != current;
            let relationship = relationship(peer, secret);
            let relationship = if is_outdated || is_doubtful { relationship.silent() } else { relationship };
            circle.insert((rank, u8::from(is_friend), peer), relationship);
        }
    }
    circle.into_values().collect()
}

fn relationship(peer: DeviceId, secret: &PeerSecret) -> Relationship {
    Relationship::new(peer, Zeroizing::new(*secret.discovery_key().expose()))
}
