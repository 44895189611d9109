//! How a status looks: lines for a person, made of the state and the time and nothing else.

use std::fmt::Write as _;

use console::{measure_text_width, pad_str, truncate_str};

use super::link::RelayRow;
use super::reasons::ReasonRow;
use super::shared::SharedRow;
use super::state::{Moved, PeerRow, Status, WorkspaceRow};
use crate::output::{Paint, counted, entries, grouped, shown};
use crate::when;

/// How much of a device's id people are shown where it has no name.
const SHORT_ID: usize = 8;
/// Columns for names. A longer one is cut: what stands beside it matters more.
const NAME_COLUMNS: usize = 28;
/// Columns of a bar, its ends included.
const BAR_COLUMNS: u64 = 16;

/// Lines for a person, the indicator first. `now_ms` is what ages are counted from.
pub(super) fn lines(status: &Status, now_ms: u64, paint: Paint) -> Vec<String> {
    let mut lines = vec![indicator(status, paint)];
    peers(status, now_ms, paint, &mut lines);
    workspaces(status, now_ms, paint, &mut lines);
    for reason in status.reasons.iter().filter(|reason| reason.peer.is_none()) {
        lines.push(format!("  {} {}", paint.bad(reason.what), paint.faint(reason.action)));
    }
    if let Some(obstacle) = &status.discovery.obstacle {
        lines.push(format!("  {} {}", paint.warn(&obstacle.what), paint.faint(obstacle.action)));
    }
    if let Some((what, action)) = status.relay.as_ref().and_then(RelayRow::trouble) {
        lines.push(format!("  {} {}", paint.warn(shown(&what)), paint.faint(action)));
    }
    for conflict in &status.conflicts {
        let what = match conflict.kind {
            "deletion" => "was deleted by somebody who had not seen all that was done to it",
            "url" => "got two urls at once",
            "workspace-name" => "got two names at once",
            _ => "got two titles at once",
        };
        lines.push(format!("  {} {} {what}", paint.warn("!"), shown(&conflict.title)));
    }
    if !status.conflicts.is_empty() {
        lines.push(format!("  {}", paint.faint("see `verso conflicts`")));
    }
    for fork in &status.forks {
        let who = fork.name.as_deref().map_or_else(|| shown(fork.device.get(..SHORT_ID).unwrap_or_default()), shown);
        let text = format!("{who} wrote two histories, as after a restored backup or a copied disk; both are kept");
        lines.push(format!("  {}", paint.faint(&text)));
    }
    lines
}

fn indicator(status: &Status, paint: Paint) -> String {
    let connected = || status.peers.iter().filter(|peer| peer.connected);
    let here = || many(connected().count(), "peer");
    match status.indicator {
        "attention" => paint.bad("! needs you").to_string(),
        "conflict" => paint.warn("! conflict").to_string(),
        "synced" => paint.good(format_args!("● {} · synced", here())).to_string(),
        "syncing" => {
            let moved = connected().filter_map(|peer| peer.progress).map(Moved::both_ways);
            let (done, of) =
                moved.fold((0_u64, 0_u64), |sum, moved| (sum.0.saturating_add(moved.0), sum.1.saturating_add(moved.1)));
            let text = format!("◐ {} · syncing {} / {}", here(), grouped(done), grouped(of));
            paint.strong(text).to_string()
        }
        _ => paint.strong("○ offline").to_string(),
    }
}

fn peers(status: &Status, now_ms: u64, paint: Paint, lines: &mut Vec<String>) {
    if status.peers.is_empty() {
        lines.push("no device is paired: run `verso pair` here, and `verso join LINK` there".to_owned());
        return;
    }
    let columns = widest(status.peers.iter().map(|row| row.peer.name.as_str()));
    for row in &status.peers {
        let (sign, how) = presence(row, now_ms, paint);
        let friend = if row.peer.role == "friend" { format!("  {}", paint.faint("friend")) } else { String::new() };
        lines.push(format!("  {sign} {}  {how}{friend}", paint.strong(name(&row.peer.name, columns))));
        if let Some(link) = &row.link {
            lines.push(format!("    {}", paint.faint(link.words())));
        }
        // What stops one workspace stands with that.
        for reason in reasons_of(status, &row.peer.device).filter(|reason| reason.workspace.is_none()) {
            lines.push(format!("    {} {}", paint.warn(what(reason, now_ms)), paint.faint(reason.action)));
        }
    }
    if !status.running {
        lines.push(format!("  {}", paint.faint("nothing runs: `verso up` keeps them in step")));
    }
}

