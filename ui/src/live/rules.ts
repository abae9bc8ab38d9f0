/** Says when a rule has changed, to whoever shows rules; the rules themselves are read by their screen. */

export type RuleChange = { id: string; version: number };
type Listener = (change: RuleChange) => void;

const listeners = new Set<Listener>();

export const ruleChanges = {
  hear(change: RuleChange): void {
    for (const listener of listeners) listener(change);
  },
  listen(listener: Listener): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};
