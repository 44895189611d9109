//! Carries out what a person asks for at the panel: the same decisions and intents as the commands of the same names.

use verso_graph::{Choice, ConflictId, Graph, Intent, What};
use verso_identity::{DeviceId, WorkspaceId};
use verso_pairing::Name;
use verso_panel::PanelAction;
use verso_panel::state::{HeldId, Verdict};
use verso_replica::{DecisionError, Now};
use verso_vv::Dot;
use verso_wire::Application as _;
use verso_worker::{CommandError, HostReplica, WorkerHandle};

use crate::error::{CliError, Exit};
use crate::failure;

const ENDED: &str = "the sync worker has ended";

/// Carries an action out, all of it or nothing; what it did is durable.
pub(super) async fn out(handle: &WorkerHandle<Graph>, action: PanelAction) -> Result<(), CliError> {
    match action {
        PanelAction::SyncNow | PanelAction::Retry { .. } => {
            handle.sync_now();
            Ok(())
        }
        PanelAction::RenameThis { name } => {
            let name = checked(name)?;
            written(handle, "can't rename the device", move |replica, now| {
                replica.rename(&name, now).map_err(|error| failure::read_log(&error))
            })
            .await
        }
        PanelAction::Rename { device, name } => {
            let name = checked(name)?;
            decided(handle, "can't rename the device", move |replica, now| replica.rename_peer(device, &name, now))
                .await
        }
        PanelAction::Forget { device } => {
            decided(handle, "can't forget the device", move |replica, now| replica.forget(device, now)).await
        }
        PanelAction::ConfirmPeer { device } => {
            written(handle, "can't confirm the device", move |replica, now| {
                replica.confirm(device, now).map_err(|error| {
                    let hint = "see that the disk has room and the data directory may be written";
                    CliError::because(Exit::Failed, "can't confirm the device", &error, hint)
                })
            })
            .await
        }
        PanelAction::NewWorkspace { name } => {
            let name = checked(name)?;
            let founded = handle.found_workspace(name).await;
            founded.map(drop).map_err(|error| command(&error, "can't make the workspace"))
        }
        PanelAction::RenameWorkspace { workspace, name } => {
            let intent = Graph::rename(&checked(name)?);
            commit(handle, workspace, intent, "can't rename the workspace").await
        }
        PanelAction::Share { workspace, device, access } => {
            let share = move |replica: &mut HostReplica<Graph>, now| replica.share(&workspace, device, access, now);
            decided(handle, "can't share the workspace", share).await
        }
        PanelAction::Unshare { workspace, device } => {
            let unshare = move |replica: &mut HostReplica<Graph>, now| replica.unshare(&workspace, device, now);
            decided(handle, "can't take the workspace away", unshare).await
        }
        PanelAction::JoinWorkspace { workspace, from } => {
            let join = move |replica: &mut HostReplica<Graph>, now| replica.join_workspace(&workspace, from, now);
            decided(handle, "can't join the workspace", join).await
        }
        PanelAction::LeaveWorkspace { workspace } => {
            decided(handle, "can't leave the workspace", move |replica, now| replica.leave(&workspace, now)).await
        }
        PanelAction::Pick { workspace, conflict, value, device } => {
            settle(handle, workspace, move |graph| pick(graph, &conflict, &value, &device)).await
        }
        PanelAction::Resolve { workspace, conflict, verdict } => {
            let choice = match verdict {
                Verdict::Keep => Choice::Keep,
                Verdict::Ghost => Choice::Ghost,
                Verdict::Delete => Choice::Delete,
            };
            settle(handle, workspace, move |graph| graph.resolution(&conflict, choice)).await
        }
        PanelAction::KeepHeld { workspace, entries } => {
            let dots = dots(handle, workspace, entries).await?;
            decided(handle, "can't keep the entries", move |replica, now| replica.keep(&workspace, &dots, now)).await
        }
        PanelAction::WithdrawInvitation { id } => withdraw(handle, &id),
        // The others are about a pairing, a repair or what is shown, and never come here.
        _ => Ok(()),
    }
}

fn withdraw(handle: &WorkerHandle<Graph>, id: &str) -> Result<(), CliError> {
    const WHAT: &str = "can't withdraw the link";
    let (invitations, now_ms) = (handle.invitations(), crate::when::now_ms());
    let known = invitations.list(now_ms).into_iter().find(|invitation| invitation.id.to_string() == id);
    let Some(known) = known else {
        return Err(CliError::new(Exit::Failed, WHAT, "it is not there any more", "nothing is to be done"));
    };
    invitations.withdraw(&known.id, now_ms).map_err(|error| {
        let hint = "see that the disk has room and the data directory may be written";
        CliError::because(Exit::Failed, WHAT, &error, hint)
    })
}

/// Gives entries up for good.
pub(super) async fn discard(
    handle: &WorkerHandle<Graph>,
    workspace: WorkspaceId,
    entries: Vec<HeldId>,
) -> Result<(), CliError> {
    let dots = dots(handle, workspace, entries).await?;
    let discarded = move |replica: &mut HostReplica<Graph>, now| replica.discard(&workspace, &dots, now);
    decided(handle, "can't give the entries up", discarded).await?;
    written(handle, "can't give the entries up", move |replica, _now| {
        // Nothing of it is left here, if no other device has a say. What goes wrong with that compaction does later.
        if let Err(error) = replica.erase(&workspace) {
            tracing::warn!(target: "verso.sync", %workspace, %error, "what was given up is not erased yet");
        }
        Ok(())
    })
    .await
}

