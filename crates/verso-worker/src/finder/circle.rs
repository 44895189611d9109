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
        for (rank, relationship) in relationships(peer, &replica.secrets(&peer, now)).into_iter().enumerate() {
            let relationship = if is_doubtful { relationship.silent() } else { relationship };
            circle.insert((rank, u8::from(is_friend), peer), relationship);
        }
    }
    circle.into_values().collect()
}

/// Makes the relationships of the secrets that may be agreed with a peer, which come with the current generation of the group secret before all others.
fn relationships(peer: DeviceId, secrets: &[PeerSecret]) -> Vec<Relationship> {
    let current = secrets.iter().find(|secret| secret.is_of_group()).map(|secret| secret.generation);
    let relationship = |secret: &PeerSecret| {
        let relationship = Relationship::new(peer, Zeroizing::new(*secret.discovery_key().expose()));
        let is_outdated = secret.is_of_group() && Some(secret.generation) != current;
        if is_outdated { relationship.silent() } else { relationship }
    };
    secrets.iter().map(relationship).collect()
}

#[cfg(test)]
mod tests {
    use verso_replica::PairSecret;

    use super::*;

    #[test]
    fn by_outdated_generations_a_peer_is_found_and_nobody_is_told() {
        let peer = DeviceId::from_bytes([9; 32]);
        let secret = |byte, generation| PeerSecret {
            noise_key: [0; 32],
            secret: PairSecret::from_bytes([byte; 32]),
            generation,
        };
        let agreed = PairSecret::from_bytes([1; 32]).generation();
        let secrets = [secret(3, 33), secret(1, agreed), secret(2, 22)];
        let by = |at: usize| Relationship::new(peer, Zeroizing::new(*secrets[at].discovery_key().expose()));
        assert_eq!(relationships(peer, &secrets), [by(0), by(1), by(2).silent()]);
        assert_eq!(relationships(peer, &secrets[1..]), [by(1), by(2)], "the newest that this device has");
        // What is announced is not what is proven.
        assert_ne!(secrets[0].discovery_key().expose(), secrets[0].secret.expose());
    }
}
