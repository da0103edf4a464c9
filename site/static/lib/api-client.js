// @ts-check
// The log API, one function a call. The key travels in a header, never in a URL.

/**
 * @typedef {{method: string, path: string, raw_path?: string, query: string, source: string,
 *   headers: [string, string][], added: string[],
 *   body: string, body_encoding: 'utf-8' | 'base64', body_bytes: number, body_sha256: string,
 *   truncated: boolean}} Request
 * @typedef {{status: number, headers: [string, string][], body: string, delay_ms: number,
 *   reply_use?: {n: number, of: number}, unfilled?: boolean}} Response
 * @typedef {{seq: number, received_at: string, took_ms: number, verified?: 'ok' | 'wrong' |
 *   'missing', request: Request, response: Response}} Delivery
 * @typedef {{endpoint: string, deliveries: Delivery[], cursor: string, older?: string, first_seq:
 *   number,
 *   last_seq: number, missing: number[], unreadable?: number[], refused?: number, restarted:
 *   boolean}} LogPage
 * @typedef {{max_body_bytes: number, max_deliveries: number, delivery_ttl_s: number,
 *   endpoint_ttl_s: number,
 *   max_delay_ms: number}} Limits
 * @typedef {import('../cards/reply-setting.js').Setting & {times_left?: number}} SetReply
 * @typedef {{endpoint: string, hook_url: string, created_at: string, expires_at: string, first_seq:
 *   number,
 *   last_seq: number, limits: Limits, reply: SetReply | null, settings?: Settings}} EndpointInfo
 * @typedef {{cors: boolean, expect: {scheme: string, refuse: number, refuse_left: number} | null}}
 *   Settings
 * @typedef {{cors?: boolean, expect?: {scheme: string, token?: string, user?: string, password?:
 *   string, refuse?: number} | null}} SettingsChange what is absent stays as it is
 */

/**
 * Longest wait for an answer. A page of the log is at most about 1 MiB, so this is generous on a
 * slow line.
 */
const TIMEOUT_MS = 20_000;

/** An answer that is no success, or (status 0) no answer at all. */
export class ApiProblem extends Error {
  /**
   * @param {number} status
   * @param {string} detail
   * @param {number | null} [retryAfterS]
   * @param {string} [field] that it is about
   */
  constructor(status, detail, retryAfterS = null, field = '') {
    super(detail);
    this.field = field;
    this.status = status;
    this.retryAfterS = retryAfterS;
  }
}

/**
 * What to say of a change that failed. One that had no answer may have been made all the same.
 * @param {Error & {status?: number}} problem
 */
export const failure = ({ message, status }) =>
  status === 0
    ? `It is not known whether that worked: ${message}. To try again does no harm.`
    : `That did not work: ${message}.`;

/**
 * @param {{fetch: typeof globalThis.fetch, key: string}} options what to ask with
 */
export function apiClient({ fetch, key }) {
  /**
   * @param {string} method
   * @param {string} path
   * @param {AbortSignal} [signal]
   * @param {object} [json] to send
   * @param {Record<string, string>} [more] headers
   */
  const call = async (method, path, signal, json, more) => {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    let answer;
    let body;
    try {
      answer = await fetch(path, {
        method,
        headers: {
          authorization: `Bearer ${key}`,
          ...(json && { 'content-type': 'application/json' }),
          ...more,
        },
        body: json ? JSON.stringify(json) : null,
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
        cache: 'no-store',
        credentials: 'omit',
        redirect: 'error',
      });
      body = answer.status === 204 ? null : await answer.text();
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new ApiProblem(
        0,
        timeout.aborted ? 'the server did not answer in time' : 'the server can’t be reached',
      );
    }
    if (!answer.ok) throw problem(answer, body);
    try {
      return body === null ? null : JSON.parse(body);
    } catch {
      throw new ApiProblem(answer.status, 'the server’s answer could not be read');
    }
  };

  return {
    /**
     * Creates the endpoint, or prolongs its life.
     * @param {string} [code] that the server may ask for
     * @returns {Promise<EndpointInfo>}
     */
    create: (code) =>
      call('PUT', '/api/endpoint', undefined, undefined, code ? { 'x-creation-code': code } : {}),
    /** @returns {Promise<EndpointInfo>} */
    info: () => call('GET', '/api/endpoint'),
    forget: () => call('DELETE', '/api/endpoint'),
    clear: () => call('DELETE', '/api/log'),
    /**
     * What the receiver is to answer from now on.
     * @param {import('../cards/reply-setting.js').Setting} setting
     * @returns {Promise<SetReply>}
     */
    setReply: (setting) => call('PUT', '/api/reply', undefined, setting),
    restoreReply: () => call('DELETE', '/api/reply'),
    /** Who may call. @param {SettingsChange} change @returns {Promise<Settings>} */
    changeSettings: (change) => call('PUT', '/api/settings', undefined, change),
    /**
     * @param {{after?: string, before?: string, last?: number, limit?: number}} query
     * @param {AbortSignal} [signal]
     * @returns {Promise<LogPage>}
     */
    log: (query, signal) => {
      const parameters = new URLSearchParams();
      for (const [name, value] of Object.entries(query)) parameters.set(name, String(value));
      return call('GET', `/api/log?${parameters}`, signal);
    },
  };
}

/** @param {globalThis.Response} answer @param {string | null} body */
function problem(answer, body) {
  const wait = Number(answer.headers.get('retry-after'));
  const retryAfterS = Number.isFinite(wait) && wait > 0 ? wait : null;
  try {
    const { detail, title, field } = JSON.parse(body ?? '');
    const said = [detail, title].find((words) => typeof words === 'string' && words !== '');
    if (said)
      return new ApiProblem(
        answer.status,
        said.slice(0, 400),
        retryAfterS,
        typeof field === 'string' ? field : '',
      );
  } catch {
    // A proxy's own page says nothing that helps here; its status does.
  }
  return new ApiProblem(answer.status, `the server answered ${answer.status}`, retryAfterS);
}
