//! Starting and stopping the program.

use std::process::Stdio;

use tests::{
    DEADLINE, account::Account, client::Client, faults::process::Process, flags_of_home,
    home::Person, program,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStderr, Command},
    time::timeout,
};

/// The real program, up.
pub(crate) struct Started {
    pub(crate) child: Child,
    stderr: ChildStderr,
    /// What it printed up to its last line of greeting.
    pub(crate) printed: Vec<String>,
}

impl Started {
    /// Starts the program by this command and waits for its greeting.
    pub(crate) async fn by(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stderr = child.stderr.take().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut printed = Vec::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            printed.push(line);
            if printed.last().is_some_and(|line| line.contains("Ctrl-C")) {
                // Read on, so that it never waits for room in the pipe.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                break;
            }
        }
        Started { child, stderr, printed }
    }

    /// What it printed after this label.
    pub(crate) fn after(&self, label: &str) -> &str {
        let mut lines = self.printed.iter();
        let found = lines.find_map(|line| line.strip_prefix(label));
        found.unwrap_or_else(|| panic!("{:?}", self.printed)).trim()
    }

    /// Somebody with a new key on its page.
    pub(crate) fn person(&self) -> Person {
        Person::new(self.after("Webhook tutorial"), &Client::default())
    }

    /// Its simulated account, signed in.
    pub(crate) async fn account(&self) -> Account {
        // Such as `http://127.0.0.1:8788 (user NAME, password WORD)`.
        let (api, rest) = self.after("Simulated cloud").split_once(" (user ").unwrap();
        let (user, password) = rest.trim_end_matches(')').split_once(", password ").unwrap();
        Account::at(api, user, password).await
    }

    /// Sends SIGTERM; gives back the exit status and what standard error had.
    pub(crate) async fn terminate(mut self) -> (Option<i32>, String) {
        let id = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(sent.unwrap().success());
        // The promise is 5 s, which the program's own timer keeps. The other 3 s are for the machine, which starts `kill` and
        // reaps the process while other tests use its processors.
        let wait = timeout(std::time::Duration::from_secs(5 + 3), self.child.wait());
        let status = wait.await.expect("it ends in time").unwrap();
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).await.unwrap();
        (status.code(), said)
    }
}

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
