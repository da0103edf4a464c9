//! `health`: whether a home answers, where there is no `curl`.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use bytes::Bytes;
use clap::Args;
use http::{Request, StatusCode};

use crate::client::{HOME, Http, web_url};

const LIMIT: Duration = Duration::from_secs(5);
const MAX_ANSWER: usize = 64 * 1024;

#[derive(Args)]
pub(crate) struct Health {
    /// The home
    #[arg(long, value_name = "URL", value_parser = web_url, default_value = HOME)]
    home: String,
}

/// The status is 0 if the home answers that it is well.
pub(crate) async fn run(Health { home }: Health) -> anyhow::Result<ExitCode> {
    let request = Request::get(format!("{home}/api/health")).body(Bytes::new())?;
    let answered = Http::new(&home)?.send(request, LIMIT, MAX_ANSWER).await;
    let status = answered.with_context(|| format!("{home} does not answer"))?.status();
    if status != StatusCode::OK {
        bail!("{home} answers {status}; is it a webhook-tutorial?");
    }
    Ok(ExitCode::SUCCESS)
}
