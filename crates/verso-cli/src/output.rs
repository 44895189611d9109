//! [`Output`]: what a command has to say, for a person or, with `--json`, for a script.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;
use verso_identity::Name;
use zeroize::Zeroizing;

use crate::error::{CliError, Exit};
use crate::seat::Seat;

/// For whom a command writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A person at a terminal.
    Text,
    /// A script: one document a command, in one line.
    Json,
}

/// Whether text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    /// As it is.
    Plain,
    /// With ANSI escapes.
    Coloured,
}

impl Paint {
    /// Colour for a terminal, unless the user doesn't want it.
    fn for_stream(is_terminal: IsTerminal, wish: ColourWish) -> Self {
        match (is_terminal, wish) {
            (IsTerminal::Yes, ColourWish::None) => Self::Coloured,
            _ => Self::Plain,
        }
    }

    /// Names and headings.
    pub(crate) fn strong<T: fmt::Display>(self, text: T) -> Painted<T> {
        Painted { paint: self, escape: "1", text }
    }

    /// What is there for completeness.
    pub(crate) fn faint<T: fmt::Display>(self, text: T) -> Painted<T> {
        Painted { paint: self, escape: "2", text }
    }

    /// What went well.
    pub(crate) fn good<T: fmt::Display>(self, text: T) -> Painted<T> {
        Painted { paint: self, escape: "32", text }
    }

    /// What needs attention.
    pub(crate) fn warn<T: fmt::Display>(self, text: T) -> Painted<T> {
        Painted { paint: self, escape: "33", text }
    }

    /// What failed.
    pub(crate) fn bad<T: fmt::Display>(self, text: T) -> Painted<T> {
        Painted { paint: self, escape: "1;31", text }
    }
}

/// Text in a colour. Padding applies to the text and not to the escapes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Painted<T> {
    paint: Paint,
    escape: &'static str,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.paint {
            Paint::Plain => self.text.fmt(f),
            Paint::Coloured => {
                write!(f, "\x1b[{}m", self.escape)?;
                self.text.fmt(f)?;
                f.write_str("\x1b[0m")
            }
        }
    }
}

/// What a user said about colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColourWish {
    /// Nothing: coloured where it can be shown.
    None,
    /// `--no-color`, or the variable `NO_COLOR` (<https://no-color.org>).
    Plain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IsTerminal {
    Yes,
    No,
}

impl From<bool> for IsTerminal {
    fn from(is_terminal: bool) -> Self {
        if is_terminal { Self::Yes } else { Self::No }
    }
}

/// What a command has to say: its fields make the JSON document, and it knows how to tell them to a person.
pub(crate) trait Report: Serialize {
    /// Writes it for a person: whole lines, the last one ended too.
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()>;
}

/// Standard output and standard error of whoever runs the command, in the form that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    format: Format,
    stdout: Paint,
    stderr: Paint,
    seat: Seat,
}

impl Output {
    /// Looks at the streams of the seat.
    pub(crate) fn new(seat: Seat, format: Format, wish: ColourWish) -> Self {
        let terminals = seat.terminals();
        Self {
            format,
            stdout: Paint::for_stream(terminals.stdout.into(), wish),
            stderr: Paint::for_stream(terminals.stderr.into(), wish),
            seat,
        }
    }

    /// Whose streams these are.
    pub(crate) const fn seat(&self) -> &Seat {
        &self.seat
    }

    /// For whom this is.
    pub(crate) const fn format(&self) -> Format {
        self.format
    }

    /// Whether standard output is coloured.
    pub(crate) const fn stdout(&self) -> Paint {
        self.stdout
    }

    /// Whether standard error is coloured.
    pub(crate) const fn stderr(&self) -> Paint {
        self.stderr
    }

    /// Prints what a command has to say, on standard output.
    pub(crate) fn print(&self, report: &impl Report) -> Result<(), CliError> {
        self.written(report).and_then(|bytes| self.seat.print(&bytes)).or_else(|error| written(&error))
    }

    /// What is said may be a secret, as a link is.
    fn written(&self, report: &impl Report) -> io::Result<Zeroizing<Vec<u8>>> {
        let mut bytes = Zeroizing::new(Vec::new());
        match self.format {
            Format::Text => report.write_text(&mut *bytes, self.stdout),
            Format::Json => write_document(&mut *bytes, report),
        }?;
        Ok(bytes)
    }

    /// Tells a person something, on standard output; says nothing to a script.
    pub(crate) fn tell(&self, text: impl fmt::Display) -> Result<(), CliError> {
        if self.format == Format::Json {
            return Ok(());
        }
        self.seat.print(format!("{text}\n").as_bytes()).or_else(|error| written(&error))
    }

    /// Tells a person what is going on, on standard error; says nothing to a script.
    pub(crate) fn note(&self, text: impl fmt::Display) {
        if self.format == Format::Text {
            // Nobody is left to tell that nobody listens.
            self.seat.note(format!("{}\n", self.stderr.faint(text)).as_bytes()).unwrap_or_default();
        }
    }

