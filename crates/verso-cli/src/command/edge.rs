//! `edge`: adding and removing edges.

use std::io::{self, Write};

use serde::Serialize;
use verso_graph::Intent;

use crate::app::App;
use crate::args::{EdgeCommand, Ends};
use crate::error::CliError;
use crate::find;
use crate::output::{Paint, Report, shown};

pub(crate) fn run(app: &App, wanted: EdgeCommand) -> Result<(), CliError> {
    let (ends, verb) = match wanted {
        EdgeCommand::Add { ends } => (ends, Verb::Add),
        EdgeCommand::Rm { ends } => (ends, Verb::Remove),
    };
    let Ends { src, dst, kind, workspace } = ends;
    let mut device = app.device()?;
    let workspace = find::workspace(&device, workspace.workspace.as_deref(), &app.settings)?.id;
    let graph = device.graph(&workspace)?;
    let source = find::node(graph, &src)?;
    let (src, dst) = (source.id(), find::node(graph, &dst)?.id());
    let is_there = source.outgoing().iter().any(|edge| edge.dst() == dst && edge.kind() == kind);
    let intent = match verb {
        // It is there: there is nothing to record.
        Verb::Add if is_there => None,
        Verb::Add => Some(Intent::Link { src: src.into(), dst: dst.into(), kind: kind.clone() }),
        Verb::Remove => Some(Intent::Unlink { src: src.into(), dst: dst.into(), kind: kind.clone() }),
    };
    if let Some(intent) = intent {
        device.commit(&workspace, &[intent], verb.what())?;
    }
    device.close()?;
    app.output.print(&Told { src: src.to_hyphenated(), dst: dst.to_hyphenated(), kind, verb })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Add,
    Remove,
}

impl Verb {
    const fn what(self) -> &'static str {
        match self {
            Self::Add => "can't add the edge",
            Self::Remove => "can't remove the edge",
        }
    }
}

#[derive(Debug, Serialize)]
struct Told {
    src: String,
    dst: String,
    kind: String,
    #[serde(skip)]
    verb: Verb,
}

impl Report for Told {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let verb = match self.verb {
            Verb::Add => "linked",
            Verb::Remove => "unlinked",
        };
        write!(out, "{verb} {} → {}", self.src, self.dst)?;
        if !self.kind.is_empty() {
            write!(out, " {}", paint.faint(shown(&self.kind)))?;
        }
        writeln!(out)
    }
}
