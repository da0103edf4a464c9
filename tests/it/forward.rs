//! The program's tools around a log: `forward`, `tail`, `wait` and `export`.

use std::{os::unix::fs::PermissionsExt as _, path::Path, process::Stdio};

use bytes::Bytes;
use delivery::{
    Delivery,
    key::{Key, OwnerKey},
};
use http::{Method, Request};
use tests::{
    DEADLINE,
    client::Client,
    eventually,
    faults::process::Process,
    flags_of_home,
    home::{Home, Person},
    program,
    started::Started,
    target::Target,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout, Command},
    time::timeout,
};

/// A tool of the program, which keeps its key in a folder of the test's.
fn tool(name: &str, folder: &Path, page_url: &str) -> Command {
    let mut command = Command::new(program("webhook-tutorial"));
    command.arg(name).env("XDG_DATA_HOME", folder).args(["--home", page_url]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// A tool at work.
struct Running {
    child: Child,
    /// None if nobody reads it.
    stdout: Option<Lines<BufReader<ChildStdout>>>,
    stderr: ChildStderr,
    said: String,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let stdout = child.stdout.take().map(|stdout| BufReader::new(stdout).lines());
        let stderr = child.stderr.take().unwrap();
        Running { child, stdout, stderr, said: String::new() }
    }

    /// Reads standard error up to a text.
    async fn says(&mut self, text: &str) {
        let reading = async {
            while !self.said.contains(text) {
                let byte = self.stderr.read_u8().await;
                self.said.push(
                    byte.unwrap_or_else(|_| panic!("ended without {text:?}: {}", self.said)).into(),
                );
            }
        };
        timeout(DEADLINE, reading).await.unwrap_or_else(|_| panic!("does not say {text:?}"));
    }

    async fn line(&mut self) -> String {
        let line = timeout(DEADLINE, self.stdout.as_mut().unwrap().next_line())
            .await
            .expect("prints a line");
        line.unwrap().expect("goes on")
    }

    /// The hook URL that it printed.
    fn hook_url(&self) -> String {
        let line = self.said.lines().find_map(|line| line.strip_prefix("Hook URL")).unwrap();
        line.trim().to_owned()
    }

    /// Ends it as Ctrl-C does. Gives back its status and everything that it said.
    async fn interrupt(mut self) -> (Option<i32>, String) {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());
        self.end().await
    }

    async fn end(&mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        let ended = timeout(DEADLINE, async {
            self.stderr.read_to_string(&mut rest).await.unwrap();
            self.child.wait().await.unwrap()
        });
        let status = ended.await.expect("it ends");
        (status.code(), format!("{}{rest}", self.said))
    }
}

async fn send(url: &str, method: Method, headers: &[(&str, &str)], body: &'static [u8]) {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Bytes::from_static(body)).unwrap();
    Client::default().send(request).await.unwrap();
}

/// The key that the program made for this home.
fn kept_key(folder: &Path) -> (OwnerKey, u32) {
    let homes = std::fs::read_dir(folder.join("webhook-tutorial")).unwrap();
    let file = homes.last().unwrap().unwrap().path().join("owner-key");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    match Key::parse(std::fs::read_to_string(&file).unwrap().trim()).unwrap() {
        Key::Owner(key) => (key, mode),
        Key::Share(_) => panic!("a share key"),
    }
}

