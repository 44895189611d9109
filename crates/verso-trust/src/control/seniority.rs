//! The order of own devices: who was admitted before whom, the showing side of a pairing first.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use verso_identity::DeviceId;
use verso_vv::{EntryHash, Hlc};

use crate::authority::StandingGrant;
use crate::peer::PairingSide;

/// Lines up the devices, the most senior first.
///
/// Each pairing appends the line of the joining device to that of the showing one, in the order in which they were made; so
/// when two groups of devices unite, the group that showed the code stands first. Every device computes the same line,
/// from whichever it looks.
pub(super) fn seniority(root: Option<DeviceId>, grants: &[StandingGrant]) -> Vec<DeviceId> {
    let mut pairs: BTreeMap<(DeviceId, DeviceId), Vec<Claim>> = BTreeMap::new();
    for claim in grants.iter().filter_map(Claim::of) {
        let pair = (claim.senior.min(claim.junior), claim.senior.max(claim.junior));
        pairs.entry(pair).or_default().push(claim);
    }
    let mut pairings: Vec<Claim> = pairs.into_values().filter_map(|claims| settle(&claims)).collect();
    pairings.sort_unstable_by_key(|pairing| pairing.at);

    let mut lines: Vec<Vec<DeviceId>> = root.map(|root| vec![root]).into_iter().collect();
    for pairing in pairings {
        let (senior, junior) = (line_of(&mut lines, pairing.senior), line_of(&mut lines, pairing.junior));
        if senior != junior {
            let juniors = lines.get_mut(junior).map(std::mem::take).unwrap_or_default();
            lines.get_mut(senior).into_iter().for_each(|line| line.extend(&juniors));
        }
    }
    lines.into_iter().flatten().collect()
}

/// What one side of a pairing says about who of the two is the senior.
#[derive(Debug, Clone, Copy)]
struct Claim {
    senior: DeviceId,
    junior: DeviceId,
    by: DeviceId,
    at: (Hlc, EntryHash),
}

impl Claim {
    fn of(grant: &StandingGrant) -> Option<Self> {
        let (by, other) = (grant.context.author.device, grant.to);
        let (senior, junior) = match grant.side? {
            PairingSide::Showing => (by, other),
            PairingSide::Joining => (other, by),
        };
        Some(Self { senior, junior, by, at: (grant.context.hlc, grant.context.hash) })
    }
}

/// Makes one of all that two devices say about their pairings with each other.
///
/// "I joined" is believed before "I showed", so a device that is stolen after it joined can't make itself the senior; and it
/// is the senior's clock that tells when, so a joining device can't claim to have been there earlier.
fn settle(claims: &[Claim]) -> Option<Claim> {
    let believed = *claims.iter().min_by_key(|claim| (Reverse(claim.by == claim.junior), claim.at))?;
    let by_senior = claims.iter().filter(|claim| claim.by == believed.senior).map(|claim| claim.at).min();
    Some(Claim { at: by_senior.unwrap_or(believed.at), ..believed })
}

/// Finds the line that a device stands in; a device that stands in none starts one.
fn line_of(lines: &mut Vec<Vec<DeviceId>>, device: DeviceId) -> usize {
    lines.iter().position(|line| line.contains(&device)).unwrap_or_else(|| {
        lines.push(vec![device]);
        lines.len().saturating_sub(1)
    })
}
