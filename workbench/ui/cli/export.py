"""``workbench export DATASET DIR --format F``."""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench.ui.cli.outcome import Outcome, columns, plain


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare the arguments."""
    parser.add_argument("dataset")
    parser.add_argument("folder", type=Path, metavar="DIR", help="new or empty folder")
    formats = "coco, yolo, voc, kitti, bop, replicator, fiftyone, parquet or webdataset"
    parser.add_argument("--format", required=True, help=formats)
    parser.add_argument("--splits", type=_numbers, help="shares or counts, e.g. train=.7,val=.15,test=.15")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--where", help="only the samples of this filter")
    parser.add_argument("--media", default="copy", help="copy, hardlink or reference")
    parser.add_argument(
        "--real-only", type=_words, default=("test",), help="splits without synthetic samples, e.g. test,val"
    )
    parser.add_argument("--by-hash", action="store_true", help="splits by hash alone: not balanced, nothing remembered")
    parser.add_argument("--folds", type=int, default=0, help="divide train into this many folds")
    parser.add_argument("--stages", action="store_true", help="train becomes pretrain (synthetic) and finetune (real)")
    parser.add_argument("--redo", metavar="SPLIT", help="draw this one of the given splits anew; all others stay")
    parser.add_argument("--max-synthetic", type=float, metavar="SHARE", help="largest share of synthetic per slice")
    parser.add_argument("--at-least", type=int, default=0, metavar="K", help="samples of every slice in every split")
    parser.add_argument("--mix", type=_mix, metavar="SPLIT=1:N", help="synthetic samples per real one, e.g. train=1:3")
    parser.add_argument("--slice-by", type=_words, default=("lighting", "surface"), help="attributes that make a slice")
    parser.add_argument(
        "--no-near-duplicates", action="store_true", help="do not look for near duplicates, which takes time"
    )
    parser.set_defaults(run=run)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _numbers(text: str) -> dict[str, float]:
    try:
        return {name.strip(): float(value) for name, value in (part.split("=") for part in text.split(","))}
    except ValueError as cause:
        raise argparse.ArgumentTypeError(f"splits such as train=.7,val=.15,test=.15, not {text!r}") from cause


def _mix(text: str) -> dict[str, float]:
    """Synthetic per real by split, of ``train=1:3``."""
    try:
        pairs = [part.split("=") for part in text.split(",")]
        ratios = {name.strip(): [float(n) for n in ratio.split(":")] for name, ratio in pairs}
        return {name: synthetic / real for name, (real, synthetic) in ratios.items()}
    except (ValueError, ZeroDivisionError) as cause:
        raise argparse.ArgumentTypeError(f"real to synthetic such as train=1:3, not {text!r}") from cause


def run(args: argparse.Namespace) -> Outcome:
    """Export and report."""
    from workbench.actions.export import export
    from workbench.adapters import store

    report = export(
        store.require_dataset(args.dataset),
        args.folder,
        format=args.format,
        splits=args.splits,
        seed=args.seed,
        where=args.where,
        media=args.media,
        real_only=args.real_only,
        stratify=not args.by_hash,
        folds=args.folds,
        stages=args.stages,
        redo=args.redo,
        max_synthetic=args.max_synthetic,
        at_least=args.at_least,
        mix=args.mix,
        slice_by=args.slice_by,
        near_duplicates=not args.no_near_duplicates,
    )
    head: list[tuple[object, ...]] = [("split", "samples", "labels", "real", "synthetic")]
    rows = head + [(name, *counts.values()) for name, counts in report.splits.items()]
    lost = [f"lost: {item}" for item in report.lost]
    alike = [str(report.stratification)] if report.stratification else []
    return Outcome(
        plain(report), "\n".join([columns(rows), *lost, *alike, *report.notes, f"manifest: {report.manifest}"])
    )
