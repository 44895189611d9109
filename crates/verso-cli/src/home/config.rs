//! [`Config`]: what a data directory says of itself in plain text. Nothing in it is private.

use std::fs;
use std::io;
use std::net::{Ipv6Addr, UdpSocket};
use std::path::Path;

use serde::{Deserialize, Serialize};
use verso_identity::{KeyStoreKind, KeychainSlot};
use verso_log::{FileStorage, write_atomic};

use crate::error::{CliError, Exit};

/// The file's name.
pub(super) const FILE: &str = "config";

/// The version of the directory's layout.
const FORMAT: u32 = 1;

/// The ports that are nobody's by name (RFC 6335, "dynamic"), of which a device takes one.
const FIRST_PORT: u16 = 49152;

/// How much of the file is read at most: far more than any version writes.
const MAX_LEN: u64 = 16 * 1024;

/// The configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Config {
    /// Where the secret is.
    pub(super) keystore: KeyStoreKind,
    /// Under which name the keychain has this device's entries, or would have.
    pub(super) slot: KeychainSlot,
    /// The other store, while it may hold a copy of the secret: a move is not finished.
    pub(super) spare: Option<KeyStoreKind>,
    /// The UDP port at which peers find this device, so that addresses they know stay good.
    pub(super) port: u16,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    verso: u32,
    keystore: String,
    slot: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spare: Option<String>,
    port: u16,
}

/// As much of the file as every version has.
#[derive(Deserialize)]
struct AnyVersion {
    verso: u32,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConfigError {
    #[error("there is none")]
    Missing,
    #[error("it can't be read")]
    Io(#[source] io::Error),
    #[error("it is not what this program wrote")]
    Damaged,
    #[error("it has format {0}, this program reads {FORMAT}")]
    Newer(u32),
}

impl Config {
    /// Chooses a port at random: two devices behind one router, or on one machine, seldom want the same.
    pub(super) fn choose(keystore: KeyStoreKind) -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 2];
        getrandom::fill(&mut bytes)?;
        let port = FIRST_PORT | u16::from_le_bytes(bytes) >> 2;
        Ok(Self { keystore, slot: KeychainSlot::random()?, spare: None, port })
    }

    /// Takes the port of another configuration, where that says one: peers know it. Not if somebody has it on this machine, such as the device
    /// itself, if it is made again beside the old one.
    pub(super) fn or_port_of(self, other: &[u8]) -> Self {
        match Self::parse(other) {
            Ok(Self { port, .. }) if UdpSocket::bind((Ipv6Addr::UNSPECIFIED, port)).is_ok() => Self { port, ..self },
            _ => self,
        }
    }

    pub(super) fn read(dir: &Path) -> Result<Self, ConfigError> {
        let path = dir.join(FILE);
        let len = match fs::metadata(&path) {
            Ok(data) => data.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(ConfigError::Missing),
            Err(error) => return Err(ConfigError::Io(error)),
        };
        if len > MAX_LEN {
            return Err(ConfigError::Damaged);
        }
        Self::parse(&fs::read(&path).map_err(ConfigError::Io)?)
    }

    fn parse(bytes: &[u8]) -> Result<Self, ConfigError> {
        let AnyVersion { verso } = serde_json::from_slice(bytes).map_err(|_source| ConfigError::Damaged)?;
        if verso > FORMAT {
            return Err(ConfigError::Newer(verso));
        }
        let document: Document = serde_json::from_slice(bytes).map_err(|_source| ConfigError::Damaged)?;
        let Document { verso: FORMAT, keystore, slot, spare, port: port @ 1.. } = document else {
            return Err(ConfigError::Damaged);
        };
        let keystore = kind(&keystore)?;
        let spare = spare.as_deref().map(kind).transpose()?;
        if spare == Some(keystore) {
            return Err(ConfigError::Damaged);
        }
        let slot = slot.parse().map_err(|_source| ConfigError::Damaged)?;
        Ok(Self { keystore, slot, spare, port })
    }

