// @ts-check
// The rail: rounds of blocks, left to right, the newest at the right; or, as a list, one below the
// other.
//
// Whatever comes from outside goes in as text, never as markup. What is drawn already is kept, by
// key, so that focus, selection and scroll positions survive.

import { slots } from '../lib/component.js';
import { element, fromTemplate, reorder, slot, write, writeOrHide } from '../lib/dom.js';
import { effect, signal, untracked } from '../lib/signal.js';
import { drawBlock } from './block.js';
import { viewOf } from './dock-place.js';
import { isSameBlock, isSameRound } from './rounds.js';
import { mountScroller } from './scroller.js';

/**
 * @typedef {import('./rounds.js').Round} Round
 * @typedef {import('./delivery.js').Block} Block
 */

/** Rounds on the rail at first, and more with each "show older". */
const SHOWN = 30;
/** So long is drawn in one task, in milliseconds: longer would hold up the next picture. */
const DRAWING_MS = 8;

/** The pointer or the focus is in it. */
const READING = ':hover, :focus-within';

/** @type {import('../lib/component.js').Mount} */
export function mount(rail, { state, endpoint, rounds, isAsked }) {
  const { list, older, 'older-row': olderRow, 'older-note': olderNote, empty } = slots(rail);
  const scroller = mountScroller(rail, list, {
    isAtNewest: () => state.place.peek() === 'newest',
    setAtNewest: (is) => (state.place.value = is ? 'newest' : 'between'),
  });
  const draw = mountRounds(list);

  /** The key of the first round on the rail; null for the newest few. */
  let from = /** @type {string | null} */ (null);
  /** The key of the newest round that was drawn. */
  let newest = /** @type {string | null} */ (null);
  /** Grows when this changes, or when the rest is to be drawn. */
  const changes = signal(0);
  let isPlanned = false;

  effect(() => {
    rail.dataset.view = viewOf(state);
    untracked(() => (state.place.value = 'newest'));
    scroller.reset();
  });
  effect(() => {
    // Another log begins at its newest.
    void state.keys.value;
    from = null;
    scroller.reset();
  });
  effect(() => {
    void state.dock.value;
    const place = state.place.value;
    if (place === 'newest') scroller.settle();
    if (place !== 'oldest') return;
    scroller.toStart();
    void showOlder();
  });

  effect(() => {
    void changes.value;
    const all = rounds.value;
    const log = state.log.value;
    // Who reads a round stays with it, and "Newest" says that others came.
    const came = all.at(-1)?.key ?? null;
    const isNew = newest !== null && came !== newest;
    newest = came;
    if (isNew && state.place.peek() === 'newest' && rail.matches(READING))
      state.place.value = 'between';
    const isAtNewest = state.place.peek() === 'newest';
    const kept = all.findIndex(({ key }) => key === from);
    const isLong = isAtNewest && all.length - kept > 3 * SHOWN;
    const first = kept < 0 || isLong ? Math.max(0, all.length - SHOWN) : kept;
    // Under a reader who looks back nothing is taken away at the far end.
    from = isAtNewest && (kept < 0 || isLong) ? null : (all[first]?.key ?? null);
    if (!isAtNewest) scroller.hold();
    const isWhole = draw(all.slice(first), state.arrived.value);

    const hasOlder = first > 0 || log.older !== null;
    older.hidden = !hasOlder;
    const isCut = !hasOlder && all.length > 0 && log.firstSeq > 1;
    const note = `What came before #${log.firstSeq} is gone: cleared, or too old.`;
    write(olderNote, isCut ? note : '');
    olderRow.hidden = !hasOlder && !isCut;
    const words = all.length > 0 ? '' : emptyWords();
    rail.toggleAttribute('data-empty', words !== '');
    writeOrHide(empty, words);
    scroller.settle();
    if (isWhole || isPlanned) return;
    isPlanned = true;
    afterPicture(() => {
      isPlanned = false;
      changes.value += 1;
    });
  });

  function emptyWords() {
    if (state.gone.value !== null) return 'Nothing to show.';
    if (!isAsked.value) return 'Asking the server …';
    return state.keys.value?.owner
      ? 'Listening. Send any HTTP request to your hook URL, and it appears here.'
      : 'Nothing has arrived at this endpoint yet. Deliveries appear here.';
  }

  async function showOlder() {
    const first = () => {
      const kept = rounds.peek().findIndex(({ key }) => key === from);
      return kept < 0 ? Math.max(0, rounds.peek().length - SHOWN) : kept;
    };
    if (first() < SHOWN) await endpoint.older();
    from = rounds.peek()[Math.max(0, first() - SHOWN)]?.key ?? null;
    changes.value += 1;
  }

  rail.addEventListener('focusin', ({ target }) => {
    const block = /** @type {HTMLElement | null} */ (
      /** @type {Element} */ (target).closest('.log-block')
    );
    state.focusedKind.value = block?.dataset.kind ?? '';
  });
  rail.addEventListener('focusout', () => (state.focusedKind.value = ''));
  mountKeys(rail, list, {
    open: (block) => (state.openBlock.value = block),
    toEnd() {
      state.place.value = 'newest';
      scroller.toEnd();
    },
  });
  // The focus goes back to the block that was open.
  let opened = /** @type {string | null} */ (null);
  effect(() => {
    const block = state.openBlock.value;
    if (block === null && opened !== null) blockNode(list, opened)?.focus({ preventScroll: true });
    opened = block?.key ?? null;
  });

  return {
    older() {
      // Whoever is at the newest and asks for older ones would not see them come.
      state.place.value = 'between';
      return showOlder();
    },
  };
}

