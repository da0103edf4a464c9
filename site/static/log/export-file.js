// @ts-check
// The log as a file: everything this reader holds, as JSON. Pure; loaded when asked for. What is in
// it is described for readers under “Log” on the page; whoever changes the form counts VERSION up
// and says so there.

/**
 * @typedef {import('./merge.js').Log} Log
 * @typedef {import('../particle/event.js').Event} Event
 * @typedef {{
 *   endpoint: string,
 *   masked: boolean,
 *   log: Log,
 *   events: Event[],
 *   quiet: {from: number, to: number | null}[],
 *   now: Date,
 * }} Held `masked`: read through a share link. `events`: in the order of Particle's clock. `quiet`:
 * nobody listened, by this
 *   browser's clock
 */

export const FORMAT = 'webhook-tutorial/log';
export const VERSION = 1;

/** @param {Held} held @returns {{name: string, text: string}} */
export function logFile({ endpoint, masked, log, events, quiet, now }) {
  const time = (/** @type {number} */ ms) => new Date(ms).toISOString();
  const file = {
    format: FORMAT,
    version: VERSION,
    made_at: now.toISOString(),
    endpoint,
    header_values_masked: masked,
    first_seq: log.firstSeq,
    last_seq: log.lastSeq,
    older_not_loaded: log.older !== null,
    deliveries: log.deliveries,
    missing: log.missing,
    unreadable: log.unreadable,
    events: events.map(({ name, data, published_at, coreid, seen, guesses }) => ({
      name,
      data,
      published_at,
      coreid,
      heard_at: time(seen),
      simulated_guesses: guesses,
    })),
    not_listening: quiet.map(({ from, to }) => ({
      from: time(from),
      to: to === null ? null : time(to),
    })),
  };
  const pad = (/** @type {number} */ number) => String(number).padStart(2, '0');
  const day = `${now.getFullYear()}-${pad(now.getMonth() + 1)}-${pad(now.getDate())}`;
  return {
    name: `webhook-log-${day}-${endpoint.slice(0, 6)}.json`,
    text: `${JSON.stringify(file, null, 2)}\n`,
  };
}
