"""Scans the corpus, gives each finding to the case in whose file it stands, and counts."""
import collections, json, os, re, subprocess, time

SEVERITIES = ("info", "low", "medium", "high", "critical")
GOALS = (  # what is counted, of which groups, at least how much of it
    ("known-risk", ("chain",), 97.9), ("known-risk", ("chain", "behaviour", "encoding", "patched"), 91.2),
    ("review", ("chain",), 98.1), ("review", ("chain", "behaviour", "encoding", "patched"), 98.1),
)


def findings(program, folder):
    done = subprocess.run([program, "scan", folder, "--format", "json"], stdout=subprocess.PIPE, check=False)
    return json.loads(done.stdout)["findings"]


def scan(program, corpus, cases):
    """Gives each case its `findings`."""
    by_file = {case["case"][len("files"):]: case for case in cases if case["case"].startswith("files/")}
    for case in cases:
        case["findings"] = []
    start = time.monotonic()
    for finding in findings(program, os.path.join(corpus, "files")):
        # The place may go on inside the file.
        match = re.match(r"(/opt/(?:bin|lib)/[A-Za-z0-9._+-]+)", finding["place"])
        case = match and by_file.get(match[1])
        if case:
            case["findings"].append(finding)
        else:
            print("a finding that belongs to no case:", finding["code"], finding["place"])
    for case in cases:
        if case["case"].startswith("trees/"):
            case["findings"] = findings(program, os.path.join(corpus, case["case"]))
    print(f"scanned in {time.monotonic() - start:.1f} s")
    for case in cases:
        case["level"] = level(case["findings"])


def level(found):
    worst = "clean"
    for finding in found:
        severity = SEVERITIES.index(finding["severity"])
        if severity >= 3 and finding["confidence"] == "proven":
            return "known-risk"
        if severity >= 2:
            worst = "review"
    return worst


def reaches(case, wanted):
    return case["level"] == "known-risk" or wanted == "review" and case["level"] == "review"


def share(cases, wanted):
    return 100 * sum(reaches(case, wanted) for case in cases) / len(cases) if cases else 100.0


def table(title, cases, column):
    print(f"\n{title:24} {'files':>6} {'known risk':>11} {'review':>8}")
    groups = collections.defaultdict(list)
    for case in cases:
        groups[column(case)].append(case)
    for name, group in sorted(groups.items()):
        print(f"{name:24} {len(group):6} {share(group, 'known-risk'):10.1f}% {share(group, 'review'):7.1f}%")


def show(cases):
    for case in cases:
        print("   ", case["case"], f"({case['expect']} expected, {case['level']} told)")
        for finding in case["findings"]:
            if SEVERITIES.index(finding["severity"]) >= 2:
                print("       ", finding["severity"], finding["confidence"], finding["code"])


def report(cases, named):
    """Prints the tables; returns the exit code."""
    implants = [case for case in cases if case["group"] != "twin"]
    twins = [case for case in cases if case["group"] == "twin"]
    table("group", implants, lambda case: case["group"])
    table("processor", implants, lambda case: case["architecture"])
    table("library and linking", implants, lambda case: f"{case['libc']} {case['linking']}")
    table("optimisation", implants, lambda case: case["optimisation"])
    table("stripped", implants, lambda case: case["stripped"])
    table("technique", implants, lambda case: f"{case['group']}: {case['technique']}")
    table("encoding", implants, lambda case: case["encoding"])
    table("expected", implants, lambda case: case["expect"])
    table("twins (false alarms)", twins, lambda case: case["technique"])
    missed = [case for case in implants if not reaches(case, case["expect"])]
    alarms = [case for case in twins if case["level"] == "known-risk"]
    looked_at = [case for case in twins if case["level"] == "review"]
    if named:
        print("\nmissed, or told as less than expected:")
        show(missed)
        print("\ntwins that are told:")
        show(alarms + looked_at)
    print()
    failed = bool(alarms)
    for wanted, groups, goal in GOALS:
        chosen = [case for case in implants if case["group"] in groups]
        reached = share(chosen, wanted)
        failed |= reached < goal
        what = "chain implants" if len(groups) == 1 else "all implants"
        print(f"{what:15} {wanted:10} {reached:5.1f} % of {len(chosen)} (goal {goal} %){'' if reached >= goal else '   MISSED'}")
    print(f"twins: {len(alarms)} of {len(twins)} known risk (goal 0), {len(looked_at)} review")
    return 1 if failed else 0
