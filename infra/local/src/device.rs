//! The virtual devices of a stack. Each boots beside the rest, which does not wait for it, and is linked to the simulated
//! cloud as a device on a desk would be.

use std::time::Duration;

use anyhow::Context;
use device_link::DeviceState;
use simulated_cloud::DeviceLinks;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep_until},
};
use virtual_device::{config::Config, device::Device};

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
    state: watch::Receiver<DeviceState>,
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    /// Starts a device and returns before it has booted.
    ///
    /// # Errors
    /// If its folder can't be used.
    pub(crate) fn start(config: Config, links: DeviceLinks) -> anyhow::Result<Self> {
        let (name, folder) = (config.name.clone(), config.work_dir.clone());
        let (ours, theirs) = tokio::io::duplex(LINK_BYTES);
        let device = Device::start(config, ours).with_context(|| {
            let folder = folder.display();
            format!("the virtual device can't use the folder {folder}")
        })?;
        let linked = links.connect(theirs);
        let (stop, stopping) = watch::channel(());
        Ok(Running {
            id: device.id.clone(),
            name,
            state: device.state(),
            stop,
            task: tokio::spawn(keep_linked(device, linked, links, stopping)),
        })
    }

    /// The device's state, now and at every change. Its message is for a person, such as what compiler to install.
    pub fn state(&self) -> watch::Receiver<DeviceState> {
        self.state.clone()
    }

    /// Ends the device and its firmware, and waits until both are gone.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(());
        // Where it panicked it is over as well; the firmware's process went with it.
        let _ = self.task.await;
    }
}

/// Links the device again whenever the cloud drops it: for not keeping up, or because another device has its ID.
async fn keep_linked(
    device: Device,
    mut linked: JoinHandle<()>,
    links: DeviceLinks,
    mut stopping: watch::Receiver<()>,
) {
    let mut link_at = None;
    loop {
        tokio::select! {
            _ = stopping.changed() => break,
            _ = &mut linked, if link_at.is_none() => link_at = Some(Instant::now() + PAUSE),
            () = sleep_until(link_at.unwrap_or_else(Instant::now)), if link_at.is_some() => {
                link_at = None;
                let (ours, theirs) = tokio::io::duplex(LINK_BYTES);
                device.attach(ours).await;
                linked = links.connect(theirs);
            }
        }
    }
    device.shutdown().await;
}
