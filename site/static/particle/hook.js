// @ts-check
// The learner's webhook in the account: whether it is there, where it leads, and changing that. No
// DOM. Nothing of somebody else's is changed without being asked for.

import { makeToken } from '../keys/keys.js';
import { CloudProblem } from './cloud.js';
import { found, isExact, leadingTo, settingsFor, tokenIn } from './webhook.js';

/**
 * @typedef {import('./cloud.js').Integration} Integration
 * @typedef {import('./webhook.js').Settings} Settings
 * @typedef {{kind: 'none'} | {kind: 'asking'}
 *   | {kind: 'ours', id: string, created_at: string | null, differs: string[]} & Around
 *   | {kind: 'elsewhere', hook: Integration, wasOurs: boolean} & Around
 *   | {kind: 'absent', wasOurs: boolean} & Around
 *   | {kind: 'failed', problem: CloudProblem}} HookState `none`: nobody is signed in, or there is
 *   no endpoint. `differs`:
 *   sentences on how it is not as this page makes it. `wasOurs`: it was this learner's when this
 *   page last looked
 * @typedef {{overlapping: Integration[], leading: Integration[]}} Around `overlapping`: others that
 *   fire for some of the same events. `leading`: all that lead here, this one too, with their
 *   settings
 * @typedef {{url: string, id: string | null}} Seen the webhook as it was seen last: where it led,
 *   and its ID; null if it was removed here
 * @typedef {ReturnType<typeof import('./cloud.js').cloud>} Cloud
 */

/**
 * In sentences; loaded when needed.
 * @param {Settings} wanted @param {Record<string, any>} live
 */
const differences = async (wanted, live) =>
  (await import('./hook-difference.js')).differences(wanted, live);

const NOT_EXPECTED =
  'The webhook was not changed, because the server could not be told which token to expect. Try ' +
  'again.';

/** Each is asked for on its own. */
const MAX_LEADING = 8;

/**
 * @param {{form: Settings, memory: {get: () => Seen | null, set: (seen: Seen | null) => void},
 *   onChange: (state: HookState) => void,
 *   onRefused: (token: string) => void, expectToken: (token: string) => Promise<void>}} options
 *   `memory`: keeps which one it was and where it led when it was seen last, for a reload.
 *   `onRefused`: the cloud does not take this token any more. `expectToken`: tells the server which
 *   token the webhook's requests will carry
 */
