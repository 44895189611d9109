//! [`Server`]: takes in the other commands while `verso up` runs, and carries them out.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::frame::{Greeting, LENGTH, MAX_TO_SERVER, Run, ToServer, Welcome, length};
use super::guest::Guest;
use super::host::{Host, Shared};
use super::socket::Bound;
use crate::app;

/// How many commands may run at a time. Each has a thread and its memory; more than a few are no person's.
const CLIENTS: usize = 16;

/// How long a client may take to say what it wants. It does so at once.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long `up` waits at its end for commands that are under way. They are interrupted, and what they hold is in order after any step.
const LAST: Duration = Duration::from_millis(800);

/// How long to wait where nobody can be taken in, because the process has too many files open.
const REST: Duration = Duration::from_millis(100);

/// The other commands' way into this `up`, for as long as it is held.
#[derive(Debug)]
pub(crate) struct Server {
    bound: Bound,
    accepting: JoinHandle<()>,
    closing: CancellationToken,
    /// Is told nothing, and ends when no command runs any more.
    running: mpsc::Receiver<()>,
}

/// What serving takes.
#[derive(Debug, Clone)]
struct Reception {
    shared: Arc<Shared>,
    places: Arc<Semaphore>,
    closing: CancellationToken,
    running: mpsc::Sender<()>,
}

impl Server {
    /// Opens the way. The data directory has to be locked by this process.
    pub(crate) fn open(dir: &Path, shared: Shared) -> io::Result<Self> {
        let (bound, listener) = Bound::make(dir)?;
        let listener = UnixListener::from_std(listener)?;
        let closing = CancellationToken::new();
        let (sender, running) = mpsc::channel(1);
        let reception = Reception {
            shared: Arc::new(shared),
            places: Arc::new(Semaphore::new(CLIENTS)),
            closing: closing.clone(),
            running: sender,
        };
        let accepting = tokio::spawn(accept(listener, reception));
        Ok(Self { bound, accepting, closing, running })
    }

    /// Closes the way: clients are left, and commands that are under way come to an end, if they do so soon.
    pub(crate) async fn close(self) {
        let Self { bound, accepting, closing, mut running } = self;
        closing.cancel();
        drop(bound);
        if accepting.await.is_ok() {
            // Until the last that could say something is gone.
            drop(timeout(LAST, running.recv()).await);
        }
    }
}

async fn accept(listener: UnixListener, reception: Reception) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = reception.closing.cancelled() => return,
        };
        match accepted {
            Ok((stream, _address)) => drop(tokio::spawn(attend(stream, reception.clone()))),
            Err(error) => {
                tracing::warn!(target: "verso.sync", %error, "a command could not be taken in");
                sleep(REST).await;
            }
        }
    }
}

/// Serves a client to its end.
async fn attend(mut stream: UnixStream, reception: Reception) {
    let is_ours = stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::geteuid().as_raw());
    let place = Arc::clone(&reception.places).try_acquire_owned();
    let welcome = match (is_ours, &place) {
        (false, _) => Welcome::Foreign,
        (true, Err(_)) => Welcome::Busy,
        (true, Ok(_)) => Welcome::Ready,
    };
    let greeted = timeout(PATIENCE, stream.write_all(&Greeting::new(welcome).encode())).await;
    let (Welcome::Ready, Ok(place), Ok(Ok(()))) = (welcome, place, greeted) else { return };
    let closing = reception.closing.clone();
    let said = tokio::select! {
        said = timeout(PATIENCE, read(&mut stream)) => said,
        () = closing.cancelled() => return,
    };
    let Ok(Ok(ToServer::Run(run))) = said else {
        tracing::debug!(target: "verso.sync", "a client said nothing that makes sense");
        return;
    };
    let Some(guest) = start(run, reception, place) else { return };
    let (mut reader, mut writer) = stream.into_split();
    tokio::select! {
        () = hear(&mut reader, &guest) => {}
        () = async {
            while let Some(frame) = guest.outbox().next().await {
                if writer.write_all(&frame).await.is_err() {
                    return;
                }
            }
        } => {}
        () = closing.cancelled() => {}
    }
    guest.leave();
}

/// Starts the command on a thread of its own, since it may wait for disks and people.
fn start(run: Run, reception: Reception, place: OwnedSemaphorePermit) -> Option<Arc<Guest>> {
    let Run { words, directory, variables, terminals } = run;
    let variables: BTreeMap<String, OsString> =
        variables.into_iter().map(|(name, value)| (name, OsString::from_vec(value))).collect();
    let guest = Arc::new(Guest::new(terminals, variables));
    let words: Vec<OsString> = words.into_iter().map(OsString::from_vec).collect();
    let Reception { shared, running, .. } = reception;
    let host = Host::new(shared, OsString::from_vec(directory).into());
    let seat = Arc::clone(&guest);
    let command = move || {
        let code = catch_unwind(AssertUnwindSafe(|| app::run_for(&words, &seat, host)));
        seat.finish(code.unwrap_or_else(|_panic| {
            tracing::error!(target: "verso.sync", "a command ended by a defect of the program");
            app::defect(&seat)
        }));
        drop((place, running));
    };
    match std::thread::Builder::new().name("verso-command".into()).spawn(command) {
        Ok(_detached) => Some(guest),
        Err(error) => {
            tracing::warn!(target: "verso.sync", %error, "a command could not be started");
            None
        }
    }
}

/// Takes in what the client says until it leaves.
async fn hear(reader: &mut (impl AsyncRead + Unpin), guest: &Guest) {
    loop {
        match read(reader).await {
            Ok(ToServer::Answer { number, answer }) => guest.answer(number, answer),
            Ok(ToServer::Interrupt) => guest.interrupt(),
            Ok(ToServer::Unread) => guest.unread(),
            Ok(ToServer::Input(piece)) => guest.take_in(piece).await,
            Ok(ToServer::Run(_)) | Err(_) => return,
        }
    }
}

async fn read(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<ToServer> {
    let mut head = [0; LENGTH];
    reader.read_exact(&mut head).await?;
    let len = length(head, MAX_TO_SERVER).map_err(io::Error::other)?;
    let mut body = Zeroizing::new(Vec::new());
    let most = u64::try_from(len).unwrap_or(u64::MAX);
    if reader.take(most).read_to_end(&mut body).await? < len {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    ToServer::decode(&body).map_err(io::Error::other)
}
