// @ts-check
// What a reader may do with the log besides reading it: set whether it is announced, take it along,
// clear it.

import { slots } from '../lib/component.js';
import { write } from '../lib/dom.js';
import { save } from '../lib/save.js';
import { effect } from '../lib/signal.js';
import { logFile } from './export-file.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state }) {
  const { announce, clear, status } = slots(root);
  // What is kept is only that it is not as it is at first.
  effect(() => void (announce.checked = state.muted.value === null));
  announce.addEventListener('change', () => (state.muted.value = announce.checked ? null : 'yes'));
  effect(() => void (clear.hidden = !state.keys.value?.owner));

  return {
    clear: () => (state.dialog.value = { name: 'clear' }),
    download() {
      const keys = state.keys.peek();
      if (!keys) return;
      const masked = state.reading.peek();
      const log = state.log.peek();
      const events = masked ? [] : state.events.peek();
      const quiet = masked ? [] : state.quiet.peek();
      const now = new Date();
      const { name, text } = logFile({ endpoint: keys.endpoint, masked, log, events, quiet, now });
      save(name, text, 'application/json');
      const older = log.older === null ? '' : '; older ones are not loaded, so they are not in it';
      const counts = `${log.deliveries.length} deliveries, ${events.length} events`;
      write(status, `${name}: ${counts}${older}.`);
    },
  };
}
