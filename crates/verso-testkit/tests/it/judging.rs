//! What was written past a cut: held, listed, kept and discarded, on every device alike; and leaving a workspace.

use verso_graph::{Graph, Intent};
use verso_identity::{DeviceId, WorkspaceId};
use verso_replica::{DecisionError, Event, Now, Quarantined, WhyHeld};
use verso_testkit::{DeviceIndex, SimReplica, World};
use verso_trust::{Access, PeerRole};
use verso_vv::Dot;

/// A person's two devices, which own a workspace, and a friend that writes in it. All are connected.
struct Scene {
    world: World<Graph>,
    ann: DeviceIndex,
    lap: DeviceIndex,
    ben: DeviceIndex,
    workspace: WorkspaceId,
}

fn url(number: u8) -> String {
    format!("https://example.org/{number}")
}

fn add(number: u8) -> Intent {
    Intent::AddNode { url: url(number), title: String::new() }
}

impl Scene {
    fn new() -> Self {
        let mut world = World::new(7);
        let (ann, lap, ben) = (world.add_device("ann"), world.add_device("lap"), world.add_device("ben"));
        let workspace = world.found_workspace(ann, "garden");
        let mut scene = Self { world, ann, lap, ben, workspace };
        scene.world.pair(ann, lap);
        scene.connect(ann, lap);
        scene.world.pair_as(ann, ben, PeerRole::Friend);
        scene.connect(ann, ben);
        let (friend, from) = (scene.id(ben), scene.id(ann));
        scene.decide(ann, |replica, now| replica.share(&workspace, friend, Access::ReadWrite, now));
        scene.decide(ben, |replica, now| replica.join_workspace(&workspace, from, now));
        scene.write(ben, 1);
        assert_eq!(scene.shows(lap), [1]);
        scene
    }

    fn id(&self, device: DeviceIndex) -> DeviceId {
        self.world.device(device).id()
    }

    fn connect(&mut self, one: DeviceIndex, other: DeviceIndex) {
        assert!(self.world.connect(one, other));
        self.world.run();
    }

    fn write(&mut self, device: DeviceIndex, number: u8) {
        let written = self.world.decide(device, |replica, now| {
            replica.commit(&self.workspace, &[add(number)], now).is_ok() && replica.flush(now).is_ok()
        });
        assert_eq!(written, Some(true));
        self.world.run();
    }

    fn decide(
        &mut self,
        device: DeviceIndex,
        decision: impl FnOnce(&mut SimReplica<Graph>, Now) -> Result<(), DecisionError>,
    ) {
        self.world.decide(device, decision).unwrap().unwrap();
        self.world.run();
    }

    fn replica(&self, device: DeviceIndex) -> &SimReplica<Graph> {
        self.world.device(device).replica().unwrap()
    }

    fn shows(&self, device: DeviceIndex) -> Vec<u8> {
        let Some(graph) = self.replica(device).application(&self.workspace) else { return Vec::new() };
        (1..=9).filter(|number| !graph.nodes_with_url(&url(*number)).is_empty()).collect()
    }

    fn held(&self, device: DeviceIndex) -> Vec<Quarantined> {
        self.replica(device).quarantine(&self.workspace).unwrap().entries
    }

    /// What is held there that would make these nodes.
    fn dots(&self, device: DeviceIndex, numbers: &[u8]) -> Vec<Dot> {
        let held = self.held(device);
        let dot = |number: &u8| held.iter().find(|entry| entry.text.contains(&url(*number))).unwrap().dot;
        numbers.iter().map(dot).collect()
    }

    fn keep(&mut self, device: DeviceIndex, numbers: &[u8]) {
        let (workspace, dots) = (self.workspace, self.dots(device, numbers));
        self.decide(device, |replica, now| replica.keep(&workspace, &dots, now));
    }

    fn discard(&mut self, device: DeviceIndex, numbers: &[u8]) {
        let (workspace, dots) = (self.workspace, self.dots(device, numbers));
        self.decide(device, |replica, now| replica.discard(&workspace, &dots, now));
    }

