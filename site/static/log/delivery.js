// @ts-check
// What a delivery looks like: a Delivery in, the blocks that show it out. Pure; block.js draws what
// comes out.

import { MAX_DEPTH, depth, isJson, members, pretty, stringOf } from '../lib/json-text.js';
import { confirmationOf } from './confirmation.js';
import { bodyBytes, contentType, fieldsOf, formFields, isForm } from './request-body.js';
import { clip, hexView, size } from '../lib/text.js';
import { span } from '../lib/time.js';

/**
 * @typedef {import('../lib/api-client.js').Delivery} Delivery
 * @typedef {{
 *   name: string,
 *   kind: 'text' | 'pairs' | 'folded' | 'time',
 *   value: string,
 *   pairs?: [string, string][],
 *   copy?: string,
 *   bytes?: () => Uint8Array,
 *   remark?: string,
 *   link?: string,
 *   openOnly?: boolean,
 * }} Row `pairs`: lines of name and value, in place of `value`. `folded`: those pairs, shut until
 *   asked for; `value` is what the fold says. `time`: an RFC 3339 time. `copy`: the exact text,
 *   where what is shown is another. `bytes`: the exact bytes of what is not text. `remark`: a word
 *   about the value, after it. `link`: where the reader may go. `openOnly`: shown only where there
 *   is room for everything.
 * @typedef {{
 *   key: string,
 *   kind: 'api' | 'device' | 'internal' | 'error' | 'received' | 'parsed' | 'response',
 *   direction: 'in' | 'out' | 'internal' | 'derived',
 *   title: string,
 *   short?: string,
 *   seq: number | null,
 *   at: string | null,
 *   hop: string,
 *   rows: Row[],
 *   more?: {count: number, rows: (from: number, to: number) => Row[]},
 *   note: string,
 *   about?: string[],
 * }} Block `short`: the title in a word or two, for where there is no room. `at`: when, as an RFC
 *   3339 time. `hop`: how long the way to this block took, where one clock measured it; else empty.
 *   `more`: rows after these, made on request: a body may have a hundred thousand fields. `note`:
 *   what there is to learn; else empty. `about`: the paragraphs of the tutorial for the note.
 */

/**
 * Larger bodies are shown as they came: a reader gains nothing from a hundred thousand indented
 * lines.
 */
const MAX_PRETTY = 64 * 1024;
/** Bytes of a binary body that are shown as hex; all of them can be downloaded. */
const MAX_HEX = 16 * 1024;

/** Rows of a block that are made at once. */
const MAX_ROWS = 100;

/** What every block of a received request has, whether or not its request can be drawn. */
const RECEIVED = /** @type {const} */ ({
  kind: 'received',
  direction: 'in',
  title: 'Webhook received',
  short: 'received',
  hop: '',
});

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
  const added = new Set(request.added);
  const sent = request.headers.filter(([name]) => !added.has(name));
  const onTheWay = request.headers.filter(([name]) => added.has(name));
  rows.push(headersRow(sent));
  if (onTheWay.length > 0) {
    const value =
      `${onTheWay.length} ${onTheWay.length === 1 ? 'header' : 'headers'} added ` + 'on the way';
    rows.push({ name: '', kind: 'folded', value, pairs: onTheWay });
  }
  const credential = CREDENTIAL.get(verified ?? '');
  if (credential) rows.push({ name: 'credential', kind: 'text', value: credential });
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
  return {
    ...RECEIVED,
    key: `${seq}:received`,
    seq,
    at: received_at,
    rows,
    note: request.truncated
      ? `The body was over the limit: ${size(request.body_bytes)}. This is how it began; the ` +
        'sender got 413.'
      : '',
  };
}

