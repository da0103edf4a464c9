// @ts-check
// What a device printed about the result of a webhook. Only a virtual device's serial port can be
// read here.

/** @typedef {{coreid: string, kind: 'response' | 'error', text: string}} Result as printed */

/** What the tutorial's firmware logs; the log ends a message that it cut with `~`. */
const PRINTED = /^\d{10} \[app\] [A-Z]+: hook (response|error) ([^]*?)~?$/;
/** Rounds that are still of interest are fewer. */
const MAX_KEPT = 50;

/**
 * Keeps the results among the lines of a serial port. The same lines may come again.
 * @param {Pick<import('../state.js').State, 'results'>} state
 * @param {string} coreid
 * @param {string[]} lines
 */
export function keepResults({ results }, coreid, lines) {
  const found = lines.flatMap((line) => {
    const [, kind, text] = PRINTED.exec(line) ?? [];
    return text === undefined ? [] : [{ coreid, kind: /** @type {Result['kind']} */ (kind), text }];
  });
  if (found.length > 0) results.value = [...results.peek(), ...found].slice(-MAX_KEPT);
}
