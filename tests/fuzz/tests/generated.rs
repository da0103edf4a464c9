//! Every target with its corpus and with bytes made of it, the same at every run.
#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use fuzz::{TARGETS, mutate};

/// Inputs for each target: a few seconds of a debug build in all. cargo-fuzz is for more.
const INPUTS: u32 = 6_000;

fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let read = |path: PathBuf| (path.clone(), std::fs::read(path).unwrap());
    files.into_iter().map(read).collect()
}

#[test]
fn what_was_found_before_and_bytes_that_nobody_thought_of_are_read_or_refused() {
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        assert!(corpus.len() > 1, "{name} has no corpus");
        for (path, bytes) in &corpus {
            let done = catch_unwind(AssertUnwindSafe(|| target(bytes)));
            assert!(done.is_ok(), "{}", path.display());
        }
        let seeds: Vec<_> = corpus.into_iter().map(|(_, bytes)| bytes).collect();
        for number in 0..INPUTS {
            let mut rng = fastrand::Rng::with_seed(u64::from(number));
            let bytes = mutate::mutated(&seeds, &mut rng);
            let done = catch_unwind(AssertUnwindSafe(|| target(&bytes)));
            assert!(
                done.is_ok(),
                "{name}, input {number}; put it into the corpus: {:?}",
                String::from_utf8_lossy(&bytes)
            );
        }
    }
}

#[test]
fn cargo_fuzz_has_every_target_too() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("libfuzzer");
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let names: BTreeSet<_> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), TARGETS.len());
    for name in names {
        let source =
            std::fs::read_to_string(folder.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(source.contains("fuzz_target!(|bytes: &[u8]|"), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
}
