//! [`Ceremony`]: the one pairing that may be under way at a panel, from a code to the two yeses.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::{OwnedMutexGuard, mpsc, oneshot};
use tokio::task::JoinHandle;
use verso_graph::Graph;
use verso_identity::DeviceId;
use verso_pairing::{
    Code, INVITE_SECONDS, Name, NearbyCode, OfferStatus, PAIR_SECONDS, Paired, PairingError, Summary, WorkspaceTerms,
};
use verso_panel::state::{Agreement, Pairing, PairingFailure, Screen, Secret, Side, Term};
use verso_panel::{OfferTerms, PanelAction};
use verso_replica::DecisionError;
use verso_trust::{PairingSide, PeerRole};
use verso_worker::{Answer, OfferOptions, PairError, PairingEvent, PairingOffer, Ways, WorkerHandle};

use crate::command::agreement::no_code;
use crate::command::join;
use crate::control::Screen as Place;
use crate::error::{CliError, Exit};
use crate::failure;
use crate::find;

/// The pairing that is under way, if one is.
#[derive(Debug)]
pub(super) struct Ceremony {
    handle: WorkerHandle<Graph>,
    place: Place,
    shown: Pairing,
    question: Option<Question>,
    run: Option<Run>,
}

/// What moves it on.
#[derive(Debug)]
enum Run {
    /// Somebody may come by an offer, which is on the screen. Dropped, it is withdrawn.
    Offer { offer: PairingOffer, screen: Box<Screen>, _place: OwnedMutexGuard<()> },
    /// This device joins another.
    Join { events: mpsc::UnboundedReceiver<PairingEvent>, task: Task },
}

