/** The rules as this screen knows them: read when it opens, again when the stream says that one has changed, and for their health. */
import { ask, Problem } from "../api/client";
import type { Rule, RuleAction } from "../api/types";
import { fold } from "../format/search";
import { t } from "../i18n/index.svelte";
import { ruleChanges } from "../live/rules";

const LIST_EVERY_MS = 30_000;
const ONE_EVERY_MS = 10_000;
const SETTLE_MS = 250;

let list = $state.raw<Rule[]>([]);
let loaded = $state(false);
let fault = $state.raw<unknown>(null);

export type Switch = Extract<RuleAction, "enable" | "disable" | "monitor" | "alert" | "reset">;
export type Saved = { done: Rule } | { lost: Rule } | { refused: string; problem: Problem };

export const rules = {
  get list(): Rule[] {
    return list;
  },
  get loaded(): boolean {
    return loaded;
  },
  get fault(): unknown {
    return fault;
  },
  get(id: string): Rule | undefined {
    return list.find((rule) => rule.id === id);
  },
  searchText(rule: Rule): string {
    return fold(`${rule.id} ${rule.title.vi} ${rule.title.en} ${rule.words.map((one) => `${one.vi} ${one.en}`).join(" ")} ${rule.limits.map((one) => one.source).join(" ")}`);
  },
  async load(): Promise<void> {
    try {
      list = (await ask<{ items: Rule[] }>("/rules")).items;
      loaded = true;
      fault = null;
    } catch (cause) {
      fault = cause;
    }
  },
  /** Read one rule again: its health moves all the time, and the whole list is large. */
  async refresh(id: string): Promise<void> {
    try {
      rules.hear(await ask<Rule>(`/rules/${encodeURIComponent(id)}`));
    } catch (cause) {
      if (cause instanceof Problem && cause.status === 404) rules.forget(id);
    }
  },
  /** Read now, and again whenever something may have changed, until the returned function is called; of one rule, that one often. */
  follow(id: string | null): () => void {
    let settling: ReturnType<typeof setTimeout> | null = null;
    const soon = (): void => {
      settling ??= setTimeout(() => {
        settling = null;
        void rules.load();
      }, SETTLE_MS);
    };
    if (!loaded || id === null) void rules.load();
    const timer = setInterval(() => {
      if (!document.hidden) void (id === null || !loaded ? rules.load() : rules.refresh(id));
    }, id === null ? LIST_EVERY_MS : ONE_EVERY_MS);
    const forget = ruleChanges.listen(soon);
    return () => {
      clearInterval(timer);
      if (settling !== null) clearTimeout(settling);
      forget();
    };
  },
  hear(rule: Rule): void {
    const before = rules.get(rule.id);
    if (before && before.version > rule.version) return;
    list = before ? list.map((one) => (one.id === rule.id ? rule : one)) : [...list, rule];
  },
  forget(id: string): void {
    list = list.filter((rule) => rule.id !== id);
  },
  save(rule: Rule | null, id: string, yaml: string, why: string): Promise<Saved> {
    const path = rule ? `/rules/${encodeURIComponent(id)}` : "/rules";
    return change(() => ask<Rule>(path, { method: rule ? "PUT" : "POST", body: { yaml, why }, version: rule?.version }));
  },
  turn(rule: Rule, to: Switch, why: string): Promise<Saved> {
    return change(() => ask<Rule>(`/rules/${encodeURIComponent(rule.id)}/${to}`, { method: "POST", body: { why }, version: rule.version }));
  },
  async remove(rule: Rule, why: string): Promise<Saved> {
    const saved = await change(async () => {
      await ask<void>(`/rules/${encodeURIComponent(rule.id)}`, { method: "DELETE", body: { why }, version: rule.version });
      return rule;
    });
    if ("done" in saved) rules.forget(rule.id);
    return saved;
  },
};

async function change(work: () => Promise<Rule>): Promise<Saved> {
  try {
    const done = await work();
    rules.hear(done);
    return { done };
  } catch (cause) {
    if (!(cause instanceof Problem)) throw cause;
    const current = cause.body.current as Rule | undefined;
    if (cause.status === 412 && current) {
      rules.hear(current);
      return { lost: current };
    }
    return { refused: explain(cause), problem: cause };
  }
}

export function explain(problem: Problem): string {
  if (problem.status === 0) return t("action.unreachable");
  if (problem.status === 403) return t("action.forbidden");
  if (problem.status === 429) return t("rule.tooMany");
  return t("action.refused", { reason: problem.message });
}
