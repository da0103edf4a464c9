//! A function starts whatever the state of its table: what is wrong with that is for the first request to say.

use std::time::Duration;

use bytes::Bytes;
use delivery::millis::Millis;
use http::Request;
use local::gateway::{self, Arrived};
use runtime_api::Environment;
use tests::{DEADLINE, program};
use tokio::net::TcpListener;

/// Well above what a function waits for its table before it starts, and well below what Lambda gives it for that.
const LAMBDA_GIVES: Duration = Duration::from_secs(10);

async fn start(binary: &str, url: &str) -> Environment {
    let variables = [
        ("TABLE_NAME", "nowhere"),
        ("HOOK_URL", crate::HOOK_URL),
        ("AWS_ENDPOINT_URL_DYNAMODB", url),
    ];
    let mut function = Environment::start(&program(binary), &variables).await.unwrap();
    function.ready(LAMBDA_GIVES).await.unwrap();
    function
}

#[tokio::test]
async fn functions_start_and_answer_503_without_a_table() {
    let refusing = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let arrived = Arrived { from: [203, 0, 113, 7].into(), port: 443, at: Millis(0) };
    let request = |path: &str, key: &str| {
        let request = Request::get(path).header("authorization", key);
        let event = gateway::event(&request.body(Bytes::new()).unwrap(), arrived, "id").unwrap();
        String::from_utf8(event).unwrap()
    };
    let hook = request("/hook/b7nihh2yefj2lxoxyqgcjpq6pi", "");
    let log = request("/api/log", "Bearer own_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
    for addr in [refusing, silent.local_addr().unwrap()] {
        for (binary, event) in [("receiver", &hook), ("api", &log)] {
            let mut function = start(binary, &format!("http://{addr}")).await;
            let answer = function.invoke(event, DEADLINE).await.unwrap();
            let response = gateway::response(answer.json.as_bytes()).unwrap();
            assert_eq!(response.status(), 503, "{binary}: {}", answer.json);
            function.kill().await.unwrap();
        }
    }
}
