#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pages for a browser: their data are the reports of --json, the map of the heap adds up to what the program allocated, nothing of a core is markup; and,
where there is a Chromium, they open without a complaint or a request, and all that can be done in them works."""

from __future__ import annotations

import atexit
import base64
import functools
import hashlib
import http.server
import json
import re
import shutil
import stat
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, Callable

import browser
import json_schema
from grown import Stops
from harness import SOURCE, Cases, Skipped, Stopped, Workspace, few, heapcore, need_captures, report_of, succeed

Json = dict[str, Any]
SIZE_MAX = 3_000_000  # HC_PAGE_SIZE_MAX
STATUSES = (0, 3)
HEADER, CHUNK_MINIMUM = 8, 32  # of malloc's chunks
DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.S)
NAME = "<i onclick=alert(1)>&\"'"  # what the program of fixtures/markup.cpp is called here
ARGUMENTS = ["</script><script>document.title='owned'</script>", "<!--"]


def make(command: str, *arguments: Any, page: Path) -> Json:
    """The data of a page."""
    succeed(command, *arguments, "--html", page, statuses=STATUSES)
    return data_of(page)


def data_of(page: Path) -> Json:
    text = page.read_text(encoding="utf-8")
    assert len(page.read_bytes()) <= SIZE_MAX
    found = DATA.search(text)
    assert found, "no data"
    return json.loads(found[1])


def report(command: str, *arguments: Any) -> Json:
    return report_of(succeed(command, *arguments, "--json", statuses=STATUSES))


# ---- without a browser ----------------------------------------------------------------------------------------------


def check_file(core: Path, folder: Path) -> None:
    page = folder / "once.html"
    done = succeed("analyze", core, "--html", page, statuses=STATUSES)
    assert "WHERE THE MEMORY IS" in done.out, "the report is written, too"
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    before = page.read_bytes()
    done = heapcore("analyze", core, "--html", page)
    assert done.status == 2 and "--force" in done.err and not done.out, done
    assert page.read_bytes() == before
    page.chmod(0o640)
    succeed("analyze", core, "--html", page, "--force", "--no-types", statuses=STATUSES)
    assert stat.S_IMODE(page.stat().st_mode) == 0o640 and page.read_bytes() != before
    assert data_of(page)["types"] is None and data_of(page)["owners"] is None
    for wrong in folder, folder / "none" / "page.html":
        done = heapcore("analyze", core, "--html", wrong, "--force")
        assert done.status == 2 and str(wrong) in done.err, done
    assert not [path for path in folder.iterdir() if ".new-" in path.name]


# The lists of each report that may be cut, and what a row of theirs is by.
LISTS = {"owners": ["rows"], "leaks": ["groups", "mappings"], "containers": ["containers"], "types": ["types"], "pins": ["runs", "holders"],
         "mappings": ["mappings"], "analyze": ["arenas", "findings"]}
# The program's code is not read for a page.
COMMANDS = {"owners": ["--depth", "8", "--min", "0"], "leaks": ["--no-sites"], "containers": [], "types": [], "pins": [], "mappings": [], "analyze": []}


def without_cut(told: Json, lists: list[str]) -> Json:
    return {key: value for key, value in told.items() if key not in (*lists, "left_out_here", "left_out", "timings")}


def check_reports(data: Json, core: Path) -> None:
    """What the page has is what the commands say: all that is no list to the letter, and of lists rows of theirs, in their order."""
    for command, lists in LISTS.items():
        here, told = data[command], report(command, core, *COMMANDS[command])
        plain = {key: value for key, value in here.items() if key != "left_out_here"}
        problems = json_schema.problems_of(plain)
        assert not problems, f"{command}: {few(problems)}"
        # Files of a page have the process's core as it was named, so has the command's.
        assert without_cut(here, lists) == without_cut(told, lists), command
        for name in lists:
            rows = iter(told[name])
            assert all(any(row == other for other in rows) for row in here[name]), f"{command}.{name}: rows that the command does not have so"
            least = 1 if told[name] else 0
            assert len(here[name]) >= least, f"{command}.{name}: empty"
    rows, total = data["owners"]["rows"], data["owners"]["in_use"]["bytes"]
    tops = sum(row["bytes"] for row in rows if row["level"] == 0) + sum(other["bytes"] for other in data["owners"]["others"])
    assert tops + data["owners"]["left_out"]["bytes"] == total, (tops, total)


def chunk_of(usable: int) -> int:
    return max(usable + HEADER, CHUNK_MINIMUM)


def check_map(data: Json, stopped: Stopped, core: Path) -> None:
    """Cells add up to what the recorder says is live, and to what malloc_info() says is free."""
    lines = [json.loads(line) for line in succeed("chunks", core, "--json", "--limit", "0").out.splitlines()]
    arenas = {int(line["address"], 16): line["arena"] for line in lines}
    lost = [json.loads(line) for line in succeed("chunks", core, "--json", "--limit", "0", "--lost").out.splitlines()]
    assert sum(words.count("text") for words in stopped.manifest) <= len(lost), "the program loses blocks"
    contents = data["map"]["contents"]
    for region in data["map"]["regions"]:
        cell, size = data["map"]["cell_bytes"], int(region["end"], 16) - int(region["start"], 16)
        sums = [sum(one[:contents.index("pinned")]) for one in region["cells"]]
        assert sums == [min(cell, size - cell * index) for index in range(len(sums))], "a cell is not all of its stretch"
        assert size == region["size"] == sum(sums)
    cells: Counter[str] = Counter()
    for region in data["map"]["regions"]:
        for one in region["cells"]:
            cells.update({f"{region['arena']} {name}": number for name, number in zip(contents, one)})
    live = stopped.live_blocks()
    for arena in data["analyze"]["arenas"]:
        index = arena["index"]
        used = sum(chunk_of(block.usable) for address, block in live.items() if arenas[address] == index)
        labelled = [line for line in lines if line["arena"] == index and line["label"]]
        libc = sum(chunk_of(line["size"]) for line in labelled)
        told = {name: cells[f"{index} {name}"] for name in contents}
        known = sum(chunk_of(line["size"]) for line in labelled if int(line["address"], 16) in live)
        assert told["program"] + told["lost"] + told["libc"] == used + libc - known, (index, told, used, libc)
        assert told["libc"] == libc
        assert told["lost"] == sum(chunk_of(line["size"]) for line in lost if line["arena"] == index), (index, told)
        free = arena["free"]
        assert told["cached"] == free["tcache"]["bytes"] + free["fastbin"]["bytes"]
        assert told["free"] == sum(free[kind]["bytes"] for kind in ("unsorted", "small", "large", "unlisted"))
        assert told["top"] == free["top"]["bytes"]


def check_pinned(core: Path, folder: Path) -> None:
    data = make("analyze", core, page=folder / "pins.html")
    contents, runs = data["map"]["contents"], report("pins", core)["runs"]
    told = sum(one[contents.index("pinned")] for region in data["map"]["regions"] for one in region["cells"])
    pinned = [run for run in runs if run["pinned"]]
    assert pinned and told == sum(run["bytes"] for run in pinned)
    for run in pinned:
        start, end = int(run["start"], 16), int(run["start"], 16) + run["bytes"]
        for region in data["map"]["regions"]:
            low, cell = int(region["start"], 16), data["map"]["cell_bytes"]
            for index, one in enumerate(region["cells"]):
                if start <= low + index * cell and low + (index + 1) * cell <= end:
                    assert one[contents.index("pinned")] == cell, f"a cell in the run at {start:#x} is not pinned"


def check_nothing_from_outside(pages: list[Path]) -> None:
    for page in pages:
        text = page.read_text(encoding="utf-8")
        policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
        assert policy and "default-src 'none'" in policy[1], "no policy"
        for tag, rule in ("style", "style-src"), ("script", "script-src"):
            found = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.S)
            assert len(found) == 1, f"{len(found)} elements {tag}"
            digest = base64.b64encode(hashlib.sha256(found[0].encode()).digest()).decode()
            assert f"{rule} 'sha256-{digest}'" in policy[1], f"{rule} is not that of the element"
        assert text.count("</script") == 2 and "<!--" not in text.split("<body>")[1].split('id="data">')[1].split("</script>")[0]
    for source in sorted((SOURCE / "data" / "html").glob("*.js")):
        code = source.read_text(encoding="ascii")
        found = re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|setAttribute\(\"(?:on|style)|https?://\S+", code)
        assert set(found) <= {'http://www.w3.org/2000/svg";'}, f"{source.name}: {found}"


def check_much(opened: browser.Browser, page: Path, data: Json, told: Json) -> None:
    """What does not fit is the smallest, is counted, and that is said."""
    here, gone = data["mappings"]["mappings"], data["mappings"]["left_out_here"]["mappings"]
    assert len(here) + gone["rows"] == len(told["mappings"]) and gone["rows"] > 0
    assert sum(row["size"] for row in here) + gone["bytes"] == told["total"] == data["mappings"]["total"]
    rows = iter(told["mappings"])
    assert all(any(row == other for other in rows) for row in here), "rows are others, or in another order"
    sizes = sorted((row["size"] for row in told["mappings"]), reverse=True)
    assert sorted((row["size"] for row in here), reverse=True) == sizes[:len(here)], "a smaller one stands where a larger one went"
    seen = opened.open(page)
    assert f"{gone['rows']:,} more mappings" in seen.run("document.getElementById('mappings').textContent")
    quiet(seen)


def check_private(folder: Path) -> None:
    secret = "hunter2-Zq9x"
    with Stopped("secrets", [f"--password={secret}"], {"SECRET_OF_THE_ENVIRONMENT": secret}) as stopped:
        core = stopped.gcore()
        said = stopped.said("secret")[0][0]
        for options, has_it in ([], True), (["--no-content"], False):
            page = folder / f"secrets-{has_it}.html"
            make("analyze", core, *options, page=page)
            assert (said in page.read_text(encoding="utf-8")) == has_it, options


def check_diff_report(data: Json, cores: list[Path]) -> None:
    told = report("diff", *cores)
    here = {key: value for key, value in data["diff"].items() if key != "left_out_here"}
    assert not json_schema.problems_of(here)
    assert here == told and not data["diff"]["left_out_here"]


# ---- in a browser ---------------------------------------------------------------------------------------------------


def with_browser(function: Callable[..., None], *arguments: Any) -> Callable[[], None]:
    def run() -> None:
        if not browser.find():
            raise Skipped("there is no Chromium here (Debian: apt-get install chromium)")
        function(the_browser(), *arguments)
    return run


@functools.lru_cache(maxsize=None)
def the_browser() -> browser.Browser:
    """One for all cases."""
    opened = browser.Browser()
    atexit.register(opened.__exit__)
    return opened.__enter__()


def quiet(page: browser.Page) -> None:
    assert not page.complaints, f"the console says: {few(page.complaints)}"
    assert not page.requests, f"it asked for {few(page.requests)}"


def soon(page: browser.Page, script: str, what: str) -> None:
    until = time.monotonic() + 10
    while not page.run(script):
        assert time.monotonic() < until, what
        time.sleep(0.05)


def check_opens(opened: browser.Browser, pages: list[Path]) -> None:
    for path in pages:
        for width, dark in (1400, False), (400, True):
            page = opened.open(path, width=width, dark=dark)
            assert page.run("document.querySelectorAll('section h2').length") >= 5, path
            assert page.run("document.documentElement.scrollWidth") <= width, f"{path.name} is wider than {width} pixels"
            inside, own, high = page.run("(() => { const nav = document.querySelector('.top nav'); return [nav.scrollWidth, nav.clientWidth, nav.clientHeight]; })()")
            assert inside <= own, f"{path.name}: of the bar, {inside} pixels wide, {own} are seen at {width}"
            assert width < 1000 or high < 40, f"{path.name}: the bar is {high} pixels high"
            quiet(page)
            ids = page.run("[...document.querySelectorAll('section')].map((part) => part.id)")
            assert len(set(ids)) == len(ids) and page.run("document.querySelectorAll('h1').length") == 1
            assert page.run("[...document.querySelectorAll('th')].every((head) => head.scope === 'col')")


class Listener(http.server.BaseHTTPRequestHandler):
    """Lets everybody read, and counts who asks."""
    asked: list[str] = []

    def do_GET(self) -> None:
        Listener.asked.append(self.path)
        self.send_response(200)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Type", "image/svg+xml")
        self.end_headers()
        self.wfile.write(b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>')

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


def check_policy(opened: browser.Browser, path: Path) -> None:
    """The page's own policy stops what a mistake in it would let in: a server that would answer is not asked."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try_policy(opened.open(path), f"http://127.0.0.1:{server.server_address[1]}")
        free = opened.open(Path(__file__))  # no page of ours: there the same is let through
        assert free.run(f"fetch('http://127.0.0.1:{server.server_address[1]}/free').then(() => 'done', () => 'refused')") == "done"
        server.shutdown()
    assert Listener.asked == ["/free"], Listener.asked


