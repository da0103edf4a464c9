// @ts-check
// Which devices of an account can be flashed with the tutorial's firmware, why the others can't,
// and what would be replaced. Pure.

/** @typedef {import('../particle/cloud.js').Device} Device */

/** Platforms that run Device OS 4 and later, by number (Device OS, `hal/shared/platforms.h`). */
const PLATFORMS = new Map([
  [12, 'Argon'],
  [13, 'Boron'],
  [15, 'E Series (E404X)'],
  [22, 'A SoM'],
  [23, 'B Series SoM'],
  [25, 'B5 SoM'],
  [26, 'Tracker'],
  [28, 'Monitor One'],
  [32, 'Photon 2 or P2'],
  [35, 'M SoM'],
]);
/** Generation 2, which stays at Device OS 3 and earlier. */
const GEN_2 = new Map([
  [6, 'Photon'],
  [8, 'P1'],
  [10, 'Electron or E Series'],
]);
/** Products have larger numbers than platforms; a device that is in none shows its platform's. */
const FIRST_PRODUCT = 101;

/** @param {Device} device */
export const isInProduct = ({ product_id }) => product_id !== null && product_id >= FIRST_PRODUCT;

/** @param {Device} device */
export const platformName = ({ platform_id }) =>
  PLATFORMS.get(platform_id ?? -1) ??
  GEN_2.get(platform_id ?? -1) ??
  (platform_id === null ? 'unknown hardware' : `platform ${platform_id}`);

/** @param {Device} device */
export const nameOf = ({ id, name }) => name ?? id;

/** Why a device can't be flashed, in a sentence; empty if it can. @param {Device} device */
export function whyNot(device) {
  const { platform_id, product_id, online, development, claimed } = device;
  if (platform_id !== null && GEN_2.has(platform_id))
    return (
      `It is Gen 2 (${GEN_2.get(platform_id)}), which has no Device OS that this firmware ` +
      'is written for (4 or later).'
    );
  if (platform_id === null || !PLATFORMS.has(platform_id))
    return `The firmware is not written for its hardware (${platformName(device)}).`;
  if (!claimed)
    return (
      'It is not claimed by this account, so the webhook of your sandbox would not fire ' +
      'for it. Claim it first.'
    );
  if (isInProduct(device) && development === false)
    return (
      `It belongs to product ${product_id} and is not marked as a development device, so ` +
      'the product’s own firmware would soon replace this one. Mark it in the console first.'
    );
  if (isInProduct(device) && development === null)
    return (
      `It belongs to product ${product_id}, and this account can’t see whether it is ` +
      'marked as a development device. Ask whoever manages the product.'
    );
  if (!online) return 'It is offline. Bring it online first; for a virtual device, see its panel.';
  return '';
}

/**
 * What flashing replaces, in sentences.
 * @param {Device} device @param {string} file @param {boolean} isChanged whether the reader
 *   changed the file
 */
export function replaces(device, file, isChanged) {
  const { last_app, firmware_version } = device;
  if (last_app === file && !isChanged)
    return (
      `${nameOf(device)} already has a ${file}. Flashing replaces it, with any changes that ` +
      'were made to it.'
    );
  const app = last_app
    ? `“${last_app.slice(0, 100)}”`
    : 'its present firmware, whose name the cloud does not know';
  const version =
    isInProduct(device) && firmware_version !== null
      ? `, version ${firmware_version} of product ${device.product_id},`
      : '';
  const tracker =
    device.platform_id === 26 || device.platform_id === 28
      ? ' On this hardware that may be the firmware it was sold with, which reports its location.'
      : '';
  return (
    `This replaces ${app}${version} on ${nameOf(device)} with ` +
    `${isChanged ? 'the firmware as you changed it' : file}.${tracker} It can’t be undone ` +
    'automatically: to go back, flash the other firmware again.'
  );
}

/**
 * The Device OS versions that the cloud compiles for, newest first.
 * @param {unknown} body as `GET /v1/build_targets` answers @param {number | null} platform
 * @returns {string[]}
 */
export function versionsFor(body, platform) {
  const targets = /** @type {any} */ (body)?.targets;
  if (!Array.isArray(targets)) return [];
  const found = targets.filter(
    (one) =>
      typeof one?.version === 'string' &&
      isVersion(one.version) &&
      (one.platforms ?? []).includes(platform) &&
      !(one.prereleases ?? []).includes(platform),
  );
  return [...new Set(found.map(({ version }) => version))].sort((a, b) => compare(b, a));
}

/** Whether a text is a version that can be asked for. @param {string} text */
export const isVersion = (text) => /^\d{1,3}\.\d{1,3}\.\d{1,3}(-[a-z]{1,10}\.\d{1,3})?$/.test(text);

/** @param {string} a @param {string} b */
function compare(a, b) {
  const [x, y] = [a, b].map((text) =>
    text.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0),
  );
  for (let at = 0; at < 3; at += 1) if (x[at] !== y[at]) return x[at] - y[at];
  // A release comes after its release candidates.
  return (a.includes('-') ? 0 : 1) - (b.includes('-') ? 0 : 1) || (x[4] ?? 0) - (y[4] ?? 0);
}
