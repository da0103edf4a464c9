// @ts-check
// Fills a template as Particle's webhooks do: Mustache with the meaning that hogan.js 3 gives it.
// Pure. The simulated cloud does the same by the same table of cases
// (infra/simulated-cloud/tests/template-cases.json).

/**
 * @typedef {{text: string} | {value: string, escaped: boolean} | {section: string, inverted:
 *   boolean, nodes: Node[]} | {block: Node[]}} Node
 */
/** @typedef {string | {newline: true} | {kind: string, name: string}} Token */

const MAX_DEPTH = 64;
const MAX_STEPS = 200_000;
const MAX_CHARACTERS = 1024 * 1024;

/**
 * @param {string} template
 * @param {unknown[]} contexts values as JSON gives them; the last is asked first
 * @returns {string}
 * @throws {Error} if the template does not fit together; the message says where
 */
export function render(template, contexts) {
  if (!template.includes('{{')) return template;
  const tokens = scan(template);
  const place = { at: 0 };
  return fill(branch(tokens, place, null, 0), contexts);
}

/** @param {string} template @returns {Token[]} */
function scan(template) {
  /** @type {Token[]} */
  let tokens = [];
  let open = '{{';
  let close = '}}';
  let text = '';
  let lineStart = 0;
  let seenTag = false;
  const endText = () => {
    if (text !== '') tokens.push(text);
    text = '';
  };
  // A line that holds only section tags, comments and white space leaves nothing behind, not even
  // its line end.
  const endLine = (/** @type {boolean} */ last) => {
    endText();
    const line = tokens.slice(lineStart);
    const blank = line.every((token) =>
      typeof token === 'string'
        ? token.trim() === ''
        : 'kind' in token && '#^<$/!>'.includes(token.kind),
    );
    if (seenTag && blank)
      tokens = [
        ...tokens.slice(0, lineStart),
        ...line.filter((token) => typeof token !== 'string'),
      ];
    else if (!last) tokens.push({ newline: true });
    seenTag = false;
    lineStart = tokens.length;
  };
  let at = 0;
  while (at < template.length) {
    if (!template.startsWith(open, at)) {
      if (template[at] === '\n') endLine(false);
      else text += template[at];
      at += 1;
      continue;
    }
    endText();
    seenTag = true;
    at += open.length;
    if (template[at] === '=') {
      const end = template.indexOf(`=${close}`, at + 1);
      if (end < 0) throw new Error('delimiters are changed by a tag that does not end');
      const words = template
        .slice(at + 1, end)
        .split(/\s+/)
        .filter(Boolean);
      if (words.length < 2) throw new Error('a change of delimiters needs two, parted by a space');
      at = end + 1 + close.length;
      [open, close] = [words[0], words[words.length - 1]];
      continue;
    }
    const kind = template[at] && '#^<$/!>{&'.includes(template[at]) ? template[at] : '_';
    if (kind !== '_') at += 1;
    const end = template.indexOf(close, at);
    if (end < 0) {
      // A tag that never ends leaves what stood inside it, without its braces.
      text += template.slice(at);
      break;
    }
    let name = template.slice(at, end).trim();
    at = end + close.length;
    if (kind === '{') {
      // The third brace goes, whatever character stands there.
      if (close === '}}')
        at +=
          template.codePointAt(at) === undefined
            ? 0
            : String.fromCodePoint(template.codePointAt(at) ?? 0).length;
      else name = name.replace(/\}$/, '');
    }
    tokens.push({ kind, name });
  }
  endLine(true);
  return tokens;
}

/**
 * @param {Token[]} tokens
 * @param {{at: number}} place
 * @param {{kind: string, name: string} | null} opener
 * @param {number} depth
 * @returns {Node[]}
 */
