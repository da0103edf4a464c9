// @ts-check
// A Particle cloud, the real one or the simulated one, one function a call. Exactly the calls that
// Particle documents (https://docs.particle.io/reference/cloud-apis/api/). What is secret travels
// in headers and bodies, never in a URL. Nothing here tries again by itself: ten refused passwords
// in a row lock an account.

import { timeOf } from './event.js';

/**
 * @typedef {{id: string, name: string | null, online: boolean, platform_id: number | null,
 *   product_id: number | null,
 *   system_firmware_version: string | null, last_app: string | null, firmware_version: number |
 *   null, development: boolean | null,
 *   claimed: boolean, last_handshake_at: string | null}} Device `development`: null if the cloud
 *   does not say
 * @typedef {Record<string, any> & {id: string, event: string, url: string, created_at: string,
 *   integration_type: string}} Integration
 *   as the cloud lists it
 * @typedef {{token: string, expiresAt: number | null, made: boolean, username: string}} Ticket
 *   `expiresAt`: in milliseconds,
 *   by this browser's clock; null if nobody said. `made`: this page asked for it, so this page
 *   takes it back
 * @typedef {'offline' | 'late' | 'expired' | 'password' | 'code' | 'locked' | 'busy' | 'gone' |
 *   'refused' | 'broken' | 'strange'} Cause
 */

/** How long a token is asked for. */
const TOKEN_S = 3600;
/** Longest wait for an answer. */
const TIMEOUT_MS = 20_000;
/** A compiler is given longer. */
const COMPILE_TIMEOUT_MS = 120_000;
/** The name under which Particle's own pages ask for tokens. */
const CLIENT = { client_id: 'particle', client_secret: 'particle' };
/** A template error can be longer than anybody reads. */
const MAX_COMPILER_OUTPUT = 64 * 1024;
/** No list of an account is that large; what is larger is not from there. */
const MAX_TEXT = 8 * 1024 * 1024;

/** What to say of an error. @param {unknown} error */
export const failureWords = (error) =>
  error instanceof CloudProblem ? error.message : 'Something went wrong in this page.';

/** A call that did not succeed. `message` is a sentence for a person. */
export class CloudProblem extends Error {
  /**
   * @param {Cause} cause
   * @param {string} message
   * @param {number} status 0 if there was no answer
   * @param {any} [body] what was answered, if that was JSON
   */
  constructor(cause, message, status, body = null) {
    super(message);
    this.cause = cause;
    this.status = status;
    this.body = body;
  }
}

/**
 * @param {{fetch: typeof globalThis.fetch, api: string, name: string, now?: () => number}} options
 *   `api`: the origin, without a slash at the
 *   end. `name`: what people call this cloud
 */
