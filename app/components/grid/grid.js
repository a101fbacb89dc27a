// The labelling grid: what the server sends, the cursor, and what is shown. editor.js has the commands
// that change the answer, finder.js tick by text, shading.js the coefficients over the text.

const OVERTAKEN =
  "Another window has changed this answer; this is what it says now. Undo brings back what you had.";
const REFUSED = "This change was not accepted.";
const TOAST_MS = 8000;
const ANNOUNCE_MS = 700; // a status that stays this long is worth saying

class Grid {
  constructor(parent, desk, data) {
    this.keyId = data.key_id;
    this.prefixes = data.prefixes.map((prefix) => ({
      ...prefix,
      ends: tokenEnds(prefix.text, prefix.token_ends),
    }));
    this.desk = desk;
    this.link = null;
    this.view = new View(parent, { ...data, prefixes: this.prefixes });
    this.cursor = { row: 0, column: CONTEXT };
    this.anchor = 0;
    this.active = this.desk.answer.patterns.length ? 0 : -1;
    this.editor = new Editor(this);
    this.finder = new Finder(this);
    this.notice = this.lastNotice = this.toast = null;
    this.locked = data.locked;
    this.asked = false; // to submit, in vain: the reason is then shown more strongly
    this.shading = new Shading(this, data.shading_on);
    this.stop = new AbortController();
    listen(this, this.stop.signal);
    this.watchConnection();
    keepOpaque(this.view.root);
    this.observer = new ResizeObserver(() => requestAnimationFrame(() => this.view.fit()));
    for (const { element } of [this.view.bar, this.view.table, this.view.foot]) {
      this.observer.observe(element);
    }
  }

  /** New data, or the same again: compare with the server, show, never take the focus from a field. */
  receive({ setStateValue, setTriggerValue }, data) {
    const link = {
      send: (event, payload) =>
        event === "submit" ? setTriggerValue("submit", payload) : setStateValue("draft", payload),
      shade: (on) => setStateValue("shading", { on, at: Date.now() }),
      connected: () => connectionState() !== "lost",
      changed: () => this.render(),
    };
    const first = !this.link;
    const outcome = this.desk.receive(data);
    this.locked = data.locked || this.desk.submitted;
    this.takeNotice(data.notice, outcome);
    if (outcome === "replaced") this.say("Changed elsewhere; this is its newest state.");
    this.link = link;
    this.desk.attach(link, first);
    this.render();
    this.view.fit();
    if (first && nobodyTypes()) this.focusCell();
  }

  /** What was refused stays on the screen until it is dismissed or the answer is submitted. */
  takeNotice(notice, outcome) {
    if (outcome === "overtaken" && !this.locked) this.notice = OVERTAKEN;
    else if (outcome === "overtaken" || outcome === "refused") this.notice = notice ?? REFUSED;
    else if (notice && notice !== this.lastNotice && this.notice !== OVERTAKEN) this.notice = notice;
    else if (this.locked) this.notice = this.toast = null;
    this.lastNotice = notice;
  }

  destroy() {
    this.desk.detach(this.link);
    this.stop.abort();
    this.observer.disconnect();
    this.connection?.disconnect();
    clearTimeout(this.toastTimer);
    clearTimeout(this.liveTimer);
    this.view.highlight(null);
    this.shading.clear();
    this.view.root.remove();
  }

  render() {
    const { answer, history, submitting } = this.desk;
    this.active = Math.min(this.active, answer.patterns.length - 1);
    if (this.active < 0 && answer.patterns.length) this.active = 0;
    if (this.cursor.column !== CONTEXT) this.cursor.column = this.active;
    const status = this.desk.status();
    const hadFocus = this.focusedElement()?.matches(".tick, td.context");
    this.view.update({
      answer, status, active: this.active, cursor: this.cursor, anchor: this.anchor,
      found: this.finder.found, matchCase: this.finder.matchCase,
      reasons: problems(answer), asked: this.asked,
      locked: this.locked || submitting > 0, notice: this.notice, toast: this.toast,
      canUndo: history.past.length > 0, canRedo: history.future.length > 0,
    });
    const cell = this.view.table.cell(this.cursor);
    if (hadFocus && this.focusedElement() !== cell) cell.focus({ preventScroll: true });
    this.announceLater(status);
  }

  // The cursor.

  place(row, column, extend = false) {
    if (row !== this.cursor.row) this.shading.hide();
    this.cursor = { row, column };
    if (!extend) this.anchor = row;
    if (column !== CONTEXT) this.pick(column);
    else this.render();
  }

  moveTo(row, column, extend = false) {
    this.place(row, column, extend);
    this.focusCell();
  }

  moveBy(rows, columns, extend) {
    const row = Math.min(this.prefixes.length - 1, Math.max(0, this.cursor.row + rows));
    const last = this.desk.answer.patterns.length - 1;
    const column = Math.min(last, Math.max(CONTEXT, this.cursor.column + columns));
    this.moveTo(row, column, extend && rows !== 0);
  }

  focusCell() {
    const cell = this.view.table.cell(this.cursor);
    cell.focus({ preventScroll: true });
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  focusedElement() {
    return this.view.root.getRootNode().activeElement;
  }

  /** Make a pattern the one that commands are about; a cursor among the patterns goes there. */
  pick(index) {
    if (index !== this.active) this.desk.closeGroup();
    this.active = index;
    this.render();
  }

  rowAt(y) {
    const rows = this.view.rows.map(({ element }) => element.getBoundingClientRect());
    const row = rows.findIndex(({ top, bottom }) => y >= top && y < bottom);
    return row < 0 ? null : row;
  }

  // What is shown.

  toggleExpanded(row) {
    this.view.rows[row].expanded = !this.view.rows[row].expanded;
    this.render();
    this.view.fit();
    this.shading.paint();
  }

  showHelp() {
    this.view.help.showModal();
  }

  dismissNotice() {
    this.notice = null;
    this.render();
    this.focusCell();
  }

  say(text, undoable = false) {
    this.toast = { text, undo: undoable };
    this.announce(text);
    clearTimeout(this.toastTimer);
    this.toastTimer = setTimeout(() => {
      this.toast = null;
      this.render();
    }, TOAST_MS);
    this.render();
  }

  announce(text) {
    this.view.live.textContent = text;
  }

  /** The status as a screen reader hears it: what lasts, not every "Saving…" between two ticks. */
  announceLater(status) {
    clearTimeout(this.liveTimer);
    if (status === this.announced) return;
    this.liveTimer = setTimeout(() => {
      this.announced = status;
      this.announce(STATUS_TEXTS[status]);
    }, ANNOUNCE_MS);
  }

  /** Streamlit marks its root element with the state of the connection; a change of it is news. */
  watchConnection() {
    const app = document.querySelector(APP);
    if (!app) return;
    this.connection = new MutationObserver(() => {
      if (connectionState() === "there") this.desk.reconnected();
      this.render();
    });
    this.connection.observe(app, { attributeFilter: [CONNECTION] });
  }
}
