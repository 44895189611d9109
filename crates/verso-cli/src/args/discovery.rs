//! Whether, how and where devices are looked for on the local network.

use clap::{Args, ValueEnum};

/// What can stand before or after any command about looking for devices.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Options for every command")]
pub(crate) struct DiscoveryOptions {
    #[arg(
        long,
        help = "Whether devices on the local network find each other [VERSO_DISCOVERY] [default: on]",
        global = true,
        value_name = "MODE",
        value_enum
    )]
    pub(crate) discovery: Option<DiscoveryChoice>,
    #[arg(
        long,
        help = "The network interface on which they do, instead of all; may be given several times [VERSO_INTERFACE]",
        global = true,
        value_name = "NAME"
    )]
    pub(crate) interface: Vec<String>,
}

/// Whether devices find each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiscoveryChoice {
    /// Peers find this device, and it finds them
    On,
    /// It finds peers, and announces nothing
    Listen,
    /// Neither
    Off,
}
