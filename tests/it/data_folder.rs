//! A data folder that can't be used, or not any more: a line that a person can act on, and nothing destroyed.

use std::{
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::Path,
    process::{Output, Stdio},
    sync::Arc,
};

use delivery::{key::OwnerKey, millis::Millis};
use http::{Method, StatusCode};
use local::engine::Engine;
use tests::{
    client::{Client, header, json},
    eventually,
    faults::process::Process,
    flags_of_home,
    home::{Home, Person},
    on_a_small_disk, program,
};
use tokio::process::Command;

use tests::started::Started;

/// What the program says when it can't start.
async fn refusal(data: &Path) -> String {
    said(Command::new(program("webhook-tutorial")).args(flags_of_home(data))).await
}

/// The one line with which a program that can't start ends.
async fn said(command: &mut Command) -> String {
    let ended = command.stdout(Stdio::null()).kill_on_drop(true).output();
    let ended = tokio::time::timeout(tests::DEADLINE, ended).await;
    let Output { status, stderr, .. } = ended.expect("it ends").expect("it starts");
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("error: "), "{said}");
    said
}

/// The program as somebody who may not write what is not writable, to whom the folder is given. Root may write everything.
fn as_somebody_else(data: &Path) -> Command {
    if rustix::process::geteuid().is_root() {
        give(data);
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command.arg(program("webhook-tutorial")).args(flags_of_home(data));
        return command;
    }
    let mut command = Command::new(program("webhook-tutorial"));
    command.args(flags_of_home(data));
    command
}

/// Gives a folder with all that is in it to another user.
fn give(folder: &Path) {
    chown(folder, Some(65534), Some(65534)).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => give(&path),
            false => chown(path, Some(65534), Some(65534)).unwrap(),
        }
    }
}

#[tokio::test]
async fn a_table_without_its_time_to_live_gets_it() {
    let data = tempfile::tempdir().unwrap();
    let engine = Engine::start(data.path()).await.unwrap();
    let call = async |operation: &str, body: serde_json::Value| {
        let request = http::Request::post(&engine.url)
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .body(body.to_string().into())
            .unwrap();
        let answer = Client::default().send(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{operation}: {answer:?}");
        json(&answer)
    };
    // What is there if the program is killed between its two calls.
    let [(hash, ..), (range, ..)] = store::table::KEYS;
    let made = serde_json::json!({
        "TableName": "half",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{ "AttributeName": hash, "AttributeType": "S" }, { "AttributeName": range, "AttributeType": "N" }],
        "KeySchema": [{ "AttributeName": hash, "KeyType": "HASH" }, { "AttributeName": range, "KeyType": "RANGE" }],
    });
    call("CreateTable", made).await;
    store::table::create_if_absent(&engine.store("half")).await.unwrap();
    let described = call("DescribeTimeToLive", serde_json::json!({ "TableName": "half" })).await;
    let described = &described["TimeToLiveDescription"];
    assert_eq!(described["TimeToLiveStatus"], "ENABLED");
    assert_eq!(described["AttributeName"], store::table::TTL_ATTRIBUTE);
    engine.stop().await;
}

