//! What holds for every command: where the data lies, which key store, which network; from the command line, else from
//! the environment, else a default.

#[cfg(test)]
use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::ValueEnum;
use verso_transport::Network;
use verso_worker::LocalDiscovery;

use crate::args::{Globals, KeyStoreChoice};
use crate::control::Guest;
use crate::error::{CliError, Exit};
use crate::output::{ColourWish, Format, Output};
use crate::seat::Seat;

mod discovery;
mod network;

/// Names of the variables that are read.
pub(crate) mod variable {
    /// Where the data lies.
    pub(crate) const DATA_DIR: &str = "VERSO_DATA_DIR";
    /// Which key store.
    pub(crate) const KEYSTORE: &str = "VERSO_KEYSTORE";
    /// Which network.
    pub(crate) const NETWORK: &str = "VERSO_NETWORK";
    /// The address lookup beside one's own relay.
    pub(crate) const LOOKUP: &str = "VERSO_LOOKUP";
    /// What one's own relay wants to be shown. A secret, and so no option of the command line, which others may read.
    pub(crate) const RELAY_TOKEN: &str = "VERSO_RELAY_TOKEN";
    /// Certificates by which one's own relay may be known.
    pub(crate) const RELAY_CERTIFICATE: &str = "VERSO_RELAY_CERTIFICATE";
    /// Whether devices on the local network find each other.
    pub(crate) const DISCOVERY: &str = "VERSO_DISCOVERY";
    /// On which interfaces, with commas between them.
    pub(crate) const INTERFACE: &str = "VERSO_INTERFACE";
    /// Which workspace, where a command takes one and is given none.
    pub(crate) const WORKSPACE: &str = "VERSO_WORKSPACE";
    /// The passphrase of the key file.
    pub(crate) const PASSPHRASE: &str = "VERSO_PASSPHRASE";
    /// The passphrase that takes its place.
    pub(crate) const NEW_PASSPHRASE: &str = "VERSO_NEW_PASSPHRASE";
    /// The passphrase of backups, where it is not that of the key file.
    pub(crate) const BACKUP_PASSPHRASE: &str = "VERSO_BACKUP_PASSPHRASE";
    /// Whether the login session may remember what the passphrase opens.
    pub(crate) const KEY_CACHE: &str = "VERSO_KEY_CACHE";
    /// Those that are secrets, and that a command may want to know which runs for another process.
    pub(crate) const SECRETS: [&str; 3] = [PASSPHRASE, NEW_PASSPHRASE, BACKUP_PASSPHRASE];
    /// Those that it may want to know and that are none. How the device is reached is not its business.
    pub(crate) const OPEN: [&str; 4] = [DATA_DIR, KEYSTORE, WORKSPACE, NO_COLOR];
    /// Not ours: no colour, whatever its value (<https://no-color.org>).
    pub(crate) const NO_COLOR: &str = "NO_COLOR";
}

/// Where variables are read from. They are read one by one and never kept, because one of them is a secret.
#[derive(Debug, Clone, Default)]
pub(crate) enum Environment {
    /// The variables of this process.
    #[default]
    Process,
    /// The variables of this process, but for Verso's own: what `demo` sees.
    WithoutVerso,
    /// Those of the process at the other end of a control socket.
    Sent(Arc<Guest>),
    /// Made up for a test.
    #[cfg(test)]
    Made(BTreeMap<&'static str, &'static str>),
}

impl Environment {
    #[cfg(test)]
    pub(crate) fn of(variables: &[(&'static str, &'static str)]) -> Self {
        Self::Made(variables.iter().copied().collect())
    }

    /// A variable's value; an empty one counts as not set.
    pub(crate) fn get(&self, name: &str) -> Option<OsString> {
        let value = match self {
            Self::WithoutVerso if name.starts_with("VERSO_") => None,
            Self::Process | Self::WithoutVerso => env::var_os(name),
            Self::Sent(guest) if variable::SECRETS.contains(&name) => guest.secret_variable(name),
            Self::Sent(guest) => guest.variable(name),
            #[cfg(test)]
            Self::Made(variables) => variables.get(name).map(OsString::from),
        };
        value.filter(|value| !value.is_empty())
    }

    /// A variable's value, which has to be text.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, CliError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = value.into_string().map_err(|_value| {
            let what = format!("can't use {name}");
            CliError::new(Exit::Usage, what, "its value is not UTF-8", format!("set {name} again, or unset it"))
        })?;
        Ok(Some(text))
    }

    fn choice<T: ValueEnum>(&self, name: &str) -> Result<Option<T>, CliError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let choice = T::from_str(&text, false).map_err(|_unknown| {
            let known: Vec<String> = T::value_variants()
                .iter()
                .filter_map(ValueEnum::to_possible_value)
                .map(|value| value.get_name().to_owned())
                .collect();
            let why = format!("its value `{text}` is none of: {}", known.join(", "));
            CliError::new(Exit::Usage, format!("can't use {name}"), why, format!("set {name} again, or unset it"))
        })?;
        Ok(Some(choice))
    }
}

