//! Which Particle clouds the page offers: those that can reach a hook URL of this home.

use fake_particle::Demo;
use serde::Serialize;

/// What `/config.json` says.
#[derive(Debug, Serialize)]
pub(crate) struct Clouds {
    clouds: Vec<Cloud>,
}

#[derive(Debug, Serialize)]
struct Cloud {
    id: &'static str,
    api: String,
    console: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    demo: Option<DemoAccount>,
}

#[derive(Debug, Serialize)]
struct DemoAccount {
    username: String,
    password: String,
}

/// The stand-in, and the real cloud if the world can reach the hook URLs.
pub(crate) fn list(stand_in: &str, demo: &Demo, is_public: bool) -> Clouds {
    let mut clouds = vec![Cloud {
        id: "simulated",
        api: stand_in.to_owned(),
        console: stand_in.to_owned(),
        demo: Some(DemoAccount {
            username: demo.username.clone(),
            password: demo.password.clone(),
        }),
    }];
    if is_public {
        clouds.push(Cloud {
            id: "particle",
            api: "https://api.particle.io".to_owned(),
            console: "https://console.particle.io".to_owned(),
            demo: None,
        });
    }
    Clouds { clouds }
}

impl Clouds {
    /// The origins that the page talks to.
    pub(crate) fn apis(&self) -> Vec<&str> {
        self.clouds.iter().map(|cloud| cloud.api.as_str()).collect()
    }

    /// The text of `/config.json`.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings only")
    }
}
