//! `doctor`: looks at everything a device needs, one thing after another, and says what to do about what is wrong.

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use verso_discovery::{Depth, Mode};
use verso_identity::{DeviceKey, KeyStoreKind, WorkspaceId};
use verso_transport::Network;
use verso_vv::MAX_DRIFT_MS;
use verso_worker::LocalDiscovery;

use crate::app::App;
use crate::device::Device;
use crate::discovery::{Discovery, Hindrance};
use crate::error::{CliError, Exit};
use crate::failure;
use crate::home::Unlocked;
use crate::output::{Paint, Report, entries, grouped, size};

mod network;

/// Room below which a disk is soon full: an import of a large graph takes some megabytes, and so does a compaction.
const LITTLE_ROOM: u64 = 100 << 20;
/// The first second of 2026. A clock before it is wrong, since Verso is not that old.
const EARLIEST: u64 = 1_767_225_600;

/// Looks, tells, and fails only if something does not work.
pub(crate) fn run(app: &App) -> Result<(), CliError> {
    let checkup = Checkup { checks: examine(app) };
    app.output.print(&checkup)?;
    let faults = checkup.checks.iter().filter(|check| check.verdict == Verdict::Fault).count();
    if faults == 0 {
        return Ok(());
    }
    let why = format!("{faults} of {} checks found a fault", checkup.checks.len());
    Err(CliError::new(Exit::Failed, "not all is well", why, "do what is said beside each"))
}

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// Nothing is wrong.
    Ok,
    /// It works, and may not for long, or not as well as it could.
    Warning,
    /// It does not work.
    Fault,
    /// It could not be looked at.
    Skipped,
}

#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    verdict: Verdict,
    what: String,
    /// What to do, if anything is to be done.
    hint: Option<String>,
}

impl Check {
    fn ok(name: &'static str, what: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Ok, what: what.into(), hint: None }
    }

    fn skipped(name: &'static str, what: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Skipped, what: what.into(), hint: None }
    }

    fn warning(name: &'static str, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Warning, what: what.into(), hint: Some(hint.into()) }
    }

    fn fault(name: &'static str, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Fault, what: what.into(), hint: Some(hint.into()) }
    }

    fn failed(name: &'static str, error: CliError) -> Self {
        Self::fault(name, error.why, error.hint)
    }
}

const DIRECTORY: &str = "data directory";
const KEY_STORE: &str = "key store";
const JOURNALS: &str = "journals";
const CLOCK: &str = "clock";
const DISCOVERY: &str = "discovery";

/// All checks. What rests on something that failed is skipped: one cause is told once.
fn examine(app: &App) -> Vec<Check> {
    let mut checks = vec![directory(app)];
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    if let Some((key, port, newest)) = open(app, &mut checks) {
        checks.push(clock(now, newest));
        checks.extend(network::checks(app, &key, port));
    } else {
        checks.push(clock(now, Duration::ZERO));
        checks.extend(network::NAMES.map(|name| Check::skipped(name, "needs the device to be open")));
    }
    checks.push(discovery(app));
    checks
}

/// Whether the data directory is there, private, and has room.
fn directory(app: &App) -> Check {
    let home = app.home();
    let shown = home.dir().display().to_string();
    if let Err(error) = home.place() {
        // A missing key is told of where the key is looked at.
        if error.exit != Exit::KeyStore {
            return Check::failed(DIRECTORY, error);
        }
    }
    if let Some(why) = unwritable(home.dir()) {
        let hint = "nothing can be recorded: see that the disk is not read-only, and that the directory is yours";
        return Check::fault(DIRECTORY, format!("{shown} may not be written: {why}"), hint);
    }
    if let Some(mode) = others_may(home.dir()) {
        let what = format!("{shown} may be used by other users of this machine (mode {mode:o})");
        return Check::warning(DIRECTORY, what, format!("chmod 700 {shown}"));
    }
    match room(home.dir()) {
        Some(room) if room < LITTLE_ROOM => {
            let what = format!("{shown} has {} left on its disk", size(room));
            Check::warning(DIRECTORY, what, "make room: when the disk is full nothing is recorded, and nothing is lost")
        }
        Some(room) => Check::ok(DIRECTORY, format!("{shown}, with {} left on its disk", size(room))),
        None => Check::ok(DIRECTORY, shown),
    }
}