/// Tells in words what will do nothing, or less, without these entries.
pub(super) async fn dependents(
    handle: &WorkerHandle<Graph>,
    workspace: WorkspaceId,
    entries: Vec<HeldId>,
) -> Result<Vec<String>, CliError> {
    let dots = dots(handle, workspace, entries).await?;
    let found = handle.read(move |replica| {
        let found = replica.depending_on(&workspace, &dots).map_err(|error| failure::read_log(&error))?;
        let told = |dependent: verso_replica::Dependent| {
            let author = dependent.dot.author.device;
            let who = replica.trust().name(&author).map_or_else(|| author.to_string(), str::to_owned);
            format!("{who}: {}", dependent.text)
        };
        Ok(found.into_iter().map(told).collect())
    });
    found.await.unwrap_or_else(|| Err(ended("can't look at the entries")))
}

/// Finds the entries again by what they are; those that are held no longer are left out.
async fn dots(
    handle: &WorkerHandle<Graph>,
    workspace: WorkspaceId,
    entries: Vec<HeldId>,
) -> Result<Vec<Dot>, CliError> {
    const WHAT: &str = "can't decide about the entries";
    let found = handle.read(move |replica| {
        let held = replica.quarantine(&workspace).map_err(|error| failure::read_log(&error))?;
        let meant = held.entries.into_iter().filter(|entry| entries.contains(&HeldId(entry.hash.0)));
        Ok::<_, CliError>(meant.map(|entry| entry.dot).collect::<Vec<Dot>>())
    });
    let dots = found.await.unwrap_or_else(|| Err(ended(WHAT)))?;
    if dots.is_empty() {
        let why = "they are not held any more: somebody has decided meanwhile";
        return Err(CliError::new(Exit::Failed, WHAT, why, "nothing is to be done"));
    }
    Ok(dots)
}

/// The intent that takes one of the values, if it is still among them.
fn pick(graph: &Graph, conflict: &ConflictId, value: &str, device: &DeviceId) -> Option<Intent> {
    let sides = graph.conflict(conflict)?.sides;
    let is_it = |side: &verso_graph::Side<'_>| {
        matches!(side.what, What::Value(written) if written == value) && side.stamp.dot.author.device == *device
    };
    graph.pick(conflict, sides.iter().position(is_it)?)
}

/// Settles a conflict that may have been settled meanwhile.
async fn settle(
    handle: &WorkerHandle<Graph>,
    workspace: WorkspaceId,
    intent: impl FnOnce(&Graph) -> Option<Intent> + Send + 'static,
) -> Result<(), CliError> {
    const WHAT: &str = "can't settle the conflict";
    let intent = handle.read(move |replica| replica.application(&workspace).and_then(intent)).await;
    let intent = intent.ok_or_else(|| ended(WHAT))?.ok_or_else(|| {
        let why = "it has changed meanwhile: somebody has decided, or written again";
        CliError::new(Exit::Failed, WHAT, why, "look at what is there now")
    })?;
    commit(handle, workspace, intent, WHAT).await
}

async fn commit(
    handle: &WorkerHandle<Graph>,
    workspace: WorkspaceId,
    intent: Intent,
    what: &'static str,
) -> Result<(), CliError> {
    handle.commit(workspace, vec![intent]).await.map(drop).map_err(|error| command(&error, what))
}

async fn decided(
    handle: &WorkerHandle<Graph>,
    what: &'static str,
    decide: impl FnOnce(&mut HostReplica<Graph>, Now) -> Result<(), DecisionError> + Send + 'static,
) -> Result<(), CliError> {
    written(handle, what, move |replica, now| decide(replica, now).map_err(|error| failure::decision(&error, what)))
        .await
}

/// Borrows the replica for a change, makes it durable, and gives the replica back.
async fn written(
    handle: &WorkerHandle<Graph>,
    what: &'static str,
    write: impl FnOnce(&mut HostReplica<Graph>, Now) -> Result<(), CliError> + Send + 'static,
) -> Result<(), CliError> {
    let mut loan = handle.lend().await.ok_or_else(|| ended(what))?;
    let done = tokio::task::spawn_blocking(move || {
        let now = loan.now();
        let done = write(&mut loan, now);
        let done = done.and_then(|()| loan.flush(now).map_err(|error| failure::flush(&error)));
        loan.give_back();
        done
    });
    done.await.unwrap_or_else(|_panic| Err(CliError::new(Exit::Failed, what, "a defect of the program", "try again")))
}

fn checked(name: String) -> Result<String, CliError> {
    Name::new(name).map(|name| name.as_str().to_owned()).map_err(|error| {
        CliError::because(Exit::Usage, "can't name it so", &error, "give it a short name of visible characters")
    })
}

fn command(error: &CommandError<Graph>, what: &str) -> CliError {
    match error {
        CommandError::Commit(error) => failure::commit(error, what),
        error => CliError::because(Exit::Failed, what, error, "see that the disk has room, and try again"),
    }
}

fn ended(what: &str) -> CliError {
    CliError::new(Exit::Failed, what, ENDED, "close this window and open it again")
}
