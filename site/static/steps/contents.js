// @ts-check
// The table of contents shows where the reader is. In a narrow window it opens over the text.

/** @param {HTMLElement} contents @param {HTMLElement} button that opens it where there is no room beside the text */
export function mountContents(contents, button) {
  const links = [...contents.querySelectorAll('a')];
  const sections = links.map((link) => /** @type {HTMLElement} */ (document.querySelector(link.hash)));
  /** @type {Set<Element>} */
  const seen = new Set();
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) isIntersecting ? seen.add(target) : seen.delete(target);
      const here = sections.findIndex((section) => seen.has(section));
      // Between two sections, or below the last, the reader is still where they were.
      if (here < 0) return;
      links.forEach((link, i) => (i === here ? link.setAttribute('aria-current', 'true') : link.removeAttribute('aria-current')));
    },
    // The upper half of the window is what is being read.
    { rootMargin: '-15% 0px -60% 0px' },
  );
  for (const section of sections) watcher.observe(section);

  const set = (/** @type {boolean} */ isOpen) => {
    contents.toggleAttribute('data-open', isOpen);
    button.setAttribute('aria-expanded', String(isOpen));
  };
  const isOpen = () => contents.hasAttribute('data-open');
  contents.addEventListener('click', ({ target }) => /** @type {Element} */ (target).closest('a') && set(false));
  document.addEventListener('keydown', ({ key }) => {
    if (key !== 'Escape' || !isOpen()) return;
    set(false);
    button.focus();
  });
  document.addEventListener('pointerdown', ({ target }) => {
    if (isOpen() && !contents.contains(/** @type {Node} */ (target)) && !button.contains(/** @type {Node} */ (target))) set(false);
  });
  return {
    toggle() {
      set(!isOpen());
      if (isOpen()) links.find((link) => link.hasAttribute('aria-current'))?.focus() ?? links[0]?.focus();
    },
  };
}
