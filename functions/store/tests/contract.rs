//! What the store promises, checked on two independent engines.
#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use delivery::{
    Delivery, Request, Response, body::Body, cursor::Cursor, headers::Headers, key::Endpoint,
    key::OwnerKey, limits::Limits, log_page::LogPage, millis::Millis, reply::Reply,
    settings::Change, settings::Verified,
};
use store::{Connection, Error, Numbered, ReadRequest, Store, protocol::Access, table};

/// Any time will do: the store reads no clock.
const NOW: Millis = Millis(1_795_431_600_000);
const LIMITS: Limits = Limits {
    max_body_bytes: 262_144,
    max_deliveries: 10,
    delivery_ttl_s: 7 * 86_400,
    endpoint_ttl_s: 30 * 86_400,
    max_delay_ms: 0,
    endpoint_units_per_s: 0,
};

fn connect(url: &str) -> Store {
    Store::connect(&Connection::to_engine(url, "contract"))
}

fn delivery(seq: u64, at: Millis, body: &[u8]) -> Delivery {
    Delivery {
        seq,
        received_at: at,
        took_ms: 1,
        verified: None,
        request: Request {
            method: "POST".into(),
            path: "/".into(),
            raw_path: String::new(),
            query: String::new(),
            source: "127.0.0.1".into(),
            headers: Headers::from([("a", "1"), ("a", "2")]),
            added: vec![],
            body: Body::whole(body.to_vec()),
        },
        response: Response {
            status: 200,
            headers: Headers::default(),
            body: "{}".into(),
            delay_ms: 0,
            reply_use: None,
            unfilled: false,
        },
    }
}

/// A log of its own in a shared table.
struct Log {
    store: Store,
    endpoint: Endpoint,
}

impl Log {
    async fn new(store: &Store) -> Self {
        let bytes: [u8; 32] = std::array::from_fn(|_| u8::try_from(random() & 0xff).unwrap());
        let endpoint = OwnerKey::from_bytes(&bytes).share_key().endpoint();
        store.create(&endpoint, NOW, random(), &LIMITS).await.unwrap();
        Log { store: store.clone(), endpoint }
    }

    async fn number(&self, at: Millis) -> Numbered {
        self.store.number(&self.endpoint, 2, at, &LIMITS).await.unwrap()
    }

    async fn record(
        &self,
        numbered: &Numbered,
        at: Millis,
        body: &[u8],
        nonce: u64,
    ) -> Result<(), Error> {
        let delivery = delivery(numbered.seq, at, body);
        self.store.record(&self.endpoint, numbered, &delivery, nonce, &LIMITS).await
    }

    async fn receive(&self, at: Millis, body: &[u8]) -> u64 {
        let numbered = self.number(at).await;
        self.record(&numbered, at, body, random()).await.unwrap();
        numbered.seq
    }

    async fn read(&self, request: ReadRequest, limit: usize, at: Millis) -> LogPage {
        self.store.read(&self.endpoint, request, limit, at, &LIMITS).await.unwrap()
    }
}

fn random() -> u64 {
    getrandom::u64().unwrap()
}

fn numbers(page: &LogPage) -> Vec<u64> {
    page.deliveries.iter().map(|delivery| delivery.seq).collect()
}

fn cursor(text: &str) -> Cursor {
    Cursor::parse(text).unwrap()
}

