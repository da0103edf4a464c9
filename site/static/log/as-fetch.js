// @ts-check
// A request that was received as one that a browser sends: as a line of JavaScript, or to be sent
// again. Pure; loaded when asked for.

import { belowOf, bodyBytes, headersByOrigin, isMasked, urlOf } from './request-body.js';

/**
 * @typedef {import('../lib/api-client.js').Request} Request
 * @typedef {{
 *   method: string,
 *   below: string,
 *   headers: [string, string][],
 *   body: string | Uint8Array<ArrayBuffer> | null,
 *   notes: string[],
 * }} Sendable `below`: what follows the hook URL. `notes`: what is not as it was sent, a sentence
 *   each
 */

/** What a page may not set (https://fetch.spec.whatwg.org/#forbidden-request-header). */
const FORBIDDEN = new Set([
  'accept-charset',
  'accept-encoding',
  'connection',
  'content-length',
  'cookie',
  'cookie2',
  'date',
  'dnt',
  'expect',
  'host',
  'keep-alive',
  'origin',
  'referer',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'via',
]);
const FORBIDDEN_PREFIX = /^(?:access-control-request-|proxy-|sec-)/;

/** @param {string} name in lower case */
const isForbidden = (name) => FORBIDDEN.has(name) || FORBIDDEN_PREFIX.test(name);

/** @param {string[]} names of headers */
const replaced = (names) =>
  names.length > 0 ? [`A browser replaces or omits: ${[...new Set(names)].join(', ')}.`] : [];

/** @param {Request} request @returns {Sendable} */
export function sendable(request) {
  const { sent } = headersByOrigin(request);
  const isLeftOut = (/** @type {[string, string]} */ [name, value]) =>
    isForbidden(name.toLowerCase()) || isMasked(value);
  const leftOut = sent.filter(isLeftOut).map(([name]) => name);
  const hasBody = request.body_bytes > 0;
  const mayHaveBody = !['GET', 'HEAD'].includes(request.method);
  const notes = replaced(leftOut);
  if (hasBody && !mayHaveBody) notes.push(`A browser sends no body with ${request.method}.`);
  if (request.truncated)
    notes.push('Only the beginning of the body was kept, so only that is sent.');
  const body = request.body_encoding === 'utf-8' ? request.body : bodyBytes(request);
  return {
    method: request.method,
    below: belowOf(request),
    headers: sent.filter((header) => !isLeftOut(header)),
    body: hasBody && mayHaveBody ? body : null,
    notes,
  };
}

/** @param {Request} request @param {string} hookUrl @returns {{line: string, notes: string[]}} */
export function asFetch(request, hookUrl) {
  const { method, headers, body, notes } = sendable(request);
  const options = [
    `method: ${quoted(method)}`,
    ...(headers.length > 0 ? [`headers: ${quoted(headers)}`] : []),
    ...(body === null ? [] : [`body: ${typeof body === 'string' ? quoted(body) : bytes(request)}`]),
  ];
  return {
    line: `await fetch(${quoted(urlOf(request, hookUrl))}, { ${options.join(', ')} });`,
    notes: [...notes, 'In a page of another site it needs CORS, under “Who may call”.'],
  };
}

/** What JavaScript reads as this value, also in a page. @param {unknown} value */
const quoted = (value) =>
  JSON.stringify(value).replace(/[\u2028\u2029\p{Cf}]|<(?=[/!])/gu, (one) =>
    one === '<' ? '\\u003c' : [...one].map(escaped).join(''),
  );

/** @param {string} character */
const escaped = (character) =>
  Array.from(
    { length: character.length },
    (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
  ).join('');

/** @param {Request} request */
const bytes = ({ body }) => `Uint8Array.from(atob(${quoted(body)}), (one) => one.charCodeAt(0))`;

/**
 * A request as text that can be edited: a line with method and path, headers, an empty line, the
 * body. Null if its body is not text.
 * @param {Request} request
 */
export function asText(request) {
  const { method, below, headers, body } = sendable(request);
  if (body !== null && typeof body !== 'string') return null;
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  return [`${method} ${below}`.trim(), ...lines, '', body ?? ''].join('\n');
}

/**
 * The request that such a text means, or what is wrong with it.
 * @param {string} text
 * @param {string} [original] the body that was edited: a text field turns its CRLF into LF
 * @returns {Sendable | string}
 */
export function fromText(text, original = '') {
  const [head, ...rest] = text.split(/\r?\n\r?\n/);
  const [first, ...lines] = head.split(/\r?\n/);
  const [, method, below] =
    /^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)(?: ([/?]\S*))?$/.exec(first.trim()) ?? [];
  if (!method)
    return 'The first line is a method and what follows the hook URL, such as POST /orders?page=2.';
  /** @type {[string, string][]} */
  const headers = [];
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*)$/.exec(line) ?? [];
    if (!name) return `This is not a header: ${line.slice(0, 80)}`;
    headers.push([name, value]);
  }
  const typed = text.slice(head.length).replace(/^\r?\n\r?\n/, '');
  const isCrlf = original.includes('\r\n');
  const isMixed = isCrlf && /(?<!\r)\n/.test(original);
  const body = isCrlf && !isMixed ? typed.replace(/\r?\n/g, '\r\n') : typed;
  if (body !== '' && ['GET', 'HEAD'].includes(method))
    return `A browser sends no body with ${method}.`;
  const names = headers.map(([name]) => name).filter((name) => isForbidden(name.toLowerCase()));
  const notes = replaced(names);
  if (isMixed) notes.push('Its line ends were CRLF and LF; now all are LF.');
  return {
    method,
    below: below ?? '',
    headers: headers.filter(([name]) => !names.includes(name)),
    body: rest.length > 0 && body !== '' ? body : null,
    notes,
  };
}
