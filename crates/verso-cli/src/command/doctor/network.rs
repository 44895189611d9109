//! What `doctor` sees of the network: whether this device can listen, and whether the servers that it uses answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use verso_identity::{DeviceId, DeviceKey};
use verso_transport::{
    BindError, Gatekeeper, LookupState, Network, PeerSecret, Probe, RelayState, Route, Transport, TransportConfig,
};
use verso_wire::{CloseCode, Reason};

use super::{Check, Verdict};
use crate::app::App;
use crate::failure;
use crate::net;

const NETWORK: &str = "network";
const RELAY: &str = "relay";
const LOOKUP: &str = "address lookup";

/// The checks of the network, in order.
pub(super) const NAMES: [&str; 3] = [NETWORK, RELAY, LOOKUP];

/// How long a server may take to answer: it needs a few round trips.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is said beside a server that is not reached.
const MEANWHILE: &str = "peers that reach this device otherwise are synced with meanwhile";

/// Lets nobody in: nothing is to happen but to see whether it could.
struct Nobody;

impl Gatekeeper for Nobody {
    fn admit(&self, _peer: &DeviceId) -> Result<(), CloseCode> {
        Err(Reason::NotTrusted.into())
    }

    fn secrets(&self, _peer: &DeviceId) -> Vec<PeerSecret> {
        Vec::new()
    }

    fn pairing_open(&self) -> bool {
        false
    }
}

/// Listens where `up` would, and looks at which addresses that is and how it stands with relay and address lookup.
pub(super) fn checks(app: &App, key: &DeviceKey, port: u16) -> [Check; 3] {
    let config = TransportConfig {
        network: app.settings.network.clone(),
        port,
        listen: app.settings.listen,
        ..TransportConfig::default()
    };
    let listened = net::block_on(async { Ok(listen(key, config).await) });
    let is_any_port_good = app.settings.listen.is_none();
    match listened {
        Err(error) => beside(Check::failed(NETWORK, error)),
        Ok(Err(error @ BindError::PortTaken { .. })) if is_any_port_good => {
            let hint =
                "end that program if it is no other Verso; meanwhile another port is used, which peers may not know";
            beside(Check::warning(NETWORK, error.to_string(), hint))
        }
        Ok(Err(error)) => {
            let error = failure::bind(&error);
            // To be offline is no fault.
            let verdict = if error.exit == crate::error::Exit::NoPeer { Verdict::Warning } else { Verdict::Fault };
            beside(Check { verdict, ..Check::failed(NETWORK, error) })
        }
        Ok(Ok((addresses, probe))) => [reachable(app, &addresses), relay(&probe), lookup(&probe)],
    }
}

async fn listen(key: &DeviceKey, config: TransportConfig) -> Result<(Vec<SocketAddr>, Probe), BindError> {
    let transport = Transport::bind(key, config, Arc::new(Nobody)).await?;
    let probe = transport.probe(PATIENCE).await;
    let addresses = transport.local_addresses();
    transport.close().await;
    Ok((addresses, probe))
}

fn beside(network: Check) -> [Check; 3] {
    let skipped = |name| Check::skipped(name, "needs a port to listen on");
    [network, skipped(RELAY), skipped(LOOKUP)]
}

fn reachable(app: &App, addresses: &[SocketAddr]) -> Check {
    // An address of this machine alone is one only for who asked for that.
    let is_alone_on_purpose = app.settings.network == Network::Loopback || app.settings.listen.is_some();
    let reaches_others = addresses.iter().any(|address| !address.ip().is_loopback());
    if addresses.is_empty() || !(reaches_others || is_alone_on_purpose) {
        let hint = "connect this machine to a network; changes are recorded meanwhile, and synced later";
        return Check::warning(NETWORK, "this machine has no address at which a peer could reach it", hint);
    }
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    Check::ok(NETWORK, format!("peers can reach this device at UDP {}", addresses.join(", ")))
}

