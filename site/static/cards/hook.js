// @ts-check
// The learner's hook URL: the address, how long things are kept, and ways to send something to it.

import { mountLate, slots } from '../lib/component.js';
import { copyFrom } from '../lib/copy.js';
import { write } from '../lib/dom.js';
import { likelyShell } from '../lib/shell-line.js';
import { effect } from '../lib/signal.js';
import { span } from '../lib/time.js';
import { writeAddress } from '../log/address.js';
import { HELLO, sendFromPage, sendLine } from './send.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, page) {
  const { state, endpoint, particle, expect } = page;
  const at = slots(root);
  at.shell.value = state.shell.value = likelyShell(navigator.platform);
  at.shell.addEventListener('change', () => (state.shell.value = at.shell.value));

  effect(() => {
    const keys = state.keys.value;
    const info = state.info.value;
    at.card.hidden = keys === null;
    if (at.before) at.before.hidden = keys !== null || state.reading.value;
    write(at.url, info?.hook_url ?? (keys ? 'asking the server …' : ''));
    write(at.reach, info ? reach(info.hook_url) : '');
    write(at.kept, info ? kept(info, endpoint.isLasting()) : '');
    write(at.line, info ? sendLine(state.shell.value, info.hook_url, HELLO) : '');
    for (const control of at.owned.querySelectorAll('button')) control.hidden = !keys?.owner;
  });
  // Whoever pressed Start on the log page goes on here, for that button is gone; after the question
  // for a code, if there was one. In the tutorial, cards/start.js shows what Start does.
  let seen = 0;
  effect(() => {
    if (state.starts.value === seen || state.dialog.value !== null) return;
    seen = state.starts.value;
    if (!state.isTutorial.peek()) at.url.focus();
  });

  // In the tutorial, one endpoint is all there is to know.
  effect(() => {
    const isMine = Boolean(state.keys.value?.owner);
    const isShown = isMine && (state.drawer.value || state.others.value.length > 0);
    at.endpoints.hidden = !isShown;
    if (isShown) void mountLate(root, page);
  });

  /**
   * @param {'share' | 'continue'} name
   * @param {string} path of the page that the link opens
   * @param {string} fragment
   */
  const showLink = (name, path, fragment) =>
    (state.dialog.value = { name, texts: { link: location.origin + path + fragment } });
  const keys = () => state.keys.peek();

  return {
    'copy-url': (button) => (expect(), copyFrom(button, state.info.peek()?.hook_url ?? '')),
    'copy-line': (button) => (expect(), copyFrom(button, at.line.textContent)),
    share: () =>
      showLink('share', '/log', writeAddress(keys()?.share ?? '', state.filter.peek().text)),
    continue: () => showLink('continue', '/', `#${keys()?.owner}`),
    forget: () => (state.dialog.value = { name: 'forget' }),
    send: async () => write(at.answer, await sendFromPage(page, particle.sample())),
  };
}

/** @param {string} url */
function reach(url) {
  const { hostname } = new URL(url);
  const isHere = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
  return isHere ? 'this computer only' : 'anywhere';
}

/**
 * @param {import('../lib/api-client.js').EndpointInfo} info
 * @param {boolean} isLasting whether the browser keeps the key
 */
function kept({ limits, expires_at }, isLasting) {
  const date = new Date(expires_at);
  const day = date.toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });
  const where = isLasting
    ? ''
    : ' This browser keeps nothing: your key is gone when the page closes.';
  const count = limits.max_deliveries.toLocaleString('en-GB');
  return (
    `Deliveries for ${span(limits.delivery_ttl_s * 1000)}, the newest ${count}; the URL ` +
    `until ${day}. Each delivery extends that.${where}`
  );
}
