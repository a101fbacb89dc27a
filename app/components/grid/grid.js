// The labelling grid's commands: what each does to the answer, the cursor and the screen.

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
    this.finder = new Finder(this);
    this.notice = this.lastNotice = this.toast = null;
    this.locked = data.locked;
    this.asked = false; // to submit, in vain: the reason is then shown more strongly
    this.stop = new AbortController();
    listen(this, this.stop.signal);
    this.watchConnection();
    keepOpaque(this.view.root);
    this.observer = new ResizeObserver(() => requestAnimationFrame(() => fitToWindow(this.view)));
    this.observer.observe(this.view.bar);
    this.observer.observe(this.view.table);
  }

  /** New data, or the same again: compare with the server, show, never take the focus from a field. */
  receive({ data, setStateValue, setTriggerValue }) {
    const link = {
      send: (event, payload) =>
        event === "submit" ? setTriggerValue("submit", payload) : setStateValue("draft", payload),
      connected: () => connectionState() !== "lost",
      changed: () => this.render(),
    };
    const first = !this.link;
    const outcome = this.desk.receive(data);
    this.locked = data.locked || this.desk.submitted;
    this.takeNotice(data.notice, outcome);
    if (outcome === "replaced") this.say("Changed in another window; this is its newest state.");
    this.link = link;
    this.desk.attach(link, first);
    this.render();
    fitToWindow(this.view);
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
      found: this.finder.found, reasons: problems(answer), asked: this.asked,
      locked: this.locked || submitting > 0, notice: this.notice, toast: this.toast,
      canUndo: history.past.length > 0, canRedo: history.future.length > 0,
    });
    const cell = this.view.cell(this.cursor);
    if (hadFocus && this.focusedElement() !== cell) cell.focus({ preventScroll: true });
    this.announceLater(status);
  }

  // The cursor.

  place(row, column, extend = false) {
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
    const cell = this.view.cell(this.cursor);
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

  // Changes of the answer.

  change(answer, options) {
    if (this.locked || this.desk.submitting) return;
    this.asked = false;
    this.desk.change(answer, options);
    this.render();
  }

  chosenRanks() {
    const [first, last] = [this.anchor, this.cursor.row].sort((one, other) => one - other);
    return this.prefixes.slice(first, last + 1).map((prefix) => prefix.rank);
  }

  toggleTick(index) {
    const { answer } = this.desk;
    if (!answer.patterns[index]) return this.announce(`There is no pattern ${index + 1}.`);
    const ranks = this.chosenRanks();
    const on = !ranks.every((rank) => isTicked(answer, index, rank));
    this.moveTo(this.cursor.row, index, true);
    this.change(withTicks(answer, index, ranks, on));
  }

  paint(index, from, to, on, group) {
    const [first, last] = [from, to].sort((one, other) => one - other);
    const ranks = this.prefixes.slice(first, last + 1).map((prefix) => prefix.rank);
    this.change(withTicks(this.desk.answer, index, ranks, on), { group, wait: TYPING_MS });
  }

  newPattern() {
    if (this.finder.found) return this.finder.makePattern();
    if (this.desk.answer.patterns.length >= MOST_PATTERNS) return;
    this.change(withPattern(this.desk.answer, "shallow", "", []));
    this.pick(this.desk.answer.patterns.length - 1);
    this.editDescription();
  }

  editDescription() {
    if (this.finder.found) this.finder.clear();
    if (this.active < 0 || this.locked) return;
    this.view.description.focus();
    this.view.description.select();
  }

  describe(text) {
    if (this.active < 0) return;
    const answer = withChange(this.desk.answer, this.active, { description: text });
    this.change(answer, { group: `description ${this.active}`, wait: TYPING_MS });
  }

  setType(type) {
    if (this.active >= 0) this.change(withChange(this.desk.answer, this.active, { type }));
  }

  toggleType() {
    if (this.active >= 0) this.setType(OTHER_TYPE[this.desk.answer.patterns[this.active].type]);
  }

  deletePattern() {
    const pattern = this.desk.answer.patterns[this.active];
    if (!pattern || this.locked) return;
    const name = pattern.description ? ` “${pattern.description}”` : "";
    this.say(`Deleted pattern ${this.active + 1}${name}.`, true);
    this.change(withoutPattern(this.desk.answer, this.active));
    this.focusCell();
  }

  toggleNone() {
    const { answer } = this.desk;
    if (answer.patterns.length && !answer.no_pattern) {
      return this.say("Delete the patterns first, then say that you found none.");
    }
    this.change({ ...answer, no_pattern: !answer.no_pattern });
  }

  stepBack() {
    this.step(() => this.desk.undo());
  }

  stepForward() {
    this.step(() => this.desk.redo());
  }

  step(move) {
    if (this.locked || this.desk.submitting) return;
    const before = this.desk.answer;
    move();
    this.toast = null;
    this.pick(firstDifference(before, this.desk.answer));
  }

  submit() {
    this.desk.flush();
    const [reason] = problems(this.desk.answer);
    if (this.locked || this.desk.submitting) return;
    if (reason) {
      this.asked = true;
      this.announce(reason);
      return this.render();
    }
    this.desk.submit();
    this.render();
  }

  // What is shown.

  toggleExpanded(row) {
    this.view.rows[row].expanded = !this.view.rows[row].expanded;
    this.render();
    fitToWindow(this.view);
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
