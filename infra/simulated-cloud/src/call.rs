//! One call of the API: its path, its caller and its content, in whichever encoding it came.

use std::{collections::HashMap, time::Duration};

use axum::{
    RequestExt,
    extract::{FromRequest, Multipart, Path, Request},
};
use http::{HeaderMap, header};
use serde_json::Value;

use crate::{
    app_state::AppState,
    json::{Object, to_text},
    response::{ApiError, api_error, bad_request, not_found, oauth_error},
    rng::digest,
    state::Token,
};

/// JSON and form bodies; the largest real one is a configuration with its templates.
const MAX_BODY_BYTES: usize = 256 * 1024;
/// Files to compile or flash: as JSON they must fit into one line of the device link.
const MAX_FILES_BYTES: usize = 512 * 1024;
/// Parts of one multipart body: 64 files and some fields.
const MAX_PARTS: usize = 80;
/// How long a body may take to arrive.
const BODY_LIMIT: Duration = Duration::from_secs(30);

/// A file of a multipart body.
pub(crate) struct Upload {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) struct Call {
    pub(crate) headers: HeaderMap,
    path: HashMap<String, String>,
    query: Vec<(String, String)>,
    /// The fields of a JSON object or a form, or of the text parts of a multipart body.
    pub(crate) body: Object,
    pub(crate) files: Vec<Upload>,
    pub(crate) multipart: bool,
}

impl Call {
    /// A named segment of the path, decoded.
    pub(crate) fn path(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A text field of the body. A number or a flag counts as its text, since a form cannot tell them apart.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        match self.body.get(name)? {
            Value::Null | Value::Array(_) | Value::Object(_) => None,
            value => Some(to_text(value)),
        }
    }

    /// The same of a field that may be missing and that a client may take for a place for JSON: 400 for a list or an object,
    /// which would otherwise be left out without a word.
    pub(crate) fn text_field(&self, name: &str) -> Result<Option<String>, ApiError> {
        match self.body.get(name) {
            Some(Value::Array(_) | Value::Object(_)) => {
                Err(bad_request(&format!("{name} must be text; put JSON into it as text")))
            }
            _ => Ok(self.field(name)),
        }
    }

    /// The access token, from the header, the query or the body.
    fn token(&self) -> Option<String> {
        let header = self.headers.get(header::AUTHORIZATION);
        let bearer = header.and_then(|value| {
            let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
            let is_bearer = scheme.eq_ignore_ascii_case("bearer");
            is_bearer.then(|| token.trim().to_owned())
        });
        bearer
            .or_else(|| self.query("access_token").map(str::to_owned))
            .or_else(|| self.field("access_token"))
    }

    /// The caller's token; 400 if it is missing, 401 if it is not valid now.
    pub(crate) fn signed_in(&self, app: &AppState) -> Result<Token, ApiError> {
        let token = self
            .token()
            .ok_or_else(|| oauth_error(400, "invalid_request", "The access token was not found"))?;
        let text = "The access token provided is invalid.";
        valid_token(app, &digest(&token)).ok_or_else(|| oauth_error(401, "invalid_token", text))
    }

    /// The product that the path names, if it names one.
    pub(crate) fn product(&self, app: &AppState) -> Result<Option<i64>, ApiError> {
        match self.path.get("product") {
            None => Ok(None),
            Some(name) => match app.state().product(name) {
                Some(product) => Ok(Some(product.id)),
                None => Err(not_found("Product")),
            },
        }
    }

    /// The id of the device that the path names by id or name; in a product only its own devices are found.
    pub(crate) fn device(&self, app: &AppState) -> Result<String, ApiError> {
        let product = self.product(app)?;
        let state = app.state();
        state
            .device(self.path("device"))
            .filter(|device| product.is_none() || device.product == product)
            .map(|device| device.id.clone())
            .ok_or_else(|| not_found("Device"))
    }

    /// Passwords, programs and buttons are for the tutorial's own page and for programs. Any other page open in the same
    /// browser could otherwise use this cloud as the person at the keyboard.
    pub(crate) fn own_page_only(&self, app: &AppState) -> Result<(), ApiError> {
        from_own_page(&self.headers, app)
    }
}

