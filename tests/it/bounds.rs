//! Clients that are slow, silent, endless or greedy cost little, and what was acknowledged under load is stored.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use tests::{
    client::{Client, header, raw},
    eventually,
    faults::{process::Process, proxy::Fault},
    flags_of_home,
    home::{Home, Person},
    program,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

/// Enough for a client that behaves, and so short that a test does not wait for it.
const SOON: Duration = Duration::from_millis(1500);

/// A new client is served by page, functions and simulated cloud.
async fn others_are_served(home: &Home, person: &Person) {
    let new = Person { client: Client::default(), ..person.clone() };
    let served = async {
        assert_eq!(new.post("text/plain", "other").await.status(), StatusCode::OK);
        new.log("last=1").await;
        assert_eq!(simulated_cloud(home, "/v1/user").await, 400, "no token was shown");
    };
    timeout(tests::DEADLINE, served).await.expect("others are served meanwhile");
}

/// The status of a call to the simulated cloud by a connection of its own.
async fn simulated_cloud(home: &Home, path: &str) -> u16 {
    let addr = home.stack.cloud().addr();
    let call = format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    raw(addr, call.as_bytes()).await.expect("an answer").status
}

/// The listeners that strangers can reach.
fn listeners(home: &Home) -> [SocketAddr; 2] {
    [home.stack.page_addr(), home.stack.cloud().addr()]
}

