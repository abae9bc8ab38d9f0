import { describe, expect, it } from "vitest";
import { best, fold, pick, searchable, wholeNames } from "../src/format/search";

const found = (question: string, ...texts: string[]): string[] =>
  pick(texts, question, (text) =>
    text
      .split("\n")
      .map((line) => searchable(line))
      .join("\n"),
  );

describe("search", () => {
  it("forgives marks, case, tone placement and đ", () => {
    expect(new Set(["Hoà", "Hòa", "HOA", "hoa"].map(fold))).toEqual(new Set(["hoa"]));
    expect(fold("Đà Đen")).toBe("da den");
    expect(found("luong son", "Lương Sơn", "Lạc Sơn")).toEqual(["Lương Sơn"]);
  });

  it("goes by words, not by bits of words", () => {
    expect(found("an", "Tân Hòa", "An Bình")).toEqual(["An Bình"]);
  });

  it("takes the beginning of a word where no whole word answers", () => {
    expect(found("binh", "Bình Thanh", "Cầu Bìn")).toEqual(["Bình Thanh"]);
    expect(found("bin", "Bình Thanh", "Mông Hóa")).toEqual(["Bình Thanh"]);
  });

  it("wants every word, in one place where one has them all", () => {
    expect(found("mua hoa binh", "Trạm mưa\nHòa Bình", "Trạm mưa\nMông Hóa")).toEqual(["Trạm mưa\nHòa Bình"]);
    expect(found("thinh minh", "Thịnh Minh", "Thịnh Lang\nKỳ Sơn Minh")).toEqual(["Thịnh Minh"]);
  });

  it("finds a number with its leading zeros and without", () => {
    expect(found("7", "HB-0007")).toEqual(["HB-0007"]);
    expect(found("0007", "HB-0007")).toEqual(["HB-0007"]);
  });

  it("answers an empty question with everything, as it came", () => {
    expect(found("  ", "b", "a")).toEqual(["b", "a"]);
  });

  it("has what carries the name itself before what lies at such a place, and no more than asked for", () => {
    const list = [
      { own: "Trạm 1", place: "Hòa Bình" },
      { own: "Hòa Bình", place: "" },
      { own: "Trạm 2", place: "Hòa Bình" },
    ];
    const own = (one: { own: string }): string => searchable(one.own);
    const all = (one: { own: string; place: string }): string => `${searchable(one.own)}\n${searchable(one.place)}`;
    expect(best(list, "hoa binh", own, all, 2).map((one) => one.own)).toEqual(["Hòa Bình", "Trạm 1"]);
  });

  it("knows a former name only when it is asked for whole", () => {
    const texts = [`${searchable("Trạm 1")}\n${wholeNames("TP Hòa Bình")}`];
    expect(pick(texts, "tp hoa binh", (text) => text)).toHaveLength(1);
    expect(pick(texts, "hoa binh", (text) => text)).toHaveLength(0);
  });
});
