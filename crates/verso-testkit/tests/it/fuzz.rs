//! What is fuzzed, without a fuzzer: on the inputs that are kept, and on random ones.

#![expect(clippy::print_stdout, reason = "the last line before a failure tells which input it was")]

use std::fs;
use std::path::{Path, PathBuf};

use verso_testkit::Rng;
use verso_testkit::fuzz::TARGETS;

/// How many random inputs each target gets. Enough to reach the usual, few enough for every run of the tests.
const RANDOM_INPUTS: u64 = 200;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names
}

#[test]
fn every_target_has_a_fuzzer_and_inputs_and_nothing_else_has() {
    let targets: Vec<_> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert!(targets.is_sorted());
    assert_eq!(names(&folder().join("corpus")), targets);
    let files: Vec<_> = targets.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names(&folder().join("fuzz_targets")), files);
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    for name in targets {
        let fuzzer = fs::read_to_string(folder().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(fuzzer.contains(&format!("verso_testkit::fuzz::{name}(")), "{name}: the fuzzer calls something else");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not in fuzz/Cargo.toml");
    }
}

#[test]
fn every_kept_input_holds() {
    for target in TARGETS {
        let corpus = folder().join("corpus").join(target.name);
        let inputs = names(&corpus);
        assert!(!inputs.is_empty(), "{} has no inputs", target.name);
        for input in inputs {
            println!("{} {input}", target.name);
            (target.run)(&fs::read(corpus.join(input)).unwrap());
        }
    }
}

#[test]
fn random_inputs_hold() {
    for target in TARGETS {
        for seed in 0..RANDOM_INPUTS {
            println!("{} seed {seed}", target.name);
            let mut rng = Rng::new(seed);
            let len = rng.below(400);
            let input: Vec<u8> = (0..len).map(|_| rng.byte()).collect();
            (target.run)(&input);
        }
    }
}
