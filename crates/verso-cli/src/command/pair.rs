//! `pair`: shows one offer as link, QR code and words until a device has joined by it.

use std::collections::VecDeque;
use std::fmt::Display;
use std::io::{self, Write};
use std::net::SocketAddr;

use serde::Serialize;
use verso_discovery::Mode;
use verso_graph::Graph;
use verso_pairing::{
    Background, Name, OfferStatus, Paired, PairingLink, Words, WorkspaceTerms, png_qr, svg_qr, terminal_qr,
};
use verso_replica::DecisionError;
use verso_worker::{LocalDiscovery, OfferOptions, PairingEvent, PairingOffer, Ways, WorkerHandle};
use zeroize::Zeroizing;

use super::agreement::{self, Consent, Up, role_code};
use super::codes;
use crate::app::App;
use crate::args::{PairOptions, Picture, RoleChoice, TermsOptions};
use crate::error::{CliError, Exit};
use crate::failure;
use crate::find::{self, Named};
use crate::net::{self, Signals};
use crate::new_file::{Existing, NewFile};
use crate::output::{Format, Output, Paint, Report, shown};
use crate::prompt::Confidant as _;
use crate::when;

const WHAT: &str = "no device was paired";

pub(crate) fn run(app: &App, options: &PairOptions) -> Result<(), CliError> {
    let (terms, qr, ttl, consent) = (&options.terms, options.qr.as_ref(), options.ttl(), options.yes.into());
    check_terms(terms)?;
    agreement::require_answer(app.output.seat(), consent, "can't pair")?;
    let unlocked = net::unlock(app)?;
    let _screen = app.host.as_ref().map(|host| host.screen().take()).transpose()?;
    app.block_on(async {
        let mut signals = Signals::listen(app.output.seat())?;
        let link = net::connect(app, unlocked).await?;
        let handle = &link.handle;
        let outcome = async {
            if handle.addresses().is_empty() {
                return Err(failure::no_network("it has no address at which another device could reach it"));
            }
            let workspaces = offered(app, handle, terms).await?;
            let options = OfferOptions { role: terms.role.role(), workspaces, ttl, ways: ways(app) };
            let offer = handle.offer(options).await.map_err(|error| {
                CliError::because(Exit::Failed, "can't make an offer", &error, "run the command again")
            })?;
            if let Some(picture) = qr {
                offer.with_link(|link| draw(app, link, picture))?;
            }
            show(&offer, joins_as(terms.role), &seen(app, handle).await, &app.output)?;
            tokio::select! {
                paired = wait(offer, consent, &app.output) => paired,
                () = signals.recv() => {
                    Err(CliError::new(Exit::Failed, WHAT, "the offer was withdrawn", "run `verso pair` again"))
                }
            }
        };
        let outcome = outcome.await;
        let closed = link.close(app).await;
        let paired = outcome?;
        closed?;
        app.output.print(&Told { up: Up::of(app), ..paired })
    })
}

/// Makes sure that what is offered makes sense.
pub(super) fn check_terms(terms: &TermsOptions) -> Result<(), CliError> {
    if terms.role == RoleChoice::Own && !terms.workspace.is_empty() {
        let why = "a device of yours gets every workspace";
        return Err(CliError::new(Exit::Usage, "can't pair", why, "leave out -w, or say --role friend"));
    }
    Ok(())
}

/// What devices nearby see of this one.
enum Seen {
    Nothing,
    /// The endpoint of the words, if they have these.
    Words,
    /// That, and the name.
    Name(String),
}

/// By words always; by a device nearby if it can see this one, and somebody is there to type its code.
fn ways(app: &App) -> Ways {
    if announces(app) && app.output.seat().is_there() { Ways::Nearby } else { Ways::Words }
}

fn announces(app: &App) -> bool {
    matches!(app.settings.discovery, LocalDiscovery::On { mode: Mode::Announce, .. })
}

async fn seen(app: &App, handle: &WorkerHandle<Graph>) -> Seen {
    match ways(app) {
        Ways::Nearby => {
            let name = handle.read(|replica| Name::lossy(replica.name()).to_string()).await;
            name.map_or(Seen::Words, Seen::Name)
        }
        _ if announces(app) => Seen::Words,
        _ => Seen::Nothing,
    }
}

/// Returns what a friend is given.
pub(super) async fn offered(
    app: &App,
    handle: &WorkerHandle<Graph>,
    terms: &TermsOptions,
) -> Result<Vec<WorkspaceTerms>, CliError> {
    let all = handle.read(find::workspaces_of).await.unwrap_or_default();
    let mut offered: Vec<WorkspaceTerms> = Vec::new();
    for wanted in &terms.workspace {
        let Named { id, name } = find::choose_workspace(all.clone(), Some(wanted))?;
        let owns = handle.read(move |replica| replica.owns(&id)).await.unwrap_or_default();
        if !owns {
            return Err(failure::decision(&DecisionError::NotOwner, "can't share the workspace"));
        }
        if offered.iter().all(|known| known.id != id) {
            offered.push(WorkspaceTerms { id, name: Name::lossy(&name), access: terms.access.access() });
        }
    }
    if terms.role == RoleChoice::Friend && offered.is_empty() {
        app.output.note("The friend gets no workspace yet: `verso workspace share` gives one later.");
    }
    Ok(offered)
}

