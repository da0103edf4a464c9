// @ts-check
// Which endpoint is looked at, from opening it to its end. No DOM.

import { ApiProblem, apiClient } from '../lib/api-client.js';
import { keysOfOwner, keysOfShare, makeOwnerKey } from './keys.js';
import { browserClock } from '../log/poll.js';
import { watch } from '../log/watch.js';

/**
 * @typedef {import('./keys.js').Keys} Keys
 * @typedef {import('../lib/api-client.js').EndpointInfo} EndpointInfo
 * @typedef {{keys: Keys, client: ReturnType<typeof apiClient>, watch: ReturnType<typeof watch>, info: EndpointInfo | null}} Session
 */

/** An endpoint that has less than this left is given its full time again when its owner looks at it. */
const PROLONG_BELOW_MS = 20 * 86_400_000;

/**
 * @param {{
 *   ring: ReturnType<typeof import('./key-ring.js').keyRing>,
 *   longestMs: () => number,
 *   following: () => boolean,
 *   onLog: (came: number) => void,
 *   onState: (state: import('../log/poll.js').State) => void,
 *   onChange: () => void,
 *   onClose: () => void,
 * }} with_ `longestMs`: the longest wait between two questions. `following`: whether the reader is at the newest. `onLog`: the log may have changed, and how many came. `onChange`:
 *   another endpoint, or more is known of it. `onClose`: what was shown is not to be shown any more
 */
export function viewedEndpoint({ ring, longestMs, following, onLog, onState, onChange, onClose }) {
  /** @type {Session | null} */
  let session = null;
  /** The endpoint is gone, and why. @type {string | null} */
  let gone = null;
  const ask = /** @type {typeof fetch} */ ((input, init) => fetch(input, init));

  /** @param {Keys} keys @param {EndpointInfo | null} info */
  function open(keys, info = null) {
    close();
    gone = null;
    const client = apiClient({ fetch: ask, key: keys.owner ?? keys.share });
    const opened = {
      keys,
      client,
      info,
      watch: watch({
        client,
        clock: browserClock,
        hidden: () => document.hidden,
        longestMs,
        following,
        onLog: (_log, came) => onLog(came),
        onState: (state) => {
          onState(state);
          if (state.kind === 'live' && opened.info === null) void learn(opened);
          if (state.kind === 'ended') end(state.problem);
        },
      }),
    };
    session = opened;
    onChange();
    void learn(opened);
  }

  /** Asks what the endpoint is, and gives it its full time again if that is due. @param {Session} opened */
  async function learn(opened) {
    try {
      opened.info ??= await opened.client.info();
      const left = new Date(opened.info.expires_at).getTime() - Date.now();
      if (opened.keys.owner && left < PROLONG_BELOW_MS) opened.info = await opened.client.create();
      if (opened === session) onChange();
    } catch {
      // The log's own questions say what is wrong, and this is asked again when they get through.
    }
  }

  function close() {
    session?.watch.stop();
    session = null;
    onClose();
  }

  /** The server said that there is nothing to look at. @param {ApiProblem} problem */
  function end(problem) {
    const mine = session?.keys.owner;
    close();
    gone = mine
      ? 'This endpoint is no longer there: it was forgotten, or nothing came for too long.'
      : 'This log is no longer there: its owner forgot it, or nothing came for too long.';
    if (problem.status !== 404) gone = `The server does not accept this key: ${problem.message}.`;
    onChange();
  }

  return {
    /** Asks anew what the endpoint is: another tab has changed it. */
    async learnAgain() {
      if (session) session.info = null;
      if (session) await learn(session);
    },
    session: () => session,
    gone: () => gone,
    /** Opens what this browser was last looking at. */
    async reopen() {
      const read = ring.read();
      const own = ring.own();
      if (read) open(await keysOfShare(read, crypto));
      else if (own) open(await keysOfOwner(own, crypto));
      else {
        close();
        gone = null;
        onChange();
      }
    },
    /**
     * Makes an endpoint and looks at it. Gives back what went wrong, or null.
     * @param {boolean} anew with a new key, and so a new URL @param {string} code that the server may ask for
     * @param {() => void} onMade just before it is looked at @returns {Promise<ApiProblem | null>}
     */
    async start(anew, code, onMade) {
      const known = anew ? null : ring.own();
      try {
        const keys = await keysOfOwner(known ?? makeOwnerKey(crypto), crypto);
        const info = await apiClient({ fetch: ask, key: /** @type {string} */ (keys.owner) }).create(code);
        // What can't be read any more is not worth keeping.
        if (anew) ring.drop();
        ring.use(/** @type {string} */ (keys.owner));
        onMade();
        open(keys, info);
        return null;
      } catch (error) {
        return error instanceof ApiProblem ? error : new ApiProblem(0, String(error));
      }
    },
  };
}
