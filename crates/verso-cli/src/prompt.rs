//! Questions to the person at the terminal: the passphrase, and yes or no. Where nobody can be asked, an error says how
//! a script answers instead.

use std::io::{self, BufRead, IsTerminal as _};

use dialoguer::{Confirm, Input, Password};
use verso_identity::{EmptyPassphrase, Passphrase};
use verso_pairing::NearbyCode;
use zeroize::Zeroizing;

use crate::error::{CliError, Exit};
use crate::settings::{Environment, variable};

/// How often a person may mistype the second of two equal passphrases.
const ATTEMPTS: usize = 3;

/// Longest line that is read from standard input, in bytes: longer than any link.
pub(crate) const MAX_LINE: usize = 4 << 10;

/// Somebody who may know a passphrase.
pub(crate) trait Confidant {
    /// Tells whether there is anybody.
    fn is_there(&self) -> bool;
    /// Asks for a text that is not shown while it is typed.
    fn secret(&self, question: &str) -> io::Result<Zeroizing<String>>;
}

/// Somebody who can be asked whatever a command has to ask.
pub(crate) trait Person: Confidant {
    /// Asks a question whose answer, if it is just confirmed, is no.
    fn agrees(&self, question: &str) -> io::Result<bool>;
    /// Asks for the code that another screen shows; nothing is an answer, too.
    fn code(&self, question: &str) -> io::Result<String>;
    /// Takes the first line of standard input, where nobody is asked. Longer ones than [`MAX_LINE`] are an error.
    fn line(&self) -> io::Result<Zeroizing<String>>;
    /// Tells something before the next question.
    fn tell(&self, text: &str);
}

/// The terminal of this process. Questions go to standard error, so that standard output stays a command's own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal;

impl Confidant for Terminal {
    fn is_there(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    fn secret(&self, question: &str) -> io::Result<Zeroizing<String>> {
        let dialoguer::Error::IO(error) = match Password::new().with_prompt(question).report(false).interact() {
            Ok(text) => return Ok(Zeroizing::new(text)),
            Err(error) => error,
        };
        Err(error)
    }
}

impl Person for Terminal {
    fn agrees(&self, question: &str) -> io::Result<bool> {
        let question = Confirm::new().with_prompt(question).default(false);
        question.interact().map_err(|dialoguer::Error::IO(error)| error)
    }

    fn code(&self, question: &str) -> io::Result<String> {
        let is_code = |text: &String| {
            let is_fit = text.is_empty() || text.parse::<NearbyCode>().is_ok();
            if is_fit { Ok(()) } else { Err("a code is six digits") }
        };
        let question = Input::new().with_prompt(question).report(false).allow_empty(true);
        question.validate_with(is_code).interact_text().map_err(|dialoguer::Error::IO(error)| error)
    }

    fn line(&self) -> io::Result<Zeroizing<String>> {
        first_line(io::stdin().lock())
    }

    #[expect(clippy::print_stderr, reason = "half of a dialogue")]
    fn tell(&self, text: &str) {
        eprintln!("{text}");
    }
}

/// Reads a line, no further than it may go, and drops what ends it.
fn first_line(input: impl BufRead) -> io::Result<Zeroizing<String>> {
    // Room for all of it from the start: a buffer that grows leaves copies behind.
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_LINE + 1));
    let most = u64::try_from(MAX_LINE + 1).unwrap_or(u64::MAX);
    input.take(most).read_until(b'\n', &mut line)?;
    if line.len() > MAX_LINE && line.last() != Some(&b'\n') {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("its first line has more than {MAX_LINE} bytes"),
        ));
    }
    match std::str::from_utf8(&line) {
        Ok(text) => Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())),
        Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
    }
}