/** The block of a node. @type {WeakMap<Element, Block>} */
const blockOf = new WeakMap();

/** @param {HTMLElement} list @param {string} key */
const blockNode = (list, key) => blockNodes(list).find((node) => node.dataset.key === key) ?? null;

/** @param {HTMLElement} list */
const blockNodes = (list) =>
  /** @type {HTMLElement[]} */ ([...list.querySelectorAll('.log-block')]);

/** Draws rounds into a list. @param {HTMLElement} list */
export function mountRounds(list) {
  /** @type {Map<string, {node: HTMLElement, round: Round | null}>} */
  const drawn = new Map();
  /** The block that Tab stops at, and whether somebody put it there. @type {HTMLElement | null} */
  let current = null;
  let isChosen = false;

  /** @param {HTMLElement | null} node */
  function setCurrent(node) {
    if (current && current !== node) current.tabIndex = -1;
    if (node) node.tabIndex = 0;
    current = node;
  }
  list.addEventListener('focusin', ({ target }) => {
    const node = /** @type {Element} */ (target).closest('.log-block');
    if (!node) return;
    setCurrent(/** @type {HTMLElement} */ (node));
    isChosen = true;
  });

  /**
   * Draws the newest first, and for as long as a task may take. Returns whether all are drawn.
   * @param {Round[]} rounds @param {ReadonlySet<string>} arrived
   */
  return (rounds, arrived) => {
    const focused = /** @type {HTMLElement | null} */ (
      document.activeElement?.closest?.('.log-block')
    );
    const focusedKey = focused && list.contains(focused) ? focused.dataset.key : null;
    const end = performance.now() + DRAWING_MS;
    let isWhole = true;
    let isFirst = true;
    for (const round of [...rounds].reverse()) {
      const entry = drawn.get(round.key) ?? { node: fromTemplate('round-template'), round: null };
      if (entry.round === round) continue;
      if (!isFirst && performance.now() >= end) {
        isWhole = false;
        break;
      }
      if (entry.round === null || !isSameRound(entry.round, round)) {
        drawRound(round, entry.node, entry.round, arrived.has(round.key));
        isFirst = false;
      }
      entry.round = round;
      drawn.set(round.key, entry);
    }
    const keys = new Set(rounds.map(({ key }) => key));
    for (const key of [...drawn.keys()]) if (!keys.has(key)) drawn.delete(key);
    const nodes = rounds.flatMap(({ key }) => drawn.get(key)?.node ?? []);
    reorder(list, nodes);

    if (focusedKey && document.activeElement !== focused) {
      blockNode(list, focusedKey)?.focus({ preventScroll: true });
    }
    if (current?.isConnected && isChosen) return isWhole;
    const same = isChosen && current?.dataset.key ? blockNode(list, current.dataset.key) : null;
    isChosen = same !== null;
    setCurrent(same ?? blockNodes(list).at(-1) ?? null);
    return isWhole;
  };
}

