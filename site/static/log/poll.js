// @ts-check
// Asks for what came since, for ever, politely: at once when there is a reason, quickly right after
// that and after news, ever more slowly when nothing happens, never while the page is hidden, and
// one question at a time.

/**
 * @typedef {{now: () => number, wait: (ms: number, signal: AbortSignal) => Promise<void>}} Clock
 *   milliseconds; `wait` ends
 *   early, without failing, when its signal is aborted
 * @typedef {{news: boolean, more: boolean, pending: boolean}} Outcome `news`: something came;
 *   `more`: there is more to
 *   fetch right now; `pending`: a number is taken whose delivery is still being recorded
 * @typedef {{kind: 'live'} | {kind: 'resting'} | {kind: 'failing', problem: any, failures: number}
 *   | {kind: 'ended', problem: any}} State
 */

/** What feels immediate to someone who tries something. */
const SHORTEST_MS = 500;
/**
 * Every question is paid for. Waiting a part of how long it has been quiet asks often enough while
 * something is likely, and a dozen times in the first minute after it.
 */
const PART_OF_THE_QUIET = 0.5;
/**
 * How long it has been quiet, and the longest wait then. Whoever sends something from elsewhere
 * comes back to the page to see it, which is a reason to ask at once.
 */
const LONGEST = [
  { quietMs: 10 * 60_000, waitMs: 12_000 },
  { quietMs: 60 * 60_000, waitMs: 20_000 },
  { quietMs: Infinity, waitMs: 60_000 },
];
/**
 * A delivery that is being recorded is there within milliseconds, or its gap is closed after 10 s.
 */
const PENDING_MS = 1_000;
const FIRST_BACKOFF_MS = 1_000;
const LONGEST_BACKOFF_MS = 60_000;
/** Reasons come in bursts (a click is focus, pointer and key); one question answers them all. */
const LEAST_GAP_MS = 250;

/**
 * How long to wait before the next question. `random` is from 0 to 1: many pages must not ask in
 * step.
 * @param {{quietMs: number, failures: number, retryAfterS?: number | null, pending?: boolean,
 *   longestMs?: number}} since
 *   `longestMs`: never longer than this while questions are answered, for a server that is not paid
 *   by the question
 * @param {number} random
 */
export function pause(
  { quietMs, failures, retryAfterS = null, pending = false, longestMs = Infinity },
  random,
) {
  if (failures > 0) {
    const backoff =
      Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (failures - 1)) * (0.5 + random / 2);
    return Math.max(backoff, Math.min(LONGEST_BACKOFF_MS, (retryAfterS ?? 0) * 1000));
  }
  const longest = LONGEST.find((step) => quietMs < step.quietMs)?.waitMs ?? LONGEST_BACKOFF_MS;
  const pace = Math.min(longest, longestMs, Math.max(SHORTEST_MS, quietMs * PART_OF_THE_QUIET));
  return Math.min(pending ? PENDING_MS : Infinity, pace) * (0.8 + random * 0.4);
}

/**
 * Starts asking. It ends when `signal` is aborted or a problem with `final` is thrown.
 * @param {{ask: (signal: AbortSignal) => Promise<Outcome>, clock: Clock, signal: AbortSignal,
 *   hidden: () => boolean,
 *   onState: (state: State) => void, longestMs?: () => number, random?: () => number}} options
 * @returns {{poke: (reason?: {expecting?: boolean}) => void, ended: Promise<void>}} `poke`: there
 *   is a reason to ask now;
 *   `expecting`: and something is about to come, so keep asking quickly
 */
export function startPolling({
  ask,
  clock,
  signal,
  hidden,
  onState,
  longestMs = () => Infinity,
  random = Math.random,
}) {
  let newsAt = clock.now();
  let askedAt = -Infinity;
  let failures = 0;
  let poked = false;
  let wake = new AbortController();

  const sleep = async (/** @type {number} */ ms) => {
    if (!poked && !signal.aborted) await clock.wait(ms, wake.signal);
    wake = new AbortController();
    poked = false;
  };
  signal.addEventListener('abort', () => wake.abort(), { once: true });

  const run = async () => {
    while (!signal.aborted) {
      if (hidden()) {
        onState({ kind: 'resting' });
        await sleep(Infinity);
        continue;
      }
      const gap = askedAt + LEAST_GAP_MS - clock.now();
      if (gap > 0) await clock.wait(gap, signal);
      if (signal.aborted) return;
      // What pokes from here on may be about something that this question is too early for.
      poked = false;
      askedAt = clock.now();
      let wait = 0;
      try {
        const outcome = await ask(signal);
        if (signal.aborted) return;
        failures = 0;
        if (outcome.news) newsAt = clock.now();
        onState({ kind: 'live' });
        if (!outcome.more) {
          wait = pause(
            {
              quietMs: clock.now() - newsAt,
              failures,
              pending: outcome.pending,
              longestMs: longestMs(),
            },
            random(),
          );
        }
      } catch (/** @type {any} */ problem) {
        if (signal.aborted) return;
        if (problem?.final) return onState({ kind: 'ended', problem });
        failures += 1;
        onState({ kind: 'failing', problem, failures });
        wait = pause({ quietMs: 0, failures, retryAfterS: problem?.retryAfterS }, random());
      }
      if (wait > 0) await sleep(wait);
    }
  };

  return {
    poke(reason) {
      if (reason?.expecting) newsAt = clock.now();
      poked = true;
      wake.abort();
    },
    ended: run(),
  };
}

/** The clock of the browser. @type {Clock} */
export const browserClock = {
  now: () => performance.now(),
  wait: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const end = () => {
        clearTimeout(timer);
        // The signal may outlive a thousand waits.
        signal.removeEventListener('abort', end);
        resolve();
      };
      // Longer than a timer can count means: until woken.
      const timer = ms < 2 ** 31 ? setTimeout(end, ms) : undefined;
      signal.addEventListener('abort', end);
    }),
};
