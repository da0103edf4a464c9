// @ts-check
// What is left to remove of what was made here. What is left is decided in steps/clean-up-rules.js,
// which is loaded when the card comes into view; what was seen is kept over a reload.

import { slots } from '../lib/component.js';
import { write } from '../lib/dom.js';
import { effect, signal, untracked } from '../lib/signal.js';
import { inTab } from '../lib/storage.js';
import { NOTHING_KNOWN, isKnown, learn } from '../steps/clean-up-known.js';

const kept = inTab('webhook-tutorial/clean-up');

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, world }) {
  const at = slots(root);
  /** Whose it is; it stays after that one was forgotten. @type {string | null} */
  let endpoint = null;

  effect(() => {
    root.hidden = state.reading.value;
    const now = world.value;
    const mine = now.endpoint ?? now.forgotten;
    untracked(() => {
      if (mine !== endpoint) {
        endpoint = mine;
        const was = kept.json();
        const isMine = mine !== null && was?.endpoint === mine && isKnown(was.known);
        state.cleanUp.value = isMine ? was.known : NOTHING_KNOWN;
      }
      const before = state.cleanUp.value;
      const known = learn(before, now);
      state.cleanUp.value = known;
      if (known !== before && mine !== null) kept.keepJson({ endpoint: mine, known });
    });
  });

  const rules = signal(/** @type {typeof import('../steps/clean-up-rules.js') | null} */ (null));
  const seen = new IntersectionObserver(async (entries) => {
    if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
    rules.value = await import('../steps/clean-up-rules.js');
    seen.disconnect();
  });
  seen.observe(root);
  effect(() => {
    if (rules.value === null) return;
    const rows = rules.value.left(state.cleanUp.value, world.value);
    for (const { name, isClean, words } of rows) {
      at[name].dataset.state = isClean === null ? 'unknown' : isClean ? 'clean' : 'left';
      write(at[`${name}-words`], words);
    }
    const isAll = rows.every(({ isClean }) => isClean === true);
    write(at.all, isAll ? 'Nothing is left that this page created.' : '');
  });
}
