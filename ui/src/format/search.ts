/**
 * Search that forgives: no marks, no case, no tone placement (Hoà = Hòa = Hoa, Đ = D), and words, not bits of words.
 */

export function fold(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").replace(/đ/g, "d").replace(/Đ/g, "D").toLowerCase();
}

function wordsOf(text: string): string[] {
  return fold(text).match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** A text as search reads it: its words between blanks. A number is found with its leading zeros and without. */
export function searchable(...parts: (string | null | undefined)[]): string {
  const words = wordsOf(parts.filter(Boolean).join(" "));
  const bare = words.filter((word) => /^0+\d/.test(word)).map((word) => word.replace(/^0+/, ""));
  return ` ${[...words, ...bare].join(" ")} `;
}

/** Names that count only when they are asked for whole: "TP Hòa Bình" is the former city, "Hòa Bình" is much else. */
export function wholeNames(...names: string[]): string {
  return ` ${names.map((name) => wordsOf(name).join("")).join(" ")} `;
}

/**
 * True when every word of the question begins a word of the text; `whole`: is a word of it. After its first line a text
 * may have names of its place, a line each. All words stand in one line; `mixed`: some in the first, the rest in one
 * name.
 */
function matches(text: string, words: readonly string[], whole: boolean, mixed: boolean): boolean {
  const [own = "", ...names] = text.split("\n");
  const lacks =
    (line: string) =>
    (word: string): boolean =>
      !line.includes(whole ? ` ${word} ` : ` ${word}`);
  const left = words.filter(lacks(own));
  if (left.length === 0) return true;
  const asked = mixed ? left : words;
  return names.some((name) => !asked.some(lacks(name)) || name.includes(` ${asked.join("")} `));
}

/**
 * The best `max` of what answers the question: those that have it in their own names before those found by their place.
 */
export function best<T>(
  list: readonly T[],
  question: string,
  ownText: (item: T) => string,
  textOf: (item: T) => string,
  max: number,
): T[] {
  return [...new Set([...pick(list, question, ownText), ...pick(list, question, textOf)])].slice(0, max);
}

/**
 * What answers the question: those that have its whole words in one place; where there are none, what comes nearest.
 */
export function pick<T>(list: readonly T[], question: string, textOf: (item: T) => string): T[] {
  const words = wordsOf(question);
  if (words.length === 0) return [...list];
  const begun = list.filter((item) => matches(textOf(item), words, false, true));
  for (const [whole, mixed] of [
    [true, false],
    [true, true],
    [false, false],
  ] as const) {
    const found = begun.filter((item) => matches(textOf(item), words, whole, mixed));
    if (found.length > 0) return found;
  }
  return begun;
}
