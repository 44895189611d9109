//! `export`: a whole workspace on standard output.

use std::io::{self, BufWriter, Write as _};

use crate::app::App;
use crate::args::ExportFormat;
use crate::error::CliError;
use crate::export::{write_bookmarks, write_document, write_lines};
use crate::find;
use crate::output;

pub(crate) fn run(app: &App, workspace: Option<&str>, format: ExportFormat) -> Result<(), CliError> {
    let device = app.device()?;
    let workspace = find::workspace(&device, workspace, &app.settings)?.id;
    let graph = device.graph(&workspace)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let written = match format {
        ExportFormat::Json => write_document(&mut out, &workspace, graph),
        ExportFormat::Jsonl => write_lines(&mut out, graph),
        ExportFormat::Bookmarks => write_bookmarks(&mut out, graph),
    };
    let written = written.and_then(|()| out.flush()).or_else(|error| output::written(&error));
    device.close()?;
    written
}
