//! A real function's process under the emulated Runtime API.

use std::{path::Path, time::Duration};

use runtime_api::{Environment, usage};

const WITHIN: Duration = Duration::from_secs(20);

async fn echo(variables: &[(&str, &str)]) -> Environment {
    let binary = Path::new(env!("CARGO_BIN_EXE_echo-function"));
    Environment::start(binary, variables)
        .await
        .expect("the echo function starts")
}

#[tokio::test]
async fn one_process_answers_event_after_event() {
    let mut function = echo(&[]).await;
    function.ready(WITHIN).await.unwrap();
    for event in [
        r#"{"n":1}"#,
        r#"{"é":"\u0000"}"#,
        "[]",
        &format!("{:?}", "x".repeat(4_000_000)),
    ] {
        let answer = function.invoke(event, WITHIN).await.unwrap();
        assert!(answer.ok);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&answer.json).unwrap(),
            serde_json::from_str::<serde_json::Value>(event).unwrap()
        );
    }
    let pid = function.pid().unwrap();
    assert!(usage::peak_memory_kib(pid).unwrap() > 1000);
    assert!(usage::cpu(pid).unwrap() > Duration::ZERO);
}

#[tokio::test]
async fn a_failure_is_an_answer_that_is_not_ok() {
    let mut function = echo(&[]).await;
    let answer = function
        .invoke(r#"{"fail":"because"}"#, WITHIN)
        .await
        .unwrap();
    assert!(!answer.ok);
    assert!(answer.json.contains("because"), "{}", answer.json);
    assert!(
        function.invoke("1", WITHIN).await.unwrap().ok,
        "and the next one is answered"
    );
}

#[tokio::test]
async fn a_function_that_ends_is_not_waited_for() {
    let mut function = echo(&[]).await;
    let error = function.invoke(r#"{"exit":1}"#, WITHIN).await.unwrap_err();
    assert!(error.to_string().contains("exit status: 3"), "{error}");
}

#[tokio::test]
async fn a_function_that_cannot_start_says_why() {
    let mut function = echo(&[("START", "no")]).await;
    let error = function.ready(WITHIN).await.unwrap_err();
    assert!(error.to_string().contains("told not to start"), "{error}");
}

#[tokio::test]
async fn a_killed_function_is_gone_and_what_it_wrote_is_kept() {
    let mut function = echo(&[]).await;
    assert!(function.invoke("1", WITHIN).await.unwrap().ok);
    let pid = function.pid().unwrap();
    assert!(!function.kill().await.unwrap().success());
    assert_eq!(usage::cpu(pid), None);
    let deadline = tokio::time::Instant::now() + WITHIN;
    while function.lines().is_empty() && tokio::time::Instant::now() < deadline {
        tokio::task::yield_now().await;
    }
    assert!(function.lines()[0].starts_with("answering 00000000-"));
}
