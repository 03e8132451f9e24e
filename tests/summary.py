#!/usr/bin/env python3
"""Counts by label, and what was skipped and why, from the JUnit file that ctest writes.

Usage: tests/summary.py build/debug/ctest.xml
"""
import collections
import json
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree

ORDER = ["unit", "format", "interop", "ritual", "fault", "cli", "fuzz", "example", "check"]


def labels_by_name(folder):
    """ctest's JUnit file has no labels: ask ctest for those of every test."""
    listing = subprocess.run(["ctest", "--test-dir", folder, "--show-only=json-v1"], capture_output=True, check=True)
    labels = {}
    for test in json.loads(listing.stdout)["tests"]:
        for field in test.get("properties", []):
            if field["name"] == "LABELS":
                labels[test["name"]] = field["value"]
    return labels


def reason_of(case):
    """The line in which a test said why it was skipped, else its last line, else what ctest knows."""
    output = case.findtext("system-out") or ""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for line in lines:
        found = re.match(r"(?i)\W*skip(?:ped|s|ping)?\b[:,]?\s*(.*)", line)
        if found and found.group(1):
            return found.group(1)
    skipped = case.find("skipped")
    return lines[-1] if lines else (skipped.get("message") if skipped is not None else "no reason given")


def main():
    cases = xml.etree.ElementTree.parse(sys.argv[1]).getroot().findall("testcase")
    if not cases:
        return
    known = labels_by_name(pathlib.Path(sys.argv[1]).parent)
    counts = collections.defaultdict(collections.Counter)
    reasons = collections.defaultdict(list)
    for case in cases:
        status = {"run": "passed", "fail": "failed", "notrun": "skipped", "disabled": "skipped"}.get(
            case.get("status"), case.get("status"))
        for label in known.get(case.get("name"), ["unlabelled"]):
            counts[label][status] += 1
        if status == "skipped":
            reasons[reason_of(case)].append(case.get("name"))
    print(f"\n{'kind':<12}{'passed':>8}{'failed':>8}{'skipped':>9}")
    for label in sorted(counts, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name)):
        count = counts[label]
        print(f"{label:<12}{count['passed']:>8}{count['failed']:>8}{count['skipped']:>9}")
    if not reasons:
        print("Nothing was skipped.")
    for reason, names in sorted(reasons.items()):
        print(f"Skipped ({len(names)}): {reason}")
        for name in names:
            print(f"  {name}")


main()
