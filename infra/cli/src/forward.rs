//! `forward`: every webhook of a log, sent on to a program on this machine as it arrived.
//!
//! A webhook counts as forwarded when the program answers it with 2xx. Whatever else happens is printed, counted, and decides
//! the exit status; then the next one is sent. The place in the log is kept after each webhook, so that one that was under way
//! when this program was killed is sent again.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, bail};
use bytes::Bytes;
use clap::Args;
use delivery::{Delivery, cursor::Cursor};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use local::gateway::HOP_BY_HOP;
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use crate::{
    client::{Http, Log, web_url},
    follow::{Follow, News, Start, start},
    keys::{Position, Source},
    signals,
    text::{range, summary, visible},
    warn,
};

/// Bytes of a response that are read; they are for a person to look at.
const MAX_RESPONSE: usize = 1024 * 1024;
/// The longest pause before a webhook is sent again.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Headers that the new request has of its own.
const OWN: [&str; 2] = ["content-length", "host"];

#[derive(Args)]
pub(crate) struct Forward {
    /// The program's URL; the path and query that follow the hook URL are put at its end
    #[arg(long, value_name = "URL", value_parser = web_url)]
    to: String,
    #[command(flatten)]
    source: Source,
    /// Number of the first webhook, or `now` for those that come from now on [default: where the last run ended, or now]
    #[arg(long, value_name = "NUMBER", value_parser = start)]
    from: Option<Start>,
    /// Forward this one and end
    #[arg(long, value_name = "NUMBER", conflicts_with = "from", value_parser = clap::value_parser!(u64).range(1..))]
    only: Option<u64>,
    /// Forward the webhooks of a file that was saved on the page or by `export`, and end
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "only", "home", "key_file"])]
    from_file: Option<PathBuf>,
    /// How often a webhook is sent again that is not answered, or answered with 429, 502, 503 or 504
    #[arg(long, value_name = "TIMES", default_value_t = 3)]
    retries: u32,
    /// Seconds in which the program has to answer
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// Print each request and response in full
    #[arg(short, long)]
    verbose: bool,
}