export function cloud({ fetch, api, name, now = Date.now }) {
  /**
   * @param {string} method @param {string} path
   * @param {{token?: string, json?: unknown, form?: Record<string, string>, files?: FormData,
   *   timeoutMs?: number}} [more]
   * @returns {Promise<any>}
   */
  const call = async (method, path, { token, json, form, files, timeoutMs = TIMEOUT_MS } = {}) => {
    const timeout = AbortSignal.timeout(timeoutMs);
    /** @type {Record<string, string>} */
    const headers = {};
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    if (json !== undefined) headers['content-type'] = 'application/json';
    if (form !== undefined) headers['content-type'] = 'application/x-www-form-urlencoded';
    let answer;
    let text;
    try {
      answer = await fetch(api + path, {
        method,
        headers,
        body:
          json !== undefined
            ? JSON.stringify(json)
            : form !== undefined
              ? new URLSearchParams(form).toString()
              : (files ?? null),
        signal: timeout,
        cache: 'no-store',
        credentials: 'omit',
        redirect: 'error',
        referrerPolicy: 'no-referrer',
      });
      text = answer.status === 204 ? '{}' : await answer.text();
    } catch {
      if (timeout.aborted)
        throw new CloudProblem(
          'late',
          `${name} did not answer within ${timeoutMs / 1000} seconds.`,
          0,
        );
      throw new CloudProblem('offline', `${name} can’t be reached.`, 0);
    }
    let body;
    try {
      if (text.length > MAX_TEXT) throw new Error();
      body = JSON.parse(text);
    } catch {
      body = null;
    }
    if (answer.ok && body !== null) return body;
    throw problemOf(answer.status, body, name);
  };

  /** @param {any} body @returns {{token: string, expiresAt: number | null}} */
  const tokenIn = (body) => {
    if (typeof body?.access_token !== 'string')
      throw new CloudProblem('strange', `${name} gave an answer without a token in it.`, 200);
    const seconds = Number(body.expires_in);
    return {
      token: body.access_token,
      expiresAt: Number.isFinite(seconds) && seconds > 0 ? now() + seconds * 1000 : null,
    };
  };

  return {
    api,
    name,
    /**
     * Asks for a token of one hour. Asked once; whoever calls decides whether to ask again.
     * @param {{username: string, password: string}} account
     * @returns {Promise<{ticket: Ticket} | {mfaToken: string}>} `mfaToken` if the account wants a
     *   one-time code too
     */
    async signIn({ username, password }) {
      const form = {
        grant_type: 'password',
        username,
        password,
        ...CLIENT,
        expires_in: String(TOKEN_S),
      };
      try {
        return {
          ticket: {
            ...tokenIn(await call('POST', '/oauth/token', { form })),
            made: true,
            username,
          },
        };
      } catch (error) {
        if (error instanceof CloudProblem) {
          if (error.cause === 'code') return { mfaToken: error.body.mfa_token };
          // Everything the sign-in refuses is about what was typed, unless it says that it is about
          // how often.
          if (error.cause === 'refused' || error.cause === 'expired')
            throw new CloudProblem(
              'password',
              'User name or password is wrong. It was tried once; ten wrong tries in a row ' +
                'lock the account for half an hour.',
              error.status,
            );
        }
        throw error;
      }
    },
    /**
     * @param {{mfaToken: string, code: string, username: string}} round
     * @returns {Promise<Ticket>}
     */
    async sendCode({ mfaToken, code, username }) {
      const form = {
        grant_type: 'urn:custom:mfa-otp',
        mfa_token: mfaToken,
        otp: code,
        ...CLIENT,
        expires_in: String(TOKEN_S),
      };
      try {
        return { ...tokenIn(await call('POST', '/oauth/token', { form })), made: true, username };
      } catch (error) {
        if (
          error instanceof CloudProblem &&
          (error.cause === 'refused' || error.cause === 'expired')
        ) {
          throw new CloudProblem(
            'code',
            'The one-time code is wrong, or no longer valid. Take the one that is shown now.',
            error.status,
          );
        }
        throw error;
      }
    },
    /** Finds out whose token a pasted one is. @param {string} pasted @returns {Promise<Ticket>} */
    async useToken(pasted) {
      const token = pasted.trim();
      // A header takes no other characters, and no token has them.
      if (!/^[\x21-\x7e]{8,4096}$/.test(token))
        throw new CloudProblem(
          'expired',
          'That is not a token: it is one word of letters and digits.',
          0,
        );
      let user;
      try {
        user = await call('GET', '/v1/user', { token });
      } catch (error) {
        if (!(error instanceof CloudProblem) || error.cause !== 'expired') throw error;
        throw new CloudProblem(
          'expired',
          `${name} does not take this token: it has ended, was deleted, or is not whole.`,
          error.status,
        );
      }
      let expiresAt = null;
      try {
        const { expires_at } = await call('GET', '/v1/access_tokens/current', { token });
        const at = timeOf(expires_at);
        if (!Number.isNaN(at)) expiresAt = at;
      } catch (error) {
        // A token that may not look at itself works all the same.
        if (!(error instanceof CloudProblem) || error.cause === 'offline' || error.cause === 'late')
          throw error;
      }
      return {
        token,
        expiresAt,
        made: false,
        username: typeof user?.username === 'string' ? user.username : '',
      };
    },
    /** Deletes the token in the cloud if this page asked for it. @param {Ticket} ticket */
    async signOut({ token, made }) {
      if (made) await call('DELETE', '/v1/access_tokens/current', { token });
    },
    /** @param {string} token @returns {Promise<Device[]>} */
    async devices(token) {
      const list = await call('GET', '/v1/devices', { token });
      return (Array.isArray(list) ? list : [])
        .filter((one) => typeof one?.id === 'string')
        .map(deviceOf);
    },
    /** @param {string} token @param {string} id @returns {Promise<Device>} */
    device: async (token, id) =>
      deviceOf(await call('GET', `/v1/devices/${encodeURIComponent(id)}`, { token })),
    /**
     * The same as its product's team sees it.
     * @param {string} token
     * @param {number} product
     * @param {string} id
     * @returns {Promise<Device>}
     */
    productDevice: async (token, product, id) =>
      deviceOf(
        await call('GET', `/v1/products/${product}/devices/${encodeURIComponent(id)}`, { token }),
      ),
    /** What the cloud compiles for. It needs no token. @returns {Promise<unknown>} */
    buildTargets: () => call('GET', '/v1/build_targets'),
    /**
     * Has a source file compiled for a version of Device OS, and the program sent to a device.
     * @param {string} token @param {string} id @param {{name: string, text: string, version:
     *   string}} file
     * @returns {Promise<{errors: string | null}>} `errors`: what the compiler wrote; null if the
     *   flash began
     */
    async flash(token, id, { name: file, text, version }) {
      const files = new FormData();
      // By the file's name the cloud knows that it is source; without an ending it would be taken
      // for a program.
      files.append('file', new File([text], file, { type: 'text/plain' }), file);
      files.append('build_target_version', version);
      let body;
      try {
        body = await call('PUT', `/v1/devices/${encodeURIComponent(id)}`, {
          token,
          files,
          timeoutMs: COMPILE_TIMEOUT_MS,
        });
      } catch (error) {
        const errors = error instanceof CloudProblem ? compilerSaid(error.body) : null;
        if (errors === null) throw error;
        return { errors };
      }
      const errors = compilerSaid(body);
      if (errors !== null) return { errors };
      if (body?.ok === false) throw problemOf(400, body, name);
      return { errors: null };
    },
    /** @param {string} token @param {string} name @param {string | null} data */
    publish: (token, name, data) =>
      call('POST', '/v1/devices/events', {
        token,
        json: data === null ? { name, private: true } : { name, data, private: true },
      }),
    /** @param {string} token @returns {Promise<Integration[]>} */
    async integrations(token) {
      const body = await call('GET', '/v1/integrations', { token });
      // The three shapes that Particle's own clients are ready for.
      const list = Array.isArray(body) ? body : (body?.integrations ?? body?.webhooks ?? []);
      return Array.isArray(list)
        ? list.filter((one) => typeof one?.id === 'string' && typeof one?.event === 'string')
        : [];
    },
    /** @param {string} token @param {string} id @returns {Promise<Integration>} */
    async integration(token, id) {
      const body = await call('GET', `/v1/integrations/${encodeURIComponent(id)}`, { token });
      return body?.integration ?? body;
    },
    /** @param {string} token @param {object} settings @returns {Promise<string>} its ID */
    async create(token, settings) {
      const body = await call('POST', '/v1/integrations', { token, json: settings });
      const id = body?.id ?? body?.integration?.id;
      if (typeof id !== 'string')
        throw new CloudProblem(
          'strange',
          `${name} gave an answer without the integration’s ID.`,
          200,
        );
      return id;
    },
    /** Replaces all of it. @param {string} token @param {string} id @param {object} settings */
    update: (token, id, settings) =>
      call('PUT', `/v1/integrations/${encodeURIComponent(id)}`, { token, json: settings }),
    /** @param {string} token @param {string} id */
    remove: (token, id) => call('DELETE', `/v1/integrations/${encodeURIComponent(id)}`, { token }),
  };
}

