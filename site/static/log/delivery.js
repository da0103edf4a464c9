// @ts-check
// What a delivery looks like: a Delivery in, the blocks that show it out. Pure; block.js draws what
// comes out.

import { size } from '../lib/text.js';
import { span } from '../lib/time.js';
import { confirmationOf } from './confirmation.js';
import { contentOf, nothing, parsedQuery, parsedText } from './parsed.js';
import { bodyBytes, headersByOrigin, takesDecoder } from './request-body.js';
import { hexRow, textRow, typed } from './value-row.js';

/**
 * @typedef {import('../lib/api-client.js').Delivery} Delivery
 * @typedef {{
 *   name: string,
 *   kind: 'text' | 'pairs' | 'folded' | 'time' | 'hex' | 'image',
 *   value: string,
 *   pairs?: [string, string][],
 *   copy?: string,
 *   bytes?: () => Uint8Array,
 *   file?: string,
 *   picture?: {type: string, bytes: Uint8Array},
 *   remark?: string,
 *   link?: string,
 *   openOnly?: boolean,
 * }} Row `pairs`: lines of name and value, in place of `value`. `folded`: those pairs, shut until
 *   asked for; `value` is what the fold says. `time`: an RFC 3339 time. `hex`: bytes as hex.
 *   `image`: `picture`, of a MIME type. `copy`: the exact text, where
 *   what is shown is another. `bytes`: the exact bytes, where they are not the text in UTF-8.
 *   `file`: the name to save them by. `remark`: a word about the value, after it. `link`: where
 *   the reader may go. `openOnly`: shown only where there is room for everything.
 * @typedef {{
 *   rows: Row[],
 *   more?: {count: number, rows: (from: number, to: number) => Row[]} | undefined,
 *   note?: string,
 * }} Content of a block. `more`: rows after these, made on request: a body may have a hundred
 *   thousand fields.
 * @typedef {Content & {
 *   key: string,
 *   kind: 'api' | 'device' | 'internal' | 'error' | 'received' | 'parsed' | 'response',
 *   direction: 'in' | 'out' | 'internal' | 'derived',
 *   title: string,
 *   short?: string,
 *   seq: number | null,
 *   at: string | null,
 *   hop: string,
 *   note: string,
 *   read?: () => Promise<Content>,
 *   about?: string[],
 * }} Block `short`: the title in a word or two, for where there is no room. `at`: when, as an RFC
 *   3339 time. `hop`: how long the way to this block took, where one clock measured it; else empty.
 *   `note`: what there is to learn; else empty. `read`: what is shown instead once it is decoded.
 *   `about`: the paragraphs of the tutorial for the note.
 */

/** What every block of a received request has, whether or not its request can be drawn. */
const RECEIVED = /** @type {const} */ ({
  kind: 'received',
  direction: 'in',
  title: 'Webhook received',
  short: 'received',
  hop: '',
});

/** What the gateway in front of the receiver does to every request. */
const HEADERS_REMARK =
  'The gateway changes headers: names are in lower case, repeated ones are joined by commas, and ' +
  'trailers and those of the connection, such as “transfer-encoding”, are left out.';

/**
 * The three blocks of a delivery, in the order of cause.
 * @param {Delivery} delivery
 * @returns {Block[]}
 */
export const blocksOf = (delivery) => [
  received(delivery),
  parsed(delivery),
  responseBlock(delivery),
];

/** What the server says of an expected credential, in words. */
const CREDENTIAL = new Map([
  ['ok', 'right'],
  ['wrong', 'wrong'],
  ['missing', 'missing'],
]);

const MISSING_REMARK =
  'It lacks the secret that this server expects, and is answered all the same. “Who may call” can ' +
  'have such requests refused.';

