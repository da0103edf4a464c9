//! Hostile firmware and sources: what they may use and write is bounded.

use std::{os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use tokio::time::{sleep, timeout};
use virtual_device::{
    compiler::{Compiler, Failure, Source},
    limits::{FIRMWARE, Limits},
    platform::Platform,
    sandbox,
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

/// A firmware that logs the name of each of these expressions, with its error or "done".
fn tries(includes: &str, before: &str, expressions: &[(&str, &str)]) -> String {
    let tried: String = expressions
        .iter()
        .map(|(name, expression)| {
            format!(
                "    errno = 0;\n    Log.info(\"{name}: %s\", ({expression}) < 0 ? strerror(errno) : \"done\");\n"
            )
        })
        .collect();
    let includes: String = format!("cerrno cstring fcntl.h unistd.h sys/syscall.h {includes}")
        .split_whitespace()
        .map(|name| format!("#include <{name}>\n"))
        .collect();
    let doing =
        format!("    static bool done;\n    if (done) return;\n    done = true;\n{before}{tried}");
    includes + &firmware(&doing)
}

/// It runs as the user of this test, also where that is root: a user of its own would be refused much without a sandbox.
async fn run_tries(includes: &str, before: &str, expressions: &[(&str, &str)]) -> Scenario {
    let text = tries(includes, before, expressions);
    let program = compile(&text, Platform::Boron, Build::Plain).await.unwrap();
    let limits = Limits { may_fork: true, ..FIRMWARE };
    let mut device = Scenario::run_within(&program, limits, 0).await;
    device.run_for(10).await;
    device
}

/// Each of the expressions is refused, and none kills the firmware.
async fn refused_all(includes: &str, before: &str, expressions: &[(&str, &str)]) {
    let device = run_tries(includes, before, expressions).await;
    for (name, _) in expressions {
        let lines = device.logged(&format!("{name}: "));
        assert_eq!(lines.len(), 1, "{name}: {:?}", device.done);
        let is_refused = ["Operation not permitted", "Permission denied"]
            .iter()
            .any(|error| device.logged(&format!("{name}: {error}")).len() == 1);
        assert!(is_refused, "{name}: {:?}", device.done);
    }
}

#[tokio::test]
async fn it_neither_reads_nor_changes_a_file_of_the_user() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "kept").unwrap();
    let before = format!(
        "    static const char *file = \"{0}\", *other = \"{0}.other\", *dir = \"{1}\";\n",
        file.display(),
        dir.path().display()
    );
    refused_all(
        "cstdio sys/stat.h sys/xattr.h",
        &before,
        &[
            ("open to read", "open(file, O_RDONLY)"),
            // What mmap(MAP_SHARED) needs to write.
            ("open to write", "open(file, O_RDWR)"),
            ("create", "open(other, O_CREAT | O_WRONLY, 0600)"),
            ("empty while opening", "open(file, O_RDONLY | O_TRUNC)"),
            ("empty", "truncate(file, 0)"),
            ("delete", "unlink(file)"),
            ("rename", "rename(file, other)"),
            ("hard link", "link(file, other)"),
            ("symlink", "symlink(file, other)"),
            ("folder", "mkdir(other, 0700)"),
            ("list", "open(dir, O_RDONLY | O_DIRECTORY)"),
            ("mode", "chmod(file, 0)"),
            ("owner", "chown(file, geteuid(), getegid())"),
            ("time", "utimensat(AT_FDCWD, file, nullptr, 0)"),
            ("attribute", "setxattr(file, \"user.a\", \"b\", 1, 0)"),
        ],
    )
    .await;
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "kept");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn it_leaves_nothing_in_the_kernel_and_has_no_network() {
    refused_all(
        "mqueue.h sys/ipc.h sys/msg.h sys/sem.h sys/shm.h sys/mman.h sys/socket.h",
        "    static int pair[2];\n",
        &[
            ("shared memory", "shmget(IPC_PRIVATE, 48 << 20, IPC_CREAT | 0600)"),
            ("posix shared memory", "shm_open(\"/webhook\", O_CREAT | O_RDWR, 0600)"),
            ("semaphore", "semget(IPC_PRIVATE, 1, IPC_CREAT | 0600)"),
            ("queue", "msgget(IPC_PRIVATE, IPC_CREAT | 0600)"),
            ("posix queue", "mq_open(\"/webhook\", O_CREAT | O_RDWR, 0600, nullptr)"),
            ("key", "syscall(SYS_add_key, \"user\", \"a\", \"b\", 1, -4)"),
            ("tcp", "socket(AF_INET, SOCK_STREAM, 0)"),
            ("udp", "socket(AF_INET, SOCK_DGRAM, 0)"),
            ("unix", "socket(AF_UNIX, SOCK_STREAM, 0)"),
            // From one of these, `sendto` reaches any datagram socket of the user, such as that of the system's log.
            ("pair", "socketpair(AF_UNIX, SOCK_DGRAM, 0, pair)"),
            ("io_uring", "syscall(SYS_io_uring_setup, 1, nullptr)"),
            #[cfg(target_arch = "x86_64")]
            ("x32", "syscall(0x40000000 | SYS_shmget, IPC_PRIVATE, 1 << 20, IPC_CREAT | 0600)"),
        ],
    )
    .await;
}

