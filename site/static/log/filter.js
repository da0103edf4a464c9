// @ts-check
// The filter of the log: a search, one device, or rounds with one kind of block. The search is in
// the address (detail.js); the rest is kept for this tab. A later visit begins with everything,
// because whoever has forgotten a filter misses things.

import { slots } from '../lib/component.js';
import { element, write, writeOrHide } from '../lib/dom.js';
import { computed, effect, untracked } from '../lib/signal.js';
import { inTab } from '../lib/storage.js';
import { clip, size } from '../lib/text.js';
import { NO_FILTER } from '../state.js';
import { TERMS, searchOf } from './search.js';
import { isAll, labelOf, sources, summaryWords } from './matching.js';
import { heldBytes } from './request-body.js';

const kept = inTab('webhook-tutorial/filter');
/** How long after a key a search begins. */
const TYPING_MS = 60;
/** Bodies that a search keeps in the page; older deliveries are not searched then. */
const MAX_BODIES = 64 * 1024 * 1024;

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, endpoint, rounds, listed, isAsked }) {
  const at = slots(root);
  const { source, kind, only, search, summary, clear } = at;
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
      state.filter.value = {
        text: state.filter.peek().text,
        source: was.source,
        kind: was.kind,
        only: was.only === true,
      };
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
    if (filter.text !== '') chosen.push(`“${clip(filter.text, 80, 1).text}”`);
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

  /** What is searched for now. */
  let searched = '';
  /** @param {string} text */
  function setSearch(text) {
    if (text === searched) return;
    searched = text;
    const { test, problems } = searchOf(text);
    state.search.value = text === '' ? null : test;
    writeOrHide(at.problem, problems.join(' '));
  }

  /** @param {import('../state.js').Filter} filter */
  function set(filter) {
    // With the filter and not after it, so that the list is worked out once.
    setSearch(filter.text);
    setAt = state.arrived.peek().size;
    state.filter.value = filter;
    const { text: _, ...rest } = filter;
    if (isAll({ ...filter, text: '' })) kept.keep(null);
    else kept.keepJson({ endpoint: state.keys.peek()?.endpoint, ...rest });
    const sentence = untracked(() => words.value);
    state.announcement.value = sentence === '' ? 'Showing all rounds.' : sentence;
  }
  const read = () => {
    const chosen = offered.peek()[source.selectedIndex - 1]?.source ?? null;
    const text = search.value.trim();
    set({ text, source: chosen, kind: kind.value, only: only.checked && kind.value !== '' });
  };
  for (const field of [source, kind, only]) field.addEventListener('change', read);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let typing;
  search.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(read, TYPING_MS);
  });
  root.addEventListener('submit', (event) => event.preventDefault());
  effect(() => {
    const { text } = state.filter.value;
    if (search.value.trim() !== text) search.value = text;
    setSearch(text);
  });
  at.help.addEventListener('toggle', () => {
    if (at.terms.childElementCount > 0) return;
    for (const { example, words: meaning } of TERMS)
      at.terms.append(element('dt', '', example), element('dd', '', meaning));
  });

  // A search is for everything that is kept, so what is older is read.
  const wanted = computed(() => {
    const { deliveries, older } = state.log.value;
    const isSearch = state.filter.value.text !== '' && isAsked.value && older !== null;
    const bytes = isSearch ? heldBytes(deliveries) : 0;
    return { isSearch, bytes, isFull: bytes > MAX_BODIES };
  });
  effect(() => {
    const { isSearch, bytes, isFull } = wanted.value;
    const { deliveries, lastSeq, firstSeq } = state.log.value;
    const all = lastSeq - firstSeq + 1;
    const some = isFull
      ? `Only the newest ${deliveries.length} of ${all} are searched: ${size(bytes)} of bodies.`
      : `Reading older ones: ${deliveries.length} of ${all}.`;
    writeOrHide(at.progress, isSearch ? state.olderProblem.value || some : '');
    if (isSearch && !isFull) void readOlder();
  });
  let isReading = false;
  async function readOlder() {
    if (isReading) return;
    isReading = true;
    await endpoint.allOlder(() => wanted.peek().isSearch && !wanted.peek().isFull);
    isReading = false;
    // What was said when it was typed counted only what had been read.
    if (state.filter.peek().text !== '') state.announcement.value = words.peek();
  }

  return {
    clear() {
      set(NO_FILTER);
      search.focus();
    },
  };
}