/// Gets what another device shows to be joined by, which is a secret, and so is better not on a command line: other users see those. At a terminal it
/// is asked for and not shown, else it is the first line of standard input.
pub(crate) fn pairing_code(person: &impl Person, what: &str) -> Result<Zeroizing<String>, CliError> {
    let text = if person.is_there() {
        person.secret("Link or six words (not shown)").map_err(|error| why(&error))
    } else {
        person.line().map_err(|error| format!("standard input can't be read: {error}"))
    };
    text.map_err(|why| CliError::new(Exit::Usage, what, why, "give the link or the six words in one line"))
}

/// Gets the passphrase of a key file that exists: from the environment, else by asking.
pub(crate) fn passphrase(environment: &Environment, person: &impl Confidant) -> Result<Passphrase, CliError> {
    const WHAT: &str = "can't open the key file";
    if let Some(given) = given(environment, WHAT)? {
        return Ok(given);
    }
    if !person.is_there() {
        return Err(nobody(WHAT, "set VERSO_PASSPHRASE to its passphrase, or run the command in a terminal"));
    }
    let text = person.secret("Passphrase").map_err(|error| unanswered(WHAT, &error))?;
    Passphrase::new(text).map_err(|error| refused(WHAT, error))
}

/// Gets the passphrase for a new key file: from the environment, else by asking twice.
pub(crate) fn new_passphrase(environment: &Environment, person: &impl Person) -> Result<Passphrase, CliError> {
    const WHAT: &str = "can't make a key file";
    if let Some(given) = given(environment, WHAT)? {
        return Ok(given);
    }
    if !person.is_there() {
        let hint = "set VERSO_PASSPHRASE to the new file's passphrase, or run the command in a terminal";
        return Err(nobody(WHAT, hint));
    }
    person.tell("This device's key will be kept in a file, encrypted under a passphrase of your choice.");
    ask_twice(person, WHAT)
}

/// Gets the passphrase that takes the place of another: from the environment, else by asking twice.
pub(crate) fn another_passphrase(environment: &Environment, person: &impl Person) -> Result<Passphrase, CliError> {
    const WHAT: &str = "can't change the passphrase";
    if let Some(text) = environment.text(variable::NEW_PASSPHRASE)? {
        return Passphrase::new(Zeroizing::new(text)).map_err(|error| refused(WHAT, error));
    }
    if !person.is_there() {
        let why = "VERSO_NEW_PASSPHRASE is not set, and there is no terminal to ask at";
        let hint = "set it to the new passphrase, or run the command in a terminal";
        return Err(CliError::new(Exit::KeyStore, WHAT, why, hint));
    }
    ask_twice(person, WHAT)
}

/// Gets the passphrase of a backup: from the environment, where the one of the key file does if none is given for backups; else by asking.
pub(crate) fn backup_passphrase(environment: &Environment, person: &impl Confidant) -> Result<Passphrase, CliError> {
    const WHAT: &str = "can't open the backup";
    if let Some(given) = given_for_backups(environment, WHAT)? {
        return Ok(given);
    }
    if !person.is_there() {
        return Err(nobody_knows(WHAT));
    }
    let text = person.secret("Passphrase of the backup").map_err(|error| unanswered(WHAT, &error))?;
    Passphrase::new(text).map_err(|error| refused(WHAT, error))
}

/// Gets the passphrase for a new backup: from the environment as [`backup_passphrase`] does, else by asking twice.
pub(crate) fn new_backup_passphrase(environment: &Environment, person: &impl Person) -> Result<Passphrase, CliError> {
    const WHAT: &str = "can't make a backup";
    if let Some(given) = given_for_backups(environment, WHAT)? {
        return Ok(given);
    }
    if !person.is_there() {
        return Err(nobody_knows(WHAT));
    }
    person.tell("The backup will be encrypted under a passphrase of your choice. Without it nobody can use the backup, you included.");
    ask_twice(person, WHAT)
}

fn given_for_backups(environment: &Environment, what: &str) -> Result<Option<Passphrase>, CliError> {
    match environment.text(variable::BACKUP_PASSPHRASE)? {
        Some(text) => Passphrase::new(Zeroizing::new(text)).map(Some).map_err(|error| refused(what, error)),
        None => given(environment, what),
    }
}

