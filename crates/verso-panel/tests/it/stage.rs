//! A stage on which a panel is shown without a window.

use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use verso_panel::{PanelAction, PanelState, SyncPanel};

/// What a harness keeps: the panel, what it shows, and what it has asked for.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) panel: SyncPanel,
    pub(crate) state: PanelState,
    pub(crate) actions: Vec<PanelAction>,
    /// What was put into the clipboard.
    pub(crate) copied: Vec<String>,
}

/// A stage.
pub(crate) struct Stage(pub(crate) Harness<'static, Scene>);

pub(crate) const WIDE: [f32; 2] = [1100.0, 820.0];
pub(crate) const NARROW: [f32; 2] = [320.0, 640.0];

impl Stage {
    pub(crate) fn new(state: PanelState) -> Self {
        Self::of(state, WIDE, egui::Theme::Light)
    }

    pub(crate) fn of(state: PanelState, size: [f32; 2], theme: egui::Theme) -> Self {
        let scene = Scene { panel: SyncPanel::new(), state, actions: Vec::new(), copied: Vec::new() };
        let draw = |ui: &mut egui::Ui, scene: &mut Scene| {
            // The whole window, without the margin that a test's window has.
            let whole = ui.ctx().content_rect();
            let mut ui = ui.new_child(egui::UiBuilder::new().max_rect(whole));
            ui.set_clip_rect(whole);
            scene.actions.extend(scene.panel.ui(&mut ui, &scene.state));
            let commands = ui.ctx().output(|output| output.commands.clone());
            scene.copied.extend(commands.into_iter().filter_map(|command| match command {
                egui::OutputCommand::CopyText(text) => Some(text),
                _ => None,
            }));
        };
        let builder = Harness::builder().with_size(size).with_theme(theme).with_render_cursor(false);
        let mut harness = builder.build_ui_state(draw, scene);
        harness.run_ok();
        Self(harness)
    }

    /// Presses what has this name, and lets the panel draw what follows.
    pub(crate) fn press(&mut self, name: &str) {
        let node = self.0.get_by_label(name);
        node.scroll_to_me();
        node.click_accesskit();
        self.0.run_ok();
    }

    /// Goes to a page, whatever its count says.
    pub(crate) fn go(&mut self, page: &str) {
        let tabs = self.0.get_all_by_role(egui::accesskit::Role::Tab);
        let tab =
            tabs.into_iter().find(|tab| tab.accesskit_node().label().is_some_and(|label| label.starts_with(page)));
        tab.expect("there is a way to every page").click_accesskit();
        self.0.run_ok();
    }

    /// Writes into the field that has the caption `name`.
    pub(crate) fn write(&mut self, name: &str, text: &str) {
        let field = self.0.get_by_role_and_label(egui::accesskit::Role::TextInput, name);
        field.focus();
        self.0.run_ok();
        let field = self.0.get_by_role_and_label(egui::accesskit::Role::TextInput, name);
        field.type_text(text);
        self.0.run_ok();
    }

    /// Returns what was asked for since the last time, but for looking around, which the panel does by itself.
    pub(crate) fn asked(&mut self) -> Vec<PanelAction> {
        let mut asked = std::mem::take(&mut self.0.state_mut().actions);
        asked.retain(|action| !matches!(action, PanelAction::LookAround | PanelAction::StopLooking));
        asked
    }

    pub(crate) fn shows(&self, text: &str) -> bool {
        self.0.query_all_by_label_contains(text).next().is_some()
    }
}

impl Stage {
    /// Returns what was put into the clipboard last; empty if nothing.
    pub(crate) fn copied(&self) -> String {
        self.0.state().copied.last().cloned().unwrap_or_default()
    }
}
