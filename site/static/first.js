// Runs before anything is drawn, so that nothing moves afterwards: whether the reader has started,
// in which mode the page most likely is, and how high its sections were before a reload. It is no
// module, because those run later. begin.js corrects it; if that never runs, all of this is taken
// back and the whole page can be read.
(() => {
  const root = document.documentElement;
  const kept = (/** @type {() => Storage} */ place, /** @type {string} */ name) => {
    try {
      return place().getItem(name);
    } catch {
      return null;
    }
  };
  const isHere = /^(?:127\.|localhost$|\[::1\]$)/.test(location.hostname);
  root.dataset.mode =
    kept(() => localStorage, 'webhook-tutorial/mode') ?? (isHere ? 'simulated' : 'none');
  // Who reads someone else's log has nothing to start.
  root.toggleAttribute(
    'data-reading',
    kept(() => sessionStorage, 'webhook-tutorial/read') !== null ||
      location.hash.startsWith('#read_'),
  );
  const hasKey =
    kept(() => localStorage, 'webhook-tutorial/own') ??
    kept(() => sessionStorage, 'webhook-tutorial/own-of-tab') ??
    kept(() => sessionStorage, 'webhook-tutorial/forgotten');
  root.dataset.started =
    root.hasAttribute('data-reading') || hasKey !== null || location.hash.startsWith('#own_')
      ? 'yes'
      : 'no';
  // What is restored comes after the browser has put the reader back to where they were, and would
  // push that away.
  try {
    const { width, heights } = JSON.parse(
      kept(() => sessionStorage, 'webhook-tutorial/room') ?? '',
    );
    if (width === innerWidth && root.dataset.started === 'yes') {
      const sheet = new CSSStyleSheet();
      // What grows and shrinks again while it is restored would leave the reader elsewhere if the
      // browser followed it; and who is put back does not want to travel.
      sheet.insertRule(':root:not([data-moved]) { overflow-anchor: none; scroll-behavior: auto }');
      for (const [id, height] of Object.entries(heights))
        sheet.insertRule(`#${CSS.escape(id)} { min-block-size: ${Number(height)}px }`);
      document.adoptedStyleSheets = [sheet];
    }
  } catch {
    // Nothing was kept.
  }
  const isUp = () => root.dataset.script === 'on';
  addEventListener(
    'error',
    () => {
      if (isUp()) return;
      delete root.dataset.mode;
      delete root.dataset.started;
      delete root.dataset.reading;
      document.adoptedStyleSheets = [];
    },
    { capture: true },
  );
  // Who presses Start before the page is ready has pressed it.
  addEventListener('click', ({ target }) => {
    if (!isUp() && /** @type {Element} */ (target).closest('[data-action="start"]'))
      root.dataset.pressed = 'start';
  });
})();
