// The list of keys.

const KEYS = [
  ["↑ ↓ or k j", "Move through the prefixes; Home, End, PageUp and PageDown too"],
  ["← →", "Move through the patterns"],
  ["1 … 9", "Tick pattern 1 … 9 here; Space ticks the pattern of this column"],
  ["Shift + ↑ ↓", "Choose several prefixes; a tick then goes to all of them"],
  ["n", "New pattern"],
  ["e", "Edit the description; Enter or Esc comes back"],
  ["t", "Change the type: n-gram or topic"],
  ["Delete", "Delete the pattern"],
  ["/", "Find text; Enter makes a pattern of what was found"],
  ["c", "Match capitals and small letters, or not; Alt + C while typing"],
  ["0", "No pattern found"],
  ["Enter", "Show the whole prefix, or only its end"],
  ["s", "Shade the tokens by the key’s coefficient there, or not"],
  [", and .", "The number of the token before, or after, while they are shaded"],
  ["Ctrl + Z", "Undo; Ctrl + Shift + Z: redo"],
  ["Ctrl + Enter", "Submit"],
  ["?", "This list"],
];

function buildHelp() {
  const list = make("dl");
  for (const [keys, what] of KEYS) list.append(make("dt", { text: keys }), make("dd", { text: what }));
  const title = make("h3", { text: "Keys", id: "help-title" });
  const mouse = make("p", {
    text: "With the mouse: click or drag over the boxes to tick; select words in a prefix to tick " +
      "every prefix that contains them; point at a shaded token for its number.",
  });
  return make("dialog", { class: "help", "aria-labelledby": "help-title" },
    title, list, mouse, button("help-close", "Close", { class: "add" }));
}
