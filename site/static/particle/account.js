// @ts-check
// Who is signed in to which cloud, in all tabs of this browser at once. No DOM, no network. A token
// lies in this tab's sessionStorage and in the memory of the other tabs, in no URL and in nothing
// that lasts.

/**
 * @typedef {import('./cloud.js').Ticket} Ticket
 * @typedef {{cloud: string, ticket: Ticket}} Login `cloud`: its id in config.json
 * @typedef {{kind: 'out'} | {kind: 'expired', login: Login} | ({kind: 'in'} & Login)} AccountState
 */

/** Longer timers than this do not exist in browsers. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * @param {{
 *   kept: import('../lib/storage.js').Kept,
 *   channel: import('../lib/channel.js').Channel,
 *   now: () => number,
 *   later: (act: () => void, ms: number) => () => void,
 *   onChange: (state: AccountState, how: 'new' | 'resumed' | 'ended') => void,
 * }} options `kept`: for this tab. `later`: gives back how to call it off. `how`: `new` if somebody
 * signed in here just now
 */
export function account({ kept, channel, now, later, onChange }) {
  /** @type {AccountState} */
  let state = { kind: 'out' };
  let callOff = () => {};

  /** @param {Login} login @param {'new' | 'resumed'} how */
  const enter = (login, how) => {
    callOff();
    state = { kind: 'in', ...login };
    kept.keepJson(login);
    const { expiresAt } = login.ticket;
    if (expiresAt !== null)
      callOff = later(expire, Math.min(LONGEST_TIMER_MS, Math.max(0, expiresAt - now())));
    onChange(state, how);
  };

  const expire = () => {
    if (state.kind !== 'in') return;
    callOff();
    state = { kind: 'expired', login: { cloud: state.cloud, ticket: state.ticket } };
    kept.keep(null);
    onChange(state, 'ended');
  };

  const leave = () => {
    callOff();
    kept.keep(null);
    if (state.kind === 'out') return;
    state = { kind: 'out' };
    onChange(state, 'ended');
  };

  channel.onmessage = ({ data }) => {
    if (data?.what === 'who' && state.kind === 'in')
      channel.postMessage({ what: 'in', login: { cloud: state.cloud, ticket: state.ticket } });
    if (data?.what === 'in' && isLogin(data.login) && isNews(data.login))
      enter(data.login, 'resumed');
    if (data?.what === 'out') leave();
  };

  /** @param {Login} login */
  const isNews = (login) =>
    state.kind !== 'in' ||
    (state.ticket.token !== login.ticket.token &&
      (login.ticket.expiresAt ?? Infinity) > (state.ticket.expiresAt ?? Infinity));

  return {
    /** @returns {AccountState} */
    state: () => state,
    /** Signed in here, just now. @param {Login} login */
    signedIn(login) {
      enter(login, 'new');
      channel.postMessage({ what: 'in', login });
    },
    /**
     * The cloud does not take the token any more.
     * @param {string} token the one that it did not take
     */
    refused(token) {
      if (state.kind === 'in' && state.ticket.token === token) expire();
    },
    /** Signs out here and in the other tabs. */
    out() {
      leave();
      channel.postMessage({ what: 'out' });
    },
    /** Goes on with what this tab or another one knows. */
    resume() {
      const login = kept.json();
      if (isLogin(login) && (login.ticket.expiresAt === null || login.ticket.expiresAt > now()))
        enter(login, 'resumed');
      else channel.postMessage({ what: 'who' });
    },
  };
}

/** @param {any} one @returns {one is Login} */
const isLogin = (one) =>
  typeof one?.cloud === 'string' &&
  typeof one.ticket?.token === 'string' &&
  typeof one.ticket.made === 'boolean' &&
  typeof one.ticket.username === 'string' &&
  (one.ticket.expiresAt === null || Number.isFinite(one.ticket.expiresAt));
