//! Names the commit in `--version`: that of the variable SOURCE_COMMIT or, in a release build, of the checkout. A build for
//! development names none, so that a commit alone rebuilds nothing.
#![allow(clippy::print_stdout, reason = "standard output is where cargo takes instructions from")]
#![allow(clippy::disallowed_methods, reason = "this program runs while another is built")]

use std::{env, process::Command};

fn main() {
    println!("cargo::rerun-if-env-changed=SOURCE_COMMIT");
    println!("cargo::rerun-if-changed=build.rs");
    let version = env!("CARGO_PKG_VERSION");
    let version = match env::var("SOURCE_COMMIT").ok().or_else(commit_of_checkout) {
        Some(commit) => format!("{version} ({commit})"),
        None => version.to_owned(),
    };
    println!("cargo::rustc-env=VERSION={version}");
}

fn commit_of_checkout() -> Option<String> {
    if env::var("PROFILE").as_deref() != Ok("release") {
        return None;
    }
    // This file is named so that a repository around an unpacked archive is not taken for ours.
    let commit = git(&["rev-parse", "--short=12", "HEAD", "HEAD:./build.rs"])?;
    // Written to by each commit and checkout.
    println!("cargo::rerun-if-changed={}", git(&["rev-parse", "--git-path", "logs/HEAD"])?);
    Some(commit)
}

/// The first line that git prints; none if it fails or is not installed.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.lines().next().map(str::to_owned))?
}
