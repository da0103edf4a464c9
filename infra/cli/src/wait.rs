//! `wait`: run a command, and assert what arrives.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use clap::Args;
use delivery::Delivery;
use tokio::{
    process::Command,
    time::{Instant, timeout_at},
};

use crate::{
    follow::{Follow, News, Start},
    keys::Source,
    text::{range, summary},
    warn,
};

#[derive(Args)]
pub(crate) struct Wait {
    #[command(flatten)]
    source: Source,
    /// Count webhooks with this path below the hook URL [default: any]
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// Count webhooks with this method [default: any]
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// How many have to arrive
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    count: u64,
    /// How long to wait, from the end of the command: `30s` or `5m`
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s")]
    within: Duration,
    /// Wait the whole time, and fail if more arrive or if one that arrived can't be read
    #[arg(long)]
    exactly: bool,
    /// The command that makes the webhooks be sent; one that fails ends the wait, and its status is this program's
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

fn duration(text: &str) -> Result<Duration, String> {
    let number = text.trim_end_matches(|sign: char| sign.is_ascii_alphabetic());
    let seconds = match &text[number.len()..] {
        "s" => 1,
        "m" => 60,
        _ => 0,
    };
    match number.parse::<u64>() {
        Ok(number @ 1..=3600) if seconds > 0 => Ok(Duration::from_secs(number * seconds)),
        _ => Err("use a number from 1 to 3600 and `s` or `m`, as in 30s".to_owned()),
    }
}

/// The status is 0 if as many arrived as should, 1 if not, or that of the command if it failed.
pub(crate) async fn run(wait: Wait) -> anyhow::Result<ExitCode> {
    let Wait { source, path, method, count, within, exactly, command } = wait;
    let (log, _) = source.open().await?;
    let mut counter = Counter { path, method, found: 0, is_whole: true };
    // Before the command, so that nothing it causes is missed.
    let mut follow = Follow::new(&log, Start::Now).await?;
    if let Some((program, arguments)) = command.split_first() {
        let status = Command::new(program).args(arguments).kill_on_drop(true).status().await;
        let status = status.with_context(|| format!("{program} can't be run"))?;
        if !status.success() {
            warn(&format_args!("{program} failed: {status}"));
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            return Ok(ExitCode::from(code.unwrap_or(1)));
        }
    }
    let end = Instant::now() + within;
    let is_over = |counter: &Counter| match exactly {
        true => counter.found > count || !counter.is_whole,
        false => counter.found >= count,
    };
    while !is_over(&counter) {
        match timeout_at(end, follow.news()).await {
            Ok(news) => counter.add(&news?),
            Err(_) => break,
        }
    }
    if exactly && !is_over(&counter) {
        // What was acknowledged in the last moment of the time.
        let last = timeout_at(Instant::now() + Duration::from_secs(15), follow.page()).await;
        let last = last.context("the home does not answer, so it is not known what arrived")?;
        counter.add(&last?);
    }
    let found = counter.found;
    let asked = if exactly { "exactly " } else { "" };
    let seconds = within.as_secs();
    if !counter.is_whole {
        bail!("{found} webhooks were counted, but not all that arrived could be read");
    }
    if found < count || exactly && found > count {
        bail!("{found} webhooks arrived within {seconds} s instead of {asked}{count}");
    }
    Ok(ExitCode::SUCCESS)
}

struct Counter {
    path: Option<String>,
    method: Option<String>,
    found: u64,
    /// Whether everything that arrived could be read.
    is_whole: bool,
}

impl Counter {
    fn add(&mut self, news: &News) {
        for delivery in &news.page.deliveries {
            let is_counted = self.matches(delivery);
            self.found += u64::from(is_counted);
            let other = if is_counted { "" } else { " (another)" };
            warn(&format_args!("{}{other}", summary(delivery)));
        }
        if let Some((first, last)) = news.lost {
            warn(&format_args!("{} no longer in the log", range(first, last)));
        }
        let is_whole = news.page.gone.is_empty() && news.page.unreadable.is_empty();
        self.is_whole &= news.lost.is_none() && is_whole;
    }

    fn matches(&self, Delivery { request, .. }: &Delivery) -> bool {
        self.path.as_ref().is_none_or(|path| *path == request.path)
            && self
                .method
                .as_ref()
                .is_none_or(|method| method.eq_ignore_ascii_case(&request.method))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit() {
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        for text in ["30", "s", "", "0s", "-1s", "1h", "1.5s", "99999s", "30sm"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
