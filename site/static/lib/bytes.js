// @ts-check
// Bytes as a text of one character each, as `atob` and `btoa` have them, and back.

/** @param {Uint8Array} bytes */
export function binaryOf(bytes) {
  let binary = '';
  // Not all at once: the arguments of a call have an end too.
  for (let at = 0; at < bytes.length; at += 8192)
    binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return binary;
}

/** @param {string} binary */
export function bytesOf(binary) {
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

/** What base64 decodes to; null if the text is not base64. @param {string} text */
export function fromBase64(text) {
  try {
    return bytesOf(atob(text));
  } catch {
    return null;
  }
}

/** @param {Uint8Array} bytes */
export const base64Of = (bytes) => btoa(binaryOf(bytes));
