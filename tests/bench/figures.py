# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures out of samples: medians with their spread, ratios of samples of the same round, and tables."""
import statistics


def round_sample(steps, closing):
    """One sample of a round: the medians of its steps, what was measured once, and the steps themselves."""
    return {**{key: statistics.median(step[key] for step in steps) for key in steps[0]}, **closing, "steps": steps}


def spread(values):
    """Median, quartiles and extremes."""
    values = sorted(values)
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return {"median": middle, "quartiles": [low, high], "range": [values[0], values[-1]]}


def values(rounds, key, case, base=None):
    """Of each round that has it: the figure `key` of a case; with another case as base, the ratio to that one's."""
    found = []
    for samples in rounds:
        one, other = samples.get(case.name, {}), samples.get(base.name, {}) if base else {key: 1}
        if key in one and key in other:
            found.append(one[key] / other[key])
    return found


def table(rows):
    """Columns of text, the first flush left, the others right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines)