/** @param {any} one @returns {Device} */
const deviceOf = (one) => ({
  id: one.id,
  name: typeof one.name === 'string' ? one.name : null,
  online: one.online === true || one.connected === true,
  platform_id: Number.isInteger(one.platform_id) ? one.platform_id : null,
  product_id: Number.isInteger(one.product_id) ? one.product_id : null,
  system_firmware_version:
    typeof one.system_firmware_version === 'string' ? one.system_firmware_version : null,
  last_app: typeof one.last_app === 'string' && one.last_app !== '' ? one.last_app : null,
  firmware_version: Number.isInteger(one.firmware_version) ? one.firmware_version : null,
  development: typeof one.development === 'boolean' ? one.development : null,
  // The list of an account has claimed devices only, and need not say so.
  claimed: !('owner' in one) || (one.owner !== null && one.owner !== ''),
  last_handshake_at: typeof one.last_handshake_at === 'string' ? one.last_handshake_at : null,
});

/**
 * What a compiler wrote, if that is what an answer is about: it comes with `output`.
 * @param {any} body
 * @returns {string | null}
 */
function compilerSaid(body) {
  if (body?.ok !== false || !Array.isArray(body.errors) || typeof body.output !== 'string')
    return null;
  const written = body.errors
    .filter((/** @type {unknown} */ one) => typeof one === 'string')
    .join('\n');
  return (written === '' ? body.output : written).slice(0, MAX_COMPILER_OUTPUT);
}

/**
 * The sentence for an answer that is no success.
 * @param {number} status @param {any} body null if it was not JSON @param {string} name
 */
function problemOf(status, body, name) {
  const said = saidIn(body);
  const problem = (/** @type {Cause} */ cause, /** @type {string} */ message) =>
    new CloudProblem(cause, message, status, body);
  if (body?.error === 'mfa_required' && typeof body.mfa_token === 'string') {
    return problem('code', 'The account wants a one-time code too.');
  }
  if (status === 429 || status === 529) {
    const locked = /lock/i.test(`${body?.error} ${said}`);
    return locked
      ? problem(
          'locked',
          'The account is locked for half an hour, after ten wrong sign-ins in a row.',
        )
      : problem(
          'busy',
          `${name} says that too much was asked of it (${status}). Wait a few minutes.`,
        );
  }
  if (body === null)
    return problem(
      'strange',
      `${name} gave an answer (${status}) that is not JSON; something in between may have ` +
        'answered in its place.',
    );
  if (status === 401)
    return problem('expired', 'The sign-in is no longer valid. Sign in again; the log stays.');
  if (status === 404)
    return problem('gone', said ? `Not found: ${said}.` : 'It is not there any more.');
  if (status >= 500) return problem('broken', `${name} has a problem of its own (${status}).`);
  return problem('refused', said ? `${name} refused: ${said}.` : `${name} refused it (${status}).`);
}

/** What an error says, in the order in which Particle's own clients look. @param {any} body */
function saidIn(body) {
  const found = [
    body?.error_description,
    body?.error,
    ...(Array.isArray(body?.errors) ? body.errors : []),
    body?.info,
  ];
  const words = found.find((one) => typeof one === 'string' && one !== '');
  return words ? words.slice(0, 300).replace(/[.\s]+$/, '') : '';
}
