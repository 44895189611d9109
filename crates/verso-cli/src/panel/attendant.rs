//! [`Attendant`]: makes the states that a window shows, and has carried out what it asks for.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use verso_discovery::View;
use verso_graph::Graph;
use verso_identity::{DeviceId, WorkspaceId};
use verso_panel::state::{Discarding, Doubt, Failure, Happening, HappeningKind, Stop};
use verso_panel::{PanelAction, PanelState};
use verso_replica::{Event, OpenNotices};
use verso_wire::Reason;
use verso_worker::{Status, WorkerHandle, now_since};

use super::carry;
use super::ceremony::Ceremony;
use super::mapping;
use super::recall::Recall;
use super::seam::Far;
use crate::control::Screen;
use crate::counted::Counted;
use crate::error::{CliError, Exit};
use crate::when;

/// How long news are gathered before they are shown: less than a person notices, and a busy sync draws ten times a second at most.
const GATHER: Duration = Duration::from_millis(100);
/// How much of what happened is kept.
const REMEMBERED: usize = 200;

/// Attends to a window: it has the way to the worker, and what is under way.
///
/// 1. It waits for an action, news of the worker, or the next step of a pairing.
/// 2. It carries the action out, or notes what happened.
/// 3. A moment later it makes the state anew, and shows it if it differs.
#[derive(Debug)]
pub(super) struct Attendant {
    handle: WorkerHandle<Graph>,
    far: Far<PanelState, PanelAction>,
    ceremony: Ceremony,
    /// The latest first.
    activity: VecDeque<Happening>,
    counted: Counted,
    /// Whom it was told to be there.
    online: BTreeSet<DeviceId>,
    discarding: Option<Discarding>,
    failure: Option<Failure>,
    /// Held while somebody looks for devices nearby.
    looking: Option<watch::Receiver<View>>,
    /// What was found damaged when the device was opened.
    damaged: Vec<Stop>,
    /// Why this device is in doubt about whom it trusts, if it is.
    doubt: Doubt,
}

/// What an attendant finds where the device is open.
#[derive(Debug)]
pub(super) struct Around<'a> {
    /// What was noticed when the device was opened.
    pub(super) notices: &'a OpenNotices,
    /// The place of the one offer that is shown.
    pub(super) screen: Screen,
    /// What it goes on telling.
    pub(super) recall: Recall,
}

/// What keeps data from moving because a journal is damaged, or not whole yet.
fn damaged(notices: &OpenNotices, missing: &[WorkspaceId]) -> Vec<Stop> {
    let damaged = notices.logs.iter().filter(|(_workspace, report)| report.loses_records());
    let damaged = damaged.map(|(workspace, _report)| (Reason::LogDamaged, *workspace));
    let missing = missing.iter().map(|workspace| (Reason::Gap, *workspace));
    let stop = |(reason, workspace)| Stop {
        workspace: (workspace != WorkspaceId::CONTROL).then_some(workspace),
        ..Stop::new(reason, None)
    };
    damaged.chain(missing).map(stop).collect()
}

impl Attendant {
    pub(super) fn new(handle: WorkerHandle<Graph>, far: Far<PanelState, PanelAction>, around: Around<'_>) -> Self {
        let Around { notices, screen, recall: Recall { activity, failure, missing } } = around;
        let there =
            |status: &Status| status.peers.iter().filter(|(_, peer)| peer.connected).map(|(id, _)| *id).collect();
        Self {
            ceremony: Ceremony::new(handle.clone(), screen),
            online: there(&handle.status().borrow()),
            handle,
            far,
            activity: activity.into(),
            counted: Counted::default(),
            discarding: None,
            failure,
            looking: None,
            damaged: damaged(notices, &missing),
            doubt: if notices.rolled_back.is_some() { Doubt::PutBack } else { Doubt::Earlier },
        }
    }

    /// Attends until the window is closed, or the worker has ended.
    pub(super) async fn attend(&mut self) {
        let (mut status, mut events) = (self.handle.status(), self.handle.events());
        let mut due: Option<Instant> = Some(Instant::now());
        loop {
            let next = due.unwrap_or_else(Instant::now);
            tokio::select! {
                action = self.far.asked.recv() => {
                    let Some(action) = action else { return };
                    self.carry_out(action).await;
                    due = Some(Instant::now());
                }
                changed = status.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    due.get_or_insert(Instant::now() + GATHER);
                }
                event = events.recv() => match event {
                    Ok(event) => {
                        self.note(&event);
                        due.get_or_insert(Instant::now() + GATHER);
                    }
                    // The status has what was missed.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                },
                () = self.ceremony.step() => due = Some(Instant::now()),
                () = sleep_until(next), if due.is_some() => {
                    due = None;
                    let Some(state) = self.state().await else { return };
                    self.far.show(state);
                }
            }
        }
    }

