/**
 * Texts of rules that are being written. They outlive a change of tab or screen, until saved, thrown away, or the page
 * closes.
 */

/** No rule's id begins with +, so the address of a new one can be nobody's. */
export const NEW_RULE = "+new";

type Draft = { yaml: string; /** The version it was begun from. */ version: number | null; base: string };
const drafts = $state<Record<string, Draft>>({});

export const draft = {
  of(id: string): Draft | undefined {
    return drafts[id];
  },
  /** Keep a text; one that is the same as what it was begun from is no draft. */
  write(id: string, yaml: string, begun: { version: number | null; yaml: string }): void {
    const known = drafts[id];
    const base = known?.base ?? begun.yaml;
    if (yaml === base) draft.drop(id);
    else drafts[id] = { yaml, base, version: known?.version ?? begun.version };
  },
  /** Go on from another version: what others wrote is seen, the text stays. */
  rebase(id: string, version: number, base: string): void {
    const known = drafts[id];
    if (known) drafts[id] = { ...known, version, base };
  },
  drop(id: string): void {
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- its keys are rules, and Svelte sees it go
    delete drafts[id];
  },
  get any(): boolean {
    return Object.keys(drafts).length > 0;
  },
};
