// @ts-check
// A multipart body (RFC 2046, RFC 7578) in its parts. A multipart inside a part is not followed.
// Pure; loaded when needed.

import { bytesOf } from '../lib/bytes.js';
import { headerParts } from '../lib/header-parts.js';

/** More than these many characters of headers are no part's. */
const MAX_HEADERS = 8_192;

/**
 * @typedef {{name: string, file: string | null, contentType: string, bytes: Uint8Array}} Part
 *   `name`: empty if it has none. `file`: the name that the sender gave it, if it is a file.
 *   `contentType`: the header; empty if it says nothing
 */

/**
 * The parts from one place to another, and how many there are; a sentence if there are none.
 * @param {string} binary the body, one character a byte @param {string} contentType the header
 * @param {number} from @param {number} to
 * @returns {{parts: Part[], count: number, problem: string}}
 */
export function partsOf(binary, contentType, from, to) {
  const boundary = headerParts(contentType).parameters.get('boundary') ?? '';
  /** @type {Part[]} */
  const parts = [];
  const end = (/** @type {number} */ count, /** @type {string} */ problem) => ({
    parts,
    count,
    problem,
  });
  if (boundary === '' || boundary.length > 70)
    return end(0, 'Its content-type says multipart and names no valid boundary.');
  const mark = `--${boundary}`;
  const line = boundaryLine(mark);
  let at = next(binary, line, 0);
  if (at < 0) return end(0, 'Its content-type names a boundary that is not in the body.');
  for (let count = 0; ; count += 1) {
    at += mark.length;
    // What is behind the last boundary belongs to no part.
    if (binary.startsWith('--', at)) return end(count, '');
    const begin = binary.indexOf('\n', at) + 1;
    const stop = begin === 0 ? -1 : next(binary, line, begin - 1);
    if (stop < 0) return end(count, 'The last boundary is missing, so what follows is left out.');
    if (count >= from && count < to) parts.push(partOf(binary, begin, stop));
    at = stop;
  }
}

/**
 * A line with the boundary and nothing else: another may begin with the same characters.
 * @param {string} mark
 */
const boundaryLine = (mark) =>
  new RegExp(`^${mark.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?:--)?[ \\t]{0,99}\\r?$`, 'gm');

/** Where a boundary is next. @param {string} binary @param {RegExp} line @param {number} at */
function next(binary, line, at) {
  line.lastIndex = at;
  return line.exec(binary)?.index ?? -1;
}

/**
 * @param {string} binary @param {number} begin
 * @param {number} stop where the boundary after it begins
 * @returns {Part}
 */
function partOf(binary, begin, stop) {
  // The line end before a boundary is the boundary's.
  const end = Math.max(begin, binary[stop - 2] === '\r' ? stop - 2 : stop - 1);
  const text = binary.slice(begin, end);
  const gap = /^\r?\n|\r?\n\r?\n/.exec(text.slice(0, MAX_HEADERS));
  const headers = gap ? headersOf(text.slice(0, gap.index)) : new Map();
  const content = gap ? text.slice(gap.index + gap[0].length) : text;
  const { parameters } = headerParts(headers.get('content-disposition') ?? '');
  const encoding = (headers.get('content-transfer-encoding') ?? '').trim().toLowerCase();
  return {
    name: plainName(parameters.get('name')) ?? '',
    file: extended(parameters.get('filename*')) ?? plainName(parameters.get('filename')),
    contentType: headers.get('content-type') ?? '',
    bytes: bytesOf(decoded(content, encoding)),
  };
}

/** @param {string} text @returns {Map<string, string>} */
function headersOf(text) {
  const found = new Map();
  // A line that begins with a space continues the one before.
  for (const line of text.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).trim().toLowerCase();
    if (name !== '' && !found.has(name)) found.set(name, line.slice(colon + 1).trim());
  }
  return found;
}

/** @param {string} content @param {string} encoding of its transfer */
function decoded(content, encoding) {
  if (encoding === 'base64') {
    try {
      return atob(content);
    } catch {
      return content;
    }
  }
  if (encoding !== 'quoted-printable') return content;
  return content
    .replace(/=[ \t]{0,99}\r?\n/g, '')
    .replace(/=([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}

const utf8 = (/** @type {string} */ binary) => new TextDecoder().decode(bytesOf(binary));

/**
 * A name as browsers write it: what would end it is percent-encoded.
 * @param {string | undefined} name
 */
const plainName = (name) =>
  name === undefined ? null : utf8(name).replace(/%(22|0A|0D)/gi, (hex) => decodeURIComponent(hex));

/** A file name in the form `UTF-8''caf%C3%A9` (RFC 8187). @param {string | undefined} value */
function extended(value) {
  try {
    const [, name] = /^utf-8'[^']*'(.*)$/i.exec(value ?? '') ?? [];
    return name === undefined ? null : decodeURIComponent(name);
  } catch {
    return null;
  }
}
