import { afterEach, describe, expect, it } from "vitest";
import { measure, metres, number } from "../src/format/number";
import { ago, dateTime, dateTimeSeconds, span, time, timeOrDay, timeSeconds } from "../src/format/time";
import { preferences } from "../src/preferences.svelte";

const LATE = "2026-11-22T17:30:05Z"; // past midnight in Việt Nam, the day before in UTC

afterEach(() => (preferences.language = "vi"));

describe("numbers", () => {
  it("are written as the country writes them, and as English does", () => {
    expect([number(1502), number(20.34), number(-0.5, 2), number(9785)]).toEqual(["1.502", "20,3", "-0,5", "9.785"]);
    preferences.language = "en";
    expect([number(1502), number(20.34)]).toEqual(["1,502", "20.3"]);
  });

  it("stand with their unit, unbroken; what is none is a dash, not zero", () => {
    expect(measure(0, "mm")).toBe("0\u00a0mm");
    expect([measure(null, "mm"), measure(undefined, "mm"), measure("", "mm")]).toEqual(["–", "–", "–"]);
    expect([measure(true, null), measure(false, null), measure("N2", null)]).toEqual(["có", "không", "N2"]);
    expect(measure([1, 2], null)).toBe("[1,2]");
  });

  it("of metres become kilometres at a thousand", () => {
    expect([metres(55.6), metres(999.4), metres(1500)]).toEqual(["56\u00a0m", "999\u00a0m", "1,5\u00a0km"]);
  });
});

describe("times", () => {
  it("are Việt Nam's whatever the desk's zone is, in 24 hours", () => {
    expect(dateTime(LATE)).toBe("23/11/2026 00:30");
    expect(dateTimeSeconds(LATE)).toBe("23/11/2026 00:30:05");
    expect([time(LATE), timeSeconds(LATE)]).toEqual(["00:30", "00:30:05"]);
  });

  it("have their day only where it is another than today's", () => {
    expect(timeOrDay(LATE, Date.parse("2026-11-23T10:00:00Z"))).toBe("00:30");
    expect(timeOrDay(LATE, Date.parse("2026-11-22T16:00:00Z"))).toBe("23/11 00:30");
  });

  it.each([
    [0, "0 giây"],
    [-5, "0 giây"],
    [59.9, "59 giây"],
    [60, "1 phút"],
    [3_599, "59 phút"],
    [3_600, "1 giờ"],
    [4_800, "1 giờ 20 phút"],
    [6 * 3_600 + 1_200, "6 giờ"],
    [47 * 3_600, "47 giờ"],
    [48 * 3_600, "2 ngày"],
  ])("of %s seconds in length are %s", (seconds, text) => {
    expect(span(seconds)).toBe(text);
  });

  it("are told as so long ago, never in the future", () => {
    expect(ago("2026-07-01T00:00:00Z", Date.parse("2026-07-01T00:03:00Z"))).toBe("3 phút trước");
    expect(ago("2026-07-01T00:00:09Z", Date.parse("2026-07-01T00:00:00Z"))).toBe("0 giây trước");
  });
});
