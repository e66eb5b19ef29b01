"""Measurements that README shows: each command prints rows, and writes them as JSON.

Side by side in one process, in turns: ratios hold on a machine that other work disturbs, since both sides are disturbed
alike; seconds do not.
"""
