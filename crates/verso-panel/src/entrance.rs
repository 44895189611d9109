//! [`Entrance`]: what is shown before there is a panel to show.

use egui::{CornerRadius, Ui, UiBuilder};

use crate::gate::{FirstRun, Gate, GateAction, Keep, KeyPlace};
use crate::panel::page;
use crate::state::{Failure, Secret};
use crate::text;
use crate::theme::fonts::{self, Fonts};
use crate::theme::{Theme, Tone, space};
use crate::view::REPAIR;
use crate::widgets::{Button, Field, Icon, Look, banner, card, facts, field, notice, say, secret_field, segment};

/// Widest entrance: a form, which nobody wants to read across a screen.
const WIDTH: f32 = 560.0;
/// About as high as it gets, in points.
const TALLEST: f32 = 600.0;
/// Diameter of its sign.
const SIGN: f32 = 48.0;

/// The way to the panel: the steps of the first run, a passphrase, or what keeps the device from being opened.
///
/// Like the panel it is a function of what it is given: it keeps what a person is writing, and nothing else. Passphrases are let go of as soon as they are
/// asked for.
#[derive(Debug, Default)]
pub struct Entrance {
    /// What the device is to be called; `None` before the person has seen what is proposed.
    name: Option<String>,
    wants_file: bool,
    first: String,
    second: String,
    has_keyboard: bool,
}

impl Entrance {
    /// Makes an entrance at which nothing was written yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows it in all the room there is, and returns what the person asked for.
    pub fn ui(&mut self, ui: &mut Ui, gate: &Gate) -> Option<GateAction> {
        if fonts::provide(ui.ctx()) == Fonts::Next {
            return None;
        }
        let rect = ui.available_rect_before_wrap();
        let mut asked = None;
        let builder = UiBuilder::new().max_rect(rect).accessibility_label("Verso");
        ui.scope_builder(builder, |ui| {
            let theme = Theme::of(ui);
            theme.apply(ui);
            ui.painter().rect_filled(rect, CornerRadius::ZERO, theme.ground);
            // A form stands a little above the middle.
            let lowered = rect.with_min_y(rect.top() + (rect.height() - TALLEST).max(0.0) * 0.35);
            page(ui, lowered, ("entrance", WIDTH), |ui| {
                card(ui, &theme, |ui| {
                    asked = match gate {
                        Gate::Opening { what } => {
                            sign(ui, &theme, (Tone::Busy, Icon::Clock), [what, "This takes a moment."]);
                            None
                        }
                        Gate::NoDevice(run) => self.first_run(ui, &theme, run),
                        Gate::Locked { failure } => self.locked(ui, &theme, failure.as_ref()),
                        Gate::Stopped { failure } => stopped(ui, &theme, failure.as_ref()),
                        Gate::Barred { failure, is_mendable: false } => barred(ui, &theme, failure),
                        Gate::Barred { failure, is_mendable: true } => damaged(ui, &theme, failure),
                        Gate::Mending { what } => {
                            mending(ui, &theme, what);
                            None
                        }
                    };
                });
            });
        });
        ui.advance_cursor_after_rect(rect);
        asked
    }

    fn first_run(&mut self, ui: &mut Ui, theme: &Theme, run: &FirstRun) -> Option<GateAction> {
        let about = "Verso keeps your workspaces in step, directly from device to device. No server, no account: this device gets a key of its own.";
        sign(ui, theme, (Tone::Accent, Icon::Laptop), ["Set up this device", about]);
        told(ui, theme, run.failure.as_ref());
        let name = self.name.get_or_insert_with(|| run.name.clone());
        let (named, response) = field(ui, theme, "WHAT OTHER DEVICES CALL IT", "desk", name);
        if !std::mem::replace(&mut self.has_keyboard, true) {
            response.request_focus();
        }
        let name = name.trim().to_owned();
        say(ui, theme.caption("WHERE ITS KEY IS KEPT"));
        ui.add_space(-space::XS);
        let (keep, entered) = self.key_place(ui, theme, &run.key);
        facts(ui, theme, &[("WHERE ALL OF IT LIES", theme.mono(text::shown(&run.place)))]);
        ui.add_space(space::XS);
        let is_ready = !name.is_empty() && keep.is_some();
        let button = Button::new(Look::Primary, "Set it up").icon(Icon::Check).enabled_if(is_ready.into());
        let is_asked = button.show(ui, theme) || named == Field::Entered || entered == Field::Entered;
        say(ui, theme.soft("To put a device back from a backup, run verso restore in a terminal instead."));
        let keep = keep.filter(|_keep| is_asked && is_ready)?;
        self.forget();
        Some(GateAction::Make { name, keep })
    }

    /// Where the key is kept, as far as that can be chosen; `None` while something is lacking for it.
    fn key_place(&mut self, ui: &mut Ui, theme: &Theme, place: &KeyPlace) -> (Option<Keep>, Field) {
        match place {
            KeyPlace::Ask => {
                ui.horizontal_wrapped(|ui| {
                    if segment(ui, theme, "In the system's keychain", (!self.wants_file).into()) {
                        self.wants_file = false;
                    }
                    if segment(ui, theme, "In a file under a passphrase", self.wants_file.into()) {
                        self.wants_file = true;
                    }
                });
                if !self.wants_file {
                    return (Some(Keep::Keychain), Field::Open);
                }
            }
            KeyPlace::OnlyFile { why } => {
                let why = text::shown(why);
                let text = format!("In a file under a passphrase. The system's keychain can't keep it: {why}.");
                notice(ui, theme, Tone::Plain, Icon::Lock, &text);
            }
            KeyPlace::Settled { place } => {
                say(ui, theme.body(text::sentence(&text::shown(place))));
                return (Some(Keep::AsSettled), Field::Open);
            }
        }
        let (passphrase, entered) = self.new_passphrase(ui, theme);
        (passphrase.map(|passphrase| Keep::File { passphrase }), entered)
    }

