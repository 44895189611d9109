//! [`Connection`]: from a command line to the `verso up` that carries it out, and back to this process's streams.

use std::env;
use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::emulate_default_handler;
use zeroize::Zeroizing;

use super::frame::{
    Greeting, LENGTH, MAX_GREETING, MAX_TO_CLIENT, MAX_TO_SERVER, NoAnswer, Question, Run, Stream, ToClient, ToServer,
    VERSION, Welcome, length,
};
use super::host::ended;
use super::socket;
use crate::error::{CliError, Exit};
use crate::home::Home;
use crate::output::{self, Output};
use crate::progress::{Gauge, Shape};
use crate::prompt::{Confidant as _, Person as _, Terminal};
use crate::seat::Terminals;
use crate::settings::{Environment, variable};

/// How long `up` may take to say that it is there: it does so at once, unless it was stopped, or the machine is very busy.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection to a `verso up` that is ready for a command.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: UnixStream,
}

/// The way back, which answers and signals share.
type Way = Arc<Mutex<UnixStream>>;

impl Connection {
    /// Reaches the `verso up` that has the data directory, if one has it. A socket that a killed process left is nobody's.
    pub(crate) fn reach(home: &Home) -> Result<Option<Self>, CliError> {
        let Some(socket) = socket::find(home.dir()) else { return Ok(None) };
        let Ok(mut stream) = UnixStream::connect(socket) else { return Ok(None) };
        let greeting = stream.set_read_timeout(Some(PATIENCE)).and_then(|()| read_greeting(&mut stream));
        let greeting = match greeting {
            Ok(greeting) => greeting,
            // It may have ended meanwhile; then the directory is free.
            Err(_silent) => return home.lock().map(|_lock| None).map_err(|error| silent(&error)),
        };
        let why = match greeting {
            Greeting { welcome: Welcome::Foreign, .. } => "another user's `verso up` is using it".to_owned(),
            Greeting { version, program, .. } if version != VERSION || program != env!("CARGO_PKG_VERSION") => format!(
                "the `verso up` that is using it is version {program}, and this is version {}",
                env!("CARGO_PKG_VERSION")
            ),
            Greeting { welcome: Welcome::Busy, .. } => {
                "`verso up` is using it, and carries out as many other commands as it can".to_owned()
            }
            Greeting { welcome: Welcome::Ready, .. } => {
                stream.set_read_timeout(None).map_err(|error| lost(&error))?;
                return Ok(Some(Self { stream }));
            }
        };
        let hint = match greeting.welcome {
            Welcome::Foreign => "run the command as that user, or name a directory of your own with --data-dir",
            Welcome::Busy => "run it again when one of them has ended",
            Welcome::Ready => "end that `verso up` with Ctrl-C, and start it again with the program that you use now",
        };
        Err(CliError::new(Exit::Locked, cant_use(home), why, hint))
    }

    /// Tells whether somebody listens on the socket of a data directory, which may not be ready for a command.
    pub(crate) fn is_there(home: &Home) -> bool {
        socket::find(home.dir()).is_some_and(|socket| UnixStream::connect(socket).is_ok())
    }

    /// Has the command carried out, and returns its exit code.
    pub(crate) fn run(self, words: &[OsString], output: &Output) -> Result<u8, CliError> {
        self.run_into(words, &mut |bytes| output.seat().print(bytes))
    }

