//! A file of the site as it goes over the wire: compressed, as the CDN of the other home does it, so that a measurement of
//! one says something of the other.
//!
//! CloudFront's rules: <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html>.
//! Which level of Brotli it uses is not said there; 5 is what servers commonly use for what is compressed on its way.

use std::{io::Write, ops::RangeInclusive, sync::OnceLock};

use brotli::enc::BrotliEncoderParams;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, header};
use site::SiteFile;

/// Smaller and larger files go as they are, in bytes.
const SIZES: RangeInclusive<usize> = 1_000..=10_000_000;
const BROTLI_LEVEL: i32 = 5;
const GZIP_LEVEL: u32 = 6;

/// A file, and what it compresses to once somebody has asked for that.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) content_type: &'static str,
    pub(crate) cache_control: &'static str,
    plain: Bytes,
    brotli: OnceLock<Bytes>,
    gzip: OnceLock<Bytes>,
}

impl From<SiteFile> for Packed {
    fn from(file: SiteFile) -> Self {
        Packed {
            content_type: file.content_type(),
            cache_control: file.cache_control(),
            plain: file.bytes.into(),
            brotli: OnceLock::new(),
            gzip: OnceLock::new(),
        }
    }
}

impl Packed {
    /// What a client that sent these headers gets, and the name of its encoding if it has one.
    pub(crate) fn for_client(&self, headers: &HeaderMap) -> (Bytes, Option<HeaderValue>) {
        let named = |name| Some(HeaderValue::from_static(name));
        if !self.can_be_packed() {
            (self.plain.clone(), None)
        } else if accepts(headers, "br") {
            let packed = self.brotli.get_or_init(|| brotli(&self.plain));
            (packed.clone(), named("br"))
        } else if accepts(headers, "gzip") {
            let packed = self.gzip.get_or_init(|| gzip(&self.plain));
            (packed.clone(), named("gzip"))
        } else {
            (self.plain.clone(), None)
        }
    }

    /// Whether the encoding depends on the client at all.
    pub(crate) fn can_be_packed(&self) -> bool {
        let kind = self.content_type;
        let is_text = kind.starts_with("text/") || kind.ends_with("json") || kind.ends_with("xml");
        is_text && SIZES.contains(&self.plain.len())
    }
}

/// Whether a client takes an encoding: it names it, and not with a weight of nothing.
fn accepts(headers: &HeaderMap, name: &str) -> bool {
    let named = headers.get_all(header::ACCEPT_ENCODING);
    let mut offers = named.iter().filter_map(|value| value.to_str().ok());
    offers.any(|value| {
        value.split(',').any(|offer| {
            let (encoding, weight) = offer.split_once(';').unwrap_or((offer, "q=1"));
            let weight = weight.trim().trim_start_matches("q=").parse::<f32>();
            encoding.trim().eq_ignore_ascii_case(name) && weight.is_ok_and(|weight| weight > 0.0)
        })
    })
}

fn brotli(plain: &[u8]) -> Bytes {
    let mut packed = Vec::new();
    let params = BrotliEncoderParams {
        quality: BROTLI_LEVEL,
        size_hint: plain.len(),
        ..BrotliEncoderParams::default()
    };
    brotli::BrotliCompress(&mut &plain[..], &mut packed, &params)
        .expect("memory can be read and written");
    packed.into()
}

fn gzip(plain: &[u8]) -> Bytes {
    let mut packer = GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL));
    packer
        .write_all(plain)
        .and_then(|()| packer.finish())
        .expect("memory can be written")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoding(file: SiteFile, accepted: &'static str) -> Option<HeaderValue> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted));
        Packed::from(file).for_client(&headers).1
    }

    #[test]
    fn text_is_compressed_as_the_client_can_read_it_and_as_the_cdn_would() {
        let page = || SiteFile::new("index.html", "word ".repeat(400));
        assert_eq!(encoding(page(), "gzip, deflate, br").unwrap(), "br");
        assert_eq!(encoding(page(), "gzip, br;q=0").unwrap(), "gzip");
        assert_eq!(encoding(page(), "GZIP;q=0.5").unwrap(), "gzip");
        assert_eq!(encoding(page(), "identity"), None);
        assert_eq!(encoding(page(), "gzip;q=0"), None);
        assert_eq!(encoding(SiteFile::new("a.js", "let a;"), "br"), None);
        assert_eq!(encoding(SiteFile::new("a.png", [0; 2000]), "br"), None);
    }

    #[test]
    fn what_is_unpacked_is_what_was_packed() {
        let plain = "a sentence, and the same again: a sentence".repeat(100);
        let mut back = Vec::new();
        brotli::BrotliDecompress(&mut &brotli(plain.as_bytes())[..], &mut back).unwrap();
        assert_eq!(back, plain.as_bytes());
        let mut back = flate2::write::GzDecoder::new(Vec::new());
        back.write_all(&gzip(plain.as_bytes())).unwrap();
        assert_eq!(back.finish().unwrap(), plain.as_bytes());
    }
}
