//! How much of a state is shown. Whatever comes through a socket is cut to this first.

use super::{Discarding, Pairing, PanelState, Seen};
use crate::text;

/// Most rows of each list. More than a person reads; what is counted is counted whole.
pub const MAX_ROWS: usize = 512;
/// Longest text, in bytes: a title may have 64 KiB, and nobody reads it here.
pub const MAX_TEXT_BYTES: usize = 4096;
/// Most bytes of all texts together. Somebody who wrote many long ones can't make a state that a socket takes long for.
const MAX_ALL_TEXT_BYTES: usize = 4 << 20;
/// Most opinions of a conflict that are shown. A device has one of each of its lives, so one device can have many.
const MAX_OPINIONS: usize = 64;

impl PanelState {
    /// Cuts every list to [`MAX_ROWS`] and every text to [`MAX_TEXT_BYTES`], and all texts together to 4 MiB, so that a state costs little to send and to
    /// show whoever wrote what is in it.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.devices.truncate(MAX_ROWS);
        self.nearby.truncate(MAX_ROWS);
        self.invitations.truncate(MAX_ROWS);
        self.workspaces.truncate(MAX_ROWS);
        self.lags.truncate(MAX_ROWS * 4);
        self.conflicts.truncate(MAX_ROWS);
        self.more_held = self.more_held.saturating_add(beyond(self.held.len()));
        self.held.truncate(MAX_ROWS);
        self.offered.truncate(MAX_ROWS);
        self.stops.truncate(MAX_ROWS);
        self.activity.truncate(MAX_ROWS);
        for device in &mut self.devices {
            device.grants.truncate(MAX_ROWS);
        }
        for workspace in &mut self.workspaces {
            workspace.members.truncate(MAX_ROWS);
        }
        for conflict in &mut self.conflicts {
            conflict.opinions.truncate(MAX_OPINIONS);
        }
        if let Some(Discarding { entries, dependents, .. }) = &mut self.discarding {
            entries.truncate(MAX_ROWS);
            dependents.truncate(MAX_ROWS);
        }
        if let Pairing::Showing(screen) = &mut self.pairing {
            screen.workspaces.truncate(MAX_ROWS);
        }
        if let Pairing::Confirming(agreement) = &mut self.pairing {
            agreement.workspaces.truncate(MAX_ROWS);
        }
        // Last, so that nothing is counted that is left out.
        let mut room = MAX_ALL_TEXT_BYTES;
        self.each_text(&mut |text| {
            text::cut(text, MAX_TEXT_BYTES.min(room));
            room = room.saturating_sub(text.len());
        });
        self
    }

    /// Goes through all text that somebody else may have written.
    fn each_text(&mut self, change: &mut dyn FnMut(&mut String)) {
        change(&mut self.device.name);
        self.device.addresses.truncate(MAX_ROWS);
        self.device.addresses.iter_mut().for_each(&mut *change);
        match &mut self.device.discovery {
            Seen::On { interfaces } => {
                interfaces.truncate(MAX_ROWS);
                interfaces.iter_mut().for_each(&mut *change);
            }
            Seen::Blocked { what, action } => [what, action].into_iter().for_each(&mut *change),
            Seen::Off => {}
        }
        for device in &mut self.devices {
            [&mut device.name, &mut device.fingerprint].into_iter().for_each(&mut *change);
            if let Some(way) = &mut device.added {
                [&mut way.by, &mut way.how].into_iter().for_each(&mut *change);
            }
        }
        for nearby in &mut self.nearby {
            [&mut nearby.name, &mut nearby.fingerprint].into_iter().for_each(&mut *change);
        }
        for invitation in &mut self.invitations {
            change(&mut invitation.id);
            invitation.workspaces.truncate(MAX_ROWS);
            invitation.workspaces.iter_mut().for_each(&mut *change);
        }
        self.workspaces.iter_mut().for_each(|workspace| change(&mut workspace.name));
        self.offered.iter_mut().for_each(|offered| change(&mut offered.name));
        if let Some(discarding) = &mut self.discarding {
            discarding.dependents.iter_mut().for_each(&mut *change);
        }
        if let Some(failure) = &mut self.failure {
            [&mut failure.what, &mut failure.why, &mut failure.hint].into_iter().for_each(&mut *change);
        }
        match &mut self.pairing {
            Pairing::Showing(screen) => {
                screen.workspaces.iter_mut().for_each(|term| change(&mut term.name));
                screen.nearby.iter_mut().for_each(&mut *change);
                screen.last_attempt.iter_mut().for_each(&mut *change);
            }
            Pairing::Confirming(agreement) => {
                [&mut agreement.name, &mut agreement.fingerprint].into_iter().for_each(&mut *change);
                agreement.workspaces.iter_mut().for_each(|term| change(&mut term.name));
            }
            Pairing::Reaching { what: text } | Pairing::Waiting { name: text } | Pairing::Paired { name: text, .. } => {
                change(text);
            }
            Pairing::Failed(failure) => [&mut failure.what, &mut failure.hint].into_iter().for_each(&mut *change),
            Pairing::None | Pairing::Opening | Pairing::Invited { .. } | Pairing::Comparing { .. } => {}
        }
        // What others write at length comes last, so that it takes no room from the rest.
        for conflict in &mut self.conflicts {
            [&mut conflict.title, &mut conflict.rule].into_iter().for_each(&mut *change);
            conflict.opinions.iter_mut().for_each(|opinion| change(&mut opinion.value));
        }
        self.held.iter_mut().for_each(|held| change(&mut held.does));
    }
}

fn beyond(len: usize) -> u64 {
    u64::try_from(len.saturating_sub(MAX_ROWS)).unwrap_or(u64::MAX)
}
