/** Whether the window is a phone's or a narrow one, or one that lacks room for long names. */
const query = matchMedia("(max-width: 1000px)");
let narrow = $state(query.matches);
query.addEventListener("change", () => (narrow = query.matches));

const tightQuery = matchMedia("(max-width: 1600px)");
let tight = $state(tightQuery.matches);
tightQuery.addEventListener("change", () => (tight = tightQuery.matches));

export const viewport = {
  get narrow(): boolean {
    return narrow;
  },
  get tight(): boolean {
    return tight;
  },
};
