// @ts-check
// Whether a request was signed with a secret, by the schemes of common senders. Pure, but for the
// browser's own cryptography. Each scheme is a row that says what was signed and where the
// signature is; one function checks them all.

import { fromBase64 } from '../lib/bytes.js';
import { parseJson } from '../lib/json-text.js';
import { bodyBytes, isForm, isMasked } from './request-body.js';

/**
 * @typedef {import('../lib/api-client.js').Request} Request
 * @typedef {{request: Request, headers: Map<string, string>, body: Uint8Array<ArrayBuffer>,
 *   url: string, secret: string}} Signed
 *   what a signature depends on; `url` as the sender wrote it
 * @typedef {(signed: Signed) => Claim | null} Claimed
 *   null if the request has no such signature
 * @typedef {{
 *   signatures: string[],
 *   content: (string | Uint8Array<ArrayBuffer>)[],
 *   at?: number,
 *   covers?: string,
 * }} Claim one of the signatures, without what is around it, is to be that of the joined content;
 *   `at`: when it was signed, in seconds. `covers`: what was signed, if not all of the body
 * @typedef {{name: string, secret: string, hash: 'SHA-1' | 'SHA-256' | 'SHA-512', usesUrl?: true,
 *   publicKey?: true, key?: (secret: string) => string | Uint8Array<ArrayBuffer>, claim: Claimed}}
 *   Scheme `secret`: what it is called there
 * @typedef {{right: boolean, words: string}} Verdict
 */

/** Senders ask receivers to refuse what was signed longer ago than this. */
const TOLERANCE_S = 300;

/** @type {[Scheme['hash'], number][]} */
const HASHES = [
  ['SHA-256', 32],
  ['SHA-1', 20],
  ['SHA-512', 64],
];

/** @param {string | undefined} text @param {string} prefix */
const after = (text, prefix) => (text?.startsWith(prefix) ? [text.slice(prefix.length)] : []);

/** @param {string} header @param {string} prefix @returns {Claimed} */
const ofBody =
  (header, prefix) =>
  ({ headers, body }) =>
    headers.has(header)
      ? { signatures: after(headers.get(header), prefix), content: [body] }
      : null;

/** @param {string} header @param {string} timestamp @returns {Claimed} */
const versioned =
  (header, timestamp) =>
  ({ headers, body }) => {
    const at = headers.get(timestamp) ?? '';
    if (!headers.has(header)) return null;
    return { signatures: after(headers.get(header), 'v0='), content: [`v0:${at}:`, body], at: +at };
  };

/** @param {Signed} signed */
const json = (signed) => parseJson(textOf(signed));