def try_policy(page: browser.Page, server: str) -> None:
    tries = [f"fetch('{server}/fetch').then(() => 'done', () => 'refused')", f"navigator.sendBeacon('{server}/beacon', 'x') ? 'refused' : 'refused'",
             f"new Promise((done) => {{ const image = new Image(); image.onload = () => done('done'); image.onerror = () => done('refused'); image.src = '{server}/image'; }})",
             f"new Promise((done) => {{ const link = document.createElement('link'); link.rel = 'stylesheet'; link.onload = () => done('done'); link.onerror = () => done('refused');"
             f" link.href = '{server}/style'; document.head.append(link); }})",
             f"(() => {{ const form = document.createElement('form'); form.action = '{server}/form'; document.body.append(form); form.submit(); return 'refused'; }})()",
             "(() => { try { document.body.innerHTML = '<b>x</b>'; return 'done'; } catch (error) { return 'refused'; } })()",
             "(() => { const element = document.createElement('div'); element.setAttribute('style', 'width: 7px'); document.body.append(element);"
             " return element.style.width === '7px' ? 'done' : 'refused'; })()"]
    for script in tries:
        assert page.run(script) == "refused", script
    assert page.run("(() => { const bad = document.createElement('script'); try { bad.textContent = 'window.bad = 1'; document.body.append(bad); } catch (error) { }"
                    " return window.bad === undefined; })()")