pub(crate) fn from_own_page(headers: &HeaderMap, app: &AppState) -> Result<(), ApiError> {
    let own = &app.config.page_origins;
    let mut origins = headers.get_all(header::ORIGIN).iter();
    if origins.all(|origin| own.iter().any(|own| own.as_bytes() == origin.as_bytes())) {
        return Ok(());
    }
    Err(api_error(
        403,
        "forbidden_origin",
        "the simulated cloud gives this to its own tutorial page only",
    ))
}

/// The token with this hash, if it has not expired. Comparing hashes reveals nothing about a token by its duration.
pub(crate) fn valid_token(app: &AppState, hash: &str) -> Option<Token> {
    let now = app.now();
    let state = app.state();
    let mut tokens = state.tokens.iter();
    let is_valid =
        |token: &&Token| token.hash == hash && token.expires_at.is_none_or(|at| at > now);
    tokens.find(is_valid).cloned()
}

// For any shared state: reading a call needs none of it.
impl<S: Send + Sync> FromRequest<S> for Call {
    type Rejection = ApiError;

    async fn from_request(mut request: Request, _: &S) -> Result<Self, ApiError> {
        let path = request.extract_parts::<Path<HashMap<String, String>>>().await;
        let path = path.map_err(|_| bad_request("the path is not UTF-8"))?.0;
        let query = request.uri().query().unwrap_or_default().as_bytes();
        let query = form_urlencoded::parse(query).into_owned().collect();
        let headers = request.headers().clone();
        let content_type = headers.get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let kind = content_type.unwrap_or_default().split(';').next();
        let kind = kind.unwrap_or_default().trim().to_ascii_lowercase();
        let multipart = kind == "multipart/form-data";
        let content = async {
            if multipart {
                return read_multipart(request).await;
            }
            let bytes = axum::body::to_bytes(request.into_limited_body(), MAX_BODY_BYTES).await;
            let bytes = bytes
                .map_err(|_| api_error(413, "too_large", "the body is larger than 256 KiB"))?;
            Ok((read_fields(&kind, &bytes)?, Vec::new()))
        };
        let content = tokio::time::timeout(BODY_LIMIT, content).await;
        let (body, files) = content
            .map_err(|_| api_error(408, "timeout", "the body took too long to arrive"))??;
        Ok(Self { headers, path, query, body, files, multipart })
    }
}

fn read_fields(kind: &str, bytes: &[u8]) -> Result<Object, ApiError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Object::new());
    }
    if kind == "application/x-www-form-urlencoded" {
        let fields = form_urlencoded::parse(bytes).into_owned();
        return Ok(fields.map(|(key, value)| (key, Value::String(value))).collect());
    }
    // Any other content type is read as JSON: clients often send a wrong one or none.
    let text = std::str::from_utf8(bytes).map_err(|_| bad_request("the body is not UTF-8"))?;
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(bad_request("the body must be a JSON object")),
        Err(error) => Err(bad_request(&format!("the body is not JSON: {error}"))),
    }
}

async fn read_multipart(request: Request) -> Result<(Object, Vec<Upload>), ApiError> {
    let malformed = || bad_request("the multipart body is malformed");
    let too_large = || api_error(413, "too_large", "the files are larger than 512 KiB together");
    let mut multipart: Multipart = request.extract().await.map_err(|_| malformed())?;
    let mut fields = Object::new();
    let mut files = Vec::new();
    let mut bytes_left = MAX_FILES_BYTES;
    while let Some(mut part) = multipart.next_field().await.map_err(|_| malformed())? {
        if fields.len() + files.len() >= MAX_PARTS {
            return Err(bad_request("the multipart body has too many parts"));
        }
        let name = part.name().unwrap_or("").to_owned();
        let file_name = part.file_name().map(str::to_owned);
        let mut bytes = Vec::new();
        while let Some(chunk) = part.chunk().await.map_err(|_| malformed())? {
            bytes_left = bytes_left.checked_sub(chunk.len()).ok_or_else(too_large)?;
            bytes.extend_from_slice(&chunk);
        }
        match file_name {
            Some(name) => files.push(Upload { name, bytes }),
            None => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                fields.insert(name, Value::String(text));
            }
        }
    }
    Ok((fields, files))
}
