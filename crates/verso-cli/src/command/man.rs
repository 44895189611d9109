//! `man`: the manual pages, made of the same words as the help.

use std::fs;
use std::io::{self, Write};
use std::mem;
use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use roff::{Roff, roman};
use serde::Serialize;

use crate::args::Cli;
use crate::error::{CliError, Exit};
use crate::output::{Output, Paint, Report};

/// Prints the page of the whole program, or writes a page for each command into a folder.
pub(crate) fn run(folder: Option<&Path>, output: &Output) -> Result<(), CliError> {
    let Some(folder) = folder else {
        let page = render(&program()).map_err(|error| failed(Path::new("verso.1"), &error))?;
        return output.print(&Page { page: String::from_utf8_lossy(&page).into_owned() });
    };
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    let mut pages = Vec::new();
    // One that was taken out brings its own commands in.
    let mut commands = vec![program()];
    while let Some(command) = commands.pop() {
        let name = format!("{}.1", command.get_display_name().unwrap_or_else(|| command.get_name()));
        let path = folder.join(&name);
        render(&command).and_then(|page| fs::write(&path, page)).map_err(|error| failed(&path, &error))?;
        pages.push(name);
        commands.extend(command.get_subcommands().filter(|command| command.get_name() != "help").cloned());
    }
    pages.sort();
    output.print(&Pages { folder: folder.display().to_string(), pages })
}

/// The command line with everything in it that is worked out when it is used.
fn program() -> Command {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    program
}

fn render(command: &Command) -> io::Result<Vec<u8>> {
    let page = &mut Vec::new();
    let man = Man::new(command.clone()).manual("Verso").source(concat!("verso ", env!("CARGO_PKG_VERSION")));
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(page)?;
    }
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    render_help(page, &help)?;
    Ok(mem::take(page))
}

/// Writes what stands under a command's options as it stands there: examples are to be copied, and their columns mean something. A line that ends in a
/// colon begins a section.
fn render_help(page: &mut Vec<u8>, help: &str) -> io::Result<()> {
    let mut roff = Roff::new();
    let mut is_open = false;
    for line in help.lines() {
        let heading = line.strip_suffix(':').filter(|heading| heading.split(' ').count() <= 2);
        if heading.is_some() || !is_open {
            if is_open {
                roff.control("fi", []);
            }
            roff.control("SH", [heading.unwrap_or("Notes").to_uppercase().as_str()]);
            roff.control("nf", []);
            is_open = true;
        }
        if heading.is_none() {
            roff.text([roman(line)]);
        }
    }
    if is_open {
        roff.control("fi", []);
    }
    roff.to_writer(page)
}

fn failed(path: &Path, error: &io::Error) -> CliError {
    let what = format!("can't write {}", path.display());
    CliError::because(Exit::Failed, what, error, "name a folder that may be written")
}

#[derive(Debug, Serialize)]
struct Page {
    page: String,
}

impl Report for Page {
    fn write_text(&self, out: &mut dyn Write, _paint: Paint) -> io::Result<()> {
        out.write_all(self.page.as_bytes())
    }
}

#[derive(Debug, Serialize)]
struct Pages {
    folder: String,
    pages: Vec<String>,
}

impl Report for Pages {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        writeln!(out, "{} {} manual pages to {}", paint.good("wrote"), self.pages.len(), self.folder)
    }
}
