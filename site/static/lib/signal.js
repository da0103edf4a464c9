// @ts-check
// Signals: values that know who reads them. A `signal` is set, a `computed` is derived from others,
// an `effect` draws. What one of these reads while it runs, it depends on. An effect runs again,
// once, after any of that has changed. Nothing is computed that nobody reads, and nothing runs for
// a change that came to nothing.

/**
 * @template T
 * @typedef {{readonly value: T, peek: () => T}} Readable `peek` reads without depending on it
 */
/**
 * @template T
 * @typedef {{value: T, peek: () => T}} Signal
 */
/**
 * @typedef {{version: number, readers: Set<Reaction>, refresh: () => void}} Source
 * @typedef {{sources: Map<Source, number>, isStale: boolean, run: () => void, onStale: () => void}}
 *   Reaction
 *   `sources`: what it read last, and the version of each
 */

/** What runs now. @type {Reaction | null} */
let running = null;
/** Effects that are to run again. @type {Set<Reaction>} */
const waiting = new Set();

/** @param {() => void} [refresh] brings it up to date @returns {Source} */
const source = (refresh = () => {}) => ({ version: 0, readers: new Set(), refresh });

/** @param {Source} read */
function track(read) {
  if (!running) return;
  running.sources.set(read, read.version);
  read.readers.add(running);
}

/** @param {Source} changed */
function invalidate(changed) {
  for (const reader of changed.readers) {
    if (reader.isStale) continue;
    reader.isStale = true;
    reader.onStale();
  }
}

/** Runs a reaction if anything that it read has changed. @param {Reaction} reaction */
function refresh(reaction) {
  if (!reaction.isStale) return;
  reaction.isStale = false;
  const { sources } = reaction;
  const hasChanged = [...sources].some(([read, version]) => {
    read.refresh();
    return read.version !== version;
  });
  if (sources.size > 0 && !hasChanged) return;
  for (const read of sources.keys()) read.readers.delete(reaction);
  sources.clear();
  const outer = running;
  running = reaction;
  try {
    reaction.run();
  } finally {
    running = outer;
  }
}

/** @template T @param {T} initial @returns {Signal<T>} */
export function signal(initial) {
  let current = initial;
  const own = source();
  return {
    get value() {
      track(own);
      return current;
    },
    set value(next) {
      if (Object.is(next, current)) return;
      current = next;
      own.version += 1;
      invalidate(own);
    },
    peek: () => current,
  };
}

/**
 * @template T @param {() => T} derive
 * @param {(a: T, b: T) => boolean} [isSame] whether a new value changes nothing for those who read
 *   it
 * @returns {Readable<T>}
 */
export function computed(derive, isSame = Object.is) {
  let current = /** @type {T} */ (undefined);
  const own = source(() => refresh(reaction));
  const reaction = {
    sources: new Map(),
    isStale: true,
    run() {
      const next = derive();
      if (own.version > 0 && isSame(current, next)) return;
      current = next;
      own.version += 1;
    },
    onStale: () => invalidate(own),
  };
  const peek = () => {
    refresh(reaction);
    return current;
  };
  return {
    get value() {
      const now = peek();
      track(own);
      return now;
    },
    peek,
  };
}

/** Runs now, and again after each change of what it reads. @param {() => void} run */
export function effect(run) {
  /** @type {Reaction} */
  const reaction = {
    sources: new Map(),
    isStale: true,
    run,
    onStale() {
      if (waiting.size === 0) queueMicrotask(flush);
      waiting.add(reaction);
    },
  };
  refresh(reaction);
}

/** Reads without depending on what is read. @template T @param {() => T} read @returns {T} */
export function untracked(read) {
  const outer = running;
  running = null;
  try {
    return read();
  } finally {
    running = outer;
  }
}

/** Runs at once the effects that wait. They run by themselves after whatever runs now. */
export function flush() {
  for (const reaction of waiting) {
    waiting.delete(reaction);
    try {
      refresh(reaction);
    } catch (error) {
      // One view that fails takes no other with it.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
