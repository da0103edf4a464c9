// @ts-check
// Whose log this is, if it is somebody else's.

import { slots } from '../lib/component.js';
import { write } from '../lib/dom.js';
import { effect } from '../lib/signal.js';

/** @param {number} parts */
const count = (parts) =>
  parts === 1
    ? 'One entry is not a delivery or an event and was'
    : `${parts} entries are not deliveries or events and were`;

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, endpoint }) {
  const { whose, more } = slots(root);
  const words = more.textContent;
  effect(() => {
    root.hidden = !state.reading.value;
    const file = state.file.value;
    write(whose, file ? `From the file ${file.name.slice(0, 80)}.` : 'Someone else’s log.');
    const left = file?.leftOut ? ` ${count(file.leftOut)} left out.` : '';
    write(more, file ? ` It was not read from a server.${left}` : words);
  });
  return { leave: () => endpoint.leaveRead() };
}
