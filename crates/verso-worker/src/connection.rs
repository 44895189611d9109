//! One connection: frames become commands of the engine, its orders become frames.

use std::collections::BTreeMap;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;
use verso_identity::WorkspaceId;
use verso_replica::{ConnectError, ConnectionId, Greeting, Parting, Stream};
use verso_transport::{Closed, FrameReceiver, FrameSender, FrameStream, StreamError, SyncConnection};
use verso_wire::{Application, CloseCode, Message, Reason};

use crate::engine::{Command, EngineHandle};
use crate::orders::{ConnectionOrder, Load, MAX_BACKLOG, Order, orders};

/// How many messages the peer's streams may have on their way to the connection's task, which only notes them.
const OPENED: usize = 16;

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) how: How,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
}

/// In which of three ways a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// Both said goodbye, so both had acknowledged everything that either takes.
    AllDone,
    /// One of them ended it, for a reason.
    Stopped(Reason),
    /// This device's side of it ended by a defect of the program.
    Crashed,
    /// The peer was lost, or left without a word.
    Lost,
}

impl Ended {
    fn new(connection: &SyncConnection, how: How) -> Self {
        Self { how, bytes_sent: connection.bytes_sent(), bytes_received: connection.bytes_received() }
    }

    /// Tells whether both had acknowledged everything.
    pub(crate) fn is_all_done(&self) -> bool {
        self.how == How::AllDone
    }

    /// Returns why not, if it is known.
    pub(crate) const fn reason(&self) -> Option<Reason> {
        match self.how {
            How::Stopped(reason) => Some(reason),
            How::Crashed => Some(Reason::WorkerCrash),
            How::AllDone | How::Lost => None,
        }
    }
}

/// A stream that the peer opened and named.
struct Opened {
    workspace: WorkspaceId,
    sender: FrameSender,
    registered: oneshot::Sender<()>,
}

/// Serves a connection until it ends.
///
/// Each stream has a task that reads and one that writes, so that none waits for another. Reading waits for the engine, and with it, through QUIC's
/// flow control, the peer.
pub(crate) async fn serve<A: Application>(
    connection: SyncConnection,
    control: FrameStream,
    number: u64,
    greeting: Greeting,
    engine: EngineHandle<A>,
) -> Ended {
    let peer = connection.peer();
    let (orders, inbox) = orders(MAX_BACKLOG);
    let (reply, answer) = oneshot::channel();
    let generation = connection.generation();
    let connected = engine.send(Command::Connect { peer, number, generation, greeting, orders, reply }).await;
    let id = match answer.await {
        Ok(Ok(id)) if connected => id,
        Ok(Err(ConnectError::Refused(reason))) => return refused(&connection, reason),
        Ok(Err(error)) => {
            tracing::error!(target: "verso.sync", %peer, error = %crate::engine::chain(&error), "a peer can't be admitted");
            return refused(&connection, Reason::LogDamaged);
        }
        // The engine has ended, and why is told where it is waited for.
        _ => return refused(&connection, Reason::WorkerCrash),
    };
    let task = Task {
        id,
        engine: engine.clone(),
        connection: connection.clone(),
        tasks: JoinSet::new(),
        writers: BTreeMap::new(),
    };
    // In a task of its own: if that panics, the engine is told all the same.
    let running = tokio::spawn(task.run(control, inbox));
    let (mut ended, mut inbox) = match AbortOnDropHandle::new(running).await {
        Ok((ended, inbox)) => (ended, Some(inbox)),
        Err(_panicked) => (crashed(&connection), None),
    };
    // The engine has forgotten a connection that it closed itself; this is for all others.
    let (reply, parting) = oneshot::channel();
    let told = engine.send(Command::Disconnected { connection: id, reply }).await;
    if told && ended.how == How::Lost {
        // Of two who say goodbye one closes, and the other sees just that, perhaps before its own order to close, or before the other's goodbye; or
        // that moment it gives this connection up for another, which who is done will not serve. Who sees the peer give it up has the other to serve.
        let is_agreed = matches!(connection.close_reason(), Some(Closed::ByUs | Closed::ByPeer(CloseCode::DONE)));
        let all_done = match parting.await {
            Ok(Parting::AllDone) => true,
            Ok(Parting::GoodbyeSaid) => is_agreed,
            Ok(Parting::Unfinished) | Err(_) => false,
        };
        if all_done || inbox.as_mut().is_some_and(is_told_that_all_is_done) {
            ended.how = How::AllDone;
        }
    }
    ended
}

/// Looks whether the engine's last order was to close because all is done.
fn is_told_that_all_is_done(orders: &mut mpsc::UnboundedReceiver<Order>) -> bool {
    let mut is_told = false;
    while let Ok(order) = orders.try_recv() {
        is_told = matches!(order.what, ConnectionOrder::Close(None));
    }
    is_told
}

