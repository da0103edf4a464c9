//! How fast, small and cheap the deployed functions are, beside an empty one: `cargo run --release -p bench`.
//!
//! Builds the functions as they are deployed (but for this machine), runs the binaries under the emulated Runtime API against
//! an engine on loopback, and prints a table. README.md has the figures of one run and says what it can't see.
//!
//! - [`home`]: engine and functions; [`meter`]: the proxy between them
#![allow(clippy::print_stdout, reason = "a program that talks to a person")]

mod home;
mod meter;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, ensure};
use clap::Parser;
use runtime_api::{Environment, Invocation, usage};
use serde_json::Value;

use crate::home::{Connect, Home, Way};

#[derive(Parser)]
struct Flags {
    /// Starts of each function
    #[arg(long, default_value_t = 100)]
    starts: usize,
    /// Webhooks and polls of a warm function
    #[arg(long, default_value_t = 2000)]
    warm: usize,
    /// Another build of the receiver to compare with
    #[arg(long)]
    other: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let built = build(&root)?;
    let folder = root.join("target/bench");
    fs::create_dir_all(&folder)?;
    let home = Home::start(&folder).await?;
    let mut receivers = vec![("receiver", built.join("receiver"))];
    receivers.extend(flags.other.map(|other| ("the other receiver", other)));
    println!("load average before: {}", load());
    sizes(&built)?;
    starts(&home, &built, &receivers, flags.starts).await?;
    let (mut api, _) = home.function(&built.join("api"), Way::Plain, Connect::Later).await?;
    home.call(&mut api, &home::event("create-endpoint")?).await?;
    first(&home, &receivers, flags.starts).await?;
    polls(&home, &receivers[0].1, &mut api, flags.warm).await?;
    warm(&home, &built, &receivers, flags.warm).await?;
    println!("\nload average after: {}", load());
    Ok(())
}

/// How busy this machine has been in the last minute; nothing where the system does not report it.
fn load() -> String {
    let loads = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    loads.split(' ').next().unwrap_or_default().to_owned()
}

/// Builds the functions, one after the other so that none gets another's features; the folder they are in.
fn build(root: &Path) -> anyhow::Result<PathBuf> {
    for package in ["empty-function", "receiver", "api"] {
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--profile", "function", "--package", package]).current_dir(root);
        let status = cargo.status().context("start cargo")?;
        ensure!(status.success(), "{package} can't be built");
    }
    Ok(root.join("target/function"))
}

/// A line of the table: a name and right-aligned cells.
fn line(name: &str, cells: &[String], note: &str) {
    let cells: String = cells.iter().map(|cell| format!(" {cell:>13}")).collect();
    println!("{name:<36}{cells}  {note}");
}

fn head(name: &str, columns: &[&str]) {
    println!();
    line(name, &columns.iter().map(|&column| column.to_owned()).collect::<Vec<_>>(), "");
}

fn aim(met: bool, text: &str) -> String {
    format!("aim: {text}{}", if met { "" } else { " (not met)" })
}

fn ms(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}

fn us(duration: Duration) -> String {
    format!("{:.0} µs", duration.as_secs_f64() * 1e6)
}

/// The measurement that a share of all, in percent, does not exceed.
fn percentile(measured: &mut [Duration], percent: usize) -> Duration {
    measured.sort_unstable();
    let index = (measured.len() * percent).div_ceil(100).saturating_sub(1);
    measured.get(index).copied().unwrap_or_default()
}

fn median(measured: &mut [Duration]) -> Duration {
    percentile(measured, 50)
}

fn cpu(function: &Environment) -> Duration {
    function.pid().and_then(usage::cpu).unwrap_or_default()
}

#[allow(clippy::cast_precision_loss, reason = "for people")]
fn sizes(built: &Path) -> anyhow::Result<()> {
    head("size", &["binary", "zip"]);
    for name in ["empty-function", "receiver", "api"] {
        let binary = fs::read(built.join(name))?;
        // The deflated bytes and the few around them, as in a zip with one file.
        let zip = miniz_oxide::deflate::compress_to_vec(&binary, 6).len() + 128;
        let mb = |bytes: usize| format!("{:.2} MB", bytes as f64 / 1e6);
        let note = aim(zip < 2_500_000, "zip under 2.5 MB");
        line(name, &[mb(binary.len()), mb(zip)], &note);
    }
    Ok(())
}

/// From the start of the process to its request for the first event. The functions alternate, so that whatever else this
/// machine does affects all of them alike.
async fn starts(
    home: &Home,
    built: &Path,
    receivers: &[(&str, PathBuf)],
    n: usize,
) -> anyhow::Result<()> {
    let empty = ("empty function", built.join("empty-function"));
    let api = ("api", built.join("api"));
    let mut rows = vec![];
    for (name, binary) in [&empty].into_iter().chain(receivers).chain([&api]) {
        for connect in [Connect::Later, Connect::AtStart] {
            rows.push((*name, binary, connect, vec![], vec![]));
        }
    }
    for _ in 0..n {
        for (_, binary, connect, init, processor) in &mut rows {
            let (function, took) = home.function(binary, Way::Tls, *connect).await?;
            init.push(took);
            processor.push(cpu(&function));
        }
    }
    head(&format!("start ({n} each)"), &["median", "p95", "processor"]);
    let least = median(&mut rows[0].3);
    for (name, _, connect, init, processor) in &mut rows {
        let over = median(init).saturating_sub(least);
        let (name, note) = match connect {
            Connect::Later => (
                (*name).to_owned(),
                aim(over <= Duration::from_millis(1), "at most 1 ms over the empty one"),
            ),
            Connect::AtStart => (format!("{name}, connecting"), String::new()),
        };
        let cells = [ms(median(init)), ms(percentile(init, 95)), ms(median(processor))];
        line(&name, &cells, &note);
    }
    Ok(())
}

