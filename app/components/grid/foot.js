// The line below the table: what is saved, what was just done, and what is missing before submitting.

const STATUS_TEXTS = {
  untouched: "Every change is saved at once",
  saved: "Saved",
  saving: "Saving…",
  submitting: "Saving…",
  submitted: "Submitted",
  late: "Not saved yet – keep this window open",
};

class Foot {
  constructor(prefixes) {
    this.prefixes = prefixes;
    this.status = make("span", { class: "status", "data-status": "" });
    this.toast = make("span", { class: "toast" });
    this.toastUndo = button("undo", "Undo", { class: "link" });
    this.reason = make("span", { class: "reason", id: "reason" });
    this.submit = make("button", {
      type: "button", "data-action": "submit", class: "submit", "aria-describedby": "reason",
    });
    this.element = make("div", { class: "foot" }, this.status,
      make("span", { class: "middle" }, this.toast, this.toastUndo), this.reason, this.submit);
  }

  update({ answer, status, toast, locked, reasons, asked }) {
    put(this.status, "data-status", status);
    write(this.status, STATUS_TEXTS[status]);
    const cover = `${covered(answer)} of ${this.prefixes.length} prefixes covered`;
    write(this.toast, toast?.text ?? (answer.patterns.length ? cover : ""));
    this.toastUndo.hidden = !toast?.undo || locked;
    const more = reasons.length > 1 ? ` (and ${reasons.length - 1} more)` : "";
    write(this.reason, locked || !reasons.length ? "" : reasons[0] + more);
    put(this.reason, "data-asked", asked ? "" : null);
    put(this.reason, "title", reasons.length > 1 ? reasons.join("\n") : null);
    this.submit.hidden = status === "submitted";
    this.submit.disabled = locked || reasons.length > 0;
    put(this.submit, "title", reasons.length ? reasons.join("\n") : "Ctrl+Enter");
    write(this.submit, status === "submitting" ? "Submitting…" : "Submit");
  }
}
