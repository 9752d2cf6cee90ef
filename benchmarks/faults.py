"""Is anything lost, and what does the user read? Kills, faults, odd image files, and the same seed three times.

    python benchmarks/faults.py [--out FOLDER] [--kills 10] [--backend pytorch mxnet]

Every training is real and runs in a process of its own; every fault really happens (`faults_tried.py`), as far as the machine
allows: a separate file system and folders that cannot be written need root on Linux. The trainings are small (36 images, three
epochs of a few tenths of a second) and save whenever they can, so that a kill at a random moment often hits a file being
written. The end of an interrupted training is compared bit for bit with an uninterrupted one: weights of every epoch, best and
last weights, the training state, history, results (including the best score) and the table of images; times and memory are not
compared. `saving.py` measures the cost of saving.
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

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # for `children` and `kills`, which kill trainings

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
IMAGES = Path("images")  # inside the folder of each plan
KINDS_OF_ERROR = {kind.__name__ for kind in MonkliteError.__subclasses__()} | {"UnreadableImage", "OutOfMemory"}
MAX_MESSAGE = 300  # characters of a message in a table
DIFFERENT, OTHER_RESULT = "DIFFERENT PREDICTION", "another result"
HINT = re.compile(r"Note(?!: a GPU)|Warning|left out|cannot|Stopped|goes into", re.IGNORECASE)


def main(options: argparse.Namespace) -> int:
    results: dict[str, Any] = {"kills": {}, "faults": {}, "seeds": {}}
    with tempfile.TemporaryDirectory() as name:
        for backend in options.backend:
            folder = Path(name, backend)
            plan = Plan(folder_with_images(folder / "plain"), IMAGES, backend)
            unbroken = replace(plan, folder=folder_with_images(folder / "kills" / "unbroken"))
            results["kills"][backend] = kill_trainings(unbroken, options.kills)
            results["seeds"][backend] = repeat_seed(plan, folder)
            results["faults"][backend] = try_faults(plan, folder)
        results["odd images"] = read_odd_images(Path(name, "odd"))
    problems = results["wrong"] = list(find_problems(results))
    keep(options.out, "faults", results, report(results))
    lines = [f"WRONG: {problem}" for problem in problems] or ["nothing was lost, and every error was reported clearly"]
    print("\n".join(["", *lines]))
    return int(bool(problems))


def find_problems(results: dict[str, Any]) -> Iterator[str]:
    """Yield everything that must not happen: a loss, a different result, or an error that is not one of monklite's."""
    for backend, counts in results["kills"].items():
        yield from (f"{backend}: {text}" for text in counts["lost"])
    for backend, digests in results["seeds"].items():
        if len(set(digests)) > 1:
            yield f"{backend}: the same seed gave {len(set(digests))} different weights"
    for backend, rows in results["faults"].items():
        for row in rows:
            yield from (f"{backend}: {row['fault']}: {error}" for error in row["unclear"])
            if DIFFERENT in row.get("predicts", {}).values():
                yield f"{backend}: {row['fault']}: a saved version predicts something else"
            if row.get("goes on", "").startswith(OTHER_RESULT):
                yield f"{backend}: {row['fault']}: the resumed training ends with {row['goes on']}"


def folder_with_images(folder: Path) -> Path:
    """Create a folder with images in it."""
    draw_patterns(folder / IMAGES, COUNTS)
    return folder


# Kills


def kill_trainings(plan: Plan, n_kills: int) -> dict[str, Any]:
    """Kill trainings at random moments, resume them, and compare each with the uninterrupted one."""
    images = plan.folder / IMAGES
    killer, trainings, lost = Killer(replace(plan, images=images), seed=n_kills), 0, []
    survived = 0
    while killer.kills < n_kills and trainings < 5 * n_kills:
        folder, before = plan.folder.parent / f"{trainings}", killer.kills
        try:
            killer.torment(replace(plan, images=images, folder=folder, **DISKS[trainings % len(DISKS)]), n_kills)
            survived += killer.kills - before
        except AssertionError as error:
            lost.append(str(error)[:MAX_MESSAGE])
        trainings += 1
        print(f"{plan.backend}: {killer.kills} kills, {survived} survived", flush=True)
    return {
        "made": killer.kills,
        "survived": survived,
        "trainings": trainings,
        "where": dict(killer.found),
        "lost": lost,
    }


# The same seed


def repeat_seed(plan: Plan, folder: Path) -> list[str]:
    """SHA-256 of the final weights of three runs, each in a process of its own; the first stays in the plan's own folder."""
    digests = []
    for number in range(3):
        current = plan if not number else replace(plan, folder=folder_with_images(folder / f"seed {number}"))
        run(current)
        models = newest(current).models
        digests.append({f.name: digest(f) for f in sorted(models.iterdir()) if f.name != RESUME})
    names = {name for by_name in digests for name in by_name}
    final = next(n for n in sorted(names) if n.startswith("final") and "symbol" not in n and not n.endswith("sha256"))
    return [d[final] if d == digests[0] else f"{d[final]} (other files differ)" for d in digests]