async fn suite(url: &str) {
    let store = connect(url);
    table::create_if_absent(&store).await.unwrap();
    table::create_if_absent(&store).await.unwrap();
    what_is_recorded_is_read(&Log::new(&store).await).await;
    a_repeated_put_is_one_delivery(&Log::new(&store).await).await;
    a_hole_is_closed_by_a_write(&Log::new(&store).await).await;
    pages_go_both_ways(&Log::new(&store).await).await;
    what_is_cleared_or_forgotten_is_gone(&Log::new(&store).await).await;
    a_wrong_clock_hides_and_expires_nothing(&Log::new(&store).await).await;
    an_endpoint_has_so_many_units_and_no_more(&Log::new(&store).await).await;
    only_the_newest_are_kept_and_the_old_go(&Log::new(&store).await).await;
    what_the_table_has_deleted_is_gone_and_not_missing(&Log::new(&store).await).await;
    replies_answer_the_numbers_they_were_set_for(&Log::new(&store).await).await;
    settings_come_with_the_number(&Log::new(&store).await).await;
    what_a_number_used_is_given_back_once(&Log::new(&store).await).await;
    // The last one, because it deletes what others made.
    what_a_wrong_clock_deletes_is_not_called_missing(&Log::new(&store).await).await;
}

async fn what_is_recorded_is_read(log: &Log) {
    let bodies: [&[u8]; 5] = [b"{}", b"", b"\xff\x00\xfe", "é\0🦀".as_bytes(), &[b'x'; 262_144]];
    for body in bodies {
        log.receive(NOW, body).await;
    }
    let page = log.read(ReadRequest::First, 100, NOW).await;
    for (body, delivery) in bodies.iter().zip(&page.deliveries) {
        assert_eq!(&delivery.request.body.kept, body);
        assert_eq!(delivery.request.headers, Headers::from([("a", "1"), ("a", "2")]));
    }
    assert_eq!((numbers(&page), page.last_seq, page.missing.len()), (vec![1, 2, 3, 4, 5], 5, 0));
}

async fn a_repeated_put_is_one_delivery(log: &Log) {
    let numbered = log.number(NOW).await;
    log.record(&numbered, NOW, b"same", 7).await.unwrap();
    log.record(&numbered, NOW, b"same", 7).await.unwrap();
    assert_eq!(log.record(&numbered, NOW, b"another", 8).await, Err(Error::GapClosed));
    let page = log.read(ReadRequest::First, 100, NOW).await;
    assert_eq!(page.deliveries[0].request.body.text(), Some("same"));
}

async fn a_hole_is_closed_by_a_write(log: &Log) {
    log.receive(NOW, b"1").await;
    let slow = log.number(NOW).await;
    log.receive(NOW, b"3").await;
    let early = log.read(ReadRequest::First, 100, NOW.plus_s(9)).await;
    assert_eq!((numbers(&early), early.missing.len()), (vec![1], 0), "up to the open gap");
    let late = log.read(ReadRequest::After(cursor(&early.cursor)), 100, NOW.plus_s(11)).await;
    assert_eq!((numbers(&late), late.missing), (vec![3], vec![2]));
    assert_eq!(
        log.record(&slow, NOW, b"2", 1).await,
        Err(Error::GapClosed),
        "nothing can be acknowledged there any more"
    );
    let again = log.read(ReadRequest::First, 100, NOW).await;
    assert_eq!(
        (numbers(&again), again.missing),
        (vec![1, 3], vec![2]),
        "and every reader sees the same"
    );

    let tail = log.number(NOW.plus_s(20)).await;
    assert!(
        log.read(ReadRequest::After(cursor(&again.cursor)), 100, NOW.plus_s(29))
            .await
            .missing
            .is_empty()
    );
    let page = log.read(ReadRequest::After(cursor(&again.cursor)), 100, NOW.plus_s(31)).await;
    assert_eq!(page.missing, [tail.seq]);
}

async fn pages_go_both_ways(log: &Log) {
    for n in 0..9 {
        log.receive(NOW, format!("{n}").as_bytes()).await;
    }
    let first = log.read(ReadRequest::First, 4, NOW).await;
    assert_eq!(numbers(&first), [1, 2, 3, 4]);
    let next = log.read(ReadRequest::After(cursor(&first.cursor)), 100, NOW).await;
    assert_eq!(numbers(&next), [5, 6, 7, 8, 9]);
    let newest = log.read(ReadRequest::Last, 3, NOW).await;
    assert_eq!(numbers(&newest), [7, 8, 9]);
    assert!(
        numbers(&log.read(ReadRequest::After(cursor(&newest.cursor)), 100, NOW).await).is_empty()
    );
    let older = log.read(ReadRequest::Before(cursor(&newest.older.unwrap())), 4, NOW).await;
    assert_eq!(numbers(&older), [3, 4, 5, 6]);
    let oldest = log.read(ReadRequest::Before(cursor(&older.older.unwrap())), 100, NOW).await;
    assert_eq!((numbers(&oldest), oldest.older), (vec![1, 2], None));
}

