//! [`CliError`]: how every failure looks to a person and to a script: what, why, what to do, and an exit code.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

use crate::output::Paint;

/// What a failure means to a script. The numbers never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It was tried and did not work.
    Failed,
    /// The command line makes no sense.
    Usage,
    /// There is no identity in the data directory.
    NotInitialised,
    /// No peer could be reached, or none is paired.
    NoPeer,
    /// A peer, or a grant, refused.
    Refused,
    /// Stored data is damaged.
    Damaged,
    /// Another process has the data directory.
    Locked,
    /// The key store is not available, or did not open.
    KeyStore,
}

impl Exit {
    /// The process's exit code.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotInitialised => 3,
            Self::NoPeer => 4,
            Self::Refused => 5,
            Self::Damaged => 6,
            Self::Locked => 7,
            Self::KeyStore => 8,
        }
    }

    /// The same as a word, for whoever reads JSON with their eyes.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::NotInitialised => "not-initialised",
            Self::NoPeer => "no-peer",
            Self::Refused => "refused",
            Self::Damaged => "damaged",
            Self::Locked => "locked",
            Self::KeyStore => "key-store",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// A failure as it is shown. There is none without a reason and something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CliError {
    pub(crate) exit: Exit,
    /// What did not work, in the words of the command.
    pub(crate) what: String,
    /// Why it did not.
    pub(crate) why: String,
    /// What a person can do about it.
    pub(crate) hint: String,
}

impl CliError {
    /// The command was given up in the middle, since nobody waits for it any more.
    pub(crate) fn cut_short() -> Self {
        let why = "nobody waits for it any more";
        Self::new(Exit::Failed, "the command was cut short", why, "run it again; what was done before is kept")
    }

    /// Each part is one sentence without its full stop; line breaks become spaces.
    pub(crate) fn new(exit: Exit, what: impl Into<String>, why: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { exit, what: one_line(what.into()), why: one_line(why.into()), hint: one_line(hint.into()) }
    }

    /// As [`new`](Self::new); `cause` and its sources are the reason.
    pub(crate) fn because(exit: Exit, what: impl Into<String>, cause: &dyn Error, hint: impl Into<String>) -> Self {
        Self::new(exit, what, chain(cause), hint)
    }

    /// Writes the failure for a person, in three lines.
    pub(crate) fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        writeln!(out, "{} {}", paint.bad("error:"), self.what)?;
        writeln!(out, "  {} {}", paint.faint("why:"), self.why)?;
        writeln!(out, "   {} {}", paint.faint("do:"), self.hint)
    }

    /// Writes the failure for a script, as one document in one line.
    pub(crate) fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let document = Document {
            error: Fields {
                code: self.exit.code(),
                name: self.exit.name(),
                what: &self.what,
                why: &self.why,
                hint: &self.hint,
            },
        };
        serde_json::to_writer(&mut *out, &document)?;
        writeln!(out)
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why)
    }
}

impl Error for CliError {}

#[derive(Serialize)]
struct Document<'a> {
    error: Fields<'a>,
}

#[derive(Serialize)]
struct Fields<'a> {
    code: u8,
    name: &'static str,
    what: &'a str,
    why: &'a str,
    hint: &'a str,
}

/// An error and what caused it, outermost first, in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some libraries repeat the source in their own text.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

fn one_line(text: String) -> String {
    if text.contains(['\n', '\r']) { text.split_whitespace().collect::<Vec<_>>().join(" ") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locked() -> CliError {
        CliError::new(Exit::Locked, "can't open the data\n directory", "process 7 has it", "stop process 7")
    }

    #[test]
    fn a_person_reads_three_lines() {
        let mut out = Vec::new();
        locked().write_text(&mut out, Paint::Plain).unwrap();
        let expected = "error: can't open the data directory\n  why: process 7 has it\n   do: stop process 7\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_script_reads_one_document() {
        let mut out = Vec::new();
        locked().write_json(&mut out).unwrap();
        assert_eq!(out.split(|byte| *byte == b'\n').count(), 2, "one line, ended");
        let document: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let error = serde_json::json!({"code": 7, "name": "locked", "what": "can't open the data directory",
            "why": "process 7 has it", "hint": "stop process 7"});
        assert_eq!(document, serde_json::json!({ "error": error }));
    }

    #[test]
    fn every_exit_has_its_number() {
        let all = [
            (Exit::Failed, 1),
            (Exit::Usage, 2),
            (Exit::NotInitialised, 3),
            (Exit::NoPeer, 4),
            (Exit::Refused, 5),
            (Exit::Damaged, 6),
            (Exit::Locked, 7),
            (Exit::KeyStore, 8),
        ];
        for (exit, code) in all {
            assert_eq!(exit.code(), code);
        }
    }

    #[test]
    fn the_cause_is_told_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("can't read a.txt")]
        struct Outer(#[source] io::Error);
        #[derive(Debug, thiserror::Error)]
        #[error("can't read a.txt: {0}")]
        struct Repeating(#[source] io::Error);
        let cause = || io::Error::other("the disk is gone");
        assert_eq!(chain(&Outer(cause())), "can't read a.txt: the disk is gone");
        assert_eq!(chain(&Repeating(cause())), "can't read a.txt: the disk is gone");
    }
}