/// A folder that was in use, with a log of these bodies.
async fn used(bodies: &[&str]) -> (tempfile::TempDir, Person) {
    let data = tempfile::tempdir().unwrap();
    let mut local = Process::new(program("webhook-tutorial"), flags_of_home(data.path()));
    let person = started(&mut local).await;
    person.create().await;
    for body in bodies {
        let answer = person.post("text/plain", (*body).to_owned()).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
    local.kill().await;
    (data, person)
}

/// A person on a program that is up.
async fn started(local: &mut Process) -> Person {
    local.start().await.unwrap();
    let page = local.page().borrow().clone().unwrap();
    Person::new(&page, &Client::default())
}

/// The bodies that a log shows, once it shows so many.
async fn bodies(person: &Person, count: usize) -> Vec<String> {
    eventually("the log is there", || async {
        let pages = person.whole_log().await;
        let all = pages.iter().flat_map(|page| &page.deliveries);
        let bodies: Vec<_> =
            all.filter_map(|delivery| delivery.request.body.text().map(str::to_owned)).collect();
        (bodies.len() >= count).then_some(bodies)
    })
    .await
}

#[tokio::test]
async fn a_full_disk_gives_503_and_loses_nothing_acknowledged() {
    let data = tempfile::tempdir().unwrap();
    let (shell, args) =
        on_a_small_disk(1200, &program("webhook-tutorial"), flags_of_home(data.path()));
    let mut local = Process::new(shell, args);
    let person = started(&mut local).await;
    person.create().await;
    let mut acknowledged = Vec::new();
    let refused = loop {
        let body = format!("{} {}", acknowledged.len(), "x".repeat(20_000));
        let answer = person.post("text/plain", body.clone()).await;
        if answer.status() != StatusCode::OK {
            break answer;
        }
        acknowledged.push(body);
        assert!(acknowledged.len() < 1000, "the disk is never full");
    };
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(!header(refused.headers(), "retry-after").is_empty());
    let detail = json(&refused)["detail"].to_string();
    assert!(detail.contains("the disk with the data folder is full"), "{detail}");
    assert!(acknowledged.len() > 3, "{}", acknowledged.len());
    local.kill().await;

    // With room again all is well, and nothing of it is lost.
    let mut local = Process::new(program("webhook-tutorial"), flags_of_home(data.path()));
    let again = started(&mut local).await;
    let person = Person { page_url: again.page_url, ..person };
    let kept = bodies(&person, acknowledged.len()).await;
    for body in &acknowledged {
        assert!(kept.contains(body), "{:.20} is lost", body);
    }
    let more = person.post("text/plain", "there is room").await;
    assert_eq!(more.status(), StatusCode::OK);
    local.kill().await;

    let (shell, args) = on_a_small_disk(
        1,
        &program("webhook-tutorial"),
        flags_of_home(tempfile::tempdir().unwrap().path()),
    );
    let line = said(Command::new(shell).args(args)).await;
    assert!(line.contains("log.db") && line.contains("room"), "{line}");
}

/// `earlier/log.db` was written before items were made smaller: a text, bytes, a body over the limit and a counted reply.
#[tokio::test]
async fn a_data_folder_of_an_earlier_version_is_read() {
    let now = Millis::from_rfc3339("2121-12-22T07:00:00Z").unwrap();
    let home = Home::start_with(|config| {
        let earlier = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/earlier/log.db");
        std::fs::create_dir(&config.data).unwrap();
        std::fs::copy(earlier, config.data.join("log.db")).unwrap();
        config.clock = Arc::new(move || now);
    })
    .await;
    let owner = OwnerKey::from_bytes(&std::array::from_fn(|at| u8::try_from(at).unwrap()));
    let person = Person::of(owner, &home.stack.page_url, &home.client);
    let page = person.log("").await;
    let [text, bytes, cut, counted] = &page.deliveries[..] else {
        panic!("{page:?}");
    };
    let on_the_way =
        ["x-forwarded-for", "x-forwarded-port", "x-forwarded-proto", "x-amzn-trace-id"];
    assert_eq!(text.request.added, on_the_way);
    assert_eq!(text.request.body.text(), Some(r#"{"event":"a","data":"{\"id\":7}"}"#));
    assert_eq!(text.response.body, r#"{"ok":true,"id":7}"#);
    assert_eq!(bytes.request.body, delivery::body::Body::whole(vec![0xff, 0, 0xfe]));
    assert_eq!((cut.request.body.size, cut.response.status), (300_000, 413));
    assert!(cut.request.body.truncated());
    assert_eq!(counted.response.reply_use.map(|used| (used.n, used.of)), Some((1, 2)));
    // And it goes on.
    let next = person.post("text/plain", "later").await;
    assert_eq!(next.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(person.log("last=1").await.deliveries[0].seq, 5);
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn the_data_folder_is_readable_by_its_user_only() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("of/the/log");
    let engine = Engine::start(&folder).await.unwrap();
    assert!(folder.join("log.db").exists());
    let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    engine.stop().await;
}

#[tokio::test]
async fn an_unwritable_folder_or_file_is_reported_at_the_start() {
    let (data, _) = used(&["kept"]).await;
    let folder = data.path();
    let log = folder.join("log.db");
    let mode = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let before = std::fs::read(&log).unwrap();

    mode(folder, 0o555);
    for file in ["lock", "log.db", "log.db-wal", "log.db-shm"] {
        let _ = std::fs::set_permissions(folder.join(file), std::fs::Permissions::from_mode(0o444));
    }
    let line = said(&mut as_somebody_else(folder)).await;
    assert!(
        line.contains("can't be written") && line.contains(&folder.display().to_string()),
        "{line}"
    );

    // The folder may be written, and the log in it may not.
    mode(folder, 0o777);
    mode(&folder.join("lock"), 0o666);
    let line = said(&mut as_somebody_else(folder)).await;
    assert!(line.contains("log.db") && line.contains("whether you may write it"), "{line}");

    // The log may, and what the simulated cloud keeps may not even be read.
    for file in ["log.db", "log.db-wal", "log.db-shm"] {
        let _ = std::fs::set_permissions(folder.join(file), std::fs::Permissions::from_mode(0o666));
    }
    mode(&folder.join("particle"), 0o755);
    mode(&folder.join("particle/particle.json"), 0o000);
    let line = said(&mut as_somebody_else(folder)).await;
    assert!(line.contains("particle.json"), "{line}");
    // Readable, and its folder not writable: its next change could not be kept.
    mode(&folder.join("particle/particle.json"), 0o644);
    mode(&folder.join("particle"), 0o555);
    let line = said(&mut as_somebody_else(folder)).await;
    assert!(line.contains("cannot write"), "{line}");
    mode(&folder.join("particle"), 0o755);
    assert!(!before.is_empty() && log.exists());
}

#[tokio::test]
async fn a_file_of_another_version_or_a_damaged_one_is_untouched() {
    let (data, person) = used(&["one", "two"]).await;
    let folder = data.path();
    let log = folder.join("log.db");
    let sql = async |statement: &str| {
        let script = "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit(); c.close()";
        let done = Command::new("python3")
            .args(["-c", script, log.to_str().unwrap(), statement])
            .status()
            .await
            .unwrap();
        assert!(done.success());
    };
    // Written by a later engine.
    sql("UPDATE _config SET value = '999' WHERE key = 'schema_version'").await;
    let later = std::fs::read(&log).unwrap();
    let line = refusal(folder).await;
    assert!(line.contains("newer version"), "{line}");
    assert_eq!(std::fs::read(&log).unwrap(), later, "it was touched");
    // Written by an earlier one, from before it wrote its version.
    sql("DELETE FROM _config WHERE key = 'schema_version'").await;
    let mut local = Process::new(program("webhook-tutorial"), flags_of_home(folder));
    let again = started(&mut local).await;
    let person = Person { page_url: again.page_url, ..person };
    assert_eq!(bodies(&person, 2).await, ["one", "two"]);
    local.kill().await;

    // The simulated cloud's file.
    let state = folder.join("particle/particle.json");
    let good = std::fs::read_to_string(&state).unwrap();
    for bad in [
        good.replace("\"form\": 1", "\"form\": 2"),
        good.replace("\"form\": 1", "\"form\": 0"),
        good[..good.len() / 2].to_owned(),
        "\0".repeat(300),
        String::new(),
    ] {
        std::fs::write(&state, &bad).unwrap();
        let line = refusal(folder).await;
        assert!(
            line.contains("particle.json") && line.contains("move it away to start afresh"),
            "{line}"
        );
        assert_eq!(std::fs::read_to_string(&state).unwrap(), bad);
    }
    std::fs::write(&state, &good).unwrap();

    // The log's file, broken in its middle and cut off.
    sql("PRAGMA wal_checkpoint(TRUNCATE)").await;
    let whole = std::fs::read(&log).unwrap();
    let mut holed = whole.clone();
    holed[4096..12_288].fill(0xa5);
    for bad in [holed, whole[..5000].to_vec()] {
        std::fs::write(&log, &bad).unwrap();
        let line = refusal(folder).await;
        assert!(line.contains("log.db") && line.contains("left as it is"), "{line}");
        assert!(std::fs::read(&log).unwrap() == bad, "it was touched");
    }
    // As it was, it is read as it was.
    std::fs::write(&log, &whole).unwrap();
    let mut local = Process::new(program("webhook-tutorial"), flags_of_home(folder));
    let again = started(&mut local).await;
    let person = Person { page_url: again.page_url, ..person };
    assert_eq!(bodies(&person, 2).await, ["one", "two"]);
    local.kill().await;
}

/// Two logs in one database, of which the pages with the second one are overwritten.
#[tokio::test]
async fn a_damaged_log_is_reported_and_what_is_intact_is_read() {
    let data = tempfile::tempdir().unwrap();
    let mut local = Process::new(program("webhook-tutorial"), flags_of_home(data.path()));
    let intact = started(&mut local).await;
    let damaged = Person::new(&intact.page_url, &Client::default());
    for (person, text) in [(&intact, "intact"), (&damaged, "damaged")] {
        person.create().await;
        for number in 0..30 {
            let body = format!("{text} {number} {}", "x".repeat(1000));
            assert_eq!(person.post("text/plain", body).await.status(), StatusCode::OK);
        }
    }
    local.kill().await;
    let log = data.path().join("log.db");
    let script = "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute('PRAGMA wal_checkpoint(TRUNCATE)'); c.close()";
    let checkpoint = Command::new("python3").args(["-c", script]).arg(&log).status();
    assert!(checkpoint.await.unwrap().success());
    let mut bytes = std::fs::read(&log).unwrap();
    for page in bytes.chunks_mut(4096).skip(1) {
        let is_of = |text: &[u8]| page.windows(text.len()).any(|part| part == text);
        if is_of(b"damaged ") && !is_of(b"intact ") {
            page[..20].fill(0xa5);
        }
    }
    std::fs::write(&log, bytes).unwrap();

    let mut command = Command::new(program("webhook-tutorial"));
    let again = Started::by(command.args(flags_of_home(data.path()))).await;
    let page_url = again.after("Webhook tutorial").to_owned();
    let at = |person: Person| Person { page_url: page_url.clone(), ..person };
    let (intact, damaged) = (at(intact), at(damaged));
    let kept = bodies(&intact, 30).await;
    assert!(kept.iter().all(|body| body.starts_with("intact ")));
    let refusals = [
        damaged.call(Method::GET, "/api/log", "").await,
        intact.post("text/plain", "x").await,
        intact.call(Method::DELETE, "/api/log", "").await,
    ];
    for refused in refusals {
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        let detail = json(&refused)["detail"].to_string();
        assert!(detail.contains("the log's database is damaged"), "{detail}");
    }
    assert_eq!(bodies(&intact, 30).await, kept, "nothing is written to it");
    let (status, said) = again.terminate().await;
    assert_eq!(status, Some(0));
    let lines: Vec<_> = said.lines().collect();
    assert!(lines[0].contains("log.db: the log's database is damaged"), "{said}");
    assert!(lines.len() <= 2, "{said}");

    // As the README says.
    let recover = "sqlite3 log.db .dump | sed 's/^ROLLBACK.*/COMMIT;/' | sqlite3 intact.db && mv intact.db log.db && rm -f log.db-wal log.db-shm";
    let recover = Command::new("sh").args(["-c", recover]).current_dir(data.path()).status();
    assert!(recover.await.unwrap().success(), "sqlite3 is needed");
    let again = started(&mut local).await;
    let intact = Person { page_url: again.page_url, ..intact };
    assert_eq!(bodies(&intact, 30).await, kept);
    let sent = intact.post("text/plain", "recovered").await;
    assert_eq!(sent.status(), StatusCode::OK);
    local.kill().await;
}

#[tokio::test]
async fn links_pipes_and_files_of_others_are_refused() {
    let elsewhere = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(elsewhere.path(), "kept").unwrap();
    for name in [
        "lock",
        "log.db",
        "log.db-wal",
        "particle/particle.json",
        "particle/particle.json.new",
        "device/id",
    ] {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let made = Command::new("mkfifo").arg(&path).status().await.unwrap();
        assert!(made.success());
        let line = refusal(data.path()).await;
        assert!(line.contains(name) && line.contains("no regular file"), "{line}");
        std::fs::remove_file(&path).unwrap();
        symlink(elsewhere.path(), &path).unwrap();
        let line = refusal(data.path()).await;
        assert!(line.contains(name) && line.contains("no regular file"), "{line}");
        if rustix::process::geteuid().is_root() {
            std::fs::remove_file(&path).unwrap();
            std::fs::write(&path, "").unwrap();
            chown(&path, Some(65534), Some(65534)).unwrap();
            let line = refusal(data.path()).await;
            assert!(line.contains(name) && line.contains("another user"), "{line}");
        }
    }
    assert_eq!(std::fs::read_to_string(elsewhere.path()).unwrap(), "kept");
}

#[tokio::test]
async fn a_folder_of_another_user_is_refused() {
    let data = tempfile::tempdir().unwrap();
    // Root can give its folder away. To anybody else, the system's own belongs to another user.
    let folder = match rustix::process::geteuid().is_root() {
        true => data.path(),
        false => Path::new("/"),
    };
    if folder == data.path() {
        chown(folder, Some(65534), Some(65534)).unwrap();
    }
    let line = refusal(folder).await;
    let reason = format!(": {} belongs to another user", folder.display());
    assert!(line.contains(&reason), "{line}");
}

/// `--dynamodb-url`, with moto as the other engine.
#[tokio::test]
async fn another_engine_keeps_the_log_and_the_folder_does_not() {
    let moto = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/venv/bin/moto_server");
    assert!(moto.exists(), "moto is missing; infra/aws/venv installs it");
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let _moto = Command::new(moto)
        .args(["-H", "127.0.0.1", "-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    eventually("moto listens", || async {
        let connected = tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
        connected.ok().map(drop)
    })
    .await;
    let data = tempfile::tempdir().unwrap();
    let mut flags = flags_of_home(data.path());
    flags.extend(["--dynamodb-url".to_owned(), format!("http://127.0.0.1:{port}")]);
    let mut local = Process::new(program("webhook-tutorial"), flags);
    let person = started(&mut local).await;
    person.create().await;
    let sent = person.post("text/plain", "elsewhere").await;
    assert_eq!(sent.status(), StatusCode::OK);
    assert_eq!(bodies(&person, 1).await, ["elsewhere"]);
    assert!(!data.path().join("log.db").exists());
    local.kill().await;
}

#[tokio::test]
async fn the_simulated_cloud_refuses_a_change_it_cannot_store() {
    let home = tests::home::Home::start().await;
    let account = tests::account::Account::of(&home).await;
    // Where its next file would be written there is a folder, which even root can't write as a file.
    let draft = home.data.path().join("data/particle/particle.json.new");
    std::fs::create_dir(&draft).unwrap();
    let hook = serde_json::json!({"integration_type": "Webhook", "event": "x", "url": "http://127.0.0.1:1/", "requestType": "POST", "noDefaults": true});
    let made = account.call(Method::POST, "/v1/integrations", hook).await;
    assert!(made.status().is_server_error(), "{made:?}");
    let text = json(&made).to_string();
    assert!(!text.contains(&home.data.path().display().to_string()), "{text}");
    std::fs::remove_dir(&draft).unwrap();
    account.publish("after", "all is well").await;
    home.stack.stop().await.unwrap();
}
