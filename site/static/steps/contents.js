// @ts-check
// The table of contents: where the reader is, and how far. In a narrow window it opens over the
// text.

import { slots } from '../lib/component.js';
import { element, write } from '../lib/dom.js';
import { effect } from '../lib/signal.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state }) {
  const { reset } = slots(root);
  const links = [...root.querySelectorAll('a')];
  const sections = links.map(
    (link) => /** @type {HTMLElement} */ (document.querySelector(link.hash)),
  );
  const counts = links.map((link) => {
    const count = element('span', 'side-count');
    link.append(count);
    return count;
  });
  /** @type {Set<Element>} */
  const seen = new Set();
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        isIntersecting ? seen.add(target) : seen.delete(target);
      }
      const here = sections.findIndex((section) => seen.has(section));
      // Between two sections, or below the last, the reader is still where they were.
      if (here < 0) return;
      links.forEach((link, i) => {
        if (i === here) link.setAttribute('aria-current', 'true');
        else link.removeAttribute('aria-current');
      });
    },
    // The upper half of the window is what is being read.
    { rootMargin: '-15% 0px -60% 0px' },
  );
  for (const section of sections) watcher.observe(section);

  effect(() => {
    const progress = state.progress.value;
    reset.hidden = progress === null || progress.count === 0;
    counts.forEach((node, i) => {
      const { count, of } = progress?.bySection.get(sections[i].id) ?? { count: 0, of: 0 };
      const isDone = of > 0 && count === of;
      node.dataset.state = isDone ? 'done' : 'open';
      node.hidden = of === 0;
      write(node, isDone ? '✓' : `${count}/${of}`);
      node.title = `${count} of ${of} ${of === 1 ? 'task' : 'tasks'} done`;
      node.ariaLabel = node.title;
      node.role = 'img';
    });
  });

  const isOpen = () => root.hasAttribute('data-open');
  const close = () => (state.contentsOpen.value = false);
  effect(() => {
    const opens = state.contentsOpen.value && !isOpen();
    root.toggleAttribute('data-open', state.contentsOpen.value);
    if (opens) (links.find((link) => link.hasAttribute('aria-current')) ?? links[0])?.focus();
  });
  root.addEventListener('click', ({ target }) => {
    if (/** @type {Element} */ (target).closest('a')) close();
  });
  document.addEventListener('keydown', ({ key }) => key === 'Escape' && close());
  document.addEventListener('pointerdown', ({ target }) => {
    const inside = /** @type {Element} */ (target).closest('[data-component="steps/progress"]');
    if (isOpen() && !inside && !root.contains(/** @type {Node} */ (target))) close();
  });

  return { reset: () => (state.dialog.value = { name: 'start-over' }) };
}
