// @ts-check
// The focus is never lost. A control often goes away with what it did: then the focus goes to what
// is in its place now, so that a keyboard user continues from there and a screen reader says what
// the result is.

/**
 * What can be seen and is next to something that can't, or else around it.
 * @param {HTMLElement} gone
 */
function inPlaceOf(gone) {
  let node = gone;
  while (node.parentElement && !node.parentElement.checkVisibility()) node = node.parentElement;
  const around = /** @type {HTMLElement} */ (node.parentElement);
  const all = /** @type {HTMLElement[]} */ ([...around.children]);
  const at = all.indexOf(node);
  return (
    [...all.slice(at + 1), ...all.slice(0, at).reverse()].find(
      (one) => one.checkVisibility() && !one.matches('.only-heard'),
    ) ?? around
  );
}

export function keepFocus() {
  /**
   * What had the focus last, outside of any dialog: a dialog gives it back to that.
   * @type {HTMLElement | null}
   */
  let outside = null;
  document.addEventListener('focusin', ({ target }) => {
    const node = /** @type {HTMLElement} */ (target);
    if (!node.closest('dialog')) outside = node;
  });
  document.addEventListener('focusout', ({ target, relatedTarget }) => {
    const left = /** @type {HTMLElement} */ (target);
    if (relatedTarget !== null || (left.checkVisibility() && !left.matches(':disabled'))) return;
    const gone = left.closest('dialog') ? outside : left;
    // Whoever hid it may have a better place for the focus.
    setTimeout(() => {
      if (document.activeElement !== document.body || !gone?.isConnected) return;
      const place = inPlaceOf(gone);
      if (place.tabIndex < 0) place.tabIndex = -1;
      place.focus();
    });
  });
}
