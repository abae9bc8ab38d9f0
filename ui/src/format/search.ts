/** Search that forgives: no marks, no case, no tone placement. Hoà = Hòa = Hoa, Đ = D. */

export function fold(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").replace(/đ/g, "d").replace(/Đ/g, "D").toLowerCase();
}

/** True when every word of the question is somewhere in the (already folded) text. */
export function matches(foldedText: string, question: string): boolean {
  return fold(question).split(/\s+/).every((word) => foldedText.includes(word));
}
