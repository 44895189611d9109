//! What others wrote is shown as what it is, and nothing on the panel is without a name.

use egui_kittest::kittest::{NodeT as _, Queryable as _};
use verso_panel::PanelState;
use verso_panel::state::Pairing;

use crate::samples;
use crate::stage::{NARROW, Stage};

/// Text that would turn the line around, break it, or hide something.
const DECEPTIVE: &str = "lap\u{202e}kcab\u{0007}\n\u{200b}top";

fn hostile(text: &str) -> PanelState {
    let mut state = samples::busy();
    state.device.name = text.into();
    state.devices.iter_mut().for_each(|device| device.name = text.into());
    state.nearby.iter_mut().for_each(|nearby| nearby.name = text.into());
    state.workspaces.iter_mut().for_each(|workspace| workspace.name = text.into());
    state.held.iter_mut().for_each(|held| held.does = text.into());
    state.offered.iter_mut().for_each(|offered| offered.name = text.into());
    for conflict in &mut state.conflicts {
        conflict.title = text.into();
        conflict.opinions.iter_mut().for_each(|opinion| opinion.value = text.into());
    }
    state
}

#[test]
fn no_name_deceives() {
    for page in ["Overview", "Devices", "Workspaces", "Review", "Activity"] {
        let mut stage = Stage::new(hostile(DECEPTIVE));
        stage.go(page);
        let texts = stage.0.root().query_all(egui_kittest::kittest::By::new().recursive(true)).filter_map(|node| {
            let node = node.accesskit_node();
            node.label().or_else(|| node.value())
        });
        let texts: Vec<String> = texts.collect();
        assert!(texts.iter().any(|text| text.contains("lap\u{25a1}kcab")), "{page}: the name is shown");
        assert!(texts.iter().all(|text| !text.contains(['\u{202e}', '\u{0007}', '\u{200b}'])), "{page}");
    }
    let mut state = samples::confirming();
    if let Pairing::Confirming(agreement) = &mut state.pairing {
        agreement.name = DECEPTIVE.into();
    }
    assert!(Stage::new(state).shows("Pair with lap\u{25a1}kcab"));
}

#[test]
fn a_name_as_long_as_any_breaks_no_page() {
    let long = "a very long name of a device ".repeat(100);
    for size in [NARROW, crate::stage::WIDE] {
        for page in ["Overview", "Devices", "Workspaces", "Review", "Activity"] {
            let mut stage = Stage::of(hostile(&long), size, egui::Theme::Light);
            stage.go(page);
            let out = stage
                .0
                .root()
                .query_all(egui_kittest::kittest::By::new().role(egui::accesskit::Role::Button).recursive(true));
            for button in
                out.filter(|button| button.accesskit_node().label().is_some_and(|label| label != "Sync: needs you"))
            {
                let right = button.rect().right();
                assert!(right <= size[0] + 0.5, "{page}: a button ends at {right} of {}", size[0]);
            }
        }
    }
}

#[test]
fn who_has_no_name_goes_by_the_start_of_the_id() {
    let mut state = samples::synced();
    state.devices[0].name.clear();
    assert!(Stage::new(state.clone()).shows(&state.devices[0].id.to_string()));
}
