//! The words that people read are spelled as British English has them, or stand in `tests/browser/words.txt`.

use std::{path::Path, process::Command};

#[test]
fn prose_is_spelled_right() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let checked = Command::new("node")
        .args(["tests/browser/node_modules/cspell/bin.mjs", "--no-progress"])
        .args(["--config", "tests/browser/cspell.json"])
        .args(["site/content/*.md", "README.md", "ARCHITECTURE.md"])
        .current_dir(root)
        .output()
        .expect("node is installed");
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}");
}
