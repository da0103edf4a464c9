//! A program of the owner's that answers webhooks.

use std::{pin::Pin, sync::Arc};

use delivery::{Request, Response};
use function_url::service::Handler;
use receiver::Receiver;

/// Asks the program. Where it does not answer, the response says so.
pub type Ask = Arc<dyn Fn(Request) -> Pin<Box<dyn Future<Output = Response> + Send>> + Send + Sync>;

/// The receiver, which records and sends what the program answers. The program is asked before a number is taken and without
/// one of the permits that `limited` waits for: however slow it is, it holds up no reader and no other webhook.
pub(crate) fn asking(
    receiver: Receiver,
    ask: Ask,
    limited: impl Fn(Handler) -> Handler + Clone + Send + Sync + 'static,
) -> Handler {
    let receiver = Arc::new(receiver);
    Arc::new(move |request| {
        let (receiver, ask, limited) = (Arc::clone(&receiver), Arc::clone(&ask), limited.clone());
        // In a task, so that what the program was asked is recorded when its sender hangs up.
        let handled = tokio::spawn(async move {
            let answer = match receiver.question(&request).await {
                Some(question) => Some(ask(question).await),
                None => None,
            };
            let handler: Handler = Arc::new(move |request| {
                let (receiver, answer) = (Arc::clone(&receiver), answer.clone());
                Box::pin(async move { receiver.receive(request, answer).await })
            });
            limited(handler)(request).await
        });
        Box::pin(async move { handled.await.expect("asking does not panic") })
    })
}
