//! What of a deployed function's environment is for this one alone.

use function_url::config::BadVariable;

/// Every variable that is read here, besides those of [`function_url::config`].
pub const VARIABLES: [&str; 2] = ["HOOK_URL", "CREATION_CODE"];

/// How the API of one deployment is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// The hook URL with `{endpoint}` in it, and `{host}` where the host that the caller used belongs.
    pub hook_url: String,
    /// Required to create an endpoint; `None` if anybody may. A secret.
    pub creation_code: Option<String>,
}

impl Config {
    /// The configuration that an environment holds; `get` looks a variable up.
    ///
    /// # Errors
    /// Names the variable that is missing or can't be used.
    pub fn from_env(get: impl Fn(&str) -> Option<String>) -> Result<Self, BadVariable> {
        let present = |name: &'static str| get(name).filter(|value| !value.is_empty());
        Ok(Config {
            hook_url: present("HOOK_URL")
                .filter(|url| url.contains("{endpoint}"))
                .ok_or(BadVariable("HOOK_URL"))?,
            creation_code: present("CREATION_CODE"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(hook_url: &str) -> Result<Config, BadVariable> {
        Config::from_env(|name| {
            assert!(VARIABLES.contains(&name), "{name} is read and not listed");
            (name == "HOOK_URL").then(|| hook_url.to_owned())
        })
    }

    #[test]
    fn a_hook_url_that_leads_to_an_endpoint_is_enough() {
        let config = config("https://{host}/hook/{endpoint}").unwrap();
        assert_eq!(config.creation_code, None);
    }

    #[test]
    fn a_hook_url_without_a_place_for_the_endpoint_is_named() {
        for url in ["", "https://example.com/hook/"] {
            assert_eq!(config(url).unwrap_err(), BadVariable("HOOK_URL"));
        }
    }
}
