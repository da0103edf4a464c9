//! The people of a run: who writes, who follows the log, and what its owner does meanwhile.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use bytes::Bytes;
use delivery::log_page::LogPage;
use http::{Method, Request, Response, StatusCode};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    check,
    history::{ActionKind, History, Outcome, OwnerAction, Seen, Sent},
};
use crate::{DEADLINE, client::Client, home::Person};

/// Writers of each endpoint.
const WRITERS: usize = 4;
/// Pollers of each endpoint that keep a cursor; one more always begins anew.
const POLLERS: usize = 3;
/// So many acknowledged webhooks are enough for a run.
const ENOUGH: u64 = 80;
/// Longer than any answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What everybody in a run shares.
pub struct Run {
    client: Client,
    pages: [watch::Receiver<Option<String>>; 2],
    /// Counts events, so that "before" and "after" mean something without a clock.
    now: AtomicU64,
    acknowledged: AtomicU64,
    failing: AtomicBool,
    /// Whether the first program hides what is recent, by a clock far ahead.
    hides_recent: Arc<AtomicBool>,
}

impl Run {
    /// For a run on these programs, while all is failing.
    pub fn of(
        pages: [watch::Receiver<Option<String>>; 2],
        hides_recent: Arc<AtomicBool>,
    ) -> Arc<Self> {
        Arc::new(Run {
            client: Client::default(),
            pages,
            now: AtomicU64::new(1),
            acknowledged: AtomicU64::new(0),
            failing: AtomicBool::new(true),
            hides_recent,
        })
    }

