// The parts of the table that hold no state: a row, and positions in its text.

const CAN_PAINT = "highlights" in CSS; // CSS highlights paint over text and leave the elements alone

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
