//! The read-only page of one integration, so that "Open in Console" leads somewhere true.

use std::sync::Arc;

use axum::extract::State as Shared;

use crate::call::Call;
use crate::core::Core;
use crate::reply::{Answer, not_found};

/// `GET /integrations/webhooks/:id`
pub(crate) async fn page(Shared(_core): Shared<Arc<Core>>, _call: Call) -> Answer {
    Err(not_found("Integration"))
}
