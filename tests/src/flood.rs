//! More at once than the product can take, and crowds that say nothing.
//!
//! The real program is asked at a rate, whether it keeps up or not, as the world would. What it may do about the part that is
//! too much: answer 503, or let senders wait at the door. What it may not: lose what it acknowledged, answer anything else,
//! or take ever more memory. Senders and program share the machine, so the figures are those of a home with its flood beside it.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::{Request, StatusCode};
use tokio::{
    net::TcpStream,
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};

use crate::{
    client::{Client, header},
    eventually,
    faults::process::Process,
    flags_of_local,
    home::Person,
};

/// Senders who wait for an answer at once; a real sender has no more patience or sockets either.
const MAX_UNDER_WAY: usize = 1_500;
/// How long a sender waits: as long as Particle does.
const PATIENCE: Duration = Duration::from_secs(20);
/// Senders that measure what the program can take.
const MEASURING: usize = 16;

/// What a flood was like.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Webhooks a second that were taken when nobody had to wait.
    pub capacity: u64,
    /// Webhooks a second that were sent in the flood.
    pub offered: u64,
    /// How many of them were acknowledged…
    pub acknowledged: u64,
    /// …answered with 503…
    pub refused: u64,
    /// …or given up by their senders, who waited for too long or could not even connect.
    pub given_up: u64,
    /// …or were still waited for when the flood was over.
    pub waited_for: u64,
    /// Deliveries in the log at the end.
    pub stored: u64,
    /// The most memory that the program ever had, in KiB; none where the system does not tell.
    pub most_memory: Option<u64>,
    /// How long after the last sender left the next one had its acknowledgement.
    pub recovered_in: Duration,
}

/// What crowds of silent connections did to everybody else.
#[derive(Clone, Debug, Default)]
pub struct Crowd {
    /// Connections that were opened.
    pub opened: usize,
    /// How long webhooks took meanwhile, each by a new connection: the middle one…
    pub middle: Duration,
    /// …and the slowest.
    pub slowest: Duration,
    /// The most memory that the program ever had, in KiB.
    pub most_memory: Option<u64>,
}

/// A program with somebody's endpoint.
struct Flooded {
    program: Process,
    person: Person,
    _data: tempfile::TempDir,
}

impl Flooded {
    async fn start(program: PathBuf) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let mut program = Process::new(program, flags_of_local(data.path()));
        program.start().await?;
        let page = program.page().borrow().clone().context("a page")?;
        let person = Person::new(&page, &Client::default());
        person.create().await;
        Ok(Flooded {
            program,
            person,
            _data: data,
        })
    }

    /// The most memory that the program ever had, in KiB.
    fn most_memory(&self) -> Option<u64> {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.program.id()?)).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.trim().parse().ok()
    }
}

/// What became of one webhook.
enum Fate {
    Acknowledged(String),
    Refused,
    GivenUp,
    Wrong(String),
}

