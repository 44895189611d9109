//! `join`: pairs with the device that shows a link and six words, or with one nearby by its name.

use std::io::{self, Write};
use std::net::SocketAddr;

use serde::Serialize;
use tokio::sync::mpsc;
use verso_graph::Graph;
use verso_pairing::{Code, Paired, PairingError, PairingLink};
use verso_transport::{DialError, Network, RelayUrl};
use verso_worker::{PairError, PairingEvent, WorkerHandle};
use zeroize::Zeroizing;

use super::agreement::{self, Consent, Up, no_code, role_code};
use super::codes;
use super::nearby::{self, Nearby};
use crate::app::App;
use crate::error::{CliError, Exit};
use crate::net::{self, Signals};
use crate::output::{Output, Paint, Report, shown};
use crate::prompt::{self, Confidant as _};

const WHAT: &str = "can't join";

/// What stands for the code on a command line, if it comes another way.
const ELSEWHERE: &str = "-";

/// Joins by a link or six words, which are asked for or read if the command line doesn't have them.
pub(crate) fn run(app: &App, code: &[String], at: &[SocketAddr], consent: Consent) -> Result<(), CliError> {
    let seat = app.output.seat();
    let read = match code {
        [] if !seat.is_there() => {
            let hint = "give the link or the six words, or - to have them read from standard input";
            return Err(CliError::new(Exit::Usage, WHAT, "it is not said by which link or words", hint));
        }
        [elsewhere] if elsewhere != ELSEWHERE => None,
        [] | [_] => {
            agreement::require_answer(seat, consent, WHAT)?;
            Some(prompt::pairing_code(seat, WHAT)?)
        }
        _ => None,
    };
    let text = read.unwrap_or_else(|| Zeroizing::new(code.join(" ")));
    let code: Code = text.parse().map_err(|error| no_code(&error))?;
    agreement::require_answer(seat, consent, WHAT)?;
    pair_with(app, Wanted::Code(code), at, consent)
}

/// Joins a device nearby, by the name that it shows.
pub(crate) fn nearby(app: &App, name: &str, at: &[SocketAddr], consent: Consent) -> Result<(), CliError> {
    codes::require_somebody(app.output.seat(), WHAT)?;
    pair_with(app, Wanted::Nearby(name), at, consent)
}

/// Which device is meant.
enum Wanted<'a> {
    Code(Code),
    Nearby(&'a str),
}

fn pair_with(app: &App, wanted: Wanted<'_>, at: &[SocketAddr], consent: Consent) -> Result<(), CliError> {
    let unlocked = net::unlock(app)?;
    app.block_on(async {
        let mut signals = Signals::listen(app.output.seat())?;
        let link = net::connect(app, unlocked).await?;
        let outcome = tokio::select! {
            paired = join(app, &link.handle, wanted, at, consent) => paired,
            () = signals.recv() => {
                Err(CliError::new(Exit::Failed, WHAT, "it was stopped", "run it again while the code is shown"))
            }
        };
        let closed = link.close(app).await;
        let paired = outcome?;
        closed?;
        app.output.print(&Told { up: Up::of(app), ..Told::new(&paired) })
    })
}

/// Whoever sits here.
#[derive(Clone, Copy)]
struct Person<'a> {
    consent: Consent,
    output: &'a Output,
}

async fn join(
    app: &App,
    handle: &WorkerHandle<Graph>,
    wanted: Wanted<'_>,
    at: &[SocketAddr],
    consent: Consent,
) -> Result<Paired, CliError> {
    let (sender, events) = mpsc::unbounded_channel();
    let output = &app.output;
    let person = Person { consent, output };
    match wanted {
        Wanted::Code(Code::Link(link)) => {
            for (key, _value) in link.unknown_parameters() {
                output.note(format_args!("The link says something that this version does not know: {}.", shown(key)));
            }
            match link.hints().name.as_ref() {
                Some(name) => output.note(format_args!("Looking for {}…", shown(name.as_str()))),
                None => output.note("Looking for the other device…"),
            }
            let joined = answering(handle.join(&link, at, &sender), events, person).await;
            joined.map_err(|error| match other_relay(&link, &app.settings.network) {
                Some(hint) if error.exit == Exit::NoPeer => CliError { hint, ..error },
                _ => error,
            })
        }
        Wanted::Nearby(name) => {
            output.note("Looking for the other device…");
            let Nearby { device, name, addresses } = nearby::find_by_name(app, handle, name).await?;
            output.note(format_args!("Joining {}, fingerprint {}…", shown(&name), device.fingerprint()));
            let at = [at, &addresses].concat();
            answering(handle.join_nearby(device, &at, &sender), events, person).await
        }
        Wanted::Code(Code::Words(words)) => {
            output.note("Looking for the other device…");
            answering(handle.join_by_words(words, at, &sender), events, person).await
        }
    }
}

