//! What the page may load and talk to, said to the browser in headers.

/// The `Content-Security-Policy` of the page.
///
/// Scripts and styles are allowed by path, never all of the origin's: below `/hook` and `/api` stand texts that strangers
/// wrote. Pictures may come from `blob:` too, where only the page's own scripts put something: the log shows those of a body.
/// `origin` is the page's own (`https://example.org`, no slash at the end); `connect` lists the origins of the clouds that it
/// may talk to besides its own.
fn content_security_policy(origin: &str, connect: &[&str]) -> String {
    let clouds: String = connect.iter().map(|cloud| format!(" {cloud}")).collect();
    format!(
        "default-src 'none'; \
         script-src {origin}/static/; \
         style-src {origin}/static/; \
         img-src 'self' blob:; \
         connect-src 'self'{clouds}; \
         base-uri 'none'; \
         form-action 'none'; \
         frame-ancestors 'none'; \
         require-trusted-types-for 'script'; \
         trusted-types 'none'"
    )
}

/// Every header that page and static files are served with besides type, length and cache policy.
pub fn headers(origin: &str, connect: &[&str]) -> Vec<(&'static str, String)> {
    vec![
        ("content-security-policy", content_security_policy(origin, connect)),
        ("x-content-type-options", "nosniff".into()),
        // A key may stand in a fragment only, which no referrer carries; the path tells others nothing they need.
        ("referrer-policy", "no-referrer".into()),
        ("cross-origin-opener-policy", "same-origin".into()),
        ("cross-origin-resource-policy", "same-origin".into()),
        (
            "permissions-policy",
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()".into(),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_and_styles_are_allowed_by_path_and_nothing_inline() {
        let policy = content_security_policy("https://hooks.example", &["https://api.particle.io"]);
        assert!(policy.starts_with("default-src 'none'; "));
        assert!(policy.contains("; script-src https://hooks.example/static/; "));
        assert!(policy.contains("; style-src https://hooks.example/static/; "));
        assert!(policy.contains("; connect-src 'self' https://api.particle.io; "));
        assert!(policy.contains("; img-src 'self' blob:; "));
        assert!(!policy.contains("unsafe") && !policy.contains("data:"));
        assert!(!policy.contains('\n'), "a header is one line");
    }

    #[test]
    fn without_a_cloud_the_page_talks_to_its_own_origin_alone() {
        let policy = content_security_policy("http://127.0.0.1:8787", &[]);
        assert!(policy.contains("; connect-src 'self'; "));
    }
}
