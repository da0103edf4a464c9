// @ts-check
// What can't be used yet says so: a part with `data-wants` names what it needs, and until that is there its buttons are
// disabled and the reason stands beside them. They keep the focus, so that a reader who comes by keyboard hears why. A part
// within such a part wants only what it says itself.

/**
 * @typedef {'nothing' | 'start' | 'account' | 'device' | 'webhook'} Want `webhook`: one in the account that leads here
 * @typedef {{started: boolean, connected: boolean, hook: string, device: boolean, offered: boolean}} Has `hook`: what is known of
 *   the webhook, as hook.js has it. `device`: a device of the account is known. `offered`: some cloud can be connected here
 */

/** The reason why it can't work yet, or null if it can. Pure. @param {Want} want @param {Has} has */
export function reason(want, { started, connected, hook, device, offered }) {
  if (want === 'nothing' || (want === 'webhook' && hook === 'ours')) return null;
  // A webhook may outlive its endpoint, so it can be removed after Forget.
  if (want === 'webhook' && connected) return hook === 'asking' ? 'The cloud is being asked.' : 'There is no webhook of this page in the account.';
  if (!started && want !== 'webhook') return 'This works once you have pressed Start.';
  if (want === 'start') return null;
  if (!connected) return offered ? 'This works once a Particle cloud is connected, under “Webhook configuration”.' : 'This needs a Particle account, and none can be connected here.';
  if (want === 'device' && !device) return 'This needs a device, and there is none in this account.';
  return null;
}

const CONTROLS = 'button, input, select, textarea';

/** @param {HTMLElement} node @param {Has} has @param {number} number */
function update(node, has, number) {
  const why = reason(/** @type {Want} */ (node.dataset.wants), has);
  const id = `wants-${number}`;
  let line = document.getElementById(id);
  if (why !== null && line === null) {
    line = document.createElement('p');
    line.id = id;
    line.className = 'wants-why';
    node.before(line);
  }
  if (line) {
    if (why !== null && line.textContent !== why) line.textContent = why;
    line.hidden = why === null;
  }
  const controls = node.matches(CONTROLS) ? [node] : [...node.querySelectorAll(CONTROLS)].filter((control) => control.closest('[data-wants]') === node);
  for (const control of controls) {
    // What is off for a reason of its own is not switched on here.
    if (why !== null) {
      control.setAttribute('aria-disabled', 'true');
      control.setAttribute('aria-describedby', id);
    } else if (control.getAttribute('aria-describedby') === id) {
      control.removeAttribute('aria-disabled');
      control.removeAttribute('aria-describedby');
    }
  }
}

/** Brings all of them up to date. @param {Has} has */
export function drawPrerequisites(has) {
  document.querySelectorAll('[data-wants]').forEach((node, i) => update(/** @type {HTMLElement} */ (node), has, i));
}

/** Whether a control is off, so that a press of it does nothing. @param {Element} control */
export const isOff = (control) => control.getAttribute('aria-disabled') === 'true';

/** Switches a control off while what it began goes on; it keeps the focus. @param {Element} control @param {boolean} is */
export const setOff = (control, is) => (is ? control.setAttribute('aria-disabled', 'true') : control.removeAttribute('aria-disabled'));

/** A form that is off is not sent. */
export function guardForms() {
  document.addEventListener(
    'submit',
    (event) => {
      const form = /** @type {HTMLFormElement} */ (event.target);
      if (![...form.querySelectorAll('[type="submit"]')].some(isOff)) return;
      event.preventDefault();
      event.stopPropagation();
    },
    { capture: true },
  );
}
