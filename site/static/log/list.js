// @ts-check
// The list of rounds, the newest first. Only the rows in view are drawn: a log may have ten
// thousand.

import { slots } from '../lib/component.js';
import { copyFrom } from '../lib/copy.js';
import { element, reorder, write, writeOrHide } from '../lib/dom.js';
import { computed, effect } from '../lib/signal.js';
import { timeOfDay } from '../lib/time.js';
import { HELLO, sendLine } from '../cards/send.js';
import { mountNewest } from './newest.js';

/** @typedef {import('./rounds.js').Round} Round */

/** The height of a row, in pixels; list.css has it too. */
const ROW = 44;
/** Rows that are drawn above and below those in view. */
const MARGIN = 6;
/** As many rows before the end the list asks for older ones. */
const AHEAD = 40;

/** @typedef {{node: HTMLElement, round: Round | null, at: number, size: number}} Row */

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, endpoint, listed, rounds, isAsked, expect }) {
  const { view, rows, empty, send, line, end, newest } = slots(root);
  /** The newest first. */
  const all = computed(() => listed.value.toReversed());
  /** @type {Map<string, Row>} */
  let drawn = new Map();
  let isLoading = false;

  function draw() {
    const list = all.peek();
    const first = Math.max(0, Math.floor(view.scrollTop / ROW) - MARGIN);
    const last = Math.ceil((view.scrollTop + view.clientHeight) / ROW) + MARGIN;
    const now = new Date();
    /** @type {Map<string, Row>} */
    const next = new Map();
    list.slice(first, last).forEach((round, i) => {
      const row = drawn.get(round.key) ?? { node: newRow(round.key), round: null, at: -1, size: 0 };
      const at = first + i;
      // Most of what a scroll leaves in view is as it was.
      if (row.round !== round || row.at !== at || row.size !== list.length) {
        Object.assign(row, { round, at, size: list.length });
        fill(row.node, round, at, list.length, now);
      }
      next.set(round.key, row);
    });
    drawn = next;
    mark(state.selected.peek());
    // Rows are in the order of the list, for those who hear them.
    reorder(
      rows,
      Array.from(next.values(), ({ node }) => node),
    );
    if (last > list.length - AHEAD) void loadOlder();
  }

  async function loadOlder() {
    if (isLoading || state.log.peek().older === null || !isAsked.peek()) return;
    isLoading = true;
    await endpoint.older();
    isLoading = false;
  }

  effect(() => {
    const list = all.value;
    // What comes on top moves what somebody looks at down, and the view with it.
    const anchor = state.place.peek() === 'newest' ? null : firstInView();
    rows.style.height = `${list.length * ROW}px`;
    if (anchor !== null) {
      const at = list.findIndex(({ key }) => key === anchor.key);
      if (at >= 0) view.scrollTop = at * ROW + anchor.offset;
    }
    draw();
    const { older, firstSeq } = state.log.value;
    const isCut = older === null && list.length > 0 && firstSeq > 1;
    const gone = `What came before #${firstSeq} is gone: cleared, or too old.`;
    writeOrHide(end, older !== null ? 'Older ones are read as you scroll.' : isCut ? gone : '');
  });
  effect(() => {
    const url = state.info.value?.hook_url;
    const isEmpty = isAsked.value && rounds.value.length === 0;
    empty.hidden = !isEmpty;
    view.hidden = isEmpty;
    send.hidden = !state.keys.value?.owner || !url;
    write(line, url ? sendLine(state.shell.value, url, HELLO) : '');
  });

  mountNewest(newest, state);
  effect(() => {
    if (state.place.value === 'newest' && view.scrollTop >= ROW) view.scrollTop = 0;
  });

  /** @returns {{key: string, offset: number} | null} */
  function firstInView() {
    const found = [...drawn].find(([, { at }]) => (at + 1) * ROW > view.scrollTop);
    return found ? { key: found[0], offset: view.scrollTop - found[1].at * ROW } : null;
  }

  view.addEventListener(
    'scroll',
    () => {
      state.place.value = view.scrollTop < ROW ? 'newest' : 'between';
      draw();
    },
    { passive: true },
  );
  new ResizeObserver(draw).observe(view);

  /** @param {string | null} key */
  function mark(key) {
    const shown = state.openDelivery.peek();
    for (const [one, { node, round }] of drawn) {
      // The newest is shown until another is selected.
      node.toggleAttribute('data-shown', shown !== null && round?.trace?.delivery === shown);
      const isSelected = String(one === key);
      if (node.getAttribute('aria-selected') !== isSelected)
        node.setAttribute('aria-selected', isSelected);
    }
    const selected = key === null ? undefined : drawn.get(key)?.node;
    if (selected) view.setAttribute('aria-activedescendant', selected.id);
    else view.removeAttribute('aria-activedescendant');
  }
  effect(() => {
    const key = state.selected.value;
    const at = all.peek().findIndex((round) => round.key === key);
    if (at >= 0) {
      if (at * ROW < view.scrollTop) view.scrollTop = at * ROW;
      const below = (at + 1) * ROW - view.clientHeight;
      if (below > view.scrollTop) view.scrollTop = below;
      draw();
    }
    mark(key);
  });
  effect(() => {
    void state.openDelivery.value;
    mark(state.selected.peek());
  });

  view.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    const list = all.peek();
    const at = list.findIndex(({ key }) => key === state.selected.peek());
    const page = Math.max(1, Math.floor(view.clientHeight / ROW) - 1);
    const target = TARGETS.get(event.key)?.(at, list.length - 1, page);
    if (target === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const next = list[Math.min(list.length - 1, Math.max(0, target))];
    if (next) state.selected.value = next.key;
  });
  rows.addEventListener('click', (/** @type {Event} */ { target }) => {
    const clicked = /** @type {Element} */ (target);
    const row = /** @type {HTMLElement | null} */ (clicked.closest('[data-key]'));
    if (row) state.selected.value = row.dataset.key ?? null;
  });

  return {
    newest: () => (state.place.value = 'newest'),
    'copy-line': (button) => (expect(), copyFrom(button, line.textContent)),
  };
}

