/** Shapes of the API's JSON. Times are RFC 3339 UTC strings; text is `{vi, en}`. */

export type Label = { vi: string; en: string };
export type Severity = "info" | "low" | "medium" | "high" | "critical";
export type Condition = "firing" | "cleared";
export type WorkState = "new" | "acknowledged" | "resolved";
export type DeviceStatus = "online" | "silent" | "never" | "maintenance" | "retired";

export type Alert = {
  id: string;
  number: string;
  rule: string;
  rule_version: number;
  key: string;
  condition: Condition;
  state: WorkState;
  severity: Severity;
  peak_severity: Severity;
  title: Label;
  summary: Label;
  domain: string;
  feed: string;
  device: string | null;
  device_name: Label | null;
  area: string | null;
  area_name: Label | null;
  zone: string | null;
  lat: number | null;
  lon: number | null;
  opened_at: string;
  changed_at: string;
  cleared_at: string | null;
  flap_count: number;
  retrospective: boolean;
  restricted: boolean;
  owner: string | null;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
  comments: number;
  transitions: number;
  version: number;
};

export type AlertStep = {
  number: number;
  at: string;
  kind: string;
  actor: string | null;
  severity: Severity | null;
  summary: Label | null;
  reason: string;
  text: string | null;
  position: number | null;
};

export type Limit = { value: number; unit: string; source: string; verified: boolean; valid_from: string | null };
export type SeriesPoint = { t: string; v: number | null; position?: number | null };
export type Reading = { position: number; device: string; effective: string; values: Record<string, unknown> };

export type RuleKind = "threshold" | "window" | "change" | "absence" | "sequence" | "near" | "zone" | "correlate";
/** One sentence of a rule in plain words; `severity` is a level's. */
export type RuleSentence = Label & { part: string; severity: Severity | null };
export type Measured = { name: string; label: Label; unit: string; digits: number; value: unknown };

export type WindowDetails = {
  kind: "window";
  from: string;
  to: string;
  over_seconds: number;
  pane_seconds: number;
  measure: string | null;
  measure_label: Label | null;
  unit: string;
  pane_of: "mean" | "sum" | "count" | null;
  panes: { at: string; v: number }[];
  per: string | null;
  part: string | null;
  parts: { part: string; v: number; name: Label | null }[];
};
export type AbsenceDetails = { kind: "absence"; last_heard: string; absent_seconds: number; silent: { device: string; name: Label | null; last_heard: string | null }[] };
export type SequenceStep = { at: string; feed: string; feed_label: Label | null; text: Label | null; device: string | null; device_name: Label | null; position: number };
export type SequenceDetails = { kind: "sequence"; steps: SequenceStep[]; took_seconds: number | null };
export type NearMember = { at: string; position: number; lat: number; lon: number; device: string | null; device_name: Label | null; distance_m: number | null };
export type NearDetails = { kind: "near"; radius_m: number; over_seconds: number; centre: { lon: number; lat: number } | null; members: NearMember[]; hidden: number };
export type CorrelateMember = { rule: string; severity: Severity; domain: string; device: string | null; device_name: Label | null; at: string; alert: string | null; number: string | null; condition: Condition | null; title: Label | null };
export type CorrelateDetails = { kind: "correlate"; members: CorrelateMember[]; hidden: number };
export type ZoneDetails = { kind: "zone"; inside: boolean | null; margin_m: number; polygon: [number, number][] | null; circle: [number, number] | null; radius_m: number | null };
export type Details = WindowDetails | AbsenceDetails | SequenceDetails | NearDetails | CorrelateDetails | ZoneDetails;

export type Evidence = {
  alert: string;
  rule: { id: string; version: number; hash: string; title: Label; kind: RuleKind | null; text: Label; words: RuleSentence[]; for_seconds: number; severity: Severity };
  clause: string;
  values: Record<string, unknown>;
  measures: Measured[];
  limit: Limit | null;
  field: string | null;
  feed: string | null;
  device: string | null;
  held_since: string | null;
  held_seconds: number;
  position: number;
  readings: Reading[];
  details: Details | null;
  series: SeriesPoint[];
  transitions: { at: string; kind: string; severity: Severity | null }[];
};

export type MainValue = { field: string; value: number | string | null; unit: string | null; at: string };

/** Whether a device is connected to an MQTT door, since when and why. */
export type Presence = { state: "online" | "offline"; since: string; reason: string };

export type Device = {
  id: string;
  feed: string;
  name: Label;
  area: string | null;
  area_name: Label | null;
  zone: string | null;
  lat: number | null;
  lon: number | null;
  parent: string | null;
  owner: string | null;
  place: string | null;
  critical: boolean;
  gateway: boolean;
  state: "active" | "maintenance" | "retired";
  expected_period_seconds: number;
  registered_at: string;
  version: number;
  status: DeviceStatus;
  last_seen: string | null;
  last_effective: string | null;
  lag_seconds: number | null;
  events: number;
  main: MainValue | null;
  presence: Presence | null;
};

export type Geometry = { type: "Polygon" | "MultiPolygon"; coordinates: number[][][] | number[][][][] };
export type Area = {
  code: string;
  name: Label;
  short: Label | null;
  zone: string | null;
  lat: number | null;
  lon: number | null;
  shape: Geometry | null;
  shape_source: string | null;
};
export type Zone = { code: string; name: Label; former_code: string; areas: string[] };

export type FeedField = { name: string; label: Label; unit: string | null; type: string; digits?: number | null };
export type Feed = { id: string; label: Label; domain: string; main_field: string | null; expected_period_seconds: number; fields: FeedField[] };