# Faults


def try_faults(plan: Plan, folder: Path) -> list[dict[str, Any]]:
    """Try every fault in a copy of the plan's folder, which holds a finished run; first a killed run is added to it."""
    child = Child(replace(plan, pause="training"))
    wait_until_written(child)
    child.process.kill()
    child.end()
    logits, expected = predict(plan), outcome(Workspace(plan.folder / "workspace").find("p", "e", 1))
    rows = []
    for fault in faults_tried.FAULTS:
        row = try_fault(fault, replace(plan, folder=folder / "tried"), plan.folder, logits, expected)
        print(f"{plan.backend}: {fault.name}: {row['printed'][:100]}", flush=True)
        rows.append(row)
    return rows


def try_fault(fault: faults_tried.Fault, plan: Plan, base: Path, logits: dict, expected: dict) -> dict[str, Any]:
    """Try one fault: what is printed, which versions still predict as before, whether resuming gives the same result.

    `logits`: of each version before the fault. `expected`: the outcome of the uninterrupted training.
    """
    shutil.copytree(base, plan.folder, symlinks=True)
    (plan.folder / "said.txt").unlink()
    attempt = replace(plan, resume=fault.resume, pause=fault.pause, act=fault.act)
    try:
        children, repair = cause(fault, attempt)
        row: dict[str, Any] = {
            "fault": fault.name,
            "printed": " / ".join(dict.fromkeys(filter(None, map(message_of, children)))),
        }
        row["status"] = [c.process.exitcode for c in children]
        row["unclear"] = [c.error for c in children if c.error and c.error.partition(":")[0] not in KINDS_OF_ERROR]
        repair()
        row["predicts"] = {
            version: compare_logits(current, logits.get(version), logits["v001"])
            for version, current in predict(plan).items()
        }
        row["goes on"] = resume_training(plan, expected)
        return row
    except faults_tried.NotTried as error:
        return {"fault": fault.name, "printed": f"not possible here ({error})", "status": [], "unclear": []}
    finally:
        faults_tried.clean_up(plan.folder)


def wait_until_written(child: Child) -> None:
    """Wait until the training pauses and its thread has written the first epoch."""
    child.wait_for("paused")
    for _ in range(200):
        current = newest(child.plan)
        written = weights(current, BEST) and current.has_saved_state() and (current.logs / HISTORY).exists()
        if written and not leftovers(current):
            return
        time.sleep(0.05)


def compare_logits(current: Any, before: Any, unbroken: Any) -> str:
    """How a version's logits compare with those before the fault; a version resumed since has those of the uninterrupted run."""
    if isinstance(current, str):  # an error
        return current
    if current == before:
        return "as before"
    if current == unbroken:
        return "as the uninterrupted run"
    return "new, not finished" if before is None else DIFFERENT


def cause(fault: faults_tried.Fault, plan: Plan) -> tuple[list[Child], Any]:
    """Cause the fault, before or during the user's action; returns the ended processes and the repair."""
    repair = fault.cause(plan.folder) if not plan.pause else None
    children = [Child(plan) for _ in range(1 + fault.two)]
    if repair is None:
        wait_until_written(children[0])
        try:
            repair = fault.cause(plan.folder)
        finally:
            children[0].go_on()
    for child in children:
        child.end()
    return children, repair


def message_of(child: Child) -> str:
    """The error that a process ended with; without one, its notes and warnings."""
    if child.error:
        return child.error
    return " ".join(line.strip() for line in child.said.splitlines() if HINT.search(line)) or "(no error)"


def predict(plan: Plan) -> dict[str, Any]:
    """Version -> the logits of its best weights for one image, or the error."""
    child = run(replace(plan, act=write_logits))
    child.process.close()
    return json.loads((plan.folder / "logits.json").read_text())


def write_logits(plan: Plan) -> None:
    """Write `logits.json`, in a process of its own."""
    from monklite import Prototype

    image = sorted((IMAGES / "rings").iterdir())[0]
    logits: dict[str, Any] = {}
    for version in Workspace("workspace").versions("p", "e"):
        try:
            ptf = Prototype("p", "e", plan.backend, eval_infer=True, version=version.version, verbose=0)
            logits[version.folder.name] = ptf.Infer(img_name=image, return_raw=True)["raw"]
        except Exception as error:  # its text is part of the result
            logits[version.folder.name] = f"{type(error).__name__}: {error}"
    Path("logits.json").write_text(json.dumps(logits, default=lambda array: array.tolist()))


