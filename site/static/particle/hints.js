// @ts-check
// What there is to learn where it shows: sentences for the foot of a block. Pure. They say what is
// documented (https://docs.particle.io/reference/cloud-apis/webhooks/) and what was seen, and
// nothing else.

import { ENTITY, byteLength } from '../lib/text.js';
import { fieldsOf, isForm } from '../log/request-body.js';
import { SLEEPING, partsOfDelivery } from './evidence.js';
import { isFromPage, isParticle } from './origin.js';
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

const DEFAULT_FIELDS = ['event', 'data', 'coreid', 'published_at'];
const NAMES = 'other-names-other-data';
const AGAIN = 'once-twice-out-of-order';
const LONG = 'when-the-answer-is-long';
const NO = 'when-the-server-says-no';
const SLOW = 'when-the-server-is-slow';
const TOPIC = 'field-response-topic';
/** What most devices take as one event: https://docs.particle.io/reference/device-os/api/ */
const MAX_EVENT_BYTES = 1024;
const MODE = 'webhook-tutorial';
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Why one event is sent twice. */
export const TWICE =
  'two webhooks whose names overlap fired, or one in the sandbox and one in a product';

/**
 * On what was published.
 * @param {Event} event
 * @param {string[]} prefixes the event names that the webhooks here are set to, the tutorial's
 *   first
 */