fn crashed(connection: &SyncConnection) -> Ended {
    connection.close(CloseCode::from(Reason::WorkerCrash));
    Ended::new(connection, How::Crashed)
}

fn refused(connection: &SyncConnection, reason: Reason) -> Ended {
    connection.close(CloseCode::from(reason));
    Ended::new(connection, How::Stopped(reason))
}

/// Closes the connection when a panic drops it. What is dropped after it may be streams, which QUIC ends then as if all had been said: the peer must know better by that.
struct Alarm(SyncConnection);

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.close(CloseCode::from(Reason::WorkerCrash));
        }
    }
}

struct Task<A: Application> {
    id: ConnectionId,
    engine: EngineHandle<A>,
    connection: SyncConnection,
    /// Readers and writers of all streams.
    tasks: JoinSet<()>,
    writers: BTreeMap<Stream, mpsc::UnboundedSender<Outgoing>>,
}

/// A message on its way to its stream.
struct Outgoing {
    body: Bytes,
    /// Dropped once the network has taken it, or nobody will.
    load: Load,
}

impl<A: Application> Task<A> {
    /// Serves until the connection ends. Returns the orders that were not carried out any more, too.
    async fn run(
        mut self,
        control: FrameStream,
        mut orders: mpsc::UnboundedReceiver<Order>,
    ) -> (Ended, mpsc::UnboundedReceiver<Order>) {
        let ended = self.serve(control, &mut orders).await;
        (ended, orders)
    }

    async fn serve(&mut self, control: FrameStream, orders: &mut mpsc::UnboundedReceiver<Order>) -> Ended {
        let (opened, mut named) = mpsc::channel(OPENED);
        let (sender, receiver) = control.split();
        self.write(Stream::Control, sender);
        self.tasks.spawn(read(self.id, Stream::Control, receiver, self.engine.clone(), self.alarm()));
        let _alarm = self.alarm();
        loop {
            tokio::select! {
                order = orders.recv() => {
                    // The engine has ended by itself: where it was told to, this connection was closed before.
                    let Some(Order { what, load }) = order else { return self.close(Some(Reason::WorkerCrash)) };
                    match what {
                        ConnectionOrder::Send { stream, body } => self.send(stream, Outgoing { body, load }),
                        ConnectionOrder::OpenStream(workspace) => self.open(workspace),
                        ConnectionOrder::CloseStream(workspace) => {
                            self.writers.remove(&Stream::Workspace(workspace));
                        }
                        ConnectionOrder::Close(reason) => return self.close(reason),
                    }
                }
                stream = self.connection.accept_stream() => match stream {
                    Ok(stream) => {
                        self.tasks.spawn(accept(self.id, stream, self.engine.clone(), opened.clone(), self.alarm()));
                    }
                    // It may be over because one of them has panicked.
                    Err(_closed) if self.has_panicked().await => return crashed(&self.connection),
                    Err(error) => {
                        let how = error.reason().map_or(How::Lost, How::Stopped);
                        return Ended::new(&self.connection, how);
                    }
                },
                Some(Opened { workspace, sender, registered }) = named.recv() => {
                    self.write(Stream::Workspace(workspace), sender);
                    // A reader that was cut off in the meantime has no more use for it.
                    registered.send(()).unwrap_or_default();
                }
                // Their ends matter to nobody, unless it is a defect's.
                Some(task) = self.tasks.join_next() => {
                    if task.is_err_and(|error| error.is_panic()) {
                        return crashed(&self.connection);
                    }
                }
            }
        }
    }

    fn send(&self, stream: Stream, message: Outgoing) {
        // A writer ends with its stream, of which the reader tells the engine.
        if let Some(writer) = self.writers.get(&stream) {
            drop(writer.send(message));
        }
    }

    /// Starts the task that writes a stream. It finishes the stream when its sender is dropped.
    fn write(&mut self, stream: Stream, sender: FrameSender) {
        let (writer, messages) = mpsc::unbounded_channel();
        self.writers.insert(stream, writer);
        self.tasks.spawn(write(sender, messages));
        tracing::trace!(target: "verso.sync.stream_opened", connection = %self.id, ?stream);
    }

    /// Ends readers and writers, and tells whether one of them has ended by a panic.
    async fn has_panicked(&mut self) -> bool {
        self.tasks.abort_all();
        while let Some(task) = self.tasks.join_next().await {
            if task.is_err_and(|error| error.is_panic()) {
                return true;
            }
        }
        false
    }

    fn alarm(&self) -> Alarm {
        Alarm(self.connection.clone())
    }