/// Writes the link as a picture, which only its owner may read: whoever sees it may join.
pub(super) fn draw(app: &App, link: &PairingLink, picture: &Picture) -> Result<(), CliError> {
    let (path, bytes) = match picture {
        Picture::Png(path) => (path, png_qr(link)),
        Picture::Svg(path) => (path, Zeroizing::new(svg_qr(link).as_bytes().to_vec())),
    };
    let write = || {
        let (file, mut out) = NewFile::begin(&app.path(path), Existing::Replace)?;
        out.write_all(&bytes)?;
        out.sync_all()?;
        file.finish()
    };
    write().map_err(|error| failure::io(format!("can't write the picture {}", path.display()), &error))
}

/// Shows the words, the link, and the link as a QR code.
fn show(offer: &PairingOffer, joins_as: &'static str, seen: &Seen, output: &Output) -> Result<(), CliError> {
    let (nearby, are_found) = match seen {
        Seen::Nothing => (None, false),
        Seen::Words => (None, true),
        Seen::Name(name) => (Some(name.as_str()), true),
    };
    let shown = |words: Option<(&Words, &[SocketAddr])>| {
        offer.with_link(|link| {
            let qr = if output.format() == Format::Text && output.seat().terminals().stdout {
                Some(Zeroizing::new(terminal_qr(link, Background::Dark)))
            } else {
                None
            };
            let expires_ms = offer.expires_at().saturating_mul(1000);
            let (words, words_at) = words.map_or((None, &[][..]), |(words, at)| (Some(Lent(words)), at));
            let expires_at = when::json(expires_ms);
            output.print(&Shown { link: Lent(link), words, words_at, are_found, nearby, expires_at, joins_as, qr })
        })
    };
    offer.with_words(|words, at| shown(Some((words, at)))).unwrap_or_else(|| shown(None))
}

/// Waits until somebody is paired, or the offer is over.
async fn wait(mut offer: PairingOffer, consent: Consent, output: &Output) -> Result<Told, CliError> {
    const AGAIN: &str = "run `verso pair` again";
    let over = |why: &str| Err(CliError::new(Exit::Failed, WHAT, why, AGAIN));
    let mut waiting = VecDeque::new();
    loop {
        let next = match waiting.pop_front() {
            Some(event) => Some(event),
            None => offer.next().await,
        };
        match next {
            Some(event @ (PairingEvent::Confirm { .. } | PairingEvent::Compare { .. })) => {
                let asking = codes::respond(event, consent, output);
                tokio::pin!(asking);
                loop {
                    tokio::select! {
                        asked = &mut asking => break asked?,
                        // The terminal belongs to the question until it is answered.
                        Some(event) = offer.next() => {
                            if waiting.is_empty() {
                                codes::past(output, "Something else happened meanwhile");
                            }
                            waiting.push_back(event);
                        }
                    }
                }
            }
            Some(PairingEvent::Failed(error)) => {
                output.note(format_args!("An attempt to join failed: {}.", crate::error::chain(&error)));
            }
            Some(PairingEvent::Paired(paired)) => return Ok(Told::new(&paired)),
            Some(PairingEvent::Over(status)) => {
                return over(match status {
                    OfferStatus::Expired => "nobody joined in time",
                    OfferStatus::Declined => "you said no, so link and words are void",
                    OfferStatus::Exhausted => "too many attempts with a wrong code, so it is void",
                    _ => "the offer is over",
                });
            }
            Some(_) => {}
            None => return over("the offer is over"),
        }
    }
}

/// What whoever comes by the offer is to this device.
pub(super) const fn joins_as(role: RoleChoice) -> &'static str {
    match role {
        RoleChoice::Own => "a device of yours",
        RoleChoice::Friend => "a friend's device",
    }
}

/// A secret that is printed and not kept.
struct Lent<'a, T>(&'a T);

impl<T: Display> Serialize for Lent<'_, T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(self.0.to_string()))
    }
}

#[derive(Serialize)]
#[serde(tag = "event", rename = "offer")]
struct Shown<'a> {
    link: Lent<'a, PairingLink>,
    words: Option<Lent<'a, Words>>,
    words_at: &'a [SocketAddr],
    /// Whether the words are enough on the local network.
    #[serde(skip)]
    are_found: bool,
    /// What devices nearby see.
    nearby: Option<&'a str>,
    expires_at: String,
    #[serde(skip)]
    joins_as: &'static str,
    #[serde(skip)]
    qr: Option<Zeroizing<String>>,
}

impl Report for Shown<'_> {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        writeln!(out, "Whoever has these words or this link can join as {}, once. There:\n", self.joins_as)?;
        if let Some(words) = &self.words {
            write!(out, "  verso join {}", paint.strong(Zeroizing::new(words.0.to_string()).as_str()))?;
            if self.are_found {
                write!(out, "\n  {}", paint.faint("and if it does not find this device:"))?;
            }
            self.words_at.iter().try_for_each(|address| write!(out, " --at {address}"))?;
            writeln!(out, "\n\nor\n")?;
        }
        if let Some(name) = self.nearby {
            let quoted = if name.contains('\'') { "NAME".to_owned() } else { format!("'{}'", shown(name)) };
            writeln!(out, "  verso join --nearby {}\n\nor\n", paint.strong(quoted))?;
        }
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