    /// The friend writes, unaware that it may only read since; then it meets the first device.
    fn write_past_a_cut(&mut self, numbers: &[u8]) {
        let (workspace, friend) = (self.workspace, self.id(self.ben));
        self.world.cut();
        for number in numbers {
            self.write(self.ben, *number);
        }
        self.decide(self.ann, |replica, now| replica.share(&workspace, friend, Access::ReadOnly, now));
        self.connect(self.ann, self.ben);
        self.connect(self.ann, self.lap);
    }

    fn was_told(&self, device: DeviceIndex) -> bool {
        let is_it = |event: &Event| matches!(event, Event::Rebuilt { workspace } if *workspace == self.workspace);
        self.world.events().iter().any(|(who, event)| *who == device && is_it(event))
    }

    /// Whether a device's log holds the content of a node, once it is compacted.
    fn has_content(&mut self, device: DeviceIndex, number: u8) -> bool {
        let workspace = self.workspace;
        self.world.decide(device, |replica, _now| replica.erase(&workspace).unwrap());
        self.holds_content(device, number)
    }

    /// Whether a device's log holds the content of a node.
    fn holds_content(&self, device: DeviceIndex, number: u8) -> bool {
        let units = self.replica(device).log_tail(&self.workspace, 1_000).unwrap();
        let text = url(number);
        let has = |content| match content {
            verso_wire::Content::Full { payload, .. } => {
                payload.windows(text.len()).any(|part| part == text.as_bytes())
            }
            verso_wire::Content::Digest(_) => false,
        };
        units.iter().flat_map(verso_wire::SyncUnit::entries).any(|entry| has(entry.content))
    }

    /// All of a log verifies.
    fn assert_whole(&self, device: DeviceIndex) {
        let report = self.replica(device).verify_log(&self.workspace).unwrap();
        assert_eq!(report.damage, [], "{report:?}");
    }
}

#[test]
fn what_lies_past_a_cut_is_listed_with_who_when_what_and_who_cut() {
    let mut scene = Scene::new();
    scene.write_past_a_cut(&[2, 3]);
    let (ann, ben) = (scene.id(scene.ann), scene.id(scene.ben));
    for device in [scene.ann, scene.lap] {
        let held = scene.held(device);
        assert_eq!(scene.shows(device), [1]);
        assert_eq!(
            held.iter().map(|entry| entry.text.clone()).collect::<Vec<_>>(),
            [format!("adds {}", url(2)), format!("adds {}", url(3))]
        );
        for entry in held {
            assert_eq!(entry.dot.author.device, ben);
            assert!(matches!(entry.reason, WhyHeld::Cut { by, .. } if by == ann), "{entry:?}");
        }
    }
}

#[test]
fn what_is_kept_is_applied_everywhere_and_what_lies_behind_it_stays_held() {
    let mut scene = Scene::new();
    scene.write_past_a_cut(&[2, 3]);
    scene.keep(scene.lap, &[2]);
    for device in [scene.ann, scene.lap] {
        assert_eq!(scene.shows(device), [1, 2]);
        assert!(scene.was_told(device));
        assert_eq!(scene.held(device).len(), 1);
    }
    assert_eq!(scene.shows(scene.ben), [1, 2], "its author folds the same");
    scene.keep(scene.ann, &[3]);
    assert_eq!(scene.shows(scene.lap), [1, 2, 3]);
    scene.world.assert_equal(&[scene.ann, scene.lap]);
}

#[test]
fn keep_against_discard_at_once_ends_with_keep_on_both() {
    let mut scene = Scene::new();
    scene.write_past_a_cut(&[2, 3]);
    scene.world.cut();
    scene.discard(scene.ann, &[2, 3]);
    assert_eq!(scene.held(scene.ann), []);
    scene.keep(scene.lap, &[3]);
    scene.connect(scene.ann, scene.lap);
    for device in [scene.ann, scene.lap] {
        assert_eq!(scene.shows(device), [1, 3]);
        assert_eq!(scene.held(device), []);
        assert!(scene.has_content(device, 3));
        assert!(!scene.has_content(device, 2), "both gave it up");
        scene.assert_whole(device);
    }
    scene.world.assert_equal(&[scene.ann, scene.lap]);
}