/** The request as the server got it. @param {Delivery} delivery @returns {Block} */
function received({ seq, received_at, verified, request }) {
  const target = request.path + (request.query === '' ? '' : `?${request.query}`);
  /** @type {Row[]} */
  const rows = [{ name: 'method', kind: 'text', value: `${request.method} ${target}` }];
  const decoded = decodedPath(request.path);
  if (decoded !== null)
    rows.push({ name: 'path, decoded', kind: 'text', value: decoded, openOnly: true });
  if (request.raw_path === '') {
    const value = 'nothing after the endpoint, not even a slash';
    rows.push({ name: 'URL', kind: 'text', value, openOnly: true });
  }
  if (request.query !== '') {
    rows.push({
      name: 'query',
      kind: 'pairs',
      value: '',
      pairs: [...new URLSearchParams(request.query)],
      copy: request.query,
    });
  }
  const confirmation = confirmationOf(request);
  if (confirmation) {
    const { sender, link } = confirmation;
    const remark = `${sender} asks you to open this link once.`;
    rows.push({ name: 'confirm', kind: 'text', value: `${link}\n`, copy: link, link, remark });
  }
  const { sent, byGateway } = headersByOrigin(request);
  rows.push(headersRow(sent));
  if (byGateway.length > 0) {
    const value =
      `${byGateway.length} ${byGateway.length === 1 ? 'header' : 'headers'} added ` +
      'on the way to the server';
    rows.push({ name: '', kind: 'folded', value, pairs: byGateway });
  }
  rows.push({ name: '', kind: 'text', value: '', remark: HEADERS_REMARK, openOnly: true });
  const credential = CREDENTIAL.get(verified ?? '');
  if (credential)
    rows.push({
      name: 'credential',
      kind: 'text',
      value: credential,
      ...(verified === 'missing' && { remark: MISSING_REMARK }),
    });
  rows.push(bodyRow(request));
  rows.push({ name: 'from', kind: 'text', value: request.source, openOnly: true });
  rows.push({ name: 'received at', kind: 'time', value: received_at, openOnly: true });
  if (request.body_bytes > 0) {
    rows.push({
      name: 'body size',
      kind: 'text',
      value: exactSize(request.body_bytes),
      openOnly: true,
    });
    rows.push({ name: 'body SHA-256', kind: 'text', value: request.body_sha256, openOnly: true });
  }
  const read = async () => {
    const { body } = await readLater(request);
    return { rows: rows.map((row) => (row.name === 'body' ? body : row)) };
  };
  return {
    ...RECEIVED,
    key: `${seq}:received`,
    seq,
    at: received_at,
    rows,
    ...(takesDecoder(request) && { read }),
    note: request.truncated
      ? `The body was over the limit: ${size(request.body_bytes)}. This is how it began; the ` +
        'sender got 413.'
      : '',
  };
}

/** Everything that was parsed of the body. @param {Delivery} delivery @returns {Block} */
function parsed({ seq, received_at, request }) {
  return {
    key: `${seq}:parsed`,
    kind: 'parsed',
    direction: 'derived',
    title: 'Parsed data',
    short: 'parsed',
    seq,
    at: received_at,
    hop: '',
    ...withTyped(contentOf((from, to) => parsedBody(request, from, to))),
    ...(takesDecoder(request) && { read: async () => (await readLater(request)).parsed }),
  };
}

/**
 * Content whose typed data is read later; rows that come of it shift those that are further down.
 * @template {Content} T @param {T} content
 */
function withTyped(content) {
  const { rows, read } = typed(content.rows);
  if (!read) return content;
  const { more } = content;
  const later = async () => {
    const { rows: shown } = await read();
    const by = shown.length - rows.length;
    const further = more && {
      count: more.count,
      rows: (/** @type {number} */ from, /** @type {number} */ to) => more.rows(from - by, to - by),
    };
    return { rows: shown, more: further };
  };
  return { ...content, read: later };
}

/** The body as what it is. Decoders are loaded when they are needed. */
const readLater = async (/** @type {Delivery['request']} */ request) =>
  (await import('./read-body.js')).readBody(request);

/**
 * What can be parsed without a decoder.
 * @param {Delivery['request']} request @param {number} from @param {number} to
 */
function parsedBody(request, from, to) {
  if (request.body_bytes === 0)
    return request.query === ''
      ? nothing('No body, so there is nothing to parse.')
      : parsedQuery(request.query, from, to);
  if (request.truncated)
    return nothing('Only the beginning of the body was kept, so it is not parsed.');
  if (request.body_encoding === 'base64')
    return nothing('The body is not text, so there is nothing to parse.');
  return parsedText(request.body, request, from, to);
}

/**
 * A delivery that could not be drawn.
 * @param {Delivery} delivery
 * @param {unknown} error
 * @returns {Block}
 */
export const unreadableBlock = ({ seq, received_at }, error) => ({
  ...RECEIVED,
  key: `${seq}:unreadable`,
  seq,
  at: received_at,
  rows: [],
  note:
    'This delivery is in the log, but the page could not draw it: ' +
    `${String(error).slice(0, 200)}. “Download” has all of it.`,
});

