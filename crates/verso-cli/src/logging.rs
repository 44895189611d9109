//! What happens inside, on standard error, for whoever asks with `-v`. Never a secret, never what people wrote: what is
//! logged below this program is ids, counts and reasons.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

use crate::output::{Output, Paint};

/// Begins to log, if that was asked for.
pub(crate) fn start(verbosity: u8, output: &Output) {
    let filter = match verbosity {
        0 => return,
        1 => "warn,verso=info",
        2 => "info,verso=debug",
        _ => "debug,verso=trace",
    };
    let coloured = output.stderr() == Paint::Coloured && io::stderr().is_terminal();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(io::stderr)
        .with_ansi(coloured)
        .finish();
    // There is no other subscriber; if there were, its owner knows better.
    tracing::subscriber::set_global_default(subscriber).unwrap_or_default();
}