#[tokio::test]
async fn webhooks_are_forwarded_as_they_arrived() {
    let (home, target) = (Home::start().await, Target::start().await);
    let folder = tempfile::tempdir().unwrap();
    let mut command = tool("forward", folder.path(), &home.stack.page_url);
    let mut forward = Running::start(command.args(["--to", &format!("{}/base/", target.url)]));
    forward.says("from #1 on").await;
    let hook = forward.hook_url();
    let headers = [
        ("content-type", "application/octet-stream"),
        ("user-agent", "Sender/1.0 (a, b)"),
        ("x-signature", "t=1,v1=ab==, v0=\"c\""),
        ("x-twice", "1"),
        ("x-twice", "2"),
        ("x-empty", ""),
        ("cookie", "a=1; b=2"),
        ("connection", "x-gone"),
        ("te", "trailers"),
    ];
    let below = "/a%2Fb//c/;x?q=%20+&&q=1";
    send(&format!("{hook}{below}"), Method::PUT, &headers, b"\x00\xff{\"a\": 1}\r\n").await;
    assert_eq!(
        forward.line().await.split(" in ").next().unwrap(),
        "#1 PUT /a%2Fb//c/;x 12 B -> 200"
    );
    send(&hook, Method::POST, &[("content-length", "0")], b"").await;
    send(&format!("{hook}/"), Method::DELETE, &[], b"").await;
    send(&format!("{hook}?a"), Method::GET, &[], b"").await;
    for _ in 2..=4 {
        forward.line().await;
    }
    let got = target.got();
    let first = &got[0];
    assert_eq!((first.method(), first.uri().to_string()), (&Method::PUT, format!("/base{below}")));
    assert_eq!(first.body().as_ref(), b"\x00\xff{\"a\": 1}\r\n");
    let sent: Vec<_> = first
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    let local = target.url.strip_prefix("http://").unwrap();
    let mut expected = headers[..3].to_vec();
    expected.extend([
        ("x-twice", "1,2"),
        ("x-empty", ""),
        ("cookie", "a=1; b=2"),
        ("content-length", "12"),
        ("host", local),
    ]);
    let sorted = |mut pairs: Vec<(&str, &str)>| {
        pairs.sort_unstable();
        pairs.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>()
    };
    assert_eq!(sorted(sent), sorted(expected));
    let others: Vec<_> =
        got[1..].iter().map(|one| (one.method().as_str(), one.uri().to_string())).collect();
    let expected = [("POST", "/base"), ("DELETE", "/base/"), ("GET", "/base?a")];
    assert_eq!(others, expected.map(|(method, path)| (method, path.to_owned())));

    let (key, mode) = kept_key(folder.path());
    assert_eq!(mode, 0o600);
    let (status, said) = forward.interrupt().await;
    assert_eq!(status, Some(0), "{said}");
    assert!(!said.contains(key.reveal()), "the owner key is on a terminal");
    assert!(said.contains(key.share_key().reveal()) && said.ends_with("4 forwarded\n"), "{said}");
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_not_forwarded_is_named_and_decides_the_status() {
    let (home, target) = (Home::start().await, Target::start().await);
    let folder = tempfile::tempdir().unwrap();
    let mut command = tool("forward", folder.path(), &home.stack.page_url);
    let mut forward = Running::start(command.args(["--retries", "1", "--to", &target.url]));
    forward.says("from #1 on").await;
    let hook = forward.hook_url();
    target.answer_with(418);
    send(&hook, Method::POST, &[], b"refused").await;
    assert!(forward.line().await.starts_with("#1 POST / 7 B -> 418 in "));
    send(&hook, Method::POST, &[], &[b'x'; 300_000]).await;
    assert_eq!(
        forward.line().await,
        "#2 POST / 300000 B not forwarded: the log has only 16384 of its 300000 bytes"
    );
    target.answer_with(503);
    send(&hook, Method::POST, &[], b"busy at first").await;
    forward.says("#3: 503 Service Unavailable; sent again in ").await;
    target.answer_with(200);
    assert!(forward.line().await.starts_with("#3 POST / 13 B -> 200 in "));
    let url = target.url.clone();
    drop(target);
    send(&hook, Method::POST, &[], b"nobody there").await;
    let line = forward.line().await;
    assert!(
        line.starts_with("#4 POST / 12 B not forwarded: ") && line.contains("refused"),
        "{line}"
    );
    let (status, said) = forward.interrupt().await;
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("1 forwarded, 3 not: #1, #2, #4; "), "{said}");

    // Going on means going on after them; each can be asked for again.
    let mut command = tool("forward", folder.path(), &home.stack.page_url);
    let mut forward = Running::start(command.args(["--to", &url]));
    forward.says("from #5 on").await;
    assert_eq!(forward.interrupt().await.0, Some(0));
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_share_key_forwards_without_the_headers_that_it_masks() {
    let (home, target) = (Home::start().await, Target::start().await);
    let person = home.person().await;
    person.post_secret().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, person.share.reveal()).unwrap();
    let mut command = tool("forward", folder.path(), &home.stack.page_url);
    command.args(["--only", "1", "--to", &target.url, "--key-file"]).arg(&file);
    let mut forward = Running::start(&mut command);
    let line = forward.line().await;
    assert!(
        line.ends_with(" ms, without authorization, which a share key does not show"),
        "{line}"
    );
    assert_eq!(forward.end().await.0, Some(0));
    assert!(target.got()[0].headers().get("authorization").is_none());
    assert_eq!(target.got()[0].body().as_ref(), b"shared body");

    // A key on standard input, and a file in place of a log.
    let mut command = tool("export", folder.path(), &home.stack.page_url);
    let mut export = command.args(["--key-file", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = export.stdin.take().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stdin, person.owner.reveal().as_bytes())
        .await
        .unwrap();
    drop(stdin);
    let exported = export.wait_with_output().await.unwrap();
    assert!(exported.status.success());
    let delivery: Delivery = serde_json::from_slice(&exported.stdout).unwrap();
    assert_eq!(vec![delivery.clone()], person.log("").await.deliveries);
    let saved = serde_json::json!({ "format": "webhook-tutorial/log", "deliveries": [delivery] });
    for text in [exported.stdout.clone(), saved.to_string().into_bytes()] {
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new(program("webhook-tutorial"));
        command.args(["forward", "--to", &target.url, "--from-file"]).arg(&file);
        let output = command.output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let got = target.got();
    assert_eq!(got.len(), 3);
    assert_eq!(got[2].headers()["authorization"], "Bearer planted-secret");
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_data_folder_is_exported_as_its_home_would() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut command = Command::new(program("webhook-tutorial"));
    let started = Started::by(command.args(flags_of_home(data.path()))).await;
    let page_url = started.after("Webhook tutorial").to_owned();
    let person = started.person();
    person.create().await;
    person.post("application/octet-stream", &b"\x00\xff"[..]).await;
    person.post_secret().await;
    let files = [person.owner.reveal(), person.share.reveal()].map(|key| {
        let file = folder.path().join(&key[..4]);
        std::fs::write(&file, key).unwrap();
        file
    });
    let export = async |file: &Path, data: Option<&Path>| {
        let mut command = tool("export", folder.path(), &page_url);
        command.arg("--key-file").arg(file);
        if let Some(data) = data {
            command.arg("--data").arg(data);
        }
        let output = command.output().await.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), said)
    };
    let mut by_home = Vec::new();
    for file in &files {
        by_home.push(export(file, None).await.1);
    }
    assert_eq!(by_home[0].lines().count(), 2);
    assert!(by_home[0].contains("planted-secret") && !by_home[1].contains("planted-secret"));
    let (status, _, said) = export(&files[0], Some(data.path())).await;
    assert!(status == Some(1) && said.contains("in use by another instance"), "{said}");
    assert_eq!(started.terminate().await.0, Some(0));
    for (file, expected) in files.iter().zip(by_home) {
        let (status, printed, said) = export(file, Some(data.path())).await;
        assert_eq!((status, said.as_str()), (Some(0), ""));
        assert_eq!(printed, expected);
    }
    let (status, _, said) = export(&files[0], Some(folder.path())).await;
    assert!(status == Some(1) && said.contains("has no file log.db"), "{said}");
    // Without a key of its own for this home, none is made.
    let mut command = tool("export", folder.path(), &page_url);
    let output = command.arg("--data").arg(data.path()).output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("use --key-file"), "{said}");
    assert!(!folder.path().join("webhook-tutorial").exists());
}

