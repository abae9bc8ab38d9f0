/**
 * What changed between two texts, line by line: the longest common subsequence, with a few lines around each change.
 */

export type DiffLine = {
  kind: "same" | "gone" | "new" | "cut";
  text: string;
  before: number | null;
  after: number | null;
};

const AROUND = 3;
/** Beyond it the table of the comparison would be large; then everything counts as replaced. */
const CELLS_MAX = 4_000_000;

export function diffLines(before: string, after: string): DiffLine[] {
  const [a, b] = [before.replace(/\n$/, "").split("\n"), after.replace(/\n$/, "").split("\n")];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const lines: DiffLine[] = [];
  const same = (i: number, j: number): void =>
    void lines.push({ kind: "same", text: a[i] ?? "", before: i + 1, after: j + 1 });
  for (let i = 0; i < start; i += 1) same(i, i);
  lines.push(...middle(a.slice(start, a.length - end), b.slice(start, b.length - end), start));
  for (let i = end; i > 0; i -= 1) same(a.length - i, b.length - i);
  return folded(lines);
}

function middle(a: string[], b: string[], start: number): DiffLine[] {
  const gone = (i: number): DiffLine => ({ kind: "gone", text: a[i] ?? "", before: start + i + 1, after: null });
  const added = (j: number): DiffLine => ({ kind: "new", text: b[j] ?? "", before: null, after: start + j + 1 });
  if (a.length * b.length > CELLS_MAX) return [...a.map((_, i) => gone(i)), ...b.map((_, j) => added(j))];
  const width = b.length + 1;
  const longest = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      longest[i * width + j] =
        a[i] === b[j]
          ? (longest[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(longest[(i + 1) * width + j] ?? 0, longest[i * width + j + 1] ?? 0);
    }
  }
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ kind: "same", text: a[i] ?? "", before: start + i + 1, after: start + j + 1 });
      i += 1;
      j += 1;
    } else if (
      j >= b.length ||
      (i < a.length && (longest[(i + 1) * width + j] ?? 0) >= (longest[i * width + j + 1] ?? 0))
    )
      lines.push(gone(i++));
    else lines.push(added(j++));
  }
  return lines;
}

/** Long stretches without a change become one mark. */
function folded(lines: DiffLine[]): DiffLine[] {
  const near = lines.map((_, index) =>
    lines.slice(Math.max(0, index - AROUND), index + AROUND + 1).some((line) => line.kind !== "same"),
  );
  const kept: DiffLine[] = [];
  lines.forEach((line, index) => {
    if (near[index]) kept.push(line);
    else if (kept.at(-1)?.kind !== "cut") kept.push({ kind: "cut", text: "⋯", before: null, after: null });
  });
  return kept;
}

/** The lines of a unified diff, as the server keeps it in the history. */
export function unifiedLines(diff: string): DiffLine[] {
  return diff
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("---") && !line.startsWith("+++"))
    .map(
      (line) =>
        ({
          kind: line.startsWith("@@") ? "cut" : line.startsWith("+") ? "new" : line.startsWith("-") ? "gone" : "same",
          text: line.startsWith("@@") ? "⋯" : line.slice(1),
          before: null,
          after: null,
        }) satisfies DiffLine,
    );
}
