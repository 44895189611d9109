//! `completions`: what a shell has to know to complete the words of a command line.

use std::io::{self, Write};

use clap::CommandFactory as _;
use clap_complete::Shell;
use serde::Serialize;

use crate::args::Cli;
use crate::error::CliError;
use crate::output::{Output, Paint, Report};

pub(crate) fn run(shell: Shell, output: &Output) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "verso", &mut script);
    // What is made of the command line is text, as that is.
    output.print(&Completions { shell: shell.to_string(), script: String::from_utf8_lossy(&script).into_owned() })
}

#[derive(Debug, Serialize)]
struct Completions {
    shell: String,
    script: String,
}

impl Report for Completions {
    fn write_text(&self, out: &mut dyn Write, _paint: Paint) -> io::Result<()> {
        out.write_all(self.script.as_bytes())
    }
}