export type Domain = {
  id: string;
  number: string;
  label: Label;
  feeds: string[];
  open: Partial<Record<Severity, number>>;
  state: Severity | "normal" | "no_data";
  last_log_time: string | null;
  no_data_since: string | null;
  devices: number;
  online: number;
  spark: (number | null)[];
  spark_field: { feed: string; field: string; label: Label; unit: string | null } | null;
};

export type RuleMode = "alert" | "monitor";
export type RuleOrigin = "pack" | "site" | "overlay";
export type RuleHealthState = "ok" | "degraded" | "refused" | "idle" | "off";
export type RuleHealth = {
  state: RuleHealthState;
  reason: string | null;
  since: string | null;
  evaluated: number;
  errors: number;
  no_data: number;
  late: number;
  full: number;
  monitored: number;
  keys: number | null;
  degraded_keys: number | null;
  last_evaluated_at: string | null;
  last_transition_at: string | null;
  updated_at: string | null;
};
export type RuleAction = "create" | "edit" | "enable" | "disable" | "monitor" | "alert" | "reset" | "delete" | "pack";
/** `severity` is the level that it is of, null for the rule's own. */
export type RuleLimit = Limit & { in_force: boolean; severity: Severity | null };
/** A rule read from a text: what a check gives back. */
export type RuleForm = {
  id: string;
  title: Label;
  domain: string;
  feed: string | string[];
  kind: RuleKind;
  mode: RuleMode;
  enabled: boolean;
  hash: string;
  levels: { severity: Severity; when: string | null; for_seconds: number }[];
  limits: RuleLimit[];
  words: RuleSentence[];
  /** Its own measures, as evidence names them. */
  names: Record<string, { label: Label; unit: string }>;
  yaml: string;
};
export type Rule = RuleForm & {
  version: number;
  origin: RuleOrigin;
  pack: { hash: string; yaml: string; differs: boolean; moved: boolean } | null;
  open_alerts: number;
  health: RuleHealth | null;
  changed: { at: string; by: string | null; why: string; action: RuleAction } | null;
};
export type RuleProblem = { line: number; column: number | null; member: string; detail: string; hint: string; severity: "error" | "warning" };
export type RuleCheck = { problems: RuleProblem[]; rule: RuleForm | null };
export type RuleHistoryItem = { id: number; at: string; by: string | null; action: RuleAction; why: string; version: number; hash: string; yaml: string; diff: string; position: number | null };
export type MonitoredMove = { id: number; at: string; alert: string; key: string; kind: string; severity: Severity; summary: Label; device: string | null; area: string | null; version: number };
export type BacktestAlert = { key: string; severity: Severity; opened_at: string; cleared_at: string | null; summary: Label; retrospective: boolean; flaps: number; values: Record<string, unknown>; readings: Reading[] };
export type BacktestSide = {
  version: number | null;
  hash: string;
  opened: number;
  reopened: number;
  firing_seconds: number;
  severities: Partial<Record<Severity, number>>;
  days: { day: string; opened: number; firing_seconds: number }[];
  alerts: BacktestAlert[];
};
export type BacktestState = "queued" | "running" | "done" | "cancelled" | "failed";
export type Backtest = {
  id: string;
  rule: string;
  state: BacktestState;
  progress: { done: number; total: number; fraction: number; events_per_second: number };
  from: string;
  to: string;
  include_history: boolean;
  asked_by: string;
  asked_at: string;
  started_at: string | null;
  ended_at: string | null;
  reason: string | null;
  result: { events: number; entries: number; late: number; no_data: number; errors: number; candidate: BacktestSide; present: BacktestSide | null; truncated: boolean } | null;
};
export type StoredEvent = { key: string; position: number; log_time: string; effective: string; data: Record<string, unknown>; flags: string[] };
export type Session = { username: string; name: string | null; role: string; areas: string[] | null; zone: string | null; language: string | null };
export type Status = { version: string; demo: boolean; drill: DrillState | null; pack: string; title: Label | null; started_at: string; time: string };
/** What a drill says of itself; speed 0: as fast as it can. */
export type DrillState = { start: string; scenario: string | null; title: Label | null; clock: string; speed: number };
export type DrillStep = "receive" | "call" | "dispatch";
export type DrillScore = {
  targets: Record<DrillStep, number | null>;
  alerts: { alert: string; number: string; rule: string; title: Label; severity: Severity; seconds: Record<DrillStep, number | null> }[];
  steps: Record<DrillStep, { of: number; done: number; met: number; median: number | null }>;
};
export type DrillRun = {
  id: string;
  scenario: string;
  title: Label;
  speed: number;
  start: string;
  end: string;
  started_by: string;
  started_at: string;
  ended_at: string | null;
  state: "running" | "ended" | "stopped" | "failed";
  problem: string | null;
  score: DrillScore | null;
  clock: string | null;
  progress: number | null;
  port: number | null;
};
export type DrillScenario = { id: string; title: Label; description: Label | null; licence: string; start: string; end: string; speed: number; targets: Record<DrillStep, number> | null };
export type DrillList = { items: DrillRun[]; next: null; scenarios: DrillScenario[] };
export type Page<T> = { items: T[]; next: string | null; position: number };
export type Clock = { time: string; position: number; log_lag_seconds?: number; devices?: { online: number; total: number }; trouble?: Trouble[] };
/** What hinders the server: the database does not commit, its volume is full, a power cut may lose what was acknowledged. */
export type Trouble = "database" | "disk" | "durability";

export const SEVERITIES: readonly Severity[] = ["critical", "high", "medium", "low", "info"];
export const RANK: Record<Severity, number> = { info: 0, low: 1, medium: 2, high: 3, critical: 4 };

/** Open = the condition fires, or nobody has taken note of it yet. */
export function isOpen(alert: Alert): boolean {
  return alert.condition === "firing" || alert.state === "new";
}