/** @type {Scheme[]} */
export const SCHEMES = [
  {
    name: 'Standard Webhooks (Svix)',
    secret: 'signing secret (whsec_…)',
    hash: 'SHA-256',
    key: (secret) => fromBase64(secret.replace(/^whsec_/, '')) ?? secret,
    claim({ headers, body }) {
      const prefix = ['webhook', 'svix'].find((name) => headers.has(`${name}-signature`));
      if (!prefix) return null;
      const [id, at] = ['id', 'timestamp'].map((name) => headers.get(`${prefix}-${name}`) ?? '');
      const signatures = (headers.get(`${prefix}-signature`) ?? '').split(' ');
      return {
        signatures: signatures.flatMap((one) => after(one, 'v1,')),
        content: [`${id}.${at}.`, body],
        at: +at,
      };
    },
  },
  {
    name: 'GitHub',
    secret: 'webhook secret',
    hash: 'SHA-256',
    claim: ofBody('x-hub-signature-256', 'sha256='),
  },
  {
    name: 'Stripe',
    secret: 'signing secret (whsec_…)',
    hash: 'SHA-256',
    claim({ headers, body }) {
      const parts = (headers.get('stripe-signature') ?? '').split(',').map((one) => one.trim());
      const [at] = parts.flatMap((one) => after(one, 't='));
      if (at === undefined) return null;
      return {
        signatures: parts.flatMap((one) => after(one, 'v1=')),
        content: [`${at}.`, body],
        at: +at,
      };
    },
  },
  {
    name: 'Shopify',
    secret: 'client secret of the app',
    hash: 'SHA-256',
    claim: ofBody('x-shopify-hmac-sha256', ''),
  },
  {
    name: 'Slack',
    secret: 'signing secret',
    hash: 'SHA-256',
    claim: versioned('x-slack-signature', 'x-slack-request-timestamp'),
  },
  {
    name: 'Zoom',
    secret: 'secret token',
    hash: 'SHA-256',
    claim: versioned('x-zm-signature', 'x-zm-request-timestamp'),
  },
  {
    name: 'Twilio',
    secret: 'auth token',
    hash: 'SHA-1',
    usesUrl: true,
    claim({ headers, request, body, url }) {
      const signature = headers.get('x-twilio-signature');
      if (signature === undefined) return null;
      const fields = isForm(request) ? new URLSearchParams(new TextDecoder().decode(body)) : [];
      const sorted = [...fields].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
      const covers = isForm(request) || body.length === 0 ? {} : { covers: 'the URL' };
      return { signatures: [signature], content: [url, ...sorted.flat()], ...covers };
    },
  },
  {
    name: 'SendGrid',
    secret: 'verification key',
    hash: 'SHA-256',
    publicKey: true,
    claim({ headers, body }) {
      const signature = headers.get('x-twilio-email-event-webhook-signature');
      const at = headers.get('x-twilio-email-event-webhook-timestamp') ?? '';
      return signature === undefined
        ? null
        : { signatures: [signature], content: [at, body], at: +at };
    },
  },
  {
    name: 'Mailgun',
    secret: 'HTTP webhook signing key',
    hash: 'SHA-256',
    claim(signed) {
      const { timestamp, token, signature } = json(signed)?.signature ?? {};
      if (![timestamp, token, signature].every((one) => typeof one === 'string')) return null;
      const covers = 'the timestamp and the token';
      return { signatures: [signature], content: [timestamp, token], at: +timestamp, covers };
    },
  },
  {
    name: 'Square',
    secret: 'signature key',
    hash: 'SHA-256',
    usesUrl: true,
    claim: ({ headers, body, url }) =>
      headers.has('x-square-hmacsha256-signature')
        ? { signatures: [headers.get('x-square-hmacsha256-signature') ?? ''], content: [url, body] }
        : null,
  },
  ...HASHES.map(([hash, length]) => ({
    name: `HMAC-${hash} of the body`,
    secret: 'secret',
    hash,
    /** @type {Claimed} */
    claim({ headers, body }) {
      const named = [...headers].filter(([name]) => /signature|hmac|digest/.test(name));
      const values = named.flatMap(([, value]) => [value, value.replace(/^[\w-]+=/, '')]);
      const signatures = values.filter((value) => bytesIn(value) === length);
      return signatures.length > 0 ? { signatures, content: [body] } : null;
    },
  })),
];

/** The scheme that a request most likely uses. @param {Request} request */
export function likelyScheme(request) {
  const signed = signedBy(request, '', '');
  return SCHEMES.find(({ claim }) => claim(signed)) ?? null;
}

/**
 * What else a request might have looked like when it was signed, and what it means if so.
 * @type {{words: string, change: (signed: Signed) => Signed | null}[]}
 */
const USUAL_REASONS = [
  {
    words: 'The secret has blanks at its ends: leave them out.',
    change: (signed) => ({ ...signed, secret: signed.secret.trim() }),
  },
  {
    words: 'A line feed at the end of the body is missing here: it was taken off on the way.',
    change: (signed) => withBody(signed, `${textOf(signed)}\n`),
  },
  {
    words: 'The body has a line feed at its end that was not signed: it was added on the way.',
    change: (signed) => withBody(signed, textOf(signed).replace(/\r?\n$/, '')),
  },
  {
    words: 'The JSON was rewritten on the way, without blanks: check the bytes that arrive.',
    change: (signed) => withBody(signed, JSON.stringify(json(signed))),
  },
  {
    words: 'The JSON was rewritten on the way, with blanks: check the bytes that arrive.',
    change: (signed) => withBody(signed, JSON.stringify(json(signed), null, 2)),
  },
  {
    words: 'The sender wrote the URL with a slash at its end.',
    change: (signed) => withUrl(signed, (url) => (url.pathname += '/')),
  },
  {
    words: 'The sender wrote the URL without the slash at its end.',
    change: (signed) => withUrl(signed, (url) => (url.pathname = url.pathname.replace(/\/$/, ''))),
  },
  {
    words: 'The sender wrote the URL with another scheme, http or https.',
    change: (signed) =>
      withUrl(signed, (url) => (url.protocol = url.protocol === 'http:' ? 'https:' : 'http:')),
  },
];

/**
 * Checks the signature of a request.
 * @param {Scheme} scheme @param {Request} request @param {string} receivedAt as in a delivery
 * @param {{secret: string, url: string}} known
 * @returns {Promise<Verdict>}
 */
