// @ts-check
// What a reader may do with the log besides reading it: set whether it is announced, take it along,
// clear it.

import { slots } from '../lib/component.js';
import { write } from '../lib/dom.js';
import { save } from '../lib/save.js';
import { effect } from '../lib/signal.js';
import { isAll } from './matching.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, endpoint, listed, isAsked }) {
  const { announce, clear, format, file, status } = slots(root);
  // What is kept is only that it is not as it is at first.
  effect(() => void (announce.checked = state.muted.value === null));
  announce.addEventListener('change', () => (state.muted.value = announce.checked ? null : 'yes'));
  effect(() => void (clear.hidden = !state.keys.value?.owner));

  /** @param {File | undefined} chosen */
  async function openFile(chosen) {
    if (!chosen) return;
    const { readLogFile } = await import('./saved-log.js');
    const saved = readLogFile(await chosen.text());
    if (saved === null) write(status, `${chosen.name} is not a file that was saved from a log.`);
    else endpoint.showFile(chosen.name, saved);
  }
  file.addEventListener('change', async () => {
    await openFile(file.files?.[0]);
    file.value = '';
  });
  // A file may be dropped anywhere on the page.
  const { ownerDocument: document } = root;
  const hasFiles = (/** @type {DragEvent} */ event) =>
    event.dataTransfer?.types.includes('Files') ?? false;
  document.addEventListener('dragover', (event) => hasFiles(event) && event.preventDefault());
  document.addEventListener('drop', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    void openFile(event.dataTransfer?.files[0]);
  });

  return {
    open: () => file.click(),
    clear: () => (state.dialog.value = { name: 'clear' }),
    async download() {
      const keys = state.keys.peek();
      if (!keys || !isAsked.peek()) return;
      const isCurrent = () => state.keys.peek() === keys;
      const isWhole = await endpoint.allOlder(() => {
        const { deliveries, lastSeq, firstSeq } = state.log.peek();
        write(status, `Reading ${deliveries.length} of ${lastSeq - firstSeq + 1} …`);
        return isCurrent();
      });
      if (!isCurrent()) return;
      const { eventsOf, logFile } = await import('./export-file.js');
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
      const { name, type, text } = logFile(format.value, {
        endpoint: keys.endpoint,
        masked,
        log,
        events,
        quiet,
        hookUrl: endpoint.hookUrl(),
        now: new Date(),
      });
      save(name, text, type);
      const of = isPart ? ` of ${all.deliveries.length}, those that the filter lists` : '';
      const counts = `${log.deliveries.length} deliveries${of}, ${events.length} events`;
      const older = isWhole ? '' : ` Older ones are not in it: ${state.olderProblem.peek()}`;
      write(status, `${name}: ${counts}.${older}`);
    },
  };
}
