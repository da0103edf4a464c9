// @ts-check
// The selected round at full size. The address names it, so that `/log#12` is a link to one
// delivery. Until somebody selects one, it is the newest; on a phone the list is there first, and a
// round covers it until Back.

import { slots } from '../lib/component.js';
import { copyFrom } from '../lib/copy.js';
import { element, write } from '../lib/dom.js';
import { computed, effect } from '../lib/signal.js';
import { drawBlock } from './block.js';
import { matchingBlocks } from './matching.js';
import { isSameRound } from './rounds.js';

/** @typedef {import('./rounds.js').Round} Round */

/** Where the tutorial explains a block, by its kind. */
const EXPLAINED = new Map([
  ['api', 'simple-test'],
  ['device', 'device-firmware'],
  ['internal', 'webhook-details'],
  ['error', 'responses-and-errors'],
  ['received', 'log'],
  ['parsed', 'simple-test'],
  ['response', 'responses-and-errors'],
]);

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, endpoint, rounds, listed, isAsked }) {
  const { title, status, blocks, curl, 'curl-status': curlStatus } = slots(root);
  const narrow = matchMedia('(max-width: 999px)');
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
    root.toggleAttribute('data-open', state.selected.value !== null);
    root.hidden = round === null;
    if (!round) return;
    const number = round.seq === null || round.isRemark ? '' : `#${round.seq} `;
    write(title, `${number}${round.who}`);
    write(status, [round.status, round.took].filter(Boolean).join(' · '));
    root.dataset.severity = round.severity;
    curl.hidden = !round.kinds.has('received');
    const now = new Date();
    blocks.replaceChildren(
      ...matchingBlocks(round, filter).map((block) => {
        const node = drawBlock(block, now, 'open');
        const link = /** @type {HTMLAnchorElement} */ (
          element('a', 'block-explained', 'In the tutorial')
        );
        link.href = `/#${EXPLAINED.get(block.kind) ?? 'log'}`;
        node.append(link);
        return node;
      }),
    );
  });

  // The address follows what is selected, and the other way round.
  let isFollowing = false;
  effect(() => {
    const round = rounds.value.find(({ key }) => key === state.selected.value);
    const hash = round?.seq != null && !round.isRemark ? `#${round.seq}` : '';
    if (isFollowing || !state.isOpened.value || (hash === '' && state.selected.value !== null))
      return;
    if (location.hash === hash) return;
    const url = location.pathname + location.search + hash;
    // On a phone, Back leads to the list.
    if (narrow.matches && hash !== '' && location.hash === '')
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
    const seq = Number(/^#(\d{1,15})$/.exec(location.hash)?.[1] ?? NaN);
    if (Number.isNaN(seq)) {
      state.selected.value = null;
      return;
    }
    isFollowing = true;
    const find = () => rounds.peek().find((round) => round.seq === seq && !round.isRemark);
    try {
      while (!find() && state.log.peek().older !== null && lowest() > seq) await endpoint.older();
    } catch {
      // The log says that it is not connected.
    }
    isFollowing = false;
    state.selected.value = find()?.key ?? null;
  }
  const lowest = () => state.log.peek().deliveries[0]?.seq ?? Infinity;

  return {
    back: () => (history.state?.list ? history.back() : (state.selected.value = null)),
    async curl(button) {
      const delivery = shown.peek()?.trace?.delivery;
      if (!delivery) return;
      const { asCurl } = await import('./as-curl.js');
      const { line, notes } = asCurl(delivery.request, endpoint.hookUrl());
      await copyFrom(button, line);
      write(curlStatus, ['For bash or zsh.', ...notes].join(' '));
    },
  };
}
