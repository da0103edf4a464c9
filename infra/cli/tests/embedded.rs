//! The program that `cargo install` makes needs nothing of the checkout that it was built in.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::path::Path;

use tests::{client::Client, started::Started};
use tokio::process::Command;

const FIRMWARE: &str = "#include \"Particle.h\"\nvoid setup() {}\nvoid loop() {}\n";

/// Lets this thread and what it starts read the system and write in `folder`, and reach no other file: the checkout is gone.
#[cfg(target_os = "linux")]
fn hide_everything_but(folder: &Path) {
    use landlock::{
        ABI, Access as _, AccessFs, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _,
        path_beneath_rules,
    };
    let all = AccessFs::from_all(ABI::V3);
    // With version 2, which can allow to move a file between folders, as the device does with a program.
    let system = ["/bin", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/usr"];
    let ruleset = Ruleset::default().handle_access(all).unwrap().create().unwrap();
    let ruleset = ruleset
        .add_rules(path_beneath_rules(system, AccessFs::from_read(ABI::V1)))
        .unwrap()
        .add_rules(path_beneath_rules(["/dev"], AccessFs::from_file(ABI::V1)))
        .unwrap()
        .add_rules(path_beneath_rules([folder], all));
    ruleset.unwrap().restrict_self().unwrap();
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap_err();
}

#[cfg(not(target_os = "linux"))]
fn hide_everything_but(_: &Path) {}

#[test]
fn a_copy_in_an_empty_folder_serves_the_page_and_flashes() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("webhook-tutorial");
    std::fs::copy(env!("CARGO_BIN_EXE_webhook-tutorial"), &program).unwrap();
    hide_everything_but(folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut command = Command::new(program);
        command.current_dir(folder.path()).args(["--port", "0", "--particle-port", "0"]);
        let started = Started::by(command.env("TMPDIR", folder.path())).await;
        let page_url = started.after("Webhook tutorial").to_owned();
        let get = async |path: &str| {
            let request = http::Request::get(format!("{page_url}{path}")).body("".into()).unwrap();
            let response = Client::default().send(request).await.unwrap();
            assert_eq!(response.status(), 200, "{path}");
            String::from_utf8(response.into_body().to_vec()).unwrap()
        };
        let page = get("/").await;
        let style = page.split('"').find(|text| text.ends_with("/style.css")).unwrap();
        assert!(get(style).await.contains("{"));
        assert!(get("/log").await.contains("<template"));

        let (_, id) = started.after("Virtual device").split_once('(').unwrap();
        let id = id.trim_end_matches(')').to_owned();
        let account = started.account().await;
        account.online(&id).await;
        let flashed = account.flash(&id, "blink.cpp", FIRMWARE).await;
        assert_eq!(flashed.status(), 200, "{:?}", flashed.body());
        let (status, said) = started.terminate().await;
        assert_eq!(status, Some(0), "{said}");
    });
}
