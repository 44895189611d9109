//! The thread that owns the replica: commands in, effects out, one flush for all that is at hand.

use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, oneshot, watch};
use verso_identity::{DeviceId, WorkspaceId};
use verso_log::FileStorage;
use verso_replica::{
    CommitError, Committed, ConnectError, ConnectionId, Effect, FlushError, Greeting, Now, Parting, Replica, Stream,
};
use verso_wire::{Application, Message, Reason};

use crate::board::Board;
use crate::gate::Gate;
use crate::loan::Loan;
use crate::orders::{ConnectionOrder, Orders};
use crate::recovery::Recovery;
use crate::upkeep::Upkeep;

/// The replica as a host has it: on real files.
pub type HostReplica<A> = Replica<FileStorage, A>;

/// How many commands may wait for the engine. Together with the credit of the protocol it bounds memory: whoever would
/// exceed it waits, and so does, through QUIC's flow control, the peer behind it.
const QUEUE: usize = 64;

/// How many commands are taken in before what they brought is made durable. Larger groups cost fewer syncs; smaller ones
/// acknowledge sooner.
const GROUP: usize = 64;

/// How often time passes for the sessions, whose timeouts are seconds.
const TICK: Duration = Duration::from_secs(1);

/// Whether the engine goes on.
enum Carry<A: Application> {
    On,
    /// Once the replica was lent and is back.
    Lend(oneshot::Sender<Loan<A>>),
    End,
}

type CommitReply<A> = oneshot::Sender<Result<Committed, CommandError<A>>>;
/// Something to run on the replica. What it returns is run once all that it did is durable and known: that is where it answers.
type Task<A> = Box<dyn FnOnce(&mut HostReplica<A>, Now) -> Answer + Send>;
type Answer = Box<dyn FnOnce() + Send>;

/// Something for the engine to do.
pub(crate) enum Command<A: Application> {
    /// Record intents; answered when they are durable.
    Commit { workspace: WorkspaceId, intents: Vec<A::Intent>, reply: CommitReply<A> },
    /// Run something on the replica; answered when what it did is durable.
    With(Task<A>),
    /// Lend the replica, after what was taken in before; go on when it is back.
    Lend(oneshot::Sender<Loan<A>>),
    /// A connection is there, with both ends proven.
    Connect {
        peer: DeviceId,
        /// Its place in the order in which connections took the peer's place: one that is below another of the same peer has given way to that.
        number: u64,
        /// Which of the secrets that may be agreed with it it has proven.
        generation: u64,
        greeting: Greeting,
        orders: Orders,
        reply: oneshot::Sender<Result<ConnectionId, ConnectError>>,
    },
    /// A message came in.
    Receive { connection: ConnectionId, stream: Stream, message: Box<Message> },
    /// The peer closed the stream of a workspace.
    StreamClosed { connection: ConnectionId, workspace: WorkspaceId },
    /// The peer broke the rules of a stream.
    Refuse { connection: ConnectionId, reason: Reason },
    /// A connection is gone.
    Disconnected { connection: ConnectionId, reply: oneshot::Sender<Parting> },
    /// End after what was taken in before.
    ShutDown,
}

/// A command could not be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError<A: Application> {
    /// The intents were not recorded.
    #[error(transparent)]
    Commit(#[from] CommitError<A::Rejected>),
    /// They were recorded, and could not be made durable: nothing of them counts as done.
    #[error("the change could not be made durable: {0}")]
    NotDurable(String),
    /// The worker has ended.
    #[error("the sync worker has ended")]
    Ended,
}

/// The way to the engine.
#[derive(Debug)]
pub(crate) struct EngineHandle<A: Application> {
    commands: mpsc::Sender<Command<A>>,
    trust: watch::Receiver<u64>,
}

impl<A: Application> Clone for EngineHandle<A> {
    fn clone(&self) -> Self {
        Self { commands: self.commands.clone(), trust: self.trust.clone() }
    }
}

impl<A: Application> EngineHandle<A> {
    /// Hands a command over, waiting while the engine is busy. `false` if it has ended.
    pub(crate) async fn send(&self, command: Command<A>) -> bool {
        self.commands.send(command).await.is_ok()
    }

    /// Runs `ask` on the replica and returns its answer; `None` if the engine has ended.
    pub(crate) async fn with<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut HostReplica<A>, Now) -> T + Send + 'static,
    ) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        let command = Command::With(Box::new(move |replica, now| {
            let outcome = ask(replica, now);
            // Whoever asked may have given up waiting.
            Box::new(move || drop(reply.send(outcome)))
        }));
        if !self.send(command).await {
            return None;
        }
        answer.await.ok()
    }

    /// Borrows the replica; `None` if the engine has ended.
    pub(crate) async fn lend(&self) -> Option<Loan<A>> {
        let (reply, answer) = oneshot::channel();
        if !self.send(Command::Lend(reply)).await {
            return None;
        }
        answer.await.ok()
    }

    /// As [`with`](Self::with), for something of the host's, which only reads: if it panics, it panics whoever asked, and not the engine.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&HostReplica<A>) -> T + Send + 'static,
    ) -> Option<T> {
        let asked = self.with(|replica, _now| panic::catch_unwind(AssertUnwindSafe(|| ask(replica)))).await?;
        Some(asked.unwrap_or_else(|payload| panic::resume_unwind(payload)))
    }

    /// Lets the engine end after what it has taken in.
    pub(crate) async fn shut_down(&self) {
        self.send(Command::ShutDown).await;
    }

    /// Watches for changes of whom this device trusts.
    pub(crate) fn trust(&self) -> watch::Receiver<u64> {
        self.trust.clone()
    }
}

