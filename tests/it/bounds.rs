//! Senders who are slow, silent, endless or greedy cost little, and keep nobody else waiting.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::StatusCode;
use local::server::{Bounds, Handler, Server};
use tests::{
    client::{Client, header, raw},
    eventually,
    home::{Home, Person},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    time::{sleep, timeout},
};

/// Long enough for everybody who behaves, and so short that a test does not wait for it.
const SOON: Duration = Duration::from_millis(1500);

/// Somebody who comes now, by a connection of their own, is served by page, functions and simulated cloud.
async fn others_are_served(home: &Home, person: &Person) {
    let new = Person {
        client: Client::default(),
        ..person.clone()
    };
    let served = async {
        assert_eq!(
            new.post("text/plain", "other").await.status(),
            StatusCode::OK
        );
        new.log("last=1").await;
        assert_eq!(
            simulated_cloud(home, "/v1/user").await,
            400,
            "no token was shown"
        );
    };
    timeout(tests::DEADLINE, served)
        .await
        .expect("others are served meanwhile");
}

/// The status of a call to the simulated cloud by a connection of its own.
async fn simulated_cloud(home: &Home, path: &str) -> u16 {
    let addr = home.stack.cloud().addr();
    let call = format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    raw(addr, call.as_bytes()).await.expect("an answer").status
}

/// Both listeners that a page of another site, or a mistaken program, can reach.
fn doors(home: &Home) -> [SocketAddr; 2] {
    [home.stack.page_addr(), home.stack.cloud().addr()]
}

