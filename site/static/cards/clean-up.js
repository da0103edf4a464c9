// @ts-check
// The card that says what is left to remove. Only DOM, and what a reload is to know; what is left is decided in clean-up.js.

import { isKnown, learn, left, NOTHING_KNOWN } from '../steps/clean-up-rules.js';
import { part, slot, write } from '../lib/dom.js';
import { inTab } from '../lib/storage.js';

/** @typedef {import('../steps/rules.js').World} World */

const seen = inTab('webhook-tutorial/clean-up');

/** Mounts it. */
export function mountCleanUpCard() {
  const card = part('clean-up');
  /** Whose it is; it stays after that one was forgotten. @type {string | null} */
  let endpoint = null;
  let known = NOTHING_KNOWN;

  return {
    /** When a device was heard last, whatever has become of the log since. @param {World} world @returns {World} */
    remember(world) {
      const mine = world.endpoint ?? world.forgotten;
      if (mine !== endpoint) {
        endpoint = mine;
        const kept = seen.json();
        known = mine !== null && kept?.endpoint === mine && isKnown(kept.known) ? kept.known : NOTHING_KNOWN;
      }
      const next = learn(known, world);
      if (next !== known) {
        known = next;
        if (mine !== null) seen.keepJson({ endpoint: mine, known });
      }
      return { ...world, deviceEventAt: known.deviceEventAt };
    },
    /** @param {World} world */
    update(world) {
      const rows = left(known, world);
      for (const { name, isClean, words } of rows) {
        const node = /** @type {HTMLElement} */ (card.querySelector(`[data-clean="${name}"]`));
        node.dataset.state = isClean === null ? 'unknown' : isClean ? 'clean' : 'left';
        write(slot(`clean-${name}`), words);
      }
      write(slot('clean-all'), rows.every(({ isClean }) => isClean === true) ? 'Nothing is left of this tutorial, but what you know now.' : '');
    },
  };
}
