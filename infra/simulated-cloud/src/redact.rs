//! Replaces what could be a secret by its length.

pub(crate) fn redacted(text: &str) -> String {
    format!("({} characters, hidden)", text.chars().count())
}

/// A URL, valid or not, without its user information and query values, where keys are often sent. The path remains: it tells
/// two hooks apart.
pub(crate) fn url(url: &str) -> String {
    let (place, query) =
        url.split_once('?').map_or((url, None), |(place, query)| (place, Some(query)));
    let host_at = place.find("://").map_or(0, |scheme| scheme + 3);
    let (scheme, rest) = place.split_at(host_at);
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let place = format!("{scheme}{host}{path}");
    match query {
        None => place,
        Some(query) => format!("{place}?{}", pairs(query, &[])),
    }
}

/// A query or form without its values, but for those of the names that are `shown`.
pub(crate) fn pairs(encoded: &str, shown: &[&str]) -> String {
    let pairs: Vec<String> = encoded
        .split('&')
        .map(|pair| match pair.split_once('=') {
            None => redacted(pair),
            Some((name, _)) if shown.contains(&name) => pair.to_owned(),
            Some((name, value)) => format!("{name}={}", redacted(value)),
        })
        .collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_what_may_be_secret() {
        let cases = [
            ("http://h/hook/abc", "http://h/hook/abc"),
            (
                "http://h/p?key=abc&b=&flag",
                "http://h/p?key=(3 characters, hidden)&b=(0 characters, hidden)&(4 characters, hidden)",
            ),
            ("http://me:pass@h:80/p", "http://h:80/p"),
            ("me:pass@h:80/p", "h:80/p"),
            ("http://h/@path", "http://h/@path"),
            ("/path", "/path"),
            ("", ""),
        ];
        for (given, expected) in cases {
            assert_eq!(url(given), expected);
        }
    }
}
