//! [`Guest`]: the seat of a command that came by the control socket.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc as channel;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::frame::{MAX_TO_CLIENT, NoAnswer, Question, Stream, ToClient};
use super::outbox::Outbox;
use crate::progress::Shape;
use crate::seat::Terminals;

/// Longest text of a question, and longest piece of output in a frame: with what stands around it, it fits.
const PIECE: usize = MAX_TO_CLIENT - 64;

/// How many pieces of input may wait. A piece is something that a person did.
const INPUTS: usize = 16;

type Answer = Result<Zeroizing<Vec<u8>>, NoAnswer>;

/// The process at the other end of a control socket, as the command that runs for it sees it.
///
/// What is asked waits for whoever is asked there; it is over at once when the client leaves.
#[derive(Debug)]
pub(crate) struct Guest {
    outbox: Outbox,
    terminals: Terminals,
    /// Variables of its environment, without those that are secrets.
    variables: BTreeMap<String, OsString>,
    asked: Mutex<Asked>,
    /// How many questions there were, which numbers them.
    questions: AtomicU32,
    /// The client was told to end, or is gone.
    interrupted: CancellationToken,
    /// Whether the command does something about that.
    listens: AtomicBool,
    /// Whether anybody reads its standard output.
    is_read: AtomicBool,
    /// The way of its standard input to the command; `None` once the client has left.
    input: Mutex<Option<channel::Sender<Input>>>,
    /// The other end of it; `None` once the command listens.
    unheard: Mutex<Option<channel::Receiver<Input>>>,
}

/// A piece of a client's standard input.
type Input = Zeroizing<Vec<u8>>;

/// Questions that wait for their answers. `None` once the client has left.
type Asked = Option<BTreeMap<u32, mpsc::SyncSender<Answer>>>;

impl Guest {
    pub(super) fn new(terminals: Terminals, variables: BTreeMap<String, OsString>) -> Self {
        let (way, input) = channel::channel(INPUTS);
        Self {
            outbox: Outbox::default(),
            terminals,
            variables,
            asked: Mutex::new(Some(BTreeMap::new())),
            questions: AtomicU32::new(0),
            interrupted: CancellationToken::new(),
            listens: AtomicBool::new(false),
            is_read: AtomicBool::new(true),
            input: Mutex::new(Some(way)),
            unheard: Mutex::new(Some(input)),
        }
    }

    pub(crate) const fn terminals(&self) -> Terminals {
        self.terminals
    }

