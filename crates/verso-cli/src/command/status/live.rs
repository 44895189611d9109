//! `status --watch` within `verso up`: frames for whoever watches at the other end of the control socket.

use std::time::Duration;

use serde_json::Value;
use verso_worker::Status as Live;

use super::state::Status;
use super::{look, view};
use crate::app::App;
use crate::control::Host;
use crate::counted::Counted;
use crate::error::CliError;
use crate::net::Signals;
use crate::output::Format;
use crate::when;

/// How often it is looked whether anything was recorded, and ages are counted anew. What the network does is told at once.
const EVERY: Duration = Duration::from_secs(1);
/// How long to wait after a change for those that come with it.
const SETTLE: Duration = Duration::from_millis(80);

/// Ends the lines of a frame. None is in any line: [`shown`](crate::output::shown) lets no such character through.
pub(super) const END_OF_FRAME: u8 = 0x0c;

/// Tells how it stands until the other end has seen enough.
pub(super) fn run(app: &App, host: &Host) -> Result<(), CliError> {
    let mut signals = Signals::listen(app.output.seat())?;
    let mut changes = host.worker().status();
    let is_screen = app.output.format() == Format::Text && app.output.seat().terminals().stdout;
    let mut seen: Option<Seen> = None;
    let mut told = Value::Null;
    loop {
        changes.mark_unchanged();
        seen = Some(Seen::again(app, seen)?);
        if let Some(seen) = &seen {
            if is_screen {
                let paint = app.output.stdout();
                let mut lines = view::lines(&seen.status, when::now_ms(), paint);
                let name = crate::output::shown(&seen.name);
                lines.push(String::new());
                lines.push(paint.faint(format_args!("{name}, as `verso up` has it · Ctrl-C ends it")).to_string());
                app.output.tell(format_args!("{}{}", lines.join("\n"), char::from(END_OF_FRAME)))?;
            } else if seen.told != told {
                app.output.print(&seen.status)?;
                told.clone_from(&seen.told);
            }
        }
        let is_over = host.runtime().block_on(async {
            tokio::select! {
                () = signals.recv() => true,
                news = changes.changed() => {
                    if news.is_ok() {
                        tokio::time::sleep(SETTLE).await;
                    }
                    news.is_err()
                }
                () = tokio::time::sleep(EVERY) => false,
            }
        });
        if is_over {
            return Ok(());
        }
    }
}

/// What was seen last, and what tells cheaply whether it is another now.
struct Seen {
    name: String,
    status: Status,
    /// What makes it another, for a script.
    told: Value,
    live: Live,
    counted: Counted,
    entries: Vec<Option<(u64, u64)>>,
}

impl Seen {
    fn again(app: &App, before: Option<Self>) -> Result<Self, CliError> {
        let device = app.device()?;
        let replica = device.replica();
        let live = app.host.as_ref().map(|host| host.worker().status().borrow().clone()).unwrap_or_default();
        let entries: Vec<_> = std::iter::once(verso_identity::WorkspaceId::CONTROL)
            .chain(replica.workspaces())
            .map(|id| replica.entries(&id))
            .collect();
        let counted = match before {
            Some(before) if before.live == live && before.entries == entries => {
                device.close()?;
                return Ok(before);
            }
            before => before.map(|before| before.counted),
        };
        let mut counted = counted.unwrap_or_default();
        let status = look(app, &device, &mut counted)?;
        let id = app.host.as_ref().map(|host| host.worker().device());
        let name = id.and_then(|id| replica.trust().name(&id)).unwrap_or_default().to_owned();
        device.close()?;
        let told = without_measurements(serde_json::to_value(&status).unwrap_or_default());
        Ok(Self { name, status, told, live, counted, entries })
    }
}

/// Leaves out what is measured on a connection, and when it was seen to be up and in step: that is another each second, and nothing is different by it.
fn without_measurements(mut status: Value) -> Value {
    for peer in rows(&mut status, "peers") {
        leave_out(peer, &["last_seen"]);
        if let Some(link) = peer.get_mut("link") {
            leave_out(link, &["round_trip_ms", "bytes_sent", "bytes_received"]);
        }
    }
    for workspace in rows(&mut status, "workspaces") {
        rows(workspace, "peers").for_each(|peer| leave_out(peer, &["in_step_at"]));
    }
    status
}

fn rows<'a>(of: &'a mut Value, name: &str) -> impl Iterator<Item = &'a mut Value> {
    of.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten()
}

fn leave_out(of: &mut Value, names: &[&str]) {
    if let Some(fields) = of.as_object_mut() {
        fields.retain(|name, _| !names.contains(&name.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_measured_makes_no_difference() {
        let with = |path: &str, ms: f64, sent: u64| {
            let link = json!({"path": path, "round_trip_ms": ms, "bytes_sent": sent, "bytes_received": 1});
            let at = sent.to_string();
            let peers = json!([{"link": null}, {"link": link, "in_step": true, "last_seen": at}]);
            let workspaces = json!([{"name": "garden", "peers": [{"name": "lap", "in_step_at": at}]}]);
            without_measurements(json!({"peers": peers, "workspaces": workspaces}))
        };
        assert_eq!(with("direct", 1.5, 7), with("direct", 2.5, 8));
        assert_ne!(with("direct", 1.5, 7), with("relayed", 1.5, 7));
        assert_eq!(without_measurements(Value::Null), Value::Null);
    }
}
