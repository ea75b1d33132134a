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

  // The readings are the data of a component, as JSON with "texts" last.
  function data(frame) {
    const from = frame.indexOf('{"digits": ');
    return from < 0 ? null : JSON.parse(`${frame.slice(from, frame.indexOf(', "texts": ', from))}}`);
  }

  // What each network reads, and how sure it is, by name: on the page, the rows change places.
  const sorted = (rows) => rows.map((row) => row.join(" ")).sort().join(", ");

  function received(frame) {
    log.last = performance.now();
    answered = +(frame.match(/\{"answered": (\d+)/)?.[1] ?? answered);
    const hashes = frame.match(/[0-9a-f]{32}/g) ?? [];
    const found = data(frame);
    if (found) {
      const consensus = found.digits.map((digit) => digit.reads).join("") || "–";
      const rows = (found.digits[0]?.groups ?? []).flatMap((group) => group.rows);
      const chart = sorted(rows.map(({ name, reads, sure }) => [name, reads, `${sure} %`]));
      charts[hashes[0]] = { consensus, verdict: milliseconds(found.small), chart };
    }
    const shown = hashes.map((hash) => charts[hash]).find(Boolean);
    if (shown?.chart) log.readings.push({ t: log.last, number: answered, ...shown });
  }

  const milliseconds = (text) => text.match(/(\d+ ms) for all networks/)?.[1] ?? "";

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

  const roots = []; // of components, whose elements the document does not show

  const look = () => {
    const panel = roots.map((root) => root.querySelector(".panel")).find(Boolean);
    if (!panel) return;
    const text = (parent, selector) => parent.querySelector(selector).textContent;
    const rows = [...panel.querySelectorAll(".row")];
    const now = {
      verdict: milliseconds(text(panel, ".verdict .small")),
      consensus: text(panel, ".digits"),
      chart: sorted(rows.map((row) => [row.title, text(row, ".reads"), text(row, ".sure")])),
    };
    const before = log.shown.at(-1) ?? {};
    if (Object.keys(now).some((part) => now[part] !== before[part]))
      log.shown.push({ t: performance.now(), ...now });
  };
  const observer = new MutationObserver(look);
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (options) {
    const root = attach.call(this, options);
    roots.push(root);
    observer.observe(root, { subtree: true, childList: true, characterData: true });
    return root;
  };
})();
