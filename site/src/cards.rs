//! The parts of the page that are not prose: cards, panels and boxes, each a template.

use askama::Template;

use crate::{device::DeviceSide, markdown::html_block};

/// Declares a field for each card: its name in the prose and its template.
macro_rules! cards {
    ($($name:ident $file:tt)*) => {
        /// The cards as HTML, by the names that the prose uses.
        #[derive(Clone, Debug)]
        pub struct Cards {
            $(pub $name: String,)*
        }

        impl Cards {
            /// Renders every card.
            ///
            /// # Errors
            /// If a template fails.
            pub fn new(device: &DeviceSide) -> askama::Result<Self> {
                Ok(Cards {
                    $($name: {
                        #[derive(Template)]
                        #[template(path = $file)]
                        struct Card<'a> {
                            #[allow(dead_code, reason = "only cards of the device use it")]
                            device: &'a DeviceSide,
                            #[allow(dead_code, reason = "only cards that differ there use it")]
                            is_log: bool,
                        }
                        html_block(&Card { device, is_log: false }.render()?)
                    },)*
                })
            }
        }
    };
}

cards! {
    round_picture "steps/picture.html"
    start "cards/start.html"
    hook "cards/hook.html"
    connect "particle/connect.html"
    connection "particle/connection.html"
    webhook "particle/webhook-card.html"
    publish "particle/publish.html"
    log "log/place.html"
    device "device/panel.html"
    firmware "device/code-box.html"
    made_up "cards/made-up.html"
    own_firmware "device/own-firmware.html"
    reply "cards/reply.html"
    senders "cards/senders.html"
    template_box "cards/template-box.html"
    clean_up "cards/clean-up.html"
}