    async fn carry_out(&mut self, action: PanelAction) {
        let done = match action {
            PanelAction::LookAround => {
                self.looking = Some(self.handle.look_around());
                Ok(())
            }
            PanelAction::StopLooking => {
                self.looking = None;
                Ok(())
            }
            PanelAction::CancelDiscard => {
                self.discarding = None;
                Ok(())
            }
            PanelAction::DismissFailure => {
                self.failure = None;
                return;
            }
            PanelAction::AskDiscard { workspace, entries } => {
                match carry::dependents(&self.handle, workspace, entries.clone()).await {
                    Ok(dependents) => {
                        self.discarding = Some(Discarding { workspace, entries, dependents });
                        Ok(())
                    }
                    Err(error) => Err(error),
                }
            }
            PanelAction::Discard { workspace, entries } => {
                self.discarding = None;
                carry::discard(&self.handle, workspace, entries).await
            }
            PanelAction::Forget { device } => {
                let done = carry::out(&self.handle, PanelAction::Forget { device }).await;
                if done.is_ok() {
                    self.remember(HappeningKind::Forgotten, Some(device), None);
                }
                done
            }
            // A window that has the device itself sees to that without asking here.
            PanelAction::Repair { .. } => Err(in_use()),
            other if Ceremony::is_about(&other) => self.ceremony.take(other).await,
            other => carry::out(&self.handle, other).await,
        };
        self.failure = done.err().map(told);
    }

    /// Makes the state of this moment; `None` if the worker has ended.
    async fn state(&mut self) -> Option<PanelState> {
        let now = now_since(std::time::Instant::now());
        let mut counted = std::mem::take(&mut self.counted);
        let looked = self.handle.read(move |replica| {
            let state = mapping::of_replica(replica, now, &mut counted);
            (state, counted)
        });
        let (mut state, counted) = looked.await?;
        self.counted = counted;
        state.device.addresses = self.handle.addresses().iter().map(ToString::to_string).collect();
        state.device.doubt = state.device.doubt.map(|_some| self.doubt);
        state.stops.splice(..0, self.damaged.iter().cloned());
        let status = self.handle.status().borrow().clone();
        mapping::add_status(&mut state, &status);
        state.invitations = mapping::invitations(&state, self.handle.invitations().list(when::now_ms()));
        state.pairing = self.ceremony.shown();
        state.activity = self.activity.iter().cloned().collect();
        state.discarding.clone_from(&self.discarding);
        state.failure.clone_from(&self.failure);
        Some(state.bounded())
    }

    fn note(&mut self, event: &Event) {
        let (kind, device, workspace) = match event {
            // A device is gone once, however many of its connections end.
            Event::PeerOnline { peer } if self.online.insert(*peer) => (HappeningKind::Online, Some(*peer), None),
            Event::PeerOffline { peer: Some(peer), .. } if self.online.remove(peer) => {
                (HappeningKind::Offline, Some(*peer), None)
            }
            Event::Paired { peer, .. } => (HappeningKind::Paired, Some(*peer), None),
            Event::AllLevel { peer, stopped: false } => (HappeningKind::InStep, Some(*peer), None),
            Event::RemoteDelta { workspace, from, entries } if *workspace != WorkspaceId::CONTROL => {
                (HappeningKind::Received { entries: *entries }, Some(*from), Some(*workspace))
            }
            Event::WorkspaceOffered { workspace, from } => (HappeningKind::Offered, Some(*from), Some(*workspace)),
            Event::WorkspaceAdopted { workspace, from } => (HappeningKind::Adopted, Some(*from), Some(*workspace)),
            Event::MemberLeft { workspace, device } => (HappeningKind::Left, Some(*device), Some(*workspace)),
            Event::Rebuilt { workspace } => (HappeningKind::Rebuilt, None, Some(*workspace)),
            Event::Forked { workspace, author, .. } => (HappeningKind::Forked, Some(author.device), Some(*workspace)),
            Event::RolledBack { workspace } => (HappeningKind::RolledBack, None, Some(*workspace)),
            Event::ConflictOpened { workspace, .. } => (HappeningKind::ConflictOpened, None, Some(*workspace)),
            Event::ConflictResolved { workspace, .. } => (HappeningKind::ConflictResolved, None, Some(*workspace)),
            _ => return,
        };
        self.remember(kind, device, workspace);
    }

    fn remember(&mut self, kind: HappeningKind, device: Option<DeviceId>, workspace: Option<WorkspaceId>) {
        let is_said = self
            .activity
            .front()
            .is_some_and(|last| (last.kind, last.device) == (kind, device) && matches!(kind, HappeningKind::InStep));
        if !is_said {
            self.activity.push_front(Happening { at_ms: when::now_ms(), kind, device, workspace });
            self.activity.truncate(REMEMBERED);
        }
    }
}

/// Journals can't be mended by who has them open for others.
fn in_use() -> CliError {
    let why =
        "the `verso up` to which this window is attached has the journals open that would be put aside and made anew";
    let hint = "end that `verso up` (Ctrl-C in its terminal), choose “Run it here” in this window, and then repair; start it again when that is done";
    CliError::new(Exit::Locked, "can't repair it while `verso up` runs", why, hint)
}

/// What a person is told in the window.
pub(super) fn told(CliError { what, why, hint, .. }: CliError) -> Failure {
    Failure { what, why, hint }
}