def check_markup(opened: browser.Browser, path: Path, texts: list[str]) -> None:
    """What would be markup is text: each is seen, letter by letter, and nothing came of it."""
    page = opened.open(path)
    quiet(page)
    assert page.run("document.title") != "owned" and NAME[:15] in page.run("document.title")
    assert page.run("document.querySelectorAll('script').length") == 2 and page.run("document.querySelectorAll('main img, main i, main b, main script').length") == 0
    page.run("[...document.querySelectorAll('.more')].forEach((button) => button.click())")
    seen = page.run("document.getElementById('page').textContent")
    for text in texts:
        shown = "".join(f"\\u{ord(letter):04x}" if letter == "\u202e" else letter for letter in text)
        digits = re.compile(r"\d+")
        assert shown[:30] in seen or digits.sub("#", shown)[:30] in seen, f"{text!r} is not seen"
        assert "\u202e" not in seen


def column(page: browser.Page, section: str, name: str, table: int = 0) -> list[str]:
    """The cells of a column, as they are seen; of figures their bytes."""
    return page.run(f"""(() => {{
        const table = document.querySelectorAll('#{section} table')[{table}];
        const place = [...table.querySelectorAll('th')].findIndex((head) => head.textContent.trim() === {json.dumps(name)});
        return [...table.querySelectorAll('tbody tr')].map((row) => {{ const figure = row.cells[place].querySelector('data'); return figure ? figure.value : row.cells[place].textContent; }});
    }})()""")


