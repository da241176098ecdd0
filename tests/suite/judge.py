"""Holds a report of `ansible-suite` against the list of what is different: judge.py short|all REPORT DIFFERENCES."""
import json
import sys


def differences(path):
    """The reasons, by the names of the targets: a line each, `NAME: reason`."""
    with open(path, encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    return dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))


def main():
    which, report, listed = sys.argv[1:]
    with open(report, encoding="utf-8") as file:
        results = json.load(file)
    known = differences(listed)
    strong = {one["name"] for one in results if one["result"] == "PASS" and not one.get("weak")}
    weak = {one["name"] for one in results if one["result"] == "PASS" and one.get("weak")}
    failed = {one["name"] for one in results} - strong - weak
    wrong = [f"{name} failed, and is no known difference" for name in sorted(failed - set(known))]
    wrong += [f"{name} passes: take it out of {listed}" for name in sorted(set(known) & strong)]
    if which == "short":
        wrong += [f"{name} must pass: it is one of the short ones" for name in sorted(failed | weak)]
    else:
        wrong += [f"{name} in {listed} was not run" for name in sorted(set(known) - strong - weak - failed)]
    # A pass of an engine that does nothing would be none.
    share = 100 * len(strong) // max(len(results), 1)
    print(f"{len(strong)} of {len(results)} targets pass ({share} %); {len(weak)} passes are weak; {len(known)} known differences")
    if not results or wrong:
        sys.exit("\n".join(wrong or ["no target was run"]))


if __name__ == "__main__":
    main()
