// @ts-check
// Reads a text/event-stream (https://html.spec.whatwg.org/multipage/server-sent-events.html),
// however its bytes are cut. Pure. Not the browser's EventSource: that one can't send a header, and
// a token does not belong into a URL.

/** @typedef {{event: string, data: string}} Message */

/** Longer lines and messages are dropped; an event of Particle's has at most 100 KB. */
const MAX_LENGTH = 1024 * 1024;

/**
 * @param {(message: Message) => void} onMessage
 * @returns {{push: (bytes: Uint8Array) => void}}
 */
export function sseReader(onMessage) {
  const decoder = new TextDecoder();
  let line = '';
  let tooLong = false;
  let afterReturn = false;
  let event = '';
  let data = '';
  let hasData = false;
  /**
   * Part of a message is not the message: what was too long is dropped up to the empty line that
   * ends it.
   */
  let spoiled = false;

  const endOfLine = () => {
    const text = line;
    const dropped = tooLong;
    line = '';
    tooLong = false;
    if (dropped) {
      spoiled = true;
      return;
    }
    if (text === '') {
      if (hasData && !spoiled) onMessage({ event: event === '' ? 'message' : event, data });
      event = '';
      data = '';
      hasData = false;
      spoiled = false;
      return;
    }
    const colon = text.indexOf(':');
    if (colon === 0) return;
    const name = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? '' : text.slice(colon + (text[colon + 1] === ' ' ? 2 : 1));
    if (name === 'event') event = value;
    if (name === 'data') {
      data = hasData ? `${data}\n${value}` : value;
      hasData = true;
      if (data.length > MAX_LENGTH) {
        spoiled = true;
        data = '';
      }
    }
  };

  return {
    push(bytes) {
      // The decoder drops a byte order mark at the start and keeps half a character until the rest
      // comes.
      const text = decoder.decode(bytes, { stream: true });
      let from = 0;
      for (let at = 0; at < text.length; at += 1) {
        const c = text[at];
        if (c !== '\n' && c !== '\r') continue;
        const lineFeedOfReturn = c === '\n' && afterReturn && at === from;
        if (at > from) add(text.slice(from, at));
        if (!lineFeedOfReturn) endOfLine();
        afterReturn = c === '\r';
        from = at + 1;
      }
      if (from < text.length) {
        add(text.slice(from));
        afterReturn = false;
      }
    },
  };

  /** @param {string} piece */
  function add(piece) {
    afterReturn = false;
    if (tooLong) return;
    line += piece;
    if (line.length <= MAX_LENGTH) return;
    tooLong = true;
    line = '';
  }
}
