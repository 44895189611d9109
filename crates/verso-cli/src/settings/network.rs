//! How far the network reaches, and through whose servers: from the command line, else from the environment, else the local network.

use std::fmt::Display;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use verso_transport::{Certificates, Network, OwnRelay};

use super::{Environment, variable};
use crate::args::{NetworkChoice, NetworkOptions};
use crate::error::{CliError, Exit};

/// Largest file of certificates that is read: more than the transport takes, so that it can say so.
const MAX_CERTIFICATES: u64 = 1 << 20;

/// Puts together what is said. What the environment says about a relay means nothing where there is none; what the command line says does.
pub(super) fn network(options: &NetworkOptions, environment: &Environment) -> Result<Network, CliError> {
    let said =
        options.network.clone().map_or_else(|| parsed(environment, variable::NETWORK), |given| Ok(Some(given)))?;
    let url = match said.unwrap_or(NetworkChoice::Lan) {
        NetworkChoice::Relay(url) => url,
        other if options.lookup.is_some() || options.relay_certificate.is_some() => return Err(without_relay(&other)),
        NetworkChoice::Loopback => return Ok(Network::Loopback),
        NetworkChoice::Lan => return Ok(Network::Lan),
        NetworkChoice::Public => return Ok(Network::Public),
    };
    let mut relay = OwnRelay::at(url);
    relay.lookup =
        options.lookup.clone().map_or_else(|| parsed(environment, variable::LOOKUP), |given| Ok(Some(given)))?;
    relay.token = parsed(environment, variable::RELAY_TOKEN)?;
    let file =
        options.relay_certificate.clone().or_else(|| environment.get(variable::RELAY_CERTIFICATE).map(PathBuf::from));
    if let Some(file) = file {
        relay.certificates = certificates(&file)?;
    }
    Ok(Network::Relay(relay.into()))
}

/// Reads a variable that has to be of some kind. Its value is never repeated: one of them is a secret.
fn parsed<T: FromStr<Err: Display>>(environment: &Environment, name: &str) -> Result<Option<T>, CliError> {
    let Some(text) = environment.text(name)? else { return Ok(None) };
    let value = text.parse().map_err(|error: T::Err| {
        CliError::new(
            Exit::Usage,
            format!("can't use {name}"),
            error.to_string(),
            format!("set {name} again, or unset it"),
        )
    })?;
    Ok(Some(value))
}

fn without_relay(network: &NetworkChoice) -> CliError {
    let network = match network {
        NetworkChoice::Public => "public: it has servers of its own",
        NetworkChoice::Loopback => "loopback: no server is used there",
        _ => "lan: no server is used there",
    };
    let why = format!("--lookup and --relay-certificate go with a relay of one's own, and the network is {network}");
    CliError::new(
        Exit::Usage,
        "can't make sense of the command line",
        why,
        "say --network relay=URL, too, or leave them out",
    )
}

fn certificates(file: &Path) -> Result<Certificates, CliError> {
    let what = || format!("can't use the certificates in {}", file.display());
    let hint = "name a file of certificates in PEM with --relay-certificate or VERSO_RELAY_CERTIFICATE";
    let mut pem = Vec::new();
    let read = std::fs::File::open(file).and_then(|opened| opened.take(MAX_CERTIFICATES).read_to_end(&mut pem));
    read.map_err(|error| CliError::because(Exit::Usage, what(), &error, hint))?;
    Certificates::from_pem(&pem).map_err(|error| CliError::because(Exit::Usage, what(), &error, hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(options: &NetworkOptions, variables: &[(&'static str, &'static str)]) -> Result<Network, CliError> {
        network(options, &Environment::of(variables))
    }

    fn on(network: &str) -> NetworkOptions {
        NetworkOptions { network: Some(network.parse().unwrap()), ..NetworkOptions::default() }
    }

    #[test]
    fn each_network_is_named_and_lan_is_what_nobody_names() {
        let nothing = NetworkOptions::default();
        assert_eq!(of(&nothing, &[]).unwrap(), Network::Lan);
        assert_eq!(of(&nothing, &[(variable::NETWORK, "public")]).unwrap(), Network::Public);
        assert_eq!(of(&on("loopback"), &[(variable::NETWORK, "public")]).unwrap(), Network::Loopback);
        let relay = OwnRelay::at("https://relay.example".parse().unwrap());
        assert_eq!(of(&on("relay=https://relay.example"), &[]).unwrap(), Network::Relay(relay.into()));
        for bad in ["mars", "", "relay", "relay=", "relay=relay.example", "LAN"] {
            assert!(bad.parse::<NetworkChoice>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_goes_with_a_relay_comes_from_either_place() {
        let variables = [
            (variable::NETWORK, "relay=https://relay.example"),
            (variable::LOOKUP, "https://dns.example/pkarr"),
            (variable::RELAY_TOKEN, "sesame"),
        ];
        let Network::Relay(relay) = of(&NetworkOptions::default(), &variables).unwrap() else { panic!("no relay") };
        assert_eq!(relay.token, Some("sesame".parse().unwrap()));
        assert_eq!(relay.lookup, Some("https://dns.example/pkarr".parse().unwrap()));
        let given =
            NetworkOptions { lookup: Some("http://[::1]:8080/pkarr".parse().unwrap()), ..NetworkOptions::default() };
        let Network::Relay(relay) = of(&given, &variables).unwrap() else { panic!("no relay") };
        assert_eq!(relay.lookup, given.lookup, "the command line goes first");
        // A machine's environment may tell of a relay that this command has no use for.
        assert_eq!(of(&on("lan"), &variables).unwrap(), Network::Lan);
    }

    #[test]
    fn what_makes_no_sense_is_named_and_a_token_never_repeated() {
        let lost = NetworkOptions { lookup: Some("https://dns.example/pkarr".parse().unwrap()), ..on("lan") };
        let error = of(&lost, &[]).unwrap_err();
        assert!(
            error.exit == Exit::Usage && error.why.contains("--lookup") && error.hint.contains("relay=URL"),
            "{error:?}"
        );
        let error = of(&NetworkOptions::default(), &[(variable::NETWORK, "carrier-pigeon")]).unwrap_err();
        assert!(error.what.contains("VERSO_NETWORK") && error.why.contains("loopback, lan"), "{error:?}");
        let error = of(&on("relay=https://relay.example"), &[(variable::RELAY_TOKEN, "hunter two")]).unwrap_err();
        assert!(error.what.contains("VERSO_RELAY_TOKEN") && !format!("{error:?}").contains("hunter"), "{error:?}");
        let missing = NetworkOptions {
            relay_certificate: Some("/nowhere/relay.pem".into()),
            ..on("relay=https://relay.example")
        };
        let error = of(&missing, &[]).unwrap_err();
        assert!(error.exit == Exit::Usage && error.what.contains("/nowhere/relay.pem"), "{error:?}");
    }
}
