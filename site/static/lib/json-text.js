// @ts-check
// JSON as text. A number stays the number that was written, digit for digit, and a key that comes
// twice comes twice, because nothing here turns the text into values. Nothing here recurses, so
// depth can't break it.

/** Deeper than this counts as not JSON, as for the receiver. */
export const MAX_DEPTH = 128;

/** Deepest nesting of arrays and objects. @param {string} text */
export function depth(text) {
  let now = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at += 1) {
    const c = text[at];
    if (c === '"') at = endOfString(text, at);
    else if (c === '{' || c === '[') deepest = Math.max(deepest, (now += 1));
    else if (c === '}' || c === ']') now -= 1;
  }
  return deepest;
}

/** The value of a JSON text; null if it is not JSON. @param {string} text @returns {any} */
export function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Whether a text is JSON that we take for JSON. @param {string} text */
export function isJson(text) {
  // What opens that seldom can't be that deep, and to count it is quicker.
  const mayBeDeep = text.split(/[[{]/, MAX_DEPTH + 2).length > MAX_DEPTH + 1;
  if (mayBeDeep && depth(text) > MAX_DEPTH) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * A JSON text with two spaces of indent a level; null if it is not JSON, or becomes longer than
 * `most`: of deep nesting, the indent is most of it.
 * @param {string} text @param {number} [most]
 */
export function pretty(text, most = Infinity) {
  if (!isJson(text)) return null;
  let out = '';
  let level = 0;
  const line = () => `\n${'  '.repeat(level)}`;
  let before = '';
  for (const token of tokensOf(text)) {
    if (out.length > most) return null;
    const empty = (token === '}' && before === '{') || (token === ']' && before === '[');
    if (token === '}' || token === ']') {
      level -= 1;
      out += empty ? token : line() + token;
    } else if (token === ',' || token === ':') {
      out += token === ',' ? token : ': ';
    } else {
      // A value or a bracket that opens: on a line of its own, but after a colon.
      if (before === '{' || before === '[' || before === ',') out += line();
      out += token;
      if (token === '{' || token === '[') level += 1;
    }
    before = token;
  }
  return out;
}

/**
 * The members of a JSON object: names decoded, values as the text they are. Null if the text is no
 * JSON object.
 * @param {string} text
 * @returns {{name: string, value: string}[] | null}
 */
export function members(text) {
  if (!/^\s*\{/.test(text) || !isJson(text)) return null;
  /** @type {{name: string, value: string}[]} */
  const found = [];
  let level = 0;
  let name = null;
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    const c = text[at];
    if (c === '"') {
      const end = endOfString(text, at);
      if (level === 1 && name === null) name = unquoted(text.slice(at, end + 1));
      at = end;
    } else if (c === ':') {
      if (level === 1) from = at + 1;
    } else if (c === '{' || c === '[') {
      level += 1;
    } else if (c === ',' || c === '}' || c === ']') {
      if (c !== ',') level -= 1;
      const isEnd = level === 0 || (level === 1 && c === ',');
      if (!isEnd || name === null) continue;
      found.push({ name, value: text.slice(from, at).trim() });
      name = null;
    }
  }
  return found;
}

/**
 * The values of a JSON text that hold no others, as the text they are, each with the way to it,
 * such as `orders[0].id`.
 * @param {string} text valid JSON @param {number} most so many
 * @returns {Map<string, string>}
 */
export function leaves(text, most) {
  /** @type {Map<string, string>} */
  const found = new Map();
  /** @type {{isList: boolean, at: number, name: string | null}[]} */
  const open = [];
  let before = '';
  for (const token of tokensOf(text)) {
    const inner = open[open.length - 1];
    const isEmpty = (token === '}' && before === '{') || (token === ']' && before === '[');
    before = token;
    if (token === '{' || token === '[') {
      open.push({ isList: token === '[', at: 0, name: null });
    } else if (token === '}' || token === ']') {
      open.pop();
      if (isEmpty) found.set(wayTo(open), token === '}' ? '{}' : '[]');
    } else if (token === ',') {
      inner.at += 1;
      inner.name = null;
    } else if (token !== ':') {
      if (inner && !inner.isList && inner.name === null) inner.name = unquoted(token);
      else found.set(wayTo(open), token);
    }
    if (found.size >= most) break;
  }
  return found;
}

/** @param {{isList: boolean, at: number, name: string | null}[]} open */
const wayTo = (open) =>
  open
    .map(({ isList, at, name }) => (isList ? `[${at}]` : `.${name}`))
    .join('')
    .replace(/^\./, '');

/** What a JSON string says, or null if the text is another kind of value. @param {string} value */
export function stringOf(value) {
  const trimmed = value.trim();
  return trimmed.startsWith('"') ? unquoted(trimmed) : null;
}

/** What a JSON string says. @param {string} json @returns {string} */
const unquoted = (json) => (json.includes('\\') ? JSON.parse(json) : json.slice(1, -1));

/** @param {string} text valid JSON */
function* tokensOf(text) {
  for (let at = 0; at < text.length; at += 1) {
    const c = text[at];
    if (c === '"') {
      const end = endOfString(text, at);
      yield text.slice(at, end + 1);
      at = end;
    } else if ('{}[],:'.includes(c)) {
      yield c;
    } else if (!' \t\n\r'.includes(c)) {
      let end = at + 1;
      while (end < text.length && !'{}[],: \t\n\r'.includes(text[end])) end += 1;
      yield text.slice(at, end);
      at = end - 1;
    }
  }
}

/** Where the string that begins at `at` ends. @param {string} text @param {number} at */
function endOfString(text, at) {
  let end = text.indexOf('"', at + 1);
  while (end > 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length - 1 : end;
}

/** @param {string} text @param {number} at of a quote in a string */
function isEscaped(text, at) {
  let from = at;
  while (text[from - 1] === '\\') from -= 1;
  return (at - from) % 2 === 1;
}