function branch(tokens, place, opener, depth) {
  if (depth > MAX_DEPTH) throw new Error(`sections are nested more than ${MAX_DEPTH} deep`);
  /** @type {Node[]} */
  const nodes = [];
  while (place.at < tokens.length) {
    const token = tokens[place.at++];
    const isTag = typeof token !== 'string' && 'kind' in token;
    if (opener?.kind === '<' && isTag && !'$/'.includes(token.kind))
      throw new Error('Illegal content in < super tag.');
    if (typeof token === 'string') nodes.push({ text: token });
    else if (!isTag) nodes.push({ text: '\n' });
    else if (token.kind === '/') {
      if (opener === null) throw new Error(`Closing tag without opener: /${token.name}`);
      if (opener.name !== token.name)
        throw new Error(`Nesting error: ${opener.name} vs. ${token.name}`);
      return nodes;
    } else if ('#^$<'.includes(token.kind)) {
      const inner = branch(tokens, place, token, depth + 1);
      if (token.kind === '#' || token.kind === '^')
        nodes.push({ section: token.name, inverted: token.kind === '^', nodes: inner });
      if (token.kind === '$') nodes.push({ block: inner });
    } else if (token.kind !== '!' && token.kind !== '>')
      nodes.push({ value: token.name, escaped: token.kind === '_' });
  }
  if (opener !== null) throw new Error(`missing closing tag: ${opener.name}`);
  return nodes;
}

/** @param {Node[]} all @param {unknown[]} contexts */
function fill(all, contexts) {
  const stack = [...contexts];
  let steps = MAX_STEPS;
  let out = '';
  const step = () => {
    if ((steps -= 1) < 0) throw new Error('the template takes too many steps');
  };
  const walk = (/** @type {Node[]} */ nodes) => {
    for (const node of nodes) {
      step();
      if ('text' in node) out += node.text;
      else if ('value' in node)
        out += node.escaped ? escape(textOf(find(node.value))) : textOf(find(node.value));
      else if ('block' in node) walk(node.block);
      else if (node.inverted) {
        if (isFalsy(find(node.section))) walk(node.nodes);
      } else section(node.section, node.nodes);
      if (out.length > MAX_CHARACTERS) throw new Error('the filled template is longer than 1 MiB');
    }
  };
  const section = (/** @type {string} */ name, /** @type {Node[]} */ nodes) => {
    const value = find(name);
    if (isFalsy(value)) return;
    // Text, numbers and true open the section without changing what names mean in it.
    const context =
      value !== null && typeof value === 'object' ? value : (stack[stack.length - 1] ?? null);
    stack.push(context);
    if (Array.isArray(context)) {
      for (const item of context) {
        step();
        stack.push(item);
        walk(nodes);
        stack.pop();
      }
    } else walk(nodes);
    stack.pop();
  };
  const find = (/** @type {string} */ name) => {
    // `.` is the element inside a list, and outside of one simply a name that nothing has.
    if (name === '.' && stack.length >= 2 && Array.isArray(stack[stack.length - 2]))
      return stack[stack.length - 1];
    const [first, ...rest] = name.split('.');
    let value;
    for (let i = stack.length - 1; i >= 0 && value === undefined; i -= 1)
      value = member(stack[i], first);
    return rest.reduce(member, value);
  };
  walk(all);
  return out;
}

/** @param {unknown} value @param {string} name @returns {unknown} undefined if there is none */
function member(value, name) {
  if (value === null || typeof value !== 'object') return undefined;
  if (Array.isArray(value))
    return name === 'length'
      ? value.length
      : /^(?:0|[1-9]\d*)$/.test(name)
        ? value[Number(name)]
        : undefined;
  return Object.hasOwn(value, name)
    ? /** @type {Record<string, unknown>} */ (value)[name]
    : undefined;
}

/** @param {unknown} value */
const isFalsy = (value) => !value || (Array.isArray(value) && value.length === 0);

/**
 * As JavaScript turns values into text, because the cloud's engine is JavaScript.
 * @param {unknown} value
 * @returns {string}
 */
function textOf(value) {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(textOf).join(',');
  return typeof value === 'object' ? '[object Object]' : String(value);
}

const ENTITIES = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ["'", '&#39;'],
  ['"', '&quot;'],
]);
/** @param {string} text */
const escape = (text) => text.replace(/[&<>'"]/g, (sign) => ENTITIES.get(sign) ?? sign);
