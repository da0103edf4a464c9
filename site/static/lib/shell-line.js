// @ts-check
// A request as a line for a terminal, quoted so that it arrives byte for byte.

/** @typedef {'sh' | 'powershell' | 'cmd'} Shell */

/**
 * @param {Shell} shell
 * @param {{method: string, url: string, headers: [string, string][], body: string}} request `body`
 *   may be empty
 */
export function shellLine(shell, { method, url, headers, body }) {
  if (shell === 'powershell') {
    // Not curl: until PowerShell 7.3 an argument for another program loses its double quotes.
    const type = headers.find(([name]) => name.toLowerCase() === 'content-type');
    const others = headers.filter((header) => header !== type);
    const parts = [`Invoke-RestMethod -Method ${method} -Uri ${powershell(url)}`];
    if (type) parts.push(`-ContentType ${powershell(type[1])}`);
    if (others.length > 0) {
      const pairs = others.map(([name, value]) => `${powershell(name)}=${powershell(value)}`);
      parts.push(`-Headers @{${pairs.join('; ')}}`);
    }
    if (body !== '') parts.push(`-Body ${powershell(body)}`);
    return parts.join(' ');
  }
  const quote = quoteFor(shell);
  const parts = ['curl'];
  // curl's own choice where it is the same: a shorter line to read.
  if (method === 'HEAD') parts.push('-I');
  else if (method !== (body === '' ? 'GET' : 'POST')) parts.push('-X', method);
  for (const [name, value] of headers) parts.push('-H', quote(`${name}: ${value}`));
  if (body !== '') parts.push('--data-raw', quote(body));
  // A URL of ours is plain ASCII; quoted all the same, because `?` and `&` mean something to a
  // shell.
  return [...parts, quote(url)].join(' ');
}

/**
 * How a text is quoted as one argument.
 * @param {Shell} shell
 * @returns {(text: string) => string}
 */
export const quoteFor = (shell) =>
  shell === 'cmd' ? cmd : shell === 'powershell' ? powershell : posix;

/** @param {string} text */
const posix = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
/** PowerShell takes typographic quotes for quotes. @param {string} text */
const powershell = (text) => `'${text.replace(/['\u2018-\u201b]/g, '$&$&')}'`;
/**
 * Backslashes count only before a quote there; a percent sign can't be escaped inside quotes on a
 * typed line.
 * @param {string} text
 */
const cmd = (text) => `"${text.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1')}"`;

/**
 * The shell that this computer most likely has.
 * @param {string} platform `navigator.platform`
 * @returns {Shell}
 */
export const likelyShell = (platform) => (/^win/i.test(platform) ? 'powershell' : 'sh');
