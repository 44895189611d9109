//! `docs/cli.md` and the command line have the same commands, options and values.

use std::collections::BTreeSet;

use clap::{Arg, Command, CommandFactory as _};

use super::Cli;

const REFERENCE: &str = include_str!("../../../../docs/cli.md");

type Words = BTreeSet<String>;

/// How a command is said to be used: its name, and the words behind it.
#[derive(Debug)]
struct Usage {
    command: String,
    words: Vec<String>,
}

impl Usage {
    /// Reads it as it stands between backquotes, such as `import FILE [-w WS] [--format auto|bookmarks|jsonl]`.
    fn read(text: &str, root: &Command) -> Self {
        let words: Vec<String> =
            text.replace("\\|", "|").replace(['[', ']', '…'], "").split_whitespace().map(str::to_owned).collect();
        let (mut at, mut depth) = (root, 0);
        while let Some(below) = words.get(depth).and_then(|word| at.find_subcommand(word)) {
            (at, depth) = (below, depth + 1);
        }
        Self { command: words[..depth].join(" "), words: words[depth..].to_vec() }
    }

    /// The options in it.
    fn options(&self) -> Words {
        let words = self.words.iter().flat_map(|word| word.split('|'));
        words.filter(|word| word.len() > 1 && word.starts_with('-')).map(str::to_owned).collect()
    }
}

/// All that the headings, and the table of nodes and edges, say of commands.
fn usages(root: &Command) -> Vec<Usage> {
    let is_usage = |line: &&str| {
        line.starts_with("## `")
            || line.starts_with("### `")
            || line.starts_with("| `node ")
            || line.starts_with("| `edge ")
    };
    let spans = REFERENCE.lines().filter(is_usage).flat_map(|line| {
        let said = if line.starts_with('|') { line.split(" | ").next().unwrap_or_default() } else { line };
        said.split('`').skip(1).step_by(2)
    });
    spans.map(|text| Usage::read(text, root)).collect()
}

/// The commands that can be run, by their whole names.
fn commands<'a>(command: &'a Command, name: &str, found: &mut Vec<(String, &'a Command)>) {
    for below in command.get_subcommands() {
        let name = format!("{name} {}", below.get_name()).trim_start().to_owned();
        commands(below, &name, found);
        if !below.is_subcommand_required_set() {
            found.push((name, below));
        }
    }
}

/// The two names of an option.
fn names(option: &Arg) -> Words {
    let long = option.get_long().map(|name| format!("--{name}"));
    long.into_iter().chain(option.get_short().map(|name| format!("-{name}"))).collect()
}

fn values(arg: &Arg) -> Words {
    if !arg.get_action().takes_values() {
        return Words::new();
    }
    arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect()
}

#[test]
fn every_command_stands_in_the_reference_and_nothing_else_does() {
    let root = Cli::command();
    let mut found = Vec::new();
    commands(&root, "", &mut found);
    let mut there: Words = found.into_iter().map(|(name, _)| name).collect();
    if cfg!(not(feature = "panel")) {
        there.insert("panel".to_owned());
    }
    let told: Words = usages(&root).into_iter().map(|usage| usage.command).collect();
    assert_eq!(told, there);
}

#[test]
fn every_option_of_a_command_stands_in_the_reference_with_its_values() {
    let root = Cli::command();
    let usages = usages(&root);
    let mut found = Vec::new();
    commands(&root, "", &mut found);
    for (name, command) in found {
        let own: Vec<&Usage> = usages.iter().filter(|usage| usage.command == name).collect();
        let told: Words = own.iter().flat_map(|usage| usage.options()).collect();
        let mut known = Words::new();
        for arg in command.get_arguments().filter(|arg| !arg.is_global_set()) {
            let names = names(arg);
            assert!(names.is_empty() || !names.is_disjoint(&told), "{name}: {names:?} is not in docs/cli.md");
            known.extend(names);
            let values = values(arg);
            let is_said = |word: &String| word.split('|').map(str::to_owned).collect::<Words>() == values;
            let are_said = values.is_empty() || own.iter().any(|usage| usage.words.iter().any(is_said));
            assert!(are_said, "{name}: docs/cli.md does not say {values:?}");
        }
        let unknown: Vec<_> = told.difference(&known).collect();
        assert!(unknown.is_empty(), "{name}: there is no {unknown:?}, and docs/cli.md has it");
    }
}

#[test]
fn every_option_for_all_commands_stands_in_the_reference_with_its_variable() {
    let root = Cli::command();
    let table = REFERENCE.split("## For every command").nth(1).unwrap().split("\n\n").nth(1).unwrap();
    let rows: Vec<Vec<String>> = table
        .lines()
        .skip(2)
        .map(|row| row.replace("\\|", "/").split('|').skip(1).map(|cell| cell.trim().to_owned()).collect())
        .collect();
    let options = |cell: &str| -> Words {
        let words = cell.split(|letter: char| letter.is_whitespace() || "`,…".contains(letter));
        words.filter(|word| word.starts_with('-')).map(str::to_owned).collect()
    };
    let mut known = Words::new();
    for arg in root.get_arguments().filter(|arg| arg.is_global_set()) {
        let names = names(arg);
        let row = rows.iter().find(|row| !names.is_disjoint(&options(&row[0])));
        let row = row.unwrap_or_else(|| panic!("{names:?} is not in docs/cli.md"));
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        if let Some((variable, _)) = help.split_once("[VERSO_").and_then(|(_, rest)| rest.split_once(']')) {
            assert_eq!(row[1], format!("`VERSO_{variable}`"), "{names:?}");
        }
        known.extend(names);
    }
    // That which counts may be said several times.
    known.extend(["-vv".to_owned(), "-vvv".to_owned()]);
    let told: Words = rows.iter().flat_map(|row| options(&row[0])).collect();
    let unknown: Vec<_> = told.difference(&known).collect();
    assert!(unknown.is_empty(), "there is no {unknown:?}, and docs/cli.md has it");
}
