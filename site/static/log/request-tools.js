// @ts-check
// What can be done with the request that is open at full size: copy it, send it again, edited or
// not, and check its signature. What that needs is loaded when it is asked for.

import { slots } from '../lib/component.js';
import { copyFrom } from '../lib/copy.js';
import { element, write } from '../lib/dom.js';
import { effect } from '../lib/signal.js';
import { save } from '../lib/save.js';
import { sendFromPage } from '../cards/send.js';
import { keepSecret, secretOf } from '../keys/secrets.js';
import { EMPTY_LOG } from '../state.js';
import { contentOf } from './parsed.js';
import { urlOf } from './request-body.js';
import { drawRows } from './row.js';

/** @typedef {import('../lib/api-client.js').Delivery} Delivery */

/** @type {import('../lib/component.js').Mount} */
export function mount(root, page) {
  const { state, endpoint } = page;
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
    write(at.status, '');
    for (const control of [at.again, at.edit]) control.hidden = state.reading.value;
    at.edit.open = false;
    write(at.compared, '');
    at.differences.replaceChildren();
    at.other.value = String(previous(delivery) ?? '');
    prepare();
  });

  /** The delivery before, to the same path if there is one. @param {Delivery | null} delivery */
  function previous(delivery) {
    if (!delivery) return null;
    const { deliveries } = state.log.peek();
    const isBefore = (/** @type {Delivery} */ one) => one.seq < delivery.seq;
    const isAlike = (/** @type {Delivery} */ one) => one.request.path === delivery.request.path;
    const alike = deliveries.findLast((one) => isBefore(one) && isAlike(one));
    return (alike ?? deliveries.findLast(isBefore))?.seq;
  }
  at['compare-form'].addEventListener('submit', async (/** @type {Event} */ event) => {
    event.preventDefault();
    const delivery = state.openDelivery.peek();
    const seq = Number(at.other.value);
    const other = state.log.peek().deliveries.find((one) => one.seq === seq);
    at.differences.replaceChildren();
    if (!delivery || !other) {
      write(at.compared, `#${seq} is not here: it was not loaded, or holds no delivery.`);
      return;
    }
    const { differences } = await import('./compare.js');
    const { rows, isPartial } = differences(other, delivery);
    const count = `${rows.length} ${rows.length === 1 ? 'difference' : 'differences'}`;
    const found = rows.length === 0 ? 'No differences' : count;
    write(
      at.compared,
      isPartial ? `${found} in the part of the bodies that is compared.` : `${found}.`,
    );
    const content = contentOf((from, to) => ({
      rows: rows.slice(from, to),
      count: rows.length,
      note: '',
    }));
    at.differences.replaceChildren(...drawRows(content, 'open'));
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
    const own = secretOf(endpointNow(), chosen.name);
    keep.checked = own !== null;
    secret.value = own ?? '';
    write(at.verdict, '');
  }

  const endpointNow = () => state.keys.peek()?.endpoint ?? '';
  /** Keeps the secret, or no longer, as the reader chose. @param {string} sender */
  const keepOrNot = (sender) =>
    keepSecret(endpointNow(), sender, keep.checked ? secret.value : null);

  at.signature.addEventListener('toggle', async () => {
    if (!at.signature.open || signatures) return;
    signatures = await import('./signatures.js');
    prepare();
  });
  scheme.addEventListener('change', takeScheme);
  keep.addEventListener('change', () => keepOrNot(scheme.value));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const delivery = state.openDelivery.peek();
    const chosen = signatures?.SCHEMES[scheme.selectedIndex];
    if (!signatures || !delivery || !chosen) return;
    keepOrNot(chosen.name);
    const known = { secret: secret.value, url: url.value };
    const verdict = await signatures.check(chosen, delivery.request, delivery.received_at, known);
    if (state.openDelivery.peek() !== delivery) return;
    at.verdict.dataset.severity = verdict.right ? 'good' : 'bad';
    write(at.verdict, verdict.words);
  });

  at.edit.addEventListener('toggle', async () => {
    const request = state.openDelivery.peek()?.request;
    if (!at.edit.open || !request) return;
    const { asText } = await import('./as-fetch.js');
    const text = asText(request);
    for (const control of [at.text, at['send-edited']]) control.disabled = text === null;
    at.text.value = text ?? '';
    write(at.problem, text === null ? 'The body is not text, so it can’t be edited here.' : '');
  });
  at['edit-form'].addEventListener('submit', async (/** @type {Event} */ event) => {
    event.preventDefault();
    const { fromText } = await import('./as-fetch.js');
    const edited = fromText(at.text.value, state.openDelivery.peek()?.request.body ?? '');
    write(at.problem, typeof edited === 'string' ? edited : '');
    if (typeof edited !== 'string') await send(edited);
  });

  /** @param {import('./as-fetch.js').Sendable} request */
  async function send({ method, below, headers, body, notes }) {
    const said = await sendFromPage(page, { method, headers, body }, below);
    write(at.status, [said, ...notes].join(' '));
  }

  /**
   * @param {HTMLElement} button
   * @param {(request: import('./request-body.js').Request, hookUrl: string) =>
   *   {line: string, notes: string[]}} make
   * @param {string} words
   */
  async function copy(button, make, words) {
    const delivery = state.openDelivery.peek();
    if (!delivery) return;
    const { line, notes } = make(delivery.request, endpoint.hookUrl());
    await copyFrom(button, line);
    write(at.status, [words, ...notes].join(' ').trim());
  }

  /** One file with the events, the request and the response, to be opened on any `/log`. */
  async function saveRound() {
    const delivery = state.openDelivery.peek();
    const trace = page.rounds.peek().find((one) => one.trace?.delivery === delivery)?.trace;
    if (!delivery || !trace) return;
    const [{ eventsOf, logFile }, { masked }] = await Promise.all([
      import('./export-file.js'),
      import('./saved-log.js'),
    ]);
    const shown = new Set((root.dataset.shownHeaders ?? '').split(' '));
    const made = logFile('json', {
      endpoint: state.keys.peek()?.endpoint ?? '',
      masked: true,
      log: { ...EMPTY_LOG, deliveries: [masked(delivery, shown)], firstSeq: delivery.seq },
      events: eventsOf(trace),
      quiet: [],
      hookUrl: endpoint.hookUrl(),
      now: new Date(),
    });
    // A round is far from too long.
    if (made === null) return;
    save(made.name.replace('-log-', `-round-${delivery.seq}-`), made.parts, made.type);
    write(
      at.status,
      'Header values that may be secret are masked; path, query, body and events are not.',
    );
  }

  return {
    'copy-curl': async (button) =>
      copy(button, (await import('./as-curl.js')).asCurl, 'For bash or zsh.'),
    'copy-fetch': async (button) => copy(button, (await import('./as-fetch.js')).asFetch, ''),
    save: () => saveRound(),
    async again() {
      const request = state.openDelivery.peek()?.request;
      if (request) await send((await import('./as-fetch.js')).sendable(request));
    },
  };
}
