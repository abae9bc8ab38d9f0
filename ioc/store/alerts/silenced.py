"""Which silence an alert is under: derived at each read, never written.

The join of an alert with the silences that run, and the same condition over the values of a plan; a test holds both
against each other.
"""

from __future__ import annotations

from ioc.domain.silences.silence import SilencePlan
from ioc.store.postgres.scope import Where

FITS = """
(cardinality({rules}) = 0 OR a.rule = ANY({rules})) AND (cardinality({domains}) = 0 OR a.domain = ANY({domains}))
AND (cardinality({areas}) = 0 OR a.area = ANY({areas}) OR a.zone = ANY({areas}))
AND (cardinality({devices}) = 0 OR a.device = ANY({devices}))
"""
"""Whether an alert `a` is one that the matchers name; severities come on top."""
OF_SILENCE = FITS.format(**{name: f"s.{name}" for name in ("rules", "domains", "areas", "devices")})
SILENCE_OF = f"""
LEFT JOIN LATERAL (
  SELECT s.id, s.running_until, s.reason, s.owner, s.version FROM silence s
  WHERE s.running_until IS NOT NULL AND a.severity_rank <= s.severity_rank_max AND {OF_SILENCE}
  ORDER BY s.running_until DESC, s.id LIMIT 1
) q ON true
"""  # noqa: S608 - own text
"""The silence that an alert is under, of several the one that lasts longest."""


def fitting(where: Where, plan: SilencePlan, *, up_to_severity: bool = True) -> Where:
    """Add the condition that a plan would silence an alert `a`, whatever its severity where that is asked."""
    names = ("rules", "domains", "areas", "devices")
    places = {name: f"{where.value(list(getattr(plan, name)))}::text[]" for name in names}
    where.clauses.append(f"({FITS.format(**places)})")
    if up_to_severity:
        where.add("a.severity_rank <= {}", plan.severity_max.rank)
    return where