def check_tables(opened: browser.Browser, path: Path, data: Json) -> None:
    page = opened.open(path)
    page.run("document.querySelector('#mappings .more')?.click()")
    sizes = [row["size"] for row in data["mappings"]["mappings"]]
    assert [int(size) for size in column(page, "mappings", "Size")] == sizes, "figures are not those of the report"
    heads = "[...document.querySelectorAll('#mappings th button')]"
    page.run(f"{heads}.find((one) => one.textContent === 'Size').click()")
    assert [int(size) for size in column(page, "mappings", "Size")] == sorted(sizes, reverse=True)
    page.run(f"{heads}.find((one) => one.textContent === 'Size').focus()")
    page.press("Enter")  # the keyboard does it, too
    assert [int(size) for size in column(page, "mappings", "Size")] == sorted(sizes)
    assert page.run("document.querySelector('#mappings [aria-sort]').getAttribute('aria-sort')") == "ascending"
    page.run(f"{heads}.find((one) => one.textContent === 'Kind').click()")
    kinds = column(page, "mappings", "Kind")
    assert kinds == sorted(kinds) and Counter(kinds) == Counter(row["kind"] for row in data["mappings"]["mappings"])
    page.run("(() => { const field = document.querySelector('#mappings input'); field.value = 'heap'; field.dispatchEvent(new Event('input')); })()")
    rows = page.run("[...document.querySelectorAll('#mappings tbody tr')].map((row) => row.textContent)")
    assert rows and all("heap" in row.lower() for row in rows)
    assert page.run("document.querySelector('#mappings .status').textContent") == f"{len(rows)} of {len(sizes)} rows"
    page.run("(() => { const field = document.querySelector('#mappings input'); field.value = 'no such row'; field.dispatchEvent(new Event('input')); })()")
    assert page.run("document.querySelectorAll('#mappings tbody tr').length") == 0
    # Figures of the other tables, and all of them exact at once.
    told = {row["name"]: row for row in data["analyze"]["memory"]["rows"] + data["analyze"]["memory"]["parts"]}
    for name, mapped in zip(column(page, "memory", "Where the memory is"), column(page, "memory", "Mapped")):
        assert int(mapped) == told[name]["bytes"], name
    assert [int(holds) for holds in column(page, "owners", "Holds")][:10] == [row["bytes"] for row in data["owners"]["rows"]][:10]
    text = page.run("(() => { document.getElementById('exact').click(); return document.querySelector('#memory tbody data').textContent; })()")
    first = next(row for row in data["analyze"]["memory"]["rows"] if row["bytes"])
    assert text == f"{first['bytes']:,} bytes", text
    quiet(page)


