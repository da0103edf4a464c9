//! The virtual devices of a stack. Each boots beside the rest, which does not wait for it, and is linked to the simulated cloud
//! cloud as a device on a desk would be.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use simulated_cloud::DeviceLinks;
use tokio::{
    io::DuplexStream,
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep_until},
};
use virtual_device::{
    compiler::Compiler,
    device::{Config, Device},
};

use crate::config::{CompilerAt, VirtualDevice};

/// What may be on its way between device and cloud before one waits for the other, in bytes.
const LINK_BYTES: usize = 64 * 1024;
/// How long after a lost link the next one is made.
const PAUSE: Duration = Duration::from_secs(1);

/// A virtual device that runs, or will in a moment.
pub struct Running {
    /// 24 hexadecimal digits.
    pub id: String,
    /// What its owner called it at first.
    pub name: String,
    message: watch::Receiver<Option<String>>,
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    /// Starts a device whose data is in `folder`, and returns before it has booted.
    ///
    /// # Errors
    /// If the folder can't be used.
    pub(crate) fn start(
        config: VirtualDevice,
        folder: PathBuf,
        links: DeviceLinks,
    ) -> anyhow::Result<Self> {
        let id = std::fs::create_dir_all(&folder)
            .and_then(|()| config.id.clone().map_or_else(|| id_in(&folder), Ok));
        let id = id.with_context(|| format!("the folder {} can't be used", folder.display()))?;
        let (said, message) = watch::channel(None);
        let (stop, stopping) = watch::channel(());
        let name = config.name.clone();
        let run = run(config, id.clone(), folder, links, said, stopping);
        Ok(Running {
            id,
            name,
            message,
            stop,
            task: tokio::spawn(run),
        })
    }

    /// One line for a person whenever there is something to say: that there is no compiler, and what to install.
    pub fn message(&self) -> watch::Receiver<Option<String>> {
        self.message.clone()
    }

    /// Ends the device and its firmware, and waits until both are gone.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(());
        // Where it panicked it is over as well; the firmware's process went with it.
        let _ = self.task.await;
    }
}

async fn run(
    config: VirtualDevice,
    id: String,
    work_dir: PathBuf,
    links: DeviceLinks,
    said: watch::Sender<Option<String>>,
    mut stopping: watch::Receiver<()>,
) {
    let compiler = match config.compiler {
        CompilerAt::ThisMachine => Compiler::find().await,
        CompilerAt::Nowhere => None,
    };
    let (ours, theirs) = tokio::io::duplex(LINK_BYTES);
    let device = Device::start(
        Config {
            id,
            name: config.name,
            power: config.power,
            speed: config.speed,
            seed: config.seed,
            work_dir,
            firmware: config.firmware,
            compiler,
        },
        ours,
    );
    let device = match device {
        Ok(device) => device,
        Err(error) => {
            said.send_replace(Some(format!("The virtual device did not start: {error}.")));
            return;
        }
    };
    let mut state = device.state();
    let mut linked = links.connect(theirs);
    let mut link_at = None;
    loop {
        tokio::select! {
            _ = stopping.changed() => break,
            changed = state.changed() => {
                if changed.is_err() {
                    break;
                }
                let message = state.borrow_and_update().message.clone();
                said.send_if_modified(|before| {
                    let is_news = *before != message;
                    *before = message;
                    is_news
                });
            }
            // The cloud lets go of a device that does not keep up, and of one whose ID another device shows.
            _ = &mut linked, if link_at.is_none() => link_at = Some(Instant::now() + PAUSE),
            () = sleep_until(link_at.unwrap_or_else(Instant::now)), if link_at.is_some() => {
                link_at = None;
                linked = link(&device, &links).await;
            }
        }
    }
    device.shutdown().await;
}

async fn link(device: &Device, links: &DeviceLinks) -> JoinHandle<()> {
    let (ours, theirs): (DuplexStream, DuplexStream) = tokio::io::duplex(LINK_BYTES);
    device.attach(ours).await;
    links.connect(theirs)
}

/// The ID that the device of this folder has had from its first start on.
fn id_in(folder: &Path) -> io::Result<String> {
    let file = folder.join("id");
    if let Ok(known) = std::fs::read_to_string(&file)
        && device_link::is_device_id(known.trim())
    {
        return Ok(known.trim().to_owned());
    }
    let id = virtual_device::device::random_id();
    let mut new = std::fs::File::create(&file)?;
    writeln!(new, "{id}")?;
    new.sync_all()?;
    Ok(id)
}