/// A sign and some words for one peer.
fn presence(row: &PeerRow, now_ms: u64, paint: Paint) -> (String, String) {
    match (row.connected, row.in_step, row.progress.map(Moved::both_ways)) {
        (true, true, _) => (paint.good("●").to_string(), "in step".to_owned()),
        (true, false, Some((done, of))) if of > 0 => {
            let figures = format!("{} / {}", grouped(done), grouped(of));
            ("◐".to_owned(), format!("{} {figures}", bar(done, of)))
        }
        (true, false, _) => ("◐".to_owned(), "connected".to_owned()),
        (false, ..) => (paint.faint("○").to_string(), seen(row, now_ms)),
    }
}

fn reasons_of<'a>(status: &'a Status, peer: &'a str) -> impl Iterator<Item = &'a ReasonRow> {
    status.reasons.iter().filter(move |reason| reason.peer.as_deref() == Some(peer))
}

fn seen(row: &PeerRow, now_ms: u64) -> String {
    match row.peer.last_seen.as_deref().map(when::ms) {
        Some(Some(at)) => format!("last seen {}", when::ago(now_ms, at)),
        _ => format!("last seen {}", row.peer.seen()),
    }
}

fn what(reason: &ReasonRow, now_ms: u64) -> String {
    let what = reason.what.trim_end_matches('.');
    if let Some(ahead) = reason.clock_skew_ms {
        let way = if ahead < 0 { "behind" } else { "ahead" };
        return format!("{what}: its clock is {} {way}.", when::span(ahead.unsigned_abs()));
    }
    match reason.since.as_deref().and_then(when::ms) {
        Some(at) => format!("{what} ({})", when::ago(now_ms, at)),
        None => reason.what.to_owned(),
    }
}

/// A bar of which as much is full as was done. It is never full before all is, and never empty once something is.
fn bar(done: u64, of: u64) -> String {
    let inside = BAR_COLUMNS.saturating_sub(2);
    let full = match done.min(of) {
        0 => 0,
        done if done == of => inside,
        done => {
            let exact = u128::from(done).saturating_mul(inside.into()) / u128::from(of);
            u64::try_from(exact).unwrap_or(inside).clamp(1, inside.saturating_sub(1))
        }
    };
    let times = |count: u64, sign: &str| sign.repeat(usize::try_from(count).unwrap_or_default());
    format!("▕{}{}▏", times(full, "█"), times(inside.saturating_sub(full), "░"))
}

fn workspaces(status: &Status, now_ms: u64, paint: Paint, lines: &mut Vec<String>) {
    if status.workspaces.is_empty() {
        lines.push("no workspace is here yet: run `verso workspace new NAME`".to_owned());
    }
    let columns = widest(status.workspaces.iter().map(|row| row.name.as_str()));
    for row in &status.workspaces {
        let WorkspaceRow { name: called, nodes, entries: count, held_back, conflicts, .. } = row;
        let nodes = many(*nodes, "node");
        let mut line = format!("  {}  {nodes}, {}", paint.strong(name(called, columns)), entries(*count));
        // A string takes all that is written.
        if *held_back > 0 {
            write!(line, ", {} of them held back", grouped(*held_back)).unwrap_or_default();
        }
        if *conflicts > 0 {
            write!(line, ", {}", paint.warn(many(*conflicts, "conflict"))).unwrap_or_default();
        }
        lines.push(line);
        let columns = widest(row.peers.iter().map(|peer| peer.name.as_str()));
        for peer in &row.peers {
            let reason = reasons_of(status, &peer.device).find(|reason| reason.workspace.as_ref() == Some(&row.id));
            if let Some(how) = how_shared(peer, reason, now_ms, paint) {
                lines.push(format!("    {}  {how}", name(&peer.name, columns)));
            }
        }
    }
}

