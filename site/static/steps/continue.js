// @ts-check
// Where a returning reader goes on.

import { slots } from '../lib/component.js';
import { write } from '../lib/dom.js';
import { effect } from '../lib/signal.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, isAsked, particle }) {
  const { step, log, out } = slots(root);
  // Whoever starts now is not returning.
  effect(() => {
    const progress = state.progress.value;
    const isReturn = state.starts.value === 0 && state.keys.value !== null && !state.reading.value;
    root.hidden = !isReturn || !progress?.next || !isAsked.value;
    if (root.hidden || !progress?.next) return;
    write(step, `Continue: step ${progress.number} of ${progress.of}`);
    step.href = `#task-${progress.next.id}`;
    const { lastSeq, firstSeq, missing } = state.log.value;
    const count = Math.max(0, lastSeq - firstSeq + 1 - missing.length);
    // A sign-in ends with its tab.
    out.hidden = state.account.value.kind !== 'out' || !particle.hadWebhook();
    write(log, `Open log (${count.toLocaleString('en-GB')})`);
  });
}
