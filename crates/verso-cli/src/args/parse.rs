//! From the words of a command line to [`Cli`], and from what clap has to say about them to our form of errors.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};

use super::Cli;
use crate::error::{CliError, Exit};

/// A command line that is no command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoCommand {
    /// Somebody asked for help or the version: this is to be printed on standard output.
    Answer(String),
    /// Nothing was asked at all: this help is to be printed on standard error, and the exit code is that of usage.
    Help(String),
    /// It makes no sense.
    Nonsense(CliError),
}

impl Cli {
    /// Reads a command line, the program's name first.
    pub(crate) fn read(words: &[OsString]) -> Result<Self, NoCommand> {
        Self::try_parse_from(words).map_err(|error| match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => NoCommand::Answer(error.render().to_string()),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => NoCommand::Help(error.render().to_string()),
            _ => NoCommand::Nonsense(nonsense(&error.render().to_string(), &command(words))),
        })
    }
}

/// The command whose help tells more: as far as the words name one.
fn command(words: &[OsString]) -> String {
    let root = Cli::command();
    let (mut at, mut name) = (&root, root.get_name().to_owned());
    for word in words.iter().skip(1).filter_map(|word| word.to_str()) {
        if let Some(below) = at.find_subcommand(word) {
            at = below;
            name = format!("{name} {word}");
        }
    }
    name
}

/// Takes apart what clap says: paragraphs with the fault, tips, the usage, and a pointer to the help.
fn nonsense(told: &str, command: &str) -> CliError {
    let paragraphs: Vec<&str> = told.split("\n\n").map(str::trim).collect();
    let fault = paragraphs.first().map_or("", |fault| fault.strip_prefix("error: ").unwrap_or(fault));
    let usage = paragraphs.iter().find_map(|paragraph| paragraph.strip_prefix("Usage: "));
    let tips = paragraphs.iter().filter_map(|paragraph| paragraph.strip_prefix("tip: "));
    let mut hint: Vec<String> = tips.map(|tip| tip.replace("\n  tip: ", "; ")).collect();
    match usage {
        Some(usage) => hint.push(format!("usage: {usage}")),
        None => hint.push(format!("see `{command} --help`")),
    }
    CliError::new(Exit::Usage, "can't make sense of the command line", fault, hint.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Cli, NoCommand> {
        Cli::read(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    fn told(line: &str) -> (String, String) {
        match read(line) {
            Err(NoCommand::Nonsense(error)) => {
                assert_eq!(error.exit, Exit::Usage);
                assert!(!format!("{error:?}").contains("\\n"), "{error:?}");
                (error.why, error.hint)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nonsense_is_told_in_our_form() {
        let (why, hint) = told("verso statsu");
        assert_eq!(why, "unrecognized subcommand 'statsu'");
        assert!(hint.starts_with("a similar subcommand exists: 'status'; usage: verso "), "{hint}");
        let (why, hint) = told("verso import");
        assert_eq!(why, "the following required arguments were not provided: <FILE>");
        assert!(hint.starts_with("usage: verso import "), "{hint}");
        let (why, _) = told("verso id --network mars");
        let networks = "loopback, lan, relay=URL, public";
        assert_eq!(why, format!("invalid value 'mars' for '--network <NETWORK>': it has to be one of: {networks}"));
        let (why, _) = told("verso pair --ttl soon");
        assert!(why.ends_with("not a time like 90s, 5m or 24h"), "{why}");
        for line in ["verso --listen 4433 id", "verso join x --at desk:1", "verso address desk 10.0.0.1"] {
            let (why, _) = told(line);
            assert!(why.ends_with("with its port, such as 192.168.1.7:4433 or [fe80::1]:4433"), "{line}: {why}");
        }
    }

    #[test]
    fn the_hint_leads_to_the_help_of_the_command() {
        for (line, command) in [
            ("verso --network mars id", "verso id"),
            ("verso export --format xml", "verso export"),
            ("verso --data-dir d workspace share w p --access all", "verso workspace share"),
        ] {
            assert_eq!(told(line).1, format!("see `{command} --help`"), "{line}");
        }
    }

    #[test]
    fn help_and_version_are_answers() {
        let Err(NoCommand::Answer(help)) = read("verso pair --help") else { panic!("no help") };
        assert!(help.contains("Examples:") && help.contains("--ttl"), "{help}");
        let Err(NoCommand::Answer(version)) = read("verso --version") else { panic!("no version") };
        assert_eq!(version, format!("verso {}\n", env!("CARGO_PKG_VERSION")));
        let Err(NoCommand::Help(help)) = read("verso") else { panic!("no help") };
        assert!(help.contains("First steps:"), "{help}");
    }
}
