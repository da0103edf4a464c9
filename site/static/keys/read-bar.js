// @ts-check
// Whose log this is, if it is somebody else's.

import { effect } from '../lib/signal.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, endpoint }) {
  effect(() => void (root.hidden = !state.reading.value));
  return { leave: () => endpoint.leaveRead() };
}