/**
 * When the response was sent, or will be, by the server's clock in milliseconds.
 * @param {Delivery} delivery
 */
export const sentAt = ({ received_at, took_ms, response }) =>
  Date.parse(received_at) + took_ms + response.delay_ms;

/**
 * The response as the server sends it. `isWaiting`: not yet, because its delay is not over.
 * @param {Delivery} delivery @param {boolean} [isWaiting]
 * @returns {Block}
 */
export function responseBlock(delivery, isWaiting = false) {
  const { seq, received_at, took_ms, response } = delivery;
  const { status, headers, body, delay_ms, reply_use, unfilled } = response;
  /** @type {Row[]} */
  const rows = [
    { name: 'status', kind: 'text', value: `${status} ${REASONS.get(status) ?? ''}`.trim() },
    { name: 'took', kind: 'text', value: span(took_ms) },
  ];
  const at = sentAt(delivery);
  const sent = Number.isNaN(at) ? received_at : new Date(at).toISOString();
  if (delay_ms > 0) {
    rows.push({ name: 'held for', kind: 'text', value: span(delay_ms) });
    rows.push({ name: isWaiting ? 'will be sent at' : 'sent at', kind: 'time', value: sent });
  }
  rows.push(headersRow(headers));
  rows.push(textRow('body', body, 'empty'));
  const notes = [];
  if (unfilled)
    notes.push('The usual answer: this request lacks a value that your answer repeats.');
  if (reply_use) notes.push(`By your setting, ${reply_use.n} of ${reply_use.of}.`);
  // https://docs.particle.io/reference/cloud-apis/webhooks/: a request times out after 20 s.
  const isLate = delay_ms >= 20_000;
  if (isWaiting) notes.push('Not sent yet: your setting holds it back.');
  if (isLate) notes.push(`Held for ${span(delay_ms)}: Particle stops waiting at 20 s.`);
  return {
    key: `${seq}:response`,
    kind: 'response',
    direction: 'out',
    title: isWaiting ? 'Webhook response, waiting' : 'Webhook response',
    short: 'response',
    seq,
    at: sent,
    hop: span(took_ms + delay_ms),
    rows,
    note: notes.join(' '),
    ...(isLate && { about: ['when-the-server-is-slow'] }),
  };
}

/** @param {[string, string][]} headers @returns {Row} */
const headersRow = (headers) =>
  headers.length === 0
    ? { name: 'headers', kind: 'text', value: '', remark: 'none' }
    : {
        name: 'headers',
        kind: 'pairs',
        value: '',
        pairs: headers,
        copy: headers.map(([name, value]) => `${name}: ${value}`).join('\n'),
      };

/** @param {Delivery['request']} request @returns {Row} */
function bodyRow(request) {
  const { body, body_encoding, body_bytes, truncated } = request;
  if (body_encoding === 'base64') return hexRow('body', bodyBytes(request), body_bytes);
  const row = textRow('body', body, 'empty');
  if (!truncated) return row;
  const left = size(body_bytes - bodyBytes(request).length);
  return { ...row, remark: `… and ${left} more that were not kept` };
}

/** @param {string} path */
function decodedPath(path) {
  try {
    const decoded = decodeURIComponent(path);
    return decoded === path ? null : decoded;
  } catch {
    return null;
  }
}

/** @param {number} count */
const exactSize = (count) => (count < 1024 ? size(count) : `${count} bytes (${size(count)})`);

/** The names of the statuses that a receiver here can be set to, or gives by itself. */
const REASONS = new Map([
  [200, 'OK'],
  [201, 'Created'],
  [202, 'Accepted'],
  [204, 'No Content'],
  [301, 'Moved Permanently'],
  [302, 'Found'],
  [304, 'Not Modified'],
  [400, 'Bad Request'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [405, 'Method Not Allowed'],
  [408, 'Request Timeout'],
  [409, 'Conflict'],
  [410, 'Gone'],
  [413, 'Content Too Large'],
  [418, 'I’m a teapot'],
  [422, 'Unprocessable Content'],
  [429, 'Too Many Requests'],
  [500, 'Internal Server Error'],
  [501, 'Not Implemented'],
  [502, 'Bad Gateway'],
  [503, 'Service Unavailable'],
  [504, 'Gateway Timeout'],
  [529, 'Overloaded'],
]);
