// @ts-check
// The table of contents shows where the reader is.

/** @param {HTMLElement} contents */
export function mountContents(contents) {
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
}
