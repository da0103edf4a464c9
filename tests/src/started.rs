//! The real program, started as a person starts it.
#![allow(clippy::missing_panics_doc, reason = "a test that can't go on has failed")]

use std::process::Stdio;

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStderr, Command},
    time::timeout,
};

use crate::{account::Account, client::Client, home::Person};

/// The real program, up.
#[derive(Debug)]
pub struct Started {
    pub child: Child,
    stderr: ChildStderr,
    /// What it printed up to its last line of greeting.
    pub printed: Vec<String>,
}

impl Started {
    /// Starts the program by this command and waits for its greeting.
    pub async fn by(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let stderr = child.stderr.take().expect("its standard error is read");
        let mut lines =
            BufReader::new(child.stdout.take().expect("its standard output is read")).lines();
        let mut printed = Vec::new();
        while let Some(line) = lines.next_line().await.expect("a line of text") {
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
    pub fn after(&self, label: &str) -> &str {
        let mut lines = self.printed.iter();
        let found = lines.find_map(|line| line.strip_prefix(label));
        found.unwrap_or_else(|| panic!("{:?}", self.printed)).trim()
    }

    /// Somebody with a new key on its page.
    pub fn person(&self) -> Person {
        Person::new(self.after("Webhook tutorial"), &Client::default())
    }

    /// Its simulated account, signed in.
    pub async fn account(&self) -> Account {
        // Such as `http://127.0.0.1:8788 (user NAME, password WORD)`.
        let (api, rest) =
            self.after("Simulated cloud").split_once(" (user ").expect("an address and an account");
        let (user, password) =
            rest.trim_end_matches(')').split_once(", password ").expect("a user and a password");
        Account::at(api, user, password).await
    }

    /// Sends SIGTERM; gives back the exit status and what standard error had.
    pub async fn terminate(mut self) -> (Option<i32>, String) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(sent.expect("`kill` runs").success());
        // The promise is 5 s, which the program's own timer keeps. The other 3 s are for the machine, which starts `kill` and
        // reaps the process while other tests use its processors.
        let wait = timeout(std::time::Duration::from_secs(5 + 3), self.child.wait());
        let status = wait.await.expect("it ends in time").expect("it ends");
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).await.expect("a text");
        (status.code(), said)
    }
}
