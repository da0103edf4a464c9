//! `site OUT [ORIGIN]` writes the site into a folder, for the address it will have; `site --list` says what a server must know about each file.
#![allow(clippy::print_stdout, reason = "a program that talks to the person who builds")]

use std::{env, path::Path};

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let options = site::Options::default();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        // One line a file: path, content type, cache policy, tabs between; a deployment sets them on its bucket.
        ["--list"] => {
            for file in site::files(&options)? {
                println!("{}\t{}\t{}", file.path, file.content_type(), file.cache_control());
            }
            Ok(())
        }
        [out] if !out.starts_with('-') => site::build(Path::new(out), &options),
        [out, origin] if !out.starts_with('-') && origin.starts_with("https://") => {
            let origin = origin.trim_end_matches('/').to_owned();
            site::build(Path::new(out), &site::Options { origin, ..options })
        }
        _ => bail!("usage: site OUT [https://ORIGIN] | site --list"),
    }
}
