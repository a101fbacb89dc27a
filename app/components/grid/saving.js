// One person's work on one key in one window: the answer as seen, and whether the server has it.
//
// The answer here is always ahead of the stored one. A change raises `sequence` and goes out whole;
// it is saved when the server's answer names this window and that sequence, never before. A change
// that stays unanswered is sent again with the same sequence and another `attempt`, because
// Streamlit runs no callback for a value it has already seen.

const TYPING_MS = 400; // a pause in typing
const PATIENCE_MS = 8000; // then the screen says that a change is not saved, and sends it again
const RECONNECTED_MS = 1500; // a restarted server swallows the first message of a window

class Desk {
  constructor(keyId, stored) {
    this.keyId = keyId;
    // crypto.randomUUID exists on https and localhost only; a laboratory's server may be neither.
    this.writer = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) =>
      part.toString(16).padStart(8, "0"),
    ).join("");
    this.history = beginHistory(stored.answer);
    this.base = stored.revision;
    this.sequence = 0;
    this.acknowledged = 0;
    this.attempt = 0;
    this.submitting = 0; // the sequence that was submitted, until the server has answered
    this.submitted = stored.status === "submitted";
    this.late = false;
    this.link = null; // { send(event, payload), connected(), changed() } while a page shows this
    this.typing = null;
    this.watch = null;
  }

  get answer() {
    return this.history.present;
  }

  get unsaved() {
    return this.acknowledged < this.sequence;
  }

  /** A grid shows this work. What was unsaved when it was last shown goes out at its `first` call. */
  attach(link, first) {
    this.link = link;
    if (first && this.unsaved) this.sendAgain();
  }

  /** A grid goes; another one may have taken over already. */
  detach(link) {
    if (this.link !== link) return;
    this.flush();
    clearTimeout(this.watch);
    this.watch = null;
    this.link = null;
  }

  change(answer, { group = null, wait = 0 } = {}) {
    this.move(record(this.history, answer, group), wait);
  }

  undo() {
    this.move(undo(this.history), 0);
  }

  redo() {
    this.move(redo(this.history), 0);
  }

  /** The next change begins a step of its own; what was typed goes out. */
  closeGroup() {
    this.history = { ...this.history, group: null };
    this.flush();
  }

  submit() {
    clearTimeout(this.typing);
    this.typing = null;
    this.sequence += 1; // its own number, so that the answer to it is no answer to a draft
    this.submitting = this.sequence;
    this.send();
  }

  flush() {
    if (this.typing === null) return;
    clearTimeout(this.typing);
    this.typing = null;
    this.send();
  }

  reconnected() {
    if (!this.unsaved || !this.link) return;
    this.sendAgain();
    this.wait(RECONNECTED_MS);
  }

  /**
   * Compare with what the server has. Returns "refused" if a change of ours was turned down,
   * "overtaken" if the stored answer took its place too, "replaced" if another window's answer took
   * the place of a saved one, or null.
   */
  receive({ stored, handled, notice }) {
    const mine = stored.writer === this.writer;
    if (mine && stored.sequence > this.acknowledged) {
      this.acknowledged = stored.sequence;
      clearTimeout(this.watch);
      this.watch = null;
      this.late = false;
    }
    if (mine) this.base = stored.revision;
    this.submitted = stored.status === "submitted";
    const heard = handled?.writer === this.writer && handled.sequence >= this.sequence;
    const refused = this.unsaved && heard;
    const unsubmitted = heard && this.submitting > 0 && !this.submitted;
    if (heard || this.submitted) this.submitting = 0;
    const overtaken = !mine && stored.revision > this.base;
    if (overtaken && !this.unsaved) return this.take(stored, []);
    if ((overtaken && (refused || notice)) || (refused && this.submitted)) {
      return this.take(stored, [this.answer]);
    }
    if (this.unsaved && this.typing === null && this.watch === null) this.wait(PATIENCE_MS);
    return refused || unsubmitted ? "refused" : null;
  }

  /** The stored answer takes the place of ours; `past` is what an undo brings back. */
  take(stored, past) {
    clearTimeout(this.typing);
    clearTimeout(this.watch);
    this.typing = this.watch = null;
    this.late = false;
    this.history = beginHistory(stored.answer, past);
    this.acknowledged = this.sequence;
    this.submitting = 0;
    this.base = stored.revision;
    return past.length ? "overtaken" : "replaced";
  }

  status() {
    if (this.unsaved && (this.late || !this.link?.connected())) return "late";
    if (this.submitting) return "submitting";
    if (this.unsaved) return "saving";
    if (this.submitted) return "submitted";
    return this.base || this.sequence ? "saved" : "untouched";
  }

  move(history, wait) {
    const changed = history !== this.history && !sameAnswer(history.present, this.answer);
    this.history = history;
    if (!changed) return;
    this.sequence += 1;
    clearTimeout(this.typing);
    this.typing = null;
    if (wait) this.typing = setTimeout(() => this.flush(), wait);
    else this.send();
  }

  send() {
    if (!this.link) return;
    this.link.send(this.submitting ? "submit" : "draft", {
      key_id: this.keyId,
      answer: tidyAnswer(this.answer),
      base_revision: this.base,
      writer: this.writer,
      sequence: this.sequence,
      attempt: this.attempt,
    });
    if (this.watch === null) this.wait(PATIENCE_MS);
  }

  sendAgain() {
    this.attempt += 1;
    this.send();
  }

  wait(milliseconds) {
    clearTimeout(this.watch);
    this.watch = setTimeout(() => {
      this.watch = null;
      if (!this.unsaved) return;
      this.late = true;
      this.sendAgain();
      this.link?.changed();
    }, milliseconds);
  }
}
