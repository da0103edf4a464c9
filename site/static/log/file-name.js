// @ts-check
// A file name that a stranger chose, made safe to save by. Pure; loaded when needed.

const MAX_NAME = 100;
/** What Windows keeps for devices, with any extension. */
const RESERVED = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/**
 * The last part of a path, without what file systems or readers stumble over; `fallback` if nothing
 * is left of it.
 * @param {string} name @param {string} fallback
 */
export function fileName(name, fallback) {
  const [last = ''] = name.slice(-300).split(/[/\\]/).slice(-1);
  const plain = last.replace(/[\p{C}\u2028\u2029<>:"|?*]/gu, '_').replace(/^[.\s~-]+|[.\s]+$/g, '');
  if (plain === '') return fallback;
  const extension = /\.[\w-]{1,10}$/.exec(plain)?.[0] ?? '';
  const stem = [...plain.slice(0, plain.length - extension.length)].slice(0, MAX_NAME).join('');
  return `${RESERVED.test(plain) ? '_' : ''}${stem}${extension}`;
}