/// The content stays until every device that owns the workspace has given it up: one may be about to keep it.
#[test]
fn a_discard_leaves_digests_once_all_owners_have_heard() {
    let mut scene = Scene::new();
    scene.write_past_a_cut(&[2, 3]);
    scene.world.cut();
    scene.discard(scene.ann, &[2]);
    assert!(scene.has_content(scene.ann, 2), "the laptop may keep it");
    scene.connect(scene.ann, scene.lap);
    // A further device gets digests, also from one whose log was not compacted since.
    let pad = scene.world.add_device("pad");
    scene.world.pair(scene.lap, pad);
    scene.connect(scene.lap, pad);
    assert!(!scene.holds_content(pad, 2) && scene.holds_content(pad, 3));
    for device in [scene.ann, scene.lap] {
        assert!(!scene.has_content(device, 2));
        assert!(scene.has_content(device, 3), "what was not discarded is there");
        assert_eq!(scene.held(device).len(), 1);
        scene.assert_whole(device);
    }
    scene.world.assert_equal(&[scene.ann, scene.lap, pad]);
    scene.assert_whole(pad);
    scene.keep(pad, &[3]);
    assert_eq!((scene.shows(scene.ann), scene.shows(pad)), (vec![1, 3], vec![1, 3]));
}

#[test]
fn write_access_that_comes_back_revives_nothing_that_was_cut_kept_or_not() {
    let mut scene = Scene::new();
    scene.write_past_a_cut(&[2, 3]);
    scene.discard(scene.ann, &[2]);
    let (workspace, friend) = (scene.workspace, scene.id(scene.ben));
    scene.decide(scene.ann, |replica, now| replica.share(&workspace, friend, Access::ReadWrite, now));
    scene.write(scene.ben, 4);
    for device in [scene.ann, scene.lap, scene.ben] {
        assert_eq!(scene.shows(device), [1, 4]);
    }
    scene.keep(scene.ann, &[3]);
    assert_eq!((scene.shows(scene.lap), scene.shows(scene.ben)), (vec![1, 3, 4], vec![1, 3, 4]));
    scene.world.assert_equal(&[scene.ann, scene.lap]);
}

#[test]
fn what_depends_on_it_is_told() {
    let mut scene = Scene::new();
    scene.world.cut();
    let (workspace, friend) = (scene.workspace, scene.id(scene.ben));
    scene.write(scene.ben, 2);
    let node = scene.replica(scene.ben).application(&workspace).unwrap().nodes_with_url(&url(2))[0].id();
    let tag = Intent::Tag { node: node.into(), tag: "weed".into() };
    scene.world.decide(scene.ben, |replica, now| replica.commit(&workspace, &[tag], now).is_ok());
    scene.write(scene.ben, 3);
    scene.decide(scene.ann, |replica, now| replica.share(&workspace, friend, Access::ReadOnly, now));
    scene.connect(scene.ann, scene.ben);
    let dots = scene.dots(scene.ann, &[2]);
    let depending = scene.replica(scene.ann).depending_on(&workspace, &dots).unwrap();
    let told: Vec<(String, bool)> = depending.into_iter().map(|entry| (entry.text, entry.is_applied)).collect();
    assert_eq!(told, [(format!("tags {} with weed", url(2)), false)]);
    let dots = scene.dots(scene.ann, &[3]);
    assert_eq!(scene.replica(scene.ann).depending_on(&workspace, &dots).unwrap(), []);
}

#[test]
fn only_owners_decide_and_only_about_what_is_held() {
    let mut scene = Scene::new();
    scene.write_past_a_cut(&[2]);
    let (workspace, dots) = (scene.workspace, scene.dots(scene.ann, &[2]));
    let outcome = scene.world.decide(scene.ben, |replica, now| replica.keep(&workspace, &dots, now));
    assert!(matches!(outcome, Some(Err(DecisionError::NotOwner))), "{outcome:?}");
    let applied = Dot { seq: verso_vv::Seq(1), ..dots[0] };
    let outcome = scene.world.decide(scene.ann, |replica, now| replica.discard(&workspace, &[applied], now));
    assert!(matches!(outcome, Some(Err(DecisionError::NotHeld))), "{outcome:?}");
    scene.discard(scene.ann, &[2]);
    let outcome = scene.world.decide(scene.ann, |replica, now| replica.keep(&workspace, &dots, now));
    assert!(matches!(outcome, Some(Err(DecisionError::NotHeld))), "{outcome:?}");
}

