//! The page in headless Chromium, through chromedriver.

use std::{path::Path, process::Stdio};

use anyhow::Context;
use fantoccini::{Client, ClientBuilder};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

/// A browser of its own; it goes with the value.
#[derive(Debug)]
pub struct Browser {
    /// The session.
    pub client: Client,
    driver_url: String,
    _driver: Driver,
    _profile: tempfile::TempDir,
}

/// chromedriver and the Chromium that it started, in a process group of their own.
///
/// Killed on drop, all of them: a test that fails does not close its session, and a Chromium whose driver was killed
/// would draw its page for ever.
#[derive(Debug)]
struct Driver(Child);

impl Driver {
    /// Starts it, and says on which port it listens.
    async fn start() -> anyhow::Result<(Self, String)> {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map(Driver)
            .context("chromedriver is not installed: apt-get install chromium chromium-driver")?;
        let mut lines =
            BufReader::new(driver.0.stdout.take().context("chromedriver's output")?).lines();
        let port = loop {
            let line = lines
                .next_line()
                .await?
                .context("chromedriver ended before it listened")?;
            if let Some(port) = line
                .split("on port ")
                .nth(1)
                .filter(|_| line.contains("started successfully"))
            {
                break port.trim_end_matches('.').to_owned();
            }
        };
        // Read on, so that chromedriver never waits for room in the pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok((driver, port))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let pid = self.0.id().and_then(|id| i32::try_from(id).ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

/// How the page is looked at.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Width in CSS pixels.
    pub width: u32,
    /// Height in CSS pixels.
    pub height: u32,
    /// Whether the reader prefers dark.
    pub dark: bool,
    /// Whether it is a phone: two pixels of the screen for each of CSS, and fingers. A window can't be made that narrow.
    pub phone: bool,
}

/// A laptop in daylight.
pub const LIGHT: View = View {
    width: 1280,
    height: 900,
    dark: false,
    phone: false,
};
/// A laptop at night.
pub const DARK: View = View {
    width: 1280,
    height: 900,
    dark: true,
    phone: false,
};
/// The smallest phone that is supported.
pub const PHONE: View = View {
    width: 360,
    height: 780,
    dark: false,
    phone: true,
};

/// The ways that whatever is new on the page is looked at, with the names that their pictures get.
pub const VIEWS: [(&str, View); 3] = [("light", LIGHT), ("dark", DARK), ("phone", PHONE)];

/// A phone, as chromedriver takes it.
fn metrics(view: View) -> Value {
    json!({ "width": view.width, "height": view.height, "pixelRatio": 2, "touch": true, "mobile": true })
}

impl Browser {
    /// Starts chromedriver and a browser in a fresh profile.
    ///
    /// # Errors
    /// If there is no chromium or chromedriver on the PATH, or they don't start.
    pub async fn start(view: View) -> anyhow::Result<Self> {
        Browser::start_with(view, &[]).await
    }

    /// The same with more of Chromium's flags.
    ///
    /// # Errors
    /// As [`Browser::start`].
    pub async fn start_with(view: View, flags: &[&str]) -> anyhow::Result<Self> {
        // It takes a port that is free for IPv4 and wants the same for IPv6, which somebody else may have.
        let (driver, port) = match Driver::start().await {
            Ok(started) => started,
            Err(_) => Driver::start().await?,
        };
        let profile = tempfile::tempdir()?;
        let mut args = vec![
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--no-first-run".to_owned(),
            format!("--window-size={},{}", view.width, view.height),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        args.extend(flags.iter().map(|&flag| flag.to_owned()));
        if view.dark {
            args.push("--force-dark-mode".into());
            args.push("--blink-settings=preferredColorScheme=0".into());
        }
        let mut options = json!({ "args": args });
        if view.phone {
            options["mobileEmulation"] = json!({ "deviceMetrics": metrics(view) });
        }
        let capabilities = json!({
            "goog:chromeOptions": options,
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let Value::Object(capabilities) = capabilities else {
            anyhow::bail!("capabilities are an object");
        };
        let driver_url = format!("http://127.0.0.1:{port}");
        let client = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(capabilities)
            .connect(&driver_url)
            .await?;
        Ok(Browser {
            client,
            driver_url,
            _driver: driver,
            _profile: profile,
        })
    }

    /// Sends a command of the DevTools protocol (<https://chromedevtools.github.io/devtools-protocol/>), and gives back its
    /// result.
    ///
    /// # Errors
    /// If the browser refuses it.
    pub async fn devtools(&self, command: &str, params: Value) -> anyhow::Result<Value> {
        let session = self.client.session_id().await?.context("no session")?;
        let body = json!({ "cmd": command, "params": params }).to_string();
        let request = http::Request::post(format!(
            "{}/session/{session}/goog/cdp/execute",
            self.driver_url
        ))
        .header("content-type", "application/json")
        .body(body.into())?;
        let answer = crate::client::Client::default().send(request).await?;
        let mut answer: Value = serde_json::from_slice(answer.body())?;
        anyhow::ensure!(answer["value"]["error"].is_null(), "{command}: {answer}");
        Ok(answer["value"].take())
    }

    /// Goes on looking in another way, without loading the page again.
    ///
    /// # Errors
    /// If the browser refuses.
    pub async fn look_as(&self, view: View) -> anyhow::Result<()> {
        let View {
            width,
            height,
            dark,
            phone,
        } = view;
        let scale = if phone { 2 } else { 1 };
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": phone });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics)
            .await?;
        let touch = json!({ "enabled": phone });
        self.devtools("Emulation.setTouchEmulationEnabled", touch)
            .await?;
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", media).await?;
        Ok(())
    }

    /// Leaves a picture of what is on screen under `target/screens/`.
    ///
    /// # Errors
    /// If the picture can't be taken or written.
    pub async fn screenshot(&self, name: &str) -> anyhow::Result<()> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/screens");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(
            folder.join(format!("{name}.png")),
            self.client.screenshot().await?,
        )?;
        Ok(())
    }

    /// The same of a part of the page, as long as it is.
    ///
    /// # Errors
    /// If there is no such part, or as above.
    pub async fn picture_of(&self, selector: &str, name: &str) -> anyhow::Result<()> {
        let script = "const box = document.querySelector(arguments[0]).getBoundingClientRect();
            return { x: 0, y: Math.max(0, box.top + scrollY - 24), width: document.documentElement.clientWidth, height: box.height + 48, scale: 1 };";
        let clip = self.run(script, vec![json!(selector)]).await?;
        let params = json!({ "clip": clip, "captureBeyondViewport": true });
        let picture = self.devtools("Page.captureScreenshot", params).await?;
        let picture = picture["data"].as_str().context("a picture")?;
        let picture = data_encoding::BASE64.decode(picture.as_bytes())?;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/screens");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(format!("{name}.png")), picture)?;
        Ok(())
    }

    /// Runs a script in the page and gives back what it returns.
    ///
    /// # Errors
    /// If the script throws.
    pub async fn run(&self, script: &str, args: Vec<Value>) -> anyhow::Result<Value> {
        Ok(self.client.execute(script, args).await?)
    }
}
