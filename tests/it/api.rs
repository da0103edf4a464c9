//! The API as its description and its examples have it.

use std::{path::Path, process::Stdio};

use tests::{DEADLINE, home::Home};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// Calls that deny a key or forget an endpoint are in the contract tests; so are hook URLs.
#[tokio::test(flavor = "multi_thread")]
async fn generated_calls_are_answered_as_the_description_says() {
    let home = Home::start().await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(root.join("../target/venv-tests/bin/schemathesis"))
        .arg("run")
        .arg(format!("{}/api/openapi.json", home.stack.page_url))
        .args([
            "--exclude-method",
            "DELETE",
            "--phases",
            "examples,coverage,fuzzing",
            "--mode",
            "all",
        ])
        .args(["--checks", CHECKS, "--max-examples", "20", "--seed", "1", "--no-color"])
        .args(["--suppress-health-check", "all", "--generation-database", "none"])
        .env("HOME_URL", &home.stack.page_url)
        .env("SCHEMATHESIS_HOOKS", "api")
        .env("PYTHONPATH", root.join("judges"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(home.data.path())
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    home.stack.stop().await.unwrap();
}

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,negative_data_rejection";

/// An example, with the key on its standard input.
async fn example(name: &str, page_url: &str, key: &str) -> Child {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions/api/examples").join(name);
    let mut command = Command::new(file);
    command.arg(page_url).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(format!("{key}\n").as_bytes()).await.unwrap();
    child
}

#[tokio::test]
async fn the_examples_of_the_api_do_what_they_say() {
    let home = Home::start().await;
    let person = home.person().await;
    let page_url = &home.stack.page_url;
    let mut follow = example("follow.py", page_url, person.share.reveal()).await;
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    let set = example("set-reply.sh", page_url, person.owner.reveal()).await;
    assert!(set.wait_with_output().await.unwrap().status.success());
    for expected in ["1 POST / -> 503", "2 POST / -> 200"] {
        person.post("text/plain", "x").await;
        let line = timeout(DEADLINE, lines.next_line()).await.expect("a line").unwrap();
        assert_eq!(line.as_deref(), Some(expected));
    }
    let read = example("read-log.sh", page_url, person.owner.reveal()).await;
    let output = read.wait_with_output().await.unwrap();
    assert_eq!(
        serde_json::from_slice::<delivery::log_page::LogPage>(&output.stdout).unwrap(),
        person.log("last=10").await
    );
    home.stack.stop().await.unwrap();
}
