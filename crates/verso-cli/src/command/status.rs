//! `status`: how things stand.

mod link;
mod live;
mod reasons;
mod screen;
mod shared;
mod state;
mod stored;
mod view;
mod watch;

use std::io::{self, Write};

use verso_discovery::Depth;

use crate::app::App;
use crate::args::Repetition;
use crate::counted::Counted;
use crate::device::Device;
use crate::discovery::Discovery;
use crate::error::CliError;
use crate::output::{Paint, Report};
use crate::when;
pub(crate) use link::RelayRow;
#[cfg(feature = "panel")]
pub(crate) use reasons::passes_by_itself;
use state::Status;

pub(crate) fn run(app: &App, repetition: Repetition) -> Result<(), CliError> {
    if repetition == Repetition::Watch {
        return match &app.host {
            Some(host) => live::run(app, host),
            None => watch::run(app),
        };
    }
    let device = app.device()?;
    let status = look(app, &device, &mut Counted::default())?;
    device.close()?;
    app.output.print(&status)
}

/// How it stands: with the `verso up` in which this runs, or with a device on which nothing does.
fn look(app: &App, device: &Device, counted: &mut Counted) -> Result<Status, CliError> {
    let live = app.host.as_ref().map(|host| host.worker().status().borrow().clone());
    let discovery = match &live {
        Some(live) => Discovery::from(&live.discovery.state),
        None => Discovery::of_settings(&app.settings, Depth::Quiet),
    };
    Status::of(device, live.as_ref(), discovery, counted)
}

impl Report for Status {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        view::lines(self, when::now_ms(), paint).iter().try_for_each(|line| writeln!(out, "{line}"))
    }
}
