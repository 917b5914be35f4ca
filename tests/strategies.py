"""Random input that several folders of tests draw: spoiled bytes, filters, records, members of splits."""

from __future__ import annotations

from hypothesis import strategies as st


@st.composite
def mutations(draw):
    """A function that spoils some bytes: cut, insert, replace, repeat."""
    edits = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["cut", "insert", "replace", "repeat"]),
                st.floats(0, 1),
                st.integers(1, 12),
                st.binary(max_size=6)
                | st.sampled_from([b"[", b"{", b"null", b"-1", b"1e999", b"NaN", b"\0", b"..", b"\xff"]),
            ),
            min_size=1,
            max_size=4,
        )
    )

    def spoil(data: bytes) -> bytes:
        for kind, share, length, piece in edits:
            at = int(share * len(data))
            end = at + length
            new = {"cut": b"", "insert": piece + data[at:end], "replace": piece, "repeat": data[at:end] * 3}[kind]
            data = data[:at] + new + data[end:]
        return data

    return spoil
