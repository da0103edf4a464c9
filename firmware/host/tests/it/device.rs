//! The device as its cloud sees it: the lines of the link, against a cloud that is this test.

use std::{path::Path, time::Duration};

use device_link::{CloudMessage, ContentType, DeviceMessage, DeviceState, Hello, Link, Source};
use tokio::{
    io::DuplexStream,
    time::{Instant, timeout},
};
use virtual_device::{
    compiler::INSTALL_A_COMPILER,
    config::{CompilerAt, Config},
    device::Device,
    platform::Power,
    sandbox,
};

use crate::scenario::{ID, TUTORIAL};

/// The cloud's end of a device's link.
struct Cloud {
    link: Link<CloudMessage>,
    seen: Vec<DeviceMessage>,
}

impl Cloud {
    fn new() -> (Self, DuplexStream) {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let cloud = Self { link: Link::open(ours, 16), seen: Vec::new() };
        (cloud, theirs)
    }

    async fn send(&self, message: CloudMessage) {
        self.link.sender.send(message).await.unwrap();
    }

    async fn next(&mut self) -> DeviceMessage {
        let next = self.link.receiver.receive();
        let next = timeout(Duration::from_secs(60), next).await;
        let message: Option<DeviceMessage> =
            next.unwrap_or_else(|_| panic!("nothing more came after {:#?}", self.seen));
        let message = message.expect("the device ended the link");
        self.seen.push(message.clone());
        message
    }

    /// The next message that `wanted` makes something of; the ones before it are passed over. A device in its fast time never
    /// falls silent, so the deadline is for all of them together.
    async fn until<T>(&mut self, wanted: impl Fn(&DeviceMessage) -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_secs(60);
        while Instant::now() < deadline {
            if let Some(found) = wanted(&self.next().await) {
                return found;
            }
        }
        panic!("it did not come: {:#?}", self.seen);
    }

    async fn online(&mut self) {
        self.until(|message| (*message == DeviceMessage::Online).then_some(())).await;
    }

    async fn published(&mut self) -> (String, String) {
        self.until(|message| match message.clone() {
            DeviceMessage::Publish { name, data, .. } => Some((name, data.unwrap_or_default())),
            _ => None,
        })
        .await
    }

    async fn serial(&mut self, part: &str) -> String {
        self.until(|message| match message.clone() {
            DeviceMessage::Serial { line } if line.contains(part) => Some(line),
            _ => None,
        })
        .await
    }

    async fn state(&mut self, wanted: impl Fn(&DeviceState) -> bool) -> DeviceState {
        self.until(|message| match message.clone() {
            DeviceMessage::State(state) if wanted(&state) => Some(state),
            _ => None,
        })
        .await
    }

    /// Compiles a firmware of one file: the `size` table, or the compiler's output.
    async fn compile(&mut self, request: u64, text: &str) -> Result<String, String> {
        self.send(CloudMessage::Compile { request, files: vec![file(text)] }).await;
        self.until(|message| match message.clone() {
            DeviceMessage::Compiled { request: of, size, errors, .. } if of == request => {
                Some(size.ok_or_else(|| errors.unwrap()))
            }
            _ => None,
        })
        .await
    }

    /// Whether the flash under way succeeded.
    async fn flashed(&mut self) -> bool {
        self.until(|message| match message {
            DeviceMessage::Flashed { ok, .. } => Some(*ok),
            _ => None,
        })
        .await
    }
}

fn config(work_dir: &Path) -> Config {
    Config {
        id: Some(ID.into()),
        power: Power::Usb,
        speed: 60,
        work_dir: work_dir.into(),
        firmware: Some(vec![file(TUTORIAL)]),
        ..Config::default()
    }
}

fn file(text: &str) -> Source {
    Source { name: "webhook-tutorial.cpp".into(), text: text.into() }
}

async fn started(work_dir: &Path) -> (Device, Cloud) {
    start(config(work_dir))
}

fn start(config: Config) -> (Device, Cloud) {
    let (cloud, io) = Cloud::new();
    (Device::start(config, io).unwrap(), cloud)
}

