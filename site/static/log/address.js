// @ts-check
// What the fragment of `/log` says: the delivery that is selected and what is searched for, such as
// `#12`, `#log?q=needle` or `#12?q=needle`. Pure.

/**
 * @param {string} hash
 * @returns {{seq: number | null, search: string}}
 */
export function readAddress(hash) {
  const [, place, query = ''] = /^#?([^?]*)(?:\?(.*))?$/s.exec(hash) ?? [];
  return {
    seq: /^\d{1,15}$/.test(place) ? Number(place) : null,
    search: new URLSearchParams(query).get('q') ?? '',
  };
}

/** @param {number | string | null} place a number, or a key to share @param {string} search */
export function writeAddress(place, search) {
  if (search === '') return place === null ? '' : `#${place}`;
  return `#${place ?? 'log'}?${new URLSearchParams({ q: search })}`;
}