export function triggerHints({ name, coreid }, prefixes) {
  const hints = [];
  const [prefix] = prefixes;
  const fired = prefixes.find((one) => name.startsWith(one));
  if (prefix !== undefined && fired === undefined) {
    const why = name.toLowerCase().startsWith(prefix.toLowerCase())
      ? `the name must begin with “${prefix}”, and upper and lower case count`
      : `the name contains “${prefix}” but does not begin with it`;
    hints.push(hint(NAMES, `Does not trigger the webhook: ${why}.`));
  } else if (fired !== undefined && !prefixes.includes(name)) {
    hints.push(hint(NAMES, `Triggers the webhook too: the name begins with “${fired}”.`));
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
  if (!event && isFromPage(request))
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
    hints.push(hint(AGAIN, `There were two hook-sent events: ${TWICE}.`));
  const fields = fieldsOf(request);
  const isOfCloud = event !== null || isParticle(request);
  if (isOfCloud && isForm(request) && DEFAULT_FIELDS.every((name) => fields.has(name))) {
    hints.push(
      hint(
        'field-no-defaults',
        'A form with these four fields is what Particle sends when the webhook names neither ' +
          'json nor body.',
      ),
    );
  }
  if (isOfCloud && request.body !== '' && request.body_encoding === 'utf-8') {
    if (!request.headers.some(([name]) => name === 'content-type')) {
      hints.push(
        hint(
          'field-headers',
          'There is no content-type: a webhook with a body of its own sends none, unless its ' +
            'headers name one.',
        ),
      );
    }
  }
  return hints;
}

/** @param {{headers: [string, string][]}} message @param {string} header */
const has = ({ headers }, header) => headers.some(([name]) => name === header);

/** As the receiver has it. @param {Delivery} delivery */
const isPreflight = ({ request }) =>
  request.method === 'OPTIONS' &&
  has(request, 'origin') &&
  has(request, 'access-control-request-method');

/**
 * On the response that the server sent.
 * @param {Trace} trace with a delivery that came from Particle
 */
export function responseHints({ delivery, event, responses }) {
  // Whoever sends by hand is not told what a cloud would do with it.
  if (!delivery || !(event || isParticle(delivery.request))) return [];
  const { status, body, delay_ms } = delivery.response;
  if (delay_ms >= 20_000) return [];
  if (REDIRECTS.has(status))
    return [
      hint(
        NO,
        'A redirect: Particle does not document whether this is an error, nor whether the cloud ' +
          'follows it.',
      ),
    ];
  if (status >= 300 && status < 400)
    return [hint(NO, `Particle does not document whether a ${status} is an error.`)];
  if (status < 200 || status > 299)
    return [hint(NO, 'Not a 2xx status: for Particle this is an error, and a hook-error follows.')];
  if (body === '')
    return [hint('5-webhook-response', 'The body is empty, so no hook-response event follows.')];
  const parts = partsOfDelivery(delivery) ?? [];
  // Something else came back; there may be more to say of it (explain.js).
  const isOther = responses.some((one) => one.event.data !== parts[one.part ?? 0]);
  return parts.length > 1 && !isOther
    ? [
        hint(
          LONG,
          `${byteLength(body)} bytes: the cloud passes it on as ${parts.length} hook-response ` +
            `events of at most ${PART_BYTES} bytes.`,
        ),
      ]
    : [];
}

/**
 * On the parts of a response.
 * @param {ReturnType<
 *   typeof import('./response-parts.js').joined<import('./join.js').Linked>>} whole
 * @param {Trace | null} trace
 */
export function answerHints({ missing, complete, reordered, inOrder, text }, trace) {
  const hints = [];
  const { body } = trace?.delivery?.response ?? { body: null };
  const expected = body === null ? null : Math.ceil(byteLength(body) / PART_BYTES);
  const longest = Math.max(...inOrder.map(({ event }) => byteLength(event.data ?? '')));
  if (longest > MAX_EVENT_BYTES && trace?.coreid !== 'api')
    hints.push(
      hint(
        'field-unchunked',
        `One event of ${longest} bytes: most devices take ${MAX_EVENT_BYTES}, so this one does ` +
          'not get it.',
      ),
    );
  const entity = ENTITY.exec(text)?.[0];
  if (entity && body !== null && !ENTITY.test(body))
    hints.push(
      hint(
        'templates',
        `“${entity}” comes from double braces in the webhook’s responseTemplate. Use triple ` +
          'braces: {{{…}}}.',
      ),
    );
  if (reordered)
    hints.push(
      hint(LONG, 'The parts came out of order, as they may: join them by the number in the name.'),
    );
  if (missing.length > 0) {
    const more = missing.length > 8 ? ', and more' : '';
    hints.push(hint(LONG, `Part ${missing.slice(0, 8).join(', ')} was not seen here${more}.`));
  } else if (!complete && longest <= PART_BYTES && expected !== inOrder.length) {
    hints.push(
      hint(
        LONG,
        `The last part is ${PART_BYTES} bytes long, so another may follow: nothing in the events ` +
          'says how many there are.',
      ),
    );
  }
  if (trace?.coreid === 'api' && inOrder.some(({ source }) => source === 'api')) {
    hints.push(
      hint(
        '6-event-internal-hook-response',
        'The name has “api” in place of a Device ID, so no device gets it.',
      ),
    );
  }
  if (inOrder.some(({ source }) => source === null)) {
    hints.push(
      hint(
        TOPIC,
        'No Device ID is in the name, so every device that subscribes to it gets this response, ' +
          'and each counts as a data operation.',
      ),
    );
  }
  return hints;
}

/**
 * What the texts of hook-errors mean, by how they begin or what is in them.
 * https://docs.particle.io/troubleshooting/guides/build-tools-troubleshooting/troubleshooting-webhookintegration-issues/
 * @type {[RegExp, string, string][]}
 */
const ERRORS = [
  [
    SLEEPING,
    'when-errors-continue',
    'The cloud skipped this event: too many errors came from this server’s host name. It ' +
      'continues by itself after some seconds without errors.',
  ],
  [
    /connect E(?:TIMEDOUT|HOSTUNREACH|NETUNREACH)/,
    NO,
    'There was no connection: nothing at the server’s address responded. Check that the server ' +
      'runs and that the internet can reach it.',
  ],
  [
    /ECONNREFUSED/,
    NO,
    'There was no connection: the server’s computer accepts none on this port. Check that the ' +
      'server runs, and the port in the url.',
  ],
  [
    /ENOTFOUND|EAI_AGAIN/,
    NO,
    'There was no connection: the host name in the url was not found in the DNS. Check its ' +
      'spelling.',
  ],
  [
    /\bcertificate\b/i,
    'field-reject-unauthorized',
    'The cloud did not accept the server’s certificate: it must be valid for the host name in ' +
      'the url, not expired, and signed by a known authority.',
  ],
  [
    /ESOCKETTIMEDOUT/,
    SLOW,
    'The server accepted the connection but did not answer what was sent, within 20 s. What it ' +
      'sends later reaches nobody.',
  ],
  [
    /ETIMEDOUT/,
    SLOW,
    'The server took the request but did not answer within 20 s: it is overloaded, or works ' +
      'before it answers. What it sends later reaches nobody.',
  ],
  [/ECONNRESET|socket hang up/, NO, 'The server closed the connection without an answer.'],
];

/** On a hook-error. @param {Event} event */
export function errorHints({ data }) {
  const row = ERRORS.find(([pattern]) => pattern.test(data ?? ''));
  return row ? [hint(row[1], row[2])] : [];
}

/** What the simulated cloud does by a guess, as the end of a sentence. */
const GUESSED = new Map([
  ['hook_sent_data', 'hook-sent has no data'],
  ['hook_sent_before_answer', 'hook-sent comes before the response'],
  ['hook_error_without_body', 'hook-error leaves out the server’s body'],
  ['network_error_text', 'the wording of this error is a guess'],
  ['redirect_is_response', 'a redirect counts as a response'],
  ['data_url_parts', 'a long data URL is split like any other response'],
  ['sleeping_and_retries', 'the times of skipping and trying again are guesses'],
  ['response_limit', 'the exact end of a long response is a guess'],
  ['cut_character', 'the look of a character that is cut in two is a guess'],
  ['unchunked_suffix', 'the end of this name is a guess'],
  ['variables_win_over_data', 'the cloud’s variable wins over a key of the same name'],
  ['response_template_object', 'the filling of a response template that is an object is a guess'],
  ['response_template_fallback', 'the body is sent when a response template gives nothing'],
  ['response_template_sees_event', 'a response template can use the event’s variables'],
  ['custom_field_wins', 'a field of your own replaces the default one'],
  ['delete_has_body', 'a DELETE request has a body'],
  ['string_json_gets_defaults', 'a json given as text gets the default fields'],
  ['template_error_text', 'the wording of this error is a guess'],
  ['integration_test_event', 'the data of a test event is a guess'],
]);

/** What the real cloud may do differently. @param {string[]} guesses */
export function guessHint(guesses) {
  if (guesses.length === 0) return [];
  if (guesses.includes('simulated_cloud_only'))
    return [hint(MODE, 'Only the simulated cloud does this: it stays on this computer.')];
  const words = [
    ...new Set(
      guesses.map((one) => GUESSED.get(one) ?? `“${one.replaceAll('_', ' ')}” is a guess`),
    ),
  ];
  const all = [words.slice(0, -1).join(', '), ...words.slice(-1)].filter(Boolean).join(', and ');
  return [hint(MODE, `In this simulation, ${all}. The real cloud may differ.`)];
}
