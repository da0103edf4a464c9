// Runs before anything is drawn, so that nothing moves afterwards: whether the reader has started, and in which mode the page
// most likely is. It is no module, because those run later. begin.js corrects it; if that never runs, all of this is taken back
// and the whole page can be read.
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
  root.dataset.mode = kept(() => localStorage, 'webhook-tutorial/mode') ?? (isHere ? 'simulated' : 'none');
  const hasKey = kept(() => localStorage, 'webhook-tutorial/own') ?? kept(() => sessionStorage, 'webhook-tutorial/read');
  root.dataset.started = hasKey !== null || /^#(?:own|read)_/.test(location.hash) ? 'yes' : 'no';
  const isUp = () => root.dataset.script === 'on';
  addEventListener(
    'error',
    () => {
      if (isUp()) return;
      delete root.dataset.mode;
      delete root.dataset.started;
    },
    { capture: true },
  );
  // Who presses Start before the page is ready has pressed it.
  addEventListener('click', ({ target }) => {
    if (!isUp() && /** @type {Element} */ (target).closest('[data-do="start"], [data-do="start-ahead"]')) root.dataset.pressed = 'start';
  });
})();
