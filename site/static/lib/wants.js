// @ts-check
// What can't be used yet says so: a part with `data-wants` names what it needs, and until that is
// there its controls are disabled and the reason is given beside them. A part within such a part
// wants only what it says itself.

import { own } from './component.js';
import { effect } from './signal.js';

/**
 * @typedef {'nothing' | 'start' | 'account' | 'device' | 'webhook'} Want `webhook`: one in the
 *   account that leads here
 * @typedef {{started: boolean, connected: boolean, hook: string, device: boolean, offered:
 *   boolean}} Available `hook`: what is
 *   known of the webhook, as hook.js has it. `device`: a device of the account is known. `offered`:
 *   some cloud can be connected here
 */

/**
 * Why it can't work yet, or null if it can. Pure.
 * @param {Want} want
 * @param {Available} available
 */
export function reason(want, { started, connected, hook, device, offered }) {
  if (want === 'nothing' || (want === 'webhook' && hook === 'ours')) return null;
  // A webhook may outlive its endpoint, so it can be removed after Forget.
  if (want === 'webhook' && connected) {
    if (hook === 'asking') return 'The cloud is being asked.';
    return 'There is no webhook of this page in the account.';
  }
  // A device can be stopped after Forget.
  if (!started && want !== 'webhook' && !(want === 'device' && connected))
    return 'This works once you have pressed Start.';
  if (want === 'start') return null;
  if (!connected) {
    return offered
      ? 'To use this, sign in to a Particle cloud at the top of the tutorial.'
      : 'This needs a Particle account, and none can be connected here.';
  }
  if (want === 'device' && !device)
    return 'This needs a device, and there is none in this account.';
  return null;
}

const CONTROLS = 'button, input, select, textarea';
let count = 0;

/** @param {HTMLElement} root of a component @param {() => Available} available */
export function mountWants(root, available) {
  const nodes = own(root, 'data-wants');
  if (root.dataset.wants) nodes.push(root);
  for (const node of nodes) {
    const line = document.createElement('p');
    line.id = `wants-${(count += 1)}`;
    line.className = 'wants-why';
    node.before(line);
    const controls = node.matches(CONTROLS)
      ? [node]
      : [...node.querySelectorAll(CONTROLS)].filter(
          (control) => control.closest('[data-wants]') === node,
        );
    effect(() => {
      const why = reason(/** @type {Want} */ (node.dataset.wants), available());
      line.textContent = why ?? '';
      line.hidden = why === null;
      for (const control of controls) {
        if (why !== null) {
          control.setAttribute('aria-disabled', 'true');
          control.setAttribute('aria-describedby', line.id);
        } else if (control.getAttribute('aria-describedby') === line.id) {
          // What is disabled for a reason of its own is not enabled here.
          control.removeAttribute('aria-disabled');
          control.removeAttribute('aria-describedby');
        }
      }
    });
  }
}