async fn what_is_cleared_or_forgotten_is_gone(log: &Log) {
    log.receive(NOW, b"1").await;
    let old = log.read(ReadRequest::First, 100, NOW).await.cursor;
    log.store.clear(&log.endpoint).await.unwrap();
    let page = log.read(ReadRequest::First, 100, NOW).await;
    assert_eq!((numbers(&page), page.first_seq, page.missing.len()), (vec![], 2, 0));
    assert_eq!(log.receive(NOW, b"2").await, 2, "the numbering goes on");

    let held = log.number(NOW).await;
    log.store.forget(&log.endpoint, NOW).await.unwrap();
    assert_eq!(log.store.number(&log.endpoint, 2, NOW, &LIMITS).await, Err(Error::NotFound));
    assert_eq!(log.store.forget(&log.endpoint, NOW).await, Err(Error::NotFound));
    log.store.create(&log.endpoint, NOW, random(), &LIMITS).await.unwrap();
    log.record(&held, NOW, b"of the forgotten log", 1).await.unwrap();
    assert_eq!(log.receive(NOW, b"new").await, 1);
    let page = log.read(ReadRequest::After(cursor(&old)), 100, NOW).await;
    assert!(page.restarted);
    assert_eq!(page.deliveries.len(), 1);
    assert_eq!(page.deliveries[0].request.body.text(), Some("new"));
}

/// One webhook whose receiver's clock is wrong by months, among those of right clocks.
async fn a_wrong_clock_hides_and_expires_nothing(log: &Log) {
    let days = |days: i64| Millis(NOW.0.saturating_add_signed(days * 86_400_000));
    log.receive(NOW, b"1").await;
    let state = async || log.store.state(&log.endpoint, NOW, &LIMITS).await.unwrap();
    let mut expires_at = state().await.expires_at;
    for (wrong, last) in [(-40, 2), (-8, 3), (8, 4), (60, 5)] {
        log.receive(days(wrong), b"wrong").await;
        let page = log.read(ReadRequest::First, 100, NOW).await;
        assert_eq!((numbers(&page), page.first_seq), ((1..=last).collect(), 1));
        assert_eq!(page.missing, Vec::<u64>::new());
        let now = state().await.expires_at;
        assert!(now >= expires_at, "it went back");
        expires_at = now;
    }
}

/// 6 units at once, then one a second: three webhooks and their records.
async fn an_endpoint_has_so_many_units_and_no_more(log: &Log) {
    let limits = Limits { endpoint_units_per_s: 1, ..LIMITS };
    let number = async |at| log.store.number(&log.endpoint, 2, at, &limits).await;
    for seq in 1..=3 {
        assert_eq!(number(NOW).await.unwrap().seq, seq);
    }
    for _ in 0..2 {
        let Err(Error::UsedUp(refusal)) = number(NOW.plus_s(1)).await else {
            panic!("it is used up");
        };
        assert_eq!(refusal.until, NOW.plus_s(6));
    }
    assert_eq!(number(NOW.plus_s(6)).await.unwrap().seq, 4);
    let state = log.store.state(&log.endpoint, NOW, &LIMITS).await.unwrap();
    assert_eq!(state.refused, 2);
}

