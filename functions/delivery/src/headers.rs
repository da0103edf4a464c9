//! Headers: ordered pairs, nothing merged, nothing sorted.

use serde::{Deserialize, Serialize};

/// Header names and values in order. In JSON: `[["name","value"], …]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Headers(pub Vec<(String, String)>);

impl Headers {
    /// The first value under `name`, which is compared without regard to case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Headers {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Headers(pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).into())
    }
}