/// A number from the environment, for longer runs by hand.
#[allow(clippy::disallowed_methods, reason = "a person who wants more of it says so there")]
fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Waits until so many are forwarded, for as long as there is another one within the deadline.
async fn until_forwarded(target: &Target, count: usize) {
    loop {
        let before = target.got().len();
        if before >= count {
            return;
        }
        eventually("another one is forwarded", || async {
            (target.got().len() > before).then_some(())
        })
        .await;
    }
}

/// `FORWARD_WEBHOOKS=10000 FORWARD_KILLS=10 cargo test -p tests forward_skips_nothing` is the long run.
#[tokio::test(flavor = "multi_thread")]
async fn forward_skips_nothing_when_it_or_the_home_is_killed() {
    let (webhooks, kills) = (number("FORWARD_WEBHOOKS", 60), number("FORWARD_KILLS", 3));
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // The home comes back at the same address.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut flags = flags_of_home(data.path());
    flags.extend(["--port".to_owned(), port.to_string()]);
    let mut home = Process::new(program("webhook-tutorial"), flags);
    home.start().await.unwrap();
    let page_url = format!("http://127.0.0.1:{port}");
    let target = Target::start().await;
    let start = || async {
        let mut command = tool("forward", folder.path(), &page_url);
        let mut forward =
            Running::start(command.args(["--to", &target.url, "-v"]).stdout(Stdio::null()));
        forward.says(" on\n").await;
        forward
    };
    let mut forward = start().await;
    let (key, _) = kept_key(folder.path());
    let person = Person::of(key, &page_url, &Client::default());
    let sender = {
        let person = person.clone();
        tokio::spawn(async move {
            for number in 1..=webhooks {
                // Not acknowledged means not received: it is sent until it is.
                eventually("a webhook is acknowledged", || async {
                    let request = Request::post(person.hook_url()).body(number.to_string().into());
                    let response = person.client.send(request.unwrap()).await.ok()?;
                    response.status().is_success().then_some(())
                })
                .await;
            }
        })
    };
    let mut most_kib = 0;
    for kill in 1..=kills {
        let enough = webhooks * kill / (kills + 1);
        until_forwarded(&target, enough).await;
        most_kib = most_kib.max(peak_kib(forward.child.id().unwrap()));
        forward.child.kill().await.unwrap();
        if kill == kills / 2 + 1 {
            home.kill().await;
            home.start().await.unwrap();
            forward = start().await;
            // And once under its eyes.
            home.kill().await;
            forward.says("trying again").await;
            home.start().await.unwrap();
        } else {
            forward = start().await;
        }
    }
    sender.await.unwrap();
    until_forwarded(&target, webhooks).await;
    eventually("the last one is forwarded", || async {
        (target.got().last()?.body().as_ref() == webhooks.to_string().as_bytes()).then_some(())
    })
    .await;
    most_kib = most_kib.max(peak_kib(forward.child.id().unwrap()));
    let (status, said) = forward.interrupt().await;
    assert_eq!(status, Some(0), "{said}");
    // At least once, in order: what is sent again is only the one that was under way.
    let mut got: Vec<String> = target
        .got()
        .iter()
        .map(|request| String::from_utf8(request.body().to_vec()).unwrap())
        .collect();
    let sent_again =
        got.len().saturating_sub(usize::try_from(person.log("last=1").await.last_seq).unwrap());
    got.dedup();
    assert_eq!(got, (1..=webhooks).map(|number| number.to_string()).collect::<Vec<_>>());
    assert!(sent_again <= kills, "{sent_again}");
    println!("{webhooks} webhooks, {kills} kills, {sent_again} sent again, at most {most_kib} KiB");
    home.kill().await;
}

