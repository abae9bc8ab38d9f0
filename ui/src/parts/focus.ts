/** An action: what somebody has just asked for takes the keyboard. `autofocus` does so only where nothing has it. */
export function focus(node: HTMLElement): void {
  node.focus();
}