fn relay(probe: &Probe) -> Check {
    let unreached = |what: String| {
        Check::warning(
            RELAY,
            what,
            format!("see that it runs, and that its certificate is known here (--relay-certificate); {MEANWHILE}"),
        )
    };
    match &probe.relay {
        RelayState::Unused => Check::skipped(RELAY, "none is used: peers are reached directly, or not at all"),
        RelayState::Connected { relay } => Check::ok(RELAY, format!("peers can reach this device through {relay}")),
        RelayState::Refused { relay, why } => Check::fault(
            RELAY,
            format!("{relay} refuses this device: {why}"),
            "give its token in VERSO_RELAY_TOKEN, or have this device's id, which `verso id` tells, put on its list",
        ),
        _ if probe.route == Route::Missing => without_route(RELAY),
        RelayState::Unreachable { relay, why } => {
            let why = probe.reached.as_ref().map_or_else(|| why.clone(), ToString::to_string);
            unreached(format!("{relay} can't be reached: {why}"))
        }
        _ => {
            let how_far = probe.reached.as_ref().map(|reached| format!(": {reached}")).unwrap_or_default();
            unreached(format!("no relay has answered within {} s{how_far}", PATIENCE.as_secs()))
        }
    }
}

fn lookup(probe: &Probe) -> Check {
    match &probe.lookup {
        LookupState::Unused => Check::skipped(LOOKUP, "none is used"),
        LookupState::Reachable => Check::ok(LOOKUP, "it answers"),
        _ if probe.route == Route::Missing => without_route(LOOKUP),
        LookupState::Unreachable { why } => {
            let hint =
                format!("see that it runs and its address, which as a rule ends in /pkarr, is right; {MEANWHILE}");
            Check::warning(LOOKUP, format!("it can't be reached: {why}"), hint)
        }
        _ => Check::skipped(LOOKUP, "this version can't tell"),
    }
}

fn without_route(name: &'static str) -> Check {
    let hint = format!("connect this machine to the internet, or to the network that the server is in; {MEANWHILE}");
    Check::warning(name, "no route leads there from this machine", hint)
}

#[cfg(test)]
mod tests {
    use verso_transport::Reached;

    use super::*;

    fn probe(relay: RelayState) -> Probe {
        Probe { relay, reached: None, lookup: LookupState::Unused, route: Route::Known }
    }

    #[test]
    fn only_a_relay_that_refuses_is_a_fault() {
        let url = || "https://relay.example".parse().unwrap();
        let why = || "closed".to_owned();
        for (state, verdict, told) in [
            (RelayState::Unused, Verdict::Skipped, "none is used"),
            (RelayState::Connecting, Verdict::Warning, "within 5 s"),
            (RelayState::Connected { relay: url() }, Verdict::Ok, "https://relay.example"),
            (RelayState::Unreachable { relay: url(), why: why() }, Verdict::Warning, "closed"),
            (RelayState::Refused { relay: url(), why: why() }, Verdict::Fault, "refuses this device: closed"),
        ] {
            let check = relay(&probe(state));
            assert!(check.verdict == verdict && check.what.contains(told), "{check:?}");
        }
        let reached = Some(Reached::NoTcp { address: "192.0.2.1:443".parse().unwrap(), why: "refused".to_owned() });
        let silent = relay(&Probe { reached, ..probe(RelayState::Connecting) });
        assert!(silent.what.ends_with("within 5 s: no TCP connection to 192.0.2.1:443: refused"), "{silent:?}");
        let alone = Probe { route: Route::Missing, ..probe(RelayState::Connecting) };
        assert!(
            relay(&alone).what.contains("no route"),
            "a machine without a way there is told so, and not of the server"
        );
        let unknown = LookupState::Unreachable { why: why() };
        assert_eq!(lookup(&Probe { lookup: unknown, ..alone }).what, "no route leads there from this machine");
    }
}
