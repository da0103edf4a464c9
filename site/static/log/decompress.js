// @ts-check
// What a content encoding did to a body, undone for display, as far as this browser can and a
// reader can use. Loaded when needed.

import { quotable, size } from '../lib/text.js';

/** Of a small body may become gigabytes: what is beyond this is not decompressed. */
const MAX_DECODED = 4 * 1024 * 1024;

/**
 * @typedef {{name: string, formats: string[], done: string, piece: number}} Encoding `formats`: as
 *   the browser names them, to be tried in this order. `done`: what is said of it. `piece`: bytes
 *   that are put in at once, so that what comes out at once is a few megabytes
 */
/** @type {Encoding} */
const GZIP = { name: 'gzip', formats: ['gzip'], done: 'gunzipped', piece: 2048 };
/** @type {[string, Encoding][]} */
const NAMED = [
  ['gzip', GZIP],
  ['x-gzip', GZIP],
  // By the standard it is in a zlib envelope; some senders leave that out.
  [
    'deflate',
    { name: 'deflate', formats: ['deflate', 'deflate-raw'], done: 'inflated', piece: 2048 },
  ],
  ['br', { name: 'Brotli', formats: ['brotli'], done: 'decoded from Brotli', piece: 32 }],
  ['zstd', { name: 'Zstandard', formats: ['zstd'], done: 'decoded from Zstandard', piece: 32 }],
];
const ENCODINGS = new Map(NAMED);

/** More than one is rare, and more than this many are a trap. */
const MAX_ENCODINGS = 4;

/**
 * A body without its content encodings, as far as they can be undone.
 * @param {Uint8Array} bytes @param {string[]} encodings in the order in which they were applied
 * @returns {Promise<{bytes: Uint8Array, words: string[], isDecoded: boolean, isCut: boolean}>}
 *   `words`: what was done, and what was not. `isCut`: there is more than is decoded
 */
export async function decompress(bytes, encodings) {
  const isGzip = encodings.length === 0 && bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8;
  const all = isGzip ? ['gzip'] : encodings.slice(-MAX_ENCODINGS);
  /** @type {string[]} */
  const words = [];
  let now = bytes;
  let isCut = false;
  if (encodings.length > all.length && !isGzip)
    words.push(`encoded more than ${MAX_ENCODINGS} times, so not all is decoded`);
  for (const one of all.toReversed()) {
    const step = await undo(now, one);
    words.push(...step.words);
    isCut = step.isCut;
    if (step.bytes === null) break;
    now = step.bytes;
    if (isCut) break;
  }
  return { bytes: now, words, isDecoded: now !== bytes, isCut };
}

/** @param {Uint8Array} bytes @param {string} one content encoding */
async function undo(bytes, one) {
  const as = (/** @type {string} */ why) => ({ bytes: null, words: [why], isCut: false });
  const encoding = ENCODINGS.get(one);
  if (!encoding) return as(`content-encoding “${quotable(one)}” is not known here`);
  const { name, done } = encoding;
  const found = await decoded(bytes, encoding);
  if (found === null) return as(`compressed with ${name}, which this browser can’t decode`);
  if (found.bytes.length === 0 && found.isBroken)
    return as(`content-encoding says ${name}, but the bytes are not valid ${name}`);
  const words = [`${done} for display`];
  if (found.isCut) words.push(`only the first ${size(MAX_DECODED)}`);
  if (found.isBroken) words.push(`what follows the first ${name} stream is not shown`);
  return { bytes: found.bytes, words, isCut: found.isCut };
}

/** @param {Uint8Array} bytes @param {Encoding} encoding */
async function decoded(bytes, { formats, piece }) {
  let last = null;
  for (const format of formats) {
    const stream = decoderOf(format);
    if (!stream) continue;
    last = await readAll(inPieces(bytes, piece).pipeThrough(stream));
    if (!last.isBroken || last.bytes.length > 0) break;
  }
  return last;
}

/** @param {string} format @returns {ReadableWritablePair<Uint8Array, Uint8Array> | null} */
function decoderOf(format) {
  try {
    return /** @type {any} */ (new DecompressionStream(/** @type {any} */ (format)));
  } catch {
    return null;
  }
}

/**
 * A stream that gives the next bytes only when they are asked for.
 * @param {Uint8Array} bytes @param {number} piece
 * @returns {ReadableStream<Uint8Array>}
 */
function inPieces(bytes, piece) {
  let at = 0;
  return new ReadableStream(
    {
      pull(controller) {
        if (at < bytes.length) controller.enqueue(bytes.slice(at, (at += piece)));
        if (at >= bytes.length) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * As much as there is until the end, an error or the limit.
 * @param {ReadableStream<Uint8Array>} stream
 */
async function readAll(stream) {
  const reader = stream.getReader();
  const parts = [];
  let length = 0;
  let isBroken = false;
  try {
    while (length < MAX_DECODED) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      length += value.length;
    }
  } catch {
    isBroken = true;
  }
  const isCut = length >= MAX_DECODED;
  if (isCut) reader.cancel().catch(() => {});
  const bytes = new Uint8Array(Math.min(length, MAX_DECODED));
  let at = 0;
  for (const part of parts) {
    bytes.set(part.subarray(0, bytes.length - at), at);
    at += part.length;
  }
  return { bytes, isCut, isBroken };
}
