//! The fault run: many writers and pollers while everything between them and the data fails, from a seed.
//!
//! A run has two of the real programs on one engine: one with the engine in it, and one whose clock is minutes off. Both
//! reach the engine through a [`proxy`] of their own that delays, drops, repeats and refuses calls; both are killed and
//! started again. Two people's endpoints are written to and followed meanwhile: one whose owner does nothing, and one
//! whose owner clears and forgets. At the end all is calm, and [`check`] compares what everybody was told with the log.
//!
//! The seed decides what is sent, what fails and when somebody is killed; what happens at the same time is left to the
//! machine, so a seed that found something finds it again most of the time.

pub mod check;
pub mod process;
pub mod proxy;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
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

use crate::{
    DEADLINE,
    client::Client,
    faults::{
        process::Process,
        proxy::{Fault, FaultProxy},
    },
    home::Person,
};

/// Writers of each endpoint.
const WRITERS: usize = 4;
/// Pollers of each endpoint that keep a cursor; one more always begins anew.
const POLLERS: usize = 3;
/// How long everything fails at least…
const CHAOS: Duration = Duration::from_millis(2500);
/// …and until so many webhooks were acknowledged, on a machine that is busy with other things…
const ENOUGH: u64 = 80;
/// …but no longer than this.
const LONGEST_CHAOS: Duration = Duration::from_secs(20);
/// Longer than any answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// One request to a hook URL, and what its sender was told.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its body, which no other request has.
    pub body: Bytes,
    /// What the answer must be if there is one.
    pub expected: String,
    /// When it began, by the run's own count of events.
    pub begun: u64,
    /// When it was over.
    pub ended: u64,
    /// What came back.
    pub told: Told,
}

/// What a caller was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It was done. For a webhook: the answer's body.
    Done(String),
    /// 503: it counts as not done.
    Refused,
    /// 404.
    NoSuchEndpoint,
    /// The connection broke.
    Nothing,
    /// Something that no caller may be told.
    Wrong(String),
}

/// What an owner did.
#[derive(Clone, Debug)]
pub struct Deed {
    /// Which.
    pub kind: DeedKind,
    /// When it began, by the run's own count of events.
    pub begun: u64,
    /// When it was over.
    pub ended: u64,
    /// What came back.
    pub told: Told,
}

/// The kinds of deeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeedKind {
    /// `DELETE /api/log`
    Clear,
    /// `DELETE /api/endpoint`
    Forget,
    /// `PUT /api/endpoint`
    Create,
}

/// One answer of the log API as a poller got it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The cursor that was asked with.
    pub after: Option<String>,
    /// Whether the newest were asked for.
    pub newest: bool,
    /// When the call began, by the run's own count of events.
    pub begun: u64,
    /// The answer.
    pub page: LogPage,
}

/// Everything that happened around one endpoint.
#[derive(Debug)]
pub struct History {
    /// Its keys.
    pub person: Person,
    /// Requests.
    pub sent: Vec<Sent>,
    /// What its owner did.
    pub deeds: Vec<Deed>,
    /// What each poller with a cursor got, in order.
    pub views: Vec<Vec<Seen>>,
    /// What those who begin anew each time got.
    pub fresh: Vec<Seen>,
    /// The whole log at the end, page by page.
    pub log: Vec<Seen>,
    /// The same, read backwards from the newest.
    pub backwards: Vec<LogPage>,
}

/// What one run did.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Webhooks that were acknowledged, refused, and whose senders were told nothing.
    pub acknowledged: u64,
    /// See `acknowledged`.
    pub refused: u64,
    /// See `acknowledged`.
    pub unanswered: u64,
    /// Numbers that are missing for good.
    pub missing: u64,
    /// Log pages that were read.
    pub pages: u64,
    /// Clears and forgets.
    pub deeds: u64,
    /// Programs killed.
    pub kills: u64,
    /// Calls that failed, by how.
    pub faults: BTreeMap<Fault, u64>,
}

