//! How fast, small and cheap the deployed functions are, side by side with an empty one: `cargo run --release -p bench`.
//!
//! Builds the functions as they are deployed (but for this machine), runs the very binaries under the emulated Runtime API
//! against an engine on loopback, prints a table and writes `target/bench.json`. It measures and does not judge: an aim that
//! is missed is printed as missed. What it can't see is printed too.
//!
//! - [`home`]: engine and functions; [`meter`]: between them; [`figures`]: what came of it
#![allow(clippy::print_stdout, reason = "a program that talks to a person")]

mod figures;
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
use runtime_api::usage;
use serde_json::{Value, json};

use crate::{
    figures::{Figures, ms, us},
    home::{Connect, Home, Way},
};

const NOT_SEEN: &str = "Not seen here: Lambda's own part of a start (Firecracker, fetching the code), the network to DynamoDB and its \
real certificates, DynamoDB's own time, and the processor's share that 256 MB give (about a seventh of one).";

#[derive(Parser)]
struct Flags {
    /// Starts of each function
    #[arg(long, default_value_t = 100)]
    starts: usize,
    /// Webhooks and polls of a warm function
    #[arg(long, default_value_t = 2000)]
    warm: usize,
    /// Another build of the receiver, to compare with
    #[arg(long)]
    other: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()?;
    let built = build(&root)?;
    let folder = root.join("target/bench");
    fs::create_dir_all(&folder)?;
    let home = Home::start(&folder).await?;
    let (mut api, _) = home
        .function(&built.join("api"), Way::Plain, Connect::Later)
        .await?;
    home.call(&mut api, &home::event("create-endpoint")?)
        .await?;

    let mut receivers = vec![("receiver", built.join("receiver"))];
    if let Some(other) = flags.other {
        receivers.push(("the other receiver", other));
    }
    let loaded = load();
    let report = json!({
        "sizes": sizes(&built)?,
        "starts": starts(&home, &built, &receivers, flags.starts).await?,
        "first": first(&home, &receivers, flags.starts).await?,
        "polls": polls(&home, &built, &mut api, flags.warm).await?,
        // Last, because the bare hops take numbers and record nothing under them, which keeps a log from being read on.
        "warm": warm(&home, &built, flags.warm).await?,
        "not_seen": NOT_SEEN,
        "load": [loaded, load()],
    });
    println!(
        "\nload of this machine, before and after: {loaded}, {}",
        load()
    );
    println!("\n{NOT_SEEN}");
    let file = root.join("target/bench.json");
    fs::write(&file, format!("{report:#}\n"))?;
    Ok(())
}

/// How busy the system says that this machine has been in the last minute; nothing where it does not say.
fn load() -> String {
    let said = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    said.split(' ').next().unwrap_or_default().to_owned()
}

/// Builds the functions, one after the other so that none gets another's features; the folder they are in.
fn build(root: &Path) -> anyhow::Result<PathBuf> {
    for package in ["empty-function", "receiver", "api"] {
        let mut cargo = Command::new("cargo");
        cargo
            .args(["build", "--profile", "function", "--package", package])
            .current_dir(root);
        ensure!(
            cargo.status().context("start cargo")?.success(),
            "{package} can't be built"
        );
    }
    let named = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/function");
    Ok(named.canonicalize()?)
}

fn sizes(built: &Path) -> anyhow::Result<Value> {
    println!("\n{:<34}{:>12}{:>12}", "size", "binary", "zip");
    let mut sizes = serde_json::Map::new();
    for name in ["empty-function", "receiver", "api"] {
        let binary = fs::read(built.join(name))?;
        // The deflated bytes and the few around them, as in a zip with one file.
        let zip = miniz_oxide::deflate::compress_to_vec(&binary, 6).len() + 128;
        let aim = if name == "empty-function" {
            ""
        } else {
            aim(zip < 2_500_000, "aim: zip under 2.5 MB")
        };
        println!("{name:<34}{:>12}{:>12}  {aim}", mb(binary.len()), mb(zip));
        sizes.insert(
            name.into(),
            json!({"binary_bytes": binary.len(), "zip_bytes": zip}),
        );
    }
    Ok(sizes.into())
}

#[allow(clippy::cast_precision_loss, reason = "for people")]
fn mb(bytes: usize) -> String {
    format!("{:.2} MB", bytes as f64 / 1e6)
}

