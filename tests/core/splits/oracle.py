"""What must never be split, worked out anew and slowly."""

from __future__ import annotations

from collections import defaultdict


def leaks(members, splits):
    """Pairs that belong together and lie in two splits; written anew, as the oracle."""
    found = []
    by_id = {member.id: member for member in members}
    kept = [member for member in members if member.id in splits]
    for key in ("scene_id", "content_sha256"):
        holders = defaultdict(set)
        for member in kept:
            if getattr(member, key):
                holders[getattr(member, key)].add(splits[member.id])
        found += [value for value, names in holders.items() if len(names) > 1]
    for member in kept:
        waiting, seen = list(member.parents), set()
        while waiting:
            parent = waiting.pop()
            if parent not in seen:
                seen.add(parent)
                waiting += by_id[parent].parents
        found += [(member.id, p) for p in seen if p in splits and splits[p] != splits[member.id]]
    return found