fn sleeping() -> tokio::process::Child {
    let mut sleep = tokio::process::Command::new("sleep");
    sleep.arg("1000").kill_on_drop(true).spawn().unwrap()
}

#[tokio::test]
async fn it_reaches_no_other_process_of_the_user() {
    let other = sleeping();
    let pid = other.id().unwrap();
    let before = format!(
        "    static const int other = {pid};\n    static struct rlimit limit = {{1, 1}};\n    static struct iovec part = {{&limit, 1}};\n"
    );
    let memory = format!("open(\"/proc/{pid}/mem\", O_RDWR)");
    let environment = format!("open(\"/proc/{pid}/environ\", O_RDONLY)");
    refused_all(
        "sys/ptrace.h sys/resource.h sys/uio.h",
        &before,
        &[
            ("memory", &memory),
            ("environment", &environment),
            ("trace", "ptrace(PTRACE_ATTACH, other, nullptr, nullptr)"),
            ("write", "process_vm_writev(other, &part, 1, &part, 1, 0)"),
            ("limit", "prlimit(static_cast<__pid_t>(other), RLIMIT_FSIZE, &limit, nullptr)"),
            ("priority", "setpriority(PRIO_PROCESS, other, 19)"),
        ],
    )
    .await;
}

/// Older kernels cannot keep it from that, and then the device says so.
#[tokio::test]
async fn it_ends_no_program_of_the_user_or_says_that_it_can() {
    let other = sleeping();
    let before = format!("    static const int other = {};\n", other.id().unwrap());
    let expressions = [("signal", "kill(other, SIGKILL)")];
    let device = run_tries("csignal", &before, &expressions).await;
    let is_refused = device.logged("signal: Operation not permitted").len() == 1;
    let is_said = sandbox::missing().is_some_and(|text| text.contains("end your programs"));
    assert_ne!(is_refused, is_said, "{:?}", device.done);
}

#[tokio::test]
async fn what_remains_is_what_the_architecture_says() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let before = format!(
        r#"    static const char *file = "{}";
    struct stat seen;
    // All of its own group.
    const auto end_watcher = [] {{
        signal(SIGTERM, SIG_IGN);
        return kill(0, SIGTERM) < 0 || waitpid(-1, nullptr, 0) < 0 ? -1 : 0;
    }};
"#,
        file.path().display()
    );
    let expressions = [
        ("look up", "stat(file, &seen)"),
        ("read a program", "open(\"/usr/bin/env\", O_RDONLY)"),
        ("end its watcher", "end_watcher()"),
    ];
    let device = run_tries("csignal sys/stat.h sys/wait.h", &before, &expressions).await;
    for (name, _) in expressions {
        let done = device.logged(&format!("{name}: done"));
        assert_eq!(done.len(), 1, "{name}: {:?}", device.done);
    }
}

#[tokio::test]
async fn a_compiler_writes_in_its_own_folder_only() {
    let dir = tempfile::tempdir().unwrap();
    let does = format!(
        "echo a >inside && echo a >{0}/outside; ls inside >&2; exit 1",
        dir.path().display()
    );
    let compiler = compiler_that(&does, dir.path()).await;
    let said = refused(&compiler, dir.path()).await;
    assert!(said.contains("outside: Permission denied"), "{said}");
    assert!(said.lines().any(|line| line == "inside"), "{said}");
    assert!(!dir.path().join("outside").exists());
}

