//! Mending journals from the panel: the command `log repair`, run by this program as another process, which knows how to get at a device that is open here.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde::Deserialize;
use verso_identity::WorkspaceId;

use crate::error::{CliError, Exit};

const WHAT: &str = "can't repair it";

/// A repair that is under way.
#[derive(Debug)]
pub(super) struct Mending {
    pub(super) workspace: Option<WorkspaceId>,
    work: tokio::task::JoinHandle<Result<(), CliError>>,
}

impl Mending {
    /// Begins to mend the journal of a workspace, or all, of the device in a data directory.
    pub(super) fn begin(data_dir: PathBuf, workspace: Option<WorkspaceId>) -> Self {
        Self { workspace, work: tokio::task::spawn_blocking(move || run(data_dir, workspace)) }
    }

    /// Waits for its end.
    pub(super) async fn end(&mut self) -> Result<(), CliError> {
        let panicked = |_panic| CliError::new(Exit::Failed, WHAT, "a defect of the program", "run `verso log repair`");
        (&mut self.work).await.unwrap_or_else(|panic| Err(panicked(panic)))
    }
}

fn run(data_dir: PathBuf, workspace: Option<WorkspaceId>) -> Result<(), CliError> {
    let hint = "run `verso log repair` in a terminal";
    let program = env::current_exe().map_err(|error| CliError::because(Exit::Failed, WHAT, &error, hint))?;
    let mut command = Command::new(program);
    command.args(["log", "repair", "--json", "--data-dir"]).arg(data_dir);
    if let Some(workspace) = workspace {
        command.args(["-w", &workspace.to_hex()]);
    }
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| CliError::because(Exit::Failed, WHAT, &error, hint))?;
    outcome(&output)
}

/// What the command says of its failure.
#[derive(Debug, Deserialize)]
struct Told {
    error: Error,
}

#[derive(Debug, Deserialize)]
struct Error {
    what: String,
    why: String,
    hint: String,
}

fn outcome(output: &Output) -> Result<(), CliError> {
    if output.status.success() {
        return Ok(());
    }
    // Notes may stand before it.
    let last = output.stderr.rsplit(|byte| *byte == b'\n').find(|line| !line.is_empty()).unwrap_or_default();
    let Ok(Told { error: Error { what, why, hint } }) = serde_json::from_slice(last) else {
        let why = format!("`verso log repair` ended with {}", output.status);
        return Err(CliError::new(Exit::Failed, WHAT, why, "run it in a terminal to see more"));
    };
    Err(CliError::new(Exit::Failed, what, why, hint))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use super::*;

    fn ended(code: i32, stderr: &str) -> Result<(), CliError> {
        outcome(&Output { status: ExitStatus::from_raw(code << 8), stdout: Vec::new(), stderr: stderr.into() })
    }

    #[test]
    fn what_the_command_says_is_what_a_person_is_told() {
        assert_eq!(ended(0, "a note\n"), Ok(()));
        let told = r#"{"error":{"code":4,"name":"no-peer","what":"the journals are not whole","why":"nobody has it","hint":"wait"}}"#;
        let error = ended(4, &format!("a note\n{told}\n")).unwrap_err();
        assert_eq!([&*error.what, &error.why, &error.hint], ["the journals are not whole", "nobody has it", "wait"]);
        let error = ended(101, "it panicked").unwrap_err();
        assert!(error.what == WHAT && error.why.contains("101"), "{error}");
    }
}
