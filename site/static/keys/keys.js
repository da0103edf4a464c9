// @ts-check
// Three keys in one chain: each is a hash of the whole string before it, so none can be climbed
// back up. Owner key: everything. Share key: reading. Endpoint: sending to it. They are made here
// and the server stores none.

/**
 * @typedef {{owner: string | null, share: string, endpoint: string}} Keys
 */

const text = new TextEncoder();

/**
 * Whether this page may hash at all: browsers offer it only on https and on the computer's own
 * address.
 * @param {Crypto | undefined} crypto
 */
export const canMakeKeys = (crypto) => Boolean(crypto?.subtle && crypto.getRandomValues);

/**
 * A secret for the requests of a webhook.
 * @param {Pick<Crypto, 'getRandomValues'>} crypto
 */
export const makeToken = (crypto) => base64url(crypto.getRandomValues(new Uint8Array(24)));

/** A new owner key: `own_` and 32 random bytes. @param {Crypto} crypto */
export function makeOwnerKey(crypto) {
  return `own_${base64url(crypto.getRandomValues(new Uint8Array(32)))}`;
}

/**
 * All keys below an owner key.
 * @param {string} owner
 * @param {Crypto} crypto
 * @returns {Promise<Keys>}
 */
export async function keysOfOwner(owner, crypto) {
  const share = `read_${base64url(await sha256(`share:${owner}`, crypto))}`;
  return { ...(await keysOfShare(share, crypto)), owner };
}

/**
 * What a share key implies.
 * @param {string} share
 * @param {Crypto} crypto
 * @returns {Promise<Keys>}
 */
export async function keysOfShare(share, crypto) {
  const hash = await sha256(`endpoint:${share}`, crypto);
  return { owner: null, share, endpoint: base32(hash.subarray(0, 16)) };
}

/**
 * The key in a URL fragment; `damaged` if it begins like one and is not whole, or has a tail other
 * than the search of a share link.
 * @param {string} fragment with or without its `#`
 * @returns {{kind: 'own' | 'read' | 'damaged', key: string, search: string} | null}
 */
export function keyInFragment(fragment) {
  const whole = fragment.replace(/^#/, '');
  const [, key, query] = /^([^?]*)\?(q=[^&]+)$/.exec(whole) ?? [null, whole, ''];
  const search = new URLSearchParams(query).get('q') ?? '';
  if (isOwnerKey(whole)) return { kind: 'own', key: whole, search: '' };
  if (isShareKey(key)) return { kind: 'read', key, search };
  return /^(?:own|read)_/.test(whole) ? { kind: 'damaged', key: whole, search: '' } : null;
}

// 43 characters hold 258 bits for 256, so only every fourth letter may come last.
/** @param {unknown} key */
export const isOwnerKey = (key) =>
  typeof key === 'string' && /^own_[\w-]{42}[AEIMQUYcgkosw048]$/.test(key);
/** @param {unknown} key */
export const isShareKey = (key) =>
  typeof key === 'string' && /^read_[\w-]{42}[AEIMQUYcgkosw048]$/.test(key);

/** @param {string} message @param {Crypto} crypto */
async function sha256(message, crypto) {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', text.encode(message)));
}

/** @param {Uint8Array} bytes */
function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
}

/** @param {Uint8Array} bytes */
function base32(bytes) {
  const letters = 'abcdefghijklmnopqrstuvwxyz234567';
  let out = '';
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) out += letters[(held >> (bits - 5)) & 31];
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? out + letters[(held << (5 - bits)) & 31] : out;
}
