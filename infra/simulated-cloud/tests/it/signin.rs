//! Passwords, one-time codes, and the life of tokens.

use std::time::Duration;

use serde_json::{Value, json};
use simulated_cloud::Config;

use crate::support::{ApiResponse, FORM, World, call, config, form, start, start_with};

async fn request_token(world: &World, fields: &[(&str, &str)]) -> ApiResponse {
    let headers = [FORM, ("Authorization", "Bearer null")];
    let body = form(fields);
    call(world.addr(), "POST", "/oauth/token", &headers, body.as_bytes()).await
}

async fn sign_in(world: &World, username: &str, password: &str) -> ApiResponse {
    let fields = [
        ("grant_type", "password"),
        ("username", username),
        ("password", password),
        ("client_id", "CLI2"),
    ];
    request_token(world, &fields).await
}

async fn send_code(world: &World, mfa_token: &str, code: &str) -> u16 {
    let fields = [
        ("grant_type", "urn:custom:mfa-otp"),
        ("mfa_token", mfa_token),
        ("otp", code),
        ("client_id", "particle"),
    ];
    request_token(world, &fields).await.status
}

async fn start_with_mfa() -> World {
    start_with(Config { mfa: Some("123456".to_owned()), ..config() }).await
}

async fn user(world: &World) -> u16 {
    world.status("GET", "/v1/user", Value::Null).await
}

#[tokio::test]
async fn a_token_is_read_from_header_query_and_form() {
    let world = start().await;
    let token = &world.token;
    let query = format!("/v1/user?access_token={token}");
    let body = form(&[("access_token", token), ("name", "x"), ("data", "1")]);
    let bearer = format!("bearer {token}");
    for (method, path, header, body) in [
        ("GET", query.as_str(), FORM, ""),
        ("POST", "/v1/devices/events", FORM, body.as_str()),
        ("GET", "/v1/user", ("Authorization", bearer.as_str()), ""),
    ] {
        let response = call(world.addr(), method, path, &[header], body.as_bytes()).await;
        assert_eq!(response.status, 200, "{path}");
    }
}

#[tokio::test]
async fn ten_wrong_passwords_lock_the_account_for_half_an_hour() {
    let world = start().await;
    let demo = world.cloud.credentials();
    for _ in 0..10 {
        let wrong = sign_in(&world, &demo.username, "wrong").await;
        assert_eq!(wrong.status, 400);
        assert_eq!(wrong.json()["error"], "invalid_grant");
    }
    let locked = sign_in(&world, &demo.username, &demo.password).await;
    assert_eq!(locked.status, 429);
    assert_eq!(locked.json()["error"], "account_locked");
    world.clock.advance(Duration::from_secs(1800));
    let unlocked = sign_in(&world, &demo.username, &demo.password).await;
    assert_eq!(unlocked.status, 200);
}

#[tokio::test]
async fn a_wrong_username_fails_and_a_success_resets_the_count() {
    let world = start().await;
    let demo = world.cloud.credentials();
    for _ in 0..2 {
        for _ in 0..9 {
            let nobody = sign_in(&world, "nobody@simulated.example", &demo.password).await;
            assert_eq!(nobody.status, 400);
        }
        let right = sign_in(&world, &demo.username, &demo.password).await;
        assert_eq!(right.status, 200);
    }
}

#[tokio::test]
async fn a_client_id_comes_by_form_or_basic_authentication() {
    let world = start().await;
    let demo = world.cloud.credentials();
    let fields =
        [("grant_type", "password"), ("username", &*demo.username), ("password", &*demo.password)];
    let missing = request_token(&world, &fields).await.json();
    assert_eq!(missing["error"], "invalid_client");
    // particle:particle
    let basic = ("Authorization", "Basic cGFydGljbGU6cGFydGljbGU=");
    let body = form(&fields);
    let headers = [FORM, basic];
    let accepted = call(world.addr(), "POST", "/oauth/token", &headers, body.as_bytes()).await;
    assert_eq!(accepted.status, 200);
    let other = [("grant_type", "client_credentials"), ("client_id", "x")];
    let other = request_token(&world, &other).await.json();
    assert_eq!(other["error"], "unsupported_grant_type");
}

#[tokio::test]
async fn a_second_factor_takes_the_right_code_once_and_in_time() {
    let world = start_with_mfa().await;
    let demo = world.cloud.credentials();
    let mfa_token = async || {
        let asked = sign_in(&world, &demo.username, &demo.password).await;
        assert_eq!(asked.status, 403);
        assert_eq!(asked.json()["error"], "mfa_required");
        asked.json()["mfa_token"].as_str().unwrap().to_owned()
    };
    let token = mfa_token().await;
    assert_eq!(send_code(&world, &token, "000000").await, 403);
    assert_eq!(send_code(&world, &token, "123456").await, 200);
    assert_eq!(send_code(&world, &token, "123456").await, 403);
    let token = mfa_token().await;
    world.clock.advance(Duration::from_secs(601));
    assert_eq!(send_code(&world, &token, "123456").await, 403);
}

#[tokio::test]
async fn a_token_expires() {
    let world = start().await;
    world.clock.advance(Duration::from_secs(3599));
    assert_eq!(user(&world).await, 200);
    world.clock.advance(Duration::from_secs(1));
    let expired = world.api("GET", "/v1/user", Value::Null).await;
    assert_eq!(expired.status, 401);
    let error = json!({"error": "invalid_token", "error_description": "The access token provided is invalid."});
    assert_eq!(expired.json(), error);
}

#[tokio::test]
async fn tokens_are_listed_without_their_text_and_deleted() {
    let world = start().await;
    let current = world.get("/v1/access_tokens/current").await;
    assert_eq!(current["expires_at"], "2026-11-23T12:00:00.000Z");
    assert_eq!(current["client_id"], "particle");
    let second = world.sign_in(&[]).await.json();
    let second = second["access_token"].as_str().unwrap();
    let list = world.get("/v1/access_tokens").await;
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert!(!list.to_string().contains(second));
    let path = format!("/v1/access_tokens/{second}");
    for status in [200, 404] {
        let deleted = call(world.addr(), "DELETE", &path, &[], b"").await;
        assert_eq!(deleted.status, status);
    }
    let path = "/v1/access_tokens/current";
    world.ok("DELETE", path, Value::Null).await;
    assert_eq!(user(&world).await, 401);
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
    assert_eq!(request_token(&world, &fields).await.status, 200);
    assert_eq!(request_token(&world, &fields).await.status, 400);
    let token = first["access_token"].as_str().unwrap();
    let query = format!("/v1/user?access_token={token}");
    let old = call(world.addr(), "GET", &query, &[], b"").await;
    assert_eq!(old.status, 401);
}

#[tokio::test]
async fn a_hundred_token_requests_in_five_minutes_are_the_limit() {
    let world = start().await;
    for _ in 1..100 {
        assert_eq!(world.sign_in(&[]).await.status, 200);
    }
    let refused = world.sign_in(&[]).await.json();
    assert_eq!(refused["error"], "too_many_requests");
    world.clock.advance(Duration::from_secs(300));
    assert_eq!(world.sign_in(&[]).await.status, 200);
}
