//! Pairing in steps: how, then what will happen, then done.

use egui::{Ui, UiBuilder};
use verso_trust::{Access, PeerRole};

use super::View;
use crate::action::PanelAction;
use crate::state::{Agreement, Pairing, PairingFailure, Secret, Side, Term};
use crate::text;
use crate::theme::{CONTROL_HEIGHT, Tone, fonts, space};
use crate::widgets::{
    Button, Field, Icon, Look, banner, beside, card, chip, chips, ends, facts, field, line, named_segment, notice, say,
    section, segment,
};

/// From this width on, the two ways to pair stand side by side.
const SIDE_BY_SIDE: f32 = 560.0;

/// Widest field for six digits.
const CODE_WIDTH: f32 = 320.0;

/// How far it is, for the line of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Code,
    Confirm,
    Done,
}

impl View<'_> {
    pub(crate) fn pairing(&mut self, ui: &mut Ui) {
        let state = self.state;
        let step = match &state.pairing {
            Pairing::Comparing { .. } | Pairing::Confirming(_) | Pairing::Waiting { .. } => Step::Confirm,
            Pairing::Paired { .. } | Pairing::Invited { .. } => Step::Done,
            _ => Step::Code,
        };
        self.pairing_head(ui, step);
        match &state.pairing {
            Pairing::None => self.choose(ui),
            Pairing::Opening => self.wait(ui, "Making a code", "This takes a moment."),
            Pairing::Showing(screen) => self.screen(ui, screen),
            Pairing::Invited { link, expires_ms } => self.invited(ui, link, *expires_ms),
            Pairing::Reaching { what } => {
                let text = format!("Looking for {}. It is given up after 20 seconds.", text::shown(what));
                self.wait(ui, "Reaching the other device", &text);
            }
            Pairing::Comparing { code, left } => self.compare(ui, code, *left),
            Pairing::Confirming(agreement) => self.confirm(ui, agreement),
            Pairing::Waiting { name } => {
                let name = text::shown(name);
                self.wait(
                    ui,
                    "You agreed",
                    &format!("Somebody at {name} is asked the same. Nothing is stored before both agree."),
                );
            }
            Pairing::Paired { name, role, .. } => self.paired_with(ui, &text::shown(name), *role),
            Pairing::Failed(failure) => self.failed(ui, failure),
        }
    }

    fn pairing_head(&mut self, ui: &mut Ui, step: Step) {
        let theme = self.theme;
        let label = match self.state.pairing {
            Pairing::None => "Back",
            Pairing::Paired { .. } | Pairing::Failed(_) | Pairing::Invited { .. } => "Close",
            _ => "Cancel",
        };
        ends(
            ui,
            CONTROL_HEIGHT,
            |ui| line(ui, theme.title("Pair a device")),
            |ui| {
                let button =
                    Button::new(Look::Plain, label).icon(if label == "Back" { Icon::Back } else { Icon::Cross });
                if button.named(format!("{label} pairing")).show(ui, &theme) {
                    self.memory.wants_to_pair = false;
                    if self.state.pairing != Pairing::None {
                        self.actions.push(PanelAction::ClosePairing);
                    }
                }
            },
        );
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = space::S;
            for (at, name) in [(Step::Code, "1 Code"), (Step::Confirm, "2 Confirm"), (Step::Done, "3 Done")] {
                let text = match at.cmp(&step) {
                    std::cmp::Ordering::Less => theme.toned(Tone::Good, name),
                    std::cmp::Ordering::Equal => theme.toned(Tone::Accent, name).font(fonts::strong(12.0)),
                    std::cmp::Ordering::Greater => theme.soft(name),
                };
                ui.label(text);
                if at != Step::Done {
                    ui.label(egui::RichText::new(Icon::Right.glyph()).font(fonts::icons(11.0)).color(theme.soft));
                }
            }
        });
    }

    /// The two ways: showing a code, or entering one.
    fn choose(&mut self, ui: &mut Ui) {
        let theme = self.theme;
        if ui.available_width() >= SIDE_BY_SIDE {
            // Both columns write what they ask for into the same list, one after the other.
            let view = std::cell::RefCell::new(&mut *self);
            beside(
                ui,
                |ui| card(ui, &theme, |ui| view.borrow_mut().offer_form(ui)),
                |ui| card(ui, &theme, |ui| view.borrow_mut().join_form(ui)),
            );
        } else {
            card(ui, &theme, |ui| self.offer_form(ui));
            card(ui, &theme, |ui| self.join_form(ui));
        }
        self.pair_nearby(ui);
    }

    fn offer_form(&mut self, ui: &mut Ui) {
        let (theme, state) = (self.theme, self.state);
        say(ui, theme.heading("Show a code here"));
        say(ui, theme.soft("Scan or type it on the other device. Nothing is given before both of you say yes."));
        say(ui, theme.caption("WHOSE DEVICE IS THE OTHER ONE?"));
        ui.horizontal_wrapped(|ui| {
            if segment(ui, &theme, "Mine", (self.memory.role == PeerRole::Own).into()) {
                self.memory.role = PeerRole::Own;
            }
            if segment(ui, &theme, "A friend's", (self.memory.role == PeerRole::Friend).into()) {
                self.memory.role = PeerRole::Friend;
            }
        });
        match self.memory.role {
            PeerRole::Own => say(ui, theme.soft("It gets all your workspaces, and may read and write everything.")),
            PeerRole::Friend => {
                say(ui, theme.soft("It gets what you choose here, and can't learn that there is anything else."));
                for workspace in &state.workspaces {
                    ui.scope_builder(UiBuilder::new().id_salt(workspace.id), |ui| self.term_choice(ui, workspace));
                }
            }
        }
        ui.add_space(space::XS);
        if Button::new(Look::Primary, "Show a code").icon(Icon::Qr).wide().show(ui, &theme) {
            let terms = self.memory.terms();
            self.actions.push(PanelAction::ShowCode { terms });
        }
        if Button::new(Look::Plain, "Make a link to send").icon(Icon::Send).wide().show(ui, &theme) {
            let terms = self.memory.terms();
            self.actions.push(PanelAction::Invite { terms });
        }
        say(
            ui,
            theme.soft("A link that is sent stands for a day. By making it you agree to whoever comes with it first."),
        );
    }

    fn term_choice(&mut self, ui: &mut Ui, workspace: &crate::state::Workspace) {
        let theme = self.theme;
        let name = self.state.workspace_name(&workspace.id);
        let chosen = self.memory.chosen.get(&workspace.id).copied();
        line(ui, theme.body(&name));
        ui.add_space(-space::XS);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = space::XS;
            let choices = [("Not shared", None), ("Read", Some(Access::ReadOnly)), ("Write", Some(Access::ReadWrite))];
            for (label, access) in choices {
                let is_chosen = chosen == access;
                if named_segment(ui, &theme, label, is_chosen.into(), &format!("{name}: {label}")) {
                    match access {
                        Some(access) => _ = self.memory.chosen.insert(workspace.id, access),
                        None => _ = self.memory.chosen.remove(&workspace.id),
                    }
                }
            }
        });
    }

    fn join_form(&mut self, ui: &mut Ui) {
        let theme = self.theme;
        say(ui, theme.heading("Enter a code"));
        say(ui, theme.soft("The link or the six words that the other device shows."));
        let (outcome, _response) =
            field(ui, &theme, "LINK OR SIX WORDS", "verso://pair/… or six words", &mut self.memory.code);
        let code = self.memory.code.trim().to_owned();
        let button = Button::new(Look::Primary, "Continue").icon(Icon::Keyboard).wide().unless_blank(&code);
        let is_pressed = button.named("Continue with the code").show(ui, &theme);
        if (is_pressed || outcome == Field::Entered) && !code.is_empty() {
            self.ask(PanelAction::Join { code: Secret::new(code) });
        }
    }

    fn pair_nearby(&mut self, ui: &mut Ui) {
        let (theme, state) = (self.theme, self.state);
        section(ui, &theme, "OR CHOOSE ONE NEARBY");
        if state.nearby.is_empty() {
            say(ui, theme.soft("Devices on this network appear here while they show a code. You then read short codes off each other's screens."));
            return;
        }
        card(ui, &theme, |ui| {
            for nearby in &state.nearby {
                let name = text::shown(&nearby.name);
                ends(
                    ui,
                    CONTROL_HEIGHT,
                    |ui| line(ui, theme.strong(&name)),
                    |ui| {
                        let button =
                            Button::new(Look::Plain, "Pair").icon(Icon::Broadcast).named(format!("Pair with {name}"));
                        if button.show(ui, &theme) {
                            self.actions.push(PanelAction::JoinNearby { device: nearby.id });
                        }
                    },
                );
            }
        });
    }

    /// Codes that are read off each other's screens.
    fn compare(&mut self, ui: &mut Ui, code: &Secret, left: Option<u8>) {
        let theme = self.theme;
        card(ui, &theme, |ui| {
            say(ui, theme.heading("Read this to the other person"));
            let label = ui.label(theme.title(spaced(code.expose())).font(fonts::strong(34.0)));
            label.widget_info(|| {
                egui::WidgetInfo::labeled(
                    egui::accesskit::Role::Label,
                    true,
                    format!("This screen's code: {}", code.expose()),
                )
            });
            say(
                ui,
                theme.soft(
                    "They type it on their device, and you type theirs here. So nobody in between can take part.",
                ),
            );
            ui.add_space(space::XS);
            if let Some(left) = left {
                let tries = text::counted(u64::from(left), "try", "tries");
                notice(
                    ui,
                    &theme,
                    Tone::Warn,
                    Icon::Warning,
                    &format!("That was not the code on the other screen. {tries} left."),
                );
            }
            ui.set_max_width(ui.available_width().min(CODE_WIDTH));
            let (outcome, _response) =
                field(ui, &theme, "THE CODE ON THE OTHER SCREEN", "six digits", &mut self.memory.typed);
            let typed: String = self.memory.typed.chars().filter(|character| !character.is_whitespace()).collect();
            let button = Button::new(Look::Primary, "Continue").wide().unless_blank(&typed);
            let is_pressed = button.named("Continue with the other screen's code").show(ui, &theme);
            if (is_pressed || outcome == Field::Entered) && !typed.is_empty() {
                self.memory.typed.clear();
                self.ask(PanelAction::TypeCode { code: Secret::new(typed) });
            }
        });
    }

    /// What will happen, before it does.
    fn confirm(&mut self, ui: &mut Ui, agreement: &Agreement) {
        let theme = self.theme;
        let name = text::shown(&agreement.name);
        card(ui, &theme, |ui| {
            let texts = [theme.title(format!("Pair with {name}?")), theme.soft(what_it_becomes(agreement.role))];
            banner(ui, &theme, (Tone::Accent, super::role_icon(agreement.role), 48.0), texts);
            ui.add_space(space::XS);
            facts(ui, &theme, &[("ITS FINGERPRINT", theme.mono(&agreement.fingerprint))]);
            say(ui, theme.soft("If in doubt, compare it with what the other device shows under Devices."));
            ui.separator();
            say(ui, theme.caption("WHAT WILL HAPPEN"));
            for line in consequences(agreement, &name) {
                ui.horizontal_top(|ui| {
                    let icon = egui::RichText::new(Icon::Check.glyph()).font(fonts::icons(15.0));
                    ui.label(icon.color(theme.tone(Tone::Accent)));
                    say(ui, theme.body(line));
                });
            }
            self.terms(ui, &agreement.workspaces);
            ui.add_space(space::S);
            ui.horizontal_wrapped(|ui| {
                let yes = Button::new(Look::Primary, "Pair").icon(Icon::Handshake).named(format!("Pair with {name}"));
                if yes.show(ui, &theme) {
                    self.actions.push(PanelAction::Agree { device: agreement.device });
                }
                if Button::new(Look::Plain, "Do not pair").show(ui, &theme) {
                    self.actions.push(PanelAction::Refuse);
                }
            });
        });
    }

    /// Workspaces and what may be done in them.
    pub(super) fn terms(&self, ui: &mut Ui, terms: &[Term]) {
        let theme = self.theme;
        if terms.is_empty() {
            return;
        }
        chips(ui, |ui| {
            for term in terms {
                let tone = if term.access == Access::ReadWrite { Tone::Accent } else { Tone::Plain };
                let text = format!("{}: {}", text::shown(&term.name), super::access_text(term.access));
                chip(ui, &theme, tone, &text);
            }
        });
    }

    fn wait(&self, ui: &mut Ui, what: &str, why: &str) {
        let theme = self.theme;
        let texts = [theme.heading(what), theme.soft(why)];
        card(ui, &theme, |ui| banner(ui, &theme, (Tone::Busy, Icon::Clock, 48.0), texts));
    }

    fn paired_with(&mut self, ui: &mut Ui, name: &str, role: PeerRole) {
        let theme = self.theme;
        card(ui, &theme, |ui| {
            let about = match role {
                PeerRole::Own => {
                    "Both devices have everything of yours from now on, and find each other by themselves."
                }
                PeerRole::Friend => "What was agreed is shared from now on. More can be shared under Workspaces.",
            };
            let texts = [theme.title(format!("Paired with {name}")), theme.soft(about)];
            banner(ui, &theme, (Tone::Good, Icon::CheckCircle, 48.0), texts);
            if Button::new(Look::Primary, "Done").show(ui, &theme) {
                self.memory.wants_to_pair = false;
                self.actions.push(PanelAction::ClosePairing);
            }
        });
    }

    fn failed(&mut self, ui: &mut Ui, failure: &PairingFailure) {
        let theme = self.theme;
        card(ui, &theme, |ui| {
            let texts = [&failure.what, &failure.hint].map(|text| text::sentence(&text::shown(text)));
            let [what, hint] = texts;
            banner(ui, &theme, (Tone::Bad, Icon::Warning, 48.0), [theme.heading(what), theme.soft(hint)]);
            if Button::new(Look::Primary, "Start over").show(ui, &theme) {
                self.memory.wants_to_pair = true;
                self.actions.push(PanelAction::ClosePairing);
            }
        });
    }
}

const fn what_it_becomes(role: PeerRole) -> &'static str {
    match role {
        PeerRole::Own => "As another device of yours",
        PeerRole::Friend => "As a friend's device",
    }
}

/// Who gets what, in which direction.
fn consequences(agreement: &Agreement, name: &str) -> Vec<String> {
    match (agreement.role, agreement.side) {
        (PeerRole::Own, _) => vec![
            format!("{name} gets all your workspaces, and this device gets all of those on {name}."),
            "Each may read and write everything, and pair and forget devices for you.".to_owned(),
        ],
        (PeerRole::Friend, _) if agreement.workspaces.is_empty() => {
            vec![format!("You and {name} know each other. Nothing is shared yet.")]
        }
        (PeerRole::Friend, Side::Showing) => vec![format!("You share with {name}, and get nothing from it:")],
        (PeerRole::Friend, Side::Joining) => vec![format!("{name} shares with you, and gets nothing from you:")],
    }
}

/// Digits in two groups, which are read out with ease.
fn spaced(code: &str) -> String {
    match code.split_at_checked(code.len() / 2) {
        Some((first, second)) if code.is_ascii() => format!("{first} {second}"),
        _ => code.to_owned(),
    }
}
