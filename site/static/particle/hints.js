// @ts-check
// What there is to learn where it shows: sentences for the foot of a block. Pure. They say what is
// documented (https://docs.particle.io/reference/cloud-apis/webhooks/) and what was seen, and
// nothing else.

import { isJson } from '../lib/json-text.js';
import { fieldsOf, isForm } from '../log/request-body.js';
import { meaningOf } from './event.js';
import { isSleeping } from './join.js';
import { originOf, SENT_BY } from './origin.js';
import { PART_BYTES } from './response-parts.js';

/**
 * @typedef {import('./event.js').Event} Event
 * @typedef {import('./join.js').Trace} Trace
 * @typedef {import('../lib/api-client.js').Delivery} Delivery
 * @typedef {{about: string, text: string}} Hint `about`: the paragraph of the tutorial, by its
 *   anchor
 */

/** @param {string} about @param {string} text @returns {Hint} */
export const hint = (about, text) => ({ about, text });

const ENTITY = /&(?:quot|amp|lt|gt|#39);/;
const DEFAULT_FIELDS = ['event', 'data', 'coreid', 'published_at'];
const NAMES = 'other-names-other-data';
const AGAIN = 'once-twice-out-of-order';
const LONG = 'when-the-answer-is-long';
const MODE = 'webhook-tutorial';

/**
 * On what was published.
 * @param {Event} event
 * @param {string | null} prefix the event name that the webhook is set to
 */
export function triggerHints({ name, coreid }, prefix) {
  const hints = [];
  if (prefix !== null && !name.startsWith(prefix)) {
    const why = name.toLowerCase().startsWith(prefix.toLowerCase())
      ? `the name must begin with “${prefix}”, and upper and lower case count`
      : `the name contains “${prefix}” but does not begin with it`;
    hints.push(hint(NAMES, `Does not trigger the webhook: ${why}.`));
  } else if (prefix !== null && name !== prefix) {
    hints.push(hint(NAMES, `Triggers the webhook too: the name begins with “${prefix}”.`));
  }
  if (coreid === 'api')
    hints.push(hint('1-event-api', 'coreid is “api”: published through the API, not by a device.'));
  return hints;
}

/** On the request as it was received. @param {Trace} trace with a delivery */
export function receivedHints(trace) {
  const { delivery, event, first, earlier } = trace;
  if (!delivery) return [];
  const { request } = delivery;
  const hints = [];
  if (!event && request.headers.some(([name]) => name === SENT_BY))
    hints.push(hint('hook-url', 'Sent by this page, as Particle would: no cloud took part.'));
  if (isPreflight(delivery) && !has(delivery.response, 'access-control-allow-origin'))
    hints.push(
      hint(
        'who-may-call',
        'A browser asked whether a page of another site may send a request, and the answer did ' +
          'not allow it, so that request never came. To allow it, switch on “Pages of other ' +
          'sites may call” under “Who may call”.',
      ),
    );
  if (earlier) {
    const what = earlier.by === null ? 'the same event, delivered again' : `the same ${earlier.by}`;
    const words = `Seen before, #${earlier.seq}: ${what}. A server has to be ready for that.`;
    hints.push(hint(AGAIN, words));
  }
  if (first && first.sents.length + trace.sents.length > 1)
    hints.push(
      hint(AGAIN, 'There were two hook-sent events: two webhooks whose names overlap fired.'),
    );
  const fields = fieldsOf(request);
  const published = event ? event.data : originOf(delivery).data;
  if (
    (event || isParticle(request)) &&
    request.body_encoding === 'utf-8' &&
    ENTITY.test(request.body) &&
    !ENTITY.test(event?.data ?? '')
  ) {
    const entity = ENTITY.exec(request.body)?.[0];
    hints.push(
      hint(
        'templates',
        `“${entity}” comes from double braces in the webhook’s template, which write text for ` +
          'HTML. Use triple braces: {{{…}}}.',
      ),
    );
  }
  if (isForm(request) && DEFAULT_FIELDS.every((name) => fields.has(name))) {
    hints.push(
      hint(
        'field-no-defaults',
        'A form with these four fields is what Particle sends when the webhook names neither ' +
          'json nor body.',
      ),
    );
  }
  if (isParticle(request) && request.body !== '' && request.body_encoding === 'utf-8') {
    if (!request.headers.some(([name]) => name === 'content-type')) {
      hints.push(
        hint(
          'field-headers',
          'There is no content-type: a webhook with a body of its own sends none, unless its ' +
            'headers name one.',
        ),
      );
    }
    if (!request.truncated && /^\s*[{[]/.test(request.body) && !isJson(request.body)) {
      hints.push(
        hint(
          'templates',
          'The body begins like JSON but is not valid JSON. What is filled into a body is not ' +
            'escaped: a quote in the data breaks it, and so does the comma after the last item ' +
            'of a list.',
        ),
      );
    }
  }
  const turned = turnedIntoText(request, published);
  if (turned !== null)
    hints.push(
      hint(
        'field-json',
        `“${turned}” is text here and was a number when published: in a json object of the ` +
          'webhook all values become text. A json given as text, or a body, keeps numbers.',
      ),
    );
  return hints;
}

/** @param {{headers: [string, string][]}} message @param {string} header */
const has = ({ headers }, header) => headers.some(([name]) => name === header);

/** As the receiver has it. @param {Delivery} delivery */
const isPreflight = ({ request }) =>
  request.method === 'OPTIONS' &&
  has(request, 'origin') &&
  has(request, 'access-control-request-method');

/** Particle names itself so. @param {Delivery['request']} request */
const isParticle = (request) =>
  request.headers.some(([name, value]) => name === 'user-agent' && value.startsWith('ParticleBot'));

/**
 * The first field that is a string in the body and a number of the same name in what was published.
 * @param {Delivery['request']} request
 * @param {string | null} published
 */
function turnedIntoText(request, published) {
  if (
    published === null ||
    request.body_encoding !== 'utf-8' ||
    request.truncated ||
    published.length > 20_000 ||
    request.body.length > 20_000
  )
    return null;
  try {
    const sent = JSON.parse(request.body);
    const data = JSON.parse(published);
    if (!isObject(sent) || !isObject(data)) return null;
    const name = Object.keys(sent).find(
      (key) =>
        Object.hasOwn(data, key) &&
        typeof data[key] === 'number' &&
        sent[key] === String(data[key]),
    );
    return name === undefined ? null : name.slice(0, 64);
  } catch {
    return null;
  }
}

/**
 * On the response that the server sent.
 * @param {Trace} trace with a delivery that came from Particle
 */
export function responseHints({ delivery, coreid }) {
  // Whoever sends by hand is not told what a cloud would do with it.
  if (!delivery || coreid === null) return [];
  const { status, body, delay_ms } = delivery.response;
  if (delay_ms >= 20_000) return [];
  if (status < 200 || status > 299)
    return [
      hint(
        'when-the-server-says-no',
        'Not a 2xx status: for Particle this is an error, and a hook-error event follows.',
      ),
    ];
  if (body === '')
    return [hint('5-webhook-response', 'The body is empty, so no hook-response event follows.')];
  const bytes = new TextEncoder().encode(body).length;
  const parts = Math.ceil(bytes / PART_BYTES);
  return parts > 1
    ? [
        hint(
          LONG,
          `${bytes} bytes: the cloud passes it on as ${parts} hook-response events of at most ` +
            `${PART_BYTES} bytes.`,
        ),
      ]
    : [];
}

/**
 * On the parts of a response.
 * @param {ReturnType<typeof import('./response-parts.js').joined>} whole
 * @param {Trace | null} trace
 */
export function answerHints({ missing, complete, reordered, inOrder }, trace) {
  const hints = [];
  const expected = trace?.delivery
    ? Math.ceil(new TextEncoder().encode(trace.delivery.response.body).length / PART_BYTES)
    : null;
  if (reordered)
    hints.push(
      hint(LONG, 'The parts came out of order, as they may: join them by the number in the name.'),
    );
  if (missing.length > 0) {
    const more = missing.length > 8 ? ', and more' : '';
    hints.push(hint(LONG, `Part ${missing.slice(0, 8).join(', ')} was not seen here${more}.`));
  } else if (!complete && expected !== inOrder.length && inOrder.length > 0) {
    hints.push(
      hint(
        LONG,
        `The last part is ${PART_BYTES} bytes long, so another may follow: nothing in the events ` +
          'says how many there are.',
      ),
    );
  }
  if (trace?.coreid === 'api' && inOrder.some(({ event }) => event.name.startsWith('api/'))) {
    hints.push(
      hint(
        '6-event-internal-hook-response',
        'The name begins with “api” in place of a Device ID, so no device gets it.',
      ),
    );
  }
  if (inOrder.some(({ event }) => meaningOf(event).source === null)) {
    hints.push(
      hint(
        'field-response-topic',
        'No Device ID is in the name, so every device that subscribes to it gets this response, ' +
          'and each counts as a data operation.',
      ),
    );
  }
  return hints;
}

/** On a hook-error. @param {Event} event */
export function errorHints(event) {
  if (isSleeping(event))
    return [
      hint(
        'when-errors-continue',
        'The cloud skipped this event: too many errors came from this server’s host name. It ' +
          'continues by itself after some seconds without errors.',
      ),
    ];
  if (/TIMEDOUT/.test(event.data ?? ''))
    return [
      hint(
        'when-the-server-is-slow',
        'No answer within 20 s, so the cloud gave up. What the server sends later reaches nobody.',
      ),
    ];
  return [];
}

/** Words for what the simulated cloud had to guess. An unknown guess is still said to be one. */
const GUESSED = new Map([
  ['hook_sent_data', 'that it carries no data'],
  ['hook_sent_before_answer', 'when it comes'],
  ['hook_error_without_body', 'that the server’s body is not in it'],
  ['network_error_text', 'its exact words'],
  ['redirect_is_failure', 'that a redirect counts as an error'],
  ['sleeping_and_retries', 'when events are skipped and tried again'],
  ['response_limit', 'where exactly a long response ends'],
  ['cut_character', 'how a character cut in two looks'],
  ['unchunked_suffix', 'the end of its name'],
  ['variables_win_over_data', 'which of two equal names wins'],
  ['response_template_object', 'how a template that is an object is filled'],
  ['response_template_fallback', 'what is sent when a template gives nothing'],
  ['response_template_sees_event', 'that the template sees the event’s variables'],
  ['custom_field_wins', 'that a field of one’s own replaces the default one'],
  ['delete_has_body', 'that DELETE has a body'],
  ['string_json_gets_defaults', 'that a json given as text gets the default fields'],
  ['template_error_text', 'its exact words'],
  ['integration_test_event', 'its data'],
]);

/** What the real cloud may do differently. @param {string[]} guesses */
export function guessHint(guesses) {
  if (guesses.length === 0) return [];
  if (guesses.includes('simulated_cloud_only'))
    return [hint(MODE, 'Only the simulated cloud does this: it stays on this computer.')];
  const words = [
    ...new Set(guesses.map((guess) => GUESSED.get(guess) ?? guess.replaceAll('_', ' '))),
  ];
  return [hint(MODE, `Simulated: ${words.join('; ')}. The real cloud may differ.`)];
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
