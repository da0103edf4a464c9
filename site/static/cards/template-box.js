// @ts-check
// The template box: a template and an event's data, and what becomes of them. Only DOM; what it makes of them is in template-check.js.

import { part, slot, write } from '../lib/dom.js';
import { check } from './template-check.js';

/** @param {{onFit: (box: {bytes: number}) => void}} with_ `onFit`: the reader's own template renders without a mistake */
export function mountTemplateBox({ onFit }) {
  const box = part('template-box');
  const template = /** @type {HTMLTextAreaElement} */ (part('box-template'));
  const data = /** @type {HTMLTextAreaElement} */ (part('box-data'));
  const begin = { template: template.value, data: data.value };

  function draw() {
    const { body, mistakes } = check(template.value, data.value);
    const bytes = new TextEncoder().encode(body ?? '').length;
    write(slot('box-body'), body ?? '');
    write(slot('box-size'), body === null ? 'Nothing is sent: the cloud answers with a hook-error.' : `${bytes} bytes`);
    slot('box-mistakes').replaceChildren(...mistakes.map(({ words }) => Object.assign(document.createElement('li'), { textContent: words })));
    for (const [node, where] of /** @type {const} */ ([[template, 'template'], [data, 'data']])) {
      const isWrong = mistakes.some((one) => one.where === where);
      node.setAttribute('aria-invalid', String(isWrong));
    }
    box.dataset.state = mistakes.length === 0 ? 'well' : 'mistaken';
    write(slot('box-verdict'), mistakes.length === 0 ? 'No mistake found.' : mistakes.length === 1 ? 'One mistake:' : `${mistakes.length} mistakes:`);
    if (mistakes.length === 0 && bytes > 0 && template.value !== begin.template) onFit({ bytes });
  }
  box.addEventListener('input', draw);
  draw();
  return {
    /** @type {Record<string, () => unknown>} */
    actions: {
      'box-again': () => {
        template.value = begin.template;
        data.value = begin.data;
        draw();
        template.focus();
      },
    },
  };
}
