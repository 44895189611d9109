//! [`Seat`]: where whoever runs a command sits: at this process, or at another one that came by the control socket.

use std::io::{self, BufWriter, IsTerminal as _, Seek as _, StdoutLock, Write};
use std::sync::Arc;

use tempfile::SpooledTempFile;
use zeroize::Zeroizing;

use crate::control::Guest;
use crate::progress::{Gauge, Shape};
use crate::prompt::{Confidant, Person, Terminal};

/// How much of a long output is kept in memory before it goes to a temporary file.
const IN_MEMORY: usize = 1 << 20;

/// How much of a long output is sent at a time.
const PIECE: usize = 32 << 10;

/// The streams and the terminal that a command has. A command is the same wherever its seat is.
#[derive(Debug, Clone)]
pub(crate) enum Seat {
    /// Those of this process.
    Here,
    /// Those of the process at the other end of a control socket.
    Away(Arc<Guest>),
}

/// Which of the three streams are terminals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Terminals {
    pub(crate) stdin: bool,
    pub(crate) stdout: bool,
    pub(crate) stderr: bool,
}

impl Terminals {
    /// Looks at the streams of this process.
    pub(crate) fn here() -> Self {
        Self {
            stdin: io::stdin().is_terminal(),
            stdout: io::stdout().is_terminal(),
            stderr: io::stderr().is_terminal(),
        }
    }
}

impl Seat {
    pub(crate) fn terminals(&self) -> Terminals {
        match self {
            Self::Here => Terminals::here(),
            Self::Away(guest) => guest.terminals(),
        }
    }

    /// Writes to standard output. Waits while it takes nothing, so not while others wait for whoever writes.
    pub(crate) fn print(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Here => {
                let mut out = io::stdout().lock();
                out.write_all(bytes).and_then(|()| out.flush())
            }
            Self::Away(guest) => guest.print(bytes),
        }
    }

    /// Writes to standard error. Does not wait for a seat that is away.
    pub(crate) fn note(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Here => io::stderr().write_all(bytes),
            Self::Away(guest) => {
                guest.note(bytes);
                Ok(())
            }
        }
    }

    /// Whether nobody waits for the command any more, because whoever asked for it is gone, or the process in which it runs ends. What takes long, and keeps others
    /// waiting, looks now and then.
    pub(crate) fn is_left(&self) -> bool {
        match self {
            // A signal ends this process by itself.
            Self::Here => false,
            Self::Away(guest) => guest.has_left(),
        }
    }

    /// Begins a long output on standard output. Nobody is waited for while it is written.
    pub(crate) fn page(&self) -> Page<'_> {
        match self {
            Self::Here => Page::Here(BufWriter::new(io::stdout().lock())),
            Self::Away(guest) => Page::Away(guest, SpooledTempFile::new(IN_MEMORY)),
        }
    }

    /// Begins to show how far something is.
    pub(crate) fn gauge(&self, shape: Shape) -> Gauge {
        match self {
            Self::Here => Gauge::here(shape),
            Self::Away(guest) => Gauge::away(Arc::clone(guest), shape),
        }
    }
}

impl Confidant for Seat {
    fn is_there(&self) -> bool {
        match self {
            Self::Here => Terminal.is_there(),
            Self::Away(guest) => guest.terminals().stdin && guest.terminals().stderr,
        }
    }

    fn secret(&self, question: &str) -> io::Result<Zeroizing<String>> {
        match self {
            Self::Here => Terminal.secret(question),
            Self::Away(guest) => guest.secret(question),
        }
    }
}

impl Person for Seat {
    fn agrees(&self, question: &str) -> io::Result<bool> {
        match self {
            Self::Here => Terminal.agrees(question),
            Self::Away(guest) => guest.agrees(question),
        }
    }

    fn code(&self, question: &str) -> io::Result<String> {
        match self {
            Self::Here => Terminal.code(question),
            Self::Away(guest) => guest.code(question),
        }
    }

    fn line(&self) -> io::Result<Zeroizing<String>> {
        match self {
            Self::Here => Terminal.line(),
            Self::Away(guest) => guest.line(),
        }
    }

    fn tell(&self, text: &str) {
        match self {
            Self::Here => Terminal.tell(text),
            Self::Away(guest) => guest.note(format!("{text}\n").as_bytes()),
        }
    }
}

/// A long output on its way: printed at once where that keeps nobody waiting, else kept until it is [finished](Self::finish).
#[derive(Debug)]
pub(crate) enum Page<'a> {
    Here(BufWriter<StdoutLock<'static>>),
    Away(&'a Guest, SpooledTempFile),
}

impl Page<'_> {
    /// Has all of it printed. Waits while the seat takes nothing.
    pub(crate) fn finish(self) -> io::Result<()> {
        match self {
            Self::Here(mut out) => out.flush(),
            Self::Away(guest, mut kept) => {
                kept.rewind()?;
                let mut piece = vec![0; PIECE];
                loop {
                    let len = io::Read::read(&mut kept, &mut piece)?;
                    match piece.get(..len) {
                        Some(piece) if !piece.is_empty() => guest.print(piece)?,
                        _ => return Ok(()),
                    }
                }
            }
        }
    }
}

impl Write for Page<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Here(out) => out.write(bytes),
            Self::Away(_, kept) => kept.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Here(out) => out.flush(),
            Self::Away(_, kept) => kept.flush(),
        }
    }
}
