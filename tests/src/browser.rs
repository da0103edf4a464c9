//! A real browser by WebDriver: Chromium, and for the main journey Firefox and WebKit too.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::Context;
use data_encoding::BASE64;
use fantoccini::{Client, ClientBuilder};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::eventually_or;

/// A browser of its own, with a fresh profile; it ends when the value is dropped.
///
/// A test that fails leaves a screenshot under `target/screens/` and prints its path, what the page wrote to the console,
/// and the command that runs this test alone.
#[derive(Debug)]
pub struct Browser {
    /// The session.
    pub client: Client,
    /// The session's path at the driver.
    session: String,
    driver: Driver,
    _profile: tempfile::TempDir,
}

/// Which browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Chromium,
    Firefox,
    WebKit,
}

/// A driver and the browser that it started, in a process group of their own.
///
/// All of them are killed on drop: a test that fails does not close its session, and a browser whose driver was killed would
/// draw its page for ever.
#[derive(Debug)]
struct Driver {
    child: Child,
    addr: SocketAddr,
}

impl Driver {
    async fn start(engine: Engine) -> anyhow::Result<Self> {
        // The port is free until the driver takes it, unless another program is quicker: then the driver ends.
        let addr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let port = addr.port().to_string();
        let mut command = match engine {
            Engine::Chromium => Command::new("chromedriver"),
            Engine::Firefox => Command::new(geckodriver()),
            Engine::WebKit => {
                let mut command = Command::new("xvfb-run");
                command
                    .args(["-a", "WebKitWebDriver"])
                    // Needed as root, and without a graphics processor.
                    .env("WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS", "1")
                    .env("LIBGL_ALWAYS_SOFTWARE", "1");
                command
            }
        };
        match engine {
            Engine::Firefox => command.args(["--port", &port]),
            Engine::Chromium | Engine::WebKit => command.arg(format!("--port={port}")),
        };
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("no driver for {engine:?}; tests/run installs it"))?;
        let mut driver = Driver { child, addr };
        let listens = eventually_or("the driver listens", || {
            let ended = driver.child.try_wait();
            async move {
                match tokio::net::TcpStream::connect(addr).await {
                    Ok(_) => Ok(true),
                    Err(_) if matches!(ended, Ok(Some(_))) => Ok(false),
                    Err(error) => Err(error),
                }
            }
        })
        .await;
        anyhow::ensure!(listens, "the driver of {engine:?} ended at its start");
        Ok(driver)
    }

    /// A call that works while a test panics, when nothing can be awaited.
    fn call_blocking(&self, path: &str, body: Option<&str>) -> anyhow::Result<Value> {
        let mut curl = std::process::Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "10"]);
        if let Some(body) = body {
            curl.args(["--json", body]);
        }
        let output = curl.arg(format!("http://{}{path}", self.addr)).output()?;
        let mut response: Value = serde_json::from_slice(&output.stdout)
            .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
        Ok(response["value"].take())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

/// The one that `tests/run` builds, or the one on the PATH.
fn geckodriver() -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/bin/geckodriver");
    if built.is_file() { built } else { "geckodriver".into() }
}

fn screens() -> std::io::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/screens");
    std::fs::create_dir_all(&folder)?;
    folder.canonicalize()
}