    /// As [`run`](Self::run), with another use for what the command prints.
    pub(crate) fn run_into(
        self,
        words: &[OsString],
        print: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<u8, CliError> {
        let frame = run(words)?;
        let way = self.way()?;
        let signals = listen_to_signals(&way)?;
        send(&way, &frame).map_err(|_gone| ended())?;
        let mut at_work = AtWork::new(self.stream, way);
        let done = at_work.carry_on(print);
        at_work.end(&done);
        signals.close();
        done
    }

    /// Begins a command whose standard input is given to it piece by piece, and that nobody here signals to.
    #[cfg(feature = "panel")]
    pub(crate) fn converse(self, words: &[OsString]) -> Result<(Ear, Mouth, Leave), CliError> {
        let frame = run(words)?;
        let way = self.way()?;
        let leave = Leave(self.stream.try_clone().map_err(|error| lost(&error))?);
        send(&way, &frame).map_err(|_gone| ended())?;
        Ok((Ear(AtWork::new(self.stream, Arc::clone(&way))), Mouth(way), leave))
    }

    fn way(&self) -> Result<Way, CliError> {
        Ok(Arc::new(Mutex::new(self.stream.try_clone().map_err(|error| lost(&error))?)))
    }
}

/// The frame that says what is to run.
fn run(words: &[OsString]) -> Result<Zeroizing<Vec<u8>>, CliError> {
    let run = ToServer::Run(Run {
        words: words.iter().map(|word| word.as_bytes().to_vec()).collect(),
        directory: env::current_dir().map(|directory| directory.into_os_string().into_vec()).unwrap_or_default(),
        variables: variables(),
        terminals: Terminals::here(),
    });
    let frame = run.encode();
    if frame.len() > MAX_TO_SERVER {
        let why = format!("it has {} bytes; `verso up` takes at most {MAX_TO_SERVER}", frame.len());
        return Err(CliError::new(Exit::Usage, "the command line is too long", why, "split it into several"));
    }
    Ok(frame)
}

/// What a command says that is under way.
#[cfg(feature = "panel")]
pub(crate) struct Ear(AtWork);

/// What is said to a command that is under way.
#[cfg(feature = "panel")]
pub(crate) struct Mouth(Way);

/// Dropped, a command is left: whoever hears it or says something to it waits no longer.
#[cfg(feature = "panel")]
#[derive(Debug)]
pub(crate) struct Leave(UnixStream);

#[cfg(feature = "panel")]
impl Ear {
    /// Hears it to its end, and returns its exit code.
    pub(crate) fn hear(mut self, print: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> Result<u8, CliError> {
        let done = self.0.carry_on(print);
        self.0.end(&done);
        done
    }
}

#[cfg(feature = "panel")]
impl Mouth {
    /// Says a piece. Waits while the other end takes nothing in.
    pub(crate) fn say(&self, piece: Zeroizing<Vec<u8>>) -> io::Result<()> {
        send(&self.0, &ToServer::Input(piece).encode())
    }
}

#[cfg(feature = "panel")]
impl Drop for Leave {
    fn drop(&mut self) {
        // If it has ended already, there is nobody to leave.
        self.0.shutdown(std::net::Shutdown::Both).unwrap_or_default();
    }
}

/// A command under way.
struct AtWork {
    stream: UnixStream,
    way: Way,
    gauge: Option<(Shape, Gauge)>,
    /// Threads at which somebody is asked.
    questions: Vec<JoinHandle<()>>,
    /// Whether anybody reads standard output.
    is_read: bool,
}

impl AtWork {
    const fn new(stream: UnixStream, way: Way) -> Self {
        Self { stream, way, gauge: None, questions: Vec::new(), is_read: true }
    }

