//! `render`: what Particle would send for an integration and an event, and the mistakes in it, for a person or for CI.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::Args;
use simulated_cloud::preview::{Planned, Preview, preview};

use crate::text::visible;

/// A file of an integration is far smaller.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

#[derive(Args)]
pub(crate) struct Render {
    /// File with the integration as JSON, as the console and the command line take it; `-` is standard input
    file: PathBuf,
    /// Data of the event
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    data: String,
    /// File with the data of the event
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    data_file: Option<PathBuf>,
    /// Name of the event [default: the integration's `event`]
    #[arg(long, value_name = "EVENT")]
    name: Option<String>,
    /// Device ID of the publisher [default: api]
    #[arg(long, value_name = "ID", value_parser = device_id)]
    device: Option<String>,
    /// URL to use in place of the integration's
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

fn device_id(text: &str) -> Result<String, String> {
    let id = text.to_ascii_lowercase();
    let is_id = device_link::is_device_id(&id);
    if is_id { Ok(id) } else { Err("a Device ID has 24 hexadecimal digits".to_owned()) }
}

/// Prints the request and the hints. The status is 1 if one of them is an error.
pub(crate) fn run(render: Render, at_ms: i64) -> anyhow::Result<ExitCode> {
    let Render { file, data, data_file, name, device, url } = render;
    let text = match file.as_os_str() == "-" {
        true => read(&file, io::stdin())?,
        false => read(&file, open(&file)?)?,
    };
    let data = match data_file {
        Some(file) => read(&file, open(&file)?)?,
        None => data,
    };
    let data_bytes = data.len();
    let planned = Planned { name, data, device, at_ms };
    let preview = match preview(&text, url.as_deref(), planned) {
        Ok(preview) => preview,
        Err(reason) => bail!("{}: {reason}", file.display()),
    };
    io::stdout().write_all(printed(&preview, data_bytes).as_bytes())?;
    let is_wrong = preview.hints.iter().any(|hint| hint.is_error);
    Ok(if is_wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn open(file: &Path) -> anyhow::Result<File> {
    File::open(file).with_context(|| format!("{} can't be read", file.display()))
}

fn read(file: &Path, from: impl io::Read) -> anyhow::Result<String> {
    let mut text = String::new();
    let size = from.take(MAX_FILE_BYTES + 1).read_to_string(&mut text);
    let size = size.with_context(|| format!("{} can't be read as text", file.display()))?;
    if size as u64 > MAX_FILE_BYTES {
        bail!("{} is larger than {MAX_FILE_BYTES} bytes", file.display());
    }
    Ok(text)
}

fn printed(preview: &Preview, data_bytes: usize) -> String {
    let mut out = String::new();
    if let Some(request) = &preview.request {
        let _ = writeln!(out, "{} {}", request.method, request.url);
        for (name, value) in &request.headers {
            let _ = writeln!(out, "{}: {}", visible(name), visible(value));
        }
        let body = request.body.as_deref().unwrap_or_default();
        let operations = data_bytes.div_ceil(1024).max(1);
        let lines: Vec<String> = body.lines().map(visible).collect();
        let _ = writeln!(out, "\n{}", lines.join("\n"));
        let _ = writeln!(
            out,
            "\nURL {} bytes, body {} bytes, data {data_bytes} bytes (data operations: {operations})",
            request.url.len(),
            body.len(),
        );
    }
    for hint in &preview.hints {
        let severity = if hint.is_error { "error" } else { "note" };
        let _ = writeln!(out, "{severity}: {}: {}", hint.id, visible(&hint.text));
    }
    out
}