/// The thread's state.
struct Engine<A: Application> {
    replica: HostReplica<A>,
    started: Instant,
    connections: BTreeMap<ConnectionId, Orders>,
    /// The number of each peer's newest connection.
    newest: BTreeMap<DeviceId, u64>,
    board: Arc<Board>,
    gate: Arc<Gate>,
    /// The state of trust that the gate and those who dial know of.
    trust: watch::Sender<u64>,
    waiting: Vec<(CommitReply<A>, Committed)>,
    answers: Vec<Answer>,
    departed: Vec<(ConnectionId, oneshot::Sender<Parting>)>,
    upkeep: Upkeep,
    recovery: Recovery,
}

/// Starts the thread. It ends when every handle is dropped, after all that was taken in is durable, and gives the replica back.
pub(crate) fn start<A: Application>(
    replica: HostReplica<A>,
    gate: Arc<Gate>,
    board: Arc<Board>,
) -> std::io::Result<(EngineHandle<A>, EngineThread<A>)> {
    let (commands, inbox) = mpsc::channel(QUEUE);
    let trust = watch::Sender::new(replica.trust_revision());
    let handle = EngineHandle { commands, trust: trust.subscribe() };
    let started = Instant::now();
    gate.renew(&replica, now_since(started));
    let engine = Engine {
        replica,
        started,
        connections: BTreeMap::new(),
        newest: BTreeMap::new(),
        board,
        gate,
        trust,
        waiting: Vec::new(),
        answers: Vec::new(),
        departed: Vec::new(),
        upkeep: Upkeep::new(started),
        recovery: Recovery::new(),
    };
    let thread = std::thread::Builder::new().name("verso-engine".into()).spawn(move || engine.run(inbox))?;
    Ok((handle, thread))
}

/// The thread; at its end it gives the replica back.
pub(crate) type EngineThread<A> = std::thread::JoinHandle<HostReplica<A>>;

impl<A: Application> Engine<A> {
    fn run(mut self, mut inbox: mpsc::Receiver<Command<A>>) -> HostReplica<A> {
        while let Some(command) = inbox.blocking_recv() {
            let now = self.now();
            let mut next = self.carry_out(command, now);
            for _ in 1..GROUP {
                if !matches!(next, Carry::On) {
                    break;
                }
                let Ok(command) = inbox.try_recv() else { break };
                next = self.carry_out(command, now);
            }
            self.flush(now);
            match next {
                Carry::On => {}
                Carry::Lend(borrower) => self = self.lend(borrower),
                Carry::End => break,
            }
            self.recover();
            self.upkeep.look(&mut self.replica, Instant::now());
        }
        self.upkeep.end(&mut self.replica, Instant::now());
        self.replica
    }

    /// Hands the replica out, waits until it is back, and tells everybody what was done with it.
    #[expect(clippy::expect_used, reason = "the engine can't go on without its replica, and its end is told")]
    fn lend(mut self, borrower: oneshot::Sender<Loan<A>>) -> Self {
        let (loan, home) = Loan::new(self.replica, self.started);
        // Whoever gave up waiting has given it back by that.
        drop(borrower.send(loan));
        let (replica, taken_in) = home.recv().expect("a loan gives the replica back when it is dropped").into_parts();
        self.replica = replica;
        self.flush(self.now());
        drop(taken_in);
        self
    }

    /// Opens again what has failed, from time to time: a disk that was full may have room again.
    fn recover(&mut self) {
        if !self.replica.has_failed() {
            return self.recovery.rest();
        }
        if !self.recovery.is_due(Instant::now()) {
            return;
        }
        let now = self.now();
        match self.replica.recover(now) {
            Ok(_some) => tracing::info!(target: "verso.sync", "what had failed was opened again"),
            Err(error) => {
                tracing::warn!(target: "verso.sync", error = %chain(&error), "what has failed can't be opened yet");
            }
        }
        self.flush(now);
    }

    fn now(&self) -> Now {
        now_since(self.started)
    }

