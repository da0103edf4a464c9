// @ts-check
// Where a text stops being JSON, and why, in words for people: engines say it each in their own
// way. Nothing here recurses, so depth can't break it. Loaded when needed.

/**
 * @typedef {'comma' | 'value' | 'quotes' | 'single' | 'number' | 'quote' | 'control' | 'escape' |
 *   'unclosed' | 'end' | 'more' | 'other'} Reason `comma`: one is left over. `value`: one is
 *   missing. `quotes`: text without them. `quote`: one within a text ends it. `unclosed`: a text
 *   has no end. `end`: the whole has none. `more`: something follows the end
 * @typedef {{at: number, reason: Reason}} Problem `at`: from 0
 */

/** What each reason is called in a sentence. @type {Map<Reason, string>} */
const WORDS = new Map([
  ['comma', 'a comma is left over'],
  ['value', 'a value is missing'],
  ['quotes', 'text without quotes'],
  ['single', 'single quotes in place of double quotes'],
  ['number', 'a number that JSON does not allow'],
  ['quote', 'a quote within a text ends it too early'],
  ['control', 'a line break or another control character within a text'],
  ['escape', 'a backslash that begins no escape'],
  ['unclosed', 'a text without a closing quote'],
  ['end', 'it ends too early'],
  ['more', 'something follows after its end'],
  ['other', 'a character that JSON does not allow'],
]);

/** @param {Problem} problem */
export const problemWords = ({ at, reason }) => `${WORDS.get(reason)}, at position ${at + 1}`;

const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
/** The start of a text, as far as it is right. */
const STRING_START = new RegExp(STRING.source.slice(0, -1), 'y');
const WORD = /[\w.+-]*/y;
/** As people and other languages write numbers. */
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

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
      return problem(isAfterText ? 'quote' : 'more');
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
      if (!matched(STRING)) return c === '"' ? textProblem(text, at) : wordProblem(text, at);
      [expected, isFirst, isAfterText] = ['colon', false, true];
    } else if (c === '{' || c === '[') {
      open.push(c);
      at += 1;
      [expected, isFirst, comma] = [c === '{' ? 'name' : 'value', true, -1];
    } else {
      const isText = c === '"';
      if (!matched(isText ? STRING : SCALAR))
        return isText ? textProblem(text, at) : wordProblem(text, at);
      [expected, isFirst, isAfterText] = ['end', false, isText];
    }
  }
}

/** Why a text in quotes is not one. @param {string} text @param {number} from @returns {Problem} */
function textProblem(text, from) {
  STRING_START.lastIndex = from;
  const at = from + (STRING_START.exec(text)?.[0].length ?? 0);
  const c = text[at];
  if (c !== undefined && c !== '\\') return { at, reason: 'control' };
  const isCut = c === undefined || /^\\(?:u[0-9a-fA-F]{0,3})?$/.test(text.slice(at, at + 6));
  return isCut ? { at: from, reason: 'unclosed' } : { at, reason: 'escape' };
}

/** Why something without quotes is not a value. @param {string} text @param {number} at */
function wordProblem(text, at) {
  const problem = (/** @type {Reason} */ reason, where = at) => ({ at: where, reason });
  if (text[at] === "'") return problem('single');
  WORD.lastIndex = at;
  const word = WORD.exec(text)?.[0] ?? '';
  if (word !== '' && at + word.length === text.length && isBegun(word))
    return problem('end', text.length);
  return problem(NUMBER.test(word) ? 'number' : 'quotes');
}

/** Whether a word is the start of a number or of a name that JSON has. @param {string} word */
function isBegun(word) {
  SCALAR.lastIndex = 0;
  const isNumber = SCALAR.exec(`${word}0`)?.[0] === `${word}0`;
  return isNumber || ['true', 'false', 'null'].some((name) => name.startsWith(word));
}
