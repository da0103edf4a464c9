// @ts-check
// Bytes as text, in the charset that they are said to be in. Pure; loaded when needed.

import { binaryOf, bytesOf } from '../lib/bytes.js';
import { headerParts } from '../lib/header-parts.js';
import { quotable } from '../lib/text.js';

const BOMS = /** @type {const} */ ([
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
]);

/**
 * @param {Uint8Array} bytes
 * @param {string} contentType the header
 * @param {boolean} [isCut] the bytes go on, so that a character may be cut at the end
 * @returns {{text: string | null, label: string, words: string}} `text`: null if the bytes are not
 *   text. `label`: of the charset, for a TextDecoder. `words`: about the charset, where it is
 *   something else than UTF-8
 */
export function textOf(bytes, contentType, isCut = false) {
  const said = headerParts(contentType).parameters.get('charset') || charsetOfXml(bytes);
  const bom = BOMS.find(([, mark]) => mark.every((byte, i) => bytes[i] === byte))?.[0];
  const decoder = decoderOf(bom ?? (said || 'utf-8'));
  const utf8 = decoded(decoderOf('utf-8'), bytes, isCut);
  if (!decoder) {
    const words = `charset “${quotable(said)}” is not known here`;
    return { text: utf8, label: 'utf-8', words };
  }
  const label = decoder.encoding;
  if (label === 'utf-8')
    return {
      text: utf8,
      label,
      words: utf8 === null && said !== '' ? `not valid ${quotable(said)}` : '',
    };
  // Many senders name ISO-8859-1 only because their framework does, and send UTF-8. What is valid
  // UTF-8 beyond ASCII is hardly ever anything else.
  if (label === 'windows-1252' && utf8 !== null) {
    const isAscii = !/[\u0080-\uffff]/.test(utf8);
    const words = isAscii ? '' : `UTF-8, not ${quotable(said)} as declared`;
    return { text: utf8, label, words };
  }
  const text = decoded(decoder, bytes, isCut);
  const name = quotable(bom ?? (said || label));
  return { text, label, words: text === null ? `not valid ${name}` : `read as ${name}` };
}

/**
 * Undoes the percent-encoding of a form in a charset. The form is one character a byte.
 * @param {string} label of a charset that is known
 * @returns {import('./request-body.js').Decode}
 */
export function decodeField(label) {
  const decoder = new TextDecoder(label);
  return (field) => {
    const binary = field
      .replaceAll('+', ' ')
      .replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
    const bytes = bytesOf(binary);
    if (label !== 'windows-1252') return decoder.decode(bytes);
    return decoded(decoderOf('utf-8'), bytes) ?? decoder.decode(bytes);
  };
}

/** What an XML declaration names. @param {Uint8Array} bytes */
const charsetOfXml = (bytes) =>
  /^<\?xml[^>]{0,80}\bencoding=["']([\w-]{1,40})["']/.exec(binaryOf(bytes.subarray(0, 200)))?.[1] ??
  '';

/** @param {string} label */
function decoderOf(label) {
  try {
    return new TextDecoder(label, { fatal: true });
  } catch {
    return null;
  }
}

/** @param {TextDecoder | null} decoder @param {Uint8Array} bytes @param {boolean} [isCut] */
function decoded(decoder, bytes, isCut = false) {
  try {
    return decoder?.decode(bytes, { stream: isCut }) ?? null;
  } catch {
    return null;
  }
}
