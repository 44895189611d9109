//! `status --watch`: the status, again whenever it is another. What is stored, or what a `verso up` tells, whichever has the data directory.

use std::time::Duration;

#[cfg(unix)]
use super::live::END_OF_FRAME;
use super::screen::{Screen, Size};
use super::stored::Stored;
use super::view;
use crate::app::App;
use crate::error::{CliError, Exit};
use crate::net::{self, Signals};
use crate::output::{Format, Output};
use crate::when;

/// How often it is looked whether anything is different, and ages are counted anew.
const EVERY: Duration = Duration::from_millis(500);

/// Shows the status until somebody ends it.
pub(super) fn run(app: &App) -> Result<(), CliError> {
    let mut shown = Shown::new(app.output.clone());
    loop {
        match attached(app, &mut shown)? {
            Attached::ToNothing => {}
            Attached::ToTheEnd => return Ok(()),
            Attached::Failed => {
                let hint = "see what it said; `verso status` without --watch may tell more";
                return Err(CliError::new(
                    Exit::Failed,
                    "can't watch",
                    "`verso up` could not tell how it stands",
                    hint,
                ));
            }
        }
        if alone(app, &mut shown)? == Ended::BySomebody {
            return Ok(());
        }
    }
}

/// Why watching what is stored has ended.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    BySomebody,
    /// Another process has the directory, and may be a `verso up`.
    ByAnother,
}

/// Shows what is stored, until somebody ends it or a `verso up` has the directory.
fn alone(app: &App, shown: &mut Shown) -> Result<Ended, CliError> {
    let mut stored = Stored::open(app)?;
    net::block_on(async {
        let mut signals = Signals::listen(app.output.seat())?;
        loop {
            stored.look_again(app)?;
            shown.show(&stored, when::now_ms())?;
            if is_up(app) {
                return Ok(Ended::ByAnother);
            }
            tokio::select! {
                () = signals.recv() => return Ok(Ended::BySomebody),
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    })
}

/// Whether a `verso up` can be reached.
#[cfg(unix)]
fn is_up(app: &App) -> bool {
    crate::control::client::Connection::is_there(&app.home())
}

#[cfg(not(unix))]
fn is_up(_app: &App) -> bool {
    false
}

/// Where it is shown.
struct Shown {
    output: Output,
    /// At a terminal in the place of what was shown before, elsewhere below it, if it is another.
    screen: Option<Screen>,
    last: Vec<u8>,
}

impl Shown {
    fn new(output: Output) -> Self {
        let is_screen = output.format() == Format::Text && output.seat().terminals().stdout;
        Self { output, screen: is_screen.then(Screen::default), last: Vec::new() }
    }

    fn show(&mut self, stored: &Stored, now_ms: u64) -> Result<(), CliError> {
        if self.screen.is_none() {
            // Ages go on by themselves.
            let told = serde_json::to_vec(&stored.status).unwrap_or_default();
            if told != self.last {
                self.output.print(&stored.status)?;
                self.last = told;
            }
            return Ok(());
        }
        let paint = self.output.stdout();
        let mut lines = view::lines(&stored.status, now_ms, paint);
        let held = if stored.is_held { "; another process has the data directory now" } else { "" };
        let name = crate::output::shown(&stored.name);
        let at = when::time_of_day(stored.read_ms);
        lines.push(String::new());
        lines.push(paint.faint(format_args!("{name}, as stored at {at}{held} · Ctrl-C ends it")).to_string());
        self.draw(&lines)
    }

    fn draw(&mut self, lines: &[String]) -> Result<(), CliError> {
        let (rows, columns) = console::Term::stdout().size();
        let size = Size { rows: rows.into(), columns: columns.into() };
        let drawn = self.screen.as_mut().and_then(|screen| screen.draw(lines, size));
        drawn.map_or(Ok(()), |drawn| self.output.tell(drawn))
    }
}

/// Lets a `verso up` tell, if one has the data directory.
#[cfg(unix)]
fn attached(app: &App, shown: &mut Shown) -> Result<Attached, CliError> {
    use crate::control::client::Connection;

    let home = app.home();
    let Some(up) = Connection::reach(&home)? else { return Ok(Attached::ToNothing) };
    home.check(&app.settings, &app.environment)?;
    let words: Vec<_> = std::env::args_os().collect();
    let mut pending: Vec<u8> = Vec::new();
    let told = up.run_into(&words, &mut |bytes| {
        if shown.screen.is_none() {
            return app.output.seat().print(bytes);
        }
        pending.extend_from_slice(bytes);
        while let Some(end) = pending.iter().position(|byte| *byte == END_OF_FRAME) {
            let frame: Vec<u8> = pending.drain(..=end).collect();
            let frame = String::from_utf8_lossy(frame.strip_suffix(&[END_OF_FRAME]).unwrap_or(&frame)).into_owned();
            let lines: Vec<String> = frame.trim_start_matches('\n').split('\n').map(str::to_owned).collect();
            shown.draw(&lines).map_err(|error| std::io::Error::other(error.why))?;
        }
        Ok(())
    });
    match told {
        Ok(0) => Ok(Attached::ToTheEnd),
        Ok(_failed) => Ok(Attached::Failed),
        // It has ended; what is stored is there.
        Err(error) if error == crate::control::ended() => Ok(Attached::ToNothing),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn attached(_app: &App, _shown: &mut Shown) -> Result<Attached, CliError> {
    Ok(Attached::ToNothing)
}

/// What became of it.
enum Attached {
    /// No `verso up` has the directory, or none any more.
    ToNothing,
    /// Somebody ended it.
    ToTheEnd,
    /// It was told why not.
    Failed,
}
