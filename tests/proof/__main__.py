"""All proofs one after the other; each also runs alone: ``python -m tests.proof.proof_slices``."""

from __future__ import annotations

import sys

from tests.proof import proof_gain, proof_gap, proof_recreate, proof_slices, proof_use

PROOFS = (proof_slices, proof_gap, proof_recreate, proof_use, proof_gain)


def main() -> None:
    """Run them with their own defaults."""
    sys.argv = sys.argv[:1]
    for proof in PROOFS:
        print(f"\n## {(proof.__doc__ or '').splitlines()[0]}\n", flush=True)
        proof.main()


if __name__ == "__main__":
    main()
