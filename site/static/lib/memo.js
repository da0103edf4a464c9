// @ts-check
// What follows from a thing that never changes, such as a delivery or an event, is computed once.

/** @template {object} K, V @param {(key: K) => V} compute @returns {(key: K) => V} */
export function perObject(compute) {
  /** @type {WeakMap<K, {value: V}>} */
  const known = new WeakMap();
  return (key) => {
    let entry = known.get(key);
    if (!entry) {
      entry = { value: compute(key) };
      known.set(key, entry);
    }
    return entry.value;
  };
}

/**
 * The same for what is large: only the last is kept.
 * @template {object} K, V @param {(key: K) => V} compute @returns {(key: K) => V}
 */
export function lastOnly(compute) {
  /** @type {{key: K, value: V} | undefined} */
  let last;
  return (key) => {
    if (last?.key !== key) last = { key, value: compute(key) };
    return last.value;
  };
}
