// @ts-check
// The endpoint that is looked at, from opening it to its end: what the server says of it goes into
// the state.

import { ApiProblem, apiClient } from '../lib/api-client.js';
import { inBrowser, inTab } from '../lib/storage.js';
import { writeAddress } from '../log/address.js';
import { browserClock } from '../log/poll.js';
import { watch } from '../log/watch.js';
import { EMPTY_LOG, ENDPOINT_NAMES, NO_FILTER } from '../state.js';
import { keyInFragment, keysOfOwner, keysOfShare, makeOwnerKey } from './keys.js';
import { forgetSecrets } from './secrets.js';

/** @typedef {import('./keys.js').Keys} Keys */

/**
 * An endpoint that has less than this left is given its full time again when its owner looks at it.
 */
const PROLONG_BELOW_MS = 20 * 86_400_000;
/** first.js knows the name too. */
const keptForgotten = inTab('webhook-tutorial/forgotten');

/**
 * @param {{
 *   state: import('../state.js').State,
 *   ring: ReturnType<typeof import('./key-ring.js').keyRing>,
 *   tabs: import('../lib/channel.js').Channel,
 *   onCleared: () => void,
 *   onStarted: () => void,
 * }} options `tabs`: the other tabs of this browser. `onCleared`: what else is known of the log is
 * to go too.
 *   `onStarted`: somebody made an endpoint
 */
