//! What we take from others: on which terms, from where, once each, and why. The terms are in deny.toml, which cargo-deny reads
//! too, where it is installed.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{Metadata, MetadataCommand, Package, semver::Version};
use serde::Deserialize;

use crate::tidy::{ours, root};

/// The parts of deny.toml that are looked at here.
#[derive(Deserialize)]
struct Deny {
    graph: Graph,
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
struct Graph {
    targets: Vec<String>,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
    exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Bans {
    skip: Vec<Skip>,
}

#[derive(Deserialize)]
struct Skip {
    #[serde(rename = "crate")]
    spec: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

fn deny() -> Deny {
    let text = std::fs::read_to_string(root().join("deny.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

/// The workspace and all it takes from others on the systems that deny.toml names.
fn taken(deny: &Deny) -> Metadata {
    let mut options = vec!["--locked".to_owned()];
    for target in &deny.graph.targets {
        options.extend(["--filter-platform".to_owned(), target.clone()]);
    }
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(options)
        .exec()
        .unwrap()
}

fn others(metadata: &Metadata) -> Vec<&Package> {
    let nodes = &metadata.resolve.as_ref().unwrap().nodes;
    let is_used = |package: &&Package| nodes.iter().any(|node| node.id == package.id);
    let all = metadata.packages.iter().filter(is_used);
    all.filter(|package| package.source.is_some()).collect()
}

#[test]
fn everything_that_we_take_has_a_licence_that_asks_for_a_notice_and_no_more() {
    let deny = deny();
    let metadata = taken(&deny);
    let others = others(&metadata);
    assert!(others.len() > 200, "{}", others.len());
    let mut excepted = BTreeSet::new();
    for package in others {
        let said = package.license.as_deref().unwrap_or_default();
        let terms = spdx::Expression::parse_mode(said, spdx::ParseMode::LAX)
            .unwrap_or_else(|error| panic!("{}: {said}: {error}", package.name));
        let allowed = |more: &[String]| {
            terms.evaluate(|asked| {
                let asked = asked.to_string();
                deny.licenses.allow.contains(&asked) || more.contains(&asked)
            })
        };
        if allowed(&[]) {
            continue;
        }
        let found = deny.licenses.exceptions.iter();
        let mut found = found.filter(|exception| exception.name == *package.name);
        let exception = found
            .next()
            .unwrap_or_else(|| panic!("{} is under {said}", package.name));
        assert!(
            allowed(&exception.allow),
            "{} is under {said}",
            package.name
        );
        excepted.insert(exception.name.clone());
    }
    assert_eq!(
        excepted.len(),
        deny.licenses.exceptions.len(),
        "an exception that nobody needs"
    );
}

#[test]
fn everything_that_we_take_is_from_the_public_registry_and_there_once_or_said_why_not() {
    let deny = deny();
    let metadata = taken(&deny);
    let mut versions: BTreeMap<&str, BTreeSet<&Version>> = BTreeMap::new();
    for package in others(&metadata) {
        let source = package.source.as_ref().unwrap().repr.clone();
        let from = source.strip_prefix("registry+").unwrap_or_default();
        assert!(
            deny.sources
                .allow_registry
                .iter()
                .any(|allowed| allowed == from),
            "{} is from {source}",
            package.name
        );
        versions
            .entry(&package.name)
            .or_default()
            .insert(&package.version);
    }
    let mut skipped = BTreeMap::new();
    for Skip { spec, reason } in &deny.bans.skip {
        assert!(reason.len() > 10, "{spec} has no reason");
        skipped.insert(spec.clone(), false);
    }
    for (name, versions) in versions {
        for older in versions.iter().rev().skip(1) {
            let spec = format!("{name}@{older}");
            let used = skipped.get_mut(&spec);
            *used.unwrap_or_else(|| panic!("{spec} is there besides a newer one: {versions:?}")) =
                true;
        }
    }
    let needless: Vec<_> = skipped.iter().filter(|(_, used)| !**used).collect();
    assert!(needless.is_empty(), "there once after all: {needless:?}");
}

#[test]
fn each_direct_dependency_has_a_line_that_says_why() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let table = manifest.split("[workspace.dependencies]").nth(1).unwrap();
    let table = table.split("\n[").next().unwrap();
    let mut named = 0;
    let mut before = "";
    for line in table.lines() {
        if let Some((name, rest)) = line.split_once(" = ")
            && !rest.contains("path = ")
        {
            let reason = before.strip_prefix("# ").unwrap_or_default();
            assert!(
                reason.len() > 15,
                "{name} has no line that says why it is there: {before:?}"
            );
            named += 1;
        }
        before = line;
    }
    assert!(named > 25, "{named}");
    // And no crate takes anything past this table.
    for package in &ours() {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        let dependencies = manifest.split("dependencies]").skip(1);
        for line in
            dependencies.flat_map(|part| part.lines().take_while(|line| !line.starts_with('[')))
        {
            let is_one = line
                .split_once('=')
                .is_some_and(|(name, _)| !name.contains('#'));
            assert!(
                !is_one || line.contains("workspace = true"),
                "{}: {line}",
                package.name
            );
        }
    }
}

#[test]
fn no_crate_of_ours_has_unsafe_code() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("\nunsafe_code = \"forbid\"\n"));
    for package in &ours() {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        // Lints of its own would take the place of the shared ones, which forbid it.
        assert!(!manifest.contains("[lints."), "{}", package.name);
    }
}