    /// Waits until enough was acknowledged for the run to say anything.
    pub async fn enough(&self) {
        while self.acknowledged.load(Ordering::SeqCst) < ENOUGH {
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Says that nothing fails from now on, at which writers and owners end.
    pub fn stop_failing(&self) {
        self.failing.store(false, Ordering::SeqCst);
    }

    fn tick(&self) -> u64 {
        self.now.fetch_add(1, Ordering::SeqCst)
    }

    fn fails(&self) -> bool {
        self.failing.load(Ordering::SeqCst)
    }

    /// One call to one of the programs; `None` if there is no answer. Waits for the program to be there.
    async fn call(
        &self,
        which: usize,
        request: impl FnOnce(&str) -> Request<Bytes>,
    ) -> Option<Response<Bytes>> {
        let mut page = self.pages[which].clone();
        let url = page.wait_for(Option::is_some).await.ok()?.clone()?;
        let answer = timeout(ANSWER_WITHIN, self.client.send(request(&url))).await;
        answer.ok()?.ok()
    }

    async fn api(
        &self,
        which: usize,
        person: &Person,
        method: Method,
        path: &str,
    ) -> Option<Response<Bytes>> {
        self.call(which, |url| {
            Request::builder()
                .method(method)
                .uri(format!("{url}{path}"))
                .header("authorization", format!("Bearer {}", person.owner.reveal()))
                .body(Bytes::new())
                .expect("a request of ours is one")
        })
        .await
    }

    /// One page of a log, if that worked.
    async fn read(&self, which: usize, person: &Person, query: &str) -> Option<LogPage> {
        let answer = self.api(which, person, Method::GET, &format!("/api/log?{query}")).await?;
        serde_json::from_slice(answer.body()).ok()
    }
}

/// What goes on around one endpoint while all is failing.
pub struct EndpointRun {
    writers: Vec<JoinHandle<Vec<Sent>>>,
    owner: JoinHandle<Vec<OwnerAction>>,
    readers: Readers,
}

/// Those who go on reading when nobody writes any more.
struct Readers {
    person: Person,
    pollers: Vec<JoinHandle<Vec<Seen>>>,
    fresh: JoinHandle<Vec<Seen>>,
    /// Outcome to pollers when the log was read to its end: where that is.
    end: watch::Sender<Option<String>>,
}

impl EndpointRun {
    /// Makes an endpoint and lets everybody begin.
    pub async fn begin(run: &Arc<Run>, has_busy_owner: bool, rng: &mut fastrand::Rng) -> Self {
        let person = Person::new("", &run.client);
        create(run, &person, &mut Vec::new()).await;
        let end = watch::Sender::new(None);
        let seed = |rng: &mut fastrand::Rng| fastrand::Rng::with_seed(rng.u64(..));
        let own = || (Arc::clone(run), person.clone());
        let writers = (0..WRITERS)
            .map(|_| {
                let (run, person) = own();
                tokio::spawn(write(run, person, seed(rng)))
            })
            .collect();
        let pollers = (0..POLLERS)
            .map(|nth| {
                let (run, person) = own();
                tokio::spawn(poll(run, person, nth == 0, seed(rng), end.subscribe()))
            })
            .collect();
        let (run, owner_person) = own();
        let owner = tokio::spawn(act_as_owner(run, owner_person, has_busy_owner, seed(rng)));
        let (run, fresh_person) = own();
        let fresh = tokio::spawn(read_from_start(run, fresh_person, seed(rng)));
        let readers = Readers { person, pollers, fresh, end };
        EndpointRun { writers, owner, readers }
    }

    /// Waits for those who write, once nothing fails.
    ///
    /// # Errors
    /// If one of them panicked.
    pub async fn writers_end(self) -> anyhow::Result<Written> {
        let mut sent = Vec::new();
        for writer in self.writers {
            sent.extend(writer.await?);
        }
        Ok(Written { sent, actions: self.owner.await?, readers: self.readers })
    }
}

/// A endpoint in which nobody writes any more.
pub struct Written {
    sent: Vec<Sent>,
    actions: Vec<OwnerAction>,
    readers: Readers,
}

impl Written {
    /// Reads the log to its end, lets every poller come there too, and tells what happened.
    ///
    /// # Errors
    /// If somebody does not come to the end.
    pub async fn end(self, run: &Run) -> anyhow::Result<History> {
        let Readers { person, pollers, fresh, end } = self.readers;
        let fresh = fresh.await?;
        let log = timeout(DEADLINE, read_to_end(run, &person))
            .await
            .context("a reader that begins anew never comes to the end of the log")?;
        end.send_replace(log.last().map(|seen| seen.page.cursor.clone()));
        let mut views = Vec::new();
        for poller in pollers {
            let view = timeout(DEADLINE, poller)
                .await
                .context("a poller never comes to the end of the log")?;
            views.push(view?);
        }
        let backwards = timeout(DEADLINE, read_backwards(run, &person))
            .await
            .context("going back never ends")?;
        Ok(History { person, sent: self.sent, actions: self.actions, views, fresh, log, backwards })
    }
}

/// Reads a log from its beginning to its end.
async fn read_to_end(run: &Run, person: &Person) -> Vec<Seen> {
    let mut log: Vec<Seen> = Vec::new();
    loop {
        let after = log.last().map(|seen| seen.page.cursor.clone());
        let query = match &after {
            Some(after) => format!("limit=40&after={after}"),
            None => "limit=40".to_owned(),
        };
        let begun = run.tick();
        let Some(page) = run.read(1, person, &query).await else {
            // A forget that nobody was told of may have been carried out last of all.
            run.api(1, person, Method::PUT, "/api/endpoint").await;
            continue;
        };
        let is_end = check::position(&page.cursor).1 >= page.last_seq;
        log.push(Seen { after, newest: false, begun, page });
        if is_end {
            return log;
        }
    }
}

/// Reads it backwards from the newest.
async fn read_backwards(run: &Run, person: &Person) -> Vec<LogPage> {
    let mut pages: Vec<LogPage> = Vec::new();
    loop {
        let query = match pages.last() {
            None => "last=7".to_owned(),
            Some(LogPage { older: Some(older), .. }) => format!("limit=7&before={older}"),
            Some(_) => return pages,
        };
        pages.extend(run.read(1, person, &query).await);
    }
}

/// Reads as much as the first program gives of a log whose database is damaged.
pub async fn read_damaged(run: &Run, person: &Person) -> Vec<LogPage> {
    let mut pages: Vec<LogPage> = Vec::new();
    let mut query = "limit=20".to_owned();
    while let Some(page) = run.read(0, person, &query).await {
        let is_end = page.deliveries.is_empty();
        query = format!("limit=20&after={}", page.cursor);
        pages.push(page);
        if is_end {
            break;
        }
    }
    pages
}

/// Sends webhooks as long as all is failing.
async fn write(run: Arc<Run>, person: Person, mut rng: fastrand::Rng) -> Vec<Sent> {
    let mut sent = Vec::new();
    while run.fails() {
        let (body, expected) = body(&mut rng);
        let begun = run.tick();
        let answer = run
            .call(rng.usize(0..2), |url| {
                Request::post(format!("{url}/hook/{}", person.endpoint))
                    .header("content-type", "application/json")
                    .body(body.clone())
                    .expect("a request of ours is one")
            })
            .await;
        let outcome = Outcome::of(answer.as_ref(), StatusCode::OK);
        if matches!(outcome, Outcome::Done(_)) {
            run.acknowledged.fetch_add(1, Ordering::SeqCst);
        }
        sent.push(Sent { body, expected, begun, ended: run.tick(), outcome });
        sleep(Duration::from_millis(rng.u64(0..30))).await;
    }
    sent
}

/// A body that no other request has, and what is answered to it.
fn body(rng: &mut fastrand::Rng) -> (Bytes, String) {
    let id = rng.u64(..);
    let mut body = format!(r#"{{"id":{id},"pad":""#).into_bytes();
    let most = if rng.u8(0..10) == 0 { 30_000 } else { 300 };
    let length = rng.usize(0..most);
    // Half of them text and half of them not, so that both ways of keeping a body are used.
    let is_text = rng.bool();
    body.extend((0..length).map(|_| if is_text { rng.u8(b'a'..=b'z') } else { rng.u8(128..) }));
    body.extend(br#""}"#);
    let expected = match std::str::from_utf8(&body).is_ok() {
        true => format!(r#"{{"ok":true,"id":{id}}}"#),
        false => r#"{"ok":true}"#.to_owned(),
    };
    (Bytes::from(body), expected)
}

/// Follows a log from the beginning or from the newest on, until it is at the end that was said.
async fn poll(
    run: Arc<Run>,
    person: Person,
    from_newest: bool,
    mut rng: fastrand::Rng,
    end: watch::Receiver<Option<String>>,
) -> Vec<Seen> {
    let mut view: Vec<Seen> = Vec::new();
    loop {
        let after = view.last().map(|seen| seen.page.cursor.clone());
        if after.is_some() && *end.borrow() == after {
            return view;
        }
        let newest = after.is_none() && from_newest;
        let limit = rng.u32(1..60);
        let query = match &after {
            Some(after) => format!("limit={limit}&after={after}"),
            None if newest => format!("last={limit}"),
            None => format!("limit={limit}"),
        };
        let begun = run.tick();
        let which = rng.usize(0..2);
        // What it hides it passes.
        let hides = || which == 0 && run.hides_recent.load(Ordering::SeqCst);
        let hid = hides();
        let page = run.read(which, &person, &query).await;
        if let Some(page) = page.filter(|_| !hid && !hides()) {
            view.push(Seen { after, newest, begun, page });
        }
        sleep(Duration::from_millis(rng.u64(0..40))).await;
    }
}

/// Reads without a cursor, as one who just opened the page.
async fn read_from_start(run: Arc<Run>, person: Person, mut rng: fastrand::Rng) -> Vec<Seen> {
    let mut looks = Vec::new();
    while run.fails() {
        let newest = rng.bool();
        let query = if newest { "last=20" } else { "limit=20" };
        let begun = run.tick();
        if let Some(page) = run.read(rng.usize(0..2), &person, query).await {
            looks.push(Seen { after: None, newest, begun, page });
        }
        sleep(Duration::from_millis(rng.u64(0..80))).await;
    }
    looks
}

/// What an owner does meanwhile.
async fn act_as_owner(
    run: Arc<Run>,
    person: Person,
    is_busy: bool,
    mut rng: fastrand::Rng,
) -> Vec<OwnerAction> {
    let mut actions = Vec::new();
    while is_busy && run.fails() {
        sleep(Duration::from_millis(rng.u64(100..900))).await;
        if rng.u8(0..10) < 6 {
            action(&run, &person, ActionKind::Clear, rng.usize(0..2), &mut actions).await;
        } else {
            action(&run, &person, ActionKind::Forget, rng.usize(0..2), &mut actions).await;
            create(&run, &person, &mut actions).await;
        }
    }
    actions
}

async fn create(run: &Run, person: &Person, actions: &mut Vec<OwnerAction>) {
    // By the program whose clock is right: a log that only a clock far behind has seen ages by that clock.
    while !action(run, person, ActionKind::Create, 1, actions).await {}
}

/// Says whether it was done.
async fn action(
    run: &Run,
    person: &Person,
    kind: ActionKind,
    which: usize,
    actions: &mut Vec<OwnerAction>,
) -> bool {
    let (method, path, done) = match kind {
        ActionKind::Clear => (Method::DELETE, "/api/log", StatusCode::NO_CONTENT),
        ActionKind::Forget => (Method::DELETE, "/api/endpoint", StatusCode::NO_CONTENT),
        ActionKind::Create => (Method::PUT, "/api/endpoint", StatusCode::OK),
    };
    let begun = run.tick();
    let answer = run.api(which, person, method, path).await;
    let outcome = Outcome::of(answer.as_ref(), done);
    let is_done = matches!(outcome, Outcome::Done(_));
    actions.push(OwnerAction { kind, begun, ended: run.tick(), outcome });
    is_done
}
