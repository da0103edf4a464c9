// @ts-check
// The template box: a template and an event's data, and what becomes of them. What it makes of them
// is in template-check.js, which is loaded when the box comes into view.

import { slots } from '../lib/component.js';
import { listItems, write } from '../lib/dom.js';
import { byteLength } from '../lib/text.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state }) {
  const { template, data, body, size, verdict, mistakes: list } = slots(root);
  const example = { template: template.value, data: data.value };

  async function draw() {
    const { check } = await import('./template-check.js');
    const { body: rendered, hints } = check(template.value, data.value);
    const mistakes = hints.filter(({ severity }) => severity === 'error');
    const count = mistakes.length;
    const bytes = byteLength(rendered ?? '');
    write(body, rendered ?? '');
    const isSent = rendered !== null;
    write(
      size,
      isSent ? `${bytes} bytes` : 'Nothing is sent: the cloud answers with a hook-error.',
    );
    list.replaceChildren(...listItems(hints.map(({ text }) => text)));
    const isWrong = (/** @type {string} */ place) =>
      String(mistakes.some(({ where }) => where === place));
    template.setAttribute('aria-invalid', isWrong('template'));
    data.setAttribute('aria-invalid', isWrong('data'));
    root.dataset.state = count === 0 ? 'valid' : 'invalid';
    write(
      verdict,
      count === 0 ? 'No mistake found.' : count === 1 ? 'One mistake:' : `${count} mistakes:`,
    );
    const isOwn =
      count === 0 && template.value !== example.template && template.value.includes('{{');
    if (isOwn) state.template.value = { bytes };
  }
  root.addEventListener('input', draw);
  const seen = new IntersectionObserver((entries) => {
    if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
    seen.disconnect();
    void draw();
  });
  seen.observe(root);

  return {
    reset() {
      template.value = example.template;
      data.value = example.data;
      void draw();
      template.focus();
    },
  };
}
