//! What the errors of the parts below mean to whoever ran a command: which exit code, and what to do.

use std::io;
use std::path::Path;

use verso_graph::Rejected;
use verso_identity::{KeychainError, LoadError, ProveError, StoreError};
use verso_log::LockError;
use verso_replica::{
    BackupError, CommitError, DecisionError, FlushError, HeaderError, JournalError, MendError, OpenError, RestoreError,
};
use verso_transport::BindError;
use verso_wire::Reason;
use verso_worker::WorkerError;

use crate::error::{CliError, Exit};

pub(crate) const DAMAGED: &str = "mend it with `verso log repair`, which gets what is missing from your other devices";
const DISK: &str =
    "see that the disk has room and the data directory may be read and written; what was done before is safe";
const NEWER: &str = "update Verso: a newer version has been used on this device";

/// Another process has the data directory.
pub(crate) fn lock(error: &LockError, dir: &Path) -> CliError {
    let what = format!("can't use the data directory {}", dir.display());
    match error {
        LockError::Held { pid: Some(pid) } => {
            let why = format!("process {pid} is using it");
            CliError::new(
                Exit::Locked,
                what,
                why,
                format!("wait for process {pid}, or end it: verso up ends at Ctrl-C"),
            )
        }
        LockError::Held { pid: None } => {
            let hint = "wait for it, or end it: verso up ends at Ctrl-C";
            CliError::new(Exit::Locked, what, "another process is using it", hint)
        }
        error => CliError::because(Exit::Failed, what, error, "see that the directory may be read and written"),
    }
}

/// The key does not open.
pub(crate) fn key(error: &LoadError, dir: &Path) -> CliError {
    let hint = match error {
        LoadError::WrongPassphrase => "try again; without the passphrase nobody can open it",
        LoadError::Damaged { .. } | LoadError::OutOfBounds { .. } => "put the file back from a backup",
        LoadError::NotOurs => "name the right directory with --data-dir or VERSO_DATA_DIR",
        LoadError::Newer { .. } | LoadError::NewerEntry { .. } => NEWER,
        LoadError::OutOfMemory { .. } => "end other programs, and try again",
        LoadError::Keychain(error) => keychain(error),
        LoadError::Missing => {
            "use the user and the keychain with which the device was made; nothing else opens the rest"
        }
        LoadError::DamagedEntry { .. } => "put the keychain back from a backup",
        _ => "see that the file may be read",
    };
    CliError::because(Exit::KeyStore, format!("can't open the key in {}", dir.display()), error, hint)
}

/// What helps a keychain.
fn keychain(error: &KeychainError) -> &'static str {
    match error {
        KeychainError::Unreachable { .. } => "run the command in a session that has a keychain",
        KeychainError::Locked => "unlock the keychain, then run the command again",
        KeychainError::NoCollection => {
            "make its default collection: log in at the desktop once, or set its password there"
        }
        KeychainError::NoAnswer { .. } => {
            "look for the window in which it asks for its password, then run the command again"
        }
        KeychainError::Ambiguous => "remove the other entry of this name in the keychain's own program",
        _ => "look at the keychain with its own program, then run the command again",
    }
}

/// A key store is not fit to keep a key.
pub(crate) fn unproven(error: &ProveError) -> CliError {
    let hint = match error {
        ProveError::Write(StoreError::Keychain(error)) | ProveError::Read(LoadError::Keychain(error)) => {
            keychain(error)
        }
        _ => "see that the disk has room and the directory may be written",
    };
    CliError::because(Exit::KeyStore, "can't use the key store", error, hint)
}

/// There is no randomness.
pub(crate) fn random(error: getrandom::Error) -> CliError {
    CliError::because(Exit::Failed, "can't choose a name", &error, "restart the system")
}

/// The device does not open.
pub(crate) fn open(error: &OpenError, dir: &Path) -> CliError {
    let what = format!("can't open the device in {}", dir.display());
    let (exit, hint) = match error {
        OpenError::Journal(error) => journal(error),
        _ => (Exit::Failed, DISK),
    };
    CliError::because(exit, what, error, hint)
}

fn journal(error: &JournalError) -> (Exit, &'static str) {
    match error {
        JournalError::Open(verso_log::OpenError::NewerFormat { .. }) => (Exit::Failed, NEWER),
        JournalError::Open(verso_log::OpenError::WrongKey | verso_log::OpenError::Unreadable)
        | JournalError::Read(verso_log::ReadError::Corrupt(_))
        | JournalError::Record(_) => (Exit::Damaged, DAMAGED),
        _ => (Exit::Failed, DISK),
    }
}

