// @ts-check
// XML with two spaces of indent a level. It is only cut at its tags: nothing is parsed into values,
// and no entity is expanded. Pure; loaded when needed.

const MAX_DEPTH = 128;

/**
 * The text indented; null if that would be more than `most` characters, or the text is anything
 * unusual: not well-formed, with a DOCTYPE, or with text beside elements, where space counts.
 * @param {string} text @param {number} most
 */
export function indentXml(text, most) {
  /** @type {string[]} the elements that are open */
  const open = [];
  let out = '';
  let at = 0;
  let roots = 0;
  /** What the last piece was: a line, an opening tag, or text directly after that. */
  let last = 'line';
  const line = (/** @type {string} */ piece) => {
    out += `${out === '' ? '' : '\n'}${'  '.repeat(open.length)}${piece}`;
  };
  while (at < text.length) {
    if (out.length > most) return null;
    if (text[at] !== '<') {
      const end = text.indexOf('<', at) < 0 ? text.length : text.indexOf('<', at);
      const piece = text.slice(at, end);
      at = end;
      if (piece.trim() === '') continue;
      if (last !== 'open') return null;
      out += piece;
      last = 'text';
      continue;
    }
    const end = endOf(text, at);
    if (end < 0) return null;
    const piece = text.slice(at, end);
    at = end;
    if (piece.startsWith('<![CDATA[') && last !== 'line') {
      out += piece;
      last = 'text';
      continue;
    }
    const name = /^<\/?([^\s<>/!?'"=&]+)/.exec(piece)?.[1];
    const isClosing = piece.startsWith('</');
    if (isClosing) {
      if (open.pop() !== name) return null;
      if (last === 'line') line(piece);
      else out += piece;
      last = 'line';
      continue;
    }
    // Text comes after an opening tag and before the closing one only.
    if (last === 'text' || piece.includes('xml:space')) return null;
    line(piece);
    last = 'line';
    if (/^<(?:\?|!--)/.test(piece)) continue;
    if (name === undefined) return null;
    if (open.length === 0 && (roots += 1) > 1) return null;
    if (piece.endsWith('/>')) continue;
    open.push(name);
    last = 'open';
    if (open.length > MAX_DEPTH) return null;
  }
  return open.length === 0 && roots === 1 && out.length <= most ? out : null;
}

/**
 * Where the markup ends that begins at a place; -1 if it does not end.
 * @param {string} text @param {number} at
 */
function endOf(text, at) {
  for (const [begin, end] of [
    ['<!--', '-->'],
    ['<![CDATA[', ']]>'],
    ['<?', '?>'],
  ]) {
    if (!text.startsWith(begin, at)) continue;
    const found = text.indexOf(end, at + begin.length);
    return found < 0 ? -1 : found + end.length;
  }
  for (let end = at + 1; end < text.length; end += 1) {
    const c = text[end];
    if (c === '>') return end + 1;
    if (c === '<') return -1;
    if (c !== '"' && c !== "'") continue;
    end = text.indexOf(c, end + 1);
    if (end < 0) return -1;
  }
  return -1;
}