def resume_training(plan: Plan, expected: dict) -> str:
    """Resume the newest run after the repair; returns the error, or how the result compares with the expected one."""
    if not _done(newest(plan)):
        child = Child(resumed(plan))
        if child.end():
            return child.error
    names = differences(outcome(newest_done(plan)), expected)
    return "the same result" if not names else f"{OTHER_RESULT}: {', '.join(names)}"


def newest_done(plan: Plan) -> Run:
    runs = Workspace(plan.folder / "workspace").versions("p", "e")
    return [r for r in runs if (r.folder / STATE).exists() and _done(r)][-1]


def _done(version: Run) -> bool:
    """Whether a version is trained to its end; one that is damaged or has no state is not."""
    try:
        return version.state().status == "done"
    except MonkliteError:
        return False


# Odd images


def read_odd_images(folder: Path) -> list[dict[str, str]]:
    """Try `Dataset()` on one file of every kind."""
    folder_with_images(folder)
    draw_patterns(folder / IMAGES, dict.fromkeys(COUNTS, 40), seed=1)
    kinds = odd_images.draw_all(folder / IMAGES)
    child = run(Plan(folder, IMAGES, "pytorch", act=write_used))
    with (Workspace(folder / "workspace").versions("p", "e")[-1].folder / HEALTH).open(newline="") as file:
        findings = list(csv.DictReader(file))
    used = (folder / "used.txt").read_text().split("\n")
    rows = []
    for path, kind in kinds.items():
        own = [row for row in findings if row["path"] == path]
        done = " and ".join(dict.fromkeys(row["done"] for row in own)) or ("used" if path in used else "ignored")
        reasons = "; ".join(dict.fromkeys(row["reason"].replace(f"{IMAGES}/{path} ", "") for row in own))
        rows.append({"kind": kind, "done": done, "reason": reasons, "used": str(path in used)})
    rows.append({"kind": "messages printed", "done": "", "reason": message_of(child), "used": ""})
    return rows


def write_used(plan: Plan) -> None:
    """Write `used.txt`, the paths of the images that are used, in a process of its own."""
    from monklite import Prototype

    ptf = Prototype("p", "e", plan.backend)
    ptf.Dataset_Params(dataset_path=IMAGES, split=0.7, input_size=32)
    ptf.Dataset()
    with (ptf._experiment.run.folder / "dataset.csv").open(newline="") as file:
        Path("used.txt").write_text("\n".join(row["path"] for row in csv.DictReader(file)))


# Report


def report(results: dict[str, Any]) -> str:
    parts = ["## Kills", kills_table(results["kills"])]
    parts += [
        "## The same seed three times, each in a process of its own: SHA-256 of the last weights",
        seeds_table(results["seeds"]),
    ]
    for backend, rows in results["faults"].items():
        parts += [f"## Faults, {backend}", faults_table(rows)]
    parts += ["## Odd images", odd_table(results["odd images"])]
    return "\n\n".join(parts)


def kills_table(kills: dict[str, Any]) -> str:
    places = dict.fromkeys(place for counts in kills.values() for place in counts["where"])
    columns = [NOTHING, *(place for place in places if place not in (NOTHING, WRITING)), WRITING]
    rows = [
        (backend, counts["made"], counts["survived"], *(counts["where"].get(place, 0) for place in columns))
        for backend, counts in kills.items()
    ]
    return markdown(("", "kills", "survived", *columns[:-1], f"of them {WRITING}"), rows)


def seeds_table(seeds: dict[str, list[str]]) -> str:
    rows = [(b, *(d[:16] for d in digests), "yes" if len(set(digests)) == 1 else "NO") for b, digests in seeds.items()]
    return markdown(("", "first", "second", "third", "identical"), rows)


def faults_table(rows: list[dict[str, Any]]) -> str:
    def cells(row: dict[str, Any]) -> tuple[str, ...]:
        predicts = [f"{v}: {short(text.partition(':')[0])}" for v, text in row.get("predicts", {}).items()]
        return row["fault"], short(row["printed"]), ", ".join(predicts), short(row.get("goes on", ""))

    return markdown(("fault", "message", "predictions afterwards", "resumed training"), map(cells, rows))


def odd_table(rows: list[dict[str, str]]) -> str:
    return markdown(("kind", "done", "reason"), ((r["kind"], r["done"], short(r["reason"])) for r in rows))


def short(text: Any) -> str:
    """One line for a table, without the paths of this machine."""
    line = re.sub(r"/\S*/(?=(tried|odd)/)", "", " ".join(str(text).split())).replace("|", "/")
    return line if len(line) <= MAX_MESSAGE else f"{line[:MAX_MESSAGE]} ..."


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--backend", nargs="+", choices=BACKENDS, default=list(BACKENDS))
    sys.exit(main(parser.parse_args()))
