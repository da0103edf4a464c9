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
    history::{Deed, DeedKind, History, Seen, Sent, Told},
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
pub struct Field {
    client: Client,
    pages: [watch::Receiver<Option<String>>; 2],
    /// Counts events, so that "before" and "after" mean something without a clock.
    now: AtomicU64,
    acknowledged: AtomicU64,
    failing: AtomicBool,
}

impl Field {
    /// For a run on these programs, while all is failing.
    pub fn of(pages: [watch::Receiver<Option<String>>; 2]) -> Arc<Self> {
        Arc::new(Field {
            client: Client::default(),
            pages,
            now: AtomicU64::new(1),
            acknowledged: AtomicU64::new(0),
            failing: AtomicBool::new(true),
        })
    }

    /// Waits until enough was acknowledged for the run to say anything.
    pub async fn enough(&self) {
        while self.acknowledged.load(Ordering::SeqCst) < ENOUGH {
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Says that nothing fails from now on, at which writers and owners end.
    pub fn calm_down(&self) {
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
        let answer = self
            .api(which, person, Method::GET, &format!("/api/log?{query}"))
            .await?;
        serde_json::from_slice(answer.body()).ok()
    }
}

/// What goes on around one endpoint while all is failing.
pub struct Story {
    writers: Vec<JoinHandle<Vec<Sent>>>,
    owner: JoinHandle<Vec<Deed>>,
    readers: Readers,
}

/// Those who go on reading when nobody writes any more.
struct Readers {
    person: Person,
    pollers: Vec<JoinHandle<Vec<Seen>>>,
    fresh: JoinHandle<Vec<Seen>>,
    /// Told to pollers when the log was read to its end: where that is.
    end: watch::Sender<Option<String>>,
}

impl Story {
    /// Makes an endpoint and lets everybody begin.
    pub async fn begin(field: &Arc<Field>, has_busy_owner: bool, rng: &mut fastrand::Rng) -> Self {
        let person = Person::new("", &field.client);
        create(field, &person, rng, &mut Vec::new()).await;
        let end = watch::Sender::new(None);
        let seed = |rng: &mut fastrand::Rng| fastrand::Rng::with_seed(rng.u64(..));
        let own = || (Arc::clone(field), person.clone());
        let writers = (0..WRITERS)
            .map(|_| {
                let (field, person) = own();
                tokio::spawn(write(field, person, seed(rng)))
            })
            .collect();
        let pollers = (0..POLLERS)
            .map(|nth| {
                let (field, person) = own();
                tokio::spawn(poll(field, person, nth == 0, seed(rng), end.subscribe()))
            })
            .collect();
        let (field, owner_person) = own();
        let owner = tokio::spawn(own_up(field, owner_person, has_busy_owner, seed(rng)));
        let (field, fresh_person) = own();
        let fresh = tokio::spawn(look_anew(field, fresh_person, seed(rng)));
        let readers = Readers {
            person,
            pollers,
            fresh,
            end,
        };
        Story {
            writers,
            owner,
            readers,
        }
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
        Ok(Written {
            sent,
            deeds: self.owner.await?,
            readers: self.readers,
        })
    }
}

/// A story in which nobody writes any more.
pub struct Written {
    sent: Vec<Sent>,
    deeds: Vec<Deed>,
    readers: Readers,
}

impl Written {
    /// Reads the log to its end, lets every poller come there too, and tells what happened.
    ///
    /// # Errors
    /// If somebody does not come to the end.
    pub async fn end(self, field: &Field) -> anyhow::Result<History> {
        let Readers {
            person,
            pollers,
            fresh,
            end,
        } = self.readers;
        let fresh = fresh.await?;
        let log = timeout(DEADLINE, read_on(field, &person))
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
        let backwards = timeout(DEADLINE, go_back(field, &person))
            .await
            .context("going back never ends")?;
        Ok(History {
            person,
            sent: self.sent,
            deeds: self.deeds,
            views,
            fresh,
            log,
            backwards,
        })
    }
}

/// Reads a log from its beginning to its end.
async fn read_on(field: &Field, person: &Person) -> Vec<Seen> {
    let mut log: Vec<Seen> = Vec::new();
    loop {
        let after = log.last().map(|seen| seen.page.cursor.clone());
        let query = match &after {
            Some(after) => format!("limit=40&after={after}"),
            None => "limit=40".to_owned(),
        };
        let begun = field.tick();
        let Some(page) = field.read(1, person, &query).await else {
            // A forget that nobody was told of may have been carried out last of all.
            field.api(1, person, Method::PUT, "/api/endpoint").await;
            continue;
        };
        let is_end = check::position(&page.cursor).1 >= page.last_seq;
        log.push(Seen {
            after,
            newest: false,
            begun,
            page,
        });
        if is_end {
            return log;
        }
    }
}

/// Reads it backwards from the newest.
async fn go_back(field: &Field, person: &Person) -> Vec<LogPage> {
    let mut pages: Vec<LogPage> = Vec::new();
    loop {
        let query = match pages.last() {
            None => "last=7".to_owned(),
            Some(LogPage {
                older: Some(older), ..
            }) => format!("limit=7&before={older}"),
            Some(_) => return pages,
        };
        pages.extend(field.read(1, person, &query).await);
    }
}

/// Sends webhooks as long as all is failing.
async fn write(field: Arc<Field>, person: Person, mut rng: fastrand::Rng) -> Vec<Sent> {
    let mut sent = Vec::new();
    while field.fails() {
        let (body, expected) = body(&mut rng);
        let begun = field.tick();
        let answer = field
            .call(rng.usize(0..2), |url| {
                Request::post(format!("{url}/hook/{}", person.endpoint))
                    .header("content-type", "application/json")
                    .body(body.clone())
                    .expect("a request of ours is one")
            })
            .await;
        let told = Told::by(answer.as_ref(), StatusCode::OK);
        if matches!(told, Told::Done(_)) {
            field.acknowledged.fetch_add(1, Ordering::SeqCst);
        }
        sent.push(Sent {
            body,
            expected,
            begun,
            ended: field.tick(),
            told,
        });
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
    body.extend((0..length).map(|_| {
        if is_text {
            rng.u8(b'a'..=b'z')
        } else {
            rng.u8(128..)
        }
    }));
    body.extend(br#""}"#);
    let expected = match std::str::from_utf8(&body).is_ok() {
        true => format!(r#"{{"ok":true,"id":{id}}}"#),
        false => r#"{"ok":true}"#.to_owned(),
    };
    (Bytes::from(body), expected)
}

/// Follows a log from the beginning or from the newest on, until it is at the end that was said.
async fn poll(
    field: Arc<Field>,
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
        let begun = field.tick();
        if let Some(page) = field.read(rng.usize(0..2), &person, &query).await {
            view.push(Seen {
                after,
                newest,
                begun,
                page,
            });
        }
        sleep(Duration::from_millis(rng.u64(0..40))).await;
    }
}

/// Reads without a cursor, as one who just opened the page.
async fn look_anew(field: Arc<Field>, person: Person, mut rng: fastrand::Rng) -> Vec<Seen> {
    let mut looks = Vec::new();
    while field.fails() {
        let newest = rng.bool();
        let query = if newest { "last=20" } else { "limit=20" };
        let begun = field.tick();
        if let Some(page) = field.read(rng.usize(0..2), &person, query).await {
            looks.push(Seen {
                after: None,
                newest,
                begun,
                page,
            });
        }
        sleep(Duration::from_millis(rng.u64(0..80))).await;
    }
    looks
}

/// What an owner does meanwhile.
async fn own_up(
    field: Arc<Field>,
    person: Person,
    is_busy: bool,
    mut rng: fastrand::Rng,
) -> Vec<Deed> {
    let mut deeds = Vec::new();
    while is_busy && field.fails() {
        sleep(Duration::from_millis(rng.u64(100..900))).await;
        if rng.u8(0..10) < 6 {
            deed(&field, &person, DeedKind::Clear, &mut rng, &mut deeds).await;
        } else {
            deed(&field, &person, DeedKind::Forget, &mut rng, &mut deeds).await;
            create(&field, &person, &mut rng, &mut deeds).await;
        }
    }
    deeds
}

async fn create(field: &Field, person: &Person, rng: &mut fastrand::Rng, deeds: &mut Vec<Deed>) {
    while !deed(field, person, DeedKind::Create, rng, deeds).await {}
}

/// Says whether it was done.
async fn deed(
    field: &Field,
    person: &Person,
    kind: DeedKind,
    rng: &mut fastrand::Rng,
    deeds: &mut Vec<Deed>,
) -> bool {
    let (method, path, done) = match kind {
        DeedKind::Clear => (Method::DELETE, "/api/log", StatusCode::NO_CONTENT),
        DeedKind::Forget => (Method::DELETE, "/api/endpoint", StatusCode::NO_CONTENT),
        DeedKind::Create => (Method::PUT, "/api/endpoint", StatusCode::OK),
    };
    let begun = field.tick();
    let answer = field.api(rng.usize(0..2), person, method, path).await;
    let told = Told::by(answer.as_ref(), done);
    let is_done = matches!(told, Told::Done(_));
    deeds.push(Deed {
        kind,
        begun,
        ended: field.tick(),
        told,
    });
    is_done
}
