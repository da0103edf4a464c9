//! Connects a device to a simulated cloud in another process of this machine: `GET /simulated/devices/link`, upgraded.

use std::io;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A response's head is far smaller.
const HEAD_LIMIT: usize = 16 * 1024;

/// Connects to the simulated cloud at `cloud`, such as `http://127.0.0.1:8788`, with an account's access token. What comes back
/// is a device link.
///
/// Only this machine's own addresses are allowed: the token travels unencrypted, and the server may have programs
/// compiled and run here.
///
/// # Errors
/// In one line for a person: the address is not allowed, nothing listens there, or the cloud refused.
pub async fn connect(cloud: &str, token: &str) -> io::Result<TcpStream> {
    let invalid = |text: &str| io::Error::new(io::ErrorKind::InvalidInput, text.to_owned());
    let host = loopback(cloud).ok_or_else(|| {
        invalid("the cloud must be http://127.0.0.1:PORT or http://localhost:PORT")
    })?;
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(invalid("the token is empty or contains characters that no token has"));
    }
    let mut stream = TcpStream::connect(host).await?;
    let request = format!(
        "GET /simulated/devices/link HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: device-link\r\n\
         Authorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;

    // Byte by byte, because what follows the head is the link's already.
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= HEAD_LIMIT {
            return Err(invalid("the server there is not a simulated cloud"));
        }
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head);
    match head.split_whitespace().nth(1) {
        Some("101") => Ok(stream),
        Some("401") => Err(invalid("the cloud does not know this token")),
        Some(status) => Err(invalid(&format!("the cloud refused the device: status {status}"))),
        None => Err(invalid("the server there is not a simulated cloud")),
    }
}

/// The host and port of a URL of this machine.
fn loopback(cloud: &str) -> Option<&str> {
    let host = cloud.strip_prefix("http://")?.trim_end_matches('/');
    let (name, port) = host.rsplit_once(':')?;
    (matches!(name, "127.0.0.1" | "localhost" | "[::1]") && port.parse::<u16>().is_ok())
        .then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_sent_to_this_machine_only() {
        assert_eq!(loopback("http://127.0.0.1:8788/"), Some("127.0.0.1:8788"));
        assert_eq!(loopback("http://[::1]:8788"), Some("[::1]:8788"));
        for elsewhere in [
            "https://127.0.0.1:1",
            "http://127.0.0.1",
            "http://example.com:80",
            "http://localhost:1@example.com:2",
            "127.0.0.1:1",
        ] {
            assert_eq!(loopback(elsewhere), None, "{elsewhere}");
        }
    }
}
