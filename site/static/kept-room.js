// @ts-check
// The room that each section takes, kept over a reload, so that the reader stays at the same words while what belongs above
// them is being restored. first.js gives it; this gives it back.

import { whenRestored } from './started.js';

/** Where it lies, in this tab. first.js knows the name too. */
const ROOM = 'webhook-tutorial/room';

/** @param {() => Pick<Storage, 'setItem'>} storage */
export function mountKeptRoom(storage) {
  const release = () => (document.adoptedStyleSheets = []);
  // Who does something changes the page, and it takes the room that it needs.
  whenRestored(release, ['pointerdown', 'keydown']);
  addEventListener('pagehide', () => {
    release();
    const sections = [...document.querySelectorAll('.page-section')].filter((section) => section.checkVisibility());
    const heights = Object.fromEntries(sections.map((section) => [section.id, Math.round(section.getBoundingClientRect().height)]));
    try {
      storage().setItem(ROOM, JSON.stringify({ width: innerWidth, heights }));
    } catch {
      // Then a reload may lose the place.
    }
  });
}
