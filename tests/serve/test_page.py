"""The page at / in a real browser, before a real service."""

import json
import os

import pytest

pytest.importorskip("playwright.sync_api")

from browser_page import DESKTOP, PHONE, WAIT_MILLISECONDS, running_browser
from service_processes import running_service

TOKEN = "a-token-of-the-tests"
RECORDS = [
    {"size": 70.5, "rooms": 3, "city": "Bonn", "built": 1980},
    {"size": 1900.25, "rooms": 3, "city": "Ulm"},
    {"size": 61, "rooms": 2, "city": "Rom", "built": 2000},
]
TABLES = {
    "semicolons and decimal commas": """size;rooms;city;built
70,5;3;Bonn;1980
1.900,25;3;Ulm;
61,0;2;Rom;2000
""",
    "tabs, as of a spreadsheet, and no names": "70.5\t3\tBonn\t1980\n"
    "1900.25\t3\tUlm\t\n"
    "61.0\t2\tRom\t2000\n",
    "commas and quotes": """"city","built",size,rooms,more
Bonn,1980,"70.5",3,"a, ""b\"""
Ulm,,1900.25,3,
Rom,2000,61,2,
""",
    "JSON": json.dumps(RECORDS),
    "JSON lines": "\n".join(map(json.dumps, RECORDS)),
}
PASTE_ONE = """() => {
  const data = new DataTransfer();
  data.setData("text/plain", "70,5\\t3\\tBonn\\t1980");
  const paste = { clipboardData: data, bubbles: true, cancelable: true };
  document.activeElement.dispatchEvent(new ClipboardEvent("paste", paste));
}"""
DROP_FILE = """bytes => {
  const dataTransfer = new DataTransfer();
  const file = new File([new Uint8Array(bytes)], "flats.csv", { type: "text/csv" });
  dataTransfer.items.add(file);
  for (const kind of ["dragenter", "dragover", "drop"])
    dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
}"""
UNNAMED = """() => {
  const named = (e) => e.labels?.length || e.textContent.trim() || e.getAttribute("aria-label");
  const all = document.querySelectorAll("input, textarea, button, section, svg[role]");
  return [...all].filter((e) => !named(e)).map((e) => e.outerHTML);
}"""
COLORS = """() => {
  const style = getComputedStyle(document.body);
  return [style.color, style.backgroundColor];
}"""


@pytest.fixture(scope="module")
def chromium():
    with running_browser() as chromium:
        yield chromium


class ServicePage:
    """The page in a tab, and what went wrong on it."""

    def __init__(self, chromium, url, **options):
        self.problems, self.asked = [], []
        self.context = chromium.new_context(**({"viewport": DESKTOP} | options))
        self.context.set_default_timeout(WAIT_MILLISECONDS)
        self.tab = self.context.new_page()
        self.tab.on("pageerror", lambda error: self.problems.append(str(error)))
        self.tab.on("console", self._on_console)
        self.tab.on("request", lambda request: self.asked.append(request.url))
        self.tab.goto(url)

    def _on_console(self, message):
        if message.type in ("error", "warning") and "status of 4" not in message.text:
            self.problems.append(message.text)

    def type(self, **cells):
        for name, text in cells.items():
            self.tab.locator(f"input[name={name}]").fill(text)

    def look(self):
        self.tab.locator("#row-form button.main").click()

    def title(self, words):
        self.tab.locator("#title", has_text=words).wait_for()

    def paste(self, text):
        if not self.tab.locator("#pasted").is_visible():
            self.tab.locator("#paste-box summary").click()
        self.tab.locator("#pasted").fill(text)
        self.tab.locator("#paste-form button.main").click()

    def text(self, selector):
        return self.tab.locator(selector).inner_text()

    def close(self):
        self.context.close()
        assert not self.problems, self.problems


@pytest.fixture
def page(chromium, service):
    page = ServicePage(chromium, service.url)
    page.tab.locator("#field-0").wait_for()
    yield page
    page.close()


def test_a_typed_row(page, service):
    page.type(size="200", rooms="3", city="Ulm", built="1980")
    page.look()
    page.title("Far out: farther than every training row")
    assert "size is too high: 200" in page.text(".reasons")
    assert page.tab.locator(".row-picture svg:visible").count() == 1
    assert page.tab.locator("h3", has_text="The nearest training rows").count() == 1
    assert page.tab.locator(".field.out input").get_attribute("name") == "size"
    page.type(city="Rom")  # looks by itself
    page.title("city 'Rom' was never seen")
    page.type(size="7x")
    page.title("Not located: column 'size' holds '7x', which is no number.")
    assert all(url.startswith((service.url, "blob:")) for url in page.asked)


def test_a_typical_row_by_keyboard(page):
    assert page.tab.evaluate("document.activeElement.id") == "field-0"
    page.tab.locator("#typical").focus()
    page.tab.keyboard.press("Enter")
    page.title("Inside the data")
    page.tab.locator("#field-0").fill("900")
    page.tab.keyboard.press("Enter")
    page.title("Far out")
    page.tab.locator("#clear").focus()
    page.tab.keyboard.press("Space")
    page.tab.locator("#one").wait_for(state="hidden")
    assert page.tab.evaluate("document.activeElement.id") == "field-0"


