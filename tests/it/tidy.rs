//! Which crate may depend on which.

use std::{collections::BTreeMap, path::Path};

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// The crates of this workspace.
fn workspace() -> Vec<Package> {
    let metadata = MetadataCommand::new()
        .manifest_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"))
        .no_deps()
        .exec();
    metadata.unwrap().packages
}

#[test]
fn crates_depend_on_each_other_in_one_direction() {
    let packages = workspace();
    let ours: Vec<_> = packages.iter().map(|package| package.name.to_string()).collect();
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("delivery", &[][..]),
        ("function-url", &["delivery"]),
        ("store", &["delivery"]),
        ("receiver", &["delivery", "function-url", "store"]),
        ("api", &["delivery", "function-url", "store"]),
        ("site", &["delivery"]),
        ("device-link", &[]),
        ("simulated-cloud", &["device-link"]),
        ("virtual-device", &["device-link"]),
        (
            "local",
            &[
                "delivery",
                "function-url",
                "store",
                "receiver",
                "api",
                "site",
                "device-link",
                "simulated-cloud",
                "virtual-device",
            ],
        ),
        (
            "webhook-tutorial",
            &["delivery", "function-url", "api", "device-link", "simulated-cloud", "site", "local"],
        ),
        ("aws", &["delivery", "function-url", "store", "api", "site"]),
    ]);
    for package in &packages {
        // Those that look at the product from outside may look at all of it.
        if package.manifest_path.components().any(|part| part.as_str() == "tests") {
            continue;
        }
        let allowed = allowed.get(package.name.as_str());
        let allowed = allowed.unwrap_or_else(|| panic!("say here what {} may use", package.name));
        for dependency in package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal) {
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
    for package in workspace().iter().filter(|package| !may.contains(&package.name.as_str())) {
        for dependency in package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal) {
            assert_ne!(dependency.name, "aws-sdk-dynamodb", "{}", package.name);
        }
    }
}