/** Where a key leads. @type {[string, (at: number, last: number, page: number) => number][]} */
const KEYS = [
  ['ArrowDown', (at) => at + 1],
  ['ArrowUp', (at) => at - 1],
  ['PageDown', (at, _, page) => at + page],
  ['PageUp', (at, _, page) => at - page],
  ['Home', () => 0],
  ['End', (_, last) => last],
];
const TARGETS = new Map(KEYS);

let count = 0;
/** @param {string} key */
function newRow(key) {
  const spans = ['seq', 'time', 'who', 'hint', 'status'].map((name) =>
    element('span', `list-${name}`),
  );
  const row = element('div', 'list-row', ...spans);
  row.id = `row-${(count += 1)}`;
  row.setAttribute('role', 'option');
  row.dataset.key = key;
  return row;
}

/**
 * @param {HTMLElement} row
 * @param {Round} round
 * @param {number} at
 * @param {number} size
 * @param {Date} now
 */
function fill(row, round, at, size, now) {
  const [seq, time, who, hint, status] = /** @type {HTMLElement[]} */ ([...row.children]);
  row.style.translate = `0 ${at * ROW}px`;
  row.dataset.severity = round.severity;
  row.setAttribute('aria-posinset', String(at + 1));
  row.setAttribute('aria-setsize', String(size));
  row.toggleAttribute('data-remark', round.isRemark);
  write(seq, !round.isRemark && round.seq !== null ? `#${round.seq}` : '');
  write(time, round.at ? timeOfDay(round.at, now).slice(0, -4) : '');
  write(who, round.who);
  write(hint, round.hasHint ? '●' : '');
  hint.title = round.hasHint ? 'This round has a hint' : '';
  write(status, round.status);
}
