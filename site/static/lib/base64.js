// @ts-check
// Where a text holds base64, and what that decodes to.

import { fromBase64 } from './bytes.js';

/** Each in quotes, or the whole text; both alphabets, with or without padding. */
const CANDIDATE = /(?<![^"])[\w+/-]{16,}={0,2}(?![^"])/g;
/** As many candidates are looked at; and as far. */
const MAX_CANDIDATES = 200;
const MAX_TEXT = 256 * 1024;
/** First bytes of files that are sent so: PNG, GIF, JPEG, PDF, gzip, zip. */
const FILES = /^(?:\x89PNG|GIF8|\xff\xd8\xff|%PDF|\x1f\x8b\x08|PK\x03\x04)/;

/** What base64 of either alphabet decodes to; null if it is not base64. @param {string} text */
export const bytesOfBase64 = (text) => fromBase64(text.replaceAll('-', '+').replaceAll('_', '/'));

/**
 * Whether a text is base64, or holds a JSON string that is, as far as its first bytes tell: those
 * are text or begin a usual file.
 * @param {string} text
 */
export function holdsBase64(text) {
  let count = 0;
  for (const [candidate] of text.slice(0, MAX_TEXT).matchAll(CANDIDATE)) {
    if (isBase64(candidate)) return true;
    if ((count += 1) >= MAX_CANDIDATES) return false;
  }
  return false;
}

/** @param {string} text without white space */
export function isBase64(text) {
  if (!/^[\w+/-]{16,}={0,2}$/.test(text) || /^[0-9a-f]+$/i.test(text)) return false;
  const bytes = bytesOfBase64(text.length > 64 ? text.slice(0, 64) : text);
  if (!bytes) return false;
  const begin = String.fromCharCode(...bytes.subarray(0, 8));
  if (FILES.test(begin)) return true;
  // A character may be cut at the end.
  const said = new TextDecoder().decode(bytes, { stream: true });
  return /^[^\p{C}\ufffd]*$/u.test(said.replace(/[\r\n\t]/g, ''));
}