fn aim(met: bool, text: &'static str) -> &'static str {
    if met {
        text
    } else {
        Box::leak(format!("{text}: MISSED").into_boxed_str())
    }
}

/// From the start of the process to its asking for the first event; the functions take turns, so that what else this machine
/// does hits all alike.
async fn starts(
    home: &Home,
    built: &Path,
    receivers: &[(&'static str, PathBuf)],
    n: usize,
) -> anyhow::Result<Value> {
    let mut functions = vec![(
        "empty function".to_owned(),
        built.join("empty-function"),
        Connect::Later,
    )];
    let api = ("api", built.join("api"));
    for (name, binary) in receivers.iter().chain([&api]) {
        functions.push(((*name).to_owned(), binary.clone(), Connect::Later));
        functions.push((
            format!("{name}, connecting"),
            binary.clone(),
            Connect::AtStart,
        ));
    }
    let mut init = vec![Figures::default(); functions.len()];
    let mut cpu = vec![Figures::default(); functions.len()];
    for _ in 0..n {
        for (index, (_, binary, connect)) in functions.iter().enumerate() {
            let (function, took) = home.function(binary, Way::Tls, *connect).await?;
            init[index].push(took);
            cpu[index].push(function.pid().and_then(usage::cpu).unwrap_or_default());
        }
    }
    println!(
        "\n{:<34}{:>12}{:>12}{:>12}",
        format!("start ({n} each)"),
        "median",
        "p95",
        "processor"
    );
    let mut starts = serde_json::Map::new();
    for (index, (name, _, connect)) in functions.iter().enumerate() {
        let over = init[index].median().saturating_sub(init[0].median());
        let aim = if index == 0 || *connect == Connect::AtStart {
            ""
        } else {
            aim(
                over <= Duration::from_millis(1),
                "aim: at most 1 ms over the empty one",
            )
        };
        println!(
            "{name:<34}{:>12}{:>12}{:>12}  {aim}",
            ms(init[index].median()),
            ms(init[index].quantile(0.95)),
            ms(cpu[index].median())
        );
        starts.insert(
            name.clone(),
            json!({"init": init[index].to_json(), "cpu": cpu[index].to_json()}),
        );
    }
    Ok(starts.into())
}

/// The first webhook of a new process, stored, with TLS and without.
async fn first(
    home: &Home,
    receivers: &[(&'static str, PathBuf)],
    n: usize,
) -> anyhow::Result<Value> {
    let webhook = home::webhook_of_1_kib()?;
    let mut rows = Vec::new();
    for (name, binary) in receivers {
        for (way, connect) in [
            (Way::Plain, Connect::Later),
            (Way::Tls, Connect::Later),
            (Way::Tls, Connect::AtStart),
        ] {
            rows.push((
                *name,
                binary,
                (way, connect),
                Figures::default(),
                Figures::default(),
                Figures::default(),
            ));
        }
    }
    for _ in 0..n {
        for (_, binary, way, took, total, cpu) in &mut rows {
            let (mut function, init) = home.function(binary, way.0, way.1).await?;
            let pid = function.pid().context("it runs")?;
            let before = usage::cpu(pid).unwrap_or_default();
            let (answer, _) = home.call(&mut function, &webhook).await?;
            took.push(answer.took);
            total.push(init + answer.took);
            cpu.push(usage::cpu(pid).unwrap_or_default().saturating_sub(before));
        }
    }
    println!(
        "\n{:<34}{:>12}{:>12}{:>12}",
        format!("first webhook ({n} each)"),
        "median",
        "with start",
        "processor"
    );
    let mut first = serde_json::Map::new();
    let mut plain = Duration::ZERO;
    for (name, _, way, took, total, cpu) in &rows {
        let (label, note) = match way {
            (Way::Plain, _) => {
                plain = took.median();
                ("plain", "")
            }
            (Way::Tls, Connect::Later) => {
                let met = took.median().saturating_sub(plain) <= Duration::from_millis(3);
                ("TLS", aim(met, "aim: at most 3 ms over plain"))
            }
            (Way::Tls, Connect::AtStart) => ("TLS made at start", ""),
        };
        let label = format!("{name}, {label}");
        println!(
            "{label:<34}{:>12}{:>12}{:>12}  {note}",
            ms(took.median()),
            ms(total.median()),
            ms(cpu.median())
        );
        let figures =
            json!({"took": took.to_json(), "with_start": total.to_json(), "cpu": cpu.to_json()});
        first.insert(label, figures);
    }
    Ok(first.into())
}

/// A warm receiver: what it takes itself, and what it costs. It takes turns with a function that sends the same calls to the
/// table and does nothing else; what that takes is the hops' and not the receiver's.
async fn warm(home: &Home, built: &Path, n: usize) -> anyhow::Result<Value> {
    let binary = built.join("receiver");
    let (mut function, _) = home.function(&binary, Way::Plain, Connect::AtStart).await?;
    let mut report = serde_json::Map::new();
    println!(
        "\n{:<34}{:>12}{:>12}{:>12}{:>12}{:>12}{:>12}",
        format!("warm receiver ({n} each)"),
        "all p50",
        "table p50",
        "hops p50",
        "own p50",
        "processor",
        "write units"
    );
    for (label, webhook) in [
        ("Particle's webhook, small", home::event("webhook")?),
        ("1 KiB of body", home::webhook_of_1_kib()?),
    ] {
        home.record_calls(&mut function, &webhook).await?;
        let hops = built.join("hops-function");
        let (mut hops, _) = home.function(&hops, Way::Plain, Connect::Later).await?;
        for _ in 0..50 {
            home.call(&mut function, &webhook).await?;
            home.call(&mut hops, &webhook).await?;
        }
        let processor = |of: &runtime_api::Environment| of.pid().and_then(usage::cpu);
        let before = (processor(&function), processor(&hops));
        let [mut all, mut table, mut beside, mut bare] =
            std::array::from_fn(|_| Figures::default());
        let (mut calls, mut units) = (0, 0);
        for _ in 0..n {
            let (answer, store) = home.call(&mut function, &webhook).await?;
            all.push(answer.took);
            table.push(store.took);
            beside.push(answer.took.saturating_sub(store.took));
            calls += store.count;
            units += store.write_units;
            let (answer, store) = home.call(&mut hops, &webhook).await?;
            bare.push(answer.took.saturating_sub(store.took));
        }
        let used = |of, before: Option<Duration>| {
            let used = processor(of).unwrap_or_default();
            used.saturating_sub(before.unwrap_or_default())
                / u32::try_from(n).unwrap_or(u32::MAX).max(1)
        };
        let cpu = used(&function, before.0);
        let hops_cpu = used(&hops, before.1);
        let own = beside.median().saturating_sub(bare.median());
        let a_webhook = |sum: u64| sum / u64::try_from(n).unwrap_or(u64::MAX).max(1);
        let note = aim(own < Duration::from_micros(150), "aim: own under 150 µs");
        println!(
            "{label:<34}{:>12}{:>12}{:>12}{:>12}{:>12}{:>12}  {note}",
            us(all.median()),
            us(table.median()),
            us(bare.median()),
            us(own),
            us(cpu),
            a_webhook(units)
        );
        println!("{:<34}{:>60}", "  of that the bare hops", us(hops_cpu));
        report.insert(
            label.into(),
            json!({
                "all": all.to_json(), "table": table.to_json(), "beside_the_table": beside.to_json(),
                "hops": bare.to_json(), "own_p50_us": own.as_secs_f64() * 1e6,
                "cpu_us": cpu.as_secs_f64() * 1e6, "hops_cpu_us": hops_cpu.as_secs_f64() * 1e6,
                "store_calls": a_webhook(calls), "write_units": a_webhook(units),
            }),
        );
    }
    let peak = function
        .pid()
        .and_then(usage::peak_memory_kib)
        .unwrap_or_default();
    println!(
        "{:<34}{:>8} KiB  {}",
        "peak memory",
        peak,
        aim(peak < 12 * 1024, "aim: under 12 MiB")
    );
    report.insert("peak_memory_kib".into(), peak.into());
    Ok(report.into())
}

/// The api: a poll that finds nothing, and one that finds a page.
async fn polls(
    home: &Home,
    built: &Path,
    api: &mut runtime_api::Environment,
    n: usize,
) -> anyhow::Result<Value> {
    let receiver = built.join("receiver");
    let (mut receiver, _) = home
        .function(&receiver, Way::Plain, Connect::AtStart)
        .await?;
    for _ in 0..100 {
        home.call(&mut receiver, &home::webhook_of_1_kib()?).await?;
    }
    let page = home::event("read-log")?;
    let (answer, _) = home.call(api, &page).await?;
    let body = |answer: &runtime_api::Answer| -> anyhow::Result<String> {
        let answer: Value = serde_json::from_str(&answer.json)?;
        Ok(answer["body"]
            .as_str()
            .context("an answer has a body")?
            .to_owned())
    };
    let log: Value = serde_json::from_str(&body(&answer)?)?;
    let count = log["deliveries"].as_array().map_or(0, Vec::len);
    ensure!(
        count == 100,
        "there are {count} deliveries on a page and not 100"
    );
    let mut empty = page.clone();
    empty["rawQueryString"] = format!(
        "after={}",
        log["cursor"].as_str().context("a page has a cursor")?
    )
    .into();

    println!(
        "\n{:<34}{:>12}{:>12}{:>12}{:>12}",
        format!("polls ({n} each)"),
        "p50",
        "own p50",
        "bytes",
        "read units"
    );
    let mut report = serde_json::Map::new();
    for (label, event) in [("empty poll", empty), ("page of 100 deliveries", page)] {
        let (mut took, mut own) = (Figures::default(), Figures::default());
        let (mut bytes, mut halves) = (0, 0);
        for _ in 0..n {
            let (answer, store) = home.call(api, &event).await?;
            took.push(answer.took);
            own.push(answer.took.saturating_sub(store.took));
            bytes = body(&answer)?.len();
            halves = store.read_half_units;
        }
        let units = format!("{}.{}", halves / 2, if halves % 2 == 0 { 0 } else { 5 });
        let note = if label == "empty poll" {
            aim(bytes < 300, "aim: under 300 bytes")
        } else {
            ""
        };
        println!(
            "{label:<34}{:>12}{:>12}{bytes:>12}{units:>12}  {note}",
            us(took.median()),
            us(own.median())
        );
        report.insert(
            label.into(),
            json!({"took": took.to_json(), "own": own.to_json(), "bytes": bytes, "read_half_units": halves}),
        );
    }
    Ok(report.into())
}
