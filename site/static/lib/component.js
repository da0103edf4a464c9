// @ts-check
// Components. An element with `data-component="log/filter"` belongs to `static/log/filter.js`,
// whose `mount` draws what is in it from the state and gives back what its controls do, by the
// names in their `data-action`. A component finds nodes only inside its own element, and there only
// those that are in no component of their own.

import { isDisabled } from './disabled.js';
import { effect } from './signal.js';

/**
 * @typedef {import('../page.js').Page} Page
 * @typedef {Record<string, (control: HTMLElement, event: Event) => unknown>} Actions
 * @typedef {(root: HTMLElement, page: Page) => Actions | void} Mount
 */

/** @type {WeakSet<Element>} */
const mounted = new WeakSet();

/** The component that a node belongs to. @param {Element} node */
const ownerOf = (node) => node.closest('[data-component]');

/**
 * The controls and parts of a component, by an attribute.
 * @param {HTMLElement} root
 * @param {string} attribute
 */
export const own = (root, attribute) =>
  /** @type {HTMLElement[]} */ ([...root.querySelectorAll(`[${attribute}]`)]).filter(
    (node) => ownerOf(/** @type {Element} */ (node.parentElement)) === root,
  );

/**
 * The named nodes of a component, by their `data-slot`. What kind of element each is, its template
 * says.
 * @param {HTMLElement} root @returns {Record<string, any>}
 */
export function slots(root) {
  const found = Object.create(null);
  for (const node of own(root, 'data-slot')) found[node.dataset.slot ?? ''] ??= node;
  return found;
}

/** Mounts one component. @param {HTMLElement} root @param {Mount} mount @param {Page} page */
export function mountOne(root, mount, page) {
  if (mounted.has(root)) return;
  mounted.add(root);
  root.removeAttribute('data-late');
  const actions = mount(root, page);
  if (!actions) return;
  root.addEventListener('click', (event) => {
    const target = /** @type {Element} */ (event.target);
    const control = /** @type {HTMLElement | null} */ (target.closest('[data-action]'));
    if (!control || ownerOf(control) !== root) return;
    if (isDisabled(control)) return event.preventDefault();
    void actions[control.dataset.action ?? '']?.(control, event);
  });
}

/**
 * Mounts every component below a node, in their order. One with `data-late` is loaded only when the
 * component around it shows it, which mounts it by `mountLate`; if the attribute has a value,
 * `mountLater` decides.
 * @param {ParentNode} within
 * @param {Page} page
 */
export const mountAll = (within, page) =>
  mountThose(within.querySelectorAll('[data-component]:not([data-late])'), page);

/** @param {ParentNode} within @param {Page} page */
export const mountLate = (within, page) =>
  mountThose(within.querySelectorAll('[data-late=""]'), page);

/** How far below or above the view a component is loaded, in screens. */
const NEAR = '100%';

/**
 * Mounts the components that name in `data-late` when they are loaded: `view` when they come near
 * the view or somebody does something in them, the name of a signal of the state when that is set.
 * What was pressed in one before it was there is not lost.
 * @param {ParentNode} within
 * @param {Page} page
 */
export function mountLater(within, page) {
  const seen = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) if (isIntersecting) void bring(target);
    },
    { rootMargin: NEAR },
  );
  /** @type {Map<Element, Promise<void>>} */
  const coming = new Map();
  /** @param {Element} root */
  function bring(root) {
    seen.unobserve(root);
    const known = coming.get(root) ?? mountThose([root], page);
    coming.set(root, known);
    return known;
  }
  const roots = /** @type {NodeListOf<HTMLElement>} */ (
    within.querySelectorAll('[data-late]:not([data-late=""])')
  );
  for (const root of roots) {
    const names = (root.dataset.late ?? '').split(' ');
    for (const name of names.filter((one) => one !== 'view')) {
      const set = /** @type {Record<string, any>} */ (page.state)[name];
      effect(() => void (set.value && bring(root)));
    }
    if (!names.includes('view')) continue;
    seen.observe(root);
    root.addEventListener('focusin', () => void bring(root), { once: true });
    root.addEventListener('click', async function retain({ target }) {
      root.removeEventListener('click', retain);
      if (mounted.has(root)) return;
      await bring(root);
      /** @type {HTMLElement | null} */ (
        /** @type {Element} */ (target).closest('[data-action], [type=submit]')
      )?.click();
    });
  }
}

/** @param {Iterable<Element>} nodes @param {Page} page */
async function mountThose(nodes, page) {
  const roots = /** @type {HTMLElement[]} */ ([...nodes]);
  const modules = await Promise.all(
    roots.map(({ dataset }) => import(`../${dataset.component}.js`)),
  );
  roots.forEach((root, i) => {
    try {
      mountOne(root, modules[i].mount, page);
    } catch (error) {
      // One component that fails takes no other with it.
      reportError(error);
    }
  });
}
