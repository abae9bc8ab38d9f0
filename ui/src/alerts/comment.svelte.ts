/** The key `c` opens an alert and wants its comment field: a wish that the drawer takes once. */
let wanted = $state(false);

export const commentWanted = {
  get now(): boolean {
    return wanted;
  },
  ask(): void {
    wanted = true;
  },
  taken(): void {
    wanted = false;
  },
};
