// @ts-check
// The button that leads back to the newest round, and says how many came meanwhile.

import { effect } from '../lib/signal.js';

/** @param {HTMLElement} button @param {import('../state.js').State} state */
export function mountNewest(button, { place, arrived }) {
  /** How many had arrived when the reader left the newest. */
  let leftAt = 0;
  effect(() => {
    const isAtNewest = place.value === 'newest';
    const { size } = arrived.value;
    if (isAtNewest) leftAt = size;
    button.hidden = isAtNewest;
    button.textContent = size > leftAt ? `Newest (${size - leftAt} new)` : 'Newest';
  });
}