    /// Does what the command wants done here, until it is over.
    fn carry_on(&mut self, print: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> Result<u8, CliError> {
        loop {
            let frame = read(&mut self.stream, MAX_TO_CLIENT).map_err(|_gone| ended())?;
            match ToClient::decode(&frame).map_err(|error| lost(&error))? {
                ToClient::Print(Stream::Output, bytes) if self.is_read => self.printed(print(&bytes))?,
                ToClient::Print(Stream::Output, _unread) => {}
                ToClient::Print(Stream::Error, bytes) => io::stderr().write_all(&bytes).unwrap_or_default(),
                ToClient::Ask { number, question, text } => self.ask(number, question, text),
                ToClient::Gauge { shape, what, done, of } => {
                    if self.gauge.as_ref().is_none_or(|(shown, _)| *shown != shape) {
                        self.gauge = Some((shape, Gauge::here(shape)));
                    }
                    if let Some((_, gauge)) = &self.gauge {
                        gauge.show(&what, done, of);
                    }
                }
                ToClient::EndGauge => self.gauge = None,
                ToClient::Unheard => emulate_default_handler(SIGINT).map_err(|error| lost(&error))?,
                ToClient::Done(code) => return Ok(code),
            }
        }
    }

    fn printed(&mut self, done: io::Result<()>) -> Result<(), CliError> {
        let Err(error) = done else { return Ok(()) };
        output::written(&error)?;
        // A reader that has seen enough is no failure; the command is told as it would be here.
        self.is_read = false;
        send(&self.way, &ToServer::Unread.encode()).map_err(|_gone| ended())
    }

    /// Asks whoever sits here, beside everything else.
    fn ask(&mut self, number: u32, question: Question, text: String) {
        let way = Arc::clone(&self.way);
        let asking = thread::spawn(move || {
            let answer = ToServer::Answer { number, answer: answer(question, &text) };
            // Nobody waits for it any more if the other end is gone.
            send(&way, &answer.encode()).unwrap_or_default();
        });
        self.questions.retain(|asking| !asking.is_finished());
        self.questions.push(asking);
    }

    /// Leaves the terminal as it was: it belongs to a question until that is answered.
    fn end(self, done: &Result<u8, CliError>) {
        drop(self.gauge);
        let waiting: Vec<_> = self.questions.into_iter().filter(|asking| !asking.is_finished()).collect();
        if done.is_err() && !waiting.is_empty() && Terminal.is_there() {
            Terminal.tell("\n`verso up` has ended meanwhile; press Enter.");
            for asking in waiting {
                asking.join().unwrap_or_default();
            }
        }
    }
}

fn answer(question: Question, text: &str) -> Result<Zeroizing<Vec<u8>>, NoAnswer> {
    let answered = match question {
        Question::Secret => Terminal.secret(text).map(|text| Zeroizing::new(text.as_bytes().to_vec())),
        Question::Consent => Terminal.agrees(text).map(|yes| Zeroizing::new(if yes { b"y" } else { b"n" }.to_vec())),
        Question::Code => Terminal.code(text).map(|code| Zeroizing::new(code.into_bytes())),
        Question::Line => Terminal.line().map(|line| Zeroizing::new(line.as_bytes().to_vec())),
        Question::Variable => {
            let is_ours = variable::SECRETS.contains(&text);
            let value = is_ours.then(|| Environment::Process.get(text)).flatten();
            return value.map(|value| Zeroizing::new(value.into_vec())).ok_or(NoAnswer::Failed);
        }
    };
    answered.map_err(
        |error| {
            if error.kind() == io::ErrorKind::Interrupted { NoAnswer::Stopped } else { NoAnswer::Failed }
        },
    )
}

/// What the command may want to know of the environment. What is secret is told only when it is asked for.
fn variables() -> Vec<(String, Vec<u8>)> {
    let told = variable::OPEN.iter().filter_map(|name| {
        let value = Environment::Process.get(name)?;
        Some(((*name).to_owned(), value.into_vec()))
    });
    told.collect()
}

/// Passes on what tells this process to end, until the handle is closed. A second time it does.
fn listen_to_signals(way: &Way) -> Result<Handle, CliError> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(|error| lost(&error))?;
    let handle = signals.handle();
    let way = Arc::clone(way);
    thread::spawn(move || {
        let mut is_first = true;
        for signal in signals.forever() {
            if !is_first || send(&way, &ToServer::Interrupt.encode()).is_err() {
                emulate_default_handler(signal).unwrap_or_default();
            }
            is_first = false;
        }
    });
    Ok(handle)
}

fn send(way: &Way, frame: &[u8]) -> io::Result<()> {
    way.lock().unwrap_or_else(PoisonError::into_inner).write_all(frame)
}

fn read_greeting(stream: &mut UnixStream) -> io::Result<Greeting> {
    let frame = read(stream, MAX_GREETING)?;
    Greeting::decode(&frame).map_err(io::Error::other)
}

/// Reads a frame, no further than it goes.
fn read(stream: &mut UnixStream, most: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut head = [0; LENGTH];
    stream.read_exact(&mut head)?;
    let mut body = Zeroizing::new(vec![0; length(head, most).map_err(io::Error::other)?]);
    stream.read_exact(&mut body)?;
    Ok(body)
}

fn cant_use(home: &Home) -> String {
    format!("can't use the data directory {}", home.dir().display())
}

/// Somebody has the directory, and says nothing.
fn silent(locked: &CliError) -> CliError {
    let hint = "wait until it answers, or end it";
    if locked.exit != Exit::Locked {
        return locked.clone();
    }
    let why = format!("{}, and does not answer on its control socket", locked.why);
    CliError::new(Exit::Locked, locked.what.clone(), why, hint)
}

/// What went wrong at this end.
fn lost(error: &dyn std::error::Error) -> CliError {
    CliError::because(Exit::Failed, "can't speak with `verso up`", error, "run the command again")
}
