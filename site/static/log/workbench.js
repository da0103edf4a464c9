// @ts-check
// The log page: the log if there is one, else one press that makes an endpoint.

import { mountLate, slots } from '../lib/component.js';
import { effect } from '../lib/signal.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, page) {
  const { state } = page;
  const { start, log, fold } = slots(root);
  // Where the list is the whole page, what belongs to it takes no room until it is asked for.
  const narrow = matchMedia('(max-width: 999px)');
  const setFold = () => (fold.open = !narrow.matches);
  narrow.addEventListener('change', setFold);
  setFold();
  effect(() => {
    const isOpen = state.keys.value !== null;
    start.hidden = isOpen || !state.isOpened.value;
    log.hidden = !isOpen;
    if (!start.hidden) void mountLate(start, page);
  });
}
