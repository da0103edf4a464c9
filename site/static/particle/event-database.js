// @ts-check
// Events in the browser's IndexedDB: one database, everything under the endpoint it belongs to.

/** @typedef {import('./event-store.js').Place} Place */
/** @typedef {import('./event.js').Event} Event */
/** @typedef {(stores: {events: IDBObjectStore, spans: IDBObjectStore}) => void} Act */

const NAME = 'webhook-tutorial-events';
/**
 * Endpoints that nobody looked at for so long are dropped with all their events, as the server
 * drops its deliveries.
 */
const KEPT_MS = 8 * 86_400_000;

/**
 * @param {IDBFactory} factory
 * @param {string} endpoint
 * @param {() => number} now
 * @returns {Place}
 */
export function eventDatabase(factory, endpoint, now) {
  /** @type {Promise<IDBDatabase> | null} */
  let opened = null;
  const database = () => (opened ??= open(factory));
  /** @type {Act[]} */
  let waiting = [];
  /** @type {Promise<void> | null} */
  let next = null;
  /** @type {Promise<unknown>} */
  let running = Promise.resolve();
  const transaction = async () => {
    const acts = waiting;
    waiting = [];
    next = null;
    const begun = (await database()).transaction(['events', 'spans'], 'readwrite');
    const stores = { events: begun.objectStore('events'), spans: begun.objectStore('spans') };
    for (const act of acts) act(stores);
    await done(begun);
  };
  /**
   * What comes while a transaction runs shares the next one. With one each, a burst of events waits
   * for seconds, and a reload loses what waits.
   * @param {Act} act
   */
  const transact = (act) => {
    waiting.push(act);
    if (!next) running = next = running.then(transaction, transaction);
    return next;
  };
  const mine = () => IDBKeyRange.bound([endpoint], [endpoint, []]);
  return {
    async load() {
      /** @type {any[]} */
      let rows = [];
      /** @type {any} */
      let listened;
      await transact(({ events, spans }) => {
        events.getAll(mine()).onsuccess = ({ target }) =>
          (rows = /** @type {IDBRequest} */ (target).result);
        spans.getAll().onsuccess = ({ target }) => {
          for (const row of /** @type {IDBRequest} */ (target).result) {
            if (row.endpoint === endpoint) listened = row;
            else if (!(row.usedAt > now() - KEPT_MS)) {
              spans.delete(row.endpoint);
              events.delete(IDBKeyRange.bound([row.endpoint], [row.endpoint, []]));
            }
          }
        };
      });
      return {
        events: rows.map(({ event }) => event),
        spans: Array.isArray(listened?.spans) ? listened.spans : [],
      };
    },
    put: (list) =>
      transact(({ events }) =>
        list.forEach((event) => events.put({ endpoint, id: event.id, event })),
      ),
    remove: (ids) => transact(({ events }) => ids.forEach((id) => events.delete([endpoint, id]))),
    putSpans: (list) =>
      transact(({ spans }) => void spans.put({ endpoint, spans: list, usedAt: now() })),
    clear: () =>
      transact(({ events, spans }) => {
        events.delete(mine());
        spans.delete(endpoint);
      }),
  };
}

/** @param {IDBFactory} factory @returns {Promise<IDBDatabase>} */
const open = (factory) =>
  new Promise((resolve, reject) => {
    const asked = factory.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore('events', { keyPath: ['endpoint', 'id'] });
      asked.result.createObjectStore('spans', { keyPath: 'endpoint' });
    };
    asked.onsuccess = () => {
      // A later version of the page in another tab may want to change the form: let it.
      asked.result.onversionchange = () => asked.result.close();
      resolve(asked.result);
    };
    asked.onerror = () => reject(asked.error);
    asked.onblocked = () =>
      reject(new Error('the database is in use by another version of the page'));
  });

/** @param {IDBTransaction} transaction @returns {Promise<void>} */
const done = (transaction) =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