/// The first webhook of a new process, with TLS and without.
async fn first(home: &Home, receivers: &[(&str, PathBuf)], n: usize) -> anyhow::Result<()> {
    let webhook = home::webhook_of_1_kib()?;
    let ways = [
        ("plain", Way::Plain, Connect::Later),
        ("TLS", Way::Tls, Connect::Later),
        ("TLS made at start", Way::Tls, Connect::AtStart),
    ];
    let mut rows = vec![];
    for (name, binary) in receivers {
        for (how, way, connect) in ways {
            rows.push((format!("{name}, {how}"), binary, way, connect, [vec![], vec![], vec![]]));
        }
    }
    for _ in 0..n {
        for (_, binary, way, connect, [took, total, processor]) in &mut rows {
            let (mut function, init) = home.function(binary, *way, *connect).await?;
            let before = cpu(&function);
            let (result, _) = home.call(&mut function, &webhook).await?;
            took.push(result.took);
            total.push(init + result.took);
            processor.push(cpu(&function).saturating_sub(before));
        }
    }
    head(&format!("first webhook ({n} each)"), &["median", "with start", "processor"]);
    let mut plain = Duration::ZERO;
    for (name, _, way, connect, measured) in &mut rows {
        let took = median(&mut measured[0]);
        let note = match (way, connect) {
            (Way::Plain, _) => {
                plain = took;
                String::new()
            }
            (Way::Tls, Connect::Later) => {
                let over = took.saturating_sub(plain);
                aim(over <= Duration::from_millis(3), "at most 3 ms over plain")
            }
            (Way::Tls, Connect::AtStart) => String::new(),
        };
        line(name, &measured.each_mut().map(|all| ms(median(all))), &note);
    }
    Ok(())
}

/// The api: a poll that finds nothing, and one that finds a page.
async fn polls(
    home: &Home,
    receiver: &Path,
    api: &mut Environment,
    n: usize,
) -> anyhow::Result<()> {
    let (mut receiver, _) = home.function(receiver, Way::Plain, Connect::AtStart).await?;
    for _ in 0..100 {
        home.call(&mut receiver, &home::webhook_of_1_kib()?).await?;
    }
    let page = home::event("read-log")?;
    let (result, _) = home.call(api, &page).await?;
    let log: Value = serde_json::from_str(&body(&result)?)?;
    let count = log["deliveries"].as_array().map_or(0, Vec::len);
    ensure!(count == 100, "a page has {count} deliveries instead of 100");
    let cursor = log["cursor"].as_str().context("a page has a cursor")?;
    let mut empty = page.clone();
    empty["rawQueryString"] = format!("after={cursor}").into();

    head(&format!("polls ({n} each)"), &["p50", "but the table", "bytes", "read units"]);
    for (label, event) in [("empty poll", empty), ("page of 100 deliveries", page)] {
        let (mut all, mut own) = (vec![], vec![]);
        let (mut bytes, mut half_units) = (0, 0);
        for _ in 0..n {
            let (result, table) = home.call(api, &event).await?;
            all.push(result.took);
            own.push(result.took.saturating_sub(table.took));
            bytes = body(&result)?.len();
            half_units = table.read_half_units;
        }
        let units = format!("{}.{}", half_units / 2, half_units % 2 * 5);
        let note = match label {
            "empty poll" => aim(bytes < 300, "under 300 bytes"),
            _ => String::new(),
        };
        let cells = [us(median(&mut all)), us(median(&mut own)), bytes.to_string(), units];
        line(label, &cells, &note);
    }
    Ok(())
}

/// A warm receiver beside the empty function, which has the way in and out alone.
async fn warm(
    home: &Home,
    built: &Path,
    receivers: &[(&str, PathBuf)],
    n: usize,
) -> anyhow::Result<()> {
    head(&format!("warm ({n} each)"), &["p50", "but the table", "processor", "write units"]);
    let empty = ("empty function", built.join("empty-function"));
    let webhooks = [
        ("Particle's webhook", home::event("webhook")?),
        ("1 KiB of body", home::webhook_of_1_kib()?),
    ];
    let mut peak = 0;
    for (what, webhook) in webhooks {
        let mut rows = vec![];
        for (name, binary) in [&empty].into_iter().chain(receivers) {
            let (mut function, _) = home.function(binary, Way::Plain, Connect::AtStart).await?;
            for _ in 0..50 {
                home.call(&mut function, &webhook).await?;
            }
            let before = cpu(&function);
            rows.push((*name, function, before, vec![], vec![], 0));
        }
        for _ in 0..n {
            for (_, function, _, all, own, units) in &mut rows {
                let (result, table) = home.call(function, &webhook).await?;
                all.push(result.took);
                own.push(result.took.saturating_sub(table.took));
                *units += table.write_units;
            }
        }
        for (name, function, before, mut all, mut own, units) in rows {
            let each = u32::try_from(n)?.max(1);
            let processor = cpu(&function).saturating_sub(before) / each;
            let units = (units / u64::from(each)).to_string();
            let cells = [us(median(&mut all)), us(median(&mut own)), us(processor), units];
            line(&format!("{name}, {what}"), &cells, "");
            peak = peak.max(function.pid().and_then(usage::peak_memory_kib).unwrap_or_default());
        }
    }
    let note = aim(peak < 12 * 1024, "under 12 MiB");
    line("peak memory", &[format!("{peak} KiB")], &note);
    Ok(())
}

/// The body of a function's response.
fn body(result: &Invocation) -> anyhow::Result<String> {
    let response: Value = serde_json::from_str(&result.json)?;
    let body = response["body"].as_str().context("a response has a body")?;
    Ok(body.to_owned())
}