/**
 * @param {Round} round
 * @param {HTMLElement} node
 * @param {Round | null} before
 * @param {boolean} arrived
 */
function drawRound(round, node, before, arrived) {
  const { blocks, seq } = round;
  node.dataset.key = round.key;
  node.dataset.severity = round.severity;
  write(slot(node, 'seq'), !round.isRemark && seq !== null ? `#${seq}` : '');
  write(slot(node, 'who'), round.who);
  write(slot(node, 'status'), round.status);
  write(slot(node, 'took'), round.took);
  const place = slot(node, 'blocks');
  const old = new Map(
    [...place.children].map((cell, i) => [
      before?.blocks[i]?.key,
      { cell, block: before?.blocks[i] },
    ]),
  );
  const cells = blocks.map((block, i) => {
    const known = old.get(block.key);
    if (known?.block && isSameBlock(known.block, block)) {
      blockOf.set(/** @type {Element} */ (known.cell.firstElementChild), block);
      return known.cell;
    }
    return drawCell(block, i === 0, arrived && !known);
  });
  reorder(place, cells);
  node.toggleAttribute('data-remark', cells.length === 0);
  node.toggleAttribute('data-many', cells.length > 1);
  node.style.setProperty('--blocks', String(cells.length));
}

/** @param {Block} block @param {boolean} isFirst @param {boolean} arrives */
function drawCell(block, isFirst, arrives) {
  const node = drawBlock(block, new Date());
  node.tabIndex = -1;
  blockOf.set(node, block);
  const cell = element('div', 'block-cell', node);
  if (!isFirst) cell.dataset.hop = block.hop;
  if (arrives) cell.dataset.arrives = '';
  return cell;
}

/**
 * A block opens by a press of its head or by Enter; arrows walk the blocks.
 * @param {HTMLElement} rail @param {HTMLElement} list @param {{open: (block: Block) => void, toEnd:
 *   () => void}} act
 */
function mountKeys(rail, list, { open, toEnd }) {
  rail.addEventListener('keydown', (event) => {
    const node = /** @type {HTMLElement} */ (event.target);
    if (!node.matches?.('.log-block') || event.altKey || event.ctrlKey || event.metaKey) return;
    const block = blockOf.get(node);
    if (block && (event.key === 'Enter' || event.key === ' ')) {
      event.preventDefault();
      return open(block);
    }
    const all = blockNodes(list);
    const at = all.indexOf(node);
    const target = all[TARGETS.get(event.key)?.(at, all.length - 1) ?? -1];
    if (!target) return;
    event.preventDefault();
    target.focus({ preventScroll: true });
    target.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    if (event.key === 'End') toEnd();
  });
  rail.addEventListener('click', ({ target }) => {
    const head = /** @type {Element} */ (target).closest('.log-block > header, .row-more');
    const node = head?.closest('.log-block');
    const block = node && blockOf.get(node);
    if (block) open(block);
  });
}

/** Where a key leads. @type {[string, (at: number, last: number) => number][]} */
const KEYS = [
  ['ArrowRight', (at) => at + 1],
  ['ArrowDown', (at) => at + 1],
  ['ArrowLeft', (at) => at - 1],
  ['ArrowUp', (at) => at - 1],
  ['Home', () => 0],
  ['End', (_, last) => last],
];
const TARGETS = new Map(KEYS);

/** Calls after the next picture was drawn. @param {() => void} act */
const afterPicture = (act) => requestAnimationFrame(() => setTimeout(act));
