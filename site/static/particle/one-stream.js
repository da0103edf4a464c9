// @ts-check
// One stream for all tabs of this browser. The tab that holds a lock listens and tells the others;
// when it goes, the next one takes over. Where the browser has no locks, each tab listens for
// itself.

/**
 * @typedef {import('./event.js').Event} Event
 * @typedef {import('./stream.js').StreamState} StreamState
 * @typedef {{onEvent: (event: Event) => void, onState: (state: StreamState) => void, onAlive: (at:
 *   number) => void}} Heard
 */

const LOCK = 'webhook-tutorial/stream';
/** The other tabs are told no more often than this that the stream is alive. */
const ALIVE_MS = 2_000;

/**
 * @param {{
 *   name: string,
 *   locks: Pick<LockManager, 'request'> | null,
 *   channel: import('../lib/channel.js').Channel,
 *   listen: (heard: Heard & {signal: AbortSignal}) => Promise<void>,
 *   heard: Heard & {onLead: (leads: boolean) => void},
 * }} options `name`: which cloud and account; tabs of another are on a stream of their own.
 *   `listen`: opens the stream and returns when it is over for good
 * @returns {{stop: () => void, leads: () => boolean}}
 */
export function oneStream({ name, locks, channel, listen, heard }) {
  const over = new AbortController();
  let leading = false;
  /** @type {StreamState} */
  let state = { kind: 'connecting' };
  let aliveAt = -Infinity;
  const tell = (/** @type {object} */ message) =>
    !over.signal.aborted && channel.postMessage({ stream: name, ...message });

  channel.onmessage = ({ data }) => {
    if (over.signal.aborted || data?.stream !== name) return;
    if (leading) {
      if (data.ask === true) tell({ state, alive: aliveAt });
      return;
    }
    if (data.event) heard.onEvent(data.event);
    if (data.alive > 0) heard.onAlive(data.alive);
    if (data.state) heard.onState(data.state);
  };

  const lead = async () => {
    if (over.signal.aborted) return;
    leading = true;
    heard.onLead(true);
    try {
      await listen({
        signal: over.signal,
        onEvent: (event) => {
          heard.onEvent(event);
          tell({ event });
        },
        onState: (next) => {
          state = next;
          heard.onState(next);
          tell({ state: next });
        },
        onAlive: (at) => {
          heard.onAlive(at);
          if (at - aliveAt < ALIVE_MS) return;
          aliveAt = at;
          tell({ alive: at });
        },
      });
      // A stream that ended for good keeps the lock: another tab would only be refused in the same
      // way.
      if (!over.signal.aborted)
        await new Promise((resolve) =>
          over.signal.addEventListener('abort', resolve, { once: true }),
        );
    } finally {
      leading = false;
    }
  };

  if (locks) {
    locks.request(`${LOCK}/${name}`, { signal: over.signal }, lead).catch(() => {
      // Given up before it was this tab's turn.
    });
    tell({ ask: true });
  } else void lead();

  return {
    stop() {
      over.abort();
      channel.onmessage = null;
    },
    leads: () => leading,
  };
}
