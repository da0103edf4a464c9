// @ts-check
// Time as a signal: what depends on a time that is still to come is derived again when it has come.

import { signal } from './signal.js';

const MAX_TIMER_MS = 2 ** 31 - 1;
const alarm = signal(0);
/** The times for which a timer runs. @type {Set<number>} */
const timers = new Set();

// A computer that slept has missed its timers; when somebody looks again, it is late enough.
globalThis.document?.addEventListener('visibilitychange', () => (alarm.value += 1));

/** Whether a time has come. @param {number} at in milliseconds, by this browser's clock */
export function hasCome(at) {
  const left = at - Date.now();
  if (left <= 0) return true;
  void alarm.value;
  if (!timers.has(at) && Number.isFinite(at)) {
    timers.add(at);
    const ring = () => {
      timers.delete(at);
      alarm.value += 1;
    };
    // A timer may ring a little early.
    setTimeout(ring, Math.min(MAX_TIMER_MS, left + 5));
  }
  return false;
}

/**
 * Calls once for any number of calls within a picture's time: events come in bursts.
 * @param {() => void} act
 */
export function soon(act) {
  let isPlanned = false;
  return () => {
    if (isPlanned) return;
    isPlanned = true;
    setTimeout(() => {
      isPlanned = false;
      act();
    }, 16);
  };
}
