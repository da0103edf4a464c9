// @ts-check
// One endpoint under watch: its log, kept up to date for as long as this page looks at it. No DOM.

import { EMPTY_LOG } from '../state.js';
import { withPage } from './merge.js';
import { startPolling } from './poll.js';

/**
 * @typedef {import('./merge.js').Log} Log
 * @typedef {ReturnType<typeof import('../lib/api-client.js').apiClient>} Client
 */

/** How many are read at the start: a few screens, one quick answer. */
const FIRST = 30;
/** The same of what came since, or is older. */
const MORE = 100;
/** The same of what is older, for a search: as many as the server gives at once. */
const MOST = 500;
/**
 * More than this is neither kept in the page nor caught up with one by one: the newest are read
 * again, the rest on request.
 */
const MAX_DELIVERIES = 600;

/**
 * @param {{
 *   client: Client,
 *   clock: import('./poll.js').Clock,
 *   hidden: () => boolean,
 *   longestMs: () => number,
 *   following: () => boolean,
 *   onLog: (log: Log, came: number) => void,
 *   onState: (state: import('./poll.js').State) => void,
 * }} options `longestMs`: the longest wait between two questions. `following`: whether the reader
 * is at the newest, so that old ones may be let go. `came`: how many are new since
 *   the page looked
 */
export function watch({ client, clock, hidden, longestMs, following, onLog, onState }) {
  /** @type {Log} */
  let log = EMPTY_LOG;
  let startsOver = true;
  const stop = new AbortController();
  /**
   * Questions about the log go one at a time: an older page and a newer one must not cross a
   * restart.
   */
  let turn = Promise.resolve();
  /** @template T @param {() => Promise<T>} act @returns {Promise<T>} */
  const inTurn = (act) => {
    const done = turn.then(act);
    turn = done.then(
      () => {},
      () => {},
    );
    return done;
  };

  const ask = (/** @type {AbortSignal} */ signal) =>
    inTurn(async () => {
      const { cursor } = log;
      const first = startsOver || cursor === null;
      const query = first ? { last: FIRST } : { after: cursor, limit: MORE };
      const page = await client.log(query, signal).catch(ended);
      const before = log;
      log = withPage(log, page, first ? 'newest' : 'after');
      const behind = log.lastSeq - Math.max(log.upTo, log.firstSeq - 1);
      const wasThere = before.cursor !== null;
      startsOver =
        behind > MAX_DELIVERIES || (following() && log.deliveries.length > MAX_DELIVERIES);
      const came = wasThere ? log.deliveries.filter(({ seq }) => seq > before.upTo).length : 0;
      onLog(log, came);
      // An answer that gave nothing although there is something: its delivery is being recorded
      // just now.
      const gave =
        page.deliveries.length + page.missing.length + (page.unreadable?.length ?? 0) > 0;
      return {
        news: came > 0,
        more: startsOver || (gave && behind > 0),
        pending: !gave && behind > 0,
      };
    });

  const polling = startPolling({ ask, clock, signal: stop.signal, hidden, longestMs, onState });

  return {
    poke: polling.poke,
    log: () => log,
    /** Reads more of what is older, if there is more. @param {boolean} [asMuchAsCan] */
    older: (asMuchAsCan = false) =>
      inTurn(async () => {
        if (log.older === null || stop.signal.aborted) return;
        const page = await client.log(
          { before: log.older, limit: asMuchAsCan ? MOST : MORE },
          stop.signal,
        );
        log = withPage(log, page, 'before');
        onLog(log, 0);
      }),
    stop: () => stop.abort(),
  };
}

/** Problems that asking again can't solve. @param {any} problem @returns {never} */
function ended(problem) {
  if ([401, 403, 404].includes(problem?.status)) problem.final = true;
  throw problem;
}
