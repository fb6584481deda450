"""One file a metric.

A scorer turns one wave into something that JSON can hold: a score, a transcript, an embedding. It is light to build,
loads its model at the first call and can be sent to another process. A metric collects such results through `update`
and gives an `Estimate` by `compute`. Either works without the other.
"""
