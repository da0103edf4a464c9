//! Bytes made of other bytes, always the same from the same seed.

use fastrand::Rng;

/// Pieces that mean something to one of the readers, and their neighbours that don't.
const WORDS: [&[u8]; 40] = [
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"{{",
    b"}}",
    b"{{{",
    b"}}}",
    b"{{#",
    b"{{/",
    b"{{^",
    b"{{=",
    b"&",
    b"\r\n",
    b"\n",
    b"\0",
    b"--",
    b"\r\n\r\n",
    b"\xff\xfe",
    b"\xc3",
    b"\xf0\x9f\xa6\x80",
    "\u{202e}".as_bytes(),
    b"%00",
    b"-1",
    b"18446744073709551616",
    b"1e999",
    b"0.1",
    b"null",
    b"true",
    b"\\ud800",
    b"\\u0000",
    b"id",
    b"data",
    b"__proto__",
    b"Content-Disposition: form-data; name=\"file\"; filename=\"a.cpp\"",
    b"multipart/form-data; boundary=x",
];

/// The longest that anything grows to, in bytes.
const LONGEST: usize = 64 * 1024;

/// One of the seeds with some changes, or a mixture of two.
pub fn mutated(seeds: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = seeds[rng.usize(..seeds.len())].clone();
    for _ in 0..rng.usize(1..8) {
        let at = rng.usize(..=bytes.len());
        match rng.u8(..8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << rng.u8(..8),
            1 if at < bytes.len() => bytes[at] = rng.u8(..),
            2 => bytes.truncate(at),
            3 => {
                let end = rng.usize(at..=bytes.len());
                bytes.drain(at..end);
            }
            4 => {
                let end = rng.usize(at..=bytes.len()).min(at + 4096);
                let piece = bytes[at..end].to_vec();
                let times = [1, 2, 3, 200][rng.usize(..4)];
                bytes.splice(at..at, piece.repeat(times));
            }
            5 => {
                let other = &seeds[rng.usize(..seeds.len())];
                let from = rng.usize(..=other.len());
                bytes.splice(at.., other[from..].iter().copied());
            }
            _ => {
                let word = WORDS[rng.usize(..WORDS.len())];
                bytes.splice(at..at, word.iter().copied());
            }
        }
        bytes.truncate(LONGEST);
    }
    bytes
}
