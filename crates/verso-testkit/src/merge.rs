//! [`Merge`]: what the simulator asks of the application, so that a graph whose merge is broken can stand in the real one's place.

use std::fmt;

use verso_graph::{Graph, Intent, Rejected};
use verso_wire::Application;

/// The graph, or something around it.
pub trait Merge: Application<Intent = Intent, Rejected = Rejected> + fmt::Debug {
    /// Returns the graph.
    fn graph(&self) -> &Graph;
}

impl Merge for Graph {
    fn graph(&self) -> &Graph {
        self
    }
}
