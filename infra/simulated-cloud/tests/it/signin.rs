//! Passwords, one-time codes, tokens and their end.

use std::time::Duration;

use serde_json::json;
use simulated_cloud::Config;

use crate::support::{ApiResponse, World, call, config, form, start, start_with};

async fn ask(world: &World, fields: &[(&str, &str)]) -> ApiResponse {
    let headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Authorization", "Bearer null"),
    ];
    call(
        world.addr(),
        "POST",
        "/oauth/token",
        &headers,
        form(fields).as_bytes(),
    )
    .await
}

async fn password(world: &World, password: &str) -> ApiResponse {
    let username = world.cloud.demo().username;
    ask(
        world,
        &[
            ("grant_type", "password"),
            ("username", &username),
            ("password", password),
            ("client_id", "CLI2"),
        ],
    )
    .await
}

#[tokio::test]
async fn the_password_gives_a_token_that_says_who_one_is() {
    let world = start().await;
    let answer = password(&world, &world.cloud.demo().password).await.json();
    assert_eq!(
        (&answer["token_type"], &answer["expires_in"]),
        (&json!("bearer"), &json!(7_776_000))
    );
    let token = answer["access_token"].as_str().unwrap();
    assert!(token.len() == 40 && token.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let user = world.api("GET", "/v1/user", None).await.json();
    assert_eq!(
        (&user["username"], &user["mfa"]["enabled"]),
        (&json!(world.cloud.demo().username), &json!(false))
    );
}

#[tokio::test]
async fn a_token_is_taken_from_the_header_the_query_and_the_form() {
    let world = start().await;
    let token = &world.token;
    assert_eq!(
        call(
            world.addr(),
            "GET",
            &format!("/v1/user?access_token={token}"),
            &[],
            b""
        )
        .await
        .status,
        200
    );
    let body = form(&[("access_token", token), ("name", "x"), ("data", "1")]);
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    assert_eq!(
        call(
            world.addr(),
            "POST",
            "/v1/devices/events",
            &headers,
            body.as_bytes()
        )
        .await
        .status,
        200
    );
    assert_eq!(
        call(
            world.addr(),
            "GET",
            "/v1/user",
            &[("Authorization", &format!("bearer {token}"))],
            b""
        )
        .await
        .status,
        200
    );
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_ten_of_them_lock_the_account_for_half_an_hour() {
    let world = start().await;
    for _ in 0..10 {
        let answer = password(&world, "wrong").await;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (400, &json!("invalid_grant"))
        );
    }
    let right = world.cloud.demo().password;
    let locked = password(&world, &right).await;
    assert_eq!(
        (locked.status, &locked.json()["error"]),
        (429, &json!("account_locked"))
    );
    world.clock.advance(Duration::from_secs(1800));
    assert_eq!(password(&world, &right).await.status, 200);
}

#[tokio::test]
async fn the_right_password_of_nobody_is_refused_and_success_forgives_failures() {
    let world = start().await;
    let right = world.cloud.demo().password;
    for round in 0..3 {
        for _ in 0..9 {
            let fields = [
                ("grant_type", "password"),
                ("username", "nobody@simulated.example"),
                ("password", &right),
                ("client_id", "CLI2"),
            ];
            assert_eq!(ask(&world, &fields).await.status, 400, "{round}");
        }
        assert_eq!(password(&world, &right).await.status, 200, "{round}");
    }
}

#[tokio::test]
async fn a_client_names_itself_in_the_form_or_by_basic_authentication() {
    let world = start().await;
    let demo = world.cloud.demo();
    let fields = [
        ("grant_type", "password"),
        ("username", &*demo.username),
        ("password", &*demo.password),
    ];
    assert_eq!(ask(&world, &fields).await.json()["error"], "invalid_client");
    let kind = ("Content-Type", "application/x-www-form-urlencoded");
    // particle:particle
    let basic = ("Authorization", "Basic cGFydGljbGU6cGFydGljbGU=");
    let body = form(&fields);
    let answer = call(
        world.addr(),
        "POST",
        "/oauth/token",
        &[kind, basic],
        body.as_bytes(),
    )
    .await;
    assert_eq!(answer.status, 200);
    let other = form(&[("grant_type", "client_credentials"), ("client_id", "x")]);
    let answer = call(
        world.addr(),
        "POST",
        "/oauth/token",
        &[kind],
        other.as_bytes(),
    )
    .await;
    assert_eq!(answer.json()["error"], "unsupported_grant_type");
}

#[tokio::test]
async fn a_second_factor_asks_for_the_code_and_takes_only_the_right_one() {
    let world = start_with(Config {
        mfa: Some("123456".to_owned()),
        ..config()
    })
    .await;
    let asked = password(&world, &world.cloud.demo().password).await;
    assert_eq!(
        (asked.status, &asked.json()["error"]),
        (403, &json!("mfa_required"))
    );
    let mfa_token = asked.json()["mfa_token"].as_str().unwrap().to_owned();
    let otp = |code: &'static str| {
        let fields = [
            ("grant_type", "urn:custom:mfa-otp"),
            ("mfa_token", &mfa_token),
            ("otp", code),
            ("client_id", "particle"),
        ];
        let fields: Vec<(String, String)> = fields
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let world = &world;
        async move {
            let fields: Vec<(&str, &str)> = fields
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str()))
                .collect();
            ask(world, &fields).await
        }
    };
    let wrong = otp("000000").await;
    assert_eq!(
        (wrong.status, &wrong.json()["error"]),
        (403, &json!("invalid_grant"))
    );
    let right = otp("123456").await;
    assert_eq!(right.status, 200);
    assert_eq!(
        otp("123456").await.status,
        403,
        "a sign-in ends with its token"
    );
}

