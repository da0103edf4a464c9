// @ts-check
// The filter of the log: one device, or rounds with one kind of block. Kept for this tab; a later
// visit begins with everything, because whoever has forgotten a filter misses things.

import { slots } from '../lib/component.js';
import { write } from '../lib/dom.js';
import { computed, effect, untracked } from '../lib/signal.js';
import { inTab } from '../lib/storage.js';
import { NO_FILTER } from '../state.js';
import { isAll, labelOf, sources, summaryWords } from './matching.js';

const kept = inTab('webhook-tutorial/filter');

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, rounds, listed, isAsked }) {
  const { source, kind, only, summary, clear } = slots(root);
  /** How many rounds had arrived when the filter was set. */
  let setAt = 0;

  // What was set before a reload is set again, if it was for this endpoint.
  effect(() => {
    const endpoint = state.keys.value?.endpoint;
    const was = kept.json();
    const isKind = [...kind.options].some(({ value }) => value === was?.kind);
    const isSource = was?.source === null || typeof was?.source === 'string';
    const isMine = endpoint !== undefined && was?.endpoint === endpoint && isKind && isSource;
    if (isMine)
      state.filter.value = { source: was.source, kind: was.kind, only: was.only === true };
  });

  /**
   * The devices to choose from. What was chosen stays a choice, whether or not anything of it is
   * here.
   */
  const offered = computed(
    () => {
      const found = sources(rounds.value);
      const { source: chosen } = state.filter.value;
      const isThere = chosen === null || found.some((one) => one.source === chosen);
      return isThere ? found : [...found, { source: chosen, label: labelOf(chosen) }];
    },
    (a, b) => JSON.stringify(a) === JSON.stringify(b),
  );
  effect(() => {
    const filter = state.filter.value;
    kind.value = filter.kind;
    only.checked = filter.only;
    only.disabled = filter.kind === '';
    const options = offered.value.map(({ label }) => new Option(label));
    source.replaceChildren(new Option('all', ''), ...options);
    source.selectedIndex = 1 + offered.value.findIndex((one) => one.source === filter.source);
  });

  const words = computed(() => {
    const filter = state.filter.value;
    if (isAll(filter) || !isAsked.value) return '';
    const chosen = [];
    const device = offered.value.find((one) => one.source === filter.source);
    if (device) chosen.push(device.label);
    const named = kind.selectedOptions[0]?.text ?? '';
    if (filter.kind !== '') chosen.push(`${filter.only ? 'only' : 'with'} ${named}`);
    const since = new Set([...state.arrived.value].slice(setAt));
    return summaryWords(rounds.value, listed.value, since, chosen, state.log.value.older !== null);
  });
  effect(() => {
    write(summary, words.value);
    clear.hidden = words.value === '';
  });

  /** @param {import('../state.js').Filter} filter */
  function set(filter) {
    setAt = state.arrived.peek().size;
    state.filter.value = filter;
    if (isAll(filter)) kept.keep(null);
    else kept.keepJson({ endpoint: state.keys.peek()?.endpoint, ...filter });
    const sentence = untracked(() => words.value);
    state.announcement.value = sentence === '' ? 'Showing all rounds.' : sentence;
  }
  const read = () => {
    const chosen = offered.peek()[source.selectedIndex - 1]?.source ?? null;
    set({ source: chosen, kind: kind.value, only: only.checked && kind.value !== '' });
  };
  for (const field of [source, kind, only]) field.addEventListener('change', read);

  return {
    clear() {
      set(NO_FILTER);
      source.focus();
    },
  };
}