/// All that comes until the other side closes.
async fn until_closed(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let reading = stream.read_to_end(&mut bytes);
    // A reset is an end too.
    let _ = timeout(tests::DEADLINE, reading).await.expect("it is closed");
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
        .expect("the slow sender is dropped");
    dripping.abort();
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn slow_senders_are_dropped_and_others_are_served_meanwhile() {
    let home = Home::start_with(|config| {
        config.server.body_timeout = SOON;
        config.server.head_timeout = SOON;
        config.server.request_timeout = 3 * SOON;
    })
    .await;
    let person = home.person().await;
    let [page, cloud] = listeners(&home);
    let hook = format!("POST /hook/{} HTTP/1.1\r\nHost: {page}\r\n", person.endpoint);
    let oauth = format!("POST /oauth/token HTTP/1.1\r\nHost: {cloud}\r\n");
    let dripping = [
        tokio::spawn(drip(page, "G".into(), b"E")),
        tokio::spawn(drip(page, hook.clone(), b"x-slow: 1\r\n")),
        tokio::spawn(drip(page, format!("{hook}Content-Length: 9999\r\n\r\n"), b"x")),
        tokio::spawn(drip(
            page,
            format!("{hook}Transfer-Encoding: chunked\r\n\r\n"),
            b"1\r\nx\r\n",
        )),
        tokio::spawn(drip(cloud, oauth.clone(), b"x-slow: 1\r\n")),
        tokio::spawn(drip(cloud, format!("{oauth}Content-Length: 9999\r\n\r\n"), b"x")),
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
async fn a_client_that_never_reads_is_dropped() {
    let home = Home::start_with(|config| config.server.write_timeout = SOON).await;
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
    timeout(tests::DEADLINE, asking).await.expect("it is dropped");
    others_are_served(&home, &person).await;
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn an_oversized_head_is_refused_before_it_is_complete() {
    let home = Home::start().await;
    let person = home.person().await;
    let many: String = (0..5000).map(|nth| format!("x-{nth}: 1\r\n")).collect();
    let long = format!("x-long: {}\r\n", "x".repeat(200_000));
    for addr in listeners(&home) {
        let hook = format!("/hook/{}", person.endpoint);
        for (what, head) in [
            ("many lines", format!("GET {hook} HTTP/1.1\r\nHost: {addr}\r\n{many}\r\n")),
            ("a long line", format!("GET {hook} HTTP/1.1\r\nHost: {addr}\r\n{long}\r\n")),
            (
                "a long URL",
                format!("GET {hook}/{} HTTP/1.1\r\nHost: {addr}\r\n\r\n", "x".repeat(200_000)),
            ),
        ] {
            let mut stream = TcpStream::connect(addr).await.unwrap();
            let _ = stream.write_all(head.as_bytes()).await;
            let said = until_closed(&mut stream).await;
            // Its rest may still be on its way when the connection ends, and the answer be lost by that.
            let status = said.split(' ').nth(1).unwrap_or("reset");
            assert!(["400", "414", "431", "reset"].contains(&status), "{what}: {said}");
        }
        // A request line that never ends.
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let endless = async { while stream.write_all(&[b'x'; 4096]).await.is_ok() {} };
        timeout(tests::DEADLINE, endless).await.expect("it ends");
    }
    others_are_served(&home, &person).await;
    assert_eq!(person.log("last=1").await.last_seq, 1, "only the other's");
    // What CloudFront would refuse for its size is refused with the reason.
    let page = home.stack.page_addr();
    let head = format!(
        "POST /hook/{} HTTP/1.1\r\nHost: {page}\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 9\r\nx: {}\r\n\r\n",
        person.endpoint,
        "x".repeat(21_000)
    );
    let answer = raw(page, head.as_bytes()).await.unwrap();
    assert_eq!(answer.status, 413, "and nothing is asked for: {}", answer.text);
    assert!(answer.text.contains("the headers have"), "{}", answer.text);
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn pipelined_webhooks_are_answered_in_order_and_recorded() {
    let home = Home::start().await;
    let person = home.person().await;
    let page = home.stack.page_addr();
    let all: String = (1..=60)
        .map(|nth| {
            let body = format!(r#"{{"id":{nth}}}"#);
            let close = if nth == 60 { "Connection: close\r\n" } else { "" };
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
async fn a_request_with_an_ambiguous_end_is_refused() {
    let home = Home::start().await;
    let person = home.person().await;
    let page = home.stack.page_addr();
    let hook = format!("POST /hook/{} HTTP/1.1\r\nHost: {page}\r\n", person.endpoint);

    // Chunk after chunk, for as long as somebody takes them.
    let mut stream = TcpStream::connect(page).await.unwrap();
    let head = format!("{hook}Transfer-Encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat();
    let endless = tokio::spawn(async move { while write.write_all(&chunk).await.is_ok() {} });
    let mut said = [0; 12];
    timeout(tests::DEADLINE, read.read_exact(&mut said)).await.expect("it gets an answer").unwrap();
    assert_eq!(&said, b"HTTP/1.1 413");
    timeout(tests::DEADLINE, endless).await.expect("and no more is taken").unwrap();

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

    // A tunnel may go by the length and this server by the chunks, or know of no chunks: what follows is no request.
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
        assert_eq!(answer.text.matches("HTTP/1.1").count(), 1, "{}", answer.text);
    }
    assert_eq!(person.log("").await.last_seq, 4);

    // A sender that asks first may send the body after a refusal or not.
    let refused = hook.replace("POST /", "TRACE /");
    let both = format!("{refused}Expect: 100-continue\r\n{length}\r\n{second}");
    let answer = raw(page, both.as_bytes()).await.unwrap();
    assert!(answer.text.contains("connection: close"), "{}", answer.text);
    assert_eq!(answer.text.matches("HTTP/1.1").count(), 1, "{}", answer.text);
    assert_eq!(person.log("").await.last_seq, 4);

    // Other software may take a bare LF for part of a value, and what hides behind it for the next request.
    for lines in ["X-A: a\nContent-Length: 100\r\n", "X-A: a\n"] {
        let both = format!("{hook}{lines}\r\n{second}");
        let answer = raw(page, both.as_bytes()).await.unwrap();
        assert_eq!(answer.status, 400, "{lines:?}: {}", answer.text);
        assert_eq!(answer.text.matches("HTTP/1.1").count(), 1, "{lines:?}");
    }
    assert_eq!(person.log("").await.last_seq, 4);

    // A sender that expects 100 Continue gets it, once.
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
async fn large_bodies_wait_for_a_permit_and_small_ones_do_not() {
    let home = Home::start_with(|config| {
        config.server.large_bodies = 1;
        config.server.answer_timeout = SOON;
        config.server.body_timeout = 4 * SOON;
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
    let refused = eventually("a second large body is refused", || async {
        let answer = person.post("text/plain", large.clone()).await;
        (answer.status() != StatusCode::PAYLOAD_TOO_LARGE).then_some(answer)
    })
    .await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(refused.headers(), "retry-after"), "1");
    others_are_served(&home, &person).await;
    assert!(until_closed(&mut greedy).await.starts_with("HTTP/1.1 408"));
    let taken = person.post("text/plain", large).await;
    assert_eq!(taken.status(), StatusCode::PAYLOAD_TOO_LARGE, "recorded");
    home.stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overload_is_answered_with_503_and_loses_nothing() {
    let (home, proxy) = Home::start_proxied(|config| {
        config.server.requests = 1;
        config.server.answer_timeout = SOON;
    })
    .await;
    let person = home.person().await;
    // One request waits for the table, and the others for its permit.
    proxy.fail_all(Fault::Dropped);
    let senders = (0..20).map(|nth| {
        let person = person.clone();
        tokio::spawn(async move { person.post("text/plain", format!("refused {nth}")).await })
    });
    for sender in senders.collect::<Vec<_>>() {
        let answer = sender.await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(!header(answer.headers(), "retry-after").is_empty());
    }
    proxy.stop_failing();
    let senders = (0..20).map(|nth| {
        let person = person.clone();
        tokio::spawn(async move {
            let body = format!("acknowledged {nth}");
            eventually("the server has recovered", || async {
                let answer = person.post("text/plain", body.clone()).await;
                (answer.status() == StatusCode::OK).then_some(())
            })
            .await;
            body
        })
    });
    let mut acknowledged = Vec::new();
    for sender in senders.collect::<Vec<_>>() {
        acknowledged.push(sender.await.unwrap());
    }
    eventually("everything acknowledged is in the log", || async {
        let pages = person.whole_log().await;
        let kept = pages.iter().flat_map(|page| &page.deliveries);
        let kept: Vec<_> = kept.filter_map(|d| d.request.body.text()).collect();
        let is_kept = |body: &String| kept.contains(&body.as_str());
        acknowledged.iter().all(is_kept).then_some(())
    })
    .await;
    home.stack.stop().await.unwrap();
}

/// 300 clients that each send a part of 4 MB, more than there are connections, and then another client is served.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn memory_is_bounded_when_many_send_large_bodies() {
    let data = tempfile::tempdir().unwrap();
    let mut local = Process::new(program("webhook-tutorial"), flags_of_home(data.path()));
    local.start().await.unwrap();
    let page = local.page().borrow().clone().unwrap();
    let person = Person::new(&page, &Client::default());
    let page = page.trim_start_matches("http://");
    person.create().await;
    let head = format!(
        "POST /hook/{} HTTP/1.1\r\nHost: {page}\r\nContent-Length: 4000000\r\n\r\n",
        person.endpoint
    );
    let mut clients = Vec::new();
    for _ in 0..300 {
        let mut stream = TcpStream::connect(page).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        // As much as the server and the sockets between accept at once.
        let _ = timeout(Duration::from_millis(20), stream.write_all(&[b'x'; 3_000_000])).await;
        clients.push(stream);
    }
    let status = format!("/proc/{}/status", local.id().unwrap());
    let status = std::fs::read_to_string(status).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.unwrap().trim().trim_end_matches(" kB");
    assert!(peak.parse::<u64>().unwrap() < 512 * 1024, "{peak} kB");
    drop(clients);
    let sent = person.post("text/plain", "after the rush").await;
    assert_eq!(sent.status(), StatusCode::OK);
    local.kill().await;
}
