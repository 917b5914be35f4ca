"""Words learned from a few marked samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import InputError

FEWEST_PER_WORD, FOLDS = 5, 5
STRENGTHS = (0.001, 0.01, 0.1, 1.0)  # of the fit, from cautious to bold; the marks decide
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Lesson:
    """What was learned.

    Attributes:
        words: the words, sorted.
        marks: marked samples per word.
        predicted: ``(n,)`` most likely word of every sample, as an index in ``words``.
        confidence: ``(n,)`` its probability.
        doubt: ``(n,)`` 0..1, 1 where the two likeliest words are equally likely: mark these next.
        accuracy: balanced accuracy on marks held out, mean over ``FOLDS``.
    """

    words: tuple[str, ...]
    marks: dict[str, int]
    predicted: NDArray[np.int64]
    confidence: Floats
    doubt: Floats
    accuracy: float


def teach(
    blocks: Sequence[NDArray[np.floating[Any]]], marked: NDArray[np.int64], given: Sequence[str], *, seed: int = 0
) -> Lesson:
    """Learn words from marks: multinomial logistic regression on standardised features, classes weighed equally.

    Args:
        blocks: features of all samples, ``(n, d)`` each; NaN is missing. Each block weighs the same, however many
            numbers it has: else forty measures drown among a thousand numbers of a network.
        marked: ``(m,)`` indices of the marked samples.
        given: ``(m,)`` their words.
        seed: of the folds.

    Raises:
        InputError: fewer than two words, or a word with fewer than five marks.
    """
    marks = Counter(given)
    few = {word: n for word, n in marks.items() if n < FEWEST_PER_WORD}
    if len(marks) < 2 or few:
        counts = ", ".join(f"{word}: {n}" for word, n in sorted(marks.items())) or "none"
        problem = f"At least two words with {FEWEST_PER_WORD} marks each are needed. Marks so far: {counts}."
        raise InputError(problem, fix="Mark more samples; 50 to 300 in all are enough for a good model.")
    words = tuple(sorted(marks))
    target = np.array([words.index(word) for word in given])
    parts = [_standardised(np.asarray(block, np.float64)) for block in blocks]
    length = sum(part.shape[1] for part in parts)
    standard = np.concatenate([part * np.sqrt(length / len(parts) / part.shape[1]) for part in parts], axis=1)
    # what the marks do not span, a penalised fit cannot use: the same answer in far fewer dimensions
    span = np.linalg.svd(standard[marked], full_matrices=False)[2].T
    model, accuracy = _fitted(standard[marked] @ span, target, seed)
    chance: Floats = model.predict_proba(standard @ span)
    order = np.sort(chance, axis=1)
    return Lesson(
        words,
        {word: marks[word] for word in words},
        np.asarray(chance.argmax(axis=1), np.int64),
        np.asarray(order[:, -1]),
        np.asarray(1 - (order[:, -1] - order[:, -2])),
        accuracy,
    )


def _standardised(features: Floats) -> Floats:
    known = np.isfinite(features)
    filled = np.where(known, features, 0.0)
    n = np.maximum(known.sum(axis=0), 1)
    mean = filled.sum(axis=0) / n
    apart = np.where(known, features - mean, 0.0)
    spread = np.sqrt((apart**2).sum(axis=0) / n)
    return np.asarray(apart / np.where(spread > 0, spread, 1.0))


def _fitted(features: Floats, target: NDArray[np.int64], seed: int) -> tuple[Any, float]:
    """The model with the strength that does best on held-out marks, and how well that is."""
    from sklearn.linear_model import LogisticRegression  # deferred: takes a second to import
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    search = GridSearchCV(
        LogisticRegression(class_weight="balanced", max_iter=500),
        {"C": STRENGTHS},
        cv=StratifiedKFold(FOLDS, shuffle=True, random_state=seed),
        scoring="balanced_accuracy",
    )
    search.fit(features, target)
    return search.best_estimator_, float(search.best_score_)