#[test]
fn an_own_device_that_leaves_says_what_it_wrote_and_gets_no_more() {
    let mut scene = Scene::new();
    let workspace = scene.workspace;
    scene.world.cut();
    scene.write(scene.lap, 5);
    scene.decide(scene.lap, |replica, now| replica.leave(&workspace, now));
    let refused = scene.world.decide(scene.lap, |replica, now| replica.commit(&workspace, &[add(6)], now).is_ok());
    assert_eq!(refused, Some(false));
    scene.connect(scene.ann, scene.lap);
    assert_eq!(scene.shows(scene.ann), [1, 5], "what it wrote before counts");
    let lap = scene.id(scene.lap);
    assert!(scene.replica(scene.ann).has_left(&workspace, &lap));
    assert!(
        scene.world.events().iter().any(
            |(who, event)| *who == scene.ann && matches!(event, Event::MemberLeft { device, .. } if *device == lap)
        )
    );
    scene.write(scene.ann, 7);
    assert_eq!(scene.shows(scene.lap), [1, 5], "nothing more comes, and what it has stays");
    // Others are met, too, and nothing is offered any more.
    scene.world.cut();
    scene.connect(scene.ann, scene.lap);
    scene.write(scene.ann, 8);
    assert_eq!(scene.shows(scene.lap), [1, 5]);

    scene.decide(scene.lap, |replica, now| replica.return_to(&workspace, now));
    scene.write(scene.lap, 9);
    assert_eq!(scene.shows(scene.ann), [1, 5, 7, 8, 9]);
    scene.world.assert_equal(&[scene.ann, scene.lap]);
}

#[test]
fn a_friend_that_leaves_is_not_let_in_again_before_it_is_shared_anew() {
    let mut scene = Scene::new();
    let (workspace, friend) = (scene.workspace, scene.id(scene.ben));
    scene.decide(scene.ben, |replica, now| replica.leave(&workspace, now));
    assert!(scene.replica(scene.ann).has_left(&workspace, &friend));
    scene.write(scene.ann, 2);
    scene.world.cut();
    scene.connect(scene.ann, scene.ben);
    assert_eq!(scene.shows(scene.ben), [1]);
    assert_eq!(scene.shows(scene.ann), [1, 2], "nothing of what it wrote was cut");
    assert_eq!(scene.held(scene.ann), []);

    scene.decide(scene.ben, |replica, now| replica.return_to(&workspace, now));
    assert_eq!(scene.shows(scene.ben), [1], "the owner has to share it anew");
    scene.decide(scene.ann, |replica, now| replica.share(&workspace, friend, Access::ReadWrite, now));
    assert_eq!(scene.shows(scene.ben), [1, 2]);
    scene.write(scene.ben, 3);
    assert_eq!(scene.shows(scene.ann), [1, 2, 3]);
    assert!(scene.replica(scene.ben).left_workspaces().next().is_none());
}

#[test]
fn the_last_device_that_owns_a_workspace_does_not_leave_it() {
    let mut scene = Scene::new();
    let workspace = scene.workspace;
    scene.decide(scene.lap, |replica, now| replica.leave(&workspace, now));
    let outcome = scene.world.decide(scene.ann, |replica, now| replica.leave(&workspace, now));
    assert!(matches!(outcome, Some(Err(DecisionError::LastOwner))), "{outcome:?}");
    let outcome = scene.world.decide(scene.lap, |replica, now| replica.leave(&workspace, now));
    assert!(matches!(outcome, Some(Err(DecisionError::NotMember))), "{outcome:?}");
}

/// The founder leaves as every other owner does, and can come back.
#[test]
fn a_founder_leaves_while_another_owns_it() {
    let mut scene = Scene::new();
    let workspace = scene.workspace;
    scene.decide(scene.ann, |replica, now| replica.leave(&workspace, now));
    scene.write(scene.lap, 4);
    assert_eq!((scene.shows(scene.ann), scene.shows(scene.lap)), (vec![1], vec![1, 4]));
    scene.decide(scene.ann, |replica, now| replica.return_to(&workspace, now));
    scene.write(scene.ann, 5);
    assert_eq!(scene.shows(scene.lap), [1, 4, 5]);
    scene.world.assert_equal(&[scene.ann, scene.lap]);
}
