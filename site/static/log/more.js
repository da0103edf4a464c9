// @ts-check
// What a reader may do with the log besides reading it: set whether it is announced, download it,
// clear it.

import { slots } from '../lib/component.js';
import { write } from '../lib/dom.js';
import { save } from '../lib/save.js';
import { effect } from '../lib/signal.js';
import { size } from '../lib/text.js';
import { isAll } from './matching.js';
import { heldBytes } from './request-body.js';

/** Bodies that a download holds at once: more may be more than a browser has memory for. */
const MAX_BODIES = 512 * 1024 * 1024;

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, endpoint, listed, isAsked }) {
  const { announce, clear, format, status } = slots(root);
  // What is kept is only that it is not as it is at first.
  effect(() => void (announce.checked = state.muted.value === null));
  announce.addEventListener('change', () => (state.muted.value = announce.checked ? null : 'yes'));
  effect(() => void (clear.hidden = !state.keys.value?.owner));

  return {
    table: () => (state.dataTable.value = true),
    clear: () => (state.dialog.value = { name: 'clear' }),
    async download() {
      const keys = state.keys.peek();
      if (!keys || !isAsked.peek()) return;
      const { eventsOf, logFile } = await import('./export-file.js');
      const isCurrent = () => state.keys.peek() === keys;
      const isRoom = () => heldBytes(state.log.peek().deliveries) < MAX_BODIES;
      const isWhole = await endpoint.allOlder(() => {
        const { deliveries, lastSeq, firstSeq } = state.log.peek();
        if (isCurrent())
          write(status, `Reading ${deliveries.length} of ${lastSeq - firstSeq + 1} …`);
        return isCurrent() && isRoom();
      });
      if (!isCurrent()) {
        write(status, '');
        return;
      }
      const saved = state.file.peek();
      const masked = state.reading.peek() && saved === null;
      const all = state.log.peek();
      const isPart = !isAll(state.filter.peek());
      const traces = listed.peek().flatMap(({ trace }) => trace ?? []);
      const log = isPart
        ? { ...all, deliveries: traces.flatMap(({ delivery }) => delivery ?? []) }
        : all;
      const events = masked
        ? []
        : isPart
          ? traces.flatMap(eventsOf)
          : (saved?.events ?? state.events.peek());
      const quiet = masked ? [] : state.quiet.peek();
      const made = logFile(format.value, {
        endpoint: keys.endpoint,
        masked,
        log,
        events,
        quiet,
        hookUrl: endpoint.hookUrl(),
        now: new Date(),
      });
      if (made === null) {
        write(
          status,
          'Too long for one such file. NDJSON has no limit; a filter makes it shorter.',
        );
        return;
      }
      save(made.name, made.parts, made.type);
      const of = isPart ? ` of ${all.deliveries.length}, those that the filter lists` : '';
      const counts = `${log.deliveries.length} deliveries${of}, ${events.length} events`;
      const why = state.olderProblem.peek() || `more than ${size(MAX_BODIES)} of bodies.`;
      const older = isWhole ? '' : ` Older ones are not in it: ${why}`;
      write(status, `${made.name}: ${counts}.${older}`);
    },
  };
}