def check_three(page):
    page.tab.locator("#batch-title").wait_for()
    assert page.text("#batch-title").startswith("1 of 3 rows is")
    rows = page.tab.locator(".batch-table tbody tr").all_inner_texts()
    assert [text.split("\t")[0] for text in rows] == ["1", "2", "0"]
    assert "city 'Rom' was never seen" in rows[1]


@pytest.mark.parametrize("form", TABLES)
def test_pasted_tables(page, form):
    page.paste(TABLES[form])
    check_three(page)
    if "commas" in form:
        assert ("Commas were read as decimal marks" in page.text("#batch")) == ("decimal" in form)


def test_a_row_of_many_is_looked_at(page):
    page.paste(TABLES["JSON"])
    check_three(page)
    page.tab.locator("[data-row='1']").click()
    page.title("Far out")
    assert page.tab.locator("#field-0").input_value() == "1900.25"
    assert page.tab.evaluate("document.activeElement.id") == "title"


def test_one_pasted_row_fills_the_form(page):
    page.tab.locator("#field-0").focus()
    page.tab.evaluate(PASTE_ONE)
    page.title("Inside the data")
    values = [page.tab.locator(f"#field-{i}").input_value() for i in range(4)]
    assert values == ["70.5", "3", "Bonn", "1980"]


def test_a_dropped_file(page):
    text = TABLES["semicolons and decimal commas"].replace("Rom", "Köln")
    page.tab.evaluate(DROP_FILE, list(text.encode("windows-1252")))
    page.tab.locator("#batch-title", has_text="2 of 3 rows are").wait_for()
    assert not page.tab.locator("#drop").is_visible()


def test_a_chosen_file_is_saved_with_answers(page, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("size,rooms,city,built\n70,3,=1+1,1980\n80,3,Ulm,1970\n", encoding="utf-8")
    page.tab.locator("#paste-box summary").click()
    page.tab.locator("#file").set_input_files(path)
    page.tab.locator("#save").wait_for()
    with page.tab.expect_download() as download:
        page.tab.locator("#save").click()
    lines = (tmp_path / "new.csv").with_name("where.csv")
    download.value.save_as(lines)
    saved = lines.read_text(encoding="utf-8").splitlines()
    assert saved[0] == "size,rooms,city,built,band,hull_percentile,lower,upper,why,nearest_rows"
    assert saved[1].startswith("70,3,'=1+1,1980,far,")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "nothing to read"),
        ("a;b\n1;2\n", "names no column"),
        ("size;rooms;city;built\n", "no rows"),
        ("size;size\n1;2\n", "there twice"),
        ("[1, 2", "is none"),
        ("size;rooms;city;built\n1;2;3;4;5;6\n", "Line 2 has 6 cells"),
    ],
)
def test_what_cannot_be_read_is_said(page, text, words):
    page.paste(text)
    page.tab.locator("#problem", has_text=words).wait_for()


def test_rows_are_text_on_the_page(page):
    row = {"size": 60, "rooms": 2, "city": "<img src=x onerror=alert(1)>", "built": None}
    page.paste(json.dumps([row, row]))
    page.tab.locator("#batch-title").wait_for()
    page.tab.locator("[data-row='0']").click()
    page.title("never seen")
    assert page.tab.locator("main img").count() == 0


@pytest.mark.parametrize(
    ("viewport", "scheme"), [(DESKTOP, "light"), (PHONE, "light"), (PHONE, "dark")]
)
def test_fits_and_names_everything(chromium, service, viewport, scheme):
    page = ServicePage(chromium, service.url, viewport=viewport, color_scheme=scheme)
    page.tab.locator("#typical").click()
    page.title("Inside")
    page.paste(TABLES["commas and quotes"])
    check_three(page)
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert page.tab.evaluate(UNNAMED) == []
    contrast = page.tab.evaluate(COLORS)
    light, dark = sorted(sum(map(int, c[4:-1].split(","))) for c in contrast)[::-1]
    assert light - dark > 500
    page.close()


def test_token(chromium, domain_path):
    with running_service(domain_path, env={**os.environ, "HULLWISE_TOKEN": TOKEN}) as service:
        page = ServicePage(chromium, service.url)
        page.tab.locator("#token").fill("not-the-token")
        page.tab.keyboard.press("Enter")
        page.tab.locator("#token-problem", has_text="not its token").wait_for()
        page.tab.locator("#token").fill(TOKEN)
        page.tab.keyboard.press("Enter")
        page.tab.locator("#typical").click()
        page.title("Inside")
        page.tab.reload()
        page.tab.locator("#field-0").wait_for()
        page.close()
        page = ServicePage(chromium, f"{service.url}/#token={TOKEN}")
        page.tab.locator("#field-0").wait_for()
        assert TOKEN not in page.tab.url
        assert not any(TOKEN in url.partition("#")[0] for url in page.asked)
        page.close()
        _, out, err = service.stop()
        assert TOKEN not in out + err


def test_a_service_that_went_away(chromium, domain_path):
    with running_service(domain_path) as service:
        page = ServicePage(chromium, service.url)
        page.tab.locator("#typical").click()
        page.title("Inside")
        service.close()
        page.look()
        page.tab.locator("#problem", has_text="does not answer").wait_for()
        page.context.close()
