//! `completions` and `man`: what the program says of itself to shells and to readers.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::device::{Device, document, keys, program, succeeded};

fn ok(words: &[&str]) -> String {
    succeeded(words, &program(words).output().unwrap())
}

#[test]
fn every_shell_gets_its_script_without_any_device() {
    for (shell, part) in [
        ("bash", "complete -F _verso"),
        ("zsh", "#compdef verso"),
        ("fish", "complete -c verso"),
        ("elvish", "edit:completion:arg-completer[verso]"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let script = ok(&["completions", shell]);
        assert!(script.contains(part), "{shell}");
        for command in ["workspace", "quarantine", "completions", "--data-dir"] {
            assert!(script.contains(command.trim_start_matches('-')), "{shell} {command}");
        }
        let told = document(&ok(&["completions", shell, "--json"]));
        assert_eq!(keys(&told), ["script", "shell"]);
        assert_eq!((told["shell"].as_str(), told["script"].as_str()), (Some(shell), Some(script.as_str())));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn bash_completes_commands_and_values() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("verso.bash");
    fs::write(&script, ok(&["completions", "bash"])).unwrap();
    let complete = |words: &str| {
        let line = format!(
            "source {}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); \
             _verso verso \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; echo \"${{COMPREPLY[@]}}\"",
            script.display()
        );
        let output = Command::new("bash").args(["--norc", "-c", &line]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(complete("verso works"), "workspace");
    assert_eq!(complete("verso workspace un"), "unshare");
    assert_eq!(complete("verso import x --format bo"), "bookmarks");
    assert_eq!(complete("verso --discovery l"), "listen");
}

#[test]
fn every_command_has_a_page_with_its_examples() {
    let device = Device::blank();
    let folder = device.dir().parent().unwrap().join("share/man1");
    let told = document(&ok(&["man", folder.to_str().unwrap(), "--json"]));
    assert_eq!(keys(&told), ["folder", "pages"]);
    let mut written: Vec<String> =
        fs::read_dir(&folder).unwrap().map(|page| page.unwrap().file_name().into_string().unwrap()).collect();
    written.sort();
    assert_eq!(told["pages"], Value::from(written.clone()));
    let page = |name: &str| fs::read_to_string(folder.join(format!("{name}.1"))).unwrap();
    assert_eq!(page("verso"), ok(&["man"]), "the page of the whole is the one that is printed");
    let commands: Vec<String> = page("verso")
        .lines()
        .filter_map(|line| line.strip_prefix("verso\\-")?.split_once("(1)").map(|(name, _)| name.replace('\\', "")))
        .collect();
    assert!(commands.len() > 25, "{commands:?}");
    for command in commands {
        assert!(written.contains(&format!("verso-{command}.1")), "{command}");
    }
    let import = page("verso-import");
    for part in [".TH verso-import 1", ".SH NOTES", ".SH EXAMPLES\n.nf", "  verso import bookmarks.html", "\n.fi"] {
        assert!(import.contains(part), "{part}: {import}");
    }
    assert!(page("verso-workspace-share").contains("\\-\\-access"), "commands of commands, too");
    assert!(!written.iter().any(|name| name.contains("help")), "{written:?}");

    let output = program(&["man", "/dev/null/man1", "--json"]).output().unwrap();
    let failure = crate::device::failed(&["man"], &output);
    assert_eq!(failure.code, 1, "{failure:?}");
}
