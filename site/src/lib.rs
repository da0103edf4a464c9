//! The page: what people read, as a folder of plain files.
//!
//! Same sources, same bytes: no clock, no network, no chance. Nothing here knows where the page will be served; both homes
//! take the files from [`files`] or [`build`], and the security policy from [`policy`]. In reading order:
//!
//! - [`source_files`]: what is read when the site is built
//! - [`site_file`]: one file of the site, with the type and the cache policy it must be served under
//! - [`policy`]: what the page may load and talk to
//! - [`prose`]: `content/*.md`, the words of the page
//! - [`webhook`], [`numbers`], [`examples`], [`firmware`], [`cards`]: what the prose takes by name
//! - [`device`]: what the page shows of the firmware as a whole
//! - [`markdown`], [`highlight`]: prose and code as HTML
//! - [`block`] and [`page`]: the templates that the words go into
//! - [`assets`]: `static/` and `style/`, the scripts and styles that the pages load
//!
//! Next: `static/begin.js` is what runs in the browser first, `static/app.js` once somebody has started.

pub mod assets;
pub mod block;
pub mod cards;
pub mod device;
pub mod examples;
pub mod firmware;
pub mod highlight;
pub mod markdown;
pub mod numbers;
pub mod page;
pub mod policy;
pub mod prose;
pub mod reply_presets;
pub mod site_file;
pub mod source_files;
pub mod webhook;

use std::{fs, path::Path};

use anyhow::{Context, Result};

pub use site_file::SiteFile;
pub use source_files::SourceFiles;

use crate::{
    assets::Assets,
    cards::Cards,
    device::DeviceSide,
    examples::Examples,
    firmware::Firmware,
    numbers::{FirmwareNumbers, LimitNumbers},
    prose::Sources,
    webhook::Webhook,
};

/// What a build needs to know.
#[derive(Clone, Debug)]
pub struct Options {
    pub sources: SourceFiles,
    /// Where the page will be, as `https://example.org`, for the picture that others show with a link to it: that one has to
    /// be named whole. Empty if nobody knows yet; then there is no picture.
    pub origin: String,
}

impl Default for Options {
    /// The checkout that this program was compiled in.
    fn default() -> Self {
        let site = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = site.parent().expect("the site is in a folder of the checkout").to_owned();
        Options { sources: SourceFiles::Checkout(root), origin: String::new() }
    }
}

/// Every file of the site, in the order of their paths.
///
/// # Errors
/// If a source can't be read, or prose names something that does not exist; the error says the file and the line.
pub fn files(options: &Options) -> Result<Vec<SiteFile>> {
    let sources = &options.sources;
    let webhook = sources.read("infra/particle/webhook.json")?;
    let source = sources.read_text(firmware::FILE)?;
    let firmware = Firmware::parse(&source)?;
    let own = sources.read_text(device::OWN_FILE)?;
    let numbers = FirmwareNumbers::new(&firmware)?;
    let device = DeviceSide::new(&firmware, &numbers, &own)?;
    let sections = prose::read(&Sources {
        webhook: Webhook::parse(&webhook)?,
        numbers,
        limits: LimitNumbers::default(),
        examples: Examples::read(sources)?,
        firmware,
        cards: Cards::new(&device)?,
        explained: Default::default(),
    })?;
    let assets = Assets::read(sources, webhook)?;
    let card = sources.read("site/card.png")?;
    let tutorial = page::tutorial(&assets, &sections, &options.origin)?;
    let mut files = vec![
        SiteFile::new("index.html", tutorial),
        SiteFile::new("log", page::log(&assets)?),
        SiteFile::new("404.html", page::not_found(&assets)?),
        SiteFile::new("favicon.svg", page::favicon()?),
        SiteFile::new("card.png", card),
        // The very file that the page flashes, to be downloaded.
        SiteFile::new(device.file_name, source),
        // Nothing below these two is for a search engine: hook URLs are secrets of their owners.
        SiteFile::new("robots.txt", "User-agent: *\nDisallow: /hook/\nDisallow: /api/\n"),
    ];
    files.extend(assets.files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// Writes the site into a folder, which is made if it is not there. Files of an older build stay: a page that is open
/// somewhere may still ask for them.
///
/// # Errors
/// As [`files`], or if the folder can't be written.
pub fn build(out: &Path, options: &Options) -> Result<()> {
    for file in files(options)? {
        let path = out.join(&file.path);
        let folder = path.parent().expect("a file of the site is in a folder");
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        fs::write(&path, &file.bytes).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}