async fn only_the_newest_are_kept_and_the_old_go(log: &Log) {
    for n in 0..14 {
        log.receive(NOW, format!("{n}").as_bytes()).await;
    }
    let page = log.read(ReadRequest::First, 100, NOW).await;
    assert_eq!((numbers(&page), page.first_seq), ((5..=14).collect(), 5));
    let much_later = NOW.plus_s(LIMITS.delivery_ttl_s + 60);
    assert_eq!(log.receive(much_later, b"15").await, 15);
    let page = log.read(ReadRequest::First, 100, much_later).await;
    assert_eq!(
        (numbers(&page), page.first_seq, page.missing.len()),
        (vec![15], 15, 0),
        "too old is gone, not missing"
    );
}

async fn what_the_table_has_deleted_is_gone_and_not_missing(log: &Log) {
    // A number whose item was deleted looks just like one under which nothing was recorded.
    log.number(NOW).await;
    let next_day = NOW.plus_s(24 * 60 * 60);
    log.receive(next_day, b"2").await;
    let later = NOW.plus_s(LIMITS.delivery_ttl_s + 60);
    let page = log.read(ReadRequest::First, 100, later).await;
    assert_eq!((numbers(&page), page.first_seq, page.missing.len()), (vec![2], 2, 0));
}

/// The local home's sweep at a clock that is a week ahead: what it deleted is gone, and a sane reader calls nothing missing.
async fn what_a_wrong_clock_deletes_is_not_called_missing(log: &Log) {
    for n in 0..3 {
        log.receive(NOW, format!("{n}").as_bytes()).await;
    }
    let ahead = NOW.plus_s(8 * 86_400);
    log.store.announce_expired(ahead, &LIMITS).await.unwrap();
    log.store.delete_expired(ahead).await.unwrap();
    assert_eq!(log.receive(NOW, b"4").await, 4);
    let page = log.read(ReadRequest::First, 100, NOW.plus_s(60)).await;
    assert_eq!((numbers(&page), page.first_seq), (vec![4], 4));
    assert_eq!((page.missing, page.gone), (vec![], vec![]));
}

async fn replies_answer_the_numbers_they_were_set_for(log: &Log) {
    let reply = Reply { status: 404, times: Some(2), ..Reply::default() };
    let before = log.number(NOW).await;
    log.store.set_reply(&log.endpoint, &reply, 5, NOW, &LIMITS).await.unwrap();
    assert_eq!(log.store.reply_for(&log.endpoint, &before).await, Ok(None));
    for n in 1..=2 {
        let numbered = log.number(NOW).await;
        let (set, used) = log.store.reply_for(&log.endpoint, &numbered).await.unwrap().unwrap();
        assert_eq!((set.status, used.map(|used| (used.n, used.of))), (404, Some((n, 2))));
        let state = log.store.state(&log.endpoint, NOW, &LIMITS).await.unwrap();
        let left = state.reply.and_then(|set| set.times_left);
        assert_eq!(left, (n < 2).then_some(1));
    }
    let after = log.number(NOW).await;
    assert_eq!(log.store.reply_for(&log.endpoint, &after).await, Ok(None));

    log.store
        .set_reply(&log.endpoint, &Reply { times: None, status: 201, ..reply }, 6, NOW, &LIMITS)
        .await
        .unwrap();
    for _ in 0..3 {
        let numbered = log.number(NOW).await;
        assert_eq!(
            log.store.reply_for(&log.endpoint, &numbered).await.unwrap().unwrap().0.status,
            201
        );
    }
    log.store.clear_reply(&log.endpoint, NOW).await.unwrap();
    let restored = log.number(NOW).await;
    assert_eq!(log.store.reply_for(&log.endpoint, &restored).await, Ok(None));
}

async fn change(log: &Log, json: &str, key: u64) -> Option<(u32, u32)> {
    let change = Change::parse(json.as_bytes(), &log.endpoint).unwrap();
    let settings = log.store.change_settings(&log.endpoint, &change, key).await.unwrap();
    let state = log.store.state(&log.endpoint, NOW, &LIMITS).await.unwrap();
    assert_eq!(state.settings, settings);
    settings.expect.map(|expect| (expect.refuse, expect.refuse_left))
}