async fn send(person: &Person, number: u64) -> Fate {
    // Most are small; some are as large as is kept whole, and a few larger, of which the log has the beginning.
    let padding = match number {
        n if n % 97 == 0 => 600_000,
        n if n % 23 == 0 => 100_000,
        n => usize::try_from(n % 400).unwrap_or_default(),
    };
    let body = format!(r#"{{"id":{number},"pad":"{}"}}"#, "x".repeat(padding));
    let expected = match padding {
        600_000 => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::OK,
    };
    let request = Request::post(person.hook_url())
        .header("content-type", "application/json")
        .body(Bytes::from(body))
        .expect("a request of ours is one");
    match timeout(PATIENCE, person.client.send(request)).await {
        Ok(Ok(answer)) if answer.status() == expected => Fate::Acknowledged(number.to_string()),
        Ok(Ok(answer))
            if answer.status() == StatusCode::SERVICE_UNAVAILABLE
                && !header(answer.headers(), "retry-after").is_empty() =>
        {
            Fate::Refused
        }
        Ok(Ok(answer)) => Fate::Wrong(format!("{} {:?}", answer.status(), answer.body())),
        Ok(Err(_)) | Err(_) => Fate::GivenUp,
    }
}

/// Floods a program for so long with so many times of what it can take.
///
/// # Errors
/// What it could not be made for, and what it found.
pub async fn flood(
    program: PathBuf,
    measure_for: Duration,
    flood_for: Duration,
    times: u64,
) -> anyhow::Result<Figures> {
    let flooded = Flooded::start(program).await?;
    let person = &flooded.person;
    let (mut acknowledged, mut wrong) = (Vec::new(), Vec::new());
    let mut figures = Figures::default();

    let until = Instant::now() + measure_for;
    let mut measuring = JoinSet::new();
    for lane in 0..MEASURING as u64 {
        let person = person.clone();
        measuring.spawn(async move {
            let mut fates = Vec::new();
            let mut number = lane;
            while Instant::now() < until {
                fates.push(send(&person, number).await);
                number += MEASURING as u64;
            }
            fates
        });
    }
    while let Some(fates) = measuring.join_next().await {
        for fate in fates? {
            match fate {
                Fate::Acknowledged(id) => acknowledged.push(id),
                Fate::Wrong(what) => wrong.push(what),
                Fate::Refused | Fate::GivenUp => {}
            }
        }
    }
    let taken = acknowledged.len() as u64;
    figures.capacity = taken * 1000 / u64::try_from(measure_for.as_millis())?;
    ensure!(
        figures.capacity > 0,
        "nothing is taken even without a flood"
    );

    let reading = watch::Sender::new(true);
    let reader = tokio::spawn(follow(person.clone(), reading.subscribe()));
    let results = Arc::new(Mutex::new((Vec::new(), wrong, 0_u64, 0_u64)));
    let under_way = Arc::new(Semaphore::new(MAX_UNDER_WAY));
    let each = Duration::from_millis(10);
    let mut ticks = interval(each);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let began = Instant::now();
    let (mut sent, first) = (0_u64, 1_000_000_000);
    let mut senders = JoinSet::new();
    while began.elapsed() < flood_for {
        ticks.tick().await;
        let due = times * figures.capacity * u64::try_from(began.elapsed().as_millis())? / 1000;
        while sent < due {
            let number = first + sent;
            sent += 1;
            let Ok(place) = Arc::clone(&under_way).try_acquire_owned() else {
                results.lock().unwrap_or_else(PoisonError::into_inner).3 += 1;
                continue;
            };
            let (person, results) = (person.clone(), Arc::clone(&results));
            senders.spawn(async move {
                let fate = send(&person, number).await;
                let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                match fate {
                    Fate::Acknowledged(id) => results.0.push(id),
                    Fate::Wrong(what) => results.1.push(what),
                    Fate::Refused => results.2 += 1,
                    Fate::GivenUp => results.3 += 1,
                }
                drop(place);
            });
        }
        while senders.try_join_next().is_some() {}
    }
    figures.offered = sent * 1000 / u64::try_from(began.elapsed().as_millis())?;
    while senders.try_join_next().is_some() {}
    figures.waited_for = senders.len() as u64;
    // The world loses its interest at once; who waits hangs up.
    senders.shutdown().await;
    let calm = Instant::now();
    let new = Person {
        client: Client::default(),
        ..person.clone()
    };
    let id = eventually("a webhook is taken after the flood", || async {
        match send(&new, 1).await {
            Fate::Acknowledged(id) => Some(id),
            _ => None,
        }
    })
    .await;
    figures.recovered_in = calm.elapsed();
    acknowledged.push(id);

    let results = std::mem::take(&mut *results.lock().unwrap_or_else(PoisonError::into_inner));
    let (in_the_flood, wrong, refused, given_up) = results;
    figures.acknowledged = in_the_flood.len() as u64;
    (figures.refused, figures.given_up) = (refused, given_up);
    acknowledged.extend(in_the_flood);
    ensure!(wrong.is_empty(), "answers that nobody may get: {wrong:?}");

    figures.most_memory = flooded.most_memory();
    reading.send_replace(false);
    reader.await?.context("the reader of the log")?;
    figures.stored = check(&new, &acknowledged).await?;
    Ok(figures)
}

/// That the log has each acknowledged webhook, and no number twice. Webhooks whose senders hung up may be there as well.
async fn check(person: &Person, acknowledged: &[String]) -> anyhow::Result<u64> {
    let end = person.log("last=1").await.last_seq;
    let mut stored: BTreeMap<String, u64> = BTreeMap::new();
    let (mut count, mut last) = (0, 0);
    let mut query = "limit=500".to_owned();
    // Numbers that were given to senders who hung up are open for some seconds, and then missing.
    let reading = async {
        loop {
            let page = person.log(&query).await;
            for delivery in &page.deliveries {
                ensure!(delivery.seq > last, "{} after {last}", delivery.seq);
                last = delivery.seq;
                count += 1;
                let kept = String::from_utf8_lossy(&delivery.request.body.kept).into_owned();
                let id = kept.split(&[':', ','][..]).nth(1).unwrap_or_default();
                *stored.entry(id.to_owned()).or_default() += 1;
            }
            query = format!("limit=500&after={}", page.cursor);
            if last >= end || crate::faults::check::position(&page.cursor).1 >= end {
                return Ok(page.first_seq);
            }
        }
    };
    let first_seq = timeout(crate::DEADLINE, reading)
        .await
        .context("the log never comes to its end")??;
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|id| !stored.contains_key(*id))
        .collect();
    // The log keeps the newest 10,000, and says from where on.
    ensure!(
        (lost.len() as u64) < first_seq,
        "{} acknowledged webhooks are lost, such as {:?}, and the log begins at {first_seq}",
        lost.len(),
        lost.first()
    );
    if let Some((id, times)) = stored.iter().find(|(id, times)| **times > 1 && *id != "1") {
        anyhow::bail!("{id} is in the log {times} times");
    }
    Ok(count)
}

