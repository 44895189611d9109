//! `export`: a whole workspace on standard output.

use crate::app::App;
use crate::args::ExportFormat;
use crate::error::CliError;
use crate::export::{write_bookmarks, write_document, write_dot, write_lines};
use crate::find;
use crate::output;

pub(crate) fn run(app: &App, workspace: Option<&str>, format: ExportFormat) -> Result<(), CliError> {
    let device = app.device()?;
    let workspace = find::workspace(&device, workspace, &app.settings)?.id;
    let graph = device.graph(&workspace)?;
    let mut page = app.output.seat().page();
    let written = match format {
        ExportFormat::Json => write_document(&mut page, &workspace, graph),
        ExportFormat::Jsonl => write_lines(&mut page, graph),
        ExportFormat::Bookmarks => write_bookmarks(&mut page, graph),
        ExportFormat::Dot => write_dot(&mut page, graph),
    };
    let closed = device.close();
    let written = written.and_then(|()| page.finish()).or_else(|error| output::written(&error));
    closed.and(written)
}
