//! What the program says about itself.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_webhook-tutorial")).args(arguments).output().unwrap()
}

fn printed(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn help_version_and_completions_are_printed() {
    let version = printed(&["--version"]);
    let version = version.trim();
    let number = concat!("webhook-tutorial ", env!("CARGO_PKG_VERSION"));
    let commit = version.strip_prefix(number).unwrap();
    assert!(commit.is_empty() || commit.starts_with(" (") && commit.ends_with(')'), "{version}");
    assert!(printed(&["--help"]).contains("\nExamples:\n  webhook-tutorial "));
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(printed(&["completions", shell]).contains("--public-url"), "{shell}");
    }
    assert_eq!(run(&["completions", "csh"]).status.code(), Some(2));
}
