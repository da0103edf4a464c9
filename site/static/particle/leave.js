// @ts-check
// Signing out offers to clean up what was made.

import { confirm } from '../lib/confirm.js';
import { part, slot, write } from '../lib/dom.js';
import { SILENT_MS } from '../steps/rules.js';

/**
 * @typedef {{removeWebhook: () => Promise<void>, forget: () => Promise<void>, signOut: () => Promise<void>}} Steps
 */

/**
 * @param {Steps & {left: () => {hook: boolean, endpoint: boolean, deviceEventAt: number | null}}} with_ `left`: what there is of
 *   the reader's, and when a device was heard last
 */
export function mountLeaveCard({ left, ...steps }) {
  const check = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (part(name));
  return {
    actions: {
      leave() {
        const { hook, endpoint, deviceEventAt } = left();
        check('leave-remove').checked = false;
        check('leave-forget').checked = false;
        part('leave-hook-choice').hidden = !hook;
        part('leave-endpoint-choice').hidden = !endpoint;
        write(slot('leave-hook'), hook || endpoint ? 'What you made goes on without you:' : 'Nothing that this page made goes on without you: no webhook leads here, and the endpoint is forgotten.');
        const device = slot('leave-device');
        device.hidden = deviceEventAt === null || Date.now() - deviceEventAt > SILENT_MS;
        device.textContent = 'A device still publishes, which costs data operations as long as it does: stop it, as “Clean up” says.';
        confirm('leave', (done) => leave({ remove: check('leave-remove').checked, forget: check('leave-forget').checked }, steps, done));
      },
    },
  };
}

/** Step by step, and no further than the first that fails. @param {{remove: boolean, forget: boolean}} chosen @param {Steps} steps @param {(words: string) => void} done */
export async function leave(chosen, { removeWebhook, forget, signOut }, done) {
  if (chosen.remove) {
    await removeWebhook();
    done('The webhook is removed.');
  }
  if (chosen.forget) {
    await forget();
    done('The endpoint is forgotten.');
  }
  await signOut();
}