#[tokio::test]
async fn a_sign_in_does_not_wait_for_its_code_for_ever() {
    let world = start_with(Config {
        mfa: Some("123456".to_owned()),
        ..config()
    })
    .await;
    let asked = password(&world, &world.cloud.demo().password).await.json();
    world.clock.advance(Duration::from_secs(601));
    let fields = [
        ("grant_type", "urn:custom:mfa-otp"),
        ("mfa_token", asked["mfa_token"].as_str().unwrap()),
        ("otp", "123456"),
        ("client_id", "x"),
    ];
    assert_eq!(ask(&world, &fields).await.status, 403);
}

#[tokio::test]
async fn a_token_ends_when_its_time_is_over() {
    let world = start().await;
    world.clock.advance(Duration::from_secs(3599));
    assert_eq!(world.api("GET", "/v1/user", None).await.status, 200);
    world.clock.advance(Duration::from_secs(1));
    let over = world.api("GET", "/v1/user", None).await;
    assert_eq!(over.status, 401);
    assert_eq!(
        over.json(),
        json!({"error": "invalid_token", "error_description": "The access token provided is invalid."})
    );
}

#[tokio::test]
async fn a_token_can_be_looked_at_and_ended() {
    let world = start().await;
    let current = world
        .api("GET", "/v1/access_tokens/current", None)
        .await
        .json();
    assert_eq!(
        (&current["expires_at"], &current["client_id"]),
        (&json!("2026-11-23T12:00:00.000Z"), &json!("particle"))
    );
    let second = world.sign_in(&[]).await.json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let list = world.api("GET", "/v1/access_tokens", None).await;
    assert_eq!(list.json().as_array().unwrap().len(), 2);
    assert!(!list.body.contains(&second), "a list shows no whole token");
    assert_eq!(
        call(
            world.addr(),
            "DELETE",
            &format!("/v1/access_tokens/{second}"),
            &[],
            b""
        )
        .await
        .json(),
        json!({"ok": true})
    );
    assert_eq!(
        call(
            world.addr(),
            "DELETE",
            &format!("/v1/access_tokens/{second}"),
            &[],
            b""
        )
        .await
        .status,
        404
    );
    assert_eq!(
        world
            .api("DELETE", "/v1/access_tokens/current", None)
            .await
            .json(),
        json!({"ok": true})
    );
    assert_eq!(world.api("GET", "/v1/user", None).await.status, 401);
}

#[tokio::test]
async fn a_refresh_token_replaces_the_pair_once() {
    let world = start().await;
    let first = world.sign_in(&[]).await.json();
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", first["refresh_token"].as_str().unwrap()),
        ("client_id", "x"),
    ];
    assert_eq!(ask(&world, &fields).await.status, 200);
    assert_eq!(ask(&world, &fields).await.status, 400);
    let query = format!(
        "/v1/user?access_token={}",
        first["access_token"].as_str().unwrap()
    );
    assert_eq!(
        call(world.addr(), "GET", &query, &[], b"").await.status,
        401
    );
}

#[tokio::test]
async fn a_hundred_requests_for_tokens_in_five_minutes_are_enough() {
    let world = start().await;
    for _ in 1..100 {
        assert_eq!(world.sign_in(&[]).await.status, 200);
    }
    assert_eq!(
        world.sign_in(&[]).await.json()["error"],
        "too_many_requests"
    );
    world.clock.advance(Duration::from_secs(300));
    assert_eq!(world.sign_in(&[]).await.status, 200);
}
