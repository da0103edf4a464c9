// @ts-check
// How far the reader is, in the top bar, with a link to what is next; it opens the contents where
// there is no room for them beside the text.

import { slots } from '../lib/component.js';
import { write } from '../lib/dom.js';
import { effect } from '../lib/signal.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state }) {
  const { button, count, next } = slots(root);
  let wasOpen = false;
  effect(() => {
    const isOpen = state.contentsOpen.value;
    button.setAttribute('aria-expanded', String(isOpen));
    // The focus was in what closed.
    const nav = document.getElementById(button.getAttribute('aria-controls'));
    if (wasOpen && !isOpen && nav?.contains(document.activeElement)) button.focus();
    wasOpen = isOpen;
  });
  effect(() => {
    const progress = state.progress.value;
    write(count, progress === null ? 'Contents' : `${progress.count} of ${progress.of}`);
    const task = progress?.next ?? null;
    next.hidden = !progress || progress.of === 0;
    // The first clause says what to do.
    const what = task?.words.split(/[.:,] | and | until /)[0].replace(/[.:]$/, '');
    write(next, what ? `Next: ${what}` : 'All tasks done');
    next.hash = task ? `task-${task.id}` : 'clean-up';
  });
  return { toggle: () => (state.contentsOpen.value = !state.contentsOpen.peek()) };
}
