/** Short messages at the foot of the screen, some with an undo. At most four at once. */

export type Toast = { id: number; text: string; tone: "plain" | "fault"; undo?: () => void };

let list = $state.raw<Toast[]>([]);
let next = 1;

export const toasts = {
  get list(): Toast[] {
    return list;
  },
  show(text: string, options: { tone?: Toast["tone"]; undo?: () => void } = {}): void {
    const toast: Toast = { id: next, text, tone: options.tone ?? "plain", undo: options.undo };
    next += 1;
    list = [...list.slice(-3), toast];
    setTimeout(() => toasts.drop(toast.id), options.undo ? 10_000 : 6_000);
  },
  drop(id: number): void {
    list = list.filter((toast) => toast.id !== id);
  },
};
