/** Says when a rule has changed, to whoever shows rules; the rules themselves are read by their screen. */

export type RuleChange = { id: string; version: number };
type Listener = () => void;

const listeners = new Set<Listener>();

export const ruleChanges = {
  hear(): void {
    for (const listener of listeners) listener();
  },
  listen(listener: Listener): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};
