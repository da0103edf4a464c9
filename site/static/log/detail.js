// @ts-check
// The selected round at full size. The address names it, so that `/log#12` is a link to one
// delivery, and what is searched for. Until somebody selects one, it is the newest; on a phone the
// list is there first, and a round covers it until Back.

import { mountLate, slots } from '../lib/component.js';
import { slot, write } from '../lib/dom.js';
import { computed, effect } from '../lib/signal.js';
import { drawBlock } from './block.js';
import { keyInFragment } from '../keys/keys.js';
import { readAddress, writeAddress } from './address.js';
import { drawLinks } from './explained.js';
import { matchingBlocks } from './matching.js';
import { isSameRound } from './rounds.js';

/** @typedef {import('./rounds.js').Round} Round */

/** @type {import('../lib/component.js').Mount} */
export function mount(root, page) {
  const { state, endpoint, rounds, listed, isAsked } = page;
  const { title, status, wrap, blocks } = slots(root);
  // Whoever uses a tool stays with its request while others arrive.
  for (const name of ['focusin', 'click'])
    root.addEventListener(name, ({ target }) => {
      const tools = /** @type {Element} */ (target).closest('.request-tools');
      if (tools) state.selected.value ??= shown.peek()?.key ?? null;
    });
  wrap.addEventListener('change', () => root.toggleAttribute('data-unwrapped', !wrap.checked));
  const narrow = matchMedia('(max-width: 999px)');
  /** The key of the round that is drawn. @type {string | null} */
  let drawn = null;
  /** Nothing is drawn again that looks the same. */
  const shown = computed(
    () => {
      const key = state.selected.value;
      if (key !== null) return rounds.value.find((round) => round.key === key) ?? null;
      return narrow.matches ? null : (listed.value.findLast(({ isRemark }) => !isRemark) ?? null);
    },
    (a, b) => a === b || (a !== null && b !== null && isSameRound(a, b)),
  );

  effect(() => {
    const round = shown.value;
    const filter = state.filter.value;
    // Who reads the newest round stays with it when another arrives.
    const read = drawn;
    const isOther =
      round !== null && round.key !== read && rounds.peek().some(({ key }) => key === read);
    if (isOther && state.selected.peek() === null && root.matches(':hover, :focus-within')) {
      drawn = null;
      state.selected.value = read;
      return;
    }
    drawn = round?.key ?? null;
    root.toggleAttribute('data-open', state.selected.value !== null);
    root.hidden = round === null;
    state.openDelivery.value = round?.trace?.delivery ?? null;
    if (!round) return;
    void mountLate(root, page);
    const number = round.seq === null || round.isRemark ? '' : `#${round.seq} `;
    write(title, `${number}${round.who}`);
    write(status, [round.status, round.took].filter(Boolean).join(' · '));
    root.dataset.severity = round.severity;
    const now = new Date();
    blocks.replaceChildren(
      ...matchingBlocks(round, filter).map((block) => {
        const node = drawBlock(block, now, 'open');
        // It is directly below the title of the round here.
        slot(node, 'title').setAttribute('aria-level', '3');
        node.append(drawLinks(block));
        return node;
      }),
    );
  });

  // The address follows what is selected, and the other way round.
  // Nothing is written there before what it named at first was looked up.
  let isFollowing = true;
  effect(() => {
    const round = rounds.value.find(({ key }) => key === state.selected.value);
    const seq = round && !round.isRemark ? round.seq : null;
    const hash = writeAddress(seq, state.filter.value.text);
    if (isFollowing || !state.isOpened.value || (seq === null && state.selected.value !== null))
      return;
    if (location.hash === hash) return;
    const url = location.pathname + location.search + hash;
    // On a phone, Back leads to the list.
    if (narrow.matches && seq !== null && readAddress(location.hash).seq === null)
      history.pushState({ list: true }, '', url);
    else history.replaceState(history.state, '', url);
  });
  addEventListener('popstate', () => void followAddress());
  addEventListener('hashchange', () => void followAddress());
  effect(() => {
    if (isAsked.value) void followAddress();
  });

  /** Selects the delivery that the address names, and reads older ones until it is there. */
  async function followAddress() {
    // A key is taken by the endpoint, with its search.
    if (keyInFragment(location.hash)) return;
    const { seq, search } = readAddress(location.hash);
    if (search !== state.filter.peek().text)
      state.filter.value = { ...state.filter.peek(), text: search };
    if (seq === null) {
      isFollowing = false;
      state.selected.value = null;
      return;
    }
    isFollowing = true;
    const find = () => rounds.peek().find((round) => round.seq === seq && !round.isRemark);
    const isOlder = () => !find() && state.log.peek().older !== null && lowest() > seq;
    while (isOlder()) if (!(await endpoint.older())) break;
    isFollowing = false;
    state.selected.value = find()?.key ?? null;
  }
  const lowest = () => state.log.peek().deliveries[0]?.seq ?? Infinity;

  return {
    back: () => (history.state?.list ? history.back() : (state.selected.value = null)),
  };
}