/// Why nothing can be written to a directory that is there, if so.
#[cfg(unix)]
fn unwritable(dir: &Path) -> Option<String> {
    use rustix::fs::{Access, access};
    let error = access(dir, Access::WRITE_OK | Access::EXEC_OK).err()?;
    // That it isn't there is another matter.
    (error != rustix::io::Errno::NOENT).then(|| io::Error::from(error).to_string())
}

#[cfg(not(unix))]
fn unwritable(_dir: &Path) -> Option<String> {
    None
}

#[cfg(unix)]
fn others_may(dir: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(dir).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn others_may(_dir: &Path) -> Option<u32> {
    None
}

#[cfg(unix)]
fn room(dir: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(dir).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn room(_dir: &Path) -> Option<u64> {
    None
}

/// Opens key and journals, and tells how that went. Returns the key, the port, and the greatest time that the journals know.
fn open(app: &App, checks: &mut Vec<Check>) -> Option<(DeviceKey, u16, Duration)> {
    if unwritable(app.home().dir()).is_some() {
        for name in [KEY_STORE, JOURNALS] {
            checks.push(Check::skipped(name, "a directory that may not be written can't be opened"));
        }
        return None;
    }
    let unlocked = match app.unlock() {
        Ok(unlocked) => unlocked,
        Err(error) => {
            checks.push(match error.exit {
                Exit::NotInitialised => Check::skipped(KEY_STORE, "there is no device yet"),
                Exit::Locked => Check::skipped(KEY_STORE, format!("{}, which has opened the key", error.why)),
                _ => Check::failed(KEY_STORE, error),
            });
            checks.push(Check::skipped(JOURNALS, "they are opened by who has the key"));
            return None;
        }
    };
    checks.push(key_store(unlocked.keystore));
    let Unlocked { ref key, port, .. } = unlocked;
    let key = DeviceKey::from_secret(&key.to_secret());
    match Device::open_unlocked(app.home().dir(), unlocked, &super::host_name()) {
        Ok(device) => {
            checks.push(journals(&device));
            let newest = Duration::from_millis(device.replica().clock().millis());
            if let Err(error) = device.close() {
                checks.push(Check::failed(JOURNALS, error));
            }
            Some((key, port, newest))
        }
        Err(error) => {
            checks.push(Check::failed(JOURNALS, error));
            Some((key, port, Duration::ZERO))
        }
    }
}

fn key_store(kind: KeyStoreKind) -> Check {
    match kind {
        KeyStoreKind::Keychain => {
            Check::ok(KEY_STORE, format!("{kind}; how far this device wrote is noted there, too"))
        }
        _ => Check::ok(
            KEY_STORE,
            format!(
                "{kind}; how far this device wrote is noted beside it, so if the whole directory is put back, only peers notice"
            ),
        ),
    }
}

fn journals(device: &Device) -> Check {
    let (notices, replica) = (device.notices(), device.replica());
    let mut verified = 0_u64;
    for workspace in replica.workspaces().chain([WorkspaceId::CONTROL]) {
        match replica.verify_log(&workspace) {
            Ok(report) if report.damage.is_empty() => verified = verified.saturating_add(report.entries),
            Ok(_) => {
                return Check::fault(JOURNALS, "parts are damaged; `verso log verify` names them", failure::DAMAGED);
            }
            Err(error) => return Check::failed(JOURNALS, failure::read_log(&error)),
        }
    }
    if let Some(failure) = device.mark_failure() {
        let what = format!("how far this device had written can't be looked up: {failure}");
        return Check::warning(
            JOURNALS,
            what,
            "if the data directory was put back from a copy, only peers will notice",
        );
    }
    if notices.rolled_back.is_some() {
        let what = "the data directory was put back to an earlier state";
        return Check::warning(
            JOURNALS,
            what,
            "run verso up: what is missing comes back from your other devices, and they confirm whom this one trusts",
        );
    }
    if notices.local_state_lost {
        let what = "this device's own state could not be read and was put aside";
        return Check::warning(JOURNALS, what, "pair its peers again");
    }
    let count = replica.workspaces().count();
    let workspaces = if count == 1 { "1 workspace".to_owned() } else { format!("{count} workspaces") };
    Check::ok(JOURNALS, format!("{workspaces}, {}, every byte verified", entries(verified)))
}

/// Judges the time by when Verso was made and by the newest change that is known.
fn clock(now: Duration, newest: Duration) -> Check {
    const HINT: &str = "set date and time; nothing is lost, but changes carry wrong times until then";
    if now.as_secs() < EARLIEST {
        return Check::fault(CLOCK, "it shows a time before 2026", HINT);
    }
    let behind = newest.saturating_sub(now);
    if behind > Duration::from_millis(MAX_DRIFT_MS) {
        let what = format!("it is {} s behind the newest change that this device knows", grouped(behind.as_secs()));
        return Check::warning(CLOCK, what, HINT);
    }
    Check::ok(CLOCK, "it agrees with what this device knows")
}

/// Tries what looking for devices on the local network takes.
fn discovery(app: &App) -> Check {
    let LocalDiscovery::On { mode, .. } = &app.settings.discovery else {
        let why = match app.settings.network {
            Network::Loopback => "no other machine is in reach, and so none is looked for",
            _ => "it is switched off: peers are dialled at the addresses that are known",
        };
        return Check::skipped(DISCOVERY, why);
    };
    match Discovery::of_settings(&app.settings, Depth::Sending) {
        Discovery { obstacle: Some(Hindrance { what, action, .. }), .. } => {
            let what = format!("{}; peers are dialled at the addresses that are known", what.trim_end_matches('.'));
            Check::warning(DISCOVERY, what, action.trim_end_matches('.'))
        }
        Discovery { interfaces, .. } => {
            let on = interfaces.join(", ");
            Check::ok(
                DISCOVERY,
                match mode {
                    Mode::Announce => format!("devices find each other on {on}"),
                    Mode::Listen => format!("this device finds others on {on}, and announces nothing"),
                },
            )
        }
    }
}

/// What was found.
#[derive(Debug, Serialize)]
struct Checkup {
    checks: Vec<Check>,
}

impl Report for Checkup {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        for Check { name, verdict, what, hint } in &self.checks {
            let verdict = match verdict {
                Verdict::Ok => paint.good("ok     "),
                Verdict::Warning => paint.warn("warning"),
                Verdict::Fault => paint.bad("fault  "),
                Verdict::Skipped => paint.faint("skipped"),
            };
            writeln!(out, "{verdict}  {name:<14}  {what}")?;
            if let Some(hint) = hint {
                writeln!(out, "{:<9}{:<14}  {} {hint}", "", "", paint.faint("to do:"))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_judged_by_what_is_known() {
        let day = |day: u64| Duration::from_secs(EARLIEST + day * 86_400);
        assert_eq!(clock(day(10), day(9)).verdict, Verdict::Ok);
        assert_eq!(
            clock(day(10), day(10) + Duration::from_mins(1)).verdict,
            Verdict::Ok,
            "as far as clocks may differ"
        );
        let behind = clock(day(10), day(11));
        assert_eq!(behind.verdict, Verdict::Warning);
        assert!(behind.what.contains("86,400 s behind"), "{behind:?}");
        assert_eq!(clock(Duration::ZERO, Duration::ZERO).verdict, Verdict::Fault);
    }
}