/// Runs until it is told to end, or has sent what it was to send. The status is 1 if a webhook was not forwarded.
pub(crate) async fn run(forward: Forward) -> anyhow::Result<ExitCode> {
    let Forward { to, source, from, only, from_file, retries, timeout, verbose } = forward;
    let mut sender = Sender {
        http: Http::new(&to)?,
        to,
        retries,
        timeout: Duration::from_secs(timeout),
        verbose,
        tally: Tally::default(),
    };
    let sending = async {
        if let Some(file) = from_file {
            for delivery in read_file(&file)? {
                sender.forward(&delivery).await?;
            }
            return Ok(());
        }
        let (log, memory) = source.open().await?;
        if let Some(seq) = only {
            return sender.forward(&read_one(&log, seq).await?).await;
        }
        let position = memory.position(&log, &sender.to)?;
        let mut follow = match (from, position.load()) {
            (None, Some(cursor)) => Follow::after(&log, cursor),
            (from, _) => Follow::new(&log, from.unwrap_or(Start::Now)).await?,
        };
        position.keep(follow.cursor)?;
        warn(&format_args!("Forwarding to {} from #{} on", sender.to, follow.cursor.seq + 1));
        loop {
            let news = follow.news().await?;
            sender.forward_page(news, &position).await?;
        }
    };
    let ended: anyhow::Result<()> = tokio::select! {
        ended = sending => ended,
        told = signals::told_to_end() => told,
    };
    sender.tally.print();
    ended?;
    Ok(if sender.tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One webhook of a log.
async fn read_one(log: &Log, seq: u64) -> anyhow::Result<Delivery> {
    let Follow { cursor, .. } = Follow::new(log, Start::Seq(seq)).await?;
    let page = log.page(&format!("limit=1&after={}", cursor.encode())).await?;
    let found = page.deliveries.into_iter().find(|delivery| delivery.seq == seq);
    found.with_context(|| {
        format!("#{seq} is not in the log: it is gone, or nothing was received under this number")
    })
}

/// What the page saves, as far as it is of interest here.
#[derive(Deserialize)]
struct Saved {
    deliveries: Vec<Delivery>,
}

/// The webhooks of a saved log, or of a file with one delivery a line.
fn read_file(file: &Path) -> anyhow::Result<Vec<Delivery>> {
    let text =
        fs::read_to_string(file).with_context(|| format!("{} can't be read", file.display()))?;
    if let Ok(saved) = serde_json::from_str::<Saved>(&text) {
        return Ok(saved.deliveries);
    }
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    let deliveries = lines.map(|(line, number)| {
        serde_json::from_str(line).with_context(|| {
            let file = file.display();
            format!("{file} is neither a saved log nor one delivery a line; line {number}")
        })
    });
    deliveries.collect()
}

/// How many were forwarded, and which were not.
#[derive(Debug, Default)]
struct Tally {
    forwarded: u64,
    failed: u64,
    /// The first of those that were not, for a person.
    which: Vec<String>,
}

impl Tally {
    /// As many failures as a person reads.
    const SHOWN: usize = 20;

    fn add_failed(&mut self, count: u64, which: String) {
        self.failed += count;
        if self.which.len() < Self::SHOWN {
            self.which.push(which);
        }
    }

    fn print(&self) {
        let Tally { forwarded, failed, which } = self;
        if *failed > 0 {
            let more = if which.len() < Self::SHOWN { "" } else { ", …" };
            warn(&format_args!(
                "{forwarded} forwarded, {failed} not: {}{more}; `forward --only NUMBER` sends one again",
                which.join(", ")
            ));
        } else if *forwarded > 0 {
            warn(&format_args!("{forwarded} forwarded"));
        }
    }
}

struct Sender {
    http: Http,
    to: String,
    retries: u32,
    timeout: Duration,
    verbose: bool,
    tally: Tally,
}

impl Sender {
    /// Forwards what a page has, and keeps the place after each.
    async fn forward_page(&mut self, news: News, position: &Position) -> anyhow::Result<()> {
        let News { page, cursor, lost } = news;
        if let Some((first, last)) = lost {
            let which = range(first, last);
            print(&format_args!("{which} not forwarded: no longer in the log"))?;
            self.tally.add_failed(last - first + 1, which);
        }
        for seq in page.gone.iter().chain(&page.unreadable) {
            print(&format_args!("#{seq} not forwarded: expired or damaged in the log"))?;
            self.tally.add_failed(1, format!("#{seq}"));
        }
        for delivery in &page.deliveries {
            self.forward(delivery).await?;
            position.keep(Cursor { seq: delivery.seq, ..cursor })?;
        }
        position.keep(cursor)
    }

    /// Sends one webhook and prints how that went. An error only if nothing can be printed.
    async fn forward(&mut self, delivery: &Delivery) -> anyhow::Result<()> {
        let summary = summary(delivery);
        let (request, masked) = match request(&self.to, &delivery.request) {
            Ok(request) => request,
            Err(reason) => {
                self.tally.add_failed(1, format!("#{}", delivery.seq));
                return print(&format_args!("{summary} not forwarded: {reason}"));
            }
        };
        if self.verbose {
            print(&shown_request(&request))?;
        }
        let began = Instant::now();
        let outcome = self.send(&request, delivery.seq).await;
        let took_ms = began.elapsed().as_millis();
        let (line, is_ok) = match &outcome {
            Ok(response) => {
                let status = response.status();
                (format!("{summary} -> {} in {took_ms} ms", status.as_u16()), status.is_success())
            }
            Err(error) => (format!("{summary} not forwarded: {error:#}"), false),
        };
        match masked.is_empty() {
            true => print(&line)?,
            false => print(&format_args!(
                "{line}, without {}, which a share key does not show",
                masked.join(", ")
            ))?,
        }
        if let (true, Ok(response)) = (self.verbose, &outcome) {
            print(&shown_response(response))?;
        }
        match is_ok {
            true => self.tally.forwarded += 1,
            false => self.tally.add_failed(1, format!("#{}", delivery.seq)),
        }
        Ok(())
    }

    /// The program's response, or what went wrong in the last try.
    async fn send(&self, request: &Request<Bytes>, seq: u64) -> anyhow::Result<Response<Bytes>> {
        let mut pause = Duration::from_millis(500);
        for retry in 1..=self.retries {
            let answered = self.http.send(request.clone(), self.timeout, MAX_RESPONSE).await;
            let why = match answered {
                Ok(response) if !is_passing(response.status()) => return Ok(response),
                Ok(response) => response.status().to_string(),
                Err(error) => format!("{error:#}"),
            };
            let left = self.retries + 1 - retry;
            warn(&format_args!(
                "#{seq}: {why}; sent again in {} s, {left} left",
                pause.as_secs_f32()
            ));
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        self.http.send(request.clone(), self.timeout, MAX_RESPONSE).await
    }
}

/// Whether another try may get another answer.
fn is_passing(status: StatusCode) -> bool {
    [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::BAD_GATEWAY,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ]
    .contains(&status)
}

/// The request as the program gets it, and the names of the headers that are missing because a share key masks them.
pub(crate) fn request(
    to: &str,
    recorded: &delivery::Request,
) -> anyhow::Result<(Request<Bytes>, Vec<String>)> {
    let body = &recorded.body;
    if body.truncated() {
        bail!("the log has only {} of its {} bytes", body.kept.len(), body.size);
    }
    // A recording from before there was a raw path has only the other one.
    let path = match recorded.raw_path.is_empty() && recorded.path != "/" {
        true => &recorded.path,
        false => &recorded.raw_path,
    };
    let query =
        if recorded.query.is_empty() { String::new() } else { format!("?{}", recorded.query) };
    let mut request =
        Request::builder().method(recorded.method.as_str()).uri(format!("{to}{path}{query}"));
    let mut masked = Vec::new();
    for (name, value) in &recorded.headers.0 {
        let name_lower = name.to_ascii_lowercase();
        let is_ours = HOP_BY_HOP.iter().chain(&OWN).any(|ours| *ours == name_lower);
        if is_ours || recorded.added.contains(&name_lower) {
            continue;
        }
        if !value.is_empty() && value.chars().all(|sign| sign == '•') {
            masked.push(name_lower);
            continue;
        }
        let name = HeaderName::try_from(name)
            .with_context(|| format!("no name of a header: {}", visible(name)))?;
        let value = HeaderValue::from_bytes(value.as_bytes())
            .with_context(|| format!("the header {name} has an invalid value"))?;
        request = request.header(name, value);
    }
    let request = request.body(Bytes::copy_from_slice(&body.kept));
    Ok((request.context("its method or path is not valid HTTP")?, masked))
}

fn shown_request(request: &Request<Bytes>) -> String {
    let mut out = format!("  {} {}\n", request.method(), request.uri());
    show(&mut out, request.headers(), request.body());
    out
}

fn shown_response(response: &Response<Bytes>) -> String {
    let mut out = format!("  {}\n", response.status());
    show(&mut out, response.headers(), response.body());
    out
}

fn show(out: &mut String, headers: &http::HeaderMap, body: &Bytes) {
    for (name, value) in headers {
        let _ = writeln!(out, "  {name}: {}", visible(&String::from_utf8_lossy(value.as_bytes())));
    }
    match std::str::from_utf8(body) {
        Ok("") => {}
        Ok(text) => {
            let _ = writeln!(out);
            for line in text.lines() {
                let _ = writeln!(out, "  {}", visible(line));
            }
        }
        Err(_) => {
            let _ = writeln!(out, "\n  {} bytes that are not text", body.len());
        }
    }
}

fn print(line: &dyn std::fmt::Display) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{line}").context("nothing can be printed")
}
