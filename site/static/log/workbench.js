// @ts-check
// The page of the log: the log if there is one, else one press that makes an endpoint.

import { slots } from '../lib/component.js';
import { effect } from '../lib/signal.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state }) {
  const { start, log } = slots(root);
  effect(() => {
    const isOpen = state.keys.value !== null;
    start.hidden = isOpen || !state.isOpened.value;
    log.hidden = !isOpen;
  });
}
