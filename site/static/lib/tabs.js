// @ts-check
// What the tabs of this browser tell each other about the endpoint.

/** @typedef {'started' | 'cleared' | 'forgotten' | 'changed' | 'news'} What `changed`: what the server answers */

/** @param {(heard: {what: What, endpoint: string | undefined}) => void} onHeard */
export function mountTabs(onHeard) {
  /** @type {BroadcastChannel | null} */
  let channel = null;
  return {
    open() {
      channel ??= new BroadcastChannel('webhook-tutorial');
      channel.onmessage = ({ data }) => data && onHeard(data);
    },
    /** A page with an open channel may not be kept for "back". */
    close() {
      channel?.close();
      channel = null;
    },
    /** @param {What} what @param {string | undefined} endpoint */
    tell: (what, endpoint) => channel?.postMessage({ what, endpoint }),
  };
}
