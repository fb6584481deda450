"""One file a metric.

Two kinds of object work together. An analyser turns one wave into something storable (a score, a transcript, an
embedding); it is light to build, loads its model at the first call and can be sent to another process. A metric
collects what analysers found through `update` and gives an `Estimate` by `compute`. Either works without the other.
"""