    pub(super) fn write(self, storage: &FileStorage) -> io::Result<()> {
        let document = Document {
            verso: FORMAT,
            keystore: self.keystore.code().to_owned(),
            slot: self.slot.to_string(),
            spare: self.spare.map(|spare| spare.code().to_owned()),
            port: self.port,
        };
        let mut bytes = serde_json::to_vec(&document)?;
        bytes.push(b'\n');
        write_atomic(storage, FILE, &bytes)
    }
}

fn kind(code: &str) -> Result<KeyStoreKind, ConfigError> {
    let all = [KeyStoreKind::Keychain, KeyStoreKind::File];
    all.into_iter().find(|kind| kind.code() == code).ok_or(ConfigError::Damaged)
}

impl ConfigError {
    /// How the failure to open the device in `dir` for this reason is told.
    pub(super) fn to_cli(&self, dir: &Path) -> CliError {
        let what = format!("can't use {}", dir.join(FILE).display());
        let (exit, hint) = match self {
            Self::Newer(_) => (Exit::Failed, "update Verso: a newer version has been used on this device"),
            Self::Io(_) => (Exit::Failed, "see that the file may be read"),
            Self::Missing | Self::Damaged => (
                Exit::Damaged,
                "if the key is in the file identity.key, delete this one: it is made again; else put it back from a backup",
            ),
        };
        CliError::because(exit, what, self, hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let storage = FileStorage::open(folder.path()).unwrap();
        assert!(matches!(Config::read(folder.path()), Err(ConfigError::Missing)));
        for (keystore, spare) in [
            (KeyStoreKind::File, None),
            (KeyStoreKind::Keychain, None),
            (KeyStoreKind::Keychain, Some(KeyStoreKind::File)),
            (KeyStoreKind::File, Some(KeyStoreKind::Keychain)),
        ] {
            let config = Config { spare, ..Config::choose(keystore).unwrap() };
            config.write(&storage).unwrap();
            assert_eq!(Config::read(folder.path()).unwrap(), config);
        }
    }

    #[test]
    fn ports_are_of_the_dynamic_range() {
        let ports: Vec<u16> = (0..64).map(|_| Config::choose(KeyStoreKind::File).unwrap().port).collect();
        assert!(ports.iter().all(|port| *port >= FIRST_PORT), "{ports:?}");
        assert!(ports.iter().any(|port| *port != ports[0]), "{ports:?}");
    }

    #[test]
    fn anything_else_is_refused() {
        for damaged in [
            "",
            "{}",
            "[core]\n\tbare = false",
            r#"{"verso":1,"keystore":"file","slot":"0123456789abcdef"}"#,
            r#"{"verso":1,"keystore":"file","port":50000}"#,
            r#"{"verso":1,"keystore":"file","slot":"0123456789abcdef","port":0}"#,
            r#"{"verso":1,"keystore":"file","slot":"0123456789abcdef","port":65536}"#,
            r#"{"verso":0,"keystore":"file","slot":"0123456789abcdef","port":50000}"#,
            r#"{"verso":1,"keystore":"file","slot":"0123456789abcde","port":50000}"#,
            r#"{"verso":1,"keystore":"sock drawer","slot":"0123456789abcdef","port":50000}"#,
            r#"{"verso":1,"keystore":"file","slot":"0123456789abcdef","spare":"file","port":50000}"#,
            r#"{"verso":1,"keystore":"file","slot":"0123456789abcdef","port":50000,"more":1}"#,
        ] {
            assert!(matches!(Config::parse(damaged.as_bytes()), Err(ConfigError::Damaged)), "{damaged}");
        }
        let newer = r#"{"verso":2,"something":"else"}"#;
        assert!(matches!(Config::parse(newer.as_bytes()), Err(ConfigError::Newer(2))));
    }
}
