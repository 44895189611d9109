//! How many messages that move no data a peer may send: [`Budget`].

use verso_wire::ForkProof;

use crate::config::Millis;
use crate::error::SessionError;

/// How many digests of a proof of a fork cost one token, beside the one that any proof costs: 128. A peer is shown a fork again at each contact that
/// doesn't show it to know it, so what is known must cost little. The largest proof, of 8,192 digests, takes as long to check as all else that 65 tokens
/// allow.
const DIGESTS_A_TOKEN: usize = 128;

/// What a proof costs besides that changes what is held: 64. The whole log is taken in again for it, and every session ends.
pub(crate) const NEWS_COST: u64 = 64;

/// Returns what a proof of a fork costs when it arrives, whatever it says.
pub(crate) fn cost_of(proof: &ForkProof) -> u64 {
    let digests: usize = proof.sides.iter().map(|side| side.digests.len()).sum();
    1 + u64::try_from(digests / DIGESTS_A_TOKEN).unwrap_or(u64::MAX >> 1)
}

/// A budget for messages that cost work here and carry no data, so that flooding with them ends the session.
///
/// A bucket of tokens: it starts full, every such message takes some, and time refills it. Data needs no budget, since credit bounds it.
#[derive(Debug)]
pub(crate) struct Budget {
    tokens: u64,
    refilled: Millis,
}

impl Budget {
    /// How many tokens the bucket holds: 16,384. A change of trust can decline and withdraw all the 4,096 authors that a workspace may have, and twice
    /// that must pass at once. Lower would end honest sessions; higher lets a hostile peer cause more work at once.
    pub(crate) const BURST: u64 = 16_384;

    /// Tokens that come back a second: 64, far above what honest devices need over time.
    const PER_SECOND: u64 = 64;

    pub(crate) const fn new(now: Millis) -> Self {
        Self { tokens: Self::BURST, refilled: now }
    }

    /// Takes `cost` tokens.
    ///
    /// # Errors
    /// [`SessionError::Limit`] if there are too few.
    pub(crate) fn take(&mut self, now: Millis, cost: u64) -> Result<(), SessionError> {
        let earned = now.since(self.refilled).saturating_mul(Self::PER_SECOND) / 1000;
        if earned > 0 {
            self.tokens = self.tokens.saturating_add(earned).min(Self::BURST);
            self.refilled = now;
        }
        self.tokens = self
            .tokens
            .checked_sub(cost)
            .ok_or(SessionError::Limit { what: "messages that carry no data", limit: Self::BURST })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_time_refills() {
        let mut budget = Budget::new(Millis(0));
        budget.take(Millis(0), Budget::BURST).unwrap();
        assert!(budget.take(Millis(0), 1).is_err());
        assert!(budget.take(Millis(15), 1).is_err());
        budget.take(Millis(1015), 64).unwrap();
        assert!(budget.take(Millis(1015), 2).is_err());
    }

    #[test]
    fn slow_drips_are_not_lost() {
        let mut budget = Budget::new(Millis(0));
        budget.take(Millis(0), Budget::BURST).unwrap();
        for now in (16..=16_000).step_by(16) {
            budget.take(Millis(now), 1).unwrap();
        }
    }
}
