//! What the command line takes, and what it does not.

use clap::CommandFactory as _;
use clap::error::ErrorKind;

use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

/// Every example in the help is one that works.
#[test]
fn examples_parse() {
    let mut count = 0;
    let examples = help::ALL.iter().flat_map(|text| text.lines()).map(str::trim);
    for line in examples.filter(|line| line.starts_with("verso ")) {
        // Two spaces end the command and start its explanation.
        let command = line.split("  ").next().unwrap_or(line).replace('\'', "");
        parse(&command).unwrap_or_else(|error| panic!("{command}\n{error}"));
        count += 1;
    }
    assert!(count > 15, "only {count} examples were found");
}

/// Whoever asks a command for help sees how it is used.
#[test]
fn every_command_teaches_by_examples() {
    for command in Cli::command().get_subcommands() {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let example = format!("\n  verso {}", command.get_name());
        assert!(help.contains(&example), "{}: {help}", command.get_name());
    }
}

#[test]
fn global_options_stand_anywhere() {
    let before = parse("verso --json --data-dir d --network loopback -vv id").unwrap();
    let after = parse("verso id --json --data-dir d --network loopback -vv").unwrap();
    for cli in [before, after] {
        assert!(cli.globals.json);
        assert_eq!(cli.globals.data_dir, Some("d".into()));
        assert_eq!(cli.globals.network.network, Some(NetworkChoice::Loopback));
        assert_eq!(cli.globals.verbose, 2);
    }
}

#[test]
fn times() {
    assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
    assert_eq!(duration("5m"), Ok(Duration::from_mins(5)));
    assert_eq!(duration("24h"), Ok(Duration::from_hours(24)));
    assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
    for bad in ["", "soon", "0s", "-5m", "10", "5 parsecs"] {
        assert!(duration(bad).is_err(), "{bad}");
    }
    let ttl = |line: &str| match parse(line).unwrap().command {
        Command::Pair { options, .. } => options.ttl(),
        _ => panic!("another command"),
    };
    assert_eq!(ttl("verso pair"), Duration::from_mins(5));
    assert_eq!(ttl("verso pair --invite"), Duration::from_hours(24));
    assert_eq!(ttl("verso pair --invite --ttl 1h"), Duration::from_hours(1));
    let Command::Up { wait, .. } = parse("verso up --once").unwrap().command else { panic!("another command") };
    assert_eq!(wait, Duration::from_secs(10));
}

#[test]
fn nonsense_is_usage() {
    for line in [
        "verso frobnicate",
        "verso pair --qr code.gif",
        "verso pair --invite list",
        "verso pair withdraw",
        "verso quarantine",
        "verso quarantine keep",
        "verso quarantine keep 0123 --all",
        "verso up --wait 5s",
        "verso import",
        "verso id --network mars",
        "verso id --network relay=relay.example",
        "verso id --lookup dns.example",
        "verso node rm",
    ] {
        let error = parse(line).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{line}: {error}");
    }
    assert_eq!(parse("verso").unwrap_err().kind(), ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
}