/// A journal can't be read.
pub(crate) fn read_log(error: &JournalError) -> CliError {
    let (exit, hint) = journal(error);
    CliError::because(exit, "can't read the journal", error, hint)
}

/// Journals were not mended.
pub(crate) fn mend(error: &MendError, dir: &Path) -> CliError {
    let (exit, hint) = match error {
        MendError::Journal(JournalError::Open(verso_log::OpenError::NewerFormat { .. }) | JournalError::Record(_)) => {
            (Exit::Failed, NEWER)
        }
        MendError::Journal(JournalError::Open(verso_log::OpenError::WrongKey)) => {
            (Exit::Damaged, "put the directory `logs` back as it was: journals of another device lie in it")
        }
        _ => (Exit::Failed, "see that the disk has room and the data directory may be written, then run it again"),
    };
    CliError::because(exit, format!("can't mend the journals in {}", dir.display()), error, hint)
}

/// A journal can't be compacted. It is as it was.
pub(crate) fn compact(error: &JournalError, name: &str) -> CliError {
    let (exit, hint) = match error {
        JournalError::Closed { reason: Reason::LogDamaged } => (
            Exit::Damaged,
            "`verso log verify` tells what is damaged, and `verso log repair` mends it; nothing is compacted before",
        ),
        error => journal(error),
    };
    CliError::because(exit, format!("can't compact the journal {name}"), error, hint)
}

/// What the user did was not recorded.
pub(crate) fn commit(error: &CommitError<Rejected>, what: &str) -> CliError {
    let (exit, hint) = match error {
        CommitError::UnknownWorkspace => (Exit::Failed, "see `verso workspace list`"),
        CommitError::Refused(_) => (Exit::Refused, "ask an owner of the workspace for read-write access"),
        CommitError::ReadOnlyLog => (Exit::Damaged, DAMAGED),
        CommitError::Rejected(rejected) => return self::rejected(rejected, what),
        CommitError::Journal(error) => journal(error),
        _ => (Exit::Failed, DISK),
    };
    CliError::because(exit, what, error, hint)
}

/// What a person decided can't be carried out.
pub(crate) fn decision(error: &DecisionError, what: &str) -> CliError {
    let (exit, hint) = match error {
        DecisionError::UnknownPeer => (Exit::Failed, "see `verso peers`"),
        DecisionError::UnknownWorkspace | DecisionError::NotOffered => (Exit::Failed, "see `verso workspace list`"),
        DecisionError::NotOwner => (Exit::Refused, "ask whoever shared it with you"),
        DecisionError::NotMember => (Exit::Failed, "take it back with `verso workspace join`"),
        DecisionError::LastOwner => (
            Exit::Failed,
            "pair another device of yours, which gets it too; or take it away from others with `verso workspace unshare`",
        ),
        DecisionError::NotHeld => (Exit::Failed, "see `verso quarantine list`"),
        DecisionError::Unconfirmed => (
            Exit::Refused,
            "let it meet another device of yours with `verso up`, or confirm its peers with `verso confirm`",
        ),
        DecisionError::OwnReadOnly => {
            (Exit::Usage, "leave out --access, or take the workspace away with `verso workspace unshare`")
        }
        DecisionError::Journal(error) => journal(error),
        _ => (Exit::Failed, DISK),
    };
    CliError::because(exit, what, error, hint)
}

fn rejected(rejected: &Rejected, what: &str) -> CliError {
    let (exit, hint) = match rejected {
        Rejected::TooLong { .. } => (Exit::Usage, "make it shorter"),
        Rejected::Empty { .. } => (Exit::Usage, "give it some text"),
        _ => (Exit::Failed, "look at it with `verso node show`"),
    };
    let why = rejected.to_string();
    // Which one of a batch it is tells nothing to a person, who asked for one thing.
    let why = why.rsplit_once(" (intent ").map_or(why.as_str(), |(why, _number)| why);
    CliError::new(exit, what, why, hint)
}

/// What the user did is not durable.
pub(crate) fn flush(error: &FlushError) -> CliError {
    CliError::because(Exit::Failed, "can't make the change durable", error, DISK)
}

/// There is no sync worker.
pub(crate) fn worker(error: &WorkerError, dir: &Path) -> CliError {
    match error {
        WorkerError::Lock(error) => lock(error, dir),
        WorkerError::Open(error) => open(error, dir),
        WorkerError::Bind(error) => bind(error),
        WorkerError::Storage(error) => {
            CliError::because(Exit::Failed, format!("can't open {}", dir.display()), error, DISK)
        }
        error => {
            let hint = "run the command again; report it if it happens again, with what -vv tells";
            CliError::because(Exit::Failed, "sync ended", error, hint)
        }
    }
}

