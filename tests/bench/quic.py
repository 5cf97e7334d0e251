# SPDX-License-Identifier: GPL-3.0-or-later
"""New QUIC connections, with unlisted names from fresh source ports of 256 clients: an Initial that the filter has to
open, a long header back, a short one each way (load_quic, sink_quic)."""
from cases import MILLION
from connections import Connections
from tls import BATCHED_ALONE, CASES_ALONE, PLAIN_ALONE, QUEUED_ALONE


class Quic(Connections):
    paced_rate = 4000
    title = f"New QUIC connections, canned, as many as get through; p50 and p99 at {paced_rate}/s"
    load_program, sink_program = "load_quic", "sink_quic"
    count = 4000  # Initials that are sealed for a step
    counters = ("queued_quic",)
    queued_range = (1, 1.001)
    ratios = [
        ("quic_rate_vs_bare_batched", "rate", QUEUED_ALONE[MILLION], BATCHED_ALONE),
        ("quic_cpu_vs_bare_batched", "gateway_us", QUEUED_ALONE[MILLION], BATCHED_ALONE),
        ("quic_cpu_vs_plain", "gateway_us", QUEUED_ALONE[MILLION], PLAIN_ALONE),
        ("quic_cpu_10m_vs_0", "gateway_us", QUEUED_ALONE[10 * MILLION], QUEUED_ALONE[0]),
    ]
    cases = CASES_ALONE
    quick_cases = []
