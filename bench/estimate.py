# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
import random
import statistics


def estimate(values):
    """The median with the bounds of its 90 % bootstrap interval, by percentiles; the same for the same rounds."""
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(values, k=len(values))) for _ in range(1000))
    return {"median": statistics.median(values), "low": medians[50], "high": medians[949]}
