// @ts-check
// The collapsed log: the last round as a row of labelled segments.

/** @typedef {import('./rounds.js').Round} Round */

/** @param {HTMLElement} strip @param {Round | null} round */
export function drawStrip(strip, round) {
  const same = strip.dataset.key === (round?.key ?? '') && strip.childElementCount === (round ? round.blocks.length + 1 : 0);
  if (same) return;
  strip.dataset.key = round?.key ?? '';
  if (!round) return strip.replaceChildren();
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
