/** Whether the window is a phone's or a narrow one. */
const query = matchMedia("(max-width: 1000px)");
let narrow = $state(query.matches);
query.addEventListener("change", () => (narrow = query.matches));

export const viewport = {
  get narrow(): boolean {
    return narrow;
  },
};