fn nobody_knows(what: &str) -> CliError {
    let why = "neither VERSO_BACKUP_PASSPHRASE nor VERSO_PASSPHRASE is set, and there is no terminal to ask at";
    CliError::new(Exit::KeyStore, what, why, "set VERSO_BACKUP_PASSPHRASE, or run the command in a terminal")
}

fn ask_twice(person: &impl Person, what: &str) -> Result<Passphrase, CliError> {
    for _attempt in 0..ATTEMPTS {
        let first = person.secret("New passphrase").map_err(|error| unanswered(what, &error))?;
        let second = person.secret("The same again").map_err(|error| unanswered(what, &error))?;
        if first == second {
            return Passphrase::new(first).map_err(|error| refused(what, error));
        }
        person.tell("These two differ.");
    }
    let why = format!("the two passphrases differed {ATTEMPTS} times");
    Err(CliError::new(Exit::KeyStore, what, why, "run the command again"))
}

/// Asks for consent. `--yes` is the answer of a script, and is not asked about here.
pub(crate) fn consent(person: &impl Person, what: &str, question: &str) -> Result<bool, CliError> {
    if !person.is_there() {
        return Err(nobody_to_agree(what));
    }
    person.agrees(question).map_err(|error| {
        let hint = "run the command again, or with --yes if that is what you want";
        CliError::new(Exit::Failed, what, why(&error), hint)
    })
}

/// There is nobody who could consent.
pub(crate) fn nobody_to_agree(what: &str) -> CliError {
    let why = "it needs somebody's consent, and there is no terminal to ask at";
    CliError::new(Exit::Usage, what, why, "run it in a terminal, or with --yes if that is what you want")
}

/// The passphrase that the environment gives.
pub(crate) fn given(environment: &Environment, what: &str) -> Result<Option<Passphrase>, CliError> {
    let Some(text) = environment.text(variable::PASSPHRASE)? else { return Ok(None) };
    Passphrase::new(Zeroizing::new(text)).map(Some).map_err(|error| refused(what, error))
}

fn nobody(what: &str, hint: &str) -> CliError {
    CliError::new(Exit::KeyStore, what, "VERSO_PASSPHRASE is not set, and there is no terminal to ask at", hint)
}

fn unanswered(what: &str, error: &io::Error) -> CliError {
    CliError::new(Exit::KeyStore, what, why(error), "run the command again, or set VERSO_PASSPHRASE")
}

/// Why a question was not answered. Ctrl-C is how a person says that they don't want to.
fn why(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::Interrupted {
        "it was stopped at the question".to_owned()
    } else {
        format!("the terminal can't be read: {error}")
    }
}