/// The most memory that a process had, where the system says so.
fn peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn the_status_of_wait_is_the_assertion() {
    let home = Home::start().await;
    let folder = tempfile::tempdir().unwrap();
    // The key is made by the first tool; the others use it.
    let mut command = tool("tail", folder.path(), &home.stack.page_url);
    let mut tail = Running::start(command.arg("--json"));
    tail.says("for readers)\n").await;
    let hook = tail.hook_url();
    let curl = format!(
        "curl -s -d x {hook}/orders && curl -s -X PUT -d x {hook}/orders && curl -s -d x {hook}/other"
    );
    let wait = |arguments: &'static [&'static str]| {
        let mut command = tool("wait", folder.path(), &home.stack.page_url);
        command.args(arguments).args(["--", "sh", "-c", &curl]);
        async move {
            let output = command.output().await.unwrap();
            (output.status.code(), String::from_utf8(output.stderr).unwrap())
        }
    };
    for (arguments, expected) in [
        (&["--path", "/orders"][..], 0),
        (&["--path", "/orders", "--method", "put", "--within", "1s"], 0),
        (&["--path", "/orders", "--count", "2", "--exactly", "--within", "1s"], 0),
        (&["--path", "/orders", "--count", "3", "--within", "1s"], 1),
        (&["--path", "/orders", "--count", "1", "--exactly", "--within", "30s"], 1),
        (&["--path", "/order", "--count", "0", "--exactly", "--within", "1s"], 0),
    ] {
        let (status, said) = wait(arguments).await;
        assert_eq!(status, Some(expected), "{arguments:?} {said}");
        assert_eq!(said.contains(" webhooks arrived within "), expected == 1, "{said}");
    }
    let mut command = tool("wait", folder.path(), &home.stack.page_url);
    let failed = command.args(["--", "sh", "-c", "exit 7"]).output().await.unwrap();
    assert_eq!(failed.status.code(), Some(7));

    // All of it was on the tail, in order.
    for seq in 1..=18 {
        let delivery: Delivery = serde_json::from_str(&tail.line().await).unwrap();
        assert_eq!(delivery.seq, seq);
    }
    assert_eq!(tail.interrupt().await.0, Some(0));
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn the_tools_say_what_is_wrong_and_what_to_do() {
    let home = Home::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, "own_planted").unwrap();
    let nobody = Person::new(&home.stack.page_url, &home.client);
    let other = folder.path().join("other");
    std::fs::write(&other, nobody.owner.reveal()).unwrap();
    for (url, key_file, says) in [
        (home.stack.page_url.as_str(), Some(&file), "has no key; it has to hold"),
        (&home.stack.page_url, Some(&other), "404 Not Found"),
        ("http://10.0.0.1:8787", None, "the key would cross the network in clear text"),
        ("http://127.0.0.1:9", None, "does not answer"),
    ] {
        let mut command = tool("tail", folder.path(), url);
        if let Some(file) = key_file {
            command.arg("--key-file").arg(file);
        }
        let output = command.output().await.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(says) && said.lines().count() == 1, "{said}");
        assert!(!said.contains("planted") && !said.contains(nobody.owner.reveal()), "{said}");
    }
    home.stack.stop().await.unwrap();
}