/// Where a kernel has no Landlock, this limit is what remains. A file in memory needs no folder.
#[tokio::test]
async fn the_first_byte_that_it_writes_to_a_file_ends_it() {
    let text = firmware(
        r#"    const int file = memfd_create("file", 0);
    if (file >= 0 && write(file, "s", 1) < 0) abort();"#,
    )
    .replace("#include <cstdio>", "#include <cstdio>\n#include <sys/mman.h>\n#include <unistd.h>");
    let mut device = Scenario::of(&text, Build::Plain, 0).await;
    let end = device.run_to_its_end(1_000).await;
    assert!(end.contains("it wrote to a file"), "{end}");
    let harmless = firmware("");
    let mut device = Scenario::of(&harmless, Build::Plain, 0).await;
    assert_eq!(device.run_to_its_end(1_000).await, "");
}

#[tokio::test]
async fn a_source_includes_no_file_of_the_user() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secret");
    std::fs::write(&file, "planted_secret").unwrap();
    let include = format!("#include \"{}\"\n", file.display());
    let said =
        compile(&(include + &firmware("")), Platform::Boron, Build::Plain).await.unwrap_err();
    assert!(said.contains("Permission denied"), "{said}");
    assert!(!said.contains("planted_secret"), "{said}");
}

#[tokio::test]
async fn it_starts_no_other_process_and_is_never_root() {
    let text = firmware(
        r#"    pid_t other = fork();
    if (other == 0) _exit(0);
    Log.info(other < 0 ? "it is alone" : "it is not alone");
    Log.info(geteuid() == 0 || getegid() == 0 ? "it is root" : "it is not root");"#,
    )
    .replace("#include <cstdio>", "#include <cstdio>\n#include <unistd.h>");
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
    let said = compile(&firmware(&many), Platform::Boron, Build::Plain).await.unwrap_err();
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
async fn more_processor_time_than_it_is_given_ends_it() {
    let text = firmware("    alarm(0);\n    for (volatile int i = 0;; i++) {}")
        .replace("#include <cstdio>", "#include <cstdio>\n#include <unistd.h>");
    let program = compile(&text, Platform::Boron, Build::Plain).await.unwrap();
    let mut device = Scenario::run_within(&program, Limits { cpu_s: 1, ..FIRMWARE }, 0).await;
    let end = device.run_to_its_end(10).await;
    assert!(end.contains("it used up its processor time"), "{end}");
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
async fn a_message_that_never_ends_ends_it() {
    let text = firmware("    for (;;) write(3, \"no message\", 10);")
        .replace("#include <cstdio>", "#include <cstdio>\n#include <unistd.h>");
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
    [Source { name: "a.cpp".into(), text: firmware("") }]
}

async fn refused(compiler: &Compiler, dir: &Path) -> String {
    match compiler.compile(&one_file(), Platform::Boron, &[], dir).await {
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
    timeout(Duration::from_secs(60), wait).await.unwrap_or_else(|_| panic!("{pid} still runs"));
}

#[tokio::test]
async fn an_endless_compilation_is_ended_with_all_its_processes() {
    let dir = tempfile::tempdir().unwrap();
    let does = "sleep 1000 & echo $! >pid.new; mv pid.new pid; wait";
    let mut compiler = compiler_that(does, dir.path()).await;
    compiler.time_limit = Duration::from_secs(2);
    // It can write in its own folder only, which is gone afterwards.
    let pid = async {
        loop {
            let mut folders = std::fs::read_dir(dir.path()).unwrap().flatten();
            let pid = folders.find_map(|at| std::fs::read_to_string(at.path().join("pid")).ok());
            match pid {
                Some(pid) => return pid,
                None => sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let (said, pid) = tokio::join!(refused(&compiler, dir.path()), pid);
    assert_eq!(said, "Compiler timed out or encountered an error");
    ends(&pid).await;
}

#[tokio::test]
async fn what_a_compiler_leaves_behind_ends_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let compiler = compiler_that("sleep 1000 & echo $! >&2; exit 1", dir.path()).await;
    ends(&refused(&compiler, dir.path()).await).await;
}

#[tokio::test]
async fn a_compiler_has_a_bounded_time_memory_and_file_size() {
    let dir = tempfile::tempdir().unwrap();
    let does = "ulimit -t >&2; ulimit -v >&2; ulimit -f >&2; env >&2; exit 1";
    let compiler = compiler_that(does, dir.path()).await;
    let said = refused(&compiler, dir.path()).await;
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[..3], ["25", "1048576", "131072"], "{said}");
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
    let said = compile(&text, Platform::Boron, Build::Plain).await.unwrap_err();
    assert!(said.contains("memory"), "{said}");
}