/// All that comes until the other side closes.
async fn until_closed(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let reading = stream.read_to_end(&mut bytes);
    // A reset is an end too.
    let _ = timeout(tests::DEADLINE, reading)
        .await
        .expect("it is closed");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Sends a byte every now and then until the other side has enough, and returns what it said.
async fn drip(to: SocketAddr, first: String, then: &'static [u8]) -> String {
    let stream = TcpStream::connect(to).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    write.write_all(first.as_bytes()).await.unwrap();
    let dripping = tokio::spawn(async move {
        for byte in then.iter().cycle() {
            if write.write_all(&[*byte]).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    });
    let mut said = Vec::new();
    let _ = timeout(tests::DEADLINE, read.read_to_end(&mut said))
        .await
        .expect("the slow one is let go");
    dripping.abort();
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn who_sends_a_byte_now_and_then_is_let_go_and_others_are_served_meanwhile() {
    let home = Home::start_with(|config| {
        config.bounds.body_within = SOON;
        for door in [&mut config.bounds.door, &mut config.particle.bounds] {
            door.head_within = SOON;
            door.whole_within = 3 * SOON;
        }
    })
    .await;
    let person = home.person().await;
    let [page, cloud] = doors(&home);
    let hook = format!(
        "POST /hook/{} HTTP/1.1\r\nHost: {page}\r\n",
        person.endpoint
    );
    let oauth = format!("POST /oauth/token HTTP/1.1\r\nHost: {cloud}\r\n");
    let dripping = [
        tokio::spawn(drip(page, "G".into(), b"E")),
        tokio::spawn(drip(page, hook.clone(), b"x-slow: 1\r\n")),
        tokio::spawn(drip(
            page,
            format!("{hook}Content-Length: 9999\r\n\r\n"),
            b"x",
        )),
        tokio::spawn(drip(
            page,
            format!("{hook}Transfer-Encoding: chunked\r\n\r\n"),
            b"1\r\nx\r\n",
        )),
        tokio::spawn(drip(cloud, oauth.clone(), b"x-slow: 1\r\n")),
        tokio::spawn(drip(
            cloud,
            format!("{oauth}Content-Length: 9999\r\n\r\n"),
            b"x",
        )),
    ];
    others_are_served(&home, &person).await;
    let mut said = Vec::new();
    for drip in dripping {
        said.push(drip.await.unwrap());
    }
    for body in [&said[2], &said[3]] {
        assert!(body.starts_with("HTTP/1.1 408"), "{body}");
    }
    others_are_served(&home, &person).await;
    // Nothing of a request that was not whole was taken.
    assert_eq!(person.log("last=1").await.last_seq, 2);
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_crowd_of_silent_connections_keeps_nobody_out_and_nobody_out_who_waits_for_an_answer() {
    // No limit of time makes room here, only that somebody has to leave.
    let home = Home::start_with(|config| {
        for door in [&mut config.bounds.door, &mut config.particle.bounds] {
            door.head_within = Duration::from_secs(3600);
            door.whole_within = Duration::from_secs(3600);
        }
    })
    .await;
    let person = home.person().await;
    let slow = r#"{"status":200,"body":"held","delay_ms":3000,"times":1}"#;
    person.reply_with(slow).await;
    let held = tokio::spawn({
        let person = person.clone();
        async move { person.post("text/plain", "held").await }
    });
    eventually("the held webhook is in the log", || async {
        (person.log("last=1").await.last_seq == 1).then_some(())
    })
    .await;

    let mut crowd = Vec::new();
    for door in doors(&home) {
        for nth in 0..400 {
            let mut stream = TcpStream::connect(door).await.unwrap();
            match nth % 4 {
                // Never says anything; has said something; has asked and keeps the connection; has closed its half.
                0 => {}
                1 => stream.write_all(b"POST /hook").await.unwrap(),
                2 => {
                    let ask = format!("GET /none HTTP/1.1\r\nHost: {door}\r\n\r\n");
                    stream.write_all(ask.as_bytes()).await.unwrap();
                }
                _ => stream.shutdown().await.unwrap(),
            }
            crowd.push(stream);
        }
    }
    others_are_served(&home, &person).await;
    let held = held.await.unwrap();
    assert_eq!(
        &held.body()[..],
        b"held",
        "who was being answered kept its place"
    );
    // It was the longest waiting that had to leave, and no more are in than there are places.
    until_closed(&mut crowd[0]).await;
    until_closed(&mut crowd[400]).await;
    eventually("half of the crowd is out", || async {
        let mut open = [0, 0];
        for (nth, stream) in crowd.iter().enumerate() {
            let mut answer = [0; 4096];
            let is_open = match stream.try_read(&mut answer) {
                Ok(read) => read > 0,
                Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
            };
            open[nth / 400] += usize::from(is_open);
        }
        (open.iter().all(|open| *open <= 256)).then_some(())
    })
    .await;
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn who_never_takes_an_answer_is_let_go() {
    let home = Home::start_with(|config| config.bounds.door.whole_within = SOON).await;
    let person = home.person().await;
    for _ in 0..4 {
        person.post("text/plain", vec![b'x'; 250_000]).await;
    }
    let page = home.stack.page_addr();
    let ask = format!(
        "GET /api/log HTTP/1.1\r\nHost: {page}\r\nAuthorization: Bearer {}\r\n\r\n",
        person.owner.reveal()
    );
    let mut stream = TcpStream::connect(page).await.unwrap();
    // Asks on and on for a megabyte each time and reads nothing, until it can't even ask.
    let asking = async { while stream.write_all(ask.as_bytes()).await.is_ok() {} };
    timeout(tests::DEADLINE, asking)
        .await
        .expect("it is let go");
    others_are_served(&home, &person).await;
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_head_that_is_a_bomb_is_refused_before_it_is_all_there() {
    let home = Home::start().await;
    let person = home.person().await;
    let many: String = (0..5000).map(|nth| format!("x-{nth}: 1\r\n")).collect();
    let long = format!("x-long: {}\r\n", "x".repeat(200_000));
    for door in doors(&home) {
        let hook = format!("/hook/{}", person.endpoint);
        for (what, head) in [
            (
                "many lines",
                format!("GET {hook} HTTP/1.1\r\nHost: {door}\r\n{many}\r\n"),
            ),
            (
                "a long line",
                format!("GET {hook} HTTP/1.1\r\nHost: {door}\r\n{long}\r\n"),
            ),
            (
                "a long URL",
                format!(
                    "GET {hook}/{} HTTP/1.1\r\nHost: {door}\r\n\r\n",
                    "x".repeat(200_000)
                ),
            ),
        ] {
            let mut stream = TcpStream::connect(door).await.unwrap();
            let _ = stream.write_all(head.as_bytes()).await;
            let said = until_closed(&mut stream).await;
            // Its rest may still be on its way when the connection ends, and the answer be lost by that.
            let status = said.split(' ').nth(1).unwrap_or("reset");
            assert!(
                ["400", "414", "431", "reset"].contains(&status),
                "{what}: {said}"
            );
        }
        // A request line that never ends.
        let mut stream = TcpStream::connect(door).await.unwrap();
        let endless = async { while stream.write_all(&[b'x'; 4096]).await.is_ok() {} };
        timeout(tests::DEADLINE, endless).await.expect("it ends");
    }
    others_are_served(&home, &person).await;
    assert_eq!(person.log("last=1").await.last_seq, 1, "only the other's");
    // What a front would refuse by its size is refused with the reason.
    let page = home.stack.page_addr();
    let head = format!(
        "POST /hook/{} HTTP/1.1\r\nHost: {page}\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 9\r\nx: {}\r\n\r\n",
        person.endpoint,
        "x".repeat(21_000)
    );
    let answer = raw(page, head.as_bytes()).await.unwrap();
    assert_eq!(
        answer.status, 413,
        "and nothing is asked for: {}",
        answer.text
    );
    assert!(answer.text.contains("the headers have"), "{}", answer.text);
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn webhooks_down_one_line_without_waiting_are_answered_in_order_and_all_recorded() {
    let home = Home::start().await;
    let person = home.person().await;
    let page = home.stack.page_addr();
    let all: String = (1..=60)
        .map(|nth| {
            let body = format!(r#"{{"id":{nth}}}"#);
            let close = if nth == 60 {
                "Connection: close\r\n"
            } else {
                ""
            };
            format!(
                "POST /hook/{} HTTP/1.1\r\nHost: {page}\r\n{close}Content-Length: {}\r\n\r\n{body}",
                person.endpoint,
                body.len()
            )
        })
        .collect();
    let answer = raw(page, all.as_bytes()).await.unwrap();
    let ids: Vec<_> = answer.text.split(r#""id":"#).skip(1).collect();
    assert_eq!(ids.len(), 60);
    for (at, id) in ids.iter().enumerate() {
        assert!(id.starts_with(&format!("{}}}", at + 1)), "{id}");
    }
    let log = person.log("limit=100").await;
    assert_eq!((log.last_seq, log.deliveries.len()), (60, 60));
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_body_without_an_end_or_with_two_lengths_is_refused() {
    let home = Home::start().await;
    let person = home.person().await;
    let page = home.stack.page_addr();
    let hook = format!(
        "POST /hook/{} HTTP/1.1\r\nHost: {page}\r\n",
        person.endpoint
    );

    // Chunk after chunk, for as long as somebody takes them.
    let mut stream = TcpStream::connect(page).await.unwrap();
    let head = format!("{hook}Transfer-Encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat();
    let endless = tokio::spawn(async move { while write.write_all(&chunk).await.is_ok() {} });
    let mut said = [0; 12];
    timeout(tests::DEADLINE, read.read_exact(&mut said))
        .await
        .expect("it gets an answer")
        .unwrap();
    assert_eq!(&said, b"HTTP/1.1 413");
    timeout(tests::DEADLINE, endless)
        .await
        .expect("and no more is taken")
        .unwrap();

    let extension = format!("5;{}\r\nabcde\r\n0\r\n\r\n", "x".repeat(20_000));
    for (lines, body) in [
        ("Transfer-Encoding: chunked\r\n", extension.as_str()),
        ("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"),
        ("Content-Length: 3, 4\r\n", "abcd"),
        ("Content-Length: -1\r\n", ""),
        ("Content-Length: 99999999999999999999\r\n", ""),
        ("Transfer-Encoding: gzip\r\n", "abcd"),
        ("Transfer-Encoding: chunked, gzip\r\n", "abcd"),
        ("Transfer-Encoding: chunked\r\n", "nonsense\r\n"),
        ("Transfer-Encoding: chunked\r\n", "FFFFFFFFFFFFFFFFF\r\nx"),
    ] {
        let request = format!("{hook}Connection: close\r\n{lines}\r\n{body}");
        let answer = raw(page, request.as_bytes()).await.unwrap();
        assert_eq!(answer.status, 400, "{lines:?}: {}", answer.text);
    }
    assert_eq!(person.log("").await.last_seq, 0, "none of them was taken");

    // A tunnel in front may go by the length and we by the chunks, or know of no chunks: what comes after such a request is
    // nobody's.
    let second = format!("{hook}Content-Length: 0\r\n\r\n");
    let (length, chunks) = ("Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n");
    for lines in [
        format!("{length}{chunks}"),
        format!("{chunks}{length}"),
        chunks.to_owned(),
        "Transfer-Encoding: chunked, chunked\r\n".to_owned(),
    ] {
        let both = format!("{hook}{lines}\r\n0\r\n\r\n{second}");
        let answer = raw(page, both.as_bytes()).await.unwrap();
        assert!(answer.text.contains("connection: close"), "{}", answer.text);
        assert_eq!(
            answer.text.matches("HTTP/1.1").count(),
            1,
            "{}",
            answer.text
        );
    }
    assert_eq!(person.log("").await.last_seq, 4);

    // Who asks whether to go on is told to, once.
    let mut stream = TcpStream::connect(page).await.unwrap();
    let head =
        format!("{hook}Connection: close\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut said = [0; 25];
    timeout(tests::DEADLINE, stream.read_exact(&mut said))
        .await
        .expect("it is told to go on")
        .unwrap();
    assert_eq!(&said, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"body").await.unwrap();
    assert!(until_closed(&mut stream).await.starts_with("HTTP/1.1 200"));
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn large_bodies_wait_for_their_turn_and_small_ones_do_not() {
    let home = Home::start_with(|config| {
        config.bounds.large_bodies = 1;
        config.bounds.queue_for = Duration::from_millis(100);
        config.bounds.body_within = 4 * SOON;
    })
    .await;
    let person = home.person().await;
    let page = home.stack.page_addr();
    let mut greedy = TcpStream::connect(page).await.unwrap();
    let head = format!(
        "POST /hook/{} HTTP/1.1\r\nHost: {page}\r\nContent-Length: 1000000\r\n\r\n",
        person.endpoint
    );
    greedy.write_all(head.as_bytes()).await.unwrap();
    greedy.write_all(&[b'x'; 400_000]).await.unwrap();
    let large = Bytes::from(vec![b'y'; 300_000]);
    let refused = eventually("a second large body is turned away", || async {
        let answer = person.post("text/plain", large.clone()).await;
        (answer.status() != StatusCode::PAYLOAD_TOO_LARGE).then_some(answer)
    })
    .await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(refused.headers(), "retry-after"), "1");
    others_are_served(&home, &person).await;
    assert!(until_closed(&mut greedy).await.starts_with("HTTP/1.1 408"));
    let taken = person.post("text/plain", large).await;
    assert_eq!(
        taken.status(),
        StatusCode::PAYLOAD_TOO_LARGE,
        "recorded, and over the limit"
    );
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn who_hangs_up_before_its_turn_is_forgotten_and_what_was_begun_is_done() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let go_on = Arc::new(Notify::new());
    let handler: Handler = {
        let (seen, go_on) = (Arc::clone(&seen), Arc::clone(&go_on));
        Arc::new(move |request: http::Request<Bytes>, _| {
            let (seen, go_on) = (Arc::clone(&seen), Arc::clone(&go_on));
            Box::pin(async move {
                let body = String::from_utf8_lossy(request.body()).into_owned();
                seen.lock().unwrap().push(format!("{body} begun"));
                go_on.notified().await;
                seen.lock().unwrap().push(format!("{body} done"));
                http::Response::new(Bytes::new())
            })
        })
    };
    let bounds = Bounds {
        requests: 1,
        turn_for: tests::DEADLINE,
        queue_for: tests::DEADLINE,
        ..Bounds::default()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::start(listener, bounds, handler).unwrap();
    let ask = async |body: &str| {
        let mut stream = TcpStream::connect(server.addr).await.unwrap();
        let length = body.len();
        let request =
            format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    };
    let has = async |count: usize| {
        eventually("it came so far", || async {
            (seen.lock().unwrap().len() >= count).then_some(())
        })
        .await;
    };
    let first = ask("first").await;
    has(1).await;
    // It waits for its turn, and hangs up.
    let mut second = ask("second").await;
    second.shutdown().await.unwrap();
    assert_eq!(until_closed(&mut second).await, "");
    // The first hangs up as well, while it is being answered.
    drop(first);
    go_on.notify_one();
    has(2).await;
    let third = ask("third").await;
    has(3).await;
    go_on.notify_one();
    has(4).await;
    drop(third);
    let seen = seen.lock().unwrap().clone();
    assert_eq!(
        seen,
        ["first begun", "first done", "third begun", "third done"]
    );
    server.stop().await;
}