    fn carry_out(&mut self, command: Command<A>, now: Now) -> Carry<A> {
        match command {
            Command::Commit { workspace, intents, reply } => match self.replica.commit(&workspace, &intents, now) {
                Ok(committed) => self.waiting.push((reply, committed)),
                Err(error) => drop(reply.send(Err(error.into()))),
            },
            Command::Lend(borrower) => return Carry::Lend(borrower),
            Command::With(task) => self.answers.push(task(&mut self.replica, now)),
            Command::Connect { peer, number, generation, greeting, orders, reply } => {
                let newest = self.newest.entry(peer).or_insert(number);
                // Of two that come at a time, the one that has given way may be taken in last: it must not end the other.
                let outcome = if number < *newest {
                    Err(ConnectError::Refused(Reason::Busy))
                } else {
                    *newest = number;
                    self.replica.connect_proven(peer, generation, greeting, now)
                };
                if let Ok(connection) = &outcome {
                    self.connections.insert(*connection, orders);
                }
                // The task may have given up; then the connection's end follows and is taken in like any other.
                drop(reply.send(outcome));
            }
            Command::Receive { connection, stream, message } => self.replica.receive(connection, stream, *message, now),
            Command::StreamClosed { connection, workspace } => {
                self.replica.stream_closed(connection, workspace, now);
            }
            Command::Refuse { connection, reason } => self.replica.refuse(connection, reason, now),
            Command::Disconnected { connection, reply } => self.departed.push((connection, reply)),
            Command::ShutDown => return Carry::End,
        }
        Carry::On
    }

    /// Makes everything durable, then tells everybody.
    fn flush(&mut self, now: Now) {
        let flushed = self.replica.flush(now);
        if let Err(error) = &flushed {
            if error.reason() == Reason::WorkerCrash {
                self.board.count_crash();
            }
            tracing::error!(target: "verso.sync", error = %chain(error), "what was recorded is not durable");
        }
        let trust = self.replica.trust_revision();
        if *self.trust.borrow() != trust {
            self.gate.renew(&self.replica, now);
            self.trust.send_replace(trust);
        }
        for (reply, committed) in std::mem::take(&mut self.waiting) {
            let outcome = match &flushed {
                Ok(()) => Ok(committed),
                Err(error) => Err(CommandError::NotDurable(chain(error))),
            };
            drop(reply.send(outcome));
        }
        for answer in self.answers.drain(..) {
            answer();
        }
        while let Some(effect) = self.replica.poll() {
            self.effect(effect);
        }
        // Last: if this device had an order to close on its way, the connection's task gets that before its answer.
        for (connection, reply) in self.departed.drain(..) {
            self.connections.remove(&connection);
            // Whoever asks may know better and not listen.
            let _unheard = reply.send(self.replica.disconnected(connection));
        }
    }

    /// Maps each effect to what is done about it.
    fn effect(&mut self, effect: Effect) {
        let (connection, order) = match effect {
            Effect::Send { connection, stream, message } => match message.encode() {
                Ok(body) => {
                    if let (Stream::Workspace(workspace), Message::Unit { bytes }) = (stream, &message) {
                        tracing::trace!(target: "verso.sync.unit_sent", %connection, %workspace, bytes = bytes.len());
                    }
                    (connection, ConnectionOrder::Send { stream, body })
                }
                Err(error) => {
                    // What this device says is within the limits; if not, the peer must not wait for it.
                    tracing::error!(target: "verso.sync", %connection, %error, "a message can't be encoded");
                    (connection, ConnectionOrder::Close(Some(Reason::Limit)))
                }
            },
            Effect::OpenStream { connection, workspace } => (connection, ConnectionOrder::OpenStream(workspace)),
            Effect::CloseStream { connection, workspace } => (connection, ConnectionOrder::CloseStream(workspace)),
            Effect::Close { connection, reason } => (connection, ConnectionOrder::Close(reason)),
            Effect::Event(event) => {
                self.board.take(event);
                return;
            }
            _ => return,
        };
        let closes = matches!(order, ConnectionOrder::Close(_));
        let Some(orders) = self.connections.get(&connection) else { return };
        if !orders.give(order) {
            if !closes {
                tracing::warn!(target: "verso.sync", %connection, "a peer does not read what it is sent");
            }
            // The task reports the connection's end. What is said until then is for nobody.
            self.connections.remove(&connection);
        }
    }
}

/// Lets time pass for the sessions until the engine ends.
pub(crate) async fn keep_time<A: Application>(engine: EngineHandle<A>) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        if engine.with(Replica::tick).await.is_none() {
            return;
        }
    }
}

/// Reads both clocks; the monotonic one counts from `started`.
pub fn now_since(started: Instant) -> Now {
    Now { wall_ms: wall_ms(), monotonic_ms: millis(started.elapsed()) }
}

/// Milliseconds since the Unix epoch.
pub(crate) fn wall_ms() -> u64 {
    millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// An error with all its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// What a failed flush means to a caller that waits for it.
impl<A: Application> From<&FlushError> for CommandError<A> {
    fn from(error: &FlushError) -> Self {
        Self::NotDurable(chain(error))
    }
}

#[cfg(test)]
mod tests;