#[tokio::test]
async fn it_says_hello_boots_connects_and_subscribes() {
    let dir = tempfile::tempdir().unwrap();
    let (_device, mut cloud) = started(dir.path()).await;
    let DeviceMessage::Hello(Hello { id, platform_id, firmware, compiler, .. }) =
        cloud.next().await
    else {
        panic!("{:?}", cloud.seen)
    };
    assert_eq!(
        (id.as_str(), platform_id, firmware.as_deref()),
        (ID, 13, Some("webhook-tutorial.cpp"))
    );
    assert!(compiler.is_some());
    assert!(matches!(
        cloud.next().await,
        DeviceMessage::State(DeviceState { running: false, plugged: true, .. })
    ));
    let state = cloud.state(|state| state.running).await;
    assert_eq!(
        state,
        DeviceState {
            running: true,
            plugged: true,
            power_source: Some(2),
            battery: None,
            message: sandbox::missing().map(str::to_owned),
        }
    );
    cloud.online().await;
    for what in ["hook-response", "hook-error"] {
        assert_eq!(
            cloud.next().await,
            DeviceMessage::Subscribe { prefix: format!("{ID}/{what}/WebhookTutorial01") }
        );
    }
}

#[tokio::test]
async fn a_click_is_published_and_its_response_printed() {
    let dir = tempfile::tempdir().unwrap();
    let (_device, mut cloud) = started(dir.path()).await;
    cloud.online().await;
    cloud.send(CloudMessage::Power { source: 5, battery: Some(50.5) }).await;
    cloud.state(|state| state.battery == Some(50.5) && state.power_source == Some(5)).await;
    cloud.send(CloudMessage::Press { clicks: 1 }).await;
    let line = cloud.serial(r#"publish WebhookTutorial01 {"op":"button""#).await;
    let (name, data) = cloud.published().await;
    assert_eq!(name, "WebhookTutorial01");
    assert!(
        line.ends_with(&data) && data.ends_with(r#","powerSource":5,"soc":50.5}"#),
        "{line} {data}"
    );
    let name = format!("{ID}/hook-response/WebhookTutorial01/0");
    let data = Some(r#"{"ok":true,"id":7}"#.into());
    cloud.send(CloudMessage::Event { name, data, content: ContentType::Text }).await;
    cloud.serial(r#"[app] INFO: hook response {"ok":true,"id":7}"#).await;
}

#[tokio::test]
async fn plugging_in_again_boots_from_the_beginning() {
    let dir = tempfile::tempdir().unwrap();
    let (_device, mut cloud) = started(dir.path()).await;
    cloud.published().await;
    cloud.send(CloudMessage::Plug { plugged: false }).await;
    cloud.until(|message| (*message == DeviceMessage::Offline).then_some(())).await;
    cloud.state(|state| !state.running && !state.plugged).await;
    cloud.send(CloudMessage::Plug { plugged: true }).await;
    cloud.online().await;
    let line = cloud.serial("publish").await;
    assert!(line.starts_with("00000600"), "{line}");
}

#[tokio::test]
async fn it_is_idle_until_a_program_is_flashed_which_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config { firmware: None, ..config(dir.path()) };
    let (device, mut cloud) = start(config.clone());
    cloud.serial("idle firmware: it publishes nothing").await;
    let idle = cloud.state(|state| state.running).await;
    cloud.online().await;
    cloud.send(CloudMessage::Press { clicks: 1 }).await;
    cloud.serial("MODE was tapped; the idle firmware does nothing").await;
    assert!(idle.message.unwrap().starts_with("It has the idle firmware"));
    assert!(!cloud.seen.iter().any(|message| matches!(message, DeviceMessage::Publish { .. })));
    let text = TUTORIAL.replace("60 * 1000", "30 * 1000");
    assert_ne!(text, TUTORIAL);
    let size = cloud.compile(7, &text).await.unwrap();
    cloud.send(CloudMessage::Flash { request: 7 }).await;
    cloud.state(|state| state.message.as_deref() == sandbox::missing()).await;
    assert!(cloud.flashed().await);
    let (head, numbers) = size.split_once('\n').unwrap();
    assert!(
        head.trim_start().starts_with("text")
            && numbers.trim_end().ends_with("webhook-tutorial.cpp"),
        "{size}"
    );
    cloud.online().await;
    assert!(cloud.serial("publish").await.starts_with("00000300"));
    device.shutdown().await;

    let (_device, mut cloud) = start(config);
    assert!(cloud.serial("publish").await.starts_with("00000300"));
}

#[tokio::test]
async fn a_broken_program_is_refused_and_the_old_one_keeps_running() {
    let dir = tempfile::tempdir().unwrap();
    let (_device, mut cloud) = started(dir.path()).await;
    cloud.online().await;
    let said = cloud
        .compile(1, &TUTORIAL.replace("lastPublishMs = now;", "lastPublish = now;"))
        .await
        .unwrap_err();
    assert!(
        said.contains("webhook-tutorial.cpp:")
            && said.contains("error: 'lastPublish' was not declared"),
        "{said}"
    );
    assert!(!said.contains(&*dir.path().to_string_lossy()) && !said.contains("/tmp"), "{said}");
    let said = cloud.compile(2, &TUTORIAL.replace("void loop()", "void lop()")).await.unwrap_err();
    assert!(said.contains("loop()") && !said.contains(&*dir.path().to_string_lossy()), "{said}");
    cloud.published().await;
    assert!(!cloud.seen.contains(&DeviceMessage::Offline));
}

#[tokio::test]
async fn without_a_compiler_it_says_what_to_install() {
    let dir = tempfile::tempdir().unwrap();
    let (mut cloud, io) = Cloud::new();
    let _device =
        Device::start(Config { compiler: CompilerAt::Nowhere, ..config(dir.path()) }, io).unwrap();
    assert!(matches!(cloud.next().await, DeviceMessage::Hello(Hello { compiler: None, .. })));
    let state = cloud.state(|state| state.message.is_some()).await;
    assert_eq!((state.running, state.message.as_deref()), (false, Some(INSTALL_A_COMPILER)));
    cloud.send(CloudMessage::Press { clicks: 1 }).await;
    assert_eq!(cloud.compile(1, TUTORIAL).await.unwrap_err(), INSTALL_A_COMPILER);
}

#[tokio::test]
async fn an_argon_has_no_power_management() {
    let dir = tempfile::tempdir().unwrap();
    let (mut cloud, io) = Cloud::new();
    let _device = Device::start(Config { power: Power::None, ..config(dir.path()) }, io).unwrap();
    assert!(matches!(cloud.next().await, DeviceMessage::Hello(Hello { platform_id: 12, .. })));
    let state = cloud.state(|state| state.running).await;
    assert_eq!((state.power_source, state.battery), (None, None));
    let (_, data) = cloud.published().await;
    assert!(
        data.starts_with(r#"{"op":"periodic","id":"#) && !data.contains("powerSource"),
        "{data}"
    );
}

#[tokio::test]
async fn unplugged_during_a_flash_it_fails_but_keeps_the_program() {
    let dir = tempfile::tempdir().unwrap();
    let (_device, mut cloud) = started(dir.path()).await;
    cloud.online().await;
    // The first of two that were compiled: a later compilation takes nothing away.
    let waits = "#include \"Particle.h\"\nSerialLogHandler logHandler;\nvoid setup() { delay(2000); Log.info(\"the new one\"); }\nvoid loop() {}\n";
    for (request, text) in [(1, waits), (2, TUTORIAL)] {
        cloud.compile(request, text).await.unwrap();
    }
    cloud.send(CloudMessage::Flash { request: 1 }).await;
    cloud.send(CloudMessage::Plug { plugged: false }).await;
    assert!(!cloud.flashed().await);
    cloud.send(CloudMessage::Plug { plugged: true }).await;
    cloud.serial("the new one").await;
}