/// A webhook that a sender's own library signed.
#[derive(serde::Deserialize)]
struct Signed {
    path: String,
    headers: std::collections::BTreeMap<String, String>,
    body: String,
}

#[tokio::test]
async fn what_is_forwarded_still_has_a_valid_signature() {
    let home = Home::start().await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("../target/venv-tests/bin/python");
    for (program, script) in [(Path::new("node"), "github.mjs"), (&python, "others.py")] {
        let folder = tempfile::tempdir().unwrap();
        let script = root.join("judges").join(script);
        let mut verifier = Command::new(program)
            .arg(script)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(verifier.stdout.take().unwrap()).lines();
        let signed: Vec<Signed> =
            serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
        let port = lines.next_line().await.unwrap().unwrap();
        let mut command = tool("forward", folder.path(), &home.stack.page_url);
        let mut forward =
            Running::start(command.args(["--to", &format!("http://127.0.0.1:{port}")]));
        forward.says("from #1 on").await;
        for Signed { path, headers, body } in signed {
            let url = format!("{}{path}", forward.hook_url());
            let send = async |body: String| {
                let mut request = Request::post(&url);
                for (name, value) in &headers {
                    request = request.header(name, value);
                }
                Client::default().send(request.body(body.into()).unwrap()).await.unwrap();
            };
            send(body.clone()).await;
            let line = forward.line().await;
            assert!(line.contains(" -> 20"), "{line}");
            // That was the signature's doing.
            send(format!("{body} ")).await;
            let line = forward.line().await;
            assert!(line.contains(" -> 40"), "{line}");
        }
        assert_eq!(forward.interrupt().await.0, Some(1));
    }
    home.stack.stop().await.unwrap();
}
