// @ts-check
// In which mode the page works, in the top bar and for the prose that is right in one mode only.

import { slots } from '../lib/component.js';
import { write } from '../lib/dom.js';
import { effect } from '../lib/signal.js';
import { inBrowser } from '../lib/storage.js';
import { modeOf, modeWords } from './mode-words.js';

/** The mode of the last visit, so that the next one begins with the right words. */
const keptMode = inBrowser('webhook-tutorial/mode');

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state }) {
  const { name, more } = slots(root);
  effect(() => {
    const config = state.config.value;
    const account = state.account.value;
    const login =
      account.kind === 'in' ? { cloud: account.cloud, username: account.ticket.username } : null;
    const mode = modeOf({ login, clouds: config?.clouds ?? [] });
    const [title, rest] = modeWords(mode, login?.username);
    write(name, title);
    write(more, `: ${rest}`);
    root.hidden = !config;
    if (!config) return;
    if (document.documentElement.dataset.mode !== mode || keptMode.text() === null)
      keptMode.keep(mode);
    document.documentElement.dataset.mode = mode;
  });
}