/// There is no network endpoint. A missing network is no fault: it is that nobody can be reached.
pub(crate) fn bind(error: &BindError) -> CliError {
    const WHAT: &str = "can't listen on the network";
    match error {
        BindError::PortTaken { .. } => {
            CliError::because(Exit::Failed, WHAT, error, "name another port with --listen, or end that program")
        }
        BindError::NotLoopback { .. } => {
            CliError::because(Exit::Usage, WHAT, error, "leave out --listen, or --network loopback")
        }
        BindError::NoPermission { .. } => {
            CliError::because(Exit::Failed, WHAT, error, "name a port above 1023 with --listen")
        }
        error => no_network(&crate::error::chain(error)),
    }
}

/// There is no network to reach anybody on.
pub(crate) fn no_network(why: &str) -> CliError {
    let hint = "connect this device to a network, then run the command again; all else works without one";
    CliError::new(Exit::NoPeer, "no peer can be reached: this device has no network", why, hint)
}

/// What is told of a file that was to be written.
pub(crate) fn cant_write(file: &Path) -> String {
    format!("can't write {}", file.display())
}

/// A new file can't be made.
pub(crate) fn new_file(error: &io::Error, file: &Path) -> CliError {
    let (why, hint) = match error.kind() {
        io::ErrorKind::AlreadyExists => {
            ("there is a file of that name; it was left as it is", "name another file, or say --replace")
        }
        io::ErrorKind::IsADirectory => ("it is a directory", "name a file in it"),
        io::ErrorKind::NotFound => ("the folder is not there", "make the folder, or name another one"),
        _ => {
            return CliError::because(
                Exit::Failed,
                cant_write(file),
                error,
                "see that the disk has room and the folder may be written",
            );
        }
    };
    CliError::new(Exit::Failed, cant_write(file), why, hint)
}

/// A backup was not written.
pub(crate) fn backup(error: &BackupError, file: &Path, dir: &Path) -> CliError {
    let what = format!("can't back up the device in {}", dir.display());
    let (exit, hint) = match error {
        BackupError::Write(error) => return new_file(error, file),
        BackupError::OutOfMemory { .. } => (Exit::Failed, "end other programs, and try again"),
        BackupError::Open(verso_log::OpenError::NewerFormat { .. }) | BackupError::Record(_) => (Exit::Failed, NEWER),
        BackupError::Open(verso_log::OpenError::WrongKey | verso_log::OpenError::Unreadable) => {
            (Exit::Damaged, DAMAGED)
        }
        BackupError::Moving => (Exit::Failed, "run the command again"),
        _ => (Exit::Failed, "see that the data directory may be read"),
    };
    CliError::because(exit, what, error, hint)
}

/// A backup can't be read.
pub(crate) fn backup_file(error: &io::Error, file: &Path) -> CliError {
    let hint = "see that the file is there and may be read";
    CliError::because(Exit::Failed, cant_restore(file), error, hint)
}

fn cant_restore(file: &Path) -> String {
    format!("can't restore {}", file.display())
}

/// No device was made of a backup.
pub(crate) fn restore(error: &RestoreError, file: &Path) -> CliError {
    let (exit, hint) = match error {
        RestoreError::Header(HeaderError::NotOurs) => (Exit::Failed, "name a file that `verso backup` wrote"),
        RestoreError::Header(HeaderError::WrongPassphrase) => (
            Exit::KeyStore,
            "try again; it is the passphrase given when the backup was made, and nothing else opens it",
        ),
        RestoreError::Header(HeaderError::Newer { .. }) | RestoreError::Record(_) => {
            (Exit::Failed, "update Verso: a newer version wrote the backup")
        }
        RestoreError::Header(HeaderError::OutOfMemory { .. }) => (Exit::Failed, "end other programs, and try again"),
        RestoreError::Header(_) | RestoreError::Damaged(_) | RestoreError::Contradiction { .. } => {
            (Exit::Damaged, "use another copy of the backup, or an older one; nothing was restored")
        }
        RestoreError::Read(error) => return backup_file(error, file),
        _ => (Exit::Failed, "see that the disk has room and the data directory may be written; nothing was restored"),
    };
    CliError::because(exit, cant_restore(file), error, hint)
}

/// A file of this machine can't be used.
pub(crate) fn io(what: String, error: &io::Error) -> CliError {
    CliError::because(Exit::Failed, what, error, DISK)
}