    /// Writes to its standard output. Waits while it does not read.
    pub(crate) fn print(&self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.chunks(PIECE) {
            if !self.is_read.load(Ordering::SeqCst) {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.outbox.push(&ToClient::Print(Stream::Output, Zeroizing::new(piece.to_vec())))?;
        }
        Ok(())
    }

    /// Writes to its standard error, if it reads.
    pub(crate) fn note(&self, bytes: &[u8]) {
        for piece in bytes.chunks(PIECE) {
            self.outbox.push_now(&ToClient::Print(Stream::Error, Zeroizing::new(piece.to_vec())));
        }
    }

    /// Shows how far something is.
    pub(crate) fn gauge(&self, shape: Shape, what: &str, done: u64, of: u64) {
        self.outbox.show(ToClient::Gauge { shape, what: what.to_owned(), done, of });
    }

    pub(crate) fn end_gauge(&self) {
        self.outbox.push_now(&ToClient::EndGauge);
    }

    pub(crate) fn secret(&self, question: &str) -> io::Result<Zeroizing<String>> {
        text(&self.ask(Question::Secret, question)?)
    }

    pub(crate) fn agrees(&self, question: &str) -> io::Result<bool> {
        Ok(self.ask(Question::Consent, question)?.as_slice() == b"y")
    }

    pub(crate) fn code(&self, question: &str) -> io::Result<String> {
        Ok(text(&self.ask(Question::Code, question)?)?.to_string())
    }

    /// The first line of its standard input.
    pub(crate) fn line(&self) -> io::Result<Zeroizing<String>> {
        text(&self.ask(Question::Line, "")?)
    }

    /// A variable of its environment.
    pub(crate) fn variable(&self, name: &str) -> Option<OsString> {
        self.variables.get(name).cloned()
    }

    /// A variable of its environment that is a secret, which is told only if it is needed.
    pub(crate) fn secret_variable(&self, name: &str) -> Option<OsString> {
        text(&self.ask(Question::Variable, name).ok()?).ok().map(|text| text.as_str().into())
    }

    /// Listens from now on to what would interrupt the command: a signal to the client, or its end.
    pub(crate) fn interruption(&self) -> CancellationToken {
        self.listens.store(true, Ordering::SeqCst);
        self.interrupted.clone()
    }

    /// Returns its standard input, which ends when the client leaves. `None` the second time.
    #[cfg(feature = "panel")]
    pub(crate) fn input(&self) -> Option<channel::Receiver<Input>> {
        self.unheard.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn ask(&self, question: Question, asked: &str) -> io::Result<Zeroizing<Vec<u8>>> {
        let (sender, answer) = mpsc::sync_channel(1);
        let number = self.questions.fetch_add(1, Ordering::Relaxed);
        match self.asked().as_mut() {
            Some(waiting) => waiting.insert(number, sender),
            None => return Err(io::ErrorKind::BrokenPipe.into()),
        };
        let text = asked.chars().take(PIECE / char::MAX.len_utf8()).collect();
        self.outbox.push_now(&ToClient::Ask { number, question, text });
        // Without the client there is nobody to answer.
        match answer.recv() {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(NoAnswer::Stopped)) => Err(io::ErrorKind::Interrupted.into()),
            Ok(Err(NoAnswer::Failed)) => Err(io::Error::other("no answer could be read")),
            Err(mpsc::RecvError) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Takes in an answer. One to no question is heard by nobody.
    pub(super) fn answer(&self, number: u32, answer: Answer) {
        if let Some(waiting) = self.asked().as_mut().and_then(|asked| asked.remove(&number)) {
            drop(waiting.send(answer));
        }
    }

    /// The client was told to end. If the command does nothing about it, the client ends by itself.
    pub(super) fn interrupt(&self) {
        if self.listens.load(Ordering::SeqCst) {
            self.interrupted.cancel();
        } else {
            self.outbox.push_now(&ToClient::Unheard);
        }
    }

    /// Nobody reads its standard output any more.
    pub(super) fn unread(&self) {
        self.is_read.store(false, Ordering::SeqCst);
    }

    /// Takes in a piece of its standard input. Waits while the command does not come to those before it.
    pub(super) async fn take_in(&self, piece: Input) {
        let Some(way) = self.way_in().clone() else { return };
        // A command that has ended needs no more.
        drop(way.send(piece).await);
    }

    /// The client is gone: nobody reads or answers any more, and the command is to end.
    pub(super) fn leave(&self) {
        self.interrupted.cancel();
        *self.asked() = None;
        *self.way_in() = None;
        self.outbox.leave();
    }

    /// Whether the client is gone, so that the command is for nobody.
    pub(crate) fn has_left(&self) -> bool {
        self.asked().is_none()
    }

    /// The command is over.
    pub(super) fn finish(&self, code: u8) {
        self.outbox.finish(&ToClient::Done(code));
    }

    pub(super) const fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    fn way_in(&self) -> MutexGuard<'_, Option<channel::Sender<Input>>> {
        self.input.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn text(bytes: &[u8]) -> io::Result<Zeroizing<String>> {
    let text = std::str::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn guest() -> Arc<Guest> {
        Arc::new(Guest::new(Terminals::default(), BTreeMap::new()))
    }

    async fn next(guest: &Guest) -> ToClient {
        ToClient::decode(&guest.outbox.next().await.unwrap()[4..]).unwrap()
    }

    #[tokio::test]
    async fn questions_are_answered_by_their_numbers() {
        let guest = guest();
        let [first, second] = ["one", "two"].map(|text| {
            let guest = Arc::clone(&guest);
            std::thread::spawn(move || guest.secret(text))
        });
        let mut expected = BTreeMap::new();
        for _ in 0..2 {
            let ToClient::Ask { number, question: Question::Secret, text } = next(&guest).await else { panic!() };
            expected.insert(text, number);
        }
        guest.answer(77, Ok(Zeroizing::new(b"to nothing".to_vec())));
        guest.answer(expected["two"], Err(NoAnswer::Stopped));
        guest.answer(expected["one"], Ok(Zeroizing::new(b"tea".to_vec())));
        assert_eq!(first.join().unwrap().unwrap().as_str(), "tea");
        assert_eq!(second.join().unwrap().unwrap_err().kind(), io::ErrorKind::Interrupted);
    }

    #[test]
    fn when_the_client_leaves_every_question_is_over_and_the_command_is_interrupted() {
        let guest = guest();
        let interruption = guest.interruption();
        let asking = Arc::clone(&guest);
        let asking = std::thread::spawn(move || asking.agrees("Pair?"));
        assert!(!guest.has_left());
        guest.leave();
        assert!(guest.has_left());
        assert_eq!(asking.join().unwrap().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(guest.agrees("Pair?").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert!(interruption.is_cancelled());
        assert_eq!(guest.print(b"anybody?").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[cfg(feature = "panel")]
    #[tokio::test]
    async fn input_waits_for_the_command_and_ends_with_the_client() {
        let guest = guest();
        let piece = |text: &[u8]| Zeroizing::new(text.to_vec());
        for _ in 0..INPUTS {
            guest.take_in(piece(b"one")).await;
        }
        let mut input = guest.input().unwrap();
        assert!(guest.input().is_none(), "one listens");
        let (held, more) = (Arc::clone(&guest), piece(b"more"));
        let mut waiting = tokio::spawn(async move { held.take_in(more).await });
        assert!(futures_now(&mut waiting).await.is_none(), "there is room for no more");
        assert_eq!(input.recv().await.unwrap().as_slice(), b"one");
        waiting.await.unwrap();
        guest.leave();
        let mut rest = 0;
        while input.recv().await.is_some() {
            rest += 1;
        }
        assert_eq!(rest, INPUTS, "what came before it left is taken in");
    }

    /// What a task has come to by now.
    #[cfg(feature = "panel")]
    async fn futures_now<T>(task: &mut tokio::task::JoinHandle<T>) -> Option<T> {
        tokio::task::yield_now().await;
        tokio::select! {
            biased;
            done = task => done.ok(),
            () = std::future::ready(()) => None,
        }
    }

    #[tokio::test]
    async fn a_signal_to_a_command_that_does_not_listen_is_the_client_s_own_business() {
        let guest = guest();
        guest.interrupt();
        assert_eq!(next(&guest).await, ToClient::Unheard);
        assert!(!guest.interruption().is_cancelled());
        guest.interrupt();
        assert!(guest.interruption().is_cancelled());
    }
}