export async function check(scheme, request, receivedAt, { secret, url }) {
  const wrong = (/** @type {string} */ words) => ({ right: false, words });
  if (request.truncated)
    return wrong('Only the beginning of the body was kept: it can’t be checked.');
  const isHidden = request.headers.some(
    ([name, value]) => /signature|hmac/i.test(name) && isMasked(value),
  );
  if (isHidden)
    return wrong('A shared log masks the signature: only the owner of the log can check it.');
  const signed = signedBy(request, secret, url);
  const claim = scheme.claim(signed);
  if (!claim) return wrong(`This request has no signature of ${scheme.name}.`);
  if (claim.signatures.length === 0)
    return wrong(`The signature of this request is of a kind that is not checked here.`);
  if (secret === '') return wrong(`Enter the ${scheme.secret}.`);
  if (await matches(scheme, claim, secret)) {
    const late = Math.round(Date.parse(receivedAt) / 1000 - (claim.at ?? NaN));
    if (Math.abs(late) > TOLERANCE_S) {
      const when = late > 0 ? `${late} s before` : `${-late} s after`;
      return wrong(
        `The secret and the content are right, but it was signed ${when} it arrived, by the two ` +
          `clocks. Most receivers refuse more than ${TOLERANCE_S} s: it is an old request sent ` +
          'again, or a clock is wrong.',
      );
    }
    const { covers } = claim;
    const words = covers
      ? `The signature is right, but it covers only ${covers}: the rest may have been changed.`
      : 'The signature is right: signed with this secret, unchanged.';
    return { right: true, words };
  }
  for (const { words, change } of USUAL_REASONS) {
    const changed = change(signed);
    if (!changed) continue;
    const claimed = scheme.claim(changed);
    if (claimed && (await matches(scheme, claimed, changed.secret)))
      return wrong(`Wrong as it is here. ${words}`);
  }
  const orUrl = scheme.usesUrl ? ', the sender wrote another URL' : '';
  return wrong(`Wrong: the secret is another one${orUrl}, or the content was changed on the way.`);
}

/** @param {Scheme} scheme @param {Claim} claim @param {string} secret */
async function matches({ hash, key, publicKey }, { signatures, content }, secret) {
  const data = await new Blob(content).arrayBuffer();
  if (publicKey) return matchesPublicKey(secret, signatures[0], data);
  const bytes = key?.(secret) ?? secret;
  const raw = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
  if (raw.length === 0) return false;
  const algorithm = { name: 'HMAC', hash };
  const imported = await crypto.subtle.importKey('raw', raw, algorithm, false, ['verify']);
  for (const signature of signatures) {
    for (const decoded of [fromHex(signature), fromBase64(signature)]) {
      if (decoded && (await crypto.subtle.verify('HMAC', imported, decoded, data))) return true;
    }
  }
  return false;
}

/** ECDSA on P-256. @param {string} key @param {string} signature @param {ArrayBuffer} data */
async function matchesPublicKey(key, signature, data) {
  const [spki, der] = [fromBase64(key.replace(/-----[^-]+-----|\s/g, '')), fromBase64(signature)];
  const raw = der && rawSignature(der);
  if (!spki || !raw) return false;
  try {
    const curve = { name: 'ECDSA', namedCurve: 'P-256' };
    const imported = await crypto.subtle.importKey('spki', spki, curve, false, ['verify']);
    return await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, imported, raw, data);
  } catch {
    return false;
  }
}

/** The two numbers of a signature in ASN.1, 32 bytes each. @param {Uint8Array} der */
function rawSignature(der) {
  const raw = new Uint8Array(64);
  let at = 2;
  for (const end of [32, 64]) {
    const length = der[at + 1];
    if (der[at] !== 2 || !(length <= 33) || at + 2 + length > der.length) return null;
    const digits = der.subarray(at + 2, at + 2 + length);
    const number = digits.length === 33 ? digits.subarray(1) : digits;
    raw.set(number, end - number.length);
    at += 2 + length;
  }
  return raw;
}

/** @param {Request} request @returns {Map<string, string>} */
const headersOf = ({ headers }) =>
  new Map(headers.map(([name, value]) => [name.toLowerCase(), value]));

/** @param {Request} request @param {string} secret @param {string} url @returns {Signed} */
const signedBy = (request, secret, url) => ({
  request,
  headers: headersOf(request),
  body: bodyBytes(request),
  secret,
  url,
});

/** @param {Signed} signed */
const textOf = ({ body }) => new TextDecoder().decode(body);

/** @param {Signed} signed @param {string} text */
const withBody = (signed, text) => ({ ...signed, body: new TextEncoder().encode(text) });

/** @param {Signed} signed @param {(url: URL) => void} change */
function withUrl(signed, change) {
  if (!URL.canParse(signed.url)) return null;
  const url = new URL(signed.url);
  change(url);
  return { ...signed, url: url.href };
}

/** How many bytes a signature is, in hex or base64. @param {string} text */
const bytesIn = (text) => (fromHex(text) ?? fromBase64(text))?.length;

/** @param {string} text */
const fromHex = (text) =>
  /^(?:[0-9a-f]{2})+$/i.test(text)
    ? Uint8Array.from(text.match(/../g) ?? [], (byte) => parseInt(byte, 16))
    : null;