impl Figures {
    /// Adds another run's.
    pub fn add(&mut self, other: &Figures) {
        self.acknowledged += other.acknowledged;
        self.refused += other.refused;
        self.unanswered += other.unanswered;
        self.missing += other.missing;
        self.pages += other.pages;
        self.deeds += other.deeds;
        self.kills += other.kills;
        for (fault, count) in &other.faults {
            *self.faults.entry(*fault).or_default() += count;
        }
    }
}

/// What everybody in a run shares.
struct Field {
    client: Client,
    pages: [watch::Receiver<Option<String>>; 2],
    /// Counts events, so that "before" and "after" mean something without a clock.
    now: AtomicU64,
    acknowledged: AtomicU64,
    failing: AtomicBool,
}

impl Field {
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

/// Runs one seed. `program` is the built `local`.
///
/// # Errors
/// What the run could not be made for; not what it found.
///
/// # Panics
/// If one of its tasks did.
pub async fn run(seed: u64, program: PathBuf) -> anyhow::Result<(Figures, Vec<String>)> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let data = tempfile::tempdir()?;
    // Never in step: one of the two finds the other's writers late.
    let ahead_ms = rng.i64(60_000..600_000) * if rng.bool() { 1 } else { -1 };

    let engine_at = watch::Sender::new(None);
    let proxies = [
        FaultProxy::before(engine_at.subscribe(), rng.u64(..)).await?,
        FaultProxy::before(engine_at.subscribe(), rng.u64(..)).await?,
    ];
    let args = |name: &str, more: &[&str]| {
        let mut args = crate::flags_of_local(&data.path().join(name));
        args.extend(more.iter().map(|&arg| arg.to_owned()));
        args
    };
    let ahead = |ms: i64| format!("--clock-ahead-ms={ms}");
    let other = |ms: i64| args("other", &["--engine-url", &proxies[1].url, &ahead(ms)]);
    let mut programs = [
        Process::new(
            program.clone(),
            args("own", &["--engine-through", &proxies[0].url]),
        ),
        Process::new(program, other(ahead_ms)),
    ];
    let mut engine = programs[0].engine();
    let told_engine = tokio::spawn(async move {
        while engine.changed().await.is_ok() {
            engine_at.send_replace(engine.borrow_and_update().clone());
        }
    });
    let pages = [programs[0].page(), programs[1].page()];
    for program in &mut programs {
        program.start().await?;
    }

    let field = Arc::new(Field {
        client: Client::default(),
        pages,
        now: AtomicU64::new(1),
        acknowledged: AtomicU64::new(0),
        failing: AtomicBool::new(true),
    });
    let mut stories = Vec::new();
    for has_busy_owner in [false, true] {
        let person = Person::new("", &field.client);
        create(&field, &person, &mut rng, &mut Vec::new()).await;
        stories.push(Story::begin(&field, person, has_busy_owner, &mut rng));
    }

