// Logs the events in the page that scripts/visitors/browser.py needs.
//
// It runs before the page's own scripts. All times are in ms of the page's clock. The websocket's
// messages are binary, but the texts in them are readable.

(() => {
  const log = { up: null, last: 0, sent: [], readings: [], shown: [], finished: null };
  const charts = {}; // by the hash of their message; the server sends a known message only as its hash
  const text = (data) => new TextDecoder("latin1").decode(data);
  let number = 0;
  let answered = 0;
  let verdict = "";

  window.benchmark = {
    log,
    begin() {
      Object.assign(log, { up: null, sent: [], readings: [], before: log.finished });
      log.shown.splice(0, log.shown.length - 1); // keep what the page shows now
    },
    // No message for `ms`, nothing running, and the canvas has reported the stroke, if there was one.
    quiet(ms) {
      const app = document.querySelector("[data-testid=stApp]").dataset;
      return (
        performance.now() - Math.max(log.last, log.up) > ms &&
        app.testScriptState === "notRunning" &&
        (log.up === null || log.finished !== log.before)
      );
    },
  };

  function sent(frame) {
    log.last = performance.now();
    const picture = frame.match(/"picture":\{"number":(\d+),"png":"([^"]*)"/);
    if (picture && +picture[1] > number) {
      number = +picture[1]; // later messages repeat the picture
      log.sent.push({ t: log.last, number, png: picture[2] });
    }
    log.finished = frame.match(/"data":"(data:image\/png[^"]*)"/)?.[1] ?? log.finished;
  }

  function received(frame) {
    log.last = performance.now();
    answered = +(frame.match(/\{"answered": (\d+)/)?.[1] ?? answered);
    verdict = frame.match(/(\d+ ms) for all networks together/)?.[1] ?? verdict;
    const hashes = frame.match(/[0-9a-f]{32}/g) ?? [];
    // The text for screen readers; the data of the chart are binary.
    const rows = [...frame.matchAll(/\w+: (\d) \((\d+)%\)/g)];
    if (rows.length > 0) {
      const consensus = frame.match(/Consensus: (\d)/)?.[1] ?? "–";
      const [digits, sure] = [1, 2].map((part) => rows.map((row) => row[part]).join(""));
      charts[hashes[0]] = { consensus, digits, sure };
    }
    const chart = hashes.map((hash) => charts[hash]).find(Boolean);
    if (chart) log.readings.push({ t: log.last, number: answered, verdict, ...chart });
  }

  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", (event) => received(text(event.data)));
    }
    send(data) {
      sent(text(data));
      super.send(data);
    }
  };

  const lifted = (event) => {
    if (event.composedPath()[0].tagName === "CANVAS") log.up = event.timeStamp;
  };
  window.addEventListener("pointerup", lifted, { capture: true });

  const look = () => {
    const texts = (selector) => document.querySelector(selector)?.textContent ?? "";
    const now = {
      verdict: texts("[data-testid=stMain]").match(/(\d+ ms) for all networks/)?.[1] ?? "",
      consensus: texts("[data-testid=stMetricValue]"),
      chart: texts("[data-testid=stVegaLiteChart] svg"),
    };
    const before = log.shown.at(-1) ?? {};
    if (Object.keys(now).some((part) => now[part] !== before[part]))
      log.shown.push({ t: performance.now(), ...now });
  };
  const everything = { subtree: true, childList: true, characterData: true };
  new MutationObserver(look).observe(document, everything);
})();
