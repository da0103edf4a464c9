// @ts-check
// Text from strangers, made fit to be seen: what has no shape of its own, or would turn the text
// around it, gets a sign.

/**
 * @typedef {{text: string, sign: boolean}} Piece `sign`: stands for a character that can't be seen
 */

// Control characters but tab and line feed; marks of direction; zero width; halves of characters;
// the byte order mark.
const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
/** A text of nothing but signs would be as many elements; from here on they come as plain text. */
export const MAX_SIGNS = 400;

/**
 * A text in pieces, each either plain or a sign for one character that can't be seen.
 * @param {string} text @param {{signs: number}} [budget] how many signs may be pieces of their own;
 *   what is used is taken off
 * @returns {Piece[]}
 */
export function pieces(text, budget = { signs: MAX_SIGNS }) {
  /** @type {Piece[]} */
  const found = [];
  let at = 0;
  for (const match of text.matchAll(UNSEEN)) {
    // A carriage return before a line feed is how lines end in HTTP and on Windows: nothing to
    // point out.
    if (match[0] === '\r' && text[match.index + 1] === '\n') continue;
    if (budget.signs <= 0) {
      found.push({ text: text.slice(at).replace(UNSEEN, signOf), sign: false });
      return found;
    }
    if (match.index > at) found.push({ text: text.slice(at, match.index), sign: false });
    budget.signs -= 1;
    found.push({ text: signOf(match[0]), sign: true });
    at = match.index + match[0].length;
  }
  if (at < text.length) found.push({ text: text.slice(at), sign: false });
  return found;
}

/**
 * The sign for one character: its control picture where Unicode has one, else its number.
 * @param {string} character
 */
export function signOf(character) {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  return `\u27e8U+${code.toString(16).toUpperCase().padStart(4, '0')}\u27e9`;
}

/**
 * The beginning of a text: at most so many characters and lines, never half a character.
 * @param {string} text @param {number} most @param {number} lines
 * @returns {{text: string, rest: number}} `rest`: how many characters are left out
 */
export function clip(text, most, lines) {
  let end = Math.min(text.length, most);
  for (let at = -1, line = 0; line < lines; line += 1) {
    at = text.indexOf('\n', at + 1);
    if (at < 0 || at >= end) break;
    if (line === lines - 1) end = at;
  }
  if (end < text.length && /[\ud800-\udbff]/.test(text[end - 1] ?? '')) end -= 1;
  return { text: text.slice(0, end), rest: text.length - end };
}

/** A stranger's word within a sentence: short, on one line, with signs for what can't be seen. */
export const quotable = (/** @type {string} */ text) =>
  clip(text, 200, 1).text.replace(UNSEEN, signOf);

/** How long a text is in UTF-8, in bytes. @param {string} text */
export const byteLength = (text) => new TextEncoder().encode(text).length;

/** Bytes as people count them. @param {number} count */
export function size(count) {
  if (count < 1024) return `${count} ${count === 1 ? 'byte' : 'bytes'}`;
  const kib = count / 1024;
  return kib < 1024 ? `${round(kib)} KiB` : `${round(kib / 1024)} MiB`;
}

/** @param {number} number */
const round = (number) =>
  number < 10 ? number.toFixed(1).replace(/\.0$/, '') : String(Math.round(number));

/**
 * Bytes as a hex view: offset, sixteen bytes, and what of them is ASCII.
 * @param {Uint8Array} bytes
 */
export function hexView(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)];
    const hex = row
      .map((byte, i) => byte.toString(16).padStart(2, '0') + (i === 7 ? ' ' : ''))
      .join(' ');
    const ascii = row
      .map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'))
      .join('');
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex.padEnd(48)}  ${ascii}`);
  }
  return lines.join('\n');
}

/** What a template with two braces writes for a sign of HTML. */
export const ENTITY = /&(?:quot|amp|lt|gt|#39);/;
