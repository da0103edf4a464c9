// @ts-check
// Times in the reader's own zone; the exact one in UTC is never further away than a title.

/**
 * The time of day to the millisecond, with the day if it is not today's.
 * @param {string} iso @param {Date} now @param {string} [timeZone] the browser's own if absent
 */
export function timeOfDay(iso, now, timeZone) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const time = at.toLocaleTimeString('en-GB', {
    timeZone,
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
  });
  const day = (/** @type {Date} */ date) => date.toLocaleDateString('en-GB', { timeZone, day: 'numeric', month: 'short' });
  return day(at) === day(now) ? time : `${day(at)} ${time}`;
}

/** Date, time and zone, for an open block. @param {string} iso @param {string} [timeZone] */
export function fullTime(iso, timeZone) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  return at.toLocaleString('en-GB', {
    timeZone,
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    timeZoneName: 'short',
  });
}

/** A span as people say it. @param {number} ms */
export function span(ms) {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1).replace(/\.0$/, '')} s`;
  const units = /** @type {const} */ ([['day', 86_400_000], ['hour', 3_600_000], ['minute', 60_000]]);
  const [name, unit] = units.find(([, length]) => ms >= length) ?? units[2];
  const count = Math.round(ms / unit);
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}