impl Drop for Browser {
    #[allow(clippy::print_stderr, reason = "whoever runs the tests reads why one failed")]
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let thread = std::thread::current();
        let test = thread.name().unwrap_or_default().to_owned();
        let shown = || -> anyhow::Result<PathBuf> {
            let path = format!("{}/screenshot", self.session);
            let picture = self.driver.call_blocking(&path, None)?;
            let picture = BASE64.decode(picture.as_str().context("no picture")?.as_bytes())?;
            let file = screens()?.join(format!("failed-{}.png", test.replace("::", "-")));
            std::fs::write(&file, picture)?;
            Ok(file)
        };
        match shown() {
            Ok(file) => eprintln!("the page when the test failed: {}", file.display()),
            Err(error) => eprintln!("no screenshot of the failure: {error}"),
        }
        let path = format!("{}/se/log", self.session);
        let lines = self.driver.call_blocking(&path, Some(r#"{"type":"browser"}"#));
        for line in lines.iter().flat_map(|lines| lines.as_array()).flatten() {
            eprintln!("console: {}", line["message"]);
        }
        eprintln!("this test alone: tests/run {test}");
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
pub const LIGHT: View = View { width: 1280, height: 900, dark: false, phone: false };
/// A laptop at night.
pub const DARK: View = View { width: 1280, height: 900, dark: true, phone: false };
/// The smallest phone that is supported.
pub const PHONE: View = View { width: 360, height: 780, dark: false, phone: true };

/// The ways that whatever is new on the page is looked at, with the names that their pictures get.
pub const VIEWS: [(&str, View); 3] = [("light", LIGHT), ("dark", DARK), ("phone", PHONE)];

/// A phone, as chromedriver takes it.
fn metrics(view: View) -> Value {
    json!({ "width": view.width, "height": view.height, "pixelRatio": 2, "touch": true, "mobile": true })
}

impl Browser {
    /// Starts Chromium.
    ///
    /// # Errors
    /// If Chromium or its driver does not start.
    pub async fn start(view: View) -> anyhow::Result<Self> {
        Browser::start_with(view, &[]).await
    }

    /// The same with more of Chromium's flags.
    ///
    /// # Errors
    /// As [`Browser::start`].
    pub async fn start_with(view: View, flags: &[&str]) -> anyhow::Result<Self> {
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
        Browser::connect(Engine::Chromium, capabilities, profile).await
    }

    /// Starts any of the browsers, in a window of the size that it has by default.
    ///
    /// # Errors
    /// If the browser or its driver does not start.
    pub async fn start_in(engine: Engine) -> anyhow::Result<Self> {
        let capabilities = match engine {
            Engine::Chromium => return Browser::start(LIGHT).await,
            Engine::Firefox => json!({
                "browserName": "firefox",
                "moz:firefoxOptions": { "args": ["-headless"], "binary": "/usr/bin/firefox-esr" },
            }),
            Engine::WebKit => {
                let binary = format!(
                    "/usr/lib/{}-linux-gnu/webkit2gtk-4.1/MiniBrowser",
                    std::env::consts::ARCH
                );
                json!({ "webkitgtk:browserOptions": { "binary": binary, "args": ["--automation"] } })
            }
        };
        Browser::connect(engine, capabilities, tempfile::tempdir()?).await
    }

    async fn connect(
        engine: Engine,
        capabilities: Value,
        profile: tempfile::TempDir,
    ) -> anyhow::Result<Self> {
        let driver = match Driver::start(engine).await {
            Ok(driver) => driver,
            Err(_) => Driver::start(engine).await?,
        };
        let Value::Object(capabilities) = capabilities else {
            anyhow::bail!("capabilities are an object");
        };
        let client = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://{}", driver.addr))
            .await?;
        let session = client.session_id().await?.context("no session")?;
        Ok(Browser { client, session: format!("/session/{session}"), driver, _profile: profile })
    }

    /// Sends a command of the DevTools protocol (<https://chromedevtools.github.io/devtools-protocol/>), and gives back its
    /// result.
    ///
    /// # Errors
    /// If the browser refuses it.
    pub async fn devtools(&self, command: &str, params: Value) -> anyhow::Result<Value> {
        let body = json!({ "cmd": command, "params": params }).to_string();
        let request = http::Request::post(format!(
            "http://{}{}/goog/cdp/execute",
            self.driver.addr, self.session
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
        let View { width, height, dark, phone } = view;
        let scale = if phone { 2 } else { 1 };
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": phone });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await?;
        let touch = json!({ "enabled": phone });
        self.devtools("Emulation.setTouchEmulationEnabled", touch).await?;
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
        let picture = self.client.screenshot().await?;
        std::fs::write(screens()?.join(format!("{name}.png")), picture)?;
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
        let picture = BASE64.decode(picture.as_bytes())?;
        std::fs::write(screens()?.join(format!("{name}.png")), picture)?;
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