export function hookKeeper({ form, memory, onChange, onRefused, expectToken }) {
  /** @type {HookState} */
  let state = { kind: 'none' };
  /** @type {{cloud: Cloud, token: string, url: string} | null} */
  let place = null;
  /** What was asked for an earlier account or endpoint is not listened to any more. */
  let generation = 0;
  let wasOurs = false;
  let checkedAt = -Infinity;

  const set = (/** @type {HookState} */ next) => {
    state = next;
    if (next.kind === 'ours' && place) {
      wasOurs = true;
      memory.set({ url: place.url, id: next.id });
    }
    onChange(next);
  };

  /** @param {(at: NonNullable<typeof place>) => Promise<void>} act @param {boolean} [quietly] */
  const attempt = async (act, quietly = false) => {
    if (!place) return;
    const mine = (generation += 1);
    const at = place;
    if (!quietly) set({ kind: 'asking' });
    try {
      await act(at);
      const list = await at.cloud.integrations(at.token);
      const { ours, other, overlapping } = found(list, form.event, at.url, knownId());
      const leading = await Promise.all(
        leadingTo(list, at.url)
          .slice(0, MAX_LEADING)
          .map((one) => whole(at, one)),
      );
      const live = leading.find(({ id }) => id === ours?.id);
      const wanted = settingsFor(form, at.url, tokenIn(live));
      const differs = live && !isExact(wanted, live) ? await differences(wanted, live) : [];
      if (mine !== generation) return;
      checkedAt = performance.now();
      const around = { overlapping, leading };
      if (ours)
        set({
          kind: 'ours',
          id: ours.id,
          created_at: typeof ours.created_at === 'string' ? ours.created_at : null,
          differs,
          ...around,
        });
      else if (other) set({ kind: 'elsewhere', hook: other, wasOurs, ...around });
      else set({ kind: 'absent', wasOurs, ...around });
    } catch (error) {
      if (mine !== generation) return;
      const problem =
        error instanceof CloudProblem
          ? error
          : new CloudProblem('strange', 'Something went wrong in this page.', 0);
      if (problem.cause === 'expired') onRefused(at.token);
      // A look that nobody asked for and that fails changes nothing that is known.
      if (!quietly || state.kind === 'asking') set({ kind: 'failed', problem });
    }
  };

  /**
   * The ID of the one that led here when it was seen last: it is known by that even under another
   * event's name.
   */
  const knownId = (url = place?.url) => {
    const seen = memory.get();
    return seen && seen.url === url ? seen.id : null;
  };

  /**
   * All of it, for a list shows the half.
   * @param {NonNullable<typeof place>} at
   * @param {Integration} listed
   */
  const whole = async (at, listed) => {
    try {
      return { ...listed, ...(await at.cloud.integration(at.token, listed.id)) };
    } catch (error) {
      if (error instanceof CloudProblem && error.cause === 'expired') throw error;
      return listed;
    }
  };

  /**
   * The settings with a token, which only the account keeps. The server is told first, so that it
   * is right in the first request.
   * @param {string} url
   * @param {Record<string, any>} [live] the settings there are, whose token stays
   */
  const wantedSettings = async (url, live) => {
    const token = tokenIn(live) ?? makeToken(crypto);
    try {
      await expectToken(token);
    } catch {
      throw new CloudProblem('strange', NOT_EXPECTED, 0);
    }
    return settingsFor(form, url, token);
  };

  return {
    state: () => state,
    /** @param {typeof place} at null if nobody is signed in or there is no endpoint */
    at(at) {
      const same =
        at !== null &&
        place !== null &&
        at.cloud === place.cloud &&
        at.token === place.token &&
        at.url === place.url;
      if (same) return false;
      if (at?.url !== place?.url) wasOurs = at !== null && knownId(at.url) !== null;
      place = at;
      generation += 1;
      set({ kind: 'none' });
      return true;
    },
    /** Looks what is there. @param {{quietly?: boolean}} [how] */
    look: ({ quietly = false } = {}) => attempt(async () => {}, quietly),
    /** Looks again if the last look is older than this. @param {number} ms */
    async lookIfOlder(ms) {
      if (place && state.kind !== 'asking' && performance.now() - checkedAt > ms)
        await attempt(async () => {}, true);
    },
    /**
     * Makes it, or makes it as it should be if it leads here already. One that leads elsewhere is
     * left alone.
     */
    setUp: () =>
      attempt(async (at) => {
        const { cloud, token, url } = at;
        const { ours, other } = found(await cloud.integrations(token), form.event, url, knownId());
        if (ours)
          await cloud.update(token, ours.id, await wantedSettings(url, await whole(at, ours)));
        else if (!other) await cloud.create(token, await wantedSettings(url));
      }),
    /** Makes the one that leads elsewhere lead here. */
    async takeOver() {
      const id = state.kind === 'elsewhere' ? state.hook.id : null;
      if (id !== null)
        await attempt(async ({ cloud, token, url }) =>
          cloud.update(token, id, await wantedSettings(url)),
        );
    },
    /** Makes the one that leads here as this page makes it. */
    async putBack() {
      if (state.kind !== 'ours') return;
      const { id, leading } = state;
      const live = leading.find((one) => one.id === id);
      await attempt(async ({ cloud, token, url }) =>
        cloud.update(token, id, await wantedSettings(url, live)),
      );
    },
    /** Gives the one that leads here other settings. @param {Settings} settings */
    async save(settings) {
      const id = state.kind === 'ours' ? state.id : null;
      if (id !== null) await attempt(({ cloud, token }) => cloud.update(token, id, settings));
    },
    async remove() {
      // After a try without an answer nobody knows, and asking tells.
      if (state.kind === 'failed') await attempt(async () => {});
      const id = state.kind === 'ours' ? state.id : null;
      if (id === null) return;
      await attempt(async ({ cloud, token, url }) => {
        try {
          await cloud.remove(token, id);
        } catch (error) {
          // Gone already is gone.
          if (!(error instanceof CloudProblem) || error.cause !== 'gone') throw error;
        }
        wasOurs = false;
        memory.set({ url, id: null });
      });
    },
    settings: () => (place ? settingsFor(form, place.url) : null),
  };
}