async fn settings_come_with_the_number(log: &Log) {
    assert_eq!(log.number(NOW).await.access, Access::default());
    let bearer = r#"{"expect":{"scheme":"bearer","token":"t","refuse":2}}"#;
    assert_eq!(change(log, bearer, 5).await, Some((2, 2)));
    for (refuses, left) in [(true, 1), (true, 0), (false, 0)] {
        let Numbered { seq, access, .. } = log.number(NOW).await;
        assert_eq!(access.refuses(seq, Some(Verified::Wrong)), refuses);
        assert!(!access.refuses(seq, Some(Verified::Ok)));
        assert_eq!(access.cors, seq > 2);
        // The other setting stays as it was, and a repeated write changes nothing.
        for _ in 0..2 {
            assert_eq!(change(log, r#"{"cors":true}"#, 10 + seq).await, Some((2, left)));
        }
    }
    assert_eq!(change(log, r#"{"expect":null}"#, 6).await, None);
    assert_eq!(log.number(NOW).await.access.expect, None);
    log.store.forget(&log.endpoint, NOW).await.unwrap();
    log.store.create(&log.endpoint, NOW, random(), &LIMITS).await.unwrap();
    assert_eq!(log.number(NOW).await.access, Access::default());
}

async fn what_a_number_used_is_given_back_once(log: &Log) {
    let reply = Reply { status: 503, times: Some(2), ..Reply::default() };
    log.store.set_reply(&log.endpoint, &reply, 5, NOW, &LIMITS).await.unwrap();
    change(log, r#"{"expect":{"scheme":"bearer","token":"t","refuse":1}}"#, 5).await;
    let preflight = log.number(NOW).await;
    for _ in 0..2 {
        log.store.return_uses(&log.endpoint, &preflight).await;
    }
    for (use_, refuses) in [(Some(1), true), (Some(2), false), (None, false)] {
        let numbered = log.number(NOW).await;
        let used = numbered.reply.uses.use_of(numbered.seq);
        assert_eq!(used.map(|used| used.n), use_);
        assert_eq!(numbered.access.refuses(numbered.seq, Some(Verified::Missing)), refuses);
    }
}

async fn many_writers_get_numbers_of_their_own(log: &Log) {
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let log = Log { store: log.store.clone(), endpoint: log.endpoint.clone() };
            tokio::spawn(async move { (log.number(NOW).await.seq, log.number(NOW).await.seq) })
        })
        .collect();
    let mut given = Vec::new();
    for writer in writers {
        let (first, second) = writer.await.unwrap();
        given.extend([first, second]);
    }
    given.sort_unstable();
    assert_eq!(given, (1..=16).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_keeps_its_promises_on_the_embedded_engine() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let database = dynoxide::Database::memory().unwrap();
    let serving = tokio::spawn(dynoxide::server::serve_with_shutdown(
        listener,
        database,
        std::future::pending(),
    ));
    suite(&url).await;
    // Not on moto 5.2.5, where two concurrent updates can both see the older item.
    many_writers_get_numbers_of_their_own(&Log::new(&connect(&url)).await).await;
    serving.abort();
}

/// A server that ends with its test.
struct Moto(Child);

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_keeps_its_promises_on_a_second_engine() {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/moto_server");
    assert!(program.exists(), "moto is not installed: infra/aws/venv does it");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let _moto = Moto(
        Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let listening = async {
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), listening).await.expect("moto listens");
    suite(&format!("http://127.0.0.1:{port}")).await;
}

#[tokio::test]
async fn a_missing_engine_differs_from_a_missing_endpoint() {
    let store = connect("http://127.0.0.1:1");
    let endpoint = OwnerKey::from_bytes(&[1; 32]).share_key().endpoint();
    let error = store.number(&endpoint, 2, NOW, &LIMITS).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error}");
}
