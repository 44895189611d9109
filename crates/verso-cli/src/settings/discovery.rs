//! Whether, how and where devices are looked for on the local network: from the command line, else from the environment, else on.

use verso_discovery::{Interfaces, Mode};
use verso_transport::Network;
use verso_worker::LocalDiscovery;

use super::{Environment, variable};
use crate::args::{DiscoveryChoice, DiscoveryOptions};
use crate::error::CliError;

/// What the loopback interface is called, on Linux and elsewhere.
const LOOPBACK: [&str; 2] = ["lo", "lo0"];

/// Puts together what is said. On the loopback network, which no other machine reaches, it is off unless somebody says otherwise.
pub(super) fn local(
    options: &DiscoveryOptions,
    environment: &Environment,
    network: &Network,
) -> Result<LocalDiscovery, CliError> {
    let said = options.discovery.map_or_else(|| environment.choice(variable::DISCOVERY), |given| Ok(Some(given)))?;
    let of_network = match network {
        Network::Loopback => DiscoveryChoice::Off,
        _ => DiscoveryChoice::On,
    };
    let mode = match said.unwrap_or(of_network) {
        DiscoveryChoice::Off => return Ok(LocalDiscovery::Off),
        DiscoveryChoice::On => Mode::Announce,
        DiscoveryChoice::Listen => Mode::Listen,
    };
    let mut names = options.interface.clone();
    if names.is_empty() {
        let listed = environment.text(variable::INTERFACE)?.unwrap_or_default();
        names = listed.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    }
    if names.is_empty() && *network == Network::Loopback {
        names = LOOPBACK.map(str::to_owned).to_vec();
    }
    let interfaces = if names.is_empty() { Interfaces::All } else { Interfaces::Only(names) };
    Ok(LocalDiscovery::On { mode, interfaces })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(names: &[&str]) -> Interfaces {
        Interfaces::Only(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn on_in_local_networks_and_off_on_loopback_unless_somebody_says_otherwise() {
        let nothing = DiscoveryOptions::default();
        let chosen = |options: &DiscoveryOptions, variables: &[(&'static str, &'static str)], network: &Network| {
            local(options, &Environment::of(variables), network).unwrap()
        };
        assert_eq!(chosen(&nothing, &[], &Network::Lan), LocalDiscovery::default());
        assert_eq!(chosen(&nothing, &[], &Network::Loopback), LocalDiscovery::Off);

        let said = [(variable::DISCOVERY, "listen"), (variable::INTERFACE, "eth0, wlan0,")];
        let listening = LocalDiscovery::On { mode: Mode::Listen, interfaces: only(&["eth0", "wlan0"]) };
        assert_eq!(chosen(&nothing, &said, &Network::Lan), listening);
        assert_eq!(chosen(&nothing, &[(variable::DISCOVERY, "off")], &Network::Lan), LocalDiscovery::Off);
        let here = LocalDiscovery::On { mode: Mode::Announce, interfaces: only(&LOOPBACK) };
        assert_eq!(chosen(&nothing, &[(variable::DISCOVERY, "on")], &Network::Loopback), here);

        // The command line comes before the environment.
        let given = DiscoveryOptions { discovery: Some(DiscoveryChoice::On), interface: vec!["en0".to_owned()] };
        let announcing = LocalDiscovery::On { mode: Mode::Announce, interfaces: only(&["en0"]) };
        assert_eq!(chosen(&given, &said, &Network::Lan), announcing);
    }

    #[test]
    fn nonsense_in_the_environment_is_named() {
        let environment = Environment::of(&[(variable::DISCOVERY, "telepathy")]);
        let error = local(&DiscoveryOptions::default(), &environment, &Network::Lan).unwrap_err();
        assert!(error.what.contains("VERSO_DISCOVERY") && error.why.contains("on, listen, off"), "{error:?}");
    }
}