/// What to do where the link names a relay that this device does not use; `None` if it uses it, or none is named. Nobody's relay is used because a link says so.
fn other_relay(link: &PairingLink, network: &Network) -> Option<String> {
    let named: RelayUrl = link.hints().relay.as_ref()?.as_str().parse().ok()?;
    let is_used = match network {
        Network::Public => true,
        Network::Relay(own) => own.url == named,
        _ => false,
    };
    (!is_used).then(|| {
        format!(
            "the other device is at the relay {named}, which this one does not use: be in one network with it, or run this, or the `verso up` beside it, with --network relay={named}"
        )
    })
}

/// Waits for the pairing, and asks the person what it wants to know.
async fn answering(
    joining: impl Future<Output = Result<Paired, PairError>>,
    mut events: mpsc::UnboundedReceiver<PairingEvent>,
    Person { consent, output }: Person<'_>,
) -> Result<Paired, CliError> {
    tokio::pin!(joining);
    loop {
        tokio::select! {
            joined = &mut joining => return joined.map_err(|error| failed(&error)),
            Some(event) = events.recv() => {
                let asking = codes::respond(event, consent, output);
                tokio::pin!(asking);
                tokio::select! {
                    asked = &mut asking => asked?,
                    joined = &mut joining => {
                        codes::past(output, "The other device went away meanwhile");
                        // The terminal belongs to the question until it is answered.
                        asking.await?;
                        return joined.map_err(|error| failed(&error));
                    }
                }
            }
        }
    }
}

/// What a failure to join means.
pub(crate) fn failed(error: &PairError) -> CliError {
    const ASK: &str = "run `verso pair` there again, and join by what it shows";
    match error {
        PairError::Expired => CliError::because(Exit::Refused, WHAT, error, ASK),
        PairError::Dial(dial) => match dial {
            // Whoever answers and knows nothing of an offer: it was used, has expired, or was withdrawn.
            DialError::Refused(_) => {
                let why = "the other device shows no such code: it was used, has expired, or was withdrawn";
                CliError::new(Exit::Refused, WHAT, why, ASK)
            }
            DialError::NoAddress => {
                let why =
                    "no device was found on the local network that shows this code, and no address of it is given";
                let hint = "see that `verso pair` still runs there, or give the address that it shows, as in: verso join … --at 192.168.1.5:41234";
                CliError::new(Exit::NoPeer, WHAT, why, hint)
            }
            DialError::Version => CliError::because(Exit::Failed, WHAT, dial, "update Verso on both devices"),
            _ => {
                let hint = "see that `verso pair` still runs there, or for an invitation `verso up`, and both devices are on one network";
                CliError::because(Exit::NoPeer, WHAT, dial, hint)
            }
        },
        PairError::Ceremony(ceremony) => match ceremony {
            PairingError::OwnCode => CliError::because(Exit::Usage, WHAT, ceremony, "use it on another device"),
            PairingError::Refused => CliError::new(
                Exit::Failed,
                WHAT,
                "you said no",
                "nothing was shared; join again if you change your mind",
            ),
            PairingError::PeerRefused(_)
            | PairingError::Offer(_)
            | PairingError::OtherOffer
            | PairingError::NotProven
            | PairingError::NotAccepted => CliError::because(Exit::Refused, WHAT, ceremony, ASK),
            PairingError::Unfinished => {
                CliError::because(Exit::Failed, WHAT, ceremony, "join again by the same code, or try `verso up`")
            }
            _ => CliError::because(Exit::Failed, WHAT, ceremony, "join again while the code is shown"),
        },
        _ => CliError::because(Exit::Failed, WHAT, error, "run the command again"),
    }
}

/// The device that was joined.
#[derive(Debug, Serialize)]
struct Told {
    device: String,
    name: String,
    role: &'static str,
    /// Whether `verso up` runs here, so that sync has begun.
    #[serde(skip)]
    up: Up,
}

impl Told {
    fn new(paired: &Paired) -> Self {
        Self {
            device: paired.device.to_hex(),
            name: paired.name.to_string(),
            role: role_code(paired.role),
            up: Up::DoesNotRun,
        }
    }
}

impl Report for Told {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        writeln!(out, "{} with {}", paint.good("paired"), paint.strong(shown(&self.name)))?;
        agreement::write_next(out, paint, self.up)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use verso_transport::OwnRelay;

    use super::*;

    #[test]
    fn a_relay_that_only_the_other_device_uses_is_told_of() {
        let bare =
            "verso://pair/8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c/cHBwcHBwcHBwcHBwcHBwcA";
        let link = |query: &str| format!("{bare}{query}").parse::<PairingLink>().unwrap();
        let named = link("?addr=192.0.2.1:4242&relay=https://relay.example/");
        let own = |url: &str| Network::Relay(Arc::new(OwnRelay::at(url.parse().unwrap())));
        for unused in [Network::Loopback, Network::Lan, own("https://other.example/")] {
            let hint = other_relay(&named, &unused).unwrap();
            assert!(hint.contains("--network relay=https://relay.example/"), "{hint}");
        }
        for used in [Network::Public, own("https://relay.example/")] {
            assert_eq!(other_relay(&named, &used), None);
        }
        assert_eq!(other_relay(&link("?addr=192.0.2.1:4242"), &Network::Lan), None, "it names none");
    }
}
