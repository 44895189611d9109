//! What goes through the control socket, byte by byte: see `docs/formats/control.md`.

use zeroize::Zeroizing;

use crate::progress::Shape;
use crate::seat::Terminals;

mod fields;

use fields::{Fields, Writer};

/// The version of the frames. Both ends are the same program as a rule; if not, whoever comes is told, by a greeting that never changes.
pub(super) const VERSION: u16 = 2;

/// What the greeting begins with.
const MAGIC: [u8; 8] = *b"VERSOCTL";

/// Longest greeting.
pub(super) const MAX_GREETING: usize = 256;

/// Longest frame to the client, without its length: a piece of output, or a question.
pub(super) const MAX_TO_CLIENT: usize = 64 << 10;

/// Longest frame to the server, without its length. A command line may name thousands of nodes; systems take no longer ones than a few MiB.
pub(super) const MAX_TO_SERVER: usize = 4 << 20;

/// Longest piece of standard input in a frame.
pub(super) const MAX_INPUT: usize = 256 << 10;

/// Bytes of the length in front of each frame.
pub(super) const LENGTH: usize = 4;

/// How the server takes whoever comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Welcome {
    /// It waits for the command.
    Ready,
    /// It has as many clients as it takes.
    Busy,
    /// It belongs to another user.
    Foreign,
}

/// The first thing that the server says. Its form is the same in every version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Greeting {
    pub(super) version: u16,
    pub(super) welcome: Welcome,
    /// The version of the program.
    pub(super) program: String,
}

/// A command, and what it needs to know of the process that came with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    /// The command line, the program's name first.
    pub(super) words: Vec<Vec<u8>>,
    /// The working directory.
    pub(super) directory: Vec<u8>,
    /// Variables of the environment, without those that are secrets.
    pub(super) variables: Vec<(String, Vec<u8>)>,
    pub(super) terminals: Terminals,
}

/// What is to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// A text that is not shown while it is typed.
    Secret,
    /// Yes or no.
    Consent,
    /// The code on another screen.
    Code,
    /// A variable of the environment that is a secret. Nobody is asked.
    Variable,
    /// The first line of standard input. Nobody is asked.
    Line,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// Whoever was asked stopped it.
    Stopped,
    /// The terminal can't be read, or there is no such variable.
    Failed,
}

/// What comes from the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ToServer {
    Run(Run),
    Answer {
        number: u32,
        answer: Result<Zeroizing<Vec<u8>>, NoAnswer>,
    },
    /// The client was told by a signal to end.
    Interrupt,
    /// Nobody reads the client's standard output any more.
    Unread,
    /// A piece of the client's standard input, for a command that listens to it.
    Input(Zeroizing<Vec<u8>>),
}

/// Which of a process's streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Output,
    Error,
}

/// What comes from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ToClient {
    Print(Stream, Zeroizing<Vec<u8>>),
    Ask {
        number: u32,
        question: Question,
        text: String,
    },
    /// How far something is.
    Gauge {
        shape: Shape,
        what: String,
        done: u64,
        of: u64,
    },
    EndGauge,
    /// The command does not listen to signals: the client does what a process does by itself.
    Unheard,
    /// It is over, with this exit code. The last frame.
    Done(u8),
}

/// Bytes that are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum FrameError {
    /// It ends too early.
    #[error("a frame ends too early")]
    Short,
    /// Something stands behind its end.
    #[error("something stands behind the end of a frame")]
    Trailing,
    /// Its kind, or another number in it, is not known.
    #[error("a frame says what is not known")]
    Unknown,
    /// A text in it is none.
    #[error("a text is not UTF-8")]
    NotText,
    /// It is longer than frames may be.
    #[error("a frame is longer than frames may be")]
    TooLong,
}

/// Reads the length of a frame.
pub(super) fn length(bytes: [u8; LENGTH], most: usize) -> Result<usize, FrameError> {
    let len = usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX);
    if len > most { Err(FrameError::TooLong) } else { Ok(len) }
}

impl Greeting {
    pub(super) fn new(welcome: Welcome) -> Self {
        Self { version: VERSION, welcome, program: env!("CARGO_PKG_VERSION").to_owned() }
    }

    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut frame = Writer::frame();
        frame.raw(&MAGIC);
        frame.u16(self.version);
        frame.u8(match self.welcome {
            Welcome::Ready => 0,
            Welcome::Busy => 1,
            Welcome::Foreign => 2,
        });
        frame.bytes(self.program.as_bytes());
        frame.finish()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, FrameError> {
        let mut fields = Fields::new(body);
        if fields.raw::<8>()? != MAGIC {
            return Err(FrameError::Unknown);
        }
        let version = fields.u16()?;
        let welcome = match fields.u8()? {
            0 => Welcome::Ready,
            1 => Welcome::Busy,
            2 => Welcome::Foreign,
            _ => return Err(FrameError::Unknown),
        };
        let program = fields.text()?;
        fields.end()?;
        Ok(Self { version, welcome, program })
    }
}

