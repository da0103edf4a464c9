// @ts-check
// The endpoint that was forgotten here, over a reload too: its steps, and what is left in the account, stay in sight until
// another one is looked at.

import { inTab } from '../lib/storage.js';

/** @typedef {{endpoint: string, url: string | null}} Forgotten */

export function keptForgotten() {
  // first.js knows the name too.
  const kept = inTab('webhook-tutorial/forgotten');
  const was = kept.json();
  /** @type {Forgotten | null} */
  let now = typeof was?.endpoint === 'string' && (was.url === null || typeof was.url === 'string') ? was : null;
  return {
    get: () => now,
    /** @param {Forgotten | null} next */
    set(next) {
      if (next === null && now === null) return;
      now = next;
      if (next === null) kept.keep(null);
      else kept.keepJson(next);
    },
  };
}
