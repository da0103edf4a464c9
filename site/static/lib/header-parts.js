// @ts-check
// A header such as `text/html; charset=utf-8`: what it says first, in lower case, and its
// parameters by their names in lower case. Pure.

/** Longer headers of this form are nobody's; it keeps the search for quotes short. */
const MAX_HEADER = 1_000;
const PARAMETER = /;\s*([^\s=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))/g;

/** @param {string} header @returns {{type: string, parameters: Map<string, string>}} */
export function headerParts(header) {
  const [type] = header.split(';', 1);
  const parameters = new Map();
  for (const [, name, quoted, plain] of header.slice(0, MAX_HEADER).matchAll(PARAMETER)) {
    const key = name.toLowerCase();
    // A backslash that escapes nothing is one: Windows has them in paths.
    const value = quoted?.replace(/\\(["\\])/g, '$1') ?? plain.trim();
    if (!parameters.has(key)) parameters.set(key, value);
  }
  return { type: type.trim().toLowerCase(), parameters };
}
