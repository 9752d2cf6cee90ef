"""Is anything lost, and what is the user told: kills, faults, odd image files, and the same seed three times.

    python benchmarks/faults.py [--out FOLDER] [--kills 10] [--backend pytorch mxnet]

Every training is real and has a process of its own; every fault is really brought about (`faults_tried.py`), as far as the
machine lets us: a file system of its own and folders that may not be written need root on Linux. The trainings are small
(36 images, three epochs of a few tenths of a second) and save whenever they can, so that a kill at a random moment often
hits a file being written. The end of a training that was broken off is compared bit for bit with an undisturbed one: weights
of every epoch, best and last weights, the training state, history, results (best score among them) and the table of images;
times and memory are left out.
What the saving costs is measured by `saving.py`.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # where the machinery that kills trainings is

import faults_tried
import odd_images
from children import Child, Plan, resumed, run
from kills import (
    DISKS,
    NOTHING,
    WRITING,
    Killer,
    differences,
    digest,
    leftovers,
    newest,
    outcome,
    weights,
)
from measure import keep, markdown

from monklite.catalog.backends import BUILT_IN
from monklite.errors import MonkliteError
from monklite.runs.file_names import BEST, HEALTH, HISTORY, RESUME, STATE
from monklite.runs.run import Run
from monklite.runs.workspace import Workspace
from monklite.testing.datasets import draw_patterns

BACKENDS = tuple(BUILT_IN)

COUNTS = dict.fromkeys(("dots", "rings", "stripes"), 12)
IMAGES = Path("images")  # below the folder of each plan
KINDS_OF_ERROR = {kind.__name__ for kind in MonkliteError.__subclasses__()} | {"UnreadableImage", "OutOfMemory"}
SHOWN = 300  # characters of a message in the table
HINT = re.compile(r"Note(?!: a GPU)|Warning|left out|cannot|Stopped|goes into", re.IGNORECASE)


def main(options: argparse.Namespace) -> int:
    found: dict[str, Any] = {"kills": {}, "faults": {}, "seeds": {}}
    with tempfile.TemporaryDirectory() as name:
        for backend in options.backend:
            folder = Path(name, backend)
            plan = Plan(begun(folder / "plain"), IMAGES, backend)
            found["kills"][backend] = kills(replace(plan, folder=begun(folder / "kills" / "unbroken")), options.kills)
            found["seeds"][backend] = seeds(plan, folder)
            found["faults"][backend] = faults(plan, folder)
        found["odd images"] = odd(Path(name, "odd"))
    wrong = found["wrong"] = list(gone_wrong(found))
    keep(options.out, "faults", found, report(found))
    print(
        "\n".join(
            ["", *(f"WRONG: {text}" for text in wrong)] if wrong else ["", "nothing was lost, and every error was told"]
        )
    )
    return int(bool(wrong))


def gone_wrong(found: dict[str, Any]) -> Iterator[str]:
    """What must not be: something lost or computed otherwise, or an error that is not monklite's."""
    for backend, one in found["kills"].items():
        yield from (f"{backend}: {text}" for text in one["lost"])
    for backend, sums in found["seeds"].items():
        if len(set(sums)) > 1:
            yield f"{backend}: the same seed gave {len(set(sums))} different weights"
    for backend, rows in found["faults"].items():
        for row in rows:
            yield from (f"{backend}: {row['fault']}: {error}" for error in row["unclear"])
            if "ANOTHER ANSWER" in row.get("predicts", {}).values():
                yield f"{backend}: {row['fault']}: a saved version predicts something else"
            if row.get("goes on", "").startswith("to another end"):
                yield f"{backend}: {row['fault']}: it goes on {row['goes on']}"


def begun(folder: Path) -> Path:
    """A new folder with images in it."""
    draw_patterns(folder / IMAGES, COUNTS)
    return folder


# Kills


def kills(plan: Plan, most: int) -> dict[str, Any]:
    """Kill trainings at random moments, go on with them, and look whether their end is that of the unbroken one."""
    images = plan.folder / IMAGES
    killer, journeys, lost = Killer(replace(plan, images=images), seed=most), 0, []
    survived = 0
    while killer.kills < most and journeys < 5 * most:
        folder, before = plan.folder.parent / f"{journeys}", killer.kills
        try:
            killer.torment(replace(plan, images=images, folder=folder, **DISKS[journeys % len(DISKS)]), most)
            survived += killer.kills - before
        except AssertionError as error:
            lost.append(str(error)[:SHOWN])
        journeys += 1
        print(f"{plan.backend}: {killer.kills} kills, {survived} survived", flush=True)
    return {
        "made": killer.kills,
        "survived": survived,
        "trainings": journeys,
        "where": dict(killer.found),
        "lost": lost,
    }


# The same seed


