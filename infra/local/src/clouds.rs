//! The page's configuration: which Particle clouds can reach the hook URLs, and how often it may poll.

use serde::Serialize;
use simulated_cloud::Credentials;

/// A cloud that the page may talk to.
#[derive(Clone, Debug, Serialize)]
pub struct Cloud {
    /// What the page knows it by: `simulated`, or `particle` for the real one.
    pub id: String,
    /// The origin of its API.
    pub api: String,
    /// The origin of its console.
    pub console: String,
    /// An account that anybody here may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub demo: Option<DemoAccount>,
}

/// How to sign in to the simulated cloud.
#[derive(Clone, Serialize)]
pub struct DemoAccount {
    /// Its user.
    pub username: String,
    /// Random, one for each data folder.
    pub password: String,
}

impl std::fmt::Debug for DemoAccount {
    /// Without the password, which has no place in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DemoAccount").field("username", &self.username).finish_non_exhaustive()
    }
}

/// The simulated cloud, and the real cloud if the world can reach the hook URLs.
pub(crate) fn usual(simulated_cloud: &str, demo: &Credentials, is_public: bool) -> Vec<Cloud> {
    let mut clouds = vec![Cloud {
        id: "simulated".to_owned(),
        api: simulated_cloud.to_owned(),
        console: simulated_cloud.to_owned(),
        demo: Some(DemoAccount {
            username: demo.username.clone(),
            password: demo.password.clone(),
        }),
    }];
    if is_public {
        clouds.push(Cloud {
            id: "particle".to_owned(),
            api: "https://api.particle.io".to_owned(),
            console: "https://console.particle.io".to_owned(),
            demo: None,
        });
    }
    clouds
}

/// Longest pause between polls, in milliseconds. Polls cost nothing here, so a webhook sent from a terminal shows at once.
const LONGEST_WAIT_MS: u32 = 2_000;

/// The text of `/config.json`.
pub(crate) fn config_json(clouds: &[Cloud]) -> String {
    serde_json::json!({ "clouds": clouds, "longest_wait_ms": LONGEST_WAIT_MS }).to_string()
}
