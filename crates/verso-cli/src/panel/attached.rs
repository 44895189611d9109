//! A window whose device is open in a `verso up`: what that shows comes by the control socket, and what is asked for goes there.

use std::io;
use std::thread::{self, JoinHandle};

use tokio::sync::mpsc;
use verso_panel::{PanelAction, PanelState};
use zeroize::Zeroizing;

use super::hosted::END;
use super::seam::{self, Near};
use crate::control::client::{Connection, Leave, Mouth};
use crate::control::ended;
use crate::error::{CliError, Exit};

/// Longest state that is taken in. One that is [bounded](PanelState::bounded) is shorter, whatever is in it.
const MAX_STATE: usize = 64 << 20;

const CANT_SHOW: &str = "can't show the panel";

/// The window's way to a `verso up`. Dropped, it is left.
#[derive(Debug)]
pub(super) struct Attached {
    pub(super) near: Near<PanelState, PanelAction>,
    /// Before whoever hears: so it ends.
    leave: Leave,
    hearing: JoinHandle<Result<u8, CliError>>,
}

impl Attached {
    /// Has the `verso up` attend to the window.
    pub(super) fn to(up: Connection) -> Result<Self, CliError> {
        let words: Vec<_> = std::env::args_os().collect();
        let (ear, mouth, leave) = up.converse(&words)?;
        let (near, far) = seam::new::<PanelState, PanelAction>();
        let (states, asked) = (far.states, far.asked);
        let hear = move || {
            let mut lines = Lines::default();
            let mut puzzle = None;
            let heard = ear.hear(&mut |bytes| {
                let told = lines.take(bytes, &mut |state| {
                    states.send_replace(Some(state.bounded()));
                });
                told.map_err(|error| {
                    puzzle = Some(error);
                    io::ErrorKind::InvalidData.into()
                })
            });
            match puzzle {
                Some(error) => {
                    let hint = "end that `verso up`, and start it again with the program that you use now";
                    Err(CliError::because(Exit::Failed, CANT_SHOW, &error, hint))
                }
                None => heard,
            }
        };
        let hearing = spawn("verso-hear", hear)?;
        spawn("verso-say", move || say(&mouth, asked))?;
        Ok(Self { near, leave, hearing })
    }

    /// Leaves the `verso up`, and returns how the command ended in it: `Err` with [`ended`] if `up` itself did.
    pub(super) fn leave(self) -> Result<(), CliError> {
        let Self { near, leave, hearing } = self;
        drop((near, leave));
        match hearing.join() {
            Ok(Ok(0)) => Ok(()),
            Ok(Err(error)) => Err(error),
            Ok(Ok(_)) => {
                let hint = "see what was said in the terminal; `verso status --watch` may tell more";
                Err(CliError::new(Exit::Failed, CANT_SHOW, "the `verso up` that has the device could not", hint))
            }
            Err(_panic) => Err(ended()),
        }
    }
}

/// States on their way in, a line each, in pieces of any length.
#[derive(Debug, Default)]
struct Lines(Zeroizing<Vec<u8>>);

/// Bytes that are no state.
#[derive(Debug, thiserror::Error)]
enum NoState {
    #[error("it is longer than any state")]
    TooLong,
    #[error("it is no state of the panel")]
    Nonsense(#[source] serde_json::Error),
}

impl Lines {
    /// Takes a piece in, and tells of each state that ends in it.
    fn take(&mut self, bytes: &[u8], told: &mut dyn FnMut(PanelState)) -> Result<(), NoState> {
        let Self(line) = self;
        for part in bytes.split_inclusive(|byte| *byte == END) {
            if line.len().saturating_add(part.len()) > MAX_STATE {
                return Err(NoState::TooLong);
            }
            line.extend_from_slice(part);
            if line.last() == Some(&END) {
                told(serde_json::from_slice(line).map_err(NoState::Nonsense)?);
                line.clear();
            }
        }
        Ok(())
    }
}

/// Says what is asked for, as long as anything is. Waits where the other end does.
fn say(mouth: &Mouth, mut asked: mpsc::Receiver<PanelAction>) {
    while let Some(action) = asked.blocking_recv() {
        let Ok(piece) = serde_json::to_vec(&action) else { continue };
        if mouth.say(Zeroizing::new(piece)).is_err() {
            // Whoever hears learns that it has ended.
            return;
        }
    }
}

fn spawn<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> Result<JoinHandle<T>, CliError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|error| CliError::because(Exit::Failed, CANT_SHOW, &error, "close other programs, and try again"))
}

#[cfg(test)]
mod tests {
    use verso_identity::DeviceId;
    use verso_panel::state::{Seen, ThisDevice};

    use super::*;

    fn state(now_ms: u64) -> PanelState {
        let id = DeviceId::from_bytes([7; 32]);
        let device = ThisDevice {
            id,
            name: "desk\n".to_owned(),
            fingerprint: id.fingerprint(),
            addresses: Vec::new(),
            discovery: Seen::Off,
            doubt: None,
        };
        PanelState::new(now_ms, device)
    }

    fn line(now_ms: u64) -> Vec<u8> {
        [serde_json::to_vec(&state(now_ms)).unwrap(), vec![END]].concat()
    }

    #[test]
    fn states_come_whole_in_whatever_pieces_they_are_sent() {
        let sent = [line(1), line(2), line(3)].concat();
        for len in [1, 7, 100, sent.len()] {
            let (mut lines, mut told) = (Lines::default(), Vec::new());
            for piece in sent.chunks(len) {
                lines.take(piece, &mut |state| told.push(state)).unwrap();
            }
            assert_eq!(told, [state(1), state(2), state(3)], "in pieces of {len}");
        }
    }

    #[test]
    fn what_is_no_state_and_what_never_ends_is_refused() {
        let mut told = 0;
        let mut take = |lines: &mut Lines, bytes: &[u8]| lines.take(bytes, &mut |_state| told += 1);
        assert!(matches!(take(&mut Lines::default(), b"{}\n"), Err(NoState::Nonsense(_))));
        assert!(matches!(take(&mut Lines::default(), &[&line(1)[..20], b"\n"].concat()), Err(NoState::Nonsense(_))));
        let (mut lines, piece) = (Lines::default(), vec![b' '; 1 << 20]);
        let refused = (0..=MAX_STATE >> 20).find_map(|_| take(&mut lines, &piece).err());
        assert!(matches!(refused, Some(NoState::TooLong)), "{refused:?}");
        assert_eq!(told, 0);
    }
}
