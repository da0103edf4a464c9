// @ts-check
// Where a text stops being JSON, and why, in words for people: engines say it each in their own
// way. Nothing here recurses, so depth can't break it. Loaded when needed.

/**
 * @typedef {'comma' | 'value' | 'quotes' | 'quote' | 'end' | 'other'} Reason `comma`: one is left
 *   over. `value`: one is missing. `quotes`: text without them. `quote`: one within a text ends it.
 *   `end`: the text ends too early
 * @typedef {{at: number, reason: Reason}} Problem `at`: from 0
 */

/** What each reason is called in a sentence. @type {Map<Reason, string>} */
const WORDS = new Map([
  ['comma', 'a comma is left over'],
  ['value', 'a value is missing'],
  ['quotes', 'text without quotes'],
  ['quote', 'a quote within a text ends it too early'],
  ['end', 'it ends too early'],
  ['other', 'a character that JSON does not allow'],
]);

/** @param {Problem} problem */
export const problemWords = ({ at, reason }) => `${WORDS.get(reason)}, at position ${at + 1}`;

const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

/**
 * @param {string} text
 * @returns {Problem | null} null if it is JSON
 */
export function jsonProblem(text) {
  /** @type {string[]} */
  const open = [];
  /** What may come: a value, a name, a colon, or what follows a value. */
  let expected = 'value';
  let isFirst = true;
  let comma = -1;
  let isAfterText = false;
  let at = 0;
  const problem = (/** @type {Reason} */ reason, where = at) => ({ at: where, reason });
  const matched = (/** @type {RegExp} */ pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? '';
    at += found.length;
    return found !== '';
  };
  for (;;) {
    while (' \t\r\n'.includes(text[at] ?? 'x')) at += 1;
    const c = text[at];
    const isEnd = c === '}' || c === ']';
    if (expected === 'end' && open.length === 0) {
      if (c === undefined) return null;
      return problem(isAfterText ? 'quote' : 'other');
    }
    if (c === undefined) return problem('end');
    if (isEnd && (expected === 'end' || (isFirst && expected !== 'colon' && open.length > 0))) {
      if (open.pop() !== (c === '}' ? '{' : '[')) return problem('other');
      [expected, isFirst, isAfterText] = ['end', false, false];
      at += 1;
    } else if (expected === 'end') {
      if (c !== ',') return problem(isAfterText ? 'quote' : 'other');
      comma = at++;
      expected = open[open.length - 1] === '{' ? 'name' : 'value';
    } else if (expected === 'colon') {
      if (c !== ':') return problem(isAfterText ? 'quote' : 'other');
      at += 1;
      comma = -1;
      expected = 'value';
    } else if (isEnd || c === ',') {
      // After a comma nothing came, and the list or object ends.
      return isEnd && comma >= 0 ? problem('comma', comma) : problem('value');
    } else if (expected === 'name') {
      if (!matched(STRING)) return problem(c === '"' ? 'end' : 'quotes');
      [expected, isFirst, isAfterText] = ['colon', false, true];
    } else if (c === '{' || c === '[') {
      open.push(c);
      at += 1;
      [expected, isFirst, comma] = [c === '{' ? 'name' : 'value', true, -1];
    } else {
      const isText = c === '"';
      if (!matched(isText ? STRING : SCALAR)) return problem(isText ? 'end' : 'quotes');
      [expected, isFirst, isAfterText] = ['end', false, isText];
    }
  }
}