fn refused(what: &str, error: EmptyPassphrase) -> CliError {
    CliError::because(Exit::KeyStore, what, &error, "choose one of some length: a few words that you remember")
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Answers in turn; nobody is there if there are no answers.
    struct Scripted(RefCell<Vec<&'static str>>);

    impl Scripted {
        fn new(mut answers: Vec<&'static str>) -> Self {
            answers.reverse();
            Self(RefCell::new(answers))
        }
    }

    impl Confidant for Scripted {
        fn is_there(&self) -> bool {
            !self.0.borrow().is_empty()
        }

        fn secret(&self, _question: &str) -> io::Result<Zeroizing<String>> {
            let answer = self.0.borrow_mut().pop().ok_or(io::ErrorKind::UnexpectedEof)?;
            Ok(Zeroizing::new(answer.to_owned()))
        }
    }

    impl Person for Scripted {
        fn agrees(&self, question: &str) -> io::Result<bool> {
            Ok(**self.secret(question)? == *"y")
        }

        fn code(&self, question: &str) -> io::Result<String> {
            Ok(self.secret(question)?.to_string())
        }

        fn line(&self) -> io::Result<Zeroizing<String>> {
            first_line(&b"from a pipe\n"[..])
        }

        fn tell(&self, _text: &str) {}
    }

    fn nothing() -> Environment {
        Environment::of(&[])
    }

    #[test]
    fn the_environment_answers_first() {
        let environment = Environment::of(&[(variable::PASSPHRASE, "tea and cake")]);
        let person = Scripted::new(vec!["never asked"]);
        passphrase(&environment, &person).unwrap();
        new_passphrase(&environment, &person).unwrap();
        assert_eq!(person.0.borrow().len(), 1, "nobody was asked");
    }

    #[test]
    fn a_person_is_asked_once_for_a_known_and_twice_for_a_new_one() {
        let person = Scripted::new(vec!["tea", "left over"]);
        passphrase(&nothing(), &person).unwrap();
        assert_eq!(person.0.borrow().len(), 1);
        let person = Scripted::new(vec!["tea", "tee", "cake", "cake", "left over"]);
        new_passphrase(&nothing(), &person).unwrap();
        assert_eq!(person.0.borrow().len(), 1);
    }

    #[test]
    fn every_failure_is_of_the_key_store() {
        let failures = [
            passphrase(&nothing(), &Scripted::new(vec![])).unwrap_err(),
            passphrase(&nothing(), &Scripted::new(vec![""])).unwrap_err(),
            new_passphrase(&nothing(), &Scripted::new(vec![])).unwrap_err(),
            new_passphrase(&nothing(), &Scripted::new(vec!["", ""])).unwrap_err(),
            new_passphrase(&nothing(), &Scripted::new(vec!["a", "b", "a", "b", "a", "b", "a", "a"])).unwrap_err(),
            new_passphrase(&nothing(), &Scripted::new(vec!["a"])).unwrap_err(),
        ];
        for failure in failures {
            assert_eq!(failure.exit, Exit::KeyStore, "{failure}");
            assert!(!failure.hint.is_empty(), "{failure}");
        }
    }

    #[test]
    fn a_script_without_a_passphrase_learns_what_to_set_whatever_command_it_runs() {
        let failure = new_passphrase(&nothing(), &Scripted::new(vec![])).unwrap_err();
        assert!(failure.hint.contains("set VERSO_PASSPHRASE"), "{}", failure.hint);
        assert!(!failure.hint.contains("init"), "it may be `restore` or `keystore move`: {}", failure.hint);
    }

    #[test]
    fn a_line_is_read_to_its_end_and_no_further() {
        let read = |bytes: &[u8]| first_line(bytes).map(|line| line.to_string());
        for bytes in [&b"six words"[..], b"six words\n", b"six words\r\n", b"six words\nand more\n"] {
            assert_eq!(read(bytes).unwrap(), "six words");
        }
        assert_eq!(read(b"").unwrap(), "");
        let longest = "x".repeat(MAX_LINE);
        assert_eq!(read(longest.as_bytes()).unwrap(), longest);
        assert_eq!(read(format!("{longest}\nmore").as_bytes()).unwrap(), longest);
        assert_eq!(read(format!("{longest}x").as_bytes()).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(read(b"\xff\n").unwrap_err().kind(), io::ErrorKind::InvalidData);
        // An input without an end is not waited for.
        assert!(first_line(io::BufReader::new(io::repeat(b'x'))).is_err());
    }

    #[test]
    fn a_pairing_code_is_asked_for_or_read() {
        let person = Scripted::new(vec!["typed"]);
        assert_eq!(pairing_code(&person, "can't join").unwrap().as_str(), "typed");
        assert_eq!(pairing_code(&Scripted::new(vec![]), "can't join").unwrap().as_str(), "from a pipe");
    }

    #[test]
    fn consent_is_a_yes() {
        assert_eq!(consent(&Scripted::new(vec!["y"]), "can't pair", "Pair?"), Ok(true));
        assert_eq!(consent(&Scripted::new(vec!["n"]), "can't pair", "Pair?"), Ok(false));
        let failure = consent(&Scripted::new(vec![]), "can't pair", "Pair?").unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.hint.contains("--yes"), "{}", failure.hint);
    }
}