    /// Opens a stream; what is to be written waits until the peer allows one more.
    fn open(&mut self, workspace: WorkspaceId) {
        tracing::trace!(target: "verso.sync.stream_opened", connection = %self.id, stream = ?Stream::Workspace(workspace));
        let (writer, messages) = mpsc::unbounded_channel();
        self.writers.insert(Stream::Workspace(workspace), writer);
        let (connection, engine, id, alarm) = (self.connection.clone(), self.engine.clone(), self.id, self.alarm());
        self.tasks.spawn(async move {
            let Ok(stream) = connection.open_stream().await else { return };
            let (sender, receiver) = stream.split();
            tokio::join!(write(sender, messages), read(id, Stream::Workspace(workspace), receiver, engine, alarm));
        });
    }

    /// Closes the connection. If all is done, the peer has already answered this device's goodbye, and nothing is on its way.
    fn close(&self, reason: Option<Reason>) -> Ended {
        self.connection.close(reason.map_or(CloseCode::DONE, CloseCode::from));
        Ended::new(&self.connection, reason.map_or(How::AllDone, How::Stopped))
    }
}

/// Writes messages until there are no more senders, then finishes the stream.
async fn write(mut sender: FrameSender, mut messages: mpsc::UnboundedReceiver<Outgoing>) {
    while let Some(Outgoing { body, load }) = messages.recv().await {
        if sender.send(body).await.is_err() {
            return;
        }
        drop(load);
    }
    // A stream whose connection is gone needs no end.
    sender.finish().await.unwrap_or_default();
}

/// Reads messages until the stream ends, and tells the engine.
async fn read<A: Application>(
    id: ConnectionId,
    stream: Stream,
    mut receiver: FrameReceiver,
    engine: EngineHandle<A>,
    _alarm: Alarm,
) {
    loop {
        let command = match next(&mut receiver).await {
            Ok(Some(message)) => {
                if let (Stream::Workspace(workspace), Message::Unit { bytes }) = (stream, &message) {
                    tracing::trace!(target: "verso.sync.unit_received", connection = %id, %workspace, bytes = bytes.len());
                }
                Command::Receive { connection: id, stream, message: Box::new(message) }
            }
            Ok(None) => match stream {
                Stream::Workspace(workspace) => Command::StreamClosed { connection: id, workspace },
                // The control stream ends with the connection, whose end has its own reason.
                Stream::Control => return,
            },
            // The connection is gone with all its streams. That says nothing about any of them, and has its own reason.
            Err(Broken::Connection) => return,
            Err(Broken::Rules(reason)) => Command::Refuse { connection: id, reason },
        };
        let more = matches!(command, Command::Receive { .. });
        if !engine.send(command).await || !more {
            return;
        }
    }
}

/// Reads the name of a stream that the peer opened, has it registered for writing, and reads on.
async fn accept<A: Application>(
    id: ConnectionId,
    stream: FrameStream,
    engine: EngineHandle<A>,
    opened: mpsc::Sender<Opened>,
    alarm: Alarm,
) {
    let (sender, mut receiver) = stream.split();
    // Declared after the sender, so dropped before it.
    let alarm = alarm;
    let workspace = match next(&mut receiver).await {
        Ok(Some(Message::Open { workspace })) => workspace,
        Ok(None) | Err(Broken::Connection) => return,
        Ok(Some(_)) | Err(Broken::Rules(_)) => {
            engine.send(Command::Refuse { connection: id, reason: Reason::Malformed }).await;
            return;
        }
    };
    let (registered, confirmed) = oneshot::channel();
    if opened.send(Opened { workspace, sender, registered }).await.is_err() || confirmed.await.is_err() {
        return;
    }
    let stream = Stream::Workspace(workspace);
    let message = Box::new(Message::Open { workspace });
    if engine.send(Command::Receive { connection: id, stream, message }).await {
        read(id, stream, receiver, engine, alarm).await;
    }
}

/// Why no message comes from a stream that has not ended.
enum Broken {
    /// Its connection is gone.
    Connection,
    /// What came is none.
    Rules(Reason),
}

/// Reads one message; `None` at the end of the stream.
async fn next(receiver: &mut FrameReceiver) -> Result<Option<Message>, Broken> {
    match receiver.receive().await {
        Ok(Some(body)) => Message::decode(&body).map(Some).map_err(|_malformed| Broken::Rules(Reason::Malformed)),
        Ok(None) | Err(StreamError::GivenUp) => Ok(None),
        Err(error @ StreamError::Frame(_)) => Err(Broken::Rules(error.reason().unwrap_or(Reason::Malformed))),
        Err(_) => Err(Broken::Connection),
    }
}
