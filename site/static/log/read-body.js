// @ts-check
// A body that takes a decoder, as what it is: for the block that received it and for the one that
// shows what is parsed of it. Loaded when needed.

import { binaryOf } from '../lib/bytes.js';
import { headerParts } from '../lib/header-parts.js';
import { lastOnly } from '../lib/memo.js';
import { quotable, size } from '../lib/text.js';
import { decodeField } from './charset.js';
import { decompress } from './decompress.js';
import { fileName } from './file-name.js';
import { isJsonLines, parseLines } from './json-lines.js';
import { partsOf } from './multipart.js';
import { contentOf, nothing, parsedText } from './parsed.js';
import { readValue, remarked } from './read-value.js';
import { bodyBytes, encodingsOf, headerOf, isForm } from './request-body.js';

/**
 * @typedef {import('./delivery.js').Row} Row
 * @typedef {import('./delivery.js').Content} Content
 * @typedef {import('./request-body.js').Request} Request
 */

/** Longer texts are not parsed: a small body may become one that takes a second to read. */
const MAX_PARSED = 1024 * 1024;
/** Of a part that is not text; all of it can be downloaded. */
const MAX_PART_HEX = 1_024;

/** One at a time, because each may become megabytes; of those that were read, the last is kept. */
let queue = /** @type {Promise<unknown>} */ (Promise.resolve());

export const readBody = lastOnly((/** @type {Request} */ request) => {
  const reading = queue.then(() => read(request));
  queue = reading.catch(() => {});
  return reading;
});

/** @param {Request} request @returns {Promise<{body: Row, parsed: Content & {note: string}}>} */
async function read(request) {
  const raw = bodyBytes(request);
  const { bytes, words, isDecoded, isCut } = await decompress(raw, encodingsOf(request));
  const contentType = headerOf(request, 'content-type');
  const value = readValue('body', bytes, contentType, { isCut: isCut || request.truncated });
  const isAsSent = request.body_encoding === 'utf-8' && !isDecoded && value.text === request.body;
  const kept = request.truncated
    ? [`the first ${size(raw.length)} of ${size(request.body_bytes)}`]
    : [];
  const isDivided = headerParts(contentType).type.startsWith('multipart/');
  const divided = isDivided && !request.truncated ? ['“Parsed data” has its parts'] : [];
  const copy = value.row.copy ?? value.text;
  return {
    body: {
      ...remarked(value.row, ...words, ...kept, ...divided),
      // What was decoded for display is copied as text; the bytes are those that were sent.
      ...(!isAsSent && { bytes: () => raw, ...(copy !== null && { copy }) }),
    },
    parsed: contentOf((from, to) => {
      if (request.truncated)
        return nothing('Only the beginning of the body was kept, so it is not parsed.');
      if (isCut) return nothing('Only the beginning of the body was decoded, so it is not parsed.');
      return parse(request, bytes, value, from, to);
    }),
  };
}

/**
 * @param {Request} request @param {Uint8Array} bytes @param {import('./read-value.js').Value} value
 * @param {number} from @param {number} to
 * @returns {import('./parsed.js').Parsed}
 */
function parse(request, bytes, { text, label, what }, from, to) {
  const contentType = headerOf(request, 'content-type');
  const { type } = headerParts(contentType);
  if (type.startsWith('multipart/')) return parts(bytes, contentType, from, to);
  if (text === null)
    return nothing(
      `The body is ${what === '' ? 'not text' : `a ${what}`}, so there is nothing to parse.`,
    );
  if (isJsonLines(type)) return parseLines(text, type, from, to);
  if (/[/+]xml$/.test(type) && /^\s*</.test(text))
    return nothing('The body is XML: see “Webhook received”.');
  if (text.length > MAX_PARSED)
    return nothing(`Longer than ${size(MAX_PARSED)}, so it is not parsed.`);
  // The percent-encoding of a form is undone byte by byte; that of UTF-16 has no bytes of its own.
  if (isForm(request) && !/^utf-/.test(label))
    return parsedText(binaryOf(bytes), request, from, to, decodeField(label));
  return parsedText(text, request, from, to);
}

/** @param {Uint8Array} bytes @param {string} contentType @param {number} from @param {number} to */
function parts(bytes, contentType, from, to) {
  const { parts: found, count, problem } = partsOf(binaryOf(bytes), contentType, from, to);
  const rows = found.map((part, i) => partRow(part, from + i + 1));
  const counted = count === 0 ? '' : `${count} ${count === 1 ? 'part' : 'parts'}, one a row.`;
  return { rows, count, note: [counted, problem].filter(Boolean).join(' ') };
}

/** @param {import('./multipart.js').Part} part @param {number} number @returns {Row} */
function partRow({ name, file, contentType, bytes }, number) {
  const { row } = readValue(name || `part ${number}`, bytes, contentType, {
    mostHex: MAX_PART_HEX,
  });
  if (file === null && contentType === '') return row;
  const { type } = headerParts(contentType);
  const words = [
    file === null ? '' : `file “${quotable(file)}”`,
    quotable(type),
    row.kind === 'text' ? size(bytes.length) : '',
  ];
  return {
    ...remarked(row, words.filter(Boolean).join(', ')),
    ...(row.kind === 'text' && { copy: row.copy ?? row.value }),
    bytes: () => bytes,
    file: fileName(file ?? '', `part-${number}.bin`),
  };
}
