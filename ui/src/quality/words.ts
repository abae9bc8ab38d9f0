/** The figures of an account as people are told them. */
import type { FeedQuality, SourceQuality } from "../api/types";
import { number } from "../format/number";
import { span } from "../format/time";
import { t } from "../i18n/index.svelte";

type Account = FeedQuality | SourceQuality;

/** A part of a whole in percent; nearly all is not told as all. */
export function percent(share: number | null): string {
  if (share === null) return "–";
  const value = share * 100;
  return `${number(value > 99.9 && value < 100 ? 99.9 : value)} %`;
}

export function lag(seconds: number | null): string {
  if (seconds === null) return "–";
  return seconds < 60 ? `${number(Math.max(0, seconds))} s` : span(seconds);
}

/** received = stored + duplicate + refused, with its figures. */
export function balance(of: Account): string {
  return t("quality.balance", {
    received: number(of.received),
    stored: number(of.stored),
    duplicate: number(of.duplicate),
    refused: number(of.refused),
  });
}

/** What else is remarkable, in words; nothing where nothing is. */
export function remarks(of: Account): string {
  const said: string[] = [];
  if (of.not_kept) said.push(t("quality.notKept", { count: number(of.not_kept) }));
  if (of.released) said.push(t("quality.released", { count: number(of.released) }));
  if (of.clock_fault) said.push(t("quality.clockFault", { count: number(of.clock_fault) }));
  if (of.clock_ahead_seconds !== null && of.clock_ahead_seconds >= 5)
    said.push(t("quality.clockAhead", { span: span(of.clock_ahead_seconds) }));
  if (of.suspect) said.push(t("quality.suspect", { count: number(of.suspect) }));
  return said.join(" · ");
}
