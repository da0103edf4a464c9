// @ts-check
// Times in the reader's own zone; the exact one in UTC is never further away than a title.

/**
 * The time of day to the millisecond, with the day if it is not today's.
 * @param {string} iso @param {Date} now @param {string} [timeZone] the browser's own if absent
 */
export function timeOfDay(iso, now, timeZone) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const { time, day } = formats(timeZone);
  return day.format(at) === day.format(now)
    ? time.format(at)
    : `${day.format(at)} ${time.format(at)}`;
}

/**
 * Making a format takes a hundred times as long as using it.
 * @type {Map<string, {time: Intl.DateTimeFormat, day: Intl.DateTimeFormat}>}
 */
const made = new Map();
/** @param {string} [timeZone] */
function formats(timeZone) {
  const name = timeZone ?? '';
  const known = made.get(name) ?? {
    time: new Intl.DateTimeFormat('en-GB', {
      timeZone,
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      fractionalSecondDigits: 3,
    }),
    day: new Intl.DateTimeFormat('en-GB', { timeZone, day: 'numeric', month: 'short' }),
  };
  made.set(name, known);
  return known;
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
  const units = /** @type {const} */ ([
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
  ]);
  const [name, unit] = units.find(([, length]) => ms >= length) ?? units[2];
  const count = Math.round(ms / unit);
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}
