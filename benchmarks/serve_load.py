"""How does `monklite serve` stand many clients at once, and requests that no honest client sends?

    python benchmarks/serve_load.py [--clients 200] [--seconds 60] [--hostile 10000] [--out FOLDER]

A small network is trained, and the server runs as a process of its own on 127.0.0.1. Every client sends one picture after the
other and compares the answer with that of `Infer`; one that is told to come back later (429) does so. Then come the hostile
requests of the tests, each with its statuses, and some that come too slowly; none may be answered with 200, and the server
must answer honest clients as before.
"""

import argparse
import http.client
import json
import random
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
from measure import keep, markdown

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from hostile_requests import hostile, request  # noqa: E402
from serving import KEY, Server, served, status_of  # noqa: E402

from monklite import Prototype  # noqa: E402
from monklite.data.image_folder import images_in_folder  # noqa: E402
from monklite.testing.datasets import draw_patterns  # noqa: E402

TOLERANCE = 1e-4
MOST_WAIT = 5.0  # seconds, whatever the server says
AT_ONCE = 24  # hostile requests
SLOW = 16  # requests that come byte by byte


def trained(folder: Path) -> tuple[list[bytes], list[float]]:
    """Pictures, and the score of the class that `Infer` predicts for each."""
    images = draw_patterns(folder / "images", {"dots": 20, "rings": 20, "stripes": 20})
    model = Prototype("p", "e", backend="pytorch", workspace=folder / "workspace", verbose=0)
    model.Default(images, model_name="resnet18", freeze_base_network=False, num_epochs=1, use_pretrained=False)
    model.update_input_size(64)
    model.Train()
    pictures = [Path(images, name).read_bytes() for name in images_in_folder(images)]
    model.Switch_Mode(eval_infer=True)
    return pictures, [model.Infer(img_name=picture, return_raw=True)["score"] for picture in pictures]


class Client:
    """Sends pictures over one connection until the time is over; counts what it gets."""

    def __init__(self, server: Server, pictures: list[bytes], scores: list[float], end: float, seed: int) -> None:
        self.server, self.pictures, self.scores, self.end = server, pictures, scores, end
        self.rng, self.counts, self.seconds = random.Random(seed), Counter[str](), list[float]()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=120)
        headers = {"Content-Type": "image/png", "Prediction-Key": KEY}
        while time.monotonic() < self.end:
            place, start = self.rng.randrange(len(self.pictures)), time.monotonic()
            try:
                connection.request("POST", "/v1/predict", self.pictures[place], headers)
                answer = connection.getresponse()
                found = json.loads(answer.read())
            except OSError as error:
                self.counts[f"lost ({type(error).__name__})"] += 1
                connection.close()
                continue
            self._judge(answer.status, found, place, time.monotonic() - start)
            if answer.status == 429:
                time.sleep(min(MOST_WAIT, float(answer.headers["Retry-After"])))

    def _judge(self, status: int, found: dict, place: int, seconds: float) -> None:
        if status != 200:
            self.counts[str(status)] += 1
            return
        score = max(found["answers"][0]["scores"].values())
        self.counts["right" if abs(score - self.scores[place]) < TOLERANCE else "wrong"] += 1
        self.seconds.append(seconds)


def load(server: Server, clients: list[Client], memory: list[int]) -> None:
    """Let all clients run, and look at the memory of the server each second."""
    threads = [threading.Thread(target=client.run) for client in clients]
    for thread in threads:
        thread.start()
    process = psutil.Process(server.process.pid)
    while any(thread.is_alive() for thread in threads):
        memory.append(process.memory_info().rss >> 20)
        time.sleep(1)


def slow(server: Server) -> int:
    """The status for a request whose body comes byte by byte."""
    with socket.create_connection(("127.0.0.1", server.port), 60) as connection:
        connection.sendall(request(body=b"", Content_Length="1000"))
        for _ in range(400):
            time.sleep(0.1)
            try:
                connection.sendall(b"x")
            # it has answered and closed
            except ConnectionError:
                break
        return status_of(connection)


def attack(server: Server, count: int, picture: bytes) -> tuple[Counter, list]:
    """How often each kind was answered with each status, and the requests that were answered wrongly."""
    found: Counter = Counter()
    wrong = []

    def send(one) -> None:
        status = server.send(one.request, one.is_cut)
        found[one.kind, status] += 1
        if status not in one.expected or status == 200:
            wrong.append((one.kind, status, one.request[:200]))

    with ThreadPoolExecutor(AT_ONCE + SLOW) as pool:
        slow_ones = [pool.submit(slow, server) for _ in range(SLOW if count else 0)]
        list(pool.map(send, hostile(count, picture)))
        found.update(("slow", one.result()) for one in slow_ones)
    return found, wrong


def figures_of_load(clients: list[Client], memory: list[int], seconds: float) -> dict[str, object]:
    counts: Counter[str] = sum((client.counts for client in clients), Counter())
    waits = sorted(s for client in clients for s in client.seconds)
    quarter = len(memory) // 4 + 1
    return {
        "answers": dict(counts),
        "right answers per second": round(counts["right"] / seconds, 1),
        "seconds, median": round(waits[len(waits) // 2], 2),
        "seconds, 99 %": round(waits[int(len(waits) * 0.99)], 2),
        "MB at most, first quarter": max(memory[:quarter]),
        "MB at most, last quarter": max(memory[-quarter:]),
    }


def figures_of_attack(server: Server, count: int, picture: bytes, score: float) -> dict[str, object]:
    found, wrong = attack(server, count, picture)
    status, answer = server.predict(picture)
    right = status == 200 and abs(max(answer["answers"][0]["scores"].values()) - score) < TOLERANCE
    return {
        **{f"{kind}: {status or 'closed'}": n for (kind, status), n in sorted(found.items())},
        "hostile requests, wrongly answered": [str(one) for one in wrong[:5]] or 0,
        "an honest client is answered rightly after them": right,
        "MB after them": psutil.Process(server.process.pid).memory_info().rss >> 20,
        "tracebacks in its log": server.errors.read_text().count("Traceback"),
        "status at its end": server.stop(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--hostile", type=int, default=10_000)
    parser.add_argument("--queue", type=int, default=64, help="Pictures that may wait; fewer than clients, to see 429.")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        pictures, scores = trained(Path(name))
        with served(Path(name), "p", "e", "--allow-url", "--queue", str(given.queue)) as server:
            memory: list[int] = []
            end = time.monotonic() + given.seconds
            clients = [Client(server, pictures, scores, end, seed) for seed in range(given.clients)]
            load(server, clients, memory)
            figures = figures_of_load(clients, memory, given.seconds)
            figures |= figures_of_attack(server, given.hostile, pictures[0], scores[0])
    table = [[figure, json.dumps(value)] for figure, value in figures.items()]
    keep(given.out, "serve_load", figures, markdown(["figure", "value"], table))


if __name__ == "__main__":
    main()
