//! The connection is cut after every single message; the next one completes the work.

use verso_session::Mode;

use crate::scene::{node, titles, two_paired};

#[test]
fn at_every_message() {
    for cut in 0.. {
        let (mut world, laptop, phone, workspace) = two_paired(100 + cut);
        world.cut_after(cut);
        assert!(world.connect_for(laptop, phone, Mode::FinishWhenLevel), "cut at {cut}");
        world.run();
        let uncut = world.delivered() < cut;
        world.cut();
        assert!(world.commit(laptop, workspace, &[node("three")]), "cut at {cut}");
        assert!(world.connect_for(phone, laptop, Mode::FinishWhenLevel), "cut at {cut}");
        world.run();
        world.check();
        world.assert_equal(&[laptop, phone]);
        assert_eq!(titles(&world, phone, workspace), ["one", "three", "two"], "cut at {cut}");
        if uncut {
            assert!(cut > 5, "a meeting takes more than {cut} messages");
            return;
        }
    }
}
