//! The service from the window's end, without a window: what a person is shown, and where it goes from there.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;

use verso_identity::Passphrase;
use verso_panel::state::{Failure, HappeningKind};

use super::*;
use crate::args::{Globals, NetworkChoice, NetworkOptions};
use crate::home::NewStore;
use crate::seat::Seat;
use crate::settings::{self, Environment, Settings};

/// The end of a window, without one.
struct Window(Near<Shown, Asked>);

impl Window {
    /// Waits until something is shown of which this can be told.
    async fn until<T>(&mut self, told: impl Fn(&Shown) -> Option<T>) -> T {
        loop {
            if let Some(told) = self.0.states.borrow_and_update().as_ref().and_then(&told) {
                return told;
            }
            self.0.states.changed().await.expect("the service goes on");
        }
    }

    async fn panel(&mut self) -> PanelState {
        self.until(|shown| match shown {
            Shown::Panel(state) => Some(state.as_ref().clone()),
            Shown::Gate(_) => None,
        })
        .await
    }

    async fn barred(&mut self) -> (Failure, bool) {
        self.until(|shown| match shown {
            Shown::Gate(Gate::Barred { failure, is_mendable }) => Some((failure.clone(), *is_mendable)),
            _ => None,
        })
        .await
    }
}

fn app(dir: &Path, listen: Option<SocketAddr>) -> App {
    let network = NetworkOptions { network: Some(NetworkChoice::Loopback), ..NetworkOptions::default() };
    let globals = Globals { data_dir: Some(dir.to_path_buf()), listen, network, ..Globals::default() };
    // There is no passphrase to be had, nor anybody who knows it: what asks for it once more gets no further.
    let environment = Environment::of(&[]);
    let settings = Settings::new(&globals, &environment).unwrap();
    App { settings, output: settings::output(&globals, &environment, Seat::Here), environment, host: None }
}

fn made(app: &App) -> Box<Unlocked> {
    let passphrase = Passphrase::new(Zeroizing::new("tea and cake".to_owned())).unwrap();
    Box::new(app.home().make("desk", NewStore::File(passphrase), &app.output).unwrap().unlocked)
}

/// Serves a window from the start of a device on.
fn serve(app: &App, unlocked: Box<Unlocked>, look: impl AsyncFnOnce(&mut Window)) {
    net::block_on(async {
        let (near, far) = seam::new();
        let looking = async {
            let mut window = Window(near);
            look(&mut window).await;
        };
        let (served, ()) = tokio::join!(Service::new(app, far)?.serve(Step::Run(unlocked)), looking);
        served
    })
    .unwrap();
    drop(app.home().lock().expect("nobody has the directory any more"));
}

fn kinds(state: &PanelState) -> Vec<HappeningKind> {
    state.activity.iter().map(|happening| happening.kind).collect()
}

#[test]
fn a_repair_is_told_of_in_the_panel_that_is_opened_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&folder.path().join("data"), None);
    serve(&app, made(&app), async |window| {
        window.panel().await;
        window.0.ask(Asked::Panel(PanelAction::Repair { workspace: None }));
        let is_told = |shown: &Shown| match shown {
            Shown::Panel(state) => (!state.activity.is_empty()).then(|| state.as_ref().clone()),
            Shown::Gate(_) => None,
        };
        let state = window.until(is_told).await;
        assert_eq!(kinds(&state), [HappeningKind::Repaired, HappeningKind::RepairBegun]);
        assert_eq!((state.failure, state.stops.len()), (None, 0));
        window.0.ask(Asked::Panel(PanelAction::NewWorkspace { name: "garden".to_owned() }));
        window.until(|shown| matches!(shown, Shown::Panel(state) if !state.workspaces.is_empty()).then_some(())).await;
        window.0.ask(Asked::Panel(PanelAction::Repair { workspace: None }));
        let again = |shown: &Shown| matches!(shown, Shown::Panel(state) if state.activity.len() == 4).then_some(());
        window.until(again).await;
    });
}

#[test]
fn a_window_that_is_closed_during_a_repair_leaves_a_device_that_opens() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&folder.path().join("data"), None);
    let unlocked = made(&app);
    let released = unlocked.released();
    serve(&app, unlocked, async |window| {
        window.panel().await;
        window.0.ask(Asked::Panel(PanelAction::Repair { workspace: None }));
    });
    let again = Box::new(app.home().take(&released).unwrap());
    serve(&app, again, async |window| assert_eq!(kinds(&window.panel().await), []));
}

/// Whoever asked for the passphrase once is not asked again, only because a port is taken.
#[test]
fn a_port_that_is_taken_is_told_at_a_gate_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    let app = app(&folder.path().join("data"), Some(other.local_addr().unwrap()));
    let mut other = Some(other);
    serve(&app, made(&app), async |window| {
        let (failure, is_mendable) = window.barred().await;
        assert!(failure.hint.contains("--listen") && !is_mendable, "{failure:?}");
        window.0.ask(Asked::Gate(GateAction::Retry));
        // Still taken: it is told again.
        window.until(|shown| matches!(shown, Shown::Gate(Gate::Opening { .. })).then_some(())).await;
        window.barred().await;
        drop(other.take());
        window.0.ask(Asked::Gate(GateAction::Retry));
        window.panel().await;
    });
}

/// Not even its header says whose it is: mending puts it aside, and the device has to meet others again.
#[test]
fn a_journal_that_can_t_be_read_is_mended_at_the_gate() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&folder.path().join("data"), None);
    let unlocked = made(&app);
    for log in fs::read_dir(app.home().dir().join("logs")).unwrap() {
        for segment in fs::read_dir(log.unwrap().path()).unwrap() {
            let path = segment.unwrap().path();
            let mut bytes = fs::read(&path).unwrap();
            // Its header lies there twice.
            for byte in &mut bytes {
                *byte ^= 0xa5;
            }
            fs::write(path, bytes).unwrap();
        }
    }
    serve(&app, unlocked, async |window| {
        let (failure, is_mendable) = window.barred().await;
        assert!(is_mendable, "{failure:?}");
        window.0.ask(Asked::Gate(GateAction::Repair));
        let state = window.panel().await;
        assert_eq!(kinds(&state), [HappeningKind::RepairBegun], "{state:?}");
        let failure = state.failure.unwrap();
        assert!(
            failure.why.contains("no device was reached") && failure.hint.contains("works meanwhile"),
            "{failure:?}"
        );
    });
}

#[test]
fn a_worker_that_ends_by_itself_leaves_a_gate_and_the_way_back() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&folder.path().join("data"), None);
    let unlocked = made(&app);
    let released = Box::new(unlocked.released());
    drop(unlocked);
    net::block_on(async {
        let (near, far) = seam::new();
        let service = Service::new(&app, far)?;
        let step = service.after(Over::Left, Err(WorkerError::Crashed), released)?.expect("the window goes on");
        let looking = async {
            let mut window = Window(near);
            let (failure, is_mendable) = window.barred().await;
            assert!(
                failure.why.contains("defect") && failure.hint.contains("try again") && !is_mendable,
                "{failure:?}"
            );
            window.0.ask(Asked::Gate(GateAction::Retry));
            window.panel().await;
        };
        let (served, ()) = tokio::join!(service.serve(step), looking);
        served
    })
    .unwrap();
}
