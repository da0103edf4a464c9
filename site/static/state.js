// @ts-check
// The state: everything the page knows, as signals. Whoever learns something writes it here, and
// every view draws from here. Whatever follows from it is in page.js.

import { keptJson, keptText } from './lib/storage.js';
import { signal } from './lib/signal.js';

/**
 * @typedef {import('./keys/keys.js').Keys} Keys
 * @typedef {import('./lib/api-client.js').EndpointInfo} EndpointInfo
 * @typedef {import('./log/merge.js').Log} Log
 * @typedef {import('./particle/event.js').Event} Event
 * @typedef {import('./particle/model.js').Offer} Offer
 * @typedef {{clouds: any[], longest_wait_ms?: number}} Config which clouds can reach this server,
 *   and the longest wait between
 *   two questions to it, if it is not paid by the question
 * @typedef {{text: string, source: string | null, kind: string, only: boolean}} Filter `text`: what
 *   is searched for. `source`: the coreid, empty for rounds without one, null for all. `kind`: of a
 *   block that is in the round, empty for any. `only`: of such a round, only these blocks
 * @typedef {{collapsed: boolean, height: number}} Dock `height`: as a part of the window's
 * @typedef {{count: number, of: number, next: {id: string, words: string} | null, number: number,
 *   bySection: Map<string, {count: number, of: number}>}} Progress of the tasks; `number`: which of
 *   them is next, from 1
 * @typedef {ReturnType<typeof createState>} State
 */

/** @template T @param {T} initial */
const of = (initial) => signal(initial);

/** @type {Log} */
export const EMPTY_LOG = Object.freeze({
  deliveries: [],
  missing: [],
  unreadable: [],
  firstSeq: 1,
  lastSeq: 0,
  upTo: 0,
  refused: 0,
  refusedBefore: 0,
  cursor: null,
  older: null,
});

/** Where a browser keeps what the reader calls endpoints. */
export const ENDPOINT_NAMES = 'webhook-tutorial/endpoint-names';

/** @type {Filter} */
export const NO_FILTER = Object.freeze({ text: '', source: null, kind: '', only: false });

