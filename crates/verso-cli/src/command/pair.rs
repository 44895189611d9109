//! `pair`: shows one offer until a device has joined by it.

use std::io::{self, IsTerminal as _, Write};
use std::time::Duration;

use serde::Serialize;
use verso_pairing::{Background, OfferStatus, Paired, PairingLink, terminal_qr};
use verso_trust::PeerRole;
use verso_worker::{OfferOptions, PairingEvent, PairingOffer};
use zeroize::Zeroizing;

use super::agreement::{self, Consent, role_code};
use crate::app::App;
use crate::error::{CliError, Exit};
use crate::failure;
use crate::net::{self, Signals};
use crate::output::{Format, Output, Paint, Report, shown};
use crate::when;

const WHAT: &str = "no device was paired";

pub(crate) fn run(app: &App, ttl: Duration, consent: Consent) -> Result<(), CliError> {
    agreement::require_answer(consent, "can't pair")?;
    let unlocked = app.unlock()?;
    net::block_on(async {
        let mut signals = Signals::listen()?;
        let (worker, handle) = net::open(app, unlocked).await?;
        let outcome = async {
            if handle.addresses().is_empty() {
                return Err(failure::no_network("it has no address at which another device could reach it"));
            }
            let options = OfferOptions { role: PeerRole::Own, workspaces: Vec::new(), ttl };
            let offer = handle.offer(options).await.map_err(|error| {
                CliError::because(Exit::Failed, "can't make an offer", &error, "run the command again")
            })?;
            show(&offer, app.output)?;
            tokio::select! {
                paired = wait(offer, consent, app.output) => paired,
                () = signals.recv() => {
                    Err(CliError::new(Exit::Failed, WHAT, "the offer was withdrawn", "run `verso pair` for a new link"))
                }
            }
        };
        let outcome = outcome.await;
        let closed = worker.close().await.map_err(|error| failure::worker(&error, app.home().dir()));
        let paired = outcome?;
        closed?;
        app.output.print(&paired)
    })
}

/// Shows the link and the same as a QR code.
fn show(offer: &PairingOffer, output: Output) -> Result<(), CliError> {
    offer.with_link(|link| {
        let qr = if output.format() == Format::Text && io::stdout().is_terminal() {
            Some(Zeroizing::new(terminal_qr(link, Background::Dark)))
        } else {
            None
        };
        let expires_ms = offer.expires_at().saturating_mul(1000);
        output.print(&Shown { link: Lent(link), expires_at: when::json(expires_ms), qr })
    })
}

/// Waits until somebody is paired, or the offer is over.
async fn wait(mut offer: PairingOffer, consent: Consent, output: Output) -> Result<Told, CliError> {
    const AGAIN: &str = "run `verso pair` for a new link";
    let over = |why: &str| Err(CliError::new(Exit::Failed, WHAT, why, AGAIN));
    loop {
        match offer.next().await {
            Some(PairingEvent::Confirm { summary, answer }) => {
                let said = agreement::answer(&summary, consent, output).await?;
                if answer.send(said).is_err() {
                    output.note("The other device went away meanwhile.");
                }
            }
            Some(PairingEvent::Failed(error)) => {
                output.note(format_args!("An attempt to join failed: {}.", crate::error::chain(&error)));
            }
            Some(PairingEvent::Paired(paired)) => return Ok(Told::new(&paired)),
            Some(PairingEvent::Over(status)) => {
                return over(match status {
                    OfferStatus::Expired => "nobody joined in time",
                    OfferStatus::Declined => "you said no, so the link is void",
                    OfferStatus::Exhausted => "too many attempts with a wrong link, so it is void",
                    _ => "the offer is over",
                });
            }
            Some(_) => {}
            None => return over("the offer is over"),
        }
    }
}

/// A link that is printed and not kept.
struct Lent<'a>(&'a PairingLink);

impl Serialize for Lent<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(self.0.to_string()))
    }
}

#[derive(Serialize)]
#[serde(tag = "event", rename = "offer")]
struct Shown<'a> {
    link: Lent<'a>,
    expires_at: String,
    #[serde(skip)]
    qr: Option<Zeroizing<String>>,
}

impl Report for Shown<'_> {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        writeln!(out, "Whoever has this link can join as a device of yours, once. On your other device:\n")?;
        writeln!(out, "  verso join '{}'\n", paint.strong(Zeroizing::new(self.link.0.to_string()).as_str()))?;
        if let Some(qr) = &self.qr {
            writeln!(out, "{}\n", qr.as_str())?;
        }
        writeln!(out, "Waiting until {}; Ctrl-C withdraws it.", when::person_reads(&self.expires_at))
    }
}

/// A device that was paired.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "paired")]
struct Told {
    device: String,
    name: String,
    role: &'static str,
}

impl Told {
    fn new(paired: &Paired) -> Self {
        Self { device: paired.device.to_hex(), name: paired.name.to_string(), role: role_code(paired.role) }
    }
}

impl Report for Told {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        writeln!(out, "{} with {}", paint.good("paired"), paint.strong(shown(&self.name)))?;
        writeln!(out, "{} verso up, on both devices", paint.faint("next:"))
    }
}
