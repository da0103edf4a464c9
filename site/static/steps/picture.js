// @ts-check
// The picture of a round: the hop that the focused block of the log is about stands out.

import { effect } from '../lib/signal.js';

const HOPS = new Map([
  ['', ''],
  ['received', 'received'],
  ['parsed', 'received'],
  ['response', 'response'],
  ['device', 'event'],
  ['api', 'event'],
]);

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state }) {
  effect(() => void (root.dataset.hop = HOPS.get(state.focusedKind.value) ?? 'hook-response'));
}
