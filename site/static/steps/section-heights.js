// @ts-check
// The room that each section takes, kept over a reload or a look at the log page, so that the
// reader stays at the same words while what belongs above them is being restored. first.js gives
// it; this gives it back.

import { whenMoved, whenRestored } from './reading-ahead.js';
import { inTab } from '../lib/storage.js';

/** first.js knows the name too. */
const room = inTab('webhook-tutorial/room');

export function keepSectionHeights() {
  const release = () => (document.adoptedStyleSheets = []);
  whenRestored(release);
  // From then on the browser follows what the reader looks at. The room stays: nothing may move
  // under a pointer that is down.
  whenMoved(() => (document.documentElement.dataset.moved = ''));
  addEventListener('pagehide', () => {
    release();
    const sections = [...document.querySelectorAll('.page-section')].filter((section) =>
      section.checkVisibility(),
    );
    // The log page has none, and the tutorial may be come back to.
    if (sections.length === 0) return;
    const heights = Object.fromEntries(
      sections.map((section) => [section.id, Math.round(section.getBoundingClientRect().height)]),
    );
    room.keepJson({ width: innerWidth, heights });
  });
}
