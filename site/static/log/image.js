// @ts-check
// Pictures by their first bytes: the few kinds that any browser decodes and no script is in. Pure;
// loaded when needed.

/** @typedef {{type: string, name: string, width: number, height: number}} Image */

/** A small file may be a picture of any size, which a browser would fill memory with. */
const MAX_PIXELS = 16_000_000;

/**
 * What picture the bytes are, if it is one to be shown; else null.
 * @param {Uint8Array} bytes @returns {Image | null}
 */
export function imageOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const mark = String.fromCharCode(...bytes.subarray(0, 16));
  const found =
    bytes.length < 30
      ? null
      : mark.startsWith('\x89PNG\r\n\x1a\n')
        ? named('PNG', view.getUint32(16), view.getUint32(20))
        : /^GIF8[79]a/.test(mark)
          ? named('GIF', view.getUint16(6, true), view.getUint16(8, true))
          : /^RIFF[^]{4}WEBP/.test(mark)
            ? webp(view, mark.slice(12, 16))
            : mark.startsWith('\xff\xd8\xff')
              ? jpeg(view)
              : null;
  const pixels = (found?.width ?? 0) * (found?.height ?? 0);
  return pixels > 0 && pixels <= MAX_PIXELS ? found : null;
}

/** @param {string} name @param {number} width @param {number} height @returns {Image} */
const named = (name, width, height) => ({
  type: `image/${name.toLowerCase()}`,
  name,
  width,
  height,
});

/** @param {DataView} view @param {string} chunk */
function webp(view, chunk) {
  const three = (/** @type {number} */ at) =>
    view.getUint16(at, true) + (view.getUint8(at + 2) << 16);
  if (chunk === 'VP8X') return named('WebP', three(24) + 1, three(27) + 1);
  if (chunk === 'VP8 ')
    return named('WebP', view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff);
  if (chunk !== 'VP8L') return null;
  const bits = view.getUint32(21, true);
  return named('WebP', (bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1);
}

/** The size is in the first frame, behind other segments. @param {DataView} view */
function jpeg(view) {
  let at = 2;
  while (at + 9 < view.byteLength && view.getUint8(at) === 0xff) {
    const marker = view.getUint8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return named('JPEG', view.getUint16(at + 7), view.getUint16(at + 5));
    at += marker === 0xff ? 1 : 2 + view.getUint16(at + 2);
  }
  return null;
}
