// @ts-check
// The devices of the account that is signed in to: asked for once for each sign-in, and again when
// there is news of one. No DOM.

import { CloudProblem } from './cloud.js';

/** @typedef {import('./cloud.js').Device} Device */

/**
 * @param {{
 *   connected: () => {cloud: Pick<ReturnType<typeof import('./cloud.js').cloud>, 'devices'>, token:
 *   string} | null,
 *   onChange: (devices: Device[] | null, names: Map<string, string>) => void,
 *   onRefused: (token: string) => void,
 * }} options `onRefused`: the cloud does not take this token any more
 */
export function deviceList({ connected, onChange, onRefused }) {
  /** @type {Device[] | null} */
  let devices = null;
  /** @type {Map<string, string>} */
  let names = new Map();
  /** @type {string | null} */
  let askedFor = null;
  /** Whose devices these are. @type {string | null} */
  let listedFor = null;
  /** Devices that were heard of and not listed: each is asked about once. @type {Set<string>} */
  const strangers = new Set();

  /** Asks, unless that was done since this sign-in. */
  async function learn() {
    const now = connected();
    if (askedFor === (now?.token ?? null)) return;
    askedFor = now?.token ?? null;
    if (now === null || now.token !== listedFor) {
      devices = null;
      names = new Map();
      onChange(devices, names);
    }
    if (!now) return;
    try {
      const list = await now.cloud.devices(now.token);
      if (connected()?.token !== now.token) return;
      devices = list;
      listedFor = now.token;
      names = new Map(
        list.flatMap(({ id, name }) =>
          name === null ? [] : [/** @type {[string, string]} */ ([id, name])],
        ),
      );
      onChange(devices, names);
    } catch (error) {
      if (error instanceof CloudProblem && error.cause === 'expired') onRefused(now.token);
    }
  }

  /** A device is new in the account, or runs something else. */
  function learnAgain() {
    askedFor = null;
    return learn();
  }

  return {
    /** Null if they are not known. */
    all: () => devices,
    /** The same map until other devices are listed. */
    names: () => names,
    learn,
    learnAgain,
    /** A device went online or offline. @param {import('./event.js').Event} event */
    hear({ coreid, data }) {
      const device = devices?.find(({ id }) => id === coreid);
      if (devices && !device && !strangers.has(coreid)) {
        strangers.add(coreid);
        void learnAgain();
      }
      const status = (data ?? '').trim();
      if (!device || !['online', 'offline'].includes(status)) return;
      const online = status === 'online';
      devices = /** @type {Device[]} */ (devices).map((one) =>
        one === device ? { ...one, online } : one,
      );
      onChange(devices, names);
    },
  };
}