export function createEndpoint({ state, ring, tabs, onCleared, onStarted }) {
  /** @type {ReturnType<typeof apiClient> | null} */
  let client = null;
  /** @type {ReturnType<typeof watch> | null} */
  let watching = null;
  /** How many are reading everything that is older, and need it all at once. */
  let holders = 0;
  const ask = /** @type {typeof fetch} */ ((input, init) => fetch(input, init));

  /** @param {'started' | 'cleared' | 'forgotten' | 'changed' | 'news'} what */
  const tell = (what) => tabs.postMessage({ what, endpoint: state.keys.peek()?.endpoint });

  const was = keptForgotten.json();
  const isForgotten =
    typeof was?.endpoint === 'string' && (was.url === null || typeof was.url === 'string');
  if (isForgotten) state.forgotten.value = was;

  /** @param {{endpoint: string, url: string | null} | null} next */
  function setForgotten(next) {
    state.forgotten.value = next;
    if (next === null) keptForgotten.keep(null);
    else keptForgotten.keepJson(next);
  }

  /** @param {Keys} keys @param {import('../lib/api-client.js').EndpointInfo | null} info */
  function open(keys, info = null) {
    close();
    if (keys.owner) setForgotten(null);
    state.gone.value = null;
    state.keys.value = keys;
    state.info.value = info;
    const opened = (client = apiClient({ fetch: ask, key: keys.owner ?? keys.share }));
    watching = watch({
      client: opened,
      clock: browserClock,
      hidden: () => document.hidden,
      longestMs: () => state.config.peek()?.longest_wait_ms ?? Infinity,
      // A round that is selected stays there to be read, and what is searched stays there.
      following: () =>
        state.place.peek() === 'newest' &&
        state.selected.peek() === null &&
        state.filter.peek().text === '' &&
        holders === 0,
      onLog: (log, came) => {
        state.log.value = log;
        if (came > 0) tell('news');
      },
      onState: (live) => {
        state.live.value = live;
        if (live.kind === 'live' && state.info.peek() === null) void learn(opened);
        if (live.kind === 'ended') end(live.problem);
      },
    });
    void learn(opened);
  }

  /**
   * Asks what the endpoint is, and gives it its full time again if that is due.
   * @param {ReturnType<typeof apiClient>} opened
   */
  async function learn(opened) {
    try {
      let info = state.info.peek() ?? (await opened.info());
      const left = new Date(info.expires_at).getTime() - Date.now();
      if (state.keys.peek()?.owner && left < PROLONG_BELOW_MS) info = await opened.create();
      if (opened === client) state.info.value = info;
    } catch {
      // The log's own questions say what is wrong, and this is asked again when they get through.
    }
  }

  /** What the endpoint is after a change made here. */
  async function learnAgain() {
    tell('changed');
    const opened = client;
    const info = await opened?.info().catch(() => null);
    if (info && opened === client) state.info.value = info;
  }

  function close() {
    watching?.stop();
    watching = null;
    client = null;
    state.keys.value = null;
    state.info.value = null;
    state.log.value = EMPTY_LOG;
    state.live.value = { kind: 'off' };
    state.olderProblem.value = '';
    state.place.value = 'newest';
    state.selected.value = null;
    state.filter.value = NO_FILTER;
    state.openBlock.value = null;
    state.file.value = null;
  }

  /** The server said that there is nothing to look at. @param {ApiProblem} problem */
  function end(problem) {
    const isMine = state.keys.peek()?.owner;
    close();
    const gone = isMine
      ? 'This endpoint is no longer there: it was forgotten, or nothing came for too long.'
      : 'This log is no longer there: its owner forgot it, or nothing came for too long.';
    const isRefused = problem.status !== 404;
    state.gone.value = isRefused
      ? `The server does not accept this key: ${problem.message}.`
      : gone;
  }

  /** Opens what this browser was last looking at. */
  async function reopen() {
    const read = ring.read();
    const owner = ring.own();
    state.reading.value = read !== null;
    ring.stay();
    state.others.value = ring.others();
    if (read) open(await keysOfShare(read, crypto));
    else if (owner) open(await keysOfOwner(owner, crypto));
    else {
      close();
      state.gone.value = null;
    }
    state.isOpened.value = true;
  }

  /** @returns {[string, string][]} */
  const names = () => {
    void state.endpointNames.value;
    // Another tab may have named one since.
    const list = inBrowser(ENDPOINT_NAMES).json();
    return Array.isArray(list) ? list.filter((one) => typeof one?.[1] === 'string') : [];
  };

  const mine = () => {
    if (client === null) throw new Error('no endpoint is open');
    return client;
  };

  return {
    reopen,
    /** Whether this browser keeps the key for longer than this page. */
    isLasting: () => ring.lasting(),
    hookUrl: () =>
      state.info.peek()?.hook_url ?? `${location.origin}/hook/${state.keys.peek()?.endpoint}`,
    /**
     * There is a reason to ask the server now; `expecting`: something is about to come.
     * @param {{expecting?: boolean}} [reason]
     */
    poke: (reason) => watching?.poke(reason),
    /**
     * Reads what is older. Gives back whether it could, and says so in the log if it could not.
     * @param {boolean} [asMuchAsCan] in one answer
     */
    async older(asMuchAsCan) {
      const asked = watching;
      try {
        await asked?.older(asMuchAsCan);
        state.olderProblem.value = '';
        return true;
      } catch (error) {
        const { message } = /** @type {Error} */ (error);
        // What another log's question came to is not this one's problem.
        if (asked !== watching) return false;
        state.olderProblem.value = `Older ones could not be read: ${message}.`;
        return false;
      }
    },
    /**
     * Reads everything that is older, for as long as it is wanted. Gives back whether all is here.
     * @param {() => boolean} isWanted asked before each question to the server
     */
    async allOlder(isWanted) {
      holders += 1;
      while (state.log.peek().older !== null && isWanted()) if (!(await this.older(true))) break;
      holders -= 1;
      return state.log.peek().older === null;
    },
    /**
     * Makes an endpoint and looks at it. Gives back what went wrong, or null.
     * @param {{isNew?: boolean, code?: string}} [options] `isNew`: with a new key, and so a new
     *   URL. `code`: that the server may
     *   ask for
     * @returns {Promise<ApiProblem | null>}
     */
    async start({ isNew = false, code = '' } = {}) {
      const known = isNew ? null : ring.own();
      try {
        const owner = known ?? makeOwnerKey(crypto);
        const keys = await keysOfOwner(owner, crypto);
        const info = await apiClient({ fetch: ask, key: owner }).create(code);
        // What can't be read any more is not worth keeping.
        if (isNew && state.keys.peek() === null) ring.drop();
        ring.use(owner);
        onStarted();
        state.others.value = ring.others();
        open(keys, info);
        state.starts.value += 1;
        tell('started');
        return null;
      } catch (error) {
        return error instanceof ApiProblem ? error : new ApiProblem(0, String(error));
      }
    },
    /** Goes on with another endpoint of this browser's. @param {string} owner */
    async use(owner) {
      ring.leaveRead();
      ring.use(owner);
      tell('started');
      await reopen();
    },
    /**
     * Shows the log of a file, until the reader goes back to their own page.
     * @param {string} name @param {import('../log/saved-log.js').SavedLog} saved
     */
    showFile(name, { endpoint, log, events, leftOut }) {
      close();
      state.reading.value = true;
      state.file.value = { name, events, leftOut };
      state.keys.value = { owner: null, share: '', endpoint };
      state.log.value = log;
      state.live.value = { kind: 'file' };
    },
    /** Keeps another owner key. @param {string} owner */
    add(owner) {
      ring.add(owner);
      state.others.value = ring.others();
    },
    /** What the reader calls an endpoint; empty if nothing. @param {string} endpoint */
    nameOf: (endpoint) => names().find(([id]) => id === endpoint)?.[1] ?? '',
    /** @param {string} endpoint @param {string} name */
    setName(endpoint, name) {
      const others = names().filter(([id]) => id !== endpoint);
      state.endpointNames.value = name === '' ? others : [...others, [endpoint, name]];
    },
    async clear() {
      await mine().clear();
      onCleared();
      tell('cleared');
      watching?.poke();
    },
    async forget() {
      await mine().forget();
      const endpoint = /** @type {Keys} */ (state.keys.peek()).endpoint;
      setForgotten({ endpoint, url: state.info.peek()?.hook_url ?? null });
      onCleared();
      forgetSecrets(endpoint);
      tell('forgotten');
      ring.drop();
      await reopen();
    },
    /**
     * @param {import('../cards/reply-setting.js').Setting | null} setting null for the usual answer
     */
    async setReply(setting) {
      await (setting === null ? mine().restoreReply() : mine().setReply(setting));
      await learnAgain();
    },
    /** @param {import('../lib/api-client.js').SettingsChange} change */
    async changeSettings(change) {
      await mine().changeSettings(change);
      await learnAgain();
    },
    async leaveRead() {
      ring.leaveRead();
      await reopen();
    },
    /**
     * Takes a key out of the address before anybody can copy it from there: a share key is read, an
     * owner key is asked about,
     * and of a damaged one it is said. Gives back whether there was one.
     */
    async takeKey() {
      const found = keyInFragment(location.hash);
      if (!found) return false;
      const rest = writeAddress(null, found.search);
      history.replaceState(null, '', location.pathname + location.search + rest);
      if (found.kind === 'read') {
        const owner = ring.own();
        // One's own share link, opened at home, is no stranger's.
        const isMine = owner !== null && (await keysOfOwner(owner, crypto)).share === found.key;
        if (isMine) ring.leaveRead();
        else ring.setRead(found.key);
      }
      await reopen();
      if (found.kind === 'damaged') state.dialog.value = { name: 'damaged-link' };
      if (found.kind === 'own' && found.key !== ring.own()) {
        const { endpoint } = await keysOfOwner(found.key, crypto);
        const hasOwn = ring.own() !== null;
        state.dialog.value = { name: 'adopt', owner: found.key, endpoint, hasOwn };
      }
      return true;
    },
    /** Another tab has changed something. @param {{what: string, endpoint?: string}} message */
    async hear({ what, endpoint }) {
      if (what === 'started' || what === 'forgotten') {
        // A tab that looks at a log goes on with it.
        if (!state.reading.peek()) await this.follow();
      } else if (endpoint === state.keys.peek()?.endpoint) {
        if (what === 'cleared') onCleared();
        if (what === 'changed' && client) {
          state.info.value = null;
          void learn(client);
        }
        watching?.poke();
      }
    },
    /**
     * Another tab may have put another key in use.
     * @param {string | null} [name] of what changed in the storage
     */
    async follow(name = null) {
      if (!ring.concerns(name) || state.reading.peek()) return;
      state.others.value = ring.others();
      if (ring.own() !== (state.keys.peek()?.owner ?? null)) await reopen();
    },
  };
}
