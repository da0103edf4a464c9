// @ts-check
// What can be done with the request that is open at full size: copy it as curl, and check its
// signature. What that needs is loaded when it is asked for.

import { slots } from '../lib/component.js';
import { copyFrom } from '../lib/copy.js';
import { element, write } from '../lib/dom.js';
import { effect } from '../lib/signal.js';
import { inBrowser } from '../lib/storage.js';
import { urlOf } from './request-body.js';

/** The secrets that the reader asked to keep, each with the name of its scheme. */
const kept = inBrowser('webhook-tutorial/signature-secrets');

/** @returns {string[][]} */
function keptSecrets() {
  const list = kept.json();
  return Array.isArray(list) ? list.filter(Array.isArray) : [];
}

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, endpoint }) {
  const at = slots(root);
  const form = /** @type {HTMLFormElement} */ (at.form);
  const scheme = /** @type {HTMLSelectElement} */ (at.scheme);
  const secret = /** @type {HTMLInputElement} */ (at.secret);
  const url = /** @type {HTMLInputElement} */ (at.url);
  const keep = /** @type {HTMLInputElement} */ (at.keep);
  /** The schemes' module, once the form was opened. */
  let signatures = /** @type {typeof import('./signatures.js') | null} */ (null);

  effect(() => {
    const delivery = state.openDelivery.value;
    root.hidden = delivery === null;
    write(at['curl-status'], '');
    prepare();
  });

  /** Puts into the form what suits the request. */
  function prepare() {
    const request = state.openDelivery.peek()?.request;
    if (!signatures || !request) return;
    const { SCHEMES, likelyScheme } = signatures;
    if (scheme.options.length === 0)
      scheme.append(...SCHEMES.map(({ name }) => element('option', '', name)));
    const likely = likelyScheme(request);
    if (likely) scheme.selectedIndex = SCHEMES.indexOf(likely);
    url.value = urlOf(request, endpoint.hookUrl());
    takeScheme();
  }

  /** Names the secret as the chosen sender does, and takes the one that is kept for it. */
  function takeScheme() {
    const chosen = signatures?.SCHEMES[scheme.selectedIndex];
    if (!chosen) return;
    write(at['secret-label'], chosen.secret[0].toUpperCase() + chosen.secret.slice(1));
    at['url-field'].hidden = !chosen.usesUrl;
    const own = keptSecrets().find(([name]) => name === chosen.name);
    keep.checked = own !== undefined;
    secret.value = own?.[1] ?? '';
    write(at.verdict, '');
  }

  /** Keeps the secret, or no longer, as the reader chose. @param {string} name */
  function keepSecret(name) {
    const others = keptSecrets().filter(([other]) => other !== name);
    const all = keep.checked ? [...others, [name, secret.value]] : others;
    if (all.length > 0) kept.keepJson(all);
    else kept.keep(null);
  }

  at.signature.addEventListener('toggle', async () => {
    if (!at.signature.open || signatures) return;
    signatures = await import('./signatures.js');
    prepare();
  });
  scheme.addEventListener('change', takeScheme);
  keep.addEventListener('change', () => keepSecret(scheme.value));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const delivery = state.openDelivery.peek();
    const chosen = signatures?.SCHEMES[scheme.selectedIndex];
    if (!signatures || !delivery || !chosen) return;
    keepSecret(chosen.name);
    const known = { secret: secret.value, url: url.value };
    const verdict = await signatures.check(chosen, delivery.request, delivery.received_at, known);
    if (state.openDelivery.peek() !== delivery) return;
    at.verdict.dataset.severity = verdict.right ? 'good' : 'bad';
    write(at.verdict, verdict.words);
  });

  return {
    async 'copy-curl'(button) {
      const delivery = state.openDelivery.peek();
      if (!delivery) return;
      const { asCurl } = await import('./as-curl.js');
      const { line, notes } = asCurl(delivery.request, endpoint.hookUrl());
      await copyFrom(button, line);
      write(at['curl-status'], ['For bash or zsh.', ...notes].join(' '));
    },
  };
}
