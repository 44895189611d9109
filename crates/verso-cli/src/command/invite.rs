//! `pair --invite`, `pair list`, `pair withdraw`: links that stay good until tomorrow, and are served by `verso up`.

use std::io::{self, Write};
use std::sync::Arc;

use serde::Serialize;
use verso_pairing::{OfferStatus, PairingLink};
use verso_worker::{
    Invitation, InvitationError, Invitations, InviteError, MAX_INVITE_SECONDS, OfferOptions, PairError, Ways,
};
use zeroize::Zeroizing;

use super::agreement::{self, Consent, Up, role_code};
use super::pair::{check_terms, draw, joins_as, offered};
use super::workspace::access_code;
use crate::app::App;
use crate::args::{PairCommand, PairOptions};
use crate::error::{CliError, Exit};
use crate::failure;
use crate::find;
use crate::home::Unlocked;
use crate::net;
use crate::output::{Paint, Report, hex, shown};
use crate::prompt;
use crate::table::Table;
use crate::when;

const CANT_INVITE: &str = "can't make an invitation";

/// Makes an invitation, and ends.
pub(crate) fn make(app: &App, options: &PairOptions) -> Result<(), CliError> {
    check_terms(&options.terms)?;
    let (ttl, joins_as) = (options.ttl(), joins_as(options.terms.role));
    if ttl.as_secs() > MAX_INVITE_SECONDS {
        let why = format!("an invitation stands for {} days at most", MAX_INVITE_SECONDS / (24 * 60 * 60));
        return Err(CliError::new(Exit::Usage, CANT_INVITE, why, "give it a shorter time, such as --ttl 24h"));
    }
    let consent = Consent::from(options.yes);
    agreement::require_answer(app.output.seat(), consent, CANT_INVITE)?;
    if consent == Consent::Asked {
        let question = format!(
            "Whoever comes with the link first is let in as {joins_as}, without being asked about here again. Make it?"
        );
        if !prompt::consent(app.output.seat(), CANT_INVITE, &question)? {
            return Err(CliError::new(Exit::Failed, CANT_INVITE, "you said no", "nothing was made"));
        }
    }
    let unlocked = net::unlock(app)?;
    let made = app.block_on(async {
        let link = net::connect(app, unlocked).await?;
        let handle = &link.handle;
        let made = async {
            if handle.addresses().is_empty() {
                return Err(failure::no_network("it has no address at which another device could reach it"));
            }
            let workspaces = offered(app, handle, &options.terms).await?;
            let options = OfferOptions { role: options.terms.role.role(), workspaces, ttl, ways: Ways::Link };
            let (id, link) = handle.invite(options).await.map_err(|error| not_made(&error))?;
            let made = handle.invitations().list(when::now_ms()).into_iter().find(|invitation| invitation.id == id);
            Ok((made, link))
        };
        let made = made.await;
        let closed = link.close(app).await;
        let made = made?;
        closed?;
        Ok(made)
    });
    let (Some(invitation), link) = made? else {
        let why = "its time was over before it was made";
        return Err(CliError::new(Exit::Failed, CANT_INVITE, why, "give it more time, such as --ttl 24h"));
    };
    if let Some(picture) = &options.qr {
        let link: PairingLink =
            link.parse().map_err(|error| agreement::no_code(&verso_pairing::CodeError::Link(error)))?;
        draw(app, &link, picture)?;
    }
    app.output.print(&Made { row: Row::new(&invitation), link, joins_as, up: Up::of(app) })
}

pub(crate) fn run(app: &App, wanted: &PairCommand) -> Result<(), CliError> {
    // The directory stays taken while they are worked on.
    let (invitations, _lock) = if let Some(host) = &app.host {
        (host.worker().invitations(), None)
    } else {
        let Unlocked { key, lock, .. } = app.unlock()?;
        let opened = Invitations::open(app.home().dir(), &key).map_err(|error| failed(&error))?;
        (Arc::new(opened), Some(lock))
    };
    let now_ms = when::now_ms();
    let all = invitations.list(now_ms);
    match wanted {
        PairCommand::List => app.output.print(&List { invitations: all.iter().map(Row::new).collect() }),
        PairCommand::Withdraw { id } => {
            let meant = find::invitation(&all, id)?;
            invitations.withdraw(&meant.id, now_ms).map_err(|error| failed(&error))?;
            let withdrawn = invitations.list(now_ms).into_iter().find(|row| row.id == meant.id);
            app.output.print(&Withdrawn { row: Row::new(withdrawn.as_ref().unwrap_or(meant)) })
        }
    }
}

