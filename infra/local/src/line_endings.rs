//! Refuses request heads with a bare LF.
//!
//! hyper takes a LF without CR for the end of a header line, as RFC 9112 (2.2) allows. Other HTTP software takes it for part of
//! the value, so a tunnel and this server could disagree about where a request ends and the next one begins. Therefore
//! [`StrictLineEndings`] turns such a LF into a NUL, which hyper answers with 400 and the end of the connection.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, ReadBuf};

/// The reading half of a connection, whose request heads are checked as they are read.
#[derive(Debug)]
pub(crate) struct StrictLineEndings<T> {
    io: T,
    heads: Heads,
}

impl<T> StrictLineEndings<T> {
    pub(crate) fn new(io: T) -> Self {
        let heads = Heads::default();
        StrictLineEndings { io, heads }
    }
}

/// Finds the heads among the bytes of a connection.
#[derive(Debug, Default)]
struct Heads {
    next: Next,
    /// The line that is being read, so far.
    line: Vec<u8>,
    /// What the head that is being read says of its body.
    body: Next,
}

/// What the next bytes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    #[default]
    Head,
    /// That many bytes of a body, and then a head.
    Body(u64),
    /// Nothing to check: a body after which the connection ends, an upgraded protocol, or what hyper refuses.
    Unchecked,
}

impl Heads {
    /// Checks the next bytes of the connection.
    fn check(&mut self, mut bytes: &mut [u8]) {
        while !bytes.is_empty() {
            let checked = match self.next {
                Next::Unchecked => return,
                Next::Body(length) => {
                    let here = bytes.len().min(usize::try_from(length).unwrap_or(usize::MAX));
                    self.next = match length - here as u64 {
                        0 => Next::Head,
                        left => Next::Body(left),
                    };
                    here
                }
                Next::Head => {
                    match (bytes[0], self.line.last()) {
                        (b'\n', Some(b'\r')) => self.end_line(),
                        (b'\n', _) => {
                            bytes[0] = 0;
                            self.next = Next::Unchecked;
                        }
                        (byte, _) => self.line.push(byte),
                    }
                    1
                }
            };
            bytes = &mut bytes[checked..];
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line == b"\r" {
            // Also a line before a request, which hyper ignores.
            self.next = std::mem::take(&mut self.body);
            return;
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = line.split_at(colon.unwrap_or(line.len()));
        if name.eq_ignore_ascii_case(b"content-length") {
            let length = std::str::from_utf8(&value[1..]);
            let length = length.ok().and_then(|text| text.trim().parse().ok());
            self.body = match (self.body, length) {
                (Next::Unchecked, _) | (_, None) => Next::Unchecked,
                (_, Some(0)) => Next::Head,
                (_, Some(length)) => Next::Body(length),
            };
        } else if [&b"transfer-encoding"[..], b"upgrade"]
            .iter()
            .any(|last| name.eq_ignore_ascii_case(last))
        {
            self.body = Next::Unchecked;
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for StrictLineEndings<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        self.heads.check(&mut buf.filled_mut()[before..]);
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks bytes that arrive in pieces of each size, and expects the same outcome for all.
    fn check(bytes: &[u8], expected: &[u8]) {
        for size in 1..=bytes.len() {
            let (mut heads, mut seen) = (Heads::default(), bytes.to_vec());
            for piece in seen.chunks_mut(size) {
                heads.check(piece);
            }
            assert_eq!(seen, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn a_bare_lf_is_refused_in_every_head_of_a_connection() {
        let first = b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\na\nb\n";
        check(first, first);
        for (second, refused) in [
            ("GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\0Host: a\r\n\r\n"),
            ("GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n", "GET / HTTP/1.1\r\nA: b\0C: d\r\n\r\n"),
            ("\n", "\0"),
        ] {
            let sent = [&first[..], second.as_bytes()].concat();
            check(&sent, &[&first[..], refused.as_bytes()].concat());
        }
    }

    #[test]
    fn what_is_no_head_is_left_alone() {
        for bytes in [
            &b"\r\nGET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"[..],
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n1\r\n\n\r\n0\r\n\r\n",
            b"GET / HTTP/1.1\r\nupgrade: lines\r\n\r\n{}\n{}\n",
        ] {
            check(bytes, bytes);
        }
    }
}
