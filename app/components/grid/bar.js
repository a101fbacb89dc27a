// The line above the table: finding text, the pattern at hand, what was found, and the tools.

class Bar {
  constructor(title, prefixes, letters) {
    this.prefixes = prefixes;
    this.letters = letters;
    this.buildFind();
    this.buildEditor();
    this.found = make("div", { class: "found", role: "group", "aria-label": "What was found" });
    this.undo = button("undo", "↶", { title: "Undo (Ctrl+Z)", "aria-label": "Undo" });
    this.redo = button("redo", "↷", { title: "Redo (Ctrl+Shift+Z)", "aria-label": "Redo" });
    this.shade = button("shade", "Shade", { class: "switch" });
    const tools = make("div", { class: "tools" }, this.shade, this.undo, this.redo,
      button("help", "?", { title: "Keys (?)", "aria-label": "Show the keys" }));
    this.element = make("div", { class: "bar" },
      make("h2", { class: "title", text: title }), this.search, this.editor, this.found, tools);
  }

  buildFind() {
    this.find = make("input", {
      type: "search", class: "find", placeholder: "Find text  ( / )", autocomplete: "off",
      spellcheck: "false", "aria-label": "Find text in the prefixes", dir: "auto",
    });
    this.findCase = button("find-case", "Aa", {
      class: "switch", "aria-label": "Match case",
      title: "Match capitals and small letters (c; Alt+C while typing)",
    });
    this.search = make("div", { class: "search", role: "search" }, this.find, this.findCase);
  }

  buildEditor() {
    this.description = make("input", {
      type: "text", class: "description", maxlength: LONGEST_DESCRIPTION, autocomplete: "off",
      placeholder: "What do its prefixes share?", dir: "auto",
    });
    this.types = Object.keys(TYPE_NAMES).map((type) =>
      make("button", {
        type: "button", "data-action": "type", "data-type": type,
        title: `${TYPE_NAMES[type]}: t changes it`,
      }, make("b", { text: this.letters[type] }), ` ${type === "shallow" ? "n-gram" : "topic"}`),
    );
    this.badge = make("span", { class: "badge" });
    this.remove = button("delete", "Delete", { title: "Delete this pattern (Delete)" });
    this.one = make("div", { class: "one" },
      this.badge,
      make("div", { class: "types", role: "group", "aria-label": "Type of the pattern" }, ...this.types),
      this.description,
      this.remove,
    );
    this.none = button("none", "No pattern found", {
      class: "none", title: "I looked and found none (0)",
    });
    this.hint = make("span", { class: "hint" });
    this.add = button("add", "+ Pattern", { class: "add", title: "New pattern (n)" });
    this.editor = make("div", { class: "editor" }, this.add, this.none, this.hint, this.one);
  }

  update({ answer, active, locked, found, matchCase, canUndo, canRedo }) {
    const pattern = answer.patterns[active];
    put(this.findCase, "aria-pressed", matchCase);
    this.editor.hidden = Boolean(found);
    this.found.hidden = !found;
    if (found) this.updateFound(found, answer, locked);
    this.add.disabled = locked || answer.patterns.length >= MOST_PATTERNS;
    this.none.hidden = answer.patterns.length > 0 && !answer.no_pattern;
    this.none.disabled = locked;
    put(this.none, "aria-pressed", answer.no_pattern);
    this.hint.hidden = Boolean(pattern);
    write(this.hint, emptyHint(answer, locked));
    this.one.hidden = !pattern;
    if (pattern) {
      label(this.badge, this.letters, pattern, active);
      for (const choice of this.types) {
        put(choice, "aria-pressed", choice.dataset.type === pattern.type);
        choice.disabled = locked;
      }
      // The field is one step ahead of nobody: what is typed is in `answer` before this runs.
      if (this.description.value !== pattern.description) {
        this.description.value = pattern.description;
      }
      put(this.description, "aria-label", `Description of pattern ${active + 1}`);
      this.description.readOnly = locked;
      this.remove.disabled = locked;
    }
    this.undo.disabled = locked || !canUndo;
    this.redo.disabled = locked || !canRedo;
  }

  updateFound({ words, rows, inside, typed, matchCase }, answer, locked) {
    const shown = words.length > 60 ? `${words.slice(0, 59)}…` : words;
    const where = (inside ? " inside words" : "") + (matchCase ? ", in this case" : "");
    const text = `${rows.length} of ${this.prefixes.length} contain “${shown}”${where}`;
    const types = answer.patterns.map((pattern) => pattern.type);
    const signature = JSON.stringify([text, typed, types, locked]);
    if (this.found.dataset.signature === signature) return;
    this.found.dataset.signature = signature;
    const off = locked || !rows.length;
    const picks = answer.patterns.map((pattern, index) => {
      const pick = button("find-tick", "", {
        "data-index": index, disabled: off, "aria-label": `Tick in pattern ${index + 1}`,
        title: `Tick them in pattern ${index + 1}: ${pattern.description}`,
      });
      const badge = make("span", { class: "badge" });
      label(badge, this.letters, pattern, index);
      pick.append(badge);
      return pick;
    });
    this.found.replaceChildren(
      make("bdi", { class: "count", text }),
      button("find-new", "New shallow pattern", { class: "add", title: "Enter", disabled: off }),
      make("span", { class: "picks", hidden: !picks.length },
        make("span", { class: "hint", text: "or tick in" }), ...picks),
      button("find-clear", "✕", { "aria-label": "Clear what was found", title: "Esc" }),
    );
  }
}

function emptyHint(answer, locked) {
  if (locked) return "";
  if (answer.no_pattern) return "You say that no pattern occurs in 3 or more prefixes.";
  return answer.patterns.length ? "" : "Press n, or select words that recur.";
}