def tiles(page: browser.Page) -> list[Json]:
    return page.run("""[...document.querySelectorAll('.tile')].map((tile) => { const box = tile.getBoundingClientRect();
        return { x: box.x, y: box.y, width: box.width, height: box.height, says: tile.title, opens: tile.classList.contains('opens') }; })""")


def check_treemap(opened: browser.Browser, path: Path, data: Json) -> None:
    page = opened.open(path)
    page.run("document.querySelector('.treemap').scrollIntoView({ block: 'center' })")
    soon(page, "document.querySelector('.treemap').getBoundingClientRect().top < 800", "the map is not in view")
    shown, total = tiles(page), data["owners"]["in_use"]["bytes"]
    area = sum(tile["width"] * tile["height"] for tile in shown)
    sums = 0
    for tile in shown:
        bytes_of = int(re.search(r"([\d,]+) bytes?$", tile["says"])[1].replace(",", ""))
        sums += bytes_of
        assert abs(tile["width"] * tile["height"] / area - bytes_of / total) < 0.01, f"{tile} is not as large as its bytes"
    assert sums == total, f"rectangles are {sums} of {total} bytes"
    for row in data["owners"]["rows"]:
        if row["level"] == 0 and row["bytes"] >= total / 4000:
            assert any(tile["says"].startswith(row["path"]) for tile in shown), f"{row['path']} has no rectangle"
    owner = next(tile for tile in shown if tile["opens"] and tile["says"].startswith("g_cache"))
    page.click(owner["x"] + 12, owner["y"] + 8)
    assert page.run("document.querySelector('.crumbs').textContent").startswith("all in use") and "g_cache" in page.run("document.querySelector('.crumbs').textContent")
    row = next(row for row in data["owners"]["rows"] if row["path"] == "g_cache")
    inside = [int(re.search(r"([\d,]+) bytes?$", tile["says"])[1].replace(",", "")) for tile in tiles(page)]
    assert sum(inside) == row["bytes"], (inside, row["bytes"])
    told = page.run("document.querySelector('#owners .detail').textContent")
    assert "heapcore owners" in told
    page.press("Escape")
    assert page.run("document.activeElement.title").startswith("g_cache"), "back up, one stands on what was open"
    page.press("ArrowRight")
    assert page.run("document.activeElement.classList.contains('tile') && !document.activeElement.title.startsWith('g_cache')")
    page.press("ArrowLeft")
    page.press("Enter")
    assert "g_cache" in page.run("document.querySelector('.crumbs strong').textContent")
    page.press("Escape")
    for metric, key in ("retains", "retained"), ("resident", "resident"):
        page.run(f"document.querySelector('input[value={metric}]').click()")
        largest = max((one for one in data["owners"]["rows"] if one["level"] == 0), key=lambda one: one[key] or 0)
        told = page.run("[...document.querySelectorAll('.tile')].map((tile) => tile.title)")
        assert any(one.startswith(largest["path"]) and one.endswith(f"{largest[key]:,} bytes") for one in told), (metric, told)
    quiet(page)


