// Stands in a page before anything else of it, and notes what was on the screen when. Nothing of the console knows of it.
(() => {
  const seen = { frames: [], painted: [], isOn: false, useful: 0, wanted: "" };
  globalThis.seen = seen;
  // What has come and is not on the screen yet: the number of an event, and the time in its record.
  let waiting = [];
  const listen = EventSource.prototype.addEventListener;
  EventSource.prototype.addEventListener = function (kind, listener, options) {
    const noted = (message) => {
      if (seen.isOn && typeof message.data === "string") {
        const found = /"at":"([^"]+)"/.exec(message.data);
        if (found) waiting.push([Number(message.lastEventId), Date.parse(found[1])]);
      }
      listener(message);
    };
    return listen.call(this, kind, noted, options);
  };
  // The strip is painted once for a picture, and begins with this. What was heard before is in that picture.
  const begin = CanvasRenderingContext2D.prototype.setTransform;
  CanvasRenderingContext2D.prototype.setTransform = function (...args) {
    if (waiting.length > 0) {
      const shown = waiting;
      waiting = [];
      // A message that is posted while a picture is made comes when it has been handed over.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        const now = Date.now();
        for (const [seq, at] of shown) seen.painted.push(seq, at, now);
        port1.close();
      };
      port2.postMessage(null);
    }
    return begin.apply(this, args);
  };
  let last = 0;
  const frame = (at) => {
    if (seen.isOn && last > 0) seen.frames.push(at - last);
    last = at;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  // A page is useful when what it is for is on the screen.
  const look = () => {
    if (seen.useful > 0 || seen.wanted === "") return;
    if (document.querySelector(seen.wanted)) {
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
          seen.useful = performance.now();
          port1.close();
        };
        port2.postMessage(null);
      });
      seen.wanted = "";
    }
  };
  seen.wanted = sessionStorage.getItem("wanted") ?? "";
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
})();
