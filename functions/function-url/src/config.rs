//! The environment of a deployed function, read once at its start: what both functions need. The api reads two variables more.

use delivery::limits::Limits;

use crate::log::Level;

/// Every variable that is read here; the deployment's template gives each function these and its own, and no other.
pub const VARIABLES: [&str; 9] = [
    "TABLE_NAME",
    "ORIGIN_SECRET",
    "CONNECT_AT_START",
    "MAX_DELIVERIES",
    "DELIVERY_TTL_S",
    "ENDPOINT_TTL_S",
    "MAX_DELAY_MS",
    "ENDPOINT_UNITS_PER_S",
    "LOG_LEVEL",
];

/// How one deployment is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// The table.
    pub table: String,
    /// What the CDN presents: a secret, or two with a blank between while one replaces the other.
    pub origin_secret: Option<String>,
    /// Whether the table is connected to before the first event is asked for.
    pub connect_at_start: bool,
    /// Limits of the deployment.
    pub limits: Limits,
    /// How much is logged.
    pub level: Level,
}

/// A variable that is absent or says nothing that can be used. Its value is not repeated: it may be a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BadVariable(pub &'static str);

/// What a `main` that returns it prints.
impl std::fmt::Debug for BadVariable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl std::fmt::Display for BadVariable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "environment variable {} is missing or not usable", self.0)
    }
}

impl std::error::Error for BadVariable {}

impl Config {
    /// The configuration that an environment holds; `get` looks a variable up.
    ///
    /// # Errors
    /// Names the variable that is missing or can't be used. Limits that are absent have their defaults.
    pub fn from_env(get: impl Fn(&str) -> Option<String>) -> Result<Self, BadVariable> {
        let present = |name: &'static str| get(name).filter(|value| !value.is_empty());
        fn number<T: std::str::FromStr>(
            name: &'static str,
            value: Option<String>,
            default: T,
        ) -> Result<T, BadVariable> {
            value.map_or(Ok(default), |text| text.parse().map_err(|_| BadVariable(name)))
        }
        let defaults = Limits::default();
        let limits = Limits {
            max_body_bytes: defaults.max_body_bytes,
            max_deliveries: number(
                "MAX_DELIVERIES",
                present("MAX_DELIVERIES"),
                defaults.max_deliveries,
            )?,
            delivery_ttl_s: number(
                "DELIVERY_TTL_S",
                present("DELIVERY_TTL_S"),
                defaults.delivery_ttl_s,
            )?,
            endpoint_ttl_s: number(
                "ENDPOINT_TTL_S",
                present("ENDPOINT_TTL_S"),
                defaults.endpoint_ttl_s,
            )?,
            max_delay_ms: number("MAX_DELAY_MS", present("MAX_DELAY_MS"), defaults.max_delay_ms)?,
            endpoint_units_per_s: number(
                "ENDPOINT_UNITS_PER_S",
                present("ENDPOINT_UNITS_PER_S"),
                defaults.endpoint_units_per_s,
            )?,
        };
        Ok(Config {
            table: present("TABLE_NAME").ok_or(BadVariable("TABLE_NAME"))?,
            origin_secret: present("ORIGIN_SECRET"),
            connect_at_start: match present("CONNECT_AT_START").as_deref() {
                None | Some("yes") => true,
                Some("no") => false,
                Some(_) => return Err(BadVariable("CONNECT_AT_START")),
            },
            limits,
            level: match present("LOG_LEVEL") {
                None => Level::default(),
                Some(text) => Level::parse(&text).ok_or(BadVariable("LOG_LEVEL"))?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Result<Config, BadVariable> {
        Config::from_env(|name| {
            assert!(VARIABLES.contains(&name), "{name} is read and not listed");
            pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
        })
    }

    const LEAST: [(&str, &str); 1] = [("TABLE_NAME", "t")];

    #[test]
    fn one_variable_is_enough() {
        let config = config(&LEAST).unwrap();
        assert_eq!(config.limits, Limits::default());
        assert_eq!(config.origin_secret, None);
        assert!(config.connect_at_start);
    }

    #[test]
    fn a_variable_that_cannot_be_used_is_named() {
        assert_eq!(config(&[]).unwrap_err(), BadVariable("TABLE_NAME"));
        for (name, value) in [
            ("MAX_DELAY_MS", "soon"),
            ("LOG_LEVEL", "loud"),
            ("CONNECT_AT_START", "perhaps"),
            ("MAX_DELIVERIES", "-1"),
        ] {
            let all = [LEAST[0], (name, value)];
            let error = config(&all).unwrap_err();
            assert_eq!(
                format!("{error:?}"),
                format!("environment variable {name} is missing or not usable")
            );
        }
    }
}