fn not_made(error: &InviteError) -> CliError {
    match error {
        InviteError::Kept(error) => failed(error),
        InviteError::Pair(PairError::Terms(error)) => {
            CliError::because(Exit::Usage, CANT_INVITE, error, "offer each workspace once")
        }
        error => CliError::because(Exit::Failed, CANT_INVITE, error, "run the command again"),
    }
}

fn failed(error: &InvitationError) -> CliError {
    const WHAT: &str = "can't use the invitations";
    let hint = match error {
        InvitationError::TooMany => "withdraw those that nobody needs: see `verso pair list`",
        InvitationError::Over => "see `verso pair list`; nobody can join by it any more",
        InvitationError::Newer => "update Verso: a newer version has been used on this device",
        _ => "see that the disk has room and the data directory may be written",
    };
    CliError::because(Exit::Failed, WHAT, error, hint)
}

/// The word for JSON.
const fn state_code(status: OfferStatus) -> &'static str {
    match status {
        OfferStatus::Open | OfferStatus::Busy => "open",
        OfferStatus::Used { .. } => "used",
        OfferStatus::Withdrawn => "withdrawn",
        OfferStatus::Expired => "expired",
        OfferStatus::Exhausted => "exhausted",
        _ => "refused",
    }
}

/// The whole id of an invitation.
pub(crate) fn id_of(invitation: &Invitation) -> String {
    hex(invitation.id.as_bytes())
}

/// An invitation, without its link.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    role: &'static str,
    workspaces: Vec<Shared>,
    expires_at: String,
    state: &'static str,
    /// Which device has used it.
    used_by: Option<String>,
    failed_proofs: u8,
}

#[derive(Debug, Serialize)]
struct Shared {
    id: String,
    name: String,
    access: &'static str,
}

impl Row {
    fn new(invitation: &Invitation) -> Self {
        let shared = |workspace: &verso_pairing::WorkspaceTerms| Shared {
            id: workspace.id.to_hex(),
            name: workspace.name.as_str().to_owned(),
            access: access_code(workspace.access),
        };
        let used_by = match invitation.status {
            OfferStatus::Used { by } => Some(by.to_hex()),
            _ => None,
        };
        Self {
            id: id_of(invitation),
            role: role_code(invitation.role),
            workspaces: invitation.workspaces.iter().map(shared).collect(),
            expires_at: when::json(invitation.expires_at.saturating_mul(1000)),
            state: state_code(invitation.status),
            used_by,
            failed_proofs: invitation.failed_proofs,
        }
    }

    /// Enough of the id to name it by.
    fn short(&self) -> &str {
        self.id.get(..8).unwrap_or(&self.id)
    }
}

#[derive(Serialize)]
struct Made {
    #[serde(flatten)]
    row: Row,
    #[serde(serialize_with = "as_text")]
    link: Zeroizing<String>,
    #[serde(skip)]
    joins_as: &'static str,
    /// Whether `verso up` runs here, so that it is served already.
    #[serde(skip)]
    up: Up,
}

/// Prints a secret that is kept no longer.
fn as_text<S: serde::Serializer>(secret: &Zeroizing<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret)
}

impl Report for Made {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        writeln!(out, "Whoever comes with this link first joins as {}. On the other device:\n", self.joins_as)?;
        writeln!(out, "  verso join '{}'\n", paint.strong(self.link.as_str()))?;
        let (until, short) = (when::person_reads(&self.row.expires_at), self.row.short());
        writeln!(out, "It stands until {until}; `verso pair withdraw {short}` takes it back.")?;
        if self.up == Up::Runs {
            return writeln!(out, "`verso up` serves it already, and has to run here when the other device joins.");
        }
        writeln!(out, "{} verso up, which has to run here when the other device joins", paint.faint("next:"))
    }
}

#[derive(Debug, Serialize)]
struct List {
    invitations: Vec<Row>,
}

impl Report for List {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        if self.invitations.is_empty() {
            return writeln!(out, "There is no invitation: make one with `verso pair --invite`.");
        }
        let mut table = Table::new(["id", "for", "state", "until", "workspaces"]);
        for row in &self.invitations {
            let shared = |workspace: &Shared| format!("{} ({})", shown(&workspace.name), workspace.access);
            let workspaces: Vec<String> = row.workspaces.iter().map(shared).collect();
            table.row([
                row.short().to_owned(),
                row.role.to_owned(),
                row.state.to_owned(),
                when::person_reads(&row.expires_at),
                workspaces.join(", "),
            ]);
        }
        table.write(out, paint)
    }
}

#[derive(Debug, Serialize)]
struct Withdrawn {
    #[serde(flatten)]
    row: Row,
}

impl Report for Withdrawn {
    fn write_text(&self, out: &mut dyn Write, _paint: Paint) -> io::Result<()> {
        writeln!(out, "took the invitation {} back; its link is void", self.row.short())
    }
}
