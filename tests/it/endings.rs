//! Starting and stopping the program.

use std::process::Stdio;

use tests::{DEADLINE, faults::process::Process, flags_of_home, program, started::Started};
use tokio::{process::Command, time::timeout};

#[tokio::test]
async fn a_taken_port_or_data_folder_is_reported_in_one_line() {
    let data = tempfile::tempdir().unwrap();
    let mut first = Process::new(program("webhook-tutorial"), flags_of_home(data.path()));
    first.start().await.unwrap();
    let page_url = first.page().borrow().clone().unwrap();
    let taken = page_url.rsplit(':').next().unwrap();
    let other = tempfile::tempdir().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    for (port, data, says) in [
        (&["--port", taken][..], other.path(), "--port"),
        (&[], data.path(), "in use by another instance"),
        (&[], file.path(), "data folder"),
    ] {
        let ended = Command::new(program("webhook-tutorial"))
            .args(flags_of_home(data))
            .args(port)
            .output()
            .await
            .unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains(says), "{said}");
    }
    first.kill().await;
}

#[tokio::test]
async fn sigterm_ends_the_program_with_status_0() {
    let data = tempfile::tempdir().unwrap();
    let mut command = Command::new(program("webhook-tutorial"));
    let started = Started::by(command.args(flags_of_home(data.path()))).await;
    let page = started.after("Webhook tutorial");
    assert_eq!(started.after("Log "), format!("{page}/log"));
    assert_eq!(started.terminate().await, (Some(0), String::new()));
}

#[tokio::test]
async fn a_closed_standard_output_ends_the_program_quietly() {
    let data = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ended = Command::new(program("webhook-tutorial"))
        .args(flags_of_home(data.path()))
        .stdout(writer)
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
        .wait_with_output();
    let ended = timeout(DEADLINE, ended).await.expect("it ends").unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!((ended.status.code(), said.as_str()), (Some(0), ""));
}
