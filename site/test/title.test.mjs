import assert from 'node:assert/strict';
import { test } from 'node:test';

import { flush } from '../static/lib/signal.js';
import { mountTitle } from '../static/log/title.js';
import { createState } from '../static/state.js';

test('the title counts what came while the tab was hidden', () => {
  const document = Object.assign(new EventTarget(), { title: 'Log', hidden: false });
  const state = createState();
  const titles = [];
  const then = (change) => {
    change();
    flush();
    titles.push(document.title);
  };
  const hide = (hidden) => () => {
    document.hidden = hidden;
    document.dispatchEvent(new Event('visibilitychange'));
  };
  const arrive = (...keys) => () => (state.arrived.value = new Set(keys));
  mountTitle(state, document);
  for (const change of [arrive('a'), hide(true), arrive('a', 'b'), arrive('a', 'b', 'c'), hide(false), hide(true), arrive(), arrive('d')]) then(change);
  assert.deepEqual(titles, ['Log', 'Log', '(1) Log', '(2) Log', 'Log', 'Log', 'Log', '(1) Log']);
});
