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
    call::from_own_page,
    console, controls,
    core::Core,
    devices, events, flash,
    guesses::{CORS_HEADERS, CORS_MAX_AGE, CORS_METHODS},
    integrations,
    response::{ApiResult, api_error},
    signin, tokens,
};

pub(crate) fn routes(core: Arc<Core>) -> Router {
    // The same handlers under the paths of the account and of a product; they read the product from the path.
    let hooks = |router: Router<Arc<Core>>, base: &str| {
        router
            .route(base, get(integrations::list).post(integrations::create))
            .route(
                &format!("{base}/{{id}}"),
                get(integrations::get)
                    .put(integrations::edit)
                    .delete(integrations::delete),
            )
            .route(&format!("{base}/{{id}}/test"), post(integrations::test))
    };
    let mut router = Router::new()
        .route("/oauth/token", post(signin::token))
        .route("/v1/user", get(tokens::user))
        .route(
            "/v1/access_tokens",
            get(tokens::list).delete(tokens::delete_all),
        )
        .route(
            "/v1/access_tokens/current",
            get(tokens::current).delete(tokens::delete_current),
        )
        .route("/v1/access_tokens/{token}", delete(tokens::delete))
        .route("/v1/events/{*prefix}", get(events::all))
        .route("/v1/devices", get(devices::list))
        .route("/v1/devices/events", get(events::all).post(events::publish))
        .route("/v1/devices/events/{*prefix}", get(events::all))
        .route("/v1/devices/{device}", get(devices::get).put(devices::put))
        .route("/v1/devices/{device}/ping", put(devices::ping))
        .route("/v1/devices/{device}/events", get(events::of_device))
        .route(
            "/v1/devices/{device}/events/{*prefix}",
            get(events::of_device),
        )
        .route(
            "/v1/devices/{device}/{name}",
            get(devices::get_variable).post(devices::call_function),
        )
        .route("/v1/build_targets", get(flash::build_targets))
        .route("/v1/binaries", post(flash::compile_only))
        .route("/v1/binaries/{id}", get(flash::download))
        .route("/v1/products", get(devices::products))
        .route("/v1/products/{product}", get(devices::product))
        .route(
            "/v1/products/{product}/events",
            get(events::all).post(events::publish),
        )
        .route("/v1/products/{product}/events/{*prefix}", get(events::all))
        .route(
            "/v1/products/{product}/devices",
            get(devices::list_product).post(devices::add),
        )
        .route(
            "/v1/products/{product}/devices/{device}",
            get(devices::get).put(devices::put).delete(devices::remove),
        )
        .route(
            "/v1/products/{product}/devices/{device}/events",
            get(events::of_device),
        )
        .route(
            "/v1/products/{product}/devices/{device}/events/{*prefix}",
            get(events::of_device),
        )
        .route("/simulated/devices/link", any(controls::connect))
        .route("/simulated/devices/{device}", get(controls::state))
        .route("/simulated/devices/{device}/serial", get(controls::serial))
        .route("/simulated/devices/{device}/button", post(controls::button))
        .route("/simulated/devices/{device}/power", put(controls::power))
        .route("/simulated/devices/{device}/plug", put(controls::plug))
        .route("/integrations/webhooks/{id}", get(console::page));
    for base in [
        "/v1/integrations",
        "/v1/webhooks",
        "/v1/products/{product}/integrations",
        "/v1/products/{product}/webhooks",
    ] {
        router = hooks(router, base);
    }
    router
        .fallback(|| async {
            ApiResult::Err(api_error(404, "not_found", "there is nothing at this path"))
        })
        .method_not_allowed_fallback(|| async {
            ApiResult::Err(api_error(
                405,
                "method_not_allowed",
                "this path does not take this method",
            ))
        })
        .layer(from_fn_with_state(Arc::clone(&core), guard))
        .with_state(core)
}

/// Whether a name in a `Host` header is this computer and this port. A page of another site whose name was pointed here
/// (DNS rebinding) still sends its own name.
fn is_here(headers: &HeaderMap, uri: &http::Uri, port: u16) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (
        hosts.next().and_then(|host| host.to_str().ok()),
        hosts.next(),
    ) else {
        return false;
    };
    // A request line with a whole URL in it must not say something else than the header.
    let named = |host: &str| {
        ["127.0.0.1", "localhost", "[::1]"]
            .iter()
            .any(|name| host.eq_ignore_ascii_case(&format!("{name}:{port}")))
    };
    named(host)
        && uri
            .authority()
            .is_none_or(|authority| named(authority.as_str()))
}

async fn guard(Shared(core): Shared<Arc<Core>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let preflight = request.method() == Method::OPTIONS;
    let console = path.starts_with("/integrations/");
    let mut response = if !is_here(request.headers(), request.uri(), core.addr.port()) {
        api_error(
            421,
            "misdirected",
            "the simulated cloud answers to 127.0.0.1, localhost and [::1] only",
        )
        .into_response()
    } else if let Some(refusal) = (path == "/oauth/token" || path.starts_with("/simulated/"))
        .then(|| from_own_page(request.headers(), &core).err())
        .flatten()
    {
        refusal.into_response()
    } else if preflight && !console {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if !console {
        // Any page may call the real API, so any page may call this one; it needs a token, as there.
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            HeaderValue::from_static("*"),
        );
    }
    if preflight && !console {
        allow(headers);
    }
    response
}

fn allow(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, CORS_METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, CORS_HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, CORS_MAX_AGE),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
