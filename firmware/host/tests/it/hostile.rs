//! Hostile firmware and sources: what they may use and write is bounded.

use std::{os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use tokio::time::{sleep, timeout};
use virtual_device::{
    compiler::{Compiler, Failure, Source},
    platform::Platform,
};

use crate::scenario::{Build, Scenario, compile};

/// A firmware whose `loop()` does this.
fn firmware(doing: &str) -> String {
    format!(
        "#include \"Particle.h\"\n#include <cstdio>\n#include <cstdlib>\nSerialLogHandler logHandler;\nvoid setup() {{}}\nvoid loop() {{\n{doing}\n}}\n"
    )
}

#[tokio::test]
async fn it_knows_nothing_of_the_environment() {
    let text = firmware(r#"    Log.info("home is %s", getenv("HOME") ? "known" : "not known");"#);
    let mut device = Scenario::of(&text, Build::Plain, 0).await;
    device.run_for(10).await;
    assert_eq!(device.logged("home is not known").len(), 1);
}

#[tokio::test]
async fn the_first_byte_that_it_writes_to_a_file_ends_it() {
    let text = firmware(
        r#"    FILE *file = tmpfile();
    if (!file) return;
    setvbuf(file, nullptr, _IONBF, 0);
    fputs("something", file);"#,
    );
    let mut device = Scenario::of(&text, Build::Plain, 0).await;
    let end = device.run_to_its_end(1_000).await;
    assert!(end.contains("it wrote to a file"), "{end}");
    let harmless = firmware("");
    let mut device = Scenario::of(&harmless, Build::Plain, 0).await;
    assert_eq!(device.run_to_its_end(1_000).await, "");
}

#[tokio::test]
async fn it_starts_no_other_process_and_is_never_root() {
    let text = firmware(
        r#"    pid_t other = fork();
    if (other == 0) _exit(0);
    Log.info(other < 0 ? "it is alone" : "it is not alone");
    Log.info(geteuid() == 0 || getegid() == 0 ? "it is root" : "it is not root");"#,
    )
    .replace(
        "#include <cstdio>",
        "#include <cstdio>\n#include <unistd.h>",
    );
    // Several at once, as of several devices.
    let mut devices = Vec::new();
    for _ in 0..4 {
        devices.push(Scenario::of(&text, Build::Plain, 0).await);
    }
    for mut device in devices {
        device.run_for(10).await;
        for said in ["it is alone", "it is not root"] {
            assert_eq!(device.logged(said).len(), 1, "{:?}", device.done);
        }
    }
}

#[tokio::test]
async fn endless_compiler_output_is_cut() {
    let many = "undeclared;\n".repeat(20_000);
    let said = compile(&firmware(&many), Platform::Boron, Build::Plain)
        .await
        .unwrap_err();
    assert!(said.len() <= 64 * 1024, "{} bytes", said.len());
    assert!(said.contains("webhook-tutorial.cpp"), "{said}");
}

#[tokio::test]
async fn more_memory_than_it_is_given_ends_it() {
    let text = firmware(
        r#"    static char *kept = static_cast<char *>(malloc(1 << 30));
    if (!kept) abort();
    Log.info("got it");"#,
    );
    let mut device = Scenario::of(&text, Build::Plain, 0).await;
    let end = device.run_to_its_end(1_000).await;
    assert!(end.contains("it gave up: abort"), "{end}");
    assert!(device.logged("got it").is_empty());
}

#[tokio::test]
async fn what_it_prints_without_end_is_read_and_cut() {
    let text = firmware(
        r#"    for (int i = 0; i < 100000; i++) fputs("0123456789abcdef", stderr);
    abort();"#,
    );
    let mut device = Scenario::of(&text, Build::Plain, 0).await;
    let end = device.run_to_its_end(10).await;
    assert!(end.contains("it gave up: abort"), "{end}");
    assert!(end.contains("0123456789") && end.len() < 8 * 1024, "{end}");
}

#[tokio::test]
async fn a_report_that_never_ends_ends_it() {
    let text = firmware("    for (;;) write(3, \"no report\", 9);").replace(
        "#include <cstdio>",
        "#include <cstdio>\n#include <unistd.h>",
    );
    let mut device = Scenario::of(&text, Build::Plain, 0).await;
    let end = device.run_to_its_end(10).await;
    assert!(end.contains("Crash"), "{end}");
}

/// A script in place of a compiler: it answers `--version`, and otherwise runs `does`.
async fn compiler_that(does: &str, dir: &Path) -> Compiler {
    let script = dir.join("compiler");
    let text =
        format!("#!/bin/sh\nif [ \"$1\" = --version ]; then echo odd 1.0; exit; fi\n{does}\n");
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = "/usr/bin:/bin".into();
    Compiler::find_in(script.to_str(), path).await.unwrap()
}

fn one_file() -> [Source; 1] {
    [Source {
        name: "a.cpp".into(),
        text: firmware(""),
    }]
}

async fn refused(compiler: &Compiler, dir: &Path) -> String {
    match compiler
        .compile(&one_file(), Platform::Boron, &[], dir)
        .await
    {
        Err(Failure::Source(said)) => said,
        other => panic!("{other:?}"),
    }
}

/// Whether a process with this number still does anything.
async fn runs(pid: &str) -> bool {
    let ps = tokio::process::Command::new("ps")
        .args(["-o", "stat=", "-p", pid.trim()])
        .output()
        .await
        .unwrap();
    let state = String::from_utf8(ps.stdout).unwrap();
    // Z is a process that has ended and was not waited for.
    !state.trim().is_empty() && !state.trim_start().starts_with('Z')
}

async fn ends(pid: &str) {
    let wait = async {
        while runs(pid).await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(60), wait)
        .await
        .unwrap_or_else(|_| panic!("{pid} still runs"));
}

#[tokio::test]
async fn an_endless_compilation_is_ended_with_all_its_processes() {
    let dir = tempfile::tempdir().unwrap();
    let pids = dir.path().join("pids");
    let does = format!(
        "sleep 1000 & echo $! >{0}.new; mv {0}.new {0}; wait",
        pids.display()
    );
    let mut compiler = compiler_that(&does, dir.path()).await;
    compiler.time_limit = Duration::from_secs(2);
    let said = refused(&compiler, dir.path()).await;
    assert_eq!(said, "Compiler timed out or encountered an error");
    ends(&std::fs::read_to_string(&pids).unwrap()).await;
}

#[tokio::test]
async fn what_a_compiler_leaves_behind_ends_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let pids = dir.path().join("pids");
    let does = format!(
        "sleep 1000 & echo $! >{}; echo no >&2; exit 1",
        pids.display()
    );
    let compiler = compiler_that(&does, dir.path()).await;
    assert_eq!(refused(&compiler, dir.path()).await, "no\n");
    ends(&std::fs::read_to_string(&pids).unwrap()).await;
}

#[tokio::test]
async fn a_compiler_has_a_bounded_time_memory_and_file_size() {
    let dir = tempfile::tempdir().unwrap();
    let does = "ulimit -t >&2; ulimit -v >&2; ulimit -f >&2; env >&2; exit 1";
    let compiler = compiler_that(does, dir.path()).await;
    let said = refused(&compiler, dir.path()).await;
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[..3], ["30", "1048576", "131072"], "{said}");
    assert!(!said.contains("HOME="), "{said}");
}

#[tokio::test]
async fn a_source_that_takes_more_memory_than_there_is_is_refused() {
    // A text of a gibibyte, sixteen times as long with every line.
    let mut text = format!("#define T0 \"{}\"\n", "a".repeat(64));
    for n in 1..=6 {
        let all = format!("T{} ", n - 1).repeat(16);
        text += &format!("#define T{n} {all}\n");
    }
    let text = text + "const char *longest = T6;\n" + &firmware("");
    let said = compile(&text, Platform::Boron, Build::Plain)
        .await
        .unwrap_err();
    assert!(said.contains("memory"), "{said}");
}
