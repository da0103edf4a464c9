// @ts-check
// What is left to remove, in words: the webhook, the device, the endpoint. Pure; loaded when
// somebody looks.

import { wasSilent } from './clean-up-known.js';
import { SILENT_MS } from './rules.js';

/**
 * @typedef {import('./rules.js').World} World
 * @typedef {import('./clean-up-known.js').Known} Known
 * @typedef {{name: 'hook' | 'device' | 'endpoint', isClean: boolean | null, words: string}} Row
 *   `isClean`: null if nobody knows
 */

/** @param {Known} known @param {World} world @returns {Row[]} */
export const left = (known, world) => [
  { name: 'hook', ...hookLeft(known, world) },
  { name: 'device', ...deviceLeft(known, world) },
  { name: 'endpoint', ...endpointLeft(world) },
];

/** @param {Known} known @param {World} world @returns {{isClean: boolean | null, words: string}} */
function hookLeft({ hook: seen, wasConnected }, { hook, login, mode, prefix, endpoint }) {
  if (hook.kind === 'absent') return { isClean: true, words: `“${prefix}” is not in the account.` };
  if (hook.kind === 'elsewhere')
    return {
      isClean: null,
      words: `“${prefix}” is in the account and leads elsewhere; it is left alone.`,
    };
  if (hook.kind === 'ours') {
    return {
      isClean: false,
      words:
        endpoint === null
          ? `“${prefix}” is in the account and leads to a URL that answers 404: remove it.`
          : `“${prefix}” is in the account and leads here.`,
    };
  }
  if (seen === 'absent')
    return {
      isClean: true,
      words: `“${prefix}” was not in the account when this page last looked.`,
    };
  if (hook.kind === 'asking') return { isClean: null, words: 'Asking the cloud …' };
  if (hook.kind === 'failed') return { isClean: null, words: 'The cloud could not be asked.' };
  if (seen === 'ours')
    return {
      isClean: false,
      words:
        `“${prefix}” was in the account when this page last looked. Connect again to ` +
        'remove it.',
    };
  if (isWithout(wasConnected, login, mode))
    return { isClean: true, words: 'No account was connected, so this page made none.' };
  return { isClean: null, words: 'Not connected, so this page can’t tell.' };
}

/** @param {Known} known @param {World} world @returns {{isClean: boolean | null, words: string}} */
function deviceLeft(known, { login, mode, devices, listeningSince, now }) {
  const { deviceEventAt: last, wasConnected } = known;
  if (login !== null && listeningSince !== null) {
    const quiet = now - Math.max(last ?? listeningSince, listeningSince);
    if (quiet >= SILENT_MS)
      return {
        isClean: true,
        words:
          last === null ? 'No event of a device in two minutes.' : `Silent since ${time(last)}.`,
      };
    if (last !== null && last >= listeningSince)
      return {
        isClean: false,
        words: `Last event at ${time(last)}; it counts as stopped after two minutes without one.`,
      };
    if (devices?.length === 0)
      return { isClean: true, words: 'There is no device in the account.' };
    const listened = `has listened since ${time(listeningSince)} and needs two minutes to tell`;
    if (!wasSilent(known, last))
      return {
        isClean: null,
        words:
          last === null
            ? `No event so far. This page ${listened}.`
            : `Last event at ${time(last)}. This page ${listened}.`,
      };
  }
  if (wasSilent(known, last))
    return { isClean: true, words: 'It was silent for two minutes when this page listened.' };
  if (isWithout(wasConnected, login, mode))
    return { isClean: true, words: 'No account was connected, so none was used.' };
  return { isClean: null, words: 'Not listening to events, so this page can’t tell.' };
}

/** @param {World} world @returns {{isClean: boolean, words: string}} */
function endpointLeft({ endpoint, forgotten }) {
  if (endpoint !== null) return { isClean: false, words: 'It is active and accepts requests.' };
  return {
    isClean: true,
    words: forgotten === null ? 'There is none.' : 'It is forgotten: its URL answers 404.',
  };
}

/**
 * Without any cloud nothing was made in one. The simulated one has a device that needs no hand.
 * @param {boolean} wasConnected
 * @param {World['login']} login
 * @param {World['mode']} mode
 */
const isWithout = (wasConnected, login, mode) => !wasConnected && login === null && mode === 'none';

const clock = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
/** @param {number} at in milliseconds */
const time = (at) => clock.format(at);