    /// Tells of a failure, on standard error.
    pub(crate) fn fail(&self, error: &CliError) {
        let mut bytes = Vec::new();
        match self.format {
            Format::Text => error.write_text(&mut bytes, self.stderr),
            Format::Json => error.write_json(&mut bytes),
        }
        .and_then(|()| self.seat.note(&bytes))
        .unwrap_or_default();
    }
}

/// What somebody else wrote, in a form that can't change or hide what stands around it on a terminal: one line, without what no
/// [`Name`] may hold.
pub(crate) fn shown(text: &str) -> String {
    text.chars().map(|character| if Name::is_deceptive(character) { '\u{fffd}' } else { character }).collect()
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        // A string takes all that is written.
        write!(text, "{byte:02x}").unwrap_or_default();
    }
    text
}

/// A number as people read it: `513,425`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len().saturating_add(digits.len() / 3));
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && digits.len().saturating_sub(index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of something whose plural ends in s: `1 node`, `513,425 nodes`.
pub(crate) fn counted(number: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// A number of entries as people read it: `1 entry`, `513,425 entries`.
pub(crate) fn entries(number: u64) -> String {
    if number == 1 { "1 entry".to_owned() } else { format!("{} entries", grouped(number)) }
}

/// How many workspaces.
pub(crate) fn workspaces(number: u64) -> String {
    if number == 1 { "1 workspace".to_owned() } else { format!("{} workspaces", grouped(number)) }
}

/// An amount of data as people read it: `812 B`, `5.2 kB`, `2.1 MB`.
pub(crate) fn size(bytes: u64) -> String {
    // Tenths of the unit, rounded down: a figure never promises more than there is.
    let in_tenths = |unit: u64| format!("{}.{}", bytes / unit, bytes % unit / (unit / 10));
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", in_tenths(1_000)),
        1_000_000..1_000_000_000 => format!("{} MB", in_tenths(1_000_000)),
        _ => format!("{} GB", in_tenths(1_000_000_000)),
    }
}

/// Writes one document, in one line.
pub(crate) fn write_document(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, document)?;
    writeln!(out)
}

/// What a failed write to standard output means. A reader that has seen enough, as `head` does, is no failure.
pub(crate) fn written(error: &io::Error) -> Result<(), CliError> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Ok(());
    }
    let hint = "see that the place it is written to has room and may be written";
    Err(CliError::because(Exit::Failed, "can't write the output", error, hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Greeting {
        name: &'static str,
    }

    impl Report for Greeting {
        fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
            writeln!(out, "hello {:<5}|", paint.strong(self.name))
        }
    }

    fn printed(format: Format, stdout: Paint) -> String {
        let output = Output { format, stdout, stderr: Paint::Plain, seat: Seat::Here };
        let bytes = output.written(&Greeting { name: "Ada" }).unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn text_for_people_and_a_document_for_scripts() {
        assert_eq!(printed(Format::Text, Paint::Plain), "hello Ada  |\n");
        assert_eq!(printed(Format::Text, Paint::Coloured), "hello \x1b[1mAda  \x1b[0m|\n", "padded by what is seen");
        assert_eq!(printed(Format::Json, Paint::Coloured), "{\"name\":\"Ada\"}\n", "never coloured");
    }

    #[test]
    fn colour_only_where_it_is_seen_and_wanted() {
        assert_eq!(Paint::for_stream(IsTerminal::Yes, ColourWish::None), Paint::Coloured);
        assert_eq!(Paint::for_stream(IsTerminal::No, ColourWish::None), Paint::Plain);
        assert_eq!(Paint::for_stream(IsTerminal::Yes, ColourWish::Plain), Paint::Plain);
    }

    #[test]
    fn what_others_wrote_stays_in_its_line() {
        assert_eq!(shown("größer 🕸 ~"), "größer 🕸 ~");
        assert_eq!(
            shown("a\u{200b}b\u{ad}c\u{2066}d\u{feff}"),
            "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}",
            "nor may a name"
        );
        assert_eq!(shown("a\nb\x1b[31mc\u{202e}d\u{7f}"), "a\u{fffd}b\u{fffd}[31mc\u{fffd}d\u{fffd}");
    }

    #[test]
    fn numbers_for_people() {
        let expected = [(0, "0"), (999, "999"), (1000, "1,000"), (513_425, "513,425"), (1_000_000, "1,000,000")];
        for (number, text) in expected {
            assert_eq!(grouped(number), text);
        }
        assert_eq!([0, 1, 2_000].map(|number| counted(number, "tag")), ["0 tags", "1 tag", "2,000 tags"]);
        assert_eq!([0, 1, 2_000].map(entries), ["0 entries", "1 entry", "2,000 entries"]);
    }

    #[test]
    fn amounts_for_people() {
        let expected = [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (5_290, "5.2 kB"), (2_199_999, "2.1 MB")];
        for (bytes, text) in expected {
            assert_eq!(size(bytes), text);
        }
        assert_eq!(size(3_000_000_000), "3.0 GB");
    }

    #[test]
    fn a_reader_that_leaves_is_no_failure_and_a_full_disk_is() {
        assert_eq!(written(&io::ErrorKind::BrokenPipe.into()), Ok(()));
        assert_eq!(written(&io::ErrorKind::StorageFull.into()).unwrap_err().exit, Exit::Failed);
    }
}
