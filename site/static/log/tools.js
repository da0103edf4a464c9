// @ts-check
// What a reader may do with the log besides reading it: filter it, take it along. Loaded when first asked for. Only DOM; what
// a filter does and what the file holds is decided in modules of their own.

import { part, slot, write } from '../lib/dom.js';
import { ALL, filtered, isAll, sources, words } from './matching.js';
import { logFile } from './log-file.js';
import { save } from '../lib/save.js';

/**
 * @typedef {import('./rounds.js').Round} Round
 * @typedef {import('./matching.js').Filter} Filter
 */

/**
 * @param {{keptFilter: import('../lib/storage.js').Kept, onChange: () => void, say: (sentence: string) => void}} with_
 *   `keptFilter`: the filter of this tab, and of which endpoint. `say`: to those who hear the page
 */
export function mountLogTools({ keptFilter, onChange, say }) {
  const source = /** @type {HTMLSelectElement} */ (part('filter-source'));
  const kind = /** @type {HTMLSelectElement} */ (part('filter-kind'));
  const only = /** @type {HTMLInputElement} */ (part('filter-only'));
  /** @type {Filter} */
  let filter = ALL;
  /** @type {string | null} */
  let endpoint = null;
  /** The newest that was there when the filter was set; undefined until that is known. @type {string | null | undefined} */
  let last;
  /** @type {{source: string, label: string}[]} */
  let offered = [];
  let isSet = false;

  /** @param {string | null} of */
  function kept(of) {
    const { endpoint: whose, source: from, kind: with_, only: isOnly } = keptFilter.json() ?? {};
    const isKind = [...kind.options].some(({ value }) => value === with_);
    return whose === of && (from === null || typeof from === 'string') && isKind ? { source: from, kind: with_, only: isOnly === true } : ALL;
  }

  /** @param {Filter} next */
  function set(next) {
    filter = next;
    last = undefined;
    isSet = true;
    only.disabled = filter.kind === '';
    if (isAll(filter)) keptFilter.keep(null);
    else keptFilter.keepJson({ endpoint, ...filter });
    onChange();
  }

  const read = () => set({ source: source.selectedIndex === 0 ? null : (offered[source.selectedIndex - 1]?.source ?? null), kind: kind.value, only: only.checked });
  for (const field of [source, kind, only]) field.addEventListener('change', read);
  part('log-filter').addEventListener('submit', (event) => event.preventDefault());

  function drawFields() {
    kind.value = filter.kind;
    only.checked = filter.only;
    only.disabled = filter.kind === '';
    source.replaceChildren(new Option('all', ''), ...offered.map(({ label }) => new Option(label)));
    source.selectedIndex = 1 + offered.findIndex((one) => one.source === filter.source);
  }

  return {
    /** The rounds to show. @param {Round[]} all @param {string | null} of the endpoint @param {boolean} isPart older ones are not loaded */
    apply(all, of, isPart) {
      if (of !== endpoint) {
        endpoint = of;
        filter = kept(of);
        last = undefined;
      }
      const there = sources(all);
      // What was chosen stays a choice, whether or not anything of it is here.
      const { source: chosen } = filter;
      if (chosen !== null && !there.some((one) => one.source === chosen)) there.push(offered.find((one) => one.source === chosen) ?? { source: chosen, label: chosen.slice(0, 24) || 'requests without a coreid' });
      if (JSON.stringify(there) !== JSON.stringify(offered) || source.options.length === 1) {
        offered = there;
        drawFields();
      }
      const line = part('log-shown');
      if (isAll(filter)) {
        line.hidden = true;
        if (isSet) say('Showing all rounds.');
        isSet = false;
        return { rounds: all, empty: null };
      }
      if (last === undefined) last = all[all.length - 1]?.key ?? null;
      const found = filtered(all, filter, last);
      const wishes = [];
      if (chosen !== null) wishes.push(offered.find((one) => one.source === chosen)?.label ?? '');
      if (filter.kind !== '') wishes.push(`${filter.only ? 'only' : 'with'} ${kind.selectedOptions[0]?.text ?? ''}`);
      const sentence = words(found, wishes, isPart);
      if (isSet) say(sentence);
      isSet = false;
      // Where no round is left, one sentence stands in their place; gaps between nothing would only puzzle.
      const isEmpty = found.shown === 0;
      line.hidden = isEmpty;
      write(slot('log-shown'), isEmpty ? '' : sentence);
      return isEmpty ? { rounds: [], empty: sentence } : { rounds: found.rounds, empty: null };
    },
    clear() {
      set(ALL);
      drawFields();
    },
    /** @param {import('./log-file.js').Held} held */
    download(held) {
      const { name, text } = logFile(held);
      save(name, text, 'application/json');
      const { deliveries, older } = held.log;
      slot('log-told').textContent = `${name}: ${deliveries.length} deliveries, ${held.events.length} events${older === null ? '' : '; older ones are not loaded, so they are not in it'}.`;
    },
  };
}