/// Follows the log as a page does, and fails if it ever goes backwards.
async fn follow(person: Person, go_on: watch::Receiver<bool>) -> anyhow::Result<()> {
    let (mut query, mut last) = ("/api/log?limit=100".to_owned(), 0);
    while *go_on.borrow() {
        let request = Request::get(format!("{}{query}", person.page_url))
            .header("authorization", format!("Bearer {}", person.owner.reveal()))
            .body(Bytes::new())
            .expect("a request of ours is one");
        // First, so that it pauses when there is no answer too: a server that is gone refuses at once.
        sleep(Duration::from_millis(50)).await;
        // Its connection may have been given to somebody else between two calls.
        let Ok(Ok(answer)) = timeout(PATIENCE, person.client.send(request)).await else {
            continue;
        };
        match answer.status() {
            StatusCode::OK => {
                let page: delivery::log_page::LogPage = serde_json::from_slice(answer.body())?;
                for delivery in &page.deliveries {
                    ensure!(delivery.seq > last, "{} after {last}", delivery.seq);
                    last = delivery.seq;
                }
                query = format!("/api/log?limit=100&after={}", page.cursor);
            }
            StatusCode::SERVICE_UNAVAILABLE => {}
            status => anyhow::bail!("a reader got {status}"),
        }
    }
    Ok(())
}

/// Opens so many connections that say nothing and holds them, and sends so many webhooks meanwhile.
///
/// # Errors
/// What it could not be made for, and what it found.
pub async fn crowd(program: PathBuf, connections: usize, webhooks: usize) -> anyhow::Result<Crowd> {
    let flooded = Flooded::start(program).await?;
    let page = flooded
        .person
        .page_url
        .trim_start_matches("http://")
        .to_owned();
    let mut silent = Vec::new();
    let mut took = Vec::new();
    let each = (connections / webhooks.max(1)).max(1);
    while silent.len() < connections || took.len() < webhooks {
        for _ in 0..each.min(connections - silent.len()) {
            silent.push(TcpStream::connect(&page).await?);
        }
        let new = Person {
            client: Client::default(),
            ..flooded.person.clone()
        };
        let began = Instant::now();
        let answer = new.post("text/plain", "in the crowd").await;
        ensure!(answer.status() == StatusCode::OK, "{}", answer.status());
        took.push(began.elapsed());
    }
    took.sort_unstable();
    Ok(Crowd {
        opened: silent.len(),
        middle: took[took.len() / 2],
        slowest: took[took.len() - 1],
        most_memory: flooded.most_memory(),
    })
}