/// What holds for every command.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Where identity, journals and state lie.
    pub(crate) data_dir: PathBuf,
    /// The key store that was asked for, if one was; `init` recorded which one it is.
    pub(crate) keystore: Option<KeyStoreChoice>,
    /// How peers are reached.
    pub(crate) network: Network,
    /// Address to bind instead of the stored port.
    pub(crate) listen: Option<SocketAddr>,
    /// Whether, how and where devices are looked for on the local network.
    pub(crate) discovery: LocalDiscovery,
    /// The workspace for commands that are given none.
    pub(crate) workspace: Option<String>,
}

impl Settings {
    /// Puts together what the command line says, else the environment, else the default.
    pub(crate) fn new(globals: &Globals, environment: &Environment) -> Result<Self, CliError> {
        let network = network::network(&globals.network, environment)?;
        Ok(Self {
            data_dir: data_dir(globals, environment)?,
            keystore: keystore(globals, environment)?,
            listen: globals.listen,
            discovery: discovery::local(&globals.discovery, environment, &network)?,
            network,
            workspace: environment.text(variable::WORKSPACE)?,
        })
    }

    /// As [`new`](Self::new), for a command that runs in a `verso up` with these settings: what it says of the network changes nothing.
    pub(crate) fn beside(&self, globals: &Globals, environment: &Environment) -> Result<Self, CliError> {
        Ok(Self {
            data_dir: data_dir(globals, environment)?,
            keystore: keystore(globals, environment)?,
            workspace: environment.text(variable::WORKSPACE)?,
            ..self.clone()
        })
    }
}

fn keystore(globals: &Globals, environment: &Environment) -> Result<Option<KeyStoreChoice>, CliError> {
    globals.keystore.map_or_else(|| environment.choice(variable::KEYSTORE), |given| Ok(Some(given)))
}

/// Where and how the command's output goes.
pub(crate) fn output(globals: &Globals, environment: &Environment, seat: Seat) -> Output {
    let format = if globals.json { Format::Json } else { Format::Text };
    let plain = globals.no_color || environment.get(variable::NO_COLOR).is_some();
    Output::new(seat, format, if plain { ColourWish::Plain } else { ColourWish::None })
}

/// Where and how it goes if the command line can't be read, as far as its words tell.
pub(crate) fn output_of_words(words: &[OsString], environment: &Environment, seat: Seat) -> Output {
    let is_given = |option: &str| words.iter().any(|word| word == option);
    let globals = Globals { json: is_given("--json"), no_color: is_given("--no-color"), ..Globals::default() };
    output(&globals, environment, seat)
}

fn data_dir(globals: &Globals, environment: &Environment) -> Result<PathBuf, CliError> {
    if let Some(given) = &globals.data_dir {
        return Ok(given.clone());
    }
    if let Some(given) = environment.get(variable::DATA_DIR) {
        return Ok(PathBuf::from(given));
    }
    let folders = directories::ProjectDirs::from("", "", "verso").ok_or_else(|| {
        let why = "this user has no home directory";
        CliError::new(Exit::Usage, "can't tell where the data lies", why, "name a directory with --data-dir")
    })?;
    Ok(folders.data_dir().to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{NetworkChoice, NetworkOptions};

    #[test]
    fn the_command_line_comes_before_the_environment() {
        let environment = Environment::of(&[
            (variable::DATA_DIR, "from/environment"),
            (variable::NETWORK, "loopback"),
            (variable::KEYSTORE, "file"),
            (variable::WORKSPACE, "garden"),
        ]);
        let settings = Settings::new(&Globals::default(), &environment).unwrap();
        assert_eq!(settings.data_dir, PathBuf::from("from/environment"));
        assert_eq!(settings.network, Network::Loopback);
        assert_eq!(settings.keystore, Some(KeyStoreChoice::File));
        assert_eq!(settings.workspace.as_deref(), Some("garden"));

        let globals = Globals {
            data_dir: Some("given".into()),
            network: NetworkOptions { network: Some(NetworkChoice::Lan), ..NetworkOptions::default() },
            listen: Some("127.0.0.1:7".parse().unwrap()),
            ..Globals::default()
        };
        let settings = Settings::new(&globals, &environment).unwrap();
        assert_eq!(settings.data_dir, PathBuf::from("given"));
        assert_eq!(settings.network, Network::Lan);
        assert_eq!(settings.listen, Some("127.0.0.1:7".parse().unwrap()));
    }

    #[test]
    fn nothing_said_is_a_default() {
        let globals = Globals { data_dir: Some("given".into()), ..Globals::default() };
        let environment = Environment::of(&[(variable::NETWORK, ""), (variable::WORKSPACE, "")]);
        let settings = Settings::new(&globals, &environment).unwrap();
        assert_eq!(settings.network, Network::Lan);
        assert_eq!(settings.keystore, None);
        assert_eq!(settings.workspace, None, "empty is not set");
    }

    #[test]
    fn the_demo_sees_none_of_our_variables() {
        // Set for every test by cargo, and foreign to Verso.
        assert!(Environment::Process.get("CARGO_MANIFEST_DIR").is_some());
        assert!(Environment::WithoutVerso.get("CARGO_MANIFEST_DIR").is_some());
        assert_eq!(Environment::WithoutVerso.get("VERSO_ANYTHING"), None);
    }
}
