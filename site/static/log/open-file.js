// @ts-check
// Opening a file that was saved from a log: by the button, or by dropping it anywhere on the page.

import { slots } from '../lib/component.js';
import { write } from '../lib/dom.js';

/** As text in the page, a larger one may be more than a browser has memory for. */
const MAX_FILE = 256 * 1024 * 1024;

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { endpoint }) {
  const { file, said } = slots(root);
  const { ownerDocument: document } = root;

  /** @param {File | undefined} chosen */
  async function open(chosen) {
    if (!chosen) return;
    const name = chosen.name.slice(0, 80);
    if (chosen.size > MAX_FILE) {
      write(said, `${name} is larger than 256 MB: this page can’t open it.`);
      return;
    }
    const { readLogFile } = await import('./saved-log.js');
    const saved = readLogFile(await chosen.text().catch(() => ''));
    if (saved === null) write(said, `${name} is not a JSON or NDJSON file of this log.`);
    else endpoint.showFile(chosen.name, saved);
  }
  file.addEventListener('change', async () => {
    await open(file.files?.[0]);
    file.value = '';
  });

  const hasFiles = (/** @type {DragEvent} */ event) =>
    event.dataTransfer?.types.includes('Files') ?? false;
  // The log page has one of these before Start and one after it; the one that counts is that whose
  // part is there.
  const isThere = () => root.closest('[hidden]') === null;
  document.addEventListener('dragover', (event) => hasFiles(event) && event.preventDefault());
  document.addEventListener('drop', (event) => {
    if (!hasFiles(event) || !isThere()) return;
    event.preventDefault();
    write(said, '');
    void open(event.dataTransfer?.files[0]);
  });

  return { open: () => file.click() };
}
