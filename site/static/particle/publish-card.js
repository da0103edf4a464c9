// @ts-check
// Publishing any event by the API: name, data, and the line that does the same from a terminal. Only DOM and its wiring.

import { part, slot } from '../lib/dom.js';
import { publishLine, unfit } from './webhook.js';

/**
 * @param {HTMLFormElement} card
 * @param {{onPublish: (name: string, data: string) => Promise<string>, quote: (text: string) => string}} with_ `onPublish`: gives what
 *   to say afterwards. `quote`: for the reader's shell
 */
export function mountPublishCard(card, { onPublish, quote }) {
  const field = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (card.elements.namedItem(name));
  let busy = false;

  const draw = () => (slot('publish-line').textContent = publishLine(field('name').value, field('data').value, quote));
  card.addEventListener('input', draw);
  card.addEventListener('submit', async (event) => {
    event.preventDefault();
    const name = field('name').value;
    const data = field('data').value;
    const wrong = unfit(name, data);
    if (wrong !== null || busy) {
      if (wrong !== null) slot('publish-said').textContent = wrong;
      return;
    }
    busy = true;
    slot('publish-said').textContent = 'Publishing …';
    slot('publish-said').textContent = await onPublish(name, data);
    busy = false;
  });
  draw();

  return {
    line: () => slot('publish-line').textContent ?? '',
    /** @param {{shown: boolean, hasLine: boolean}} view `hasLine`: the command would reach the cloud that is connected */
    update({ shown, hasLine }) {
      card.dataset.shown = String(shown);
      part('publish-line').hidden = !hasLine;
    },
  };
}
