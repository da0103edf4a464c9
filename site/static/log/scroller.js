// @ts-check
// Where the reader of the rail is, and keeping them there. It moves by itself only for a reader who
// is at its newest end.

/** As near to the newest as this counts as being there, in pixels. */
const EDGE = 200;
/** Nobody is taken from here: where the rail is becomes known with the next scroll. */
const NOWHERE = { at: 0, end: 0 };

/**
 * @param {HTMLElement} rail that scrolls @param {HTMLElement} list in it
 * @param {{isAtNewest: () => boolean, setAtNewest: (is: boolean) => void}} place
 */
export function mountScroller(rail, list, { isAtNewest, setAtNewest }) {
  const isVertical = () => rail.dataset.view === 'list';
  /** Where the rail is, and where it would be at its end. */
  const position = () =>
    isVertical()
      ? { at: rail.scrollTop, end: rail.scrollHeight - rail.clientHeight }
      : { at: rail.scrollLeft, end: rail.scrollWidth - rail.clientWidth };
  let last = NOWHERE;
  const scrollBy = (/** @type {number} */ pixels) => {
    if (isVertical()) rail.scrollTop += pixels;
    else rail.scrollLeft += pixels;
  };
  /** What is to be done before the next picture; null if nothing. @type {(() => void) | null} */
  let planned = null;
  // Drawing and measuring are two tasks: to measure at once would lay out, in the same task, all
  // that was just drawn.
  const beforePicture = (/** @type {() => void} */ act) => {
    if (planned === null) {
      requestAnimationFrame(() => {
        const now = planned;
        planned = null;
        now?.();
      });
    }
    planned = act;
  };
  const toEnd = () => {
    scrollBy(position().end);
    last = position();
  };
  /** Back to the newest if that is where the reader is. */
  const settle = () => {
    if (isAtNewest()) beforePicture(() => isAtNewest() && toEnd());
  };

  rail.addEventListener(
    'scroll',
    () => {
      // A rail that is not shown has no size and no end.
      if (rail.clientWidth === 0) return;
      const before = last;
      last = position();
      const isNear = last.end - last.at <= EDGE;
      // Only its reader takes a rail from its end. What grows leaves them where they are, and what
      // shrinks, or a window that gives it more room, takes it back by no more than that.
      const shrunk = Math.min(0, last.end - before.end);
      if (isAtNewest() && !isNear && last.at < before.at + shrunk - 1) setAtNewest(false);
      // And only they bring it there. One that is about to be moved is not where its reader left
      // it.
      else if (isNear && last.at > before.at && planned === null) setAtNewest(true);
    },
    { passive: true },
  );
  // A list grows without anybody's doing when what comes into view turns out higher than it was
  // taken for.
  const sizes = new ResizeObserver(() => {
    // Where all of it is in view there is no way to scroll to the newest.
    if (!isAtNewest() && rail.clientWidth > 0 && position().end <= 0) setAtNewest(true);
    settle();
  });
  for (const node of [rail, list]) sizes.observe(node);
  // Whoever unfolds something wants to read that.
  list.addEventListener('click', ({ target }) => {
    if (!(/** @type {Element} */ (target).closest('summary'))) return;
    requestAnimationFrame(() => {
      last = position();
      setAtNewest(last.end - last.at <= EDGE);
    });
  });

  return {
    settle,
    toEnd,
    toStart() {
      beforePicture(() => {
        scrollBy(-position().at);
        last = position();
      });
    },
    /** After the rail was shown or turned. */
    reset() {
      last = NOWHERE;
      settle();
    },
    /** Puts what the reader looks at back to where it was, after things change before it. */
    hold() {
      if (planned !== null) return;
      const start = (/** @type {Element} */ node) =>
        isVertical() ? node.getBoundingClientRect().top : node.getBoundingClientRect().left;
      const end = (/** @type {Element} */ node) =>
        isVertical() ? node.getBoundingClientRect().bottom : node.getBoundingClientRect().right;
      const edge = start(rail);
      const anchor = [...list.children].find((node) => end(node) > edge);
      const before = anchor ? start(anchor) : 0;
      beforePicture(() => {
        if (!anchor?.isConnected) return;
        scrollBy(start(anchor) - before);
        last = position();
      });
    },
  };
}