/** What the device published, decoded. @param {Delivery} delivery @returns {Block} */
function parsed({ seq, received_at, request }) {
  const { fields, count, note } = parsedFields(request, 0, MAX_ROWS);
  const rowAt = (/** @type {Field} */ field) => (field.isJson ? jsonRow(field) : fieldRow(field));
  // The rest is parsed again when it is asked for, and is not kept.
  const rows = (/** @type {number} */ from, /** @type {number} */ to) =>
    parsedFields(request, from, to).fields.map(rowAt);
  return {
    key: `${seq}:parsed`,
    kind: 'parsed',
    direction: 'derived',
    title: 'Parsed data',
    short: 'parsed',
    seq,
    at: received_at,
    hop: '',
    rows: fields.map(rowAt),
    ...(count > fields.length && { more: { count: count - fields.length, rows } }),
    note,
  };
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
  const { status, headers, body, delay_ms, reply_use } = response;
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

/**
 * @typedef {{name: string, value: string, isJson?: boolean}} Field of a body; `isJson`: the value
 *   is a JSON text
 */

/**
 * The fields of a body from one place to another, and how many there are.
 * @param {Delivery['request']} request @param {number} from @param {number} to
 * @returns {{fields: Field[], count: number, note: string}}
 */
function parsedFields(request, from, to) {
  const none = (/** @type {string} */ note) => ({ fields: [], count: 0, note });
  if (request.body_bytes === 0) return none('No body, so there is nothing to parse.');
  if (request.body_encoding === 'base64')
    return none('The body is not text, so there is nothing to parse.');
  if (request.truncated)
    return none('Only the beginning of the body was kept, so it is not parsed.');
  const known = fieldsOf(request);
  const data = known.get('data');
  if (data !== undefined) {
    const fromTest =
      known.get('coreid') === 'api'
        ? 'coreid “api” means the API or the Test button, not a device.'
        : '';
    const { fields, count, note } = jsonFields(data, 'data', from, to) ?? {
      fields: [{ name: 'data', value: data }],
      count: 1,
      note: 'The field “data” is not JSON, so it is shown as it is.',
    };
    return { fields, count, note: [note, fromTest].filter(Boolean).join(' ') };
  }
  const ofBody = jsonFields(request.body, 'body', from, to);
  if (ofBody) {
    const { fields, count, note } = ofBody;
    const noData = 'The body has no field “data”, so this is the body itself.';
    return { fields, count, note: [note, noData].filter(Boolean).join(' ') };
  }
  if (isForm(request)) {
    const { fields, count } = formFields(request.body, from, to);
    const note = 'The form has no field “data”, so these are all its fields.';
    return { fields, count, note };
  }
  if (depth(request.body) > MAX_DEPTH)
    return none(`Nested deeper than ${MAX_DEPTH} levels, which counts as not JSON.`);
  const claim = contentType(request);
  return none(
    /json/i.test(claim)
      ? 'Its content-type says JSON, but the body is not valid JSON.'
      : `The body is not JSON${claim === '' ? '' : ` (${claim})`}, so there is nothing to parse.`,
  );
}

/**
 * The members of a JSON object, or another JSON value as one; null if it is not JSON.
 * @param {string} json
 * @param {string} name for a value that has no members
 * @param {number} from @param {number} to
 * @returns {{fields: Field[], count: number, note: string} | null}
 */
function jsonFields(json, name, from, to) {
  const found = members(json);
  if (found === null) {
    return isJson(json)
      ? { fields: [{ name, value: json, isJson: true }], count: 1, note: '' }
      : null;
  }
  if (found.length === 0) return { fields: [], count: 0, note: 'An object without members.' };
  const seen = new Set();
  const twice = found.find((field) => seen.size === seen.add(field.name).size);
  const note = twice
    ? `“${clip(twice.name, 200, 1).text}” is there twice: most programs keep the last.`
    : '';
  const fields = found.slice(from, to).map((field) => ({ ...field, isJson: true }));
  return { fields, count: found.length, note };
}

/** @param {Field} field @returns {Row} */
function jsonRow({ name, value }) {
  const string = stringOf(value);
  if (string !== null) return fieldRow({ name, value: string });
  const shown = value.length <= MAX_PRETTY ? pretty(value) : null;
  return { name, kind: 'text', value: shown ?? value, copy: value };
}

/** @param {Field} field @returns {Row} */
const fieldRow = ({ name, value }) => ({
  name,
  kind: 'text',
  value,
  remark: value === '' ? 'empty' : '',
});

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
  if (request.body_encoding !== 'base64') {
    const row = textRow('body', request.body, request.body_bytes === 0 ? 'empty' : '');
    return request.truncated
      ? {
          ...row,
          remark:
            `… and ${size(request.body_bytes - bodyBytes(request).length)} more that ` +
            'were not kept',
        }
      : row;
  }
  const bytes = bodyBytes(request);
  const cut = bytes.length > MAX_HEX || request.truncated;
  return {
    name: 'body',
    kind: 'text',
    value: hexView(bytes.subarray(0, MAX_HEX)),
    copy: request.body,
    bytes: () => bytes,
    remark: cut
      ? `not text; the first ${size(Math.min(bytes.length, MAX_HEX))} of ` +
        `${size(request.body_bytes)}`
      : `not text; ${size(request.body_bytes)}`,
  };
}

/**
 * A text that is shown indented if it is JSON.
 * @param {string} name
 * @param {string} text
 * @param {string} ifEmpty
 * @returns {Row}
 */
export function textRow(name, text, ifEmpty) {
  if (text === '') return { name, kind: 'text', value: '', remark: ifEmpty };
  const shown = text.length <= MAX_PRETTY && /^\s*[[{]/.test(text) ? pretty(text) : null;
  return shown === null
    ? { name, kind: 'text', value: text }
    : { name, kind: 'text', value: shown, copy: text };
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
