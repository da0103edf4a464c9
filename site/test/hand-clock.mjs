// A clock that stands still until a test moves it.

/** Everything that could go on by itself has. */
export const settled = async () => {
  for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** @param {number} [start] in milliseconds */
export function handClock(start = 0) {
  let now = start;
  /** @type {{at: number, wake: (value?: unknown) => void}[]} */
  let waiting = [];
  return {
    now: () => now,
    wait: (ms, signal) =>
      new Promise((wake) => {
        if (signal.aborted) return wake();
        const one = { at: now + ms, wake };
        waiting.push(one);
        signal.addEventListener('abort', () => ((waiting = waiting.filter((other) => other !== one)), wake()), { once: true });
      }),
    /** Goes to the next thing that waits. */
    async next() {
      await settled();
      const first = waiting.sort((a, b) => a.at - b.at).shift();
      if (!first) return false;
      now = Math.max(now, first.at);
      first.wake();
      await settled();
      return true;
    },
    async forward(ms) {
      const end = now + ms;
      for (await settled(); waiting.some(({ at }) => at <= end); ) await this.next();
      now = end;
      await settled();
    },
  };
}