def check_heap_map(opened: browser.Browser, path: Path, data: Json) -> None:
    page, names = opened.open(path), data["map"]["contents"]
    strips = page.run("document.querySelectorAll('.strip').length")
    assert strips == len(data["map"]["regions"]), (strips, len(data["map"]["regions"]))
    arena = data["analyze"]["arenas"][0]["index"]
    region = next(one for one in data["map"]["regions"] if one["arena"] == arena)
    soon(page, "document.querySelector('.strip path') !== null", "the map is not drawn")

    def told() -> dict[int, str]:
        return {int(value): "" for value in page.run("[...document.querySelectorAll('.heapmap .detail data')].map((one) => one.value)")}

    page.run("document.querySelector('.strip').focus()")
    for press, index in (None, 0), ("ArrowRight", 1), ("ArrowRight", 2), ("End", len(region["cells"]) - 1), ("Home", 0):
        if press:
            page.press(press)
        assert set(told()) == {number for number in region["cells"][index] if number}, (press, index, told(), region["cells"][index])
        address = int(region["start"], 16) + index * data["map"]["cell_bytes"]
        assert page.run("document.querySelector('.heapmap .detail code').textContent") == f"{address:#x}"
    page.run("document.querySelector('.strip').scrollIntoView({ block: 'center' })")
    box = page.run("(() => { const box = document.querySelector('.strip svg').getBoundingClientRect(), view = document.querySelector('.strip svg').viewBox.baseVal;"
                   " return { x: box.x, y: box.y, unit: box.width / view.width }; })()")
    page.point(box["x"] + 5.5 * box["unit"], box["y"] + 0.8 * box["unit"])
    assert set(told()) == {number for number in region["cells"][5] if number}, "the mouse points at another cell"
    for name in "program", "free":
        drawn = page.run(f"document.querySelector('.strip path.content-{name}').getAttribute('d').split('M').length - 1")
        assert drawn == sum(1 for cell in region["cells"] if cell[names.index(name)]), name
    quiet(page)


