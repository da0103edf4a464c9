//! How fast, small and cheap the deployed functions are, side by side with an empty one: `cargo run --release -p bench`.
//!
//! Builds the functions as they are deployed (but for this machine), runs the very binaries under the emulated Runtime API
//! against an engine on loopback, prints a table and writes `target/bench.json`. It measures and does not judge: an aim that
//! is not met is printed as that. What it can't see is printed too. README.md has the figures of one run.
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
use runtime_api::{Answer, Environment, usage};
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
    for package in ["empty-function", "stopwatch-function", "receiver", "api"] {
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
        Box::leak(format!("{text} (not met)").into_boxed_str())
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

/// The processor time of a function, for each of some events.
struct Processor {
    before: Duration,
}

impl Processor {
    fn of(function: &Environment) -> Duration {
        function.pid().and_then(usage::cpu).unwrap_or_default()
    }

    fn from(function: &Environment) -> Self {
        Processor {
            before: Self::of(function),
        }
    }

    fn for_each(&self, function: &Environment, events: usize) -> Duration {
        let used = Self::of(function).saturating_sub(self.before);
        used / u32::try_from(events).unwrap_or(u32::MAX).max(1)
    }
}

/// A warm receiver: what it takes itself, and what it costs. Four functions take turns: the receiver; its steps with a stopwatch
/// around the calls of the store, which says what those are to a function, SDK and all; one that sends the same bytes to the
/// table and does nothing else, so that what it takes is the hops'; and the empty one, which has the way in and out alone.
async fn warm(home: &Home, built: &Path, n: usize) -> anyhow::Result<Value> {
    let start = async |name: &str, connect| -> anyhow::Result<Environment> {
        let (function, _) = home
            .function(&built.join(name), Way::Plain, connect)
            .await?;
        Ok(function)
    };
    let mut receiver = start("receiver", Connect::AtStart).await?;
    let mut stopwatch = start("stopwatch-function", Connect::AtStart).await?;
    let mut empty = start("empty-function", Connect::Later).await?;
    let mut report = serde_json::Map::new();
    println!(
        "\n{:<42}{:>12}{:>12}",
        format!("warm receiver ({n} each)"),
        "p50",
        "processor"
    );
    for (label, webhook) in [
        ("Particle's webhook, small", home::event("webhook")?),
        ("1 KiB of body", home::webhook_of_1_kib()?),
    ] {
        home.record_calls(&mut receiver, &webhook).await?;
        let mut hops = start("hops-function", Connect::Later).await?;
        for _ in 0..50 {
            for function in [&mut receiver, &mut stopwatch, &mut hops, &mut empty] {
                home.call(function, &webhook).await?;
            }
        }
        let [before, hops_before, empty_before] = [&receiver, &hops, &empty].map(Processor::from);
        let [
            mut all,
            mut table,
            mut beside_table,
            mut calls,
            mut own,
            mut bare,
            mut nothing,
        ] = std::array::from_fn(|_| Figures::default());
        let (mut count, mut units) = (0, 0);
        for _ in 0..n {
            let (answer, store) = home.call(&mut receiver, &webhook).await?;
            all.push(answer.took);
            table.push(store.took);
            beside_table.push(answer.took.saturating_sub(store.took));
            count += store.count;
            units += store.write_units;
            let (answer, _) = home.call(&mut stopwatch, &webhook).await?;
            let said = Duration::from_nanos(body(&answer)?.parse()?);
            calls.push(said);
            own.push(answer.took.saturating_sub(said));
            let (answer, store) = home.call(&mut hops, &webhook).await?;
            bare.push(answer.took.saturating_sub(store.took));
            let (answer, _) = home.call(&mut empty, &webhook).await?;
            nothing.push(answer.took);
        }
        let cpu = before.for_each(&receiver, n);
        let hops_cpu = hops_before.for_each(&hops, n);
        let empty_cpu = empty_before.for_each(&empty, n);
        let with_sdk = beside_table.median().saturating_sub(bare.median());
        let a_webhook = |sum: u64| sum / u64::try_from(n).unwrap_or(u64::MAX).max(1);
        let aimed = aim(
            own.median() < Duration::from_micros(150),
            "aim: under 150 µs",
        );
        let line = |what: &str, time: Duration, cpu: Option<Duration>, note: &str| {
            let cpu = cpu.map(us).unwrap_or_default();
            println!("{what:<42}{:>12}{cpu:>12}  {note}", us(time));
        };
        let units = a_webhook(units);
        line(
            label,
            all.median(),
            Some(cpu),
            &format!("{units} write units"),
        );
        line(
            "  the two store calls, to the function",
            calls.median(),
            None,
            "",
        );
        line(
            "  the two store calls, to the table",
            table.median(),
            None,
            "",
        );
        line(
            "  own: all but what they are to it",
            own.median(),
            None,
            aimed,
        );
        line(
            "  of that an empty function's",
            nothing.median(),
            Some(empty_cpu),
            "",
        );
        line("  own and SDK: all but table and hops", with_sdk, None, "");
        line("  the bare hops", bare.median(), Some(hops_cpu), "");
        report.insert(
            label.into(),
            json!({
                "all": all.to_json(), "calls_to_the_function": calls.to_json(), "calls_to_the_table": table.to_json(),
                "own": own.to_json(), "empty": nothing.to_json(), "beside_the_table": beside_table.to_json(),
                "hops": bare.to_json(), "own_and_sdk_p50_us": with_sdk.as_secs_f64() * 1e6,
                "cpu_us": cpu.as_secs_f64() * 1e6, "hops_cpu_us": hops_cpu.as_secs_f64() * 1e6,
                "empty_cpu_us": empty_cpu.as_secs_f64() * 1e6,
                "store_calls": a_webhook(count), "write_units": units,
            }),
        );
    }
    let peak = receiver
        .pid()
        .and_then(usage::peak_memory_kib)
        .unwrap_or_default();
    println!(
        "{:<42}{:>8} KiB  {}",
        "peak memory",
        peak,
        aim(peak < 12 * 1024, "aim: under 12 MiB")
    );
    report.insert("peak_memory_kib".into(), peak.into());
    Ok(report.into())
}

/// The body in a function's answer.
fn body(answer: &Answer) -> anyhow::Result<String> {
    let answer: Value = serde_json::from_str(&answer.json)?;
    let body = answer["body"].as_str().context("an answer has a body")?;
    Ok(body.to_owned())
}

/// The api: a poll that finds nothing, and one that finds a page.
async fn polls(
    home: &Home,
    built: &Path,
    api: &mut Environment,
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