    /// A passphrase that is written twice; `None` while there is none, or the two differ.
    fn new_passphrase(&mut self, ui: &mut Ui, theme: &Theme) -> (Option<Secret>, Field) {
        secret_field(ui, theme, "PASSPHRASE", &mut self.first);
        let (entered, _response) = secret_field(ui, theme, "THE SAME AGAIN", &mut self.second);
        if !self.second.is_empty() && !self.first.starts_with(self.second.as_str()) {
            notice(ui, theme, Tone::Warn, Icon::Warning, "These two differ.");
        } else {
            say(ui, theme.soft("You are asked for it when Verso starts. Nobody can tell it to you if you forget it."));
        }
        let is_whole = !self.first.is_empty() && self.first == self.second;
        (is_whole.then(|| Secret::new(self.first.clone())), entered)
    }

    fn locked(&mut self, ui: &mut Ui, theme: &Theme, failure: Option<&Failure>) -> Option<GateAction> {
        let about = "The key of this device lies in a file under a passphrase.";
        sign(ui, theme, (Tone::Accent, Icon::Lock), ["Open this device", about]);
        told(ui, theme, failure);
        let (outcome, response) = secret_field(ui, theme, "PASSPHRASE", &mut self.first);
        if !std::mem::replace(&mut self.has_keyboard, true) {
            response.request_focus();
        }
        let is_pressed = Button::new(Look::Primary, "Open").unless_blank(&self.first).show(ui, theme);
        if !(is_pressed || outcome == Field::Entered) || self.first.is_empty() {
            return None;
        }
        let passphrase = Secret::new(std::mem::take(&mut self.first));
        self.forget();
        Some(GateAction::Unlock { passphrase })
    }

    /// Lets go of what was written that is a secret. The next field gets the keyboard.
    fn forget(&mut self) {
        self.first.clear();
        self.second.clear();
        self.has_keyboard = false;
    }
}

fn sign(ui: &mut Ui, theme: &Theme, (tone, icon): (Tone, Icon), [title, about]: [&str; 2]) {
    banner(ui, theme, (tone, icon, SIGN), [theme.title(text::shown(title)), theme.soft(about)]);
    ui.add_space(space::XS);
}

fn stopped(ui: &mut Ui, theme: &Theme, failure: Option<&Failure>) -> Option<GateAction> {
    let about =
        "The program that kept this device in step, verso up, has ended. This window goes on as soon as it runs again.";
    sign(ui, theme, (Tone::Warn, Icon::CloudSlash), ["Verso has stopped", about]);
    told(ui, theme, failure);
    say(
        ui,
        theme.body("Nothing that was recorded is lost. Verso can also run in this window, for as long as it is open."),
    );
    let is_pressed = Button::new(Look::Primary, "Run it here").icon(Icon::Sync).show(ui, theme);
    is_pressed.then_some(GateAction::RunHere)
}

fn barred(ui: &mut Ui, theme: &Theme, failure: &Failure) -> Option<GateAction> {
    let [what, why, hint] = [&failure.what, &failure.why, &failure.hint].map(|text| text::sentence(&text::shown(text)));
    sign(ui, theme, (Tone::Bad, Icon::Warning), [&what, &why]);
    say(ui, theme.body(hint));
    Button::new(Look::Plain, "Try again").icon(Icon::Sync).show(ui, theme).then_some(GateAction::Retry)
}

/// What is barred by damage that can be mended.
fn damaged(ui: &mut Ui, theme: &Theme, failure: &Failure) -> Option<GateAction> {
    let [what, why] = [&failure.what, &failure.why].map(|text| text::sentence(&text::shown(text)));
    sign(ui, theme, (Tone::Bad, Icon::Warning), [&what, &why]);
    say(ui, theme.body(format!("{REPAIR} Until that is done nothing can be recorded.")));
    ui.horizontal_wrapped(|ui| {
        let repair = Button::new(Look::Primary, "Repair").icon(Icon::Wrench).show(ui, theme);
        let again = Button::new(Look::Plain, "Try again").icon(Icon::Sync).show(ui, theme);
        match (repair, again) {
            (true, _) => Some(GateAction::Repair),
            (_, true) => Some(GateAction::Retry),
            _ => None,
        }
    })
    .inner
}

fn mending(ui: &mut Ui, theme: &Theme, what: &str) {
    sign(ui, theme, (Tone::Busy, Icon::Wrench), ["Mending the journals", &text::shown(what)]);
    say(ui, theme.body(format!("{REPAIR} Nothing that is whole is lost by this.")));
    say(ui, theme.soft("This window may be closed meanwhile. The next repair goes on where this one ended."));
}

fn told(ui: &mut Ui, theme: &Theme, failure: Option<&Failure>) {
    let Some(failure) = failure else { return };
    let parts = [&failure.what, &failure.why, &failure.hint].map(|text| text::sentence(&text::shown(text)));
    notice(ui, theme, Tone::Bad, Icon::Warning, &format!("{}.", parts.join(". ")));
}
