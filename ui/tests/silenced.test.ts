import { describe, expect, it } from "vitest";
import type { Silence } from "../src/api/types";
import { countBySeverity, worst } from "../src/live/alerts.svelte";
import { clock } from "../src/live/clock.svelte";
import { isQuiet, isSilenced } from "../src/live/silenced";
import { NO_MATCH, openedIn, previewQuery } from "../src/silences/words";
import { anAlert } from "./samples";

const at = (ahead: number): string => new Date(clock.now + ahead).toISOString();
const under = (until: string) => ({ silence: { id: "s1", until, owner: "chief", reason: "Thử còi" } });

describe("an alert under a silence", () => {
  it("is quiet until the silence ends, whatever has been heard of that", () => {
    expect(isSilenced(anAlert(under(at(60_000))))).toBe(true);
    expect(isSilenced(anAlert(under(at(-1))))).toBe(false);
    expect(isSilenced(anAlert())).toBe(false);
    expect(isQuiet(anAlert({ state: "false_alarm" }))).toBe(true);
  });

  it("colours nothing and is still one of those that are open", () => {
    const list = [
      anAlert({ id: "a", severity: "critical", ...under(at(60_000)) }),
      anAlert({ id: "b", severity: "low" }),
    ];
    const counts = countBySeverity(list);
    expect([counts.critical, counts.low, counts.total]).toEqual([0, 1, 2]);
    expect(worst(list)).toBe("low");
  });
});

describe("a preview", () => {
  it("is asked for once something is named, with all that is named", () => {
    expect(previewQuery(NO_MATCH)).toBeNull();
    const match: Silence["match"] = { ...NO_MATCH, device: ["a", "b"], area: ["04795"] };
    expect(previewQuery(match)).toBe("area=04795&device=a%2Cb&severity_max=high");
  });

  it("counts what opened in seven days over all severities", () => {
    const opened_7d = { critical: 0, high: 3, medium: 1, low: 0, info: 0 };
    expect(openedIn({ open: 0, items: [], graver: 0, opened_7d })).toBe(4);
  });
});
