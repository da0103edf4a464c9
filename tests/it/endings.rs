//! Killed, cut off, hung: what was acknowledged is there.

use std::{process::Stdio, time::Duration};

use http::{Method, StatusCode};
use local::engine::Engine;
use tests::{
    client::{Client, header},
    eventually, flags_of_local,
    home::{Home, Person},
    program,
    proxy::{Mood, Proxy},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// The real program, on ports of the system's choice.
async fn run(data: &std::path::Path) -> (Child, String) {
    let mut child = Command::new(program("local"))
        .args(flags_of_local(data))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let page_url = loop {
        let line = lines
            .next_line()
            .await
            .unwrap()
            .expect("the program says where the page is");
        if let Some((_, url)) = line.split_once("http://127.0.0.1:") {
            break format!("http://127.0.0.1:{}", url.trim());
        }
    };
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, page_url)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_kill_9_in_a_burst_every_acknowledged_delivery_is_there() {
    let data = tempfile::tempdir().unwrap();
    let (mut child, page_url) = run(data.path()).await;
    let person = Person::new(&page_url, &Client::default());
    person.create().await;
    let senders: Vec<_> = (0..8)
        .map(|sender| {
            let person = person.clone();
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                for n in 0.. {
                    let body = format!("{sender}/{n}");
                    let request = http::Request::post(person.hook_url())
                        .body(body.clone().into())
                        .unwrap();
                    match Client::default().send(request).await {
                        Ok(response) if response.status() == StatusCode::OK => {
                            acknowledged.push(body)
                        }
                        _ => return acknowledged,
                    }
                }
                acknowledged
            })
        })
        .collect();
    eventually("the burst is under way", || async {
        (person.log("last=1").await.last_seq > 200).then_some(())
    })
    .await;
    child.kill().await.unwrap();
    let mut acknowledged = Vec::new();
    for sender in senders {
        acknowledged.extend(sender.await.unwrap());
    }

    let (_child, page_url) = run(data.path()).await;
    let person = Person { page_url, ..person };
    // A number that was given and never used is missing for good, but only 10 s later; what was acknowledged is not
    // behind such a hole for longer.
    let kept = eventually("every acknowledged delivery is shown", || async {
        let pages = person.whole_log().await;
        let kept: Vec<_> = pages
            .iter()
            .flat_map(|page| &page.deliveries)
            .map(|delivery| delivery.request.body.text().unwrap().to_owned())
            .collect();
        acknowledged
            .iter()
            .all(|body| kept.contains(body))
            .then_some(kept)
    })
    .await;
    assert!(kept.len() >= acknowledged.len() && acknowledged.len() > 100);
}

#[tokio::test]
async fn when_the_data_is_out_of_reach_the_sender_gets_503_in_time_and_nothing_acknowledged_is_lost()
 {
    let data = tempfile::tempdir().unwrap();
    let engine = Engine::start(data.path()).await.unwrap();
    let proxy = Proxy::before(&engine.url).await;
    let home = Home::start_at(&proxy.url).await;
    let person = home.person().await;
    assert_eq!(
        person.post("text/plain", "one").await.status(),
        StatusCode::OK
    );
    let cursor = person.log("").await.cursor;
    for mood in [Mood::Gone, Mood::Hung] {
        proxy.set(mood);
        // The contract's ten seconds, and half of that again for a machine that is busy.
        let response = timeout(Duration::from_secs(15), person.post("text/plain", "lost"))
            .await
            .expect("an answer");
        assert_eq!(
            response.status(),
            StatusCode::SERVICE_UNAVAILABLE,
            "{mood:?}"
        );
        assert!(!header(response.headers(), "retry-after").is_empty());
        let log = person
            .call(Method::GET, &format!("/api/log?after={cursor}"), "")
            .await;
        assert_eq!(log.status(), StatusCode::SERVICE_UNAVAILABLE, "{mood:?}");
        proxy.set(Mood::Well);
    }
    eventually("the receiver takes webhooks again", || async {
        (person.post("text/plain", "two").await.status() == StatusCode::OK).then_some(())
    })
    .await;
    let bodies = eventually("the log has what was acknowledged", || async {
        let pages = person.whole_log().await;
        let all: Vec<_> = pages
            .iter()
            .flat_map(|page| &page.deliveries)
            .filter_map(|d| d.request.body.text().map(str::to_owned))
            .collect();
        all.contains(&"two".to_owned()).then_some(all)
    })
    .await;
    assert_eq!(bodies.iter().filter(|body| *body == "one").count(), 1);
    home.stack.stop().await.unwrap();
    engine.stop().await;
}

#[tokio::test]
async fn a_restart_keeps_the_log_and_an_old_cursor_goes_on() {
    let home = Home::start().await;
    let person = home.person().await;
    person.post("text/plain", "one").await;
    let cursor = person.log("").await.cursor;
    let data = home.data;
    home.stack.stop().await.unwrap();

    let stack = local::Stack::start(tests::home::config(&data))
        .await
        .unwrap();
    let person = Person {
        page_url: stack.page_url.clone(),
        ..person
    };
    person.post("text/plain", "two").await;
    let page = person.log(&format!("after={cursor}")).await;
    assert!(!page.restarted);
    assert_eq!(page.deliveries.len(), 1);
    assert_eq!(page.deliveries[0].request.body.text(), Some("two"));
    assert_eq!(person.log("").await.deliveries.len(), 2);
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_instance_on_the_same_data_is_refused_in_one_line() {
    let data = tempfile::tempdir().unwrap();
    let (_first, _) = run(data.path()).await;
    let second = Command::new(program("local"))
        .args(flags_of_local(data.path()))
        .output()
        .await
        .unwrap();
    let said = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("in use by another instance"), "{said}");
}

#[tokio::test]
async fn what_can_not_be_used_is_said_in_one_line_and_left_alone() {
    let data = tempfile::tempdir().unwrap();
    let (_first, page_url) = run(data.path()).await;
    let taken = page_url.rsplit(':').next().unwrap().to_owned();
    let other = tempfile::tempdir().unwrap();
    let corrupt = tempfile::tempdir().unwrap();
    std::fs::write(
        corrupt.path().join("log.db"),
        "this is no database, but somebody's only copy",
    )
    .unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    for (port, data, says) in [
        (&["--port", &taken][..], other.path(), "--port"),
        (&[], corrupt.path(), "left as it is"),
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
    let kept = std::fs::read_to_string(corrupt.path().join("log.db")).unwrap();
    assert_eq!(kept, "this is no database, but somebody's only copy");
}

#[cfg(unix)]
#[tokio::test]
async fn a_request_to_terminate_ends_it_cleanly() {
    let data = tempfile::tempdir().unwrap();
    let (mut child, _) = run(data.path()).await;
    let id = child.id().unwrap().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .await
            .unwrap()
            .success()
    );
    let status = timeout(tests::DEADLINE, child.wait())
        .await
        .expect("it ends")
        .unwrap();
    assert_eq!(status.code(), Some(0));
}
