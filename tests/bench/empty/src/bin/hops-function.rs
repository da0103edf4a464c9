//! The same hops as a webhook's, and nothing else: what the emulator, the loopback and the wake-ups between processes take.
//!
//! `HOPS_TO` is where the table is, `HOPS_CALLS` a file with what the receiver sent there: for each call its length in four
//! bytes, then the call, head and all. Each event is answered after all of them were sent and answered in turn.
#![allow(
    clippy::disallowed_methods,
    reason = "the environment is read here, once"
)]

use std::sync::Arc;

use lambda_http::{Body, Error, Request, Response, run, service_fn};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Mutex,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut file = std::fs::read(std::env::var("HOPS_CALLS")?)?.into_iter();
    let mut calls: Vec<Vec<u8>> = Vec::new();
    while let Some(first) = file.next() {
        let mut length = [first; 4];
        length[1..].fill_with(|| file.next().unwrap_or_default());
        let length = usize::try_from(u32::from_be_bytes(length))?;
        calls.push(file.by_ref().take(length).collect());
    }
    let stream = TcpStream::connect(std::env::var("HOPS_TO")?).await?;
    stream.set_nodelay(true)?;
    let table = Arc::new((Mutex::new(stream), calls));
    run(service_fn(move |_: Request| {
        let table = Arc::clone(&table);
        async move {
            let mut stream = table.0.lock().await;
            for call in &table.1 {
                stream.write_all(call).await?;
                whole_answer(&mut stream).await?;
            }
            Ok::<_, Error>(Response::new(Body::from("{\"ok\":true,\"id\":1652008511}")))
        }
    }))
    .await
}

/// Reads an answer to its end, which its content-length says.
async fn whole_answer(stream: &mut TcpStream) -> Result<(), Error> {
    let mut answer = Vec::with_capacity(4096);
    loop {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err("the table hung up".into());
        }
        let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let text = str::from_utf8(&answer[..head])?.to_ascii_lowercase();
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.ok_or("no content-length")?.trim().parse()?;
        if answer.len() >= head + 4 + length {
            return Ok(());
        }
    }
}