/// A task that ends with whoever waits for it.
#[derive(Debug)]
struct Task(JoinHandle<Result<Paired, PairError>>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What the person is asked. Dropped, it is no.
#[derive(Debug)]
enum Question {
    Agree { device: DeviceId, name: String, answer: oneshot::Sender<Answer> },
    Code { answer: oneshot::Sender<NearbyCode> },
}

/// What came next.
enum Next {
    Event(Option<PairingEvent>),
    Joined(Box<Result<Paired, PairError>>),
}

impl Ceremony {
    pub(super) const fn new(handle: WorkerHandle<Graph>, place: Place) -> Self {
        Self { handle, place, shown: Pairing::None, question: None, run: None }
    }

    /// How far it is.
    pub(super) fn shown(&self) -> Pairing {
        self.shown.clone()
    }

    /// Tells whether an action is about a pairing.
    pub(super) const fn is_about(action: &PanelAction) -> bool {
        matches!(
            action,
            PanelAction::ShowCode { .. }
                | PanelAction::Invite { .. }
                | PanelAction::Join { .. }
                | PanelAction::JoinNearby { .. }
                | PanelAction::TypeCode { .. }
                | PanelAction::Agree { .. }
                | PanelAction::Refuse
                | PanelAction::ClosePairing
        )
    }

    /// Does what the person wants. What comes of it is shown, and no failure of the panel.
    pub(super) async fn take(&mut self, action: PanelAction) -> Result<(), CliError> {
        let done = match action {
            PanelAction::ShowCode { terms } => self.show_code(terms).await,
            PanelAction::Invite { terms } => self.invite(terms).await,
            PanelAction::Join { code } => self.join(&code),
            PanelAction::JoinNearby { device } => self.join_nearby(device),
            PanelAction::TypeCode { code } => self.type_code(&code),
            PanelAction::Agree { device } => self.agree(device),
            PanelAction::Refuse => {
                self.refuse();
                Ok(())
            }
            _ => {
                (self.run, self.question, self.shown) = (None, None, Pairing::None);
                Ok(())
            }
        };
        if let Err(error) = done {
            self.fail(&error);
        }
        Ok(())
    }

    async fn show_code(&mut self, terms: OfferTerms) -> Result<(), CliError> {
        // One that is shown here gives way.
        self.run = None;
        let place = self.place.take()?;
        let options = self.options(terms, PAIR_SECONDS).await?;
        let (role, workspaces) = (options.role, options.workspaces.iter().map(term).collect());
        let offer = self
            .handle
            .offer(options)
            .await
            .map_err(|error| CliError::because(Exit::Failed, "can't make a code", &error, "try again"))?;
        let name = self.handle.read(|replica| Name::lossy(replica.name()).to_string()).await;
        let screen = Screen {
            link: Secret::new(offer.with_link(ToString::to_string)),
            words: offer.with_words(|words, _at| Secret::new(words.to_string())),
            nearby: name.filter(|_name| self.is_announced()),
            role,
            workspaces,
            expires_ms: offer.expires_at().saturating_mul(1000),
            last_attempt: None,
        };
        self.shown = Pairing::Showing(Box::new(screen.clone()));
        self.run = Some(Run::Offer { offer, screen: Box::new(screen), _place: place });
        Ok(())
    }

    fn is_announced(&self) -> bool {
        matches!(self.handle.status().borrow().discovery.state, verso_discovery::DiscoveryState::On { .. })
    }

    async fn invite(&mut self, terms: OfferTerms) -> Result<(), CliError> {
        let options = self.options(terms, INVITE_SECONDS).await?;
        let (id, link) = self.handle.invite(options).await.map_err(|error| {
            CliError::because(Exit::Failed, "can't make a link", &error, "withdraw one that is not needed any more")
        })?;
        let now_ms = crate::when::now_ms();
        let made = self.handle.invitations().list(now_ms).into_iter().find(|invitation| invitation.id == id);
        let expires_ms = made.map_or(now_ms, |invitation| invitation.expires_at.saturating_mul(1000));
        self.shown = Pairing::Invited { link: Secret::new(link.as_str().to_owned()), expires_ms };
        Ok(())
    }

    /// What is offered. Only an owner offers a workspace.
    async fn options(&self, terms: OfferTerms, seconds: u64) -> Result<OfferOptions, CliError> {
        let OfferTerms { role, workspaces: wanted } = terms;
        let named = self.handle.read(move |replica| {
            let all = find::workspaces_of(replica);
            let named = wanted.into_iter().map(|(id, access)| {
                let name = all.iter().find(|known| known.id == id).map(|known| Name::lossy(&known.name));
                name.filter(|_name| replica.owns(&id)).map(|name| WorkspaceTerms { id, name, access })
            });
            named.collect::<Option<Vec<_>>>()
        });
        let named = named.await.unwrap_or_default();
        let workspaces =
            named.ok_or_else(|| failure::decision(&DecisionError::NotOwner, "can't share the workspace"))?;
        Ok(OfferOptions { role, workspaces, ttl: Duration::from_secs(seconds), ways: Ways::Nearby })
    }

    fn join(&mut self, code: &Secret) -> Result<(), CliError> {
        let code: Code = code.expose().parse().map_err(|error| no_code(&error))?;
        let (sender, events) = mpsc::unbounded_channel();
        let handle = self.handle.clone();
        let (what, task) = match code {
            Code::Link(link) => {
                let what =
                    link.hints().name.as_ref().map_or_else(|| "the device of the link".to_owned(), Name::to_string);
                (what, tokio::spawn(async move { handle.join(&link, &[], &sender).await }))
            }
            Code::Words(words) => {
                let what = "the device that shows these words".to_owned();
                (what, tokio::spawn(async move { handle.join_by_words(words, &[], &sender).await }))
            }
        };
        self.begin(what, events, task);
        Ok(())
    }

    fn join_nearby(&mut self, device: DeviceId) -> Result<(), CliError> {
        let status = self.handle.status();
        let seen = status.borrow().discovery.neighbours.screens.iter().find(|screen| screen.device == device).cloned();
        let Some(seen) = seen else {
            let why = "its pairing screen is closed";
            return Err(CliError::new(Exit::NoPeer, "can't join the device", why, "open it there again"));
        };
        let at: Vec<SocketAddr> = seen.addresses;
        let (sender, events) = mpsc::unbounded_channel();
        let handle = self.handle.clone();
        let task = tokio::spawn(async move { handle.join_nearby(device, &at, &sender).await });
        self.begin(seen.name.as_str().to_owned(), events, task);
        Ok(())
    }

    fn begin(
        &mut self,
        what: String,
        events: mpsc::UnboundedReceiver<PairingEvent>,
        task: JoinHandle<Result<Paired, PairError>>,
    ) {
        self.question = None;
        self.shown = Pairing::Reaching { what };
        self.run = Some(Run::Join { events, task: Task(task) });
    }

    fn type_code(&mut self, code: &Secret) -> Result<(), CliError> {
        let Some(Question::Code { answer }) = self.question.take() else { return Ok(()) };
        let Ok(code) = code.expose().parse::<NearbyCode>() else {
            // It is asked again: what is no code is no attempt.
            self.question = Some(Question::Code { answer });
            return Ok(());
        };
        if answer.send(code).is_err() {
            return Err(gone());
        }
        self.shown = Pairing::Waiting { name: "the other device".to_owned() };
        Ok(())
    }

    fn agree(&mut self, wanted: DeviceId) -> Result<(), CliError> {
        match self.question.take() {
            Some(Question::Agree { device, name, answer }) if device == wanted => {
                if answer.send(Answer::Yes).is_err() {
                    return Err(gone());
                }
                self.shown = Pairing::Waiting { name };
            }
            other => self.question = other,
        }
        Ok(())
    }

    /// Dropped, a question is answered with no, and an offer is withdrawn.
    fn refuse(&mut self) {
        (self.question, self.run, self.shown) = (None, None, Pairing::None);
    }

    fn fail(&mut self, error: &CliError) {
        (self.run, self.question) = (None, None);
        let CliError { what, why, hint, .. } = error;
        self.shown = Pairing::Failed(PairingFailure { what: format!("{what}: {why}"), hint: hint.clone() });
    }

    /// Waits for the next step; for ever if none is under way.
    pub(super) async fn step(&mut self) {
        let next = match &mut self.run {
            None => return std::future::pending().await,
            Some(Run::Offer { offer, .. }) => Next::Event(offer.next().await),
            Some(Run::Join { events, task }) => tokio::select! {
                biased;
                Some(event) = events.recv() => Next::Event(Some(event)),
                joined = &mut task.0 => Next::Joined(Box::new(joined.unwrap_or(Err(PairError::Ended)))),
            },
        };
        match next {
            Next::Event(Some(event)) => self.follow(event),
            Next::Event(None) => self.over(OfferStatus::Withdrawn),
            Next::Joined(joined) => match *joined {
                Ok(paired) => self.done(&paired),
                Err(error) => self.fail(&join::failed(&error)),
            },
        }
    }

    fn follow(&mut self, event: PairingEvent) {
        match event {
            PairingEvent::Compare { code, left, answer } => {
                let digits = code.to_string().chars().filter(char::is_ascii_digit).collect();
                self.shown = Pairing::Comparing { code: Secret::new(digits), left };
                self.question = Some(Question::Code { answer });
            }
            PairingEvent::Confirm { summary, answer } => {
                let agreement = agreement(&summary);
                let name = agreement.name.clone();
                self.question = Some(Question::Agree { device: summary.peer, name, answer });
                self.shown = Pairing::Confirming(Box::new(agreement));
            }
            PairingEvent::Failed(error) => self.attempt_failed(&error),
            PairingEvent::Paired(paired) => self.done(&paired),
            PairingEvent::Over(status) => self.over(status),
            _ => {}
        }
    }

    /// Somebody tried, and the offer stands.
    fn attempt_failed(&mut self, error: &PairingError) {
        self.question = None;
        if let Some(Run::Offer { screen, .. }) = &mut self.run {
            screen.last_attempt = Some(format!("An attempt to join failed: {}.", crate::error::chain(error)));
            self.shown = Pairing::Showing(screen.clone());
        }
    }

    fn done(&mut self, paired: &Paired) {
        (self.run, self.question) = (None, None);
        let (device, name, role) = (paired.device, paired.name.as_str().to_owned(), paired.role);
        self.shown = Pairing::Paired { device, name, role };
    }

    fn over(&mut self, status: OfferStatus) {
        let why = match status {
            OfferStatus::Expired => "nobody joined in time",
            OfferStatus::Declined => "you said no, so link and words are void",
            OfferStatus::Exhausted => "too many attempts with a wrong code, so it is void",
            _ => "the code is not good any more",
        };
        self.fail(&CliError::new(Exit::Failed, "no device was paired", why, "show a new code"));
    }
}

fn gone() -> CliError {
    CliError::new(Exit::Failed, "no device was paired", "the other device went away", "try again with it")
}

fn term(terms: &WorkspaceTerms) -> Term {
    Term { name: terms.name.as_str().to_owned(), access: terms.access }
}

fn agreement(summary: &Summary) -> Agreement {
    let side = match summary.side {
        PairingSide::Showing => Side::Showing,
        PairingSide::Joining => Side::Joining,
    };
    let workspaces = match summary.terms.role() {
        PeerRole::Own => Vec::new(),
        PeerRole::Friend => summary.terms.workspaces().iter().map(term).collect(),
    };
    Agreement {
        side,
        device: summary.peer,
        name: summary.name.as_str().to_owned(),
        fingerprint: summary.fingerprint.clone(),
        role: summary.terms.role(),
        workspaces,
    }
}
