//! Starting and stopping the program.

use tests::{DEADLINE, faults::process::Process, flags_of_local, program};
use tokio::{process::Command, time::timeout};

#[tokio::test]
async fn a_taken_port_or_data_folder_is_reported_in_one_line() {
    let data = tempfile::tempdir().unwrap();
    let mut first = Process::new(program("local"), flags_of_local(data.path()));
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
        let ended = Command::new(program("local"))
            .args(flags_of_local(data))
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

#[cfg(unix)]
#[tokio::test]
async fn sigterm_ends_the_program_with_status_0() {
    let data = tempfile::tempdir().unwrap();
    let mut child = Command::new(program("local"))
        .args(flags_of_local(data.path()))
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines =
        tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(child.stdout.take().unwrap()));
    while !lines.next_line().await.unwrap().unwrap().contains("Ctrl-C") {}
    let id = child.id().unwrap().to_string();
    let sent = Command::new("kill").args(["-TERM", &id]).status().await;
    assert!(sent.unwrap().success());
    let status = timeout(DEADLINE, child.wait()).await.expect("it ends");
    assert_eq!(status.unwrap().code(), Some(0));
}
