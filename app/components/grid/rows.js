// The parts of the view that hold no state: a row, positions in its text, sizes, the list of keys.

const STATUS_TEXTS = {
  untouched: "Every change is saved at once",
  saved: "Saved",
  saving: "Saving…",
  submitting: "Saving…",
  submitted: "Submitted",
  late: "Not saved yet – keep this window open",
};

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
  ["0", "No pattern found"],
  ["Enter", "Show the whole prefix, or only its end"],
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
      "every prefix that contains them.",
  });
  return make("dialog", { class: "help", "aria-labelledby": "help-title" },
    title, list, mouse, button("help-close", "Close", { class: "add" }));
}

function emptyHint(answer, locked) {
  if (locked) return "";
  if (answer.no_pattern) return "You say that no pattern occurs in 3 or more prefixes.";
  return answer.patterns.length ? "" : "Press n, or select words that recur.";
}

/** Pattern columns give way to the text as they become many. */
function widthClass(patterns) {
  if (patterns <= 4) return "few";
  return patterns <= 6 ? "some" : "many";
}

function buildRow(prefix, row, largest, decimals) {
  const { rank, coefficient, text, next_token: nextToken } = prefix;
  const share = largest > 0 ? Math.max(0, coefficient / largest) : 0;
  const meter = make("span", { class: "meter" });
  meter.style.setProperty("--share", share.toFixed(4));
  const start = triggerStart(text, prefix.ends);
  const words = make("span", { class: "text" },
    visible(text.slice(0, start)), make("mark", { text: visible(text.slice(start)) }));
  const clip = make("span", { class: "clip" }, words);
  const next = nextToken
    ? make("span", { class: "next" }, make("bdi", { text: visible(nextToken.trim() || nextToken) }))
    : make("span", { class: "next end", text: "(end)", title: "The sentence ends here" });
  const more = button("more", "…", {
    class: "more", tabindex: -1, "data-row": row, "aria-label": `Show the whole of prefix ${rank}`,
  });
  const context = make("td", { class: "context", role: "gridcell", tabindex: -1, "data-row": row },
    make("div", { class: "line", dir: "auto" }, more, clip, next));
  const element = make("tr", { role: "row" },
    make("th", { class: "rank", scope: "row", role: "rowheader", text: rank }),
    make("td", { class: "coefficient", role: "gridcell" },
      meter, make("span", { class: "number", text: coefficient.toFixed(decimals) })),
    context);
  return { element, rank, context, clip, text: words, ticks: [], expanded: false };
}

function rangeIn(element, start, end) {
  const range = new Range();
  range.setStart(...pointIn(element, start, false));
  range.setEnd(...pointIn(element, end, true));
  return range;
}

/** The text node and offset of a position in a row's text; at a seam, of the node that `before` says. */
function pointIn(element, offset, before) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let node = walker.nextNode();
  let rest = offset;
  while (node && (before ? rest > node.length : rest >= node.length)) {
    const next = walker.nextNode();
    if (!next) break;
    rest -= node.length;
    node = next;
  }
  return node ? [node, Math.min(rest, node.length)] : [element, 0];
}

function offsetIn(element, node, offset) {
  const range = new Range();
  range.selectNodeContents(element);
  range.setEnd(node, offset);
  return range.toString().length;
}

/** Fill the window's height, 25 rows in view if it can be, and mark the prefixes that do not fit. */
function fitToWindow({ root, scroller, foot, headRow, rows }) {
  const page = root.getRootNode().host?.closest("[data-testid=stMain]");
  const top = scroller.getBoundingClientRect().top + (page?.scrollTop ?? 0);
  const below = foot.offsetHeight + 16;
  const room = innerHeight - below - (top < innerHeight / 2 ? top : 80);
  const height = Math.max(260, Math.floor(room));
  const forRows = (height - headRow.offsetHeight - 3) / Math.max(rows.length, 1);
  root.style.setProperty("--room", `${height}px`);
  root.style.setProperty("--row", `${Math.min(28, Math.max(20, Math.floor(forRows)))}px`);
  const clips = rows.map(({ text, clip, expanded }) =>
    expanded || text.offsetWidth > clip.clientWidth + 1);
  rows.forEach(({ element, context, text, expanded }, row) => {
    put(element, "data-long", clips[row] ? "" : null);
    put(context, "title", clips[row] && !expanded ? text.textContent : null);
  });
}
