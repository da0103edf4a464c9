//! One file of the site, and how it must be served.

/// A file below the site's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteFile {
    /// Path below the root, with `/` between and none in front.
    pub path: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl SiteFile {
    /// A file with this content.
    pub fn new(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        SiteFile { path: path.into(), bytes: bytes.into() }
    }

    /// The `Content-Type` to serve it with. Browsers refuse a module script of any other type than JavaScript's.
    pub fn content_type(&self) -> &'static str {
        match self.path.rsplit_once('.').map(|(_, ending)| ending) {
            // The page of the log is at `/log`.
            None | Some("html") => "text/html; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("js" | "mjs") => "text/javascript; charset=utf-8",
            Some("json") => "application/json",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            Some("txt" | "cpp" | "h") => "text/plain; charset=utf-8",
            _ => "application/octet-stream",
        }
    }

    /// The `Cache-Control` to serve it with: what has its hash in its path never changes, all else is asked for again.
    pub fn cache_control(&self) -> &'static str {
        if self.path.starts_with("static/") {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        }
    }
}
