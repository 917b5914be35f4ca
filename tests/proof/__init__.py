"""Proofs: slow experiments whose tables stand in the documentation; run by ``make proof``, not by the tests."""
