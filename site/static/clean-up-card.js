// @ts-check
// What is left to remove, and how far that is: the webhook, the device, the endpoint. Only DOM.

import { part, slot, write } from './dom.js';
import { SILENT_MS } from './steps.js';
import { span } from './show-time.js';

/** @typedef {import('./steps.js').World} World */

/** Mounts it. */
export function mountCleanUpCard() {
  const card = part('clean-up');
  const row = (/** @type {string} */ name, /** @type {boolean | null} */ isClean, /** @type {string} */ words) => {
    const node = /** @type {HTMLElement} */ (card.querySelector(`[data-clean="${name}"]`));
    node.dataset.state = isClean === null ? 'unknown' : isClean ? 'clean' : 'left';
    write(slot(`clean-${name}`), words);
  };
  return {
    /** @param {World} world */
    update({ hook, login, deviceEventAt, listeningSince, endpoint, forgotten, now, prefix }) {
      const hookClean = hook.kind === 'absent' ? true : hook.kind === 'ours' ? false : null;
      row('hook', hookClean, { absent: `“${prefix}” is not in the account.`, ours: `“${prefix}” is in the account and leads here.`, elsewhere: `“${prefix}” is in the account and leads elsewhere; it is left alone.`, asking: 'Asking the cloud …', failed: 'The cloud could not be asked.' }[hook.kind] ?? 'Not connected, so this page does not know.');
      if (!login || listeningSince === null) row('device', null, 'Not listening to events, so this page does not know.');
      else if (deviceEventAt === null) row('device', true, 'No event of a device was seen.');
      else {
        const quiet = now - Math.max(deviceEventAt, listeningSince);
        row('device', quiet >= SILENT_MS, quiet >= SILENT_MS ? `Silent for ${span(quiet)}.` : `Last event ${span(Math.floor((now - deviceEventAt) / 1000) * 1000)} ago; it counts as stopped after two minutes without one.`);
      }
      row('endpoint', endpoint === null, endpoint !== null ? 'It is there and takes requests.' : forgotten !== null ? 'It is forgotten.' : 'There is none.');
      const states = [...card.querySelectorAll('[data-clean]')].map((node) => /** @type {HTMLElement} */ (node).dataset.state);
      write(slot('clean-all'), states.every((state) => state === 'clean') ? 'Nothing is left of this tutorial, but what you know now.' : '');
    },
  };
}
