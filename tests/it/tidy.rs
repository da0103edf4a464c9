//! Rules of the house that a compiler does not know.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap()
}

/// The crates of this workspace.
pub(crate) fn ours() -> Vec<Package> {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec();
    metadata.unwrap().packages
}

/// The files that are, or are about to be, in the repository.
fn files() -> Vec<PathBuf> {
    let out = Command::new("git")
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ])
        .current_dir(root())
        .output()
        .expect("git is there");
    let names = String::from_utf8(out.stdout).unwrap();
    names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(|name| root().join(name))
        .filter(|path| path.is_file())
        .collect()
}

#[test]
fn crates_depend_on_each_other_in_the_direction_of_the_data() {
    let packages = ours();
    let ours: Vec<_> = packages
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("delivery", &[][..]),
        ("function-url", &["delivery"]),
        ("store", &["delivery"]),
        ("receiver", &["delivery", "function-url", "store"]),
        ("api", &["delivery", "function-url", "store"]),
        ("site", &["delivery"]),
        ("door", &[]),
        ("simulated-cloud", &["door"]),
        ("virtual-device", &[]),
        (
            "local",
            &[
                "delivery",
                "function-url",
                "store",
                "receiver",
                "api",
                "site",
                "door",
                "simulated-cloud",
                "virtual-device",
            ],
        ),
        ("aws", &["delivery", "function-url", "store", "api", "site"]),
    ]);
    for package in &packages {
        // Those that look at the product from outside may look at all of it.
        if package.manifest_path.starts_with(root().join("tests")) {
            continue;
        }
        let allowed = allowed.get(package.name.as_str());
        let allowed = allowed.unwrap_or_else(|| panic!("say here what {} may use", package.name));
        for dependency in package
            .dependencies
            .iter()
            .filter(|d| d.kind == DependencyKind::Normal)
        {
            if ours.contains(&dependency.name) {
                assert!(
                    allowed.contains(&dependency.name.as_str()),
                    "{} may not depend on {}",
                    package.name,
                    dependency.name
                );
            }
        }
    }
}

#[test]
fn only_the_store_names_the_sdk() {
    // The generated items of `fuzz` are made of whatever an item can be made of.
    let may = ["store", "fuzz"];
    for package in ours()
        .iter()
        .filter(|package| !may.contains(&package.name.as_str()))
    {
        for dependency in package
            .dependencies
            .iter()
            .filter(|d| d.kind == DependencyKind::Normal)
        {
            assert_ne!(dependency.name, "aws-sdk-dynamodb", "{}", package.name);
        }
    }
}

#[test]
fn every_crate_takes_the_shared_lints() {
    for package in &ours() {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{}",
            package.name
        );
        assert!(
            package.description.is_some(),
            "{} has no description",
            package.name
        );
    }
}

#[test]
fn lock_files_name_no_registry_but_the_public_ones() {
    for path in files()
        .iter()
        .filter(|path| path.ends_with("package-lock.json"))
    {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(
            !text.contains("\"resolved\""),
            "{} names where packages were fetched from",
            path.display()
        );
    }
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    for line in lock.lines().filter(|line| line.starts_with("source")) {
        assert_eq!(
            line,
            "source = \"registry+https://github.com/rust-lang/crates.io-index\""
        );
    }
}

#[test]
fn text_files_end_with_a_line_break_and_have_no_trailing_blanks() {
    let endings = [
        "rs", "toml", "md", "js", "mjs", "css", "html", "cpp", "h", "yml", "yaml",
    ];
    for path in files() {
        let ending = path
            .extension()
            .and_then(|ending| ending.to_str())
            .unwrap_or_default();
        if !endings.contains(&ending) {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.is_empty() || text.ends_with('\n'),
            "{}",
            path.display()
        );
        for (at, line) in text.lines().enumerate() {
            assert_eq!(line.trim_end(), line, "{}:{}", path.display(), at + 1);
        }
    }
}

#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let model = std::fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let sources: String = files()
        .iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    // Between backticks, and of several words: nothing else there looks like the name of a test.
    let is_test = |text: &&str| {
        text.matches('_').count() >= 3
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let named: Vec<_> = model
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(is_test)
        .collect();
    assert!(named.len() > 20, "{named:?}");
    for name in named {
        assert!(
            sources.contains(&format!("fn {name}(")),
            "SECURITY.md names {name}, which is no test"
        );
    }
}

#[test]
fn every_planted_fault_fits_the_source_and_is_counted() {
    let fit = Command::new("python3")
        .args(["tests/mutants", "--fit"])
        .current_dir(root())
        .output()
        .expect("python3 is there");
    let said = String::from_utf8(fit.stdout).unwrap();
    assert!(fit.status.success(), "{said}");
    let count = said.split(' ').next().unwrap();
    let security = std::fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let row = format!("| planted faults (`tests/mutants`) | {count} |");
    assert!(security.contains(&row), "{row} is not in SECURITY.md");
}
