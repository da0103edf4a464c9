//! A home on every address of its machine, as in a container: what it refuses, and its health check.

use std::net::SocketAddr;

use http::Method;
use serde_json::{Value, json};
use tests::{
    DEADLINE,
    client::{json, raw},
    eventually, flags_of_home, program,
    started::Started,
};
use tokio::{process::Command, time::timeout};

const LISTEN: [&str; 2] = ["--listen", "0.0.0.0"];

/// How the program ends, and what standard error has.
async fn ended(arguments: &[String]) -> (Option<i32>, String) {
    let mut command = Command::new(program("webhook-tutorial"));
    let output = command.args(arguments).kill_on_drop(true).output();
    let output = timeout(DEADLINE, output).await.expect("it ends").unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

async fn status(port: u16, path: &str, host: &str) -> u16 {
    // On Linux the machine has the second address too; a home listens there only if it is told to.
    let last = if cfg!(target_os = "linux") { 2 } else { 1 };
    let elsewhere = SocketAddr::from(([127, 0, 0, last], port));
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    raw(elsewhere, request.as_bytes()).await.unwrap().status
}

#[tokio::test]
async fn no_device_is_started_where_others_could_flash_it() {
    let data = tempfile::tempdir().unwrap();
    let mut flags = flags_of_home(data.path());
    flags.retain(|flag| flag != "--no-device");
    flags.extend(LISTEN.map(str::to_owned));
    let (status, said) = ended(&flags).await;
    assert_eq!((status, said.lines().count()), (Some(1), 1), "{said}");
    assert!(said.contains("add --no-device"), "{said}");
    assert!(!data.path().join("log.db").exists());
}

#[tokio::test]
async fn a_home_that_others_can_reach_answers_to_its_own_name_only() {
    let data = tempfile::tempdir().unwrap();
    let mut command = Command::new(program("webhook-tutorial"));
    command.args(flags_of_home(data.path())).args(LISTEN);
    command.args(["--public-url", "https://hooks.example", "--hook-port", "0"]);
    let started = Started::by(&mut command).await;
    let port = |text: &str| text.rsplit_once(':').unwrap().1.parse::<u16>().unwrap();
    let page = port(started.after("Webhook tutorial"));
    let account = started.account().await;
    let cloud = port(&account.api);
    let warning = started.after("Listening on 0.0.0.0:");
    assert!(warning.contains(&format!("port {page} or {cloud} ")), "{warning}");
    for (port, path) in
        [(page, "/config.json"), (page, "/api/health"), (cloud, "/v1/build_targets")]
    {
        for (host, expected) in
            [("127.0.0.1", 200), ("127.0.0.2", 421), ("10.0.0.5", 421), ("evil.example", 421)]
        {
            assert_eq!(status(port, path, &format!("{host}:{port}")).await, expected, "{host}");
        }
    }
    let tunnel = port(started.after("For the tunnel").split(',').next().unwrap());
    assert_eq!(status(tunnel, "/hook/x", "hooks.example").await, 404);
    assert_eq!(status(tunnel, "/config.json", &format!("127.0.0.1:{page}")).await, 404);

    // The account is open to those who can connect, so it leads to no program of this machine and to no device.
    let person = started.person();
    person.create().await;
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let other = format!("http://{}", other.local_addr().unwrap());
    for (event, url) in [("engine", &other), ("home", &person.hook_url())] {
        let hook = json!({ "event": event, "url": url });
        account.ask(Method::POST, "/v1/integrations", hook).await;
        account.publish(event, "x").await;
    }
    eventually("the webhook is in the log", async || {
        (person.log("").await.last_seq == 1).then_some(())
    })
    .await;
    let failed = eventually("the other webhook has failed", async || {
        let hooks = account.hooks().await;
        let hook = hooks.iter().find(|hook| hook["event"] == "engine")?;
        let path = format!("/v1/integrations/{}", hook["id"].as_str()?);
        let hook = account.ask(Method::GET, &path, Value::Null).await.to_string();
        hook.contains("other computers can reach").then_some(hook)
    })
    .await;
    assert!(failed.contains(&format!("to port {page} only")), "{failed}");
    let link = account.call(Method::GET, "/simulated/devices/link", Value::Null).await;
    assert_eq!(json(&link)["error"], "no_links");
    let (status, said) = started.terminate().await;
    assert_eq!(status, Some(0), "{said}");
}

#[tokio::test]
async fn health_is_the_exit_status() {
    let data = tempfile::tempdir().unwrap();
    let mut command = Command::new(program("webhook-tutorial"));
    let started = Started::by(command.args(flags_of_home(data.path()))).await;
    let page = started.after("Webhook tutorial").to_owned();
    let health = |home: &str| ["health", "--home", home].map(str::to_owned);
    assert_eq!(ended(&health(&page)).await, (Some(0), String::new()));
    let (status, said) = ended(&health(&format!("{page}/elsewhere"))).await;
    assert!(status == Some(1) && said.contains("404"), "{said}");
    started.terminate().await;
    let (status, said) = ended(&health(&page)).await;
    assert!(status == Some(1) && said.contains("does not answer"), "{said}");
}