def seeds(plan: Plan, folder: Path) -> list[str]:
    """SHA-256 over all weights of three runs, each in a process of its own; the first stays as the plan's own."""
    sums = []
    for number in range(3):
        at = plan if not number else replace(plan, folder=begun(folder / f"seed {number}"))
        run(at)
        models = newest(at).models
        sums.append({f.name: digest(f) for f in sorted(models.iterdir()) if f.name != RESUME})
    names = {name for one in sums for name in one}
    final = next(n for n in sorted(names) if n.startswith("final") and "symbol" not in n and not n.endswith("sha256"))
    return [one[final] if one == sums[0] else f"{one[final]} (other files differ)" for one in sums]


# Faults


def faults(plan: Plan, folder: Path) -> list[dict[str, Any]]:
    """Try every fault in a copy of the plan's folder, which holds a finished run; a killed one is put beside it."""
    child = Child(replace(plan, pause="training"))
    wait_until_written(child)
    child.process.kill()
    child.end()
    expected, right = judged(plan), outcome(Workspace(plan.folder / "workspace").find("p", "e", 1))
    rows = []
    for fault in faults_tried.FAULTS:
        row = tried(fault, replace(plan, folder=folder / "tried"), plan.folder, expected, right)
        print(f"{plan.backend}: {fault.name}: {row['printed'][:100]}", flush=True)
        rows.append(row)
    return rows


def tried(fault: faults_tried.Fault, plan: Plan, base: Path, expected: dict, right: dict) -> dict[str, Any]:
    """What was printed, which versions still predict as before, and whether training goes on to the same end."""
    shutil.copytree(base, plan.folder, symlinks=True)
    (plan.folder / "said.txt").unlink()
    begin = replace(plan, resume=fault.resume, pause=fault.pause, act=fault.act)
    try:
        children, repair = strike(fault, begin)
        row: dict[str, Any] = {
            "fault": fault.name,
            "printed": " / ".join(dict.fromkeys(filter(None, map(told, children)))),
        }
        row["status"] = [c.process.exitcode for c in children]
        row["unclear"] = [c.error for c in children if c.error and c.error.partition(":")[0] not in KINDS_OF_ERROR]
        repair()
        now = judged(plan)
        row["predicts"] = {v: kept(answer, expected.get(v), expected["v001"]) for v, answer in now.items()}
        row["goes on"] = gone_on(plan, right)
        return row
    except faults_tried.NotTried as error:
        return {"fault": fault.name, "printed": f"not tried here ({error})", "status": [], "unclear": []}
    finally:
        faults_tried.cleared(plan.folder)


def wait_until_written(child: Child) -> None:
    """Wait until it pauses, and until its thread has written the first epoch."""
    child.wait_for("paused")
    for _ in range(200):
        found = newest(child.plan)
        done = weights(found, BEST) and found.has_saved_state() and (found.logs / HISTORY).exists()
        if done and not leftovers(found):
            return
        time.sleep(0.05)


def kept(answer: Any, before: Any, unbroken: Any) -> str:
    """What became of a version's answer; one that was trained on since has that of the unbroken run."""
    if isinstance(answer, str):
        return answer
    if answer == before:
        return "as before"
    return (
        "as the unbroken run" if answer == unbroken else "new, before its end" if before is None else "ANOTHER ANSWER"
    )


def strike(fault: faults_tried.Fault, plan: Plan) -> tuple[list[Child], Any]:
    """Bring the fault about, before or within what the user does; the ended processes, and the repair."""
    repair = fault.bring(plan.folder) if not plan.pause else None
    children = [Child(plan) for _ in range(1 + fault.two)]
    if repair is None:
        wait_until_written(children[0])
        try:
            repair = fault.bring(plan.folder)
        finally:
            children[0].go_on()
    for child in children:
        child.end()
    return children, repair


def told(child: Child) -> str:
    """The error that it ended with; without one, what it noted."""
    if child.error:
        return child.error
    return " ".join(line.strip() for line in child.said.splitlines() if HINT.search(line)) or "(no error)"


def judged(plan: Plan) -> dict[str, Any]:
    """Version -> the logits that its best weights give for one image, or the error."""
    child = run(replace(plan, act=judge))
    child.process.close()
    return json.loads((plan.folder / "judged.json").read_text())


def judge(plan: Plan) -> None:
    """In a process of its own."""
    from monklite import Prototype

    found: dict[str, Any] = {}
    for version in Workspace("workspace").versions("p", "e"):
        try:
            ptf = Prototype("p", "e", plan.backend, eval_infer=True, version=version.version, verbose=0)
            found[version.folder.name] = ptf.Infer(img_name=sorted((IMAGES / "rings").iterdir())[0], return_raw=True)[
                "raw"
            ]
        except Exception as error:  # it is what we want to see
            found[version.folder.name] = f"{type(error).__name__}: {error}"
    Path("judged.json").write_text(json.dumps(found, default=lambda array: array.tolist()))