impl ToServer {
    /// The whole frame, its length first.
    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut frame = Writer::frame();
        match self {
            Self::Run(Run { words, directory, variables, terminals }) => {
                frame.u8(1);
                let Terminals { stdin, stdout, stderr } = *terminals;
                frame.u8(u8::from(stdin) | u8::from(stdout) << 1 | u8::from(stderr) << 2);
                frame.bytes(directory);
                frame.count(words.len());
                for word in words {
                    frame.bytes(word);
                }
                frame.count(variables.len());
                for (name, value) in variables {
                    frame.bytes(name.as_bytes());
                    frame.bytes(value);
                }
            }
            Self::Answer { number, answer } => {
                frame.u8(2);
                frame.u32(*number);
                match answer {
                    Ok(answer) => {
                        frame.u8(0);
                        frame.bytes(answer);
                    }
                    Err(NoAnswer::Stopped) => frame.u8(1),
                    Err(NoAnswer::Failed) => frame.u8(2),
                }
            }
            Self::Interrupt => frame.u8(3),
            Self::Unread => frame.u8(4),
            Self::Input(bytes) => {
                frame.u8(5);
                frame.bytes(bytes);
            }
        }
        frame.finish()
    }

    /// Reads a frame without its length.
    pub(super) fn decode(body: &[u8]) -> Result<Self, FrameError> {
        let mut fields = Fields::new(body);
        let frame = match fields.u8()? {
            1 => {
                let flags = fields.u8()?;
                if flags > 0b111 {
                    return Err(FrameError::Unknown);
                }
                let is_set = |place: u8| flags & (1 << place) != 0;
                let terminals = Terminals { stdin: is_set(0), stdout: is_set(1), stderr: is_set(2) };
                let directory = fields.bytes()?.to_vec();
                let words = fields.list(|fields| Ok(fields.bytes()?.to_vec()))?;
                let variables = fields.list(|fields| Ok((fields.text()?, fields.bytes()?.to_vec())))?;
                Self::Run(Run { words, directory, variables, terminals })
            }
            2 => {
                let number = fields.u32()?;
                let answer = match fields.u8()? {
                    0 => Ok(Zeroizing::new(fields.bytes()?.to_vec())),
                    1 => Err(NoAnswer::Stopped),
                    2 => Err(NoAnswer::Failed),
                    _ => return Err(FrameError::Unknown),
                };
                Self::Answer { number, answer }
            }
            3 => Self::Interrupt,
            4 => Self::Unread,
            5 => {
                let bytes = fields.bytes()?;
                if bytes.len() > MAX_INPUT {
                    return Err(FrameError::TooLong);
                }
                Self::Input(Zeroizing::new(bytes.to_vec()))
            }
            _ => return Err(FrameError::Unknown),
        };
        fields.end()?;
        Ok(frame)
    }
}

impl ToClient {
    /// The whole frame, its length first.
    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut frame = Writer::frame();
        match self {
            Self::Print(stream, bytes) => {
                frame.u8(match stream {
                    Stream::Output => 1,
                    Stream::Error => 2,
                });
                frame.raw(bytes);
            }
            Self::Ask { number, question, text } => {
                frame.u8(3);
                frame.u32(*number);
                frame.u8(match question {
                    Question::Secret => 0,
                    Question::Consent => 1,
                    Question::Code => 2,
                    Question::Variable => 3,
                    Question::Line => 4,
                });
                frame.bytes(text.as_bytes());
            }
            Self::Gauge { shape, what, done, of } => {
                frame.u8(4);
                frame.u8(match shape {
                    Shape::Phases => 0,
                    Shape::Bytes => 1,
                    Shape::Entries => 2,
                });
                frame.u64(*done);
                frame.u64(*of);
                frame.bytes(what.as_bytes());
            }
            Self::EndGauge => frame.u8(5),
            Self::Unheard => frame.u8(6),
            Self::Done(code) => {
                frame.u8(7);
                frame.u8(*code);
            }
        }
        frame.finish()
    }

    /// Reads a frame without its length.
    pub(super) fn decode(body: &[u8]) -> Result<Self, FrameError> {
        let mut fields = Fields::new(body);
        let frame = match fields.u8()? {
            1 => return Ok(Self::Print(Stream::Output, Zeroizing::new(fields.rest().to_vec()))),
            2 => return Ok(Self::Print(Stream::Error, Zeroizing::new(fields.rest().to_vec()))),
            3 => {
                let number = fields.u32()?;
                let question = match fields.u8()? {
                    0 => Question::Secret,
                    1 => Question::Consent,
                    2 => Question::Code,
                    3 => Question::Variable,
                    4 => Question::Line,
                    _ => return Err(FrameError::Unknown),
                };
                Self::Ask { number, question, text: fields.text()? }
            }
            4 => {
                let shape = match fields.u8()? {
                    0 => Shape::Phases,
                    1 => Shape::Bytes,
                    2 => Shape::Entries,
                    _ => return Err(FrameError::Unknown),
                };
                let (done, of) = (fields.u64()?, fields.u64()?);
                Self::Gauge { shape, what: fields.text()?, done, of }
            }
            5 => Self::EndGauge,
            6 => Self::Unheard,
            7 => Self::Done(fields.u8()?),
            _ => return Err(FrameError::Unknown),
        };
        fields.end()?;
        Ok(frame)
    }
}

#[cfg(test)]
mod tests;
