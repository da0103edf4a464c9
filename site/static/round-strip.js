// @ts-check
// The collapsed log: the last round as a row of labelled segments.

/** @typedef {import('./rounds.js').Round} Round */

/** @type {WeakMap<HTMLElement, Round>} */
const shown = new WeakMap();

/** @param {HTMLElement} strip @param {Round | null} round */
export function drawStrip(strip, round) {
  // A round that changed is another object.
  if (shown.get(strip) === (round ?? undefined)) return;
  if (!round) {
    shown.delete(strip);
    return strip.replaceChildren();
  }
  shown.set(strip, round);
  const head = document.createElement('span');
  head.className = 'strip-head';
  head.textContent = round.blocks.length > 0 && round.seq !== null ? `#${round.seq} ${round.status}` : round.who;
  strip.replaceChildren(
    head,
    ...round.blocks.map(({ kind, title, short }) => {
      const segment = document.createElement('span');
      segment.className = 'strip-segment';
      segment.dataset.kind = kind;
      segment.textContent = short ?? title;
      segment.title = title;
      return segment;
    }),
  );
}
