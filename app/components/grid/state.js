// What an answer is and how it changes: values in, new values out, nothing of the page.
// An answer is { patterns: [{ type, description, ranks }], no_pattern }, as annotations/answers.py has it.

const FEWEST_PREFIXES = 3; // the paper, section 3
const MOST_PATTERNS = 50;
const LONGEST_DESCRIPTION = 500; // characters, not UTF-16 units
const OTHER_TYPE = { shallow: "semantic", semantic: "shallow" };

function withPattern(answer, type, description, ranks) {
  const pattern = { type, description, ranks: ascending(ranks) };
  return { patterns: [...answer.patterns, pattern], no_pattern: false };
}

function withoutPattern(answer, index) {
  return { ...answer, patterns: answer.patterns.filter((_, other) => other !== index) };
}

function withChange(answer, index, change) {
  const patterns = answer.patterns.map((pattern, other) =>
    other === index ? { ...pattern, ...change } : pattern,
  );
  return { ...answer, patterns };
}

function withTicks(answer, index, ranks, on) {
  const kept = answer.patterns[index].ranks.filter((rank) => !ranks.includes(rank));
  return withChange(answer, index, { ranks: ascending(on ? [...kept, ...ranks] : kept) });
}

function ascending(ranks) {
  return [...ranks].sort((one, other) => one - other);
}

function isTicked(answer, index, rank) {
  return answer.patterns[index].ranks.includes(rank);
}

function covered(answer) {
  return new Set(answer.patterns.flatMap((pattern) => pattern.ranks)).size;
}

function sameAnswer(one, other) {
  return JSON.stringify(inOrder(one)) === JSON.stringify(inOrder(other));
}

function inOrder(answer) {
  const patterns = answer.patterns.map(({ type, description, ranks }) => [type, description, ranks]);
  return [patterns, answer.no_pattern];
}

/** The sentences of `problems` in annotations/answers.py; a test holds the two together. */
function problems(answer) {
  const found = [];
  if (!answer.patterns.length && !answer.no_pattern) {
    found.push("Add a pattern, or say that you found none.");
  }
  if (answer.patterns.length && answer.no_pattern) {
    found.push("You say that you found no pattern; remove the patterns or take that back.");
  }
  answer.patterns.forEach(({ description, ranks }, index) => {
    if (!description.trim()) {
      found.push(`Pattern ${index + 1} has no description; say what its prefixes share.`);
    }
    if (ranks.length < FEWEST_PREFIXES) {
      const noun = ranks.length === 1 ? "prefix" : "prefixes";
      found.push(
        `Pattern ${index + 1} is ticked in ${ranks.length} ${noun}; ` +
          `a pattern needs at least ${FEWEST_PREFIXES}.`,
      );
    }
  });
  return found;
}

/** A description as the store accepts it: one line, no control characters, not too long. */
function tidyDescription(text) {
  const oneLine = text.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]+/gu, " ");
  return Array.from(oneLine).slice(0, LONGEST_DESCRIPTION).join("");
}

function tidyAnswer(answer) {
  const patterns = answer.patterns.map((pattern) => ({
    ...pattern,
    description: tidyDescription(pattern.description),
  }));
  return { ...answer, patterns };
}

// History. Changes of one `group` (a drag, a stay in a text field) are one step back.

function beginHistory(answer, past = []) {
  return { past, present: answer, future: [], group: null };
}

function record(history, answer, group = null) {
  if (sameAnswer(answer, history.present)) return history;
  const joins = group !== null && group === history.group;
  const past = joins ? history.past : [...history.past, history.present];
  return { past, present: answer, future: [], group };
}

function undo(history) {
  if (!history.past.length) return history;
  const past = history.past.slice(0, -1);
  const future = [history.present, ...history.future];
  return { past, present: history.past.at(-1), future, group: null };
}

function redo(history) {
  if (!history.future.length) return history;
  const [present, ...future] = history.future;
  return { past: [...history.past, history.present], present, future, group: null };
}

/** The first pattern of `after` that differs: where an undo leads the eye. The last one if none does. */
function firstDifference(before, after) {
  const same = (index) =>
    JSON.stringify(before.patterns[index]) === JSON.stringify(after.patterns[index]);
  const index = after.patterns.findIndex((_, other) => !same(other));
  return index < 0 ? after.patterns.length - 1 : index;
}