    let kills = Arc::new(AtomicU64::new(0));
    let killers: Vec<_> = programs
        .into_iter()
        .map(|program| {
            let rng = fastrand::Rng::with_seed(rng.u64(..));
            tokio::spawn(keep_killing(program, rng, Arc::clone(&kills)))
        })
        .collect();
    sleep(CHAOS).await;
    let enough = async {
        while field.acknowledged.load(Ordering::SeqCst) < ENOUGH {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let _ = timeout(LONGEST_CHAOS, enough).await;
    field.failing.store(false, Ordering::SeqCst);
    let mut programs = Vec::new();
    for killer in killers {
        programs.push(killer.await??);
    }
    for proxy in &proxies {
        proxy.calm_down();
    }
    for story in &mut stories {
        story.writers_end().await?;
    }
    crate::eventually("every call that was held back has arrived", || async {
        proxies.iter().all(FaultProxy::is_idle).then_some(())
    })
    .await;
    // From here on the second program finds every hole abandoned, so that nobody waits ten seconds for it.
    let last = &mut programs[1];
    last.kill().await;
    last.set_args(other(ahead_ms.max(0) + 3_600_000));
    last.start().await?;

    let mut figures = Figures {
        kills: kills.load(Ordering::SeqCst),
        ..Figures::default()
    };
    let mut found = Vec::new();
    for story in stories {
        let history = story.end(&field).await?;
        check::check(&history, &mut found);
        count(&history, &mut figures);
    }
    for proxy in &proxies {
        for (fault, count) in proxy.counts() {
            *figures.faults.entry(fault).or_default() += count;
        }
    }
    told_engine.abort();
    Ok((figures, found))
}

/// Kills and starts a program at random times while all is failing, and leaves it running.
async fn keep_killing(
    mut program: Process,
    mut rng: fastrand::Rng,
    kills: Arc<AtomicU64>,
) -> anyhow::Result<Process> {
    let mut left = u64::try_from(CHAOS.as_millis())?;
    for _ in 0..rng.u32(1..4) {
        let wait = rng.u64(0..left.max(1));
        left -= wait.min(left);
        sleep(Duration::from_millis(wait)).await;
        program.kill().await;
        kills.fetch_add(1, Ordering::SeqCst);
        sleep(Duration::from_millis(rng.u64(0..200))).await;
        program.start().await?;
    }
    Ok(program)
}

/// What goes on around one endpoint while it does.
struct Story {
    person: Person,
    writers: Vec<JoinHandle<Vec<Sent>>>,
    owner: JoinHandle<Vec<Deed>>,
    pollers: Vec<JoinHandle<Vec<Seen>>>,
    fresh: JoinHandle<Vec<Seen>>,
    sent: Vec<Sent>,
    deeds: Vec<Deed>,
    /// Told to pollers when the log was read to its end: where that is.
    end: watch::Sender<Option<String>>,
}

impl Story {
    fn begin(
        field: &Arc<Field>,
        person: Person,
        has_busy_owner: bool,
        rng: &mut fastrand::Rng,
    ) -> Self {
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
        Story {
            person,
            writers,
            owner,
            pollers,
            fresh,
            sent: vec![],
            deeds: vec![],
            end,
        }
    }

    async fn writers_end(&mut self) -> anyhow::Result<()> {
        for writer in self.writers.drain(..) {
            self.sent.extend(writer.await?);
        }
        self.deeds = (&mut self.owner).await?;
        Ok(())
    }

    /// Reads the log to its end, lets every poller come there too, and tells what happened.
    async fn end(self, field: &Field) -> anyhow::Result<History> {
        let fresh = self.fresh.await?;
        let read_on = async {
            let mut log: Vec<Seen> = Vec::new();
            loop {
                let after = log.last().map(|seen: &Seen| seen.page.cursor.clone());
                let query = after.as_ref().map_or_else(
                    || "limit=40".to_owned(),
                    |after| format!("limit=40&after={after}"),
                );
                let begun = field.tick();
                let Some(page) = field.read(1, &self.person, &query).await else {
                    // A forget that nobody was told of may have been carried out last of all.
                    field
                        .api(1, &self.person, Method::PUT, "/api/endpoint")
                        .await;
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
        };
        let log = timeout(DEADLINE, read_on)
            .await
            .context("a reader that begins anew never comes to the end of the log")?;
        let end = log.last().map(|seen| seen.page.cursor.clone());
        self.end.send_replace(end);
        let mut views = Vec::new();
        for poller in self.pollers {
            let view = timeout(DEADLINE, poller)
                .await
                .context("a poller never comes to the end of the log")?;
            views.push(view?);
        }
        let going_back = async {
            let mut pages: Vec<LogPage> = Vec::new();
            loop {
                let query = match pages.last() {
                    None => "last=7".to_owned(),
                    Some(LogPage {
                        older: Some(older), ..
                    }) => format!("limit=7&before={older}"),
                    Some(_) => return pages,
                };
                pages.extend(field.read(1, &self.person, &query).await);
            }
        };
        let backwards = timeout(DEADLINE, going_back)
            .await
            .context("going back never ends")?;
        Ok(History {
            person: self.person,
            sent: self.sent,
            deeds: self.deeds,
            views,
            fresh,
            log,
            backwards,
        })
    }
}

async fn write(field: Arc<Field>, person: Person, mut rng: fastrand::Rng) -> Vec<Sent> {
    let mut sent = Vec::new();
    while field.fails() {
        let id = rng.u64(..);
        // Half of them text and half of them not, so that both ways of keeping a body are used.
        let mut body = format!(r#"{{"id":{id},"pad":""#).into_bytes();
        let most = if rng.u8(0..10) == 0 { 30_000 } else { 300 };
        let length = rng.usize(0..most);
        let is_text = rng.bool();
        body.extend((0..length).map(|_| {
            if is_text {
                rng.u8(b'a'..=b'z')
            } else {
                rng.u8(128..)
            }
        }));
        body.extend(br#""}"#);
        let body = Bytes::from(body);
        let expected = match std::str::from_utf8(&body).is_ok() {
            true => format!(r#"{{"ok":true,"id":{id}}}"#),
            false => r#"{"ok":true}"#.to_owned(),
        };
        let begun = field.tick();
        let answer = field
            .call(rng.usize(0..2), |url| {
                Request::post(format!("{url}/hook/{}", person.endpoint))
                    .header("content-type", "application/json")
                    .body(body.clone())
                    .expect("a request of ours is one")
            })
            .await;
        let told = told(answer.as_ref(), StatusCode::OK);
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

fn told(answer: Option<&Response<Bytes>>, done: StatusCode) -> Told {
    let Some(answer) = answer else {
        return Told::Nothing;
    };
    let text = || String::from_utf8_lossy(answer.body()).into_owned();
    match answer.status() {
        status if status == done => Told::Done(text()),
        StatusCode::SERVICE_UNAVAILABLE => Told::Refused,
        StatusCode::NOT_FOUND => Told::NoSuchEndpoint,
        status => Told::Wrong(format!("{status} {}", text())),
    }
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
    let told = told(answer.as_ref(), done);
    let is_done = matches!(told, Told::Done(_));
    deeds.push(Deed {
        kind,
        begun,
        ended: field.tick(),
        told,
    });
    is_done
}

fn count(history: &History, figures: &mut Figures) {
    for sent in &history.sent {
        match sent.told {
            Told::Done(_) => figures.acknowledged += 1,
            Told::Refused | Told::NoSuchEndpoint => figures.refused += 1,
            _ => figures.unanswered += 1,
        }
    }
    let pages = |views: &[Vec<Seen>]| views.iter().map(Vec::len).sum::<usize>();
    let read = pages(&history.views) + history.fresh.len() + history.log.len();
    figures.pages += (read + history.backwards.len()) as u64;
    figures.missing += history
        .log
        .iter()
        .map(|seen| seen.page.missing.len() as u64)
        .sum::<u64>();
    figures.deeds += history
        .deeds
        .iter()
        .filter(|deed| deed.kind != DeedKind::Create)
        .count() as u64;
}

/// Runs seeds one after the other, so many at once, until both a time is over and a number of them is through; `say` is
/// told of each.
///
/// # Errors
/// With the seed, what could not be run, or all that was found.
pub async fn campaign(
    program: PathBuf,
    seeds: impl Iterator<Item = u64> + Send + 'static,
    lanes: usize,
    mut go_on: impl FnMut(u64) -> bool + Send + 'static,
    say: impl Fn(u64, &Figures) + Send + Sync + 'static,
) -> anyhow::Result<(u64, Figures)> {
    let mut begun = 0;
    let seeds = Arc::new(Mutex::new(seeds.take_while(move |_| {
        begun += 1;
        go_on(begun)
    })));
    let (say, total) = (Arc::new(say), Arc::new(Mutex::new((0, Figures::default()))));
    let lanes: Vec<_> = (0..lanes)
        .map(|_| {
            let (seeds, say, program) = (Arc::clone(&seeds), Arc::clone(&say), program.clone());
            let total = Arc::clone(&total);
            tokio::spawn(async move {
                loop {
                    let next = seeds.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some(seed) = next else {
                        return anyhow::Ok(());
                    };
                    let (figures, found) = run(seed, program.clone())
                        .await
                        .with_context(|| format!("seed {seed}"))?;
                    anyhow::ensure!(found.is_empty(), "seed {seed}:\n{}", found.join("\n"));
                    say(seed, &figures);
                    let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                    total.0 += 1;
                    total.1.add(&figures);
                }
            })
        })
        .collect();
    for lane in lanes {
        lane.await??;
    }
    let total = total.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(total)
}