/// How a workspace stands with a peer; `None` if it is in step at this moment, which the peer's own line says.
fn how_shared(peer: &SharedRow, reason: Option<&ReasonRow>, now_ms: u64, paint: Paint) -> Option<String> {
    if let Some(reason) = reason {
        return Some(format!("{} {}", paint.warn(what(reason, now_ms)), paint.faint(reason.action)));
    }
    match peer.progress.map(Moved::both_ways) {
        Some((done, of)) if done < of => Some(format!("{} / {}", grouped(done), grouped(of))),
        Some(_) => None,
        None => Some(match peer.in_step_at.as_deref().and_then(when::ms) {
            Some(at) => paint.faint(format_args!("in step {}", when::ago(now_ms, at))).to_string(),
            None => paint.faint("not in step yet").to_string(),
        }),
    }
}

fn many(number: usize, what: &str) -> String {
    counted(u64::try_from(number).unwrap_or(u64::MAX), what)
}

fn widest<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    names.map(|name| measure_text_width(&shown(name))).max().unwrap_or_default().min(NAME_COLUMNS)
}

/// A name in so many columns.
fn name(name: &str, columns: usize) -> String {
    pad_str(&truncate_str(&shown(name), columns, "…"), columns, console::Alignment::Left, None).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::Discovery;

    const NOW: u64 = 1_700_000_000_000;

    fn status() -> Status {
        Status {
            indicator: "offline",
            running: false,
            peers: vec![],
            workspaces: vec![],
            conflicts: vec![],
            forks: vec![],
            reasons: vec![],
            discovery: Discovery { state: "off", interfaces: vec![], obstacle: None },
            relay: None,
        }
    }

    fn told(status: &Status) -> Vec<String> {
        lines(status, NOW, Paint::Plain)
    }

    #[test]
    fn nothing_yet_says_what_to_do_next() {
        let expected = [
            "○ offline",
            "no device is paired: run `verso pair` here, and `verso join LINK` there",
            "no workspace is here yet: run `verso workspace new NAME`",
        ];
        assert_eq!(told(&status()), expected);
    }

    #[test]
    fn peers_stand_in_columns_with_what_they_are_doing() {
        let mut phone = PeerRow::example("größer");
        phone.peer.last_seen = Some(when::json(NOW - 3 * 3_600_000));
        phone.reason = Some("unreachable");
        let moved = Moved { sent: 1_000, to_send: 1_310, received: 204, to_receive: 8_000 };
        let lap = PeerRow { connected: true, progress: Some(moved), ..PeerRow::example("lap") };
        let mut ana = PeerRow { connected: true, in_step: true, ..PeerRow::example("ana") };
        ana.peer.role = "friend";
        let mut reason = ReasonRow::new(verso_wire::Reason::Unreachable);
        reason.peer = Some(phone.peer.device.clone());
        reason.since = Some(when::json(NOW - 60_000));
        let status = Status {
            indicator: "syncing",
            running: true,
            peers: vec![phone, lap, ana],
            reasons: vec![reason],
            workspaces: vec![WorkspaceRow::example("garden")],
            ..status()
        };
        let lines = told(&status);
        let expected = [
            "◐ 2 peers · syncing 1,204 / 9,310",
            "  ○ größer  last seen 3 hours ago",
            "    cannot",
            "  ◐ lap     ▕█░░░░░░░░░░░░░▏ 1,204 / 9,310",
            "  ● ana     in step  friend",
            "  garden  71 nodes, 1,203 entries, 2 of them held back, 1 conflict",
        ];
        assert_eq!(lines.len(), expected.len(), "{lines:#?}");
        for (line, expected) in lines.iter().zip(expected).filter(|(_, expected)| !expected.starts_with("    c")) {
            assert_eq!(line, expected);
        }
        assert!(lines[2].contains("(1 minute ago)"), "{}", lines[2]);
    }

    #[test]
    fn a_workspace_says_with_whom_it_is_behind_and_why() {
        let peer = |name: &str, in_step_at: Option<u64>, progress| SharedRow {
            device: PeerRow::example(name).peer.device,
            name: name.to_owned(),
            in_step_at: in_step_at.map(when::json),
            reason: None,
            since: None,
            progress,
        };
        let moved = |sent| Some(Moved { sent, to_send: 1_310, ..Moved::default() });
        let mut garden = WorkspaceRow::example("garden");
        garden.peers = vec![
            peer("ana", Some(NOW - 60_000), None),
            peer("behind", None, moved(1_000)),
            peer("here", Some(NOW), moved(1_310)),
            peer("lap", Some(NOW - 3 * 3_600_000), None),
            peer("new", None, None),
        ];
        let stop = ReasonRow {
            peer: Some(garden.peers[0].device.clone()),
            workspace: Some(garden.id.clone()),
            since: Some(when::json(NOW - 2 * 3_600_000)),
            ..ReasonRow::new(verso_wire::Reason::ReadOnly)
        };
        let status = Status { workspaces: vec![garden], reasons: vec![stop], ..status() };
        let expected = [
            "    ana     This device may read the workspace, not write to it (2 hours ago) Ask an owner of the workspace for read-write access.",
            "    behind  1,000 / 1,310",
            "    lap     in step 3 hours ago",
            "    new     not in step yet",
        ];
        assert_eq!(told(&status)[3..], expected, "whoever is in step needs no line");
    }

    #[test]
    fn clocks_that_are_apart_are_told_by_how_much_and_a_rollback_is_told() {
        let lap = PeerRow::example("lap");
        let clock = |ahead| ReasonRow {
            peer: Some(lap.peer.device.clone()),
            clock_skew_ms: Some(ahead),
            ..ReasonRow::new(verso_wire::Reason::ClockSkew)
        };
        let reasons = vec![ReasonRow::new(verso_wire::Reason::RolledBack), clock(7_200_001), clock(-61_000)];
        let lines = told(&Status { peers: vec![PeerRow::example("lap")], reasons, ..status() });
        let clocks = "    The clocks of the two devices are more than a minute apart: its clock is";
        assert!(lines[2].starts_with(&format!("{clocks} 2 hours ahead. Set")), "{lines:#?}");
        assert!(lines[3].starts_with(&format!("{clocks} 1 minute behind. Set")), "{lines:#?}");
        assert!(lines.iter().any(|line| line.starts_with("  This device was rolled back")), "{lines:#?}");
    }

    #[test]
    fn a_bar_is_full_when_all_is_done_and_not_before() {
        let full = |done, of| bar(done, of).matches('█').count();
        assert_eq!(full(0, 10), 0);
        assert_eq!(full(1, 1_000_000), 1);
        assert_eq!(full(5, 10), 7);
        assert_eq!(full(999_999, 1_000_000), 13);
        assert_eq!(full(10, 10), 14);
        assert_eq!(full(u64::MAX, u64::MAX), 14);
        assert_eq!(full(20, 10), 14, "more than was expected");
    }

    #[test]
    fn what_others_call_themselves_keeps_its_place() {
        let peers = vec![PeerRow::example("a\u{1b}[2J\nb"), PeerRow::example(&"長".repeat(100))];
        let lines = told(&Status { peers, ..status() });
        for line in &lines {
            assert!(!line.contains(['\u{1b}', '\n']), "{line:?}");
        }
        let column = |line: &str| measure_text_width(line.split_once("  last seen").unwrap().0);
        assert_eq!(column(&lines[1]), column(&lines[2]));
        assert!(lines[2].contains('…'), "{}", lines[2]);
    }
}
