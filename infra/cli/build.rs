//! What `--version` says, and the files of the page that the program holds. Both are for release builds: a build for development
//! names no commit, so that a commit alone rebuilds nothing, and reads the page from the checkout, so that an edit of a
//! script needs no compiler.
#![allow(clippy::print_stdout, reason = "standard output is where cargo takes instructions from")]
#![allow(clippy::disallowed_methods, reason = "this program runs while another is built")]

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// What `site::SourceFiles` are read from.
const EMBEDDED: [&str; 7] = [
    "firmware/examples/own-firmware.cpp",
    "firmware/src/webhook-tutorial.cpp",
    "infra/particle/webhook.json",
    "site/card.png",
    "site/content/recorded",
    "site/static",
    "site/style",
];

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-env-changed=SOURCE_COMMIT");
    println!("cargo::rerun-if-changed=build.rs");
    let is_release = env::var("PROFILE").as_deref() == Ok("release");
    let version = env!("CARGO_PKG_VERSION");
    let commit = env::var("SOURCE_COMMIT").ok();
    let version = match commit.or_else(|| is_release.then(commit_of_checkout)?) {
        Some(commit) => format!("{version} ({commit})"),
        None => version.to_owned(),
    };
    println!("cargo::rustc-env=VERSION={version}");

    let is_embedded = is_release || env::var_os("CARGO_FEATURE_EMBED").is_some();
    let code = match is_embedded {
        true => embedded()?,
        false => "site::Options::default()".to_owned(),
    };
    let out = env::var_os("OUT_DIR").expect("cargo names a folder for what is generated");
    fs::write(Path::new(&out).join("page.rs"), code)
}

/// The commit of this checkout; none where git is not installed.
fn commit_of_checkout() -> Option<String> {
    // This file is named so that a repository around an unpacked archive is not taken for ours.
    let commit = git(&["rev-parse", "HEAD", "HEAD:./build.rs"])?;
    // Written to by each commit and checkout.
    println!("cargo::rerun-if-changed={}", git(&["rev-parse", "--git-path", "logs/HEAD"])?);
    Some(commit.get(..12)?.to_owned())
}

/// The first line that git prints.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.lines().next().map(str::to_owned))?
}

/// The expression that is the page's options, with the content of every file.
fn embedded() -> io::Result<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let mut files = Vec::new();
    for path in EMBEDDED {
        println!("cargo::rerun-if-changed={}", root.join(path).display());
        collect(root.join(path), &mut files)?;
    }
    files.sort();
    let mut code =
        "site::Options { origin: String::new(), sources: site::SourceFiles::Embedded(&[\n"
            .to_owned();
    for file in files {
        let path = file.strip_prefix(&root).expect("it was found there").to_str();
        let path = path.expect("names of ours are ASCII");
        code += &format!("({path:?}, include_bytes!({file:?})),\n");
    }
    Ok(code + "]) }")
}

fn collect(path: PathBuf, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if path.is_file() {
        files.push(path);
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // As the site's own reader does.
        if !name.starts_with('.') && !name.ends_with('~') {
            collect(path, files)?;
        }
    }
    Ok(())
}