def gone_on(plan: Plan, right: dict) -> str:
    """Go on with the newest run that can be, after the repair."""
    if not _done(newest(plan)):
        child = Child(resumed(plan))
        if child.end():
            return child.error
    wrong = differences(outcome(newest_done(plan)), right)
    return "to the same end" if not wrong else f"to another end: {', '.join(wrong)}"


def newest_done(plan: Plan) -> Run:
    runs = Workspace(plan.folder / "workspace").versions("p", "e")
    return [r for r in runs if (r.folder / STATE).exists() and _done(r)][-1]


def _done(found: Run) -> bool:
    """One that is damaged or has no state is not."""
    try:
        return found.state().status == "done"
    except MonkliteError:
        return False


# Odd images


def odd(folder: Path) -> list[dict[str, str]]:
    """What `Dataset()` does with one file of every kind."""
    begun(folder)
    draw_patterns(folder / IMAGES, dict.fromkeys(COUNTS, 40), seed=1)
    kinds = odd_images.draw_all(folder / IMAGES)
    child = run(Plan(folder, IMAGES, "pytorch", act=look))
    with (Workspace(folder / "workspace").versions("p", "e")[-1].folder / HEALTH).open(newline="") as file:
        listed = list(csv.DictReader(file))
    used = (folder / "used.txt").read_text().split("\n")
    rows = []
    for path, kind in kinds.items():
        mine = [row for row in listed if row["path"] == path]
        done = " and ".join(dict.fromkeys(row["done"] for row in mine)) or ("used" if path in used else "passed over")
        reasons = "; ".join(dict.fromkeys(row["reason"].replace(f"{IMAGES}/{path} ", "") for row in mine))
        rows.append({"kind": kind, "done": done, "reason": reasons, "used": str(path in used)})
    rows.append({"kind": "told in all", "done": "", "reason": told(child), "used": ""})
    return rows


def look(plan: Plan) -> None:
    """In a process of its own."""
    from monklite import Prototype

    ptf = Prototype("p", "e", plan.backend)
    ptf.Dataset_Params(dataset_path=IMAGES, split=0.7, input_size=32)
    ptf.Dataset()
    with (ptf._experiment.run.folder / "dataset.csv").open(newline="") as file:
        Path("used.txt").write_text("\n".join(row["path"] for row in csv.DictReader(file)))


# Telling


def report(found: dict[str, Any]) -> str:
    parts = ["## Kills", kills_table(found["kills"])]
    parts += [
        "## The same seed three times, each in a process of its own: SHA-256 of the last weights",
        seeds_table(found["seeds"]),
    ]
    for backend, rows in found["faults"].items():
        parts += [f"## Faults, {backend}", faults_table(rows)]
    parts += ["## Odd images", odd_table(found["odd images"])]
    return "\n\n".join(parts)


def kills_table(found: dict[str, Any]) -> str:
    places = [
        p for p in dict.fromkeys(k for one in found.values() for k in one["where"]) if p not in (NOTHING, WRITING)
    ]
    rows = [
        (b, one["made"], one["survived"], *(one["where"].get(p, 0) for p in (NOTHING, *places, WRITING)))
        for b, one in found.items()
    ]
    return markdown(("", "kills", "survived", NOTHING, *places, f"of them {WRITING}"), rows)


def seeds_table(found: dict[str, list[str]]) -> str:
    rows = [(b, *(s[:16] for s in sums), "yes" if len(set(sums)) == 1 else "NO") for b, sums in found.items()]
    return markdown(("", "first", "second", "third", "all the same"), rows)


def faults_table(rows: list[dict[str, Any]]) -> str:
    def cells(row: dict[str, Any]) -> tuple[str, ...]:
        predicts = [f"{v}: {short(what.partition(':')[0])}" for v, what in row.get("predicts", {}).items()]
        return row["fault"], short(row["printed"]), ", ".join(predicts), short(row.get("goes on", ""))

    return markdown(("fault", "what was printed", "predictions afterwards", "training afterwards"), map(cells, rows))


def odd_table(rows: list[dict[str, str]]) -> str:
    return markdown(("kind", "done", "reason"), ((r["kind"], r["done"], short(r["reason"])) for r in rows))


def short(text: Any) -> str:
    """One line of a table; the places of this machine's files are cut."""
    line = re.sub(r"/\S*/(?=(tried|odd)/)", "", " ".join(str(text).split())).replace("|", "/")
    return line if len(line) <= SHOWN else f"{line[:SHOWN]} ..."


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--backend", nargs="+", choices=BACKENDS, default=list(BACKENDS))
    sys.exit(main(parser.parse_args()))
