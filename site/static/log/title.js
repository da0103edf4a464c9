// @ts-check
// How many rounds came while nobody looked at this tab, in its title.

import { effect, signal } from '../lib/signal.js';

/** @param {import('../state.js').State} state @param {Document} document */
export function mountTitle(state, document) {
  const { title } = document;
  const isHidden = signal(document.hidden);
  /** How many had come when somebody last looked. */
  let seen = 0;
  document.addEventListener('visibilitychange', () => (isHidden.value = document.hidden));
  effect(() => {
    const { size } = state.arrived.value;
    // After another log was opened there are fewer.
    seen = isHidden.value ? Math.min(seen, size) : size;
    document.title = size > seen ? `(${size - seen}) ${title}` : title;
  });
}
