//! People who take back what they did: each device remembers its last steps for as long as its program runs.

use verso_graph::{Graph, Intent, Plan, UndoStack};
use verso_identity::WorkspaceId;

use crate::device::DeviceIndex;
use crate::merge::Merge;
use crate::world::World;

/// Whether a step is taken back, or done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Taken back.
    Back,
    /// Done again.
    Again,
}

impl<A: Merge> World<A> {
    /// As [`commit`](Self::commit), as a step that can be taken back.
    pub fn commit_step(&mut self, device: DeviceIndex, workspace: WorkspaceId, intents: Vec<Intent>) -> bool {
        let Some(graph) = self.graph(device, &workspace) else { return false };
        let plan = Plan::new(graph, intents);
        self.commit_plan(device, workspace, plan)
    }

    /// Takes back the last step of a device that can be, or does it again. `false` if there is none, or it failed.
    pub fn step_back(&mut self, device: DeviceIndex, workspace: WorkspaceId, step: Step) -> bool {
        let of_device = &mut self.devices[device.0];
        let mut stack = of_device.steps.remove(&workspace).unwrap_or_default();
        let graph = of_device.replica().and_then(|replica| replica.application(&workspace)).map(A::graph);
        let plan = graph.and_then(|graph| match step {
            Step::Back => stack.undo(graph),
            Step::Again => stack.redo(graph),
        });
        of_device.steps.insert(workspace, stack);
        let Some(plan) = plan else { return false };
        self.tell(|| format!("{} takes a step {step:?}", self.name(device)));
        self.tally.count(match step {
            Step::Back => "steps taken back",
            Step::Again => "steps done again",
        });
        self.commit_plan(device, workspace, plan)
    }

    fn commit_plan(&mut self, device: DeviceIndex, workspace: WorkspaceId, plan: Plan) -> bool {
        let is_safe = self.commit(device, workspace, plan.intents());
        let Some(first) = self.first_committed.take().filter(|_| is_safe) else { return is_safe };
        let mut stack = self.devices[device.0].steps.remove(&workspace).unwrap_or_default();
        if let Some(graph) = self.graph(device, &workspace) {
            stack.done(graph, plan, first);
            self.devices[device.0].steps.insert(workspace, stack);
        }
        is_safe
    }

    fn graph(&self, device: DeviceIndex, workspace: &WorkspaceId) -> Option<&Graph> {
        self.devices[device.0].replica()?.application(workspace).map(A::graph)
    }

    /// Forgets what a device could take back in a workspace: its state was built again, under other names perhaps.
    pub(crate) fn forget_steps(&mut self, device: DeviceIndex, workspace: &WorkspaceId) {
        self.devices[device.0].steps.remove(workspace);
    }
}

/// The steps of a device, by workspace.
pub(crate) type Steps = std::collections::BTreeMap<WorkspaceId, UndoStack>;
