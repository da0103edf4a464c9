//! Which path leads to which handler, and which requests are refused before that.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State as Shared},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{any, delete, get, post, put},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::{
    app_state::AppState,
    call::from_own_page,
    console, controls, devices, events, flash, functions,
    guesses::{CORS_HEADERS, CORS_MAX_AGE, CORS_METHODS},
    integrations,
    response::api_error,
    secrets, signin, tokens,
};

pub(crate) fn routes(app: Arc<AppState>) -> Router {
    let mut router = Router::new()
        .route("/oauth/token", post(signin::token))
        .route("/v1/user", get(tokens::user))
        .route("/v1/access_tokens", get(tokens::list).delete(tokens::delete_all))
        .route("/v1/access_tokens/current", get(tokens::current).delete(tokens::delete_current))
        .route("/v1/access_tokens/{token}", delete(tokens::delete))
        .route("/v1/events/{*prefix}", get(events::all))
        .route("/v1/devices", get(devices::list))
        .route("/v1/devices/events", get(events::all).post(events::publish))
        .route("/v1/devices/events/{*prefix}", get(events::all))
        .route("/v1/devices/{device}", get(devices::get).put(devices::put))
        .route("/v1/devices/{device}/ping", put(devices::ping))
        .route("/v1/secrets", get(secrets::list).post(secrets::create))
        .route("/v1/secrets/{name}", get(secrets::get).put(secrets::update).delete(secrets::delete))
        .route("/v1/build_targets", get(flash::build_targets))
        .route("/v1/device-os/versions", get(flash::versions))
        .route("/v1/binaries", post(flash::compile_only))
        .route("/v1/binaries/{id}", get(flash::download))
        .route("/v1/products", get(devices::products))
        .route("/v1/products/{product}", get(devices::product))
        .route("/v1/products/{product}/events", get(events::all).post(events::publish))
        .route("/v1/products/{product}/events/{*prefix}", get(events::all))
        .route("/v1/products/{product}/devices", get(devices::list_product).post(devices::add))
        .route(
            "/v1/products/{product}/devices/{device}",
            get(devices::get).put(devices::put).delete(devices::remove),
        )
        .route("/simulated/devices/link", any(controls::connect))
        .route("/simulated/devices/{device}", get(controls::state))
        .route("/simulated/devices/{device}/serial", get(controls::serial))
        .route("/simulated/devices/{device}/button", post(controls::button))
        .route("/simulated/devices/{device}/power", put(controls::power))
        .route("/simulated/devices/{device}/plug", put(controls::plug))
        .route("/integrations/webhooks/{id}", get(console::page));
    // The same handlers serve the account and a product; they read the product from the path.
    for scope in ["/v1", "/v1/products/{product}"] {
        let device_events = format!("{scope}/devices/{{device}}/events");
        let registered = get(functions::get_variable).post(functions::call_function);
        router = router
            .route(&format!("{scope}/devices/{{device}}/{{name}}"), registered)
            .route(&device_events, get(events::of_device))
            .route(&format!("{device_events}/{{*prefix}}"), get(events::of_device));
        for hooks in ["integrations", "webhooks"] {
            let base = format!("{scope}/{hooks}");
            let hook = get(integrations::get).put(integrations::edit).delete(integrations::delete);
            router = router
                .route(&base, get(integrations::list).post(integrations::create))
                .route(&format!("{base}/{{id}}"), hook)
                .route(&format!("{base}/{{id}}/test"), post(integrations::test));
        }
    }
    router
        .fallback(async || api_error(404, "not_found", "there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            api_error(405, "method_not_allowed", "this path does not take this method")
        })
        .layer(from_fn_with_state(Arc::clone(&app), guard))
        .with_state(app)
}

/// Whether a request names this computer and this port. A page of another site whose name resolves to this computer (DNS
/// rebinding) still sends its own name.
fn is_here(headers: &HeaderMap, uri: &http::Uri, port: u16) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let is_named = |host: &str| {
        let names = ["127.0.0.1", "localhost", "[::1]"];
        let mut names = names.iter().map(|name| format!("{name}:{port}"));
        names.any(|name| host.eq_ignore_ascii_case(&name))
    };
    // A whole URL in the request line must agree with the header.
    let authority = uri.authority();
    host.to_str().is_ok_and(is_named)
        && authority.is_none_or(|authority| is_named(authority.as_str()))
}

/// Refuses requests of other sites, and adds the headers that every response has.
async fn guard(Shared(app): Shared<Arc<AppState>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_console = path.starts_with("/integrations/");
    let is_preflight = request.method() == Method::OPTIONS && !is_console;
    let refusal = if !is_here(request.headers(), request.uri(), app.addr.port()) {
        let text = "the simulated cloud answers to 127.0.0.1, localhost and [::1] only";
        Some(api_error(421, "misdirected", text))
    } else if path == "/oauth/token" || path.starts_with("/simulated/") {
        from_own_page(request.headers(), &app).err()
    } else {
        None
    };
    let is_allowed = refusal.is_none();
    let mut response = match refusal {
        Some(refusal) => refusal.into_response(),
        None if is_preflight => StatusCode::NO_CONTENT.into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    if !is_console {
        // Any page may call the real API, so any page may call this one; it needs a token, as there.
        set(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    }
    if is_preflight && is_allowed {
        set(header::ACCESS_CONTROL_ALLOW_METHODS, CORS_METHODS);
        set(header::ACCESS_CONTROL_ALLOW_HEADERS, CORS_HEADERS);
        set(header::ACCESS_CONTROL_MAX_AGE, CORS_MAX_AGE);
    }
    let no_store = HeaderValue::from_static("no-store");
    headers.entry(header::CACHE_CONTROL).or_insert(no_store);
    response
}
