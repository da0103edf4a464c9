// @ts-check
// A request that was received as a line for bash or zsh, which sends it again byte for byte. Pure;
// loaded when asked for.

import { base64Of } from '../lib/bytes.js';
import { bodyBytes, headersByOrigin, isMasked, urlOf } from './request-body.js';

/** @typedef {import('../lib/api-client.js').Delivery} Delivery */

/**
 * What belongs to one connection (RFC 9110, 7.6.1), and what curl writes by itself from the URL and
 * the body.
 */
const NOT_SENT = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** What curl adds unless it is told not to. */
const OF_CURL = ['accept', 'user-agent'];
/** Linux takes no argument over 128 KiB; a pipe has no end. */
const MAX_ARGUMENT = 64 * 1024;

/**
 * @param {Delivery['request']} request @param {string} hookUrl
 * @returns {{line: string, notes: string[]}} `notes`: what about it is not as it was sent, a
 *   sentence each
 */
export function asCurl(request, hookUrl) {
  const { method, body_bytes, truncated } = request;
  const url = urlOf(request, hookUrl);
  const { sent: all } = headersByOrigin(request);
  const sent = all.filter(([name]) => !NOT_SENT.has(name.toLowerCase()));
  const names = new Set(sent.map(([name]) => name.toLowerCase()));
  const masked = sent.filter(([, value]) => isMasked(value)).map(([name]) => name);
  const bytes = bodyBytes(request);
  const piped = isPiped(request, bytes);

  const words = ['curl'];
  // Brackets and braces would be patterns, and steps up be walked, before anything is sent.
  if (/[[\]{}]/.test(url)) words.push('-g');
  if (/\/\.{1,2}(?:[/?]|$)/.test(url)) words.push('--path-as-is');
  if (method === 'HEAD') words.push('-I');
  else if (method !== (bytes.length === 0 ? 'GET' : 'POST')) words.push('-X', quoted(method));
  for (const [name, value] of sent) {
    // To curl, a colon with nothing behind it takes a header away.
    words.push(
      '-H',
      quoted(value === '' ? `${name};` : `${name}: ${isMasked(value) ? placeholder(name) : value}`),
    );
  }
  for (const name of bytes.length > 0 ? [...OF_CURL, 'content-type'] : OF_CURL)
    if (!names.has(name)) words.push('-H', quoted(`${name}:`));
  if (piped) words.push('--data-binary', '@-');
  else if (bytes.length > 0) words.push('--data-raw', quoted(request.body));
  words.push(quoted(url));
  const line = words.join(' ');

  const notes = [];
  if (masked.length > 0)
    notes.push(
      `${list(masked)} ${masked.length === 1 ? 'is' : 'are'} masked in a shared log: put in ` +
        'the value in capitals yourself.',
    );
  if (truncated)
    notes.push(
      `Only the first ${bytes.length} of ${body_bytes} bytes of the body were kept, so only ` +
        'those are sent.',
    );
  if (piped) notes.push('The body goes through base64, so that every byte arrives.');
  return {
    line: piped ? `printf %s '${base64Of(bytes)}' | base64 -d | ${line}` : line,
    notes,
  };
}

/** @param {Delivery['request']} request @param {Uint8Array} bytes */
const isPiped = ({ body, body_encoding }, bytes) =>
  body_encoding === 'base64' || bytes.length > MAX_ARGUMENT || body.includes('\0');

/**
 * One argument. What a terminal would act on when it is pasted, or a reader can't see, is written
 * by its bytes; so is the
 * exclamation mark, which bash replaces from its history.
 * @param {string} text
 */
function quoted(text) {
  if (/^[\w./:@+,-]+$/.test(text)) return text;
  if (!/[^\n\P{C}]|[!\u2028\u2029]/u.test(text)) return `'${text.replaceAll("'", `'\\''`)}'`;
  const inner = text
    .replace(/[\\']/g, '\\$&')
    .replace(/[\p{C}!\u2028\u2029]/gu, (character) =>
      [...new TextEncoder().encode(character)]
        .map((byte) => `\\${byte.toString(8).padStart(3, '0')}`)
        .join(''),
    );
  return `$'${inner}'`;
}

/** @param {string} name */
const placeholder = (name) => `YOUR-${name.toUpperCase()}`;

/** @param {string[]} names */
const list = (names) =>
  names.length < 2
    ? names.join()
    : `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`;
