// @ts-check
// Gives the reader a file.

/** @param {string} name @param {BlobPart[]} parts @param {string} type */
export function save(name, parts, type) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob(parts, { type }));
  link.download = name;
  link.click();
  // The browser has taken what it needs once the click is over; a minute is for one that asks where
  // to.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