def check_looks(opened: browser.Browser, path: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light, dark = opened.open(path), opened.open(path, dark=True)
    assert light.run(ground) == "rgb(255, 255, 255)" and dark.run(ground) == "rgb(20, 23, 27)"
    for page, after in (light, "rgb(20, 23, 27)"), (dark, "rgb(255, 255, 255)"):
        page.run("document.getElementById('theme').click()")
        assert page.run(ground) == after
    first = opened.open(path)
    first.press("Tab")
    assert first.run("document.activeElement.tagName") == "A", "the keyboard begins at the parts of the page"
    assert first.run("getComputedStyle(document.activeElement).outlineStyle") == "solid", "where the keyboard stands is seen"
    assert len(first.pdf()) > 10000
    first.call("Emulation.setEmulatedMedia", media="print")
    assert first.run("getComputedStyle(document.querySelector('.top')).display") == "none"
    plain = opened.open(path, scripts=False)
    quiet(first)
    assert plain.call("DOM.getDocument", depth=-1)["root"] and "WHERE THE MEMORY IS" in path.read_text(encoding="utf-8").split("<noscript>")[1].split("</noscript>")[0]


def check_diff_page(opened: browser.Browser, path: Path, data: Json) -> None:
    page, told = opened.open(path), data["diff"]
    causes = page.run("[...document.querySelectorAll('.causes .amount data')].map((one) => Number(one.value))")
    assert causes == [cause["bytes"] for cause in told["sentences"]]
    widths = page.run("[...document.querySelectorAll('.causes .grown span')].map((one) => one.getBoundingClientRect().width)")
    most = max(abs(cause["bytes"]) for cause in told["sentences"])
    for width, cause in zip(widths, told["sentences"]):
        assert abs(width / max(widths) - abs(cause["bytes"]) / most) < 0.05
    lines = page.run("[...document.querySelectorAll('polyline.line')].map((one) => one.points.length)")
    assert lines and set(lines) == {len(told["snapshots"])}
    names = [row["name"] for row in told["attribution"][:3]]
    seen = page.run("document.getElementById('lines').textContent")
    assert all(name in seen for name in names), names
    page.run("document.querySelector('#steady .more')?.click()")
    assert [int(after) for after in column(page, "steady", "Last")] == [row["after"] for row in told["steady"]]
    page.run("document.querySelector('#causes .more')?.click()")
    assert sum(int(grown) for grown in column(page, "causes", "Growth")) == told["growth"]
    for line in told["verdict"].split("\n"):
        assert line in page.run("document.getElementById('verdict').textContent")
    quiet(page)


# ---- all of them ----------------------------------------------------------------------------------------------------

need_captures()
cases = Cases(__doc__)


def run_markup(folder: Path) -> None:
    program = folder / NAME
    shutil.copy(Stopped("markup").program, program)
    with Stopped(str(program), ARGUMENTS) as stopped:
        texts = [bytes.fromhex(words[0]).decode() for words in stopped.said("text")]
        core = stopped.capture() / f"core.{stopped.pid}"
        page = folder / "markup.html"
        data = make("analyze", core, page=page)
        cases.run("markup: figures are those of the reports", check_reports, data, core)
        cases.run("markup: the map adds up to what is live", check_map, data, stopped, core)
        cases.run("markup: nothing from outside", check_nothing_from_outside, [page])
        cases.run("markup: a browser sees text", with_browser(check_markup, page, texts))
        cases.run("the file", check_file, core, folder)


def run_story(folder: Path) -> None:
    with Stops("stories/mixture", "leak", count=3) as stops:
        cores, page, growth = stops.cores, folder / "mixture.html", folder / "growth.html"
        data, grown = make("analyze", cores[-1], page=page), make("diff", *cores, page=growth)
        cases.run("mixture: the diff is that of the report", check_diff_report, grown, cores)
        cases.run("mixture: nothing from outside", check_nothing_from_outside, [page, growth])
        cases.run("browser: opens", with_browser(check_opens, [page, growth]))
        cases.run("browser: what the policy stops", with_browser(check_policy, page))
        cases.run("browser: tables", with_browser(check_tables, page, data))
        cases.run("browser: owners", with_browser(check_treemap, page, data))
        cases.run("browser: the heap", with_browser(check_heap_map, page, data))
        cases.run("browser: looks, keyboard, print", with_browser(check_looks, page))
        cases.run("browser: growth", with_browser(check_diff_page, growth, grown))


def run_much(folder: Path) -> None:
    with Stopped("markup", ["many"]) as stopped:
        core = stopped.capture() / f"core.{stopped.pid}"
        page = folder / "much.html"
        cases.run("more than there is room for", with_browser(check_much, page, make("analyze", core, page=page), report("mappings", core)))


def run_pins(folder: Path) -> None:
    with Stopped("pins") as stopped:
        cases.run("pins are seen in the map", check_pinned, stopped.gcore(), folder)


if not cases.options.list:
    with Workspace() as place:
        run_markup(place)
        run_story(place)
        run_much(place)
        run_pins(place)
        cases.run("no content", check_private, place)
cases.finish()
