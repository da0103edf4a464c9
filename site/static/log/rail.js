// @ts-check
// The rail: rounds of blocks, left to right, the newest at the right. Only DOM; what to show comes in as plain values.
//
// Whatever comes from outside goes in as text, never as markup. What is there already is kept, by key and identity, so that
// focus, selection and scroll positions survive. The rail moves by itself only for a reader who is at its newest edge.

import { drawBlock } from './block.js';
import { copyOf, part, slot, write } from '../lib/dom.js';

/**
 * @typedef {import('./rounds.js').Round} Round
 * @typedef {import('./delivery.js').Block} Block
 * @typedef {{rounds: Round[], isAsked: boolean, hasOlder: boolean, olderNote: string, empty: string | null}} View `isAsked`:
 *   the server has said what there is, so what comes later is new. `empty`: what to say in
 *   place of rounds; null if there are some or there will be in a moment
 */

/** As near to the newest as this counts as being there, in pixels. */
const EDGE = 200;

/**
 * @param {HTMLElement} rail the scroller
 * @param {{
 *   now: () => Date,
 *   onOpen: (block: Block) => void,
 *   onSelect: (block: Block | null) => void,
 *   onEdge: (state: {atEdge: boolean, unseen: number}) => void,
 * }} tell
 */
export function mountRail(rail, { now, onOpen, onSelect, onEdge }) {
  const list = slot('rounds', rail);
  /** @type {Map<string, {node: HTMLElement, round: Round | null}>} */
  const drawn = new Map();
  /** @type {WeakMap<Element, Block>} */
  const blockOf = new WeakMap();
  let edge = true;
  let unseen = 0;
  /** What was drawn last. @type {View | null} */
  let shown = null;
  /** The round at the newest end, and whether anything was drawn yet: what is there at first did not arrive. */
  let lastKey = /** @type {string | null} */ (null);
  let hasDrawn = false;
  /** The block that Tab stops at, and whether somebody put it there. @type {HTMLElement | null} */
  let current = null;
  let isChosen = false;

  const vertical = () => rail.dataset.view === 'list';
  /** Where the rail stands, and where it would at its end. */
  const position = () => (vertical() ? { at: rail.scrollTop, end: rail.scrollHeight - rail.clientHeight } : { at: rail.scrollLeft, end: rail.scrollWidth - rail.clientWidth });
  /** Where it stood last. Nobody is taken from here: it is known anew with the next scroll. */
  const NOWHERE = { at: 0, end: 0 };
  let stood = NOWHERE;
  const toEnd = () => {
    vertical() ? (rail.scrollTop = rail.scrollHeight) : (rail.scrollLeft = rail.scrollWidth);
    stood = position();
  };
  let told = '';
  const tellEdge = () => {
    if (told === `${edge} ${unseen}`) return;
    told = `${edge} ${unseen}`;
    onEdge({ atEdge: edge, unseen });
  };
  /** What is to be done about the scroll position before the next picture; null if nothing. @type {(() => void) | null} */
  let planned = null;
  // Drawing and measuring are two tasks: to measure at once would lay out, in the same task, all that was just drawn.
  const beforePicture = (/** @type {() => void} */ act) => {
    if (planned === null) {
      requestAnimationFrame(() => {
        const now = planned;
        planned = null;
        now?.();
      });
    }
    planned = act;
  };
  /** @param {boolean} is */
  const setEdge = (is) => {
    edge = is;
    if (edge) unseen = 0;
    tellEdge();
  };
  const noteScroll = () => {
    // A rail that is not shown has no size and no edge.
    if (rail.clientWidth === 0) return;
    const before = stood;
    stood = position();
    const isNear = stood.end - stood.at <= EDGE;
    // Only its reader takes a rail from its edge. What grows leaves them where they are, and what shrinks, or a window that
    // gives it more room, takes it back by no more than that.
    if (edge && !isNear && stood.at < before.at + Math.min(0, stood.end - before.end) - 1) setEdge(false);
    // And only they bring it there. One that is about to be moved is not where its reader left it.
    else if (isNear && stood.at > before.at && planned === null) setEdge(true);
  };
  const settle = () => {
    if (edge) beforePicture(() => edge && toEnd());
  };
  rail.addEventListener('scroll', noteScroll, { passive: true });
  // A list grows without anybody's doing when what comes into view turns out higher than it was taken for.
  const sizes = new ResizeObserver(() => {
    // Where all of it is in view there is no way to scroll to the newest.
    if (!edge && rail.clientWidth > 0 && position().end <= 0) setEdge(true);
    settle();
  });
  for (const node of [rail, list]) sizes.observe(node);
  // Who unfolds something wants to read that.
  list.addEventListener('click', ({ target }) => {
    if (!(/** @type {Element} */ (target).closest('summary'))) return;
    requestAnimationFrame(() => {
      stood = position();
      setEdge(stood.end - stood.at <= EDGE);
    });
  });

  /** What the reader looks at, to put it back where it was after things changed before it. */
  const hold = () => {
    if (planned !== null) return;
    const start = vertical() ? rail.getBoundingClientRect().top : rail.getBoundingClientRect().left;
    const place = (/** @type {Element} */ node) => (vertical() ? node.getBoundingClientRect().top : node.getBoundingClientRect().left);
    const end = (/** @type {Element} */ node) => (vertical() ? node.getBoundingClientRect().bottom : node.getBoundingClientRect().right);
    const anchor = [...list.children].find((node) => end(node) > start);
    const before = anchor ? place(anchor) : 0;
    beforePicture(() => {
      if (!anchor?.isConnected) return;
      const moved = place(anchor) - before;
      if (moved !== 0) vertical() ? (rail.scrollTop += moved) : (rail.scrollLeft += moved);
      stood = position();
    });
  };

  const blocks = () => /** @type {HTMLElement[]} */ ([...list.querySelectorAll('.log-block')]);
  const blockNode = (/** @type {string} */ key) => blocks().find((node) => node.dataset.key === key) ?? null;
  const lastBlock = () => {
    for (let round = list.lastElementChild; round; round = round.previousElementSibling) {
      const block = slot('blocks', round).lastElementChild?.lastElementChild;
      if (block) return /** @type {HTMLElement} */ (block);
    }
    return null;
  };

  const setCurrent = (/** @type {HTMLElement | null} */ node) => {
    if (current && current !== node) current.tabIndex = -1;
    if (node) node.tabIndex = 0;
    current = node;
  };

  rail.addEventListener('focusin', ({ target }) => {
    const node = /** @type {HTMLElement | null} */ (/** @type {Element} */ (target).closest('.log-block'));
    if (!node) return;
    setCurrent(node);
    isChosen = true;
    onSelect(blockOf.get(node) ?? null);
  });
  rail.addEventListener('focusout', () => onSelect(null));

  rail.addEventListener('keydown', (event) => {
    const node = /** @type {HTMLElement} */ (event.target);
    if (!node.matches?.('.log-block') || event.altKey || event.ctrlKey || event.metaKey) return;
    const block = blockOf.get(node);
    if (block && (event.key === 'Enter' || event.key === ' ')) {
      event.preventDefault();
      onOpen(block);
      return;
    }
    const all = blocks();
    const at = all.indexOf(node);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const target = event.key === 'Home' ? all[0] : event.key === 'End' ? all.at(-1) : step ? all[at + step] : undefined;
    if (!target) return;
    event.preventDefault();
    target.focus({ preventScroll: true });
    target.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    if (event.key !== 'End') return;
    setEdge(true);
    toEnd();
  });

  rail.addEventListener('click', ({ target }) => {
    const head = /** @type {Element} */ (target).closest('.log-block > header, .row-more');
    const node = head?.closest('.log-block');
    const block = node && blockOf.get(node);
    if (block) onOpen(block);
  });

  /** @param {Block} block @param {boolean} isFirst @param {boolean} arrives */
  const drawCell = (block, isFirst, arrives) => {
    const node = drawBlock(block, now());
    node.tabIndex = -1;
    blockOf.set(node, block);
    const cell = document.createElement('div');
    cell.className = 'block-cell';
    if (!isFirst) cell.dataset.hop = block.hop;
    if (arrives) cell.dataset.arrives = '';
    cell.append(node);
    return cell;
  };

  /** @param {Round} round @param {HTMLElement} node @param {Round | null} before @param {boolean} arrives */
  const drawRound = (round, node, before, arrives) => {
    node.dataset.key = round.key;
    node.dataset.tone = round.tone;
    slot('seq', node).textContent = round.blocks.length > 0 && round.seq !== null ? `#${round.seq}` : '';
    slot('who', node).textContent = round.who;
    slot('status', node).textContent = round.status;
    slot('aside', node).textContent = round.aside;
    const place = slot('blocks', node);
    const old = new Map([...place.children].map((cell, i) => [before?.blocks[i], cell]));
    const keys = new Set(before?.blocks.map(({ key }) => key));
    const cells = round.blocks.map((block, i) => old.get(block) ?? drawCell(block, i === 0, arrives && !keys.has(block.key)));
    reorder(place, cells);
    node.toggleAttribute('data-remark', cells.length === 0);
    node.toggleAttribute('data-many', cells.length > 1);
    node.style.setProperty('--blocks', String(cells.length));
  };

  return {
    /**
     * Draws it. Gives back the rounds that arrived at the newest end since the last time.
     * @param {View} view
     */
    update(view) {
      // Most questions bring nothing new, and laying out a long rail again takes longer than asking.
      if (shown && sameView(shown, view)) return [];
      shown = view;
      const { rounds, isAsked, hasOlder, olderNote, empty } = view;
      if (!edge) hold();
      const focused = /** @type {HTMLElement | null} */ (document.activeElement?.closest?.('.log-block'));
      const focusedKey = focused && list.contains(focused) ? focused.dataset.key : null;
      // Only what comes at the newest end arrives; what is fetched from the past was there all along.
      const lastAt = rounds.findIndex(({ key }) => key === lastKey);
      /** @type {Round[]} */
      const arrived = [];
      const nodes = rounds.map((round, i) => {
        let entry = drawn.get(round.key);
        const isNew = !entry && hasDrawn && i > lastAt;
        if (isNew) arrived.push(round);
        if (!entry) {
          entry = { node: copyOf('round-template'), round: null };
          drawn.set(round.key, entry);
        }
        if (entry.round !== round) drawRound(round, entry.node, entry.round, isNew || entry.round !== null);
        entry.round = round;
        return entry.node;
      });
      lastKey = rounds.at(-1)?.key ?? null;
      hasDrawn ||= isAsked;
      const keys = new Set(rounds.map(({ key }) => key));
      for (const key of [...drawn.keys()]) if (!keys.has(key)) drawn.delete(key);
      if (!edge) unseen += arrived.length;
      reorder(list, nodes);

      const again = !focusedKey || document.activeElement === focused ? null : blockNode(focusedKey);
      again?.focus({ preventScroll: true });
      if (!current?.isConnected || !isChosen) {
        const same = isChosen && current?.dataset.key ? blockNode(current.dataset.key) : null;
        isChosen = same !== null;
        setCurrent(same ?? lastBlock());
      }

      const older = /** @type {HTMLElement} */ (rail.querySelector('[data-do="older"]'));
      older.hidden = !hasOlder;
      slot('older-note', rail).textContent = olderNote;
      /** @type {HTMLElement} */ (older.parentElement).hidden = !hasOlder && olderNote === '';
      rail.toggleAttribute('data-empty', empty !== null);
      part('empty').hidden = empty === null;
      if (empty !== null) write(slot('empty'), empty);
      settle();
      tellEdge();
      return arrived;
    },
    /** Forgets what was drawn: another log begins. */
    reset() {
      stood = NOWHERE;
      shown = null;
      hasDrawn = false;
      lastKey = null;
      edge = true;
      unseen = 0;
      current = null;
      isChosen = false;
      drawn.clear();
      list.replaceChildren();
    },
    atEdge: () => edge,
    /** To the newest, wherever the reader is. */
    toNewest() {
      setEdge(true);
      settle();
    },
    /** The reader looks for something older than what is shown. */
    lookBack: () => setEdge(false),
    /** After the rail was shown, docked or turned: back to the newest if that is where the reader was. */
    settle() {
      stood = NOWHERE;
      settle();
    },
    /** @param {'rail' | 'list'} view */
    setView(view) {
      rail.dataset.view = view;
      edge = true;
      this.settle();
    },
    /** Puts the focus on a block again, after it was open. @param {string} key */
    focus(key) {
      blockNode(key)?.focus({ preventScroll: true });
    },
  };
}

/** @param {View} a @param {View} b */
const sameView = (a, b) =>
  a.isAsked === b.isAsked && a.hasOlder === b.hasOlder && a.olderNote === b.olderNote && a.empty === b.empty &&
  a.rounds.length === b.rounds.length && a.rounds.every((round, i) => round === b.rounds[i]);

/** Makes exactly these the children, moving none that stands right. @param {Element} parent @param {Element[]} nodes */
function reorder(parent, nodes) {
  const stay = new Set(nodes);
  for (const child of [...parent.children]) if (!stay.has(child)) child.remove();
  let at = parent.firstElementChild;
  for (const node of nodes) {
    if (at === node) at = at.nextElementSibling;
    else parent.insertBefore(node, at);
  }
}