export function createState() {
  return {
    /** What config.json says; undefined until it is known, null if it could not be read. */
    config: of(/** @type {Config | null | undefined} */ (undefined)),
    /** Whether what this browser was last looking at was opened, if there is any. */
    isOpened: of(false),
    /** The endpoint that is looked at. */
    keys: of(/** @type {Keys | null} */ (null)),
    info: of(/** @type {EndpointInfo | null} */ (null)),
    /** Why what was looked at is there no more. */
    gone: of(/** @type {string | null} */ (null)),
    /**
     * The file whose log is shown in place of a server's, the events in it, and how many entries
     * were left out because they are neither deliveries nor events.
     */
    file: of(/** @type {{name: string, events: Event[], leftOut: number} | null} */ (null)),
    /** Whether somebody else's log is read, through a link or from a file. */
    reading: of(false),
    /** The endpoint that was forgotten in this tab. */
    forgotten: of(/** @type {{endpoint: string, url: string | null} | null} */ (null)),
    /** Whether there is something to work with; null until that is known. */
    isStarted: of(/** @type {boolean | null} */ (null)),
    /** How often Start was asked for, how often it made an endpoint, and what went wrong. */
    startRequests: of(0),
    starts: of(0),
    startProblem: of(''),
    /** What the reader calls endpoints: pairs of endpoint and name. */
    endpointNames: keptJson(ENDPOINT_NAMES),
    /** Other owner keys that this browser keeps. */
    others: of(/** @type {string[]} */ ([])),

    log: of(EMPTY_LOG),
    /** How the questions about the log go. */
    live: of(
      /** @type {import('./log/poll.js').State | {kind: 'off' | 'file'}} */ ({ kind: 'off' }),
    ),
    /** Why older deliveries could not be read. */
    olderProblem: of(''),
    /** Keys of the rounds that came while this page looked on, in their order. */
    arrived: of(/** @type {ReadonlySet<string>} */ (new Set())),
    /**
     * Where in the log the reader is: at the newest, which it then follows; at the oldest; or in
     * between.
     */
    place: of(/** @type {'newest' | 'oldest' | 'between'} */ ('newest')),
    /** The key of the round that is shown at full size on the log page. */
    selected: of(/** @type {string | null} */ (null)),
    /** The block whose dialog is open. */
    openBlock: of(/** @type {import('./log/delivery.js').Block | null} */ (null)),
    /** The delivery whose request is open at full size. */
    openDelivery: of(/** @type {import('./lib/api-client.js').Delivery | null} */ (null)),
    /** The block that has the focus, by its kind: the picture shows its hop. */
    focusedKind: of(''),
    filter: of(NO_FILTER),
    /** What the text of the filter finds; null for everything. */
    search: of(/** @type {import('./log/search.js').Test | null} */ (null)),

    events: of(/** @type {Event[]} */ ([])),
    /** When nobody listened to events. */
    quiet: of(/** @type {{from: number, to: number | null}[]} */ ([])),
    /** Since when events were heard without a break; null if nobody listens. */
    heardSince: of(/** @type {number | null} */ (null)),
    /** Since when every event of this endpoint is heard; null if nobody listens. */
    listeningSince: of(/** @type {number | null} */ (null)),
    stream: of(/** @type {import('./particle/stream.js').StreamState} */ ({ kind: 'connecting' })),
    /** What virtual devices printed about the results of webhooks. */
    results: of(/** @type {import('./device/results.js').Result[]} */ ([])),
    /** When an event of a device was heard last. */
    deviceEventAt: of(/** @type {number | null} */ (null)),
    /** The last flash that succeeded. */
    flashed: of(/** @type {{coreid: string, at: number} | null} */ (null)),
    /** How far a flash is, in a sentence. */
    flashWords: of(''),
    /**
     * Somebody asks for the dialog to flash, with these lines in place of the last of `publish()`.
     */
    flashRequest: of(/** @type {{lines: string | null} | null} */ (null)),
    account: of(/** @type {import('./particle/account.js').AccountState} */ ({ kind: 'out' })),
    /** The settings of the webhook that are being edited; null if none are. */
    editedWebhook: of(/** @type {import('./particle/webhook.js').Settings | null} */ (null)),
    devices: of(/** @type {import('./particle/cloud.js').Device[] | null} */ (null)),
    deviceNames: of(/** @type {Map<string, string>} */ (new Map())),
    webhook: of(/** @type {import('./particle/hook.js').HookState} */ ({ kind: 'none' })),
    /** The webhooks that lead here, with their settings, as far as the account shows them. */
    hooks: of(/** @type {import('./particle/cloud.js').Integration[]} */ ([])),
    /** What requests need that are not as the tutorial's webhook sends them, once loaded. */
    later: of(/** @type {import('./log/rounds.js').Later | null} */ (null)),
    /** Whether this is the page with the tasks. */
    isTutorial: of(false),
    isSigningIn: of(false),
    /** Why somebody is signed out who was not. */
    signedOutWhy: of(''),

    /** Whether the table of the data of all events is open. */
    dataTable: of(false),
    /** Whether the drawer of the log page is open. */
    drawer: of(false),
    progress: of(/** @type {Progress | null} */ (null)),
    /** When the reader last asked to begin the tasks again. */
    resetAt: of(0),
    /** What is known of what is left to remove, over a reload too. */
    cleanUp: of(
      /** @type {import('./steps/clean-up-known.js').Known} */ ({
        wasConnected: false,
        hook: null,
        deviceEventAt: null,
        silentAt: null,
      }),
    ),
    /** Whether the contents are open, where there is no room for them beside the text. */
    contentsOpen: of(false),
    /** What the template box made of the reader's own template, without a mistake. */
    template: of(/** @type {{bytes: number} | null} */ (null)),
    /** The sentence that a screen reader is to say. */
    announcement: of(''),
    /** The dialog that is open, and what it was given. */
    dialog: of(/** @type {{name: string, [option: string]: any} | null} */ (null)),

    /** Which shell the commands are for. */
    shell: of(/** @type {import('./lib/shell-line.js').Shell} */ ('sh')),
    muted: keptText('webhook-tutorial/muted'),
    /** `rail` or `list`, if somebody chose. */
    view: keptText('webhook-tutorial/view'),
    dock: keptJson('webhook-tutorial/dock'),
  };
}
