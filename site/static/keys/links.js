// @ts-check
// Keys in links: handing one out, and taking one that came in the address.

import { dialog, slot } from '../lib/dom.js';
import { keyInFragment, keysOfOwner } from './keys.js';

/**
 * @param {{ring: ReturnType<typeof import('./key-ring.js').keyRing>, reopen: () => Promise<void>, onAdopted: () => void}} with_
 */
export function keyLinks({ ring, reopen, onAdopted }) {
  return {
    /** Shows a link with a key in it. @param {'share' | 'continue'} name @param {string} key */
    show(name, key) {
      slot('link', dialog(name)).textContent = `${location.origin}${location.pathname}#${key}`;
      dialog(name).showModal();
    },
    /** Takes a key out of the address before anybody can copy it from there. Says whether there was one. */
    async take() {
      const found = keyInFragment(location.hash);
      if (!found) return false;
      history.replaceState(null, '', location.pathname + location.search);
      if (found.kind === 'read') {
        const own = ring.own();
        // One's own share link, opened at home, is no stranger's.
        if (own && (await keysOfOwner(own, crypto)).share === found.key) ring.leaveRead();
        else ring.setRead(found.key);
        await reopen();
        return true;
      }
      await reopen();
      if (found.key === ring.own()) return true;
      const keys = await keysOfOwner(found.key, crypto);
      const asked = dialog('adopt');
      slot('endpoint', asked).textContent = keys.endpoint;
      slot('own-stays', asked).hidden = ring.own() === null;
      /** @type {HTMLButtonElement} */ (asked.querySelector('[data-do="confirm"]')).onclick = () => {
        asked.close();
        ring.leaveRead();
        ring.use(found.key);
        onAdopted();
      };
      asked.showModal();
      return true;
    },
  };
}
