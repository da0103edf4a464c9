//! Who works the page by keyboard alone: whatever a press makes come and go, the focus is on something that can be seen.

use fantoccini::key::Key;
use local::config::VirtualDevice;
use tests::{browser::LIGHT, home::Home, visit::Visit};

/// Some of what has the focus is in the window, and nothing lies over it.
const IN_SIGHT: &str = "const node = document.activeElement;
    if (node === document.body || !node.checkVisibility()) return false;
    const { left, top, bottom } = node.getBoundingClientRect();
    const middle = (Math.max(top, 0) + Math.min(bottom, innerHeight)) / 2;
    return node.contains(document.elementFromPoint(left + 3, middle))";

async fn focus(visit: &Visit, selector: &str) {
    let script = format!(
        "const node = [...document.querySelectorAll('{selector}')].find((one) => one.checkVisibility());
        node?.focus();
        return node !== undefined && document.activeElement === node"
    );
    visit.shows(&format!("{selector} has the focus"), &script).await;
}

async fn enter(visit: &Visit, selector: &str) {
    focus(visit, selector).await;
    visit.key(Key::Enter).await;
}

/// Presses something that goes away with what it does.
async fn goes(visit: &Visit, selector: &str) {
    enter(visit, selector).await;
    let gone = format!(
        "return ![...document.querySelectorAll('{selector}')].some((one) => one.checkVisibility())"
    );
    visit.shows(&format!("{selector} is gone"), &gone).await;
    visit.shows(&format!("the focus after {selector} is gone"), IN_SIGHT).await;
}

/// Asks for something by one button, and says yes.
async fn agreed(visit: &Visit, selector: &str, dialog: &str) {
    enter(visit, selector).await;
    goes(visit, &format!("dialog[data-name={dialog}] [data-action=confirm]")).await;
}

#[tokio::test]
async fn a_press_that_removes_its_button_moves_the_focus() {
    let home = Home::start_with(|config| config.devices = vec![VirtualDevice::default()]).await;
    let visit = Visit::to(&home, LIGHT).await;
    goes(&visit, "[data-component$=start] [data-action=start]").await;
    visit.connected().await;
    enter(&visit, "[data-component$=reply] form [type=submit]").await;
    goes(&visit, "[data-component$=reply] [data-action=restore]").await;
    agreed(&visit, "[data-component$=webhook-card] [data-action=remove]", "remove-webhook").await;
    goes(&visit, "[data-component$=webhook-card] [data-action=yes]").await;
    visit.slot_says("webhook-card", "state", "Every event whose name begins with").await;
    agreed(&visit, "#task-remove-webhook [data-action=try]", "remove-webhook").await;
    goes(&visit, "[data-component$=connection] [data-action=sign-out]").await;
    agreed(&visit, "[data-component$=hook] [data-action=forget]", "forget").await;
    visit.end(home).await;
}
