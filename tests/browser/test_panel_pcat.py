"""Parts, categories, people, the account and the palette in a real browser."""

import random
import re
from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from devserver import Stack
from tests.sample_pictures import jpeg

Make = Callable[..., dict]
Open = Callable[..., Page]
PASSWORD = "correct horse battery staple"


@pytest.fixture
def open_panel(stack: Stack, context: Callable[..., BrowserContext]) -> Open:
    """Open a screen of the panel in a browser of its own, logged in as somebody: the administrator unless told otherwise."""

    def begin(path: str, email: str = "", password: str = "") -> Page:
        page = context().new_page()
        page.goto(f"{stack.url}/panel{path}")
        log_in(page, email or stack.settings.admin_email, password or stack.settings.admin_password)
        page.get_by_test_id("log-out").wait_for()
        page.get_by_role("heading", level=1).wait_for()
        return page

    return begin


@pytest.fixture
def make_part(staff: httpx.Client) -> Make:
    """Make a part with a SKU of its own."""

    def make(**content: object) -> dict:
        body = {"sku": f"PCAT-{uuid4().hex[:8]}", "part_name": "Test pulley", "status": "draft"} | content
        return dict(staff.post("/parts", json=body).raise_for_status().json())

    return make


@pytest.fixture
def make_category(staff: httpx.Client) -> Make:
    """Make a category with a name of its own."""

    def make(**fields: object) -> dict:
        return dict(staff.post("/categories", json={"name": f"Cat {uuid4().hex[:8]}"} | fields).raise_for_status().json())

    return make


@pytest.fixture
def make_person(staff: httpx.Client, stack: Stack) -> Make:
    """Make a member of staff who has chosen a password."""

    def make(role: str = "admin") -> dict:
        email = f"p{uuid4().hex[:8]}@shop.example"
        made = staff.post("/users", json={"email": email, "name": f"Bea {email[:5]}", "role": role}).raise_for_status().json()
        with httpx.Client(base_url=f"{stack.url}/api/v1/auth") as own:
            session = own.post("/login", json={"email": email, "password": made["password"]}).raise_for_status().json()
            own.headers["X-CSRF-Token"] = session["csrf_token"]
            own.put("/password", json={"current_password": made["password"], "new_password": PASSWORD}).raise_for_status()
        people = staff.get("/users", params={"limit": 200}).json()["items"]
        return next(person for person in people if person["email"] == email)

    return make


def log_in(page: Page, email: str, password: str) -> None:
    form = page.get_by_test_id("login-form")
    form.locator("input[type=email]").fill(email)
    form.locator("input[type=password]").fill(password)
    form.locator("button[type=submit]").click()
    page.get_by_test_id("log-out").wait_for()


def row_of(page: Page, part: dict) -> Locator:
    return page.locator(f"[data-testid=part-row][data-part-id='{part['id']}']")


def node_of(page: Page, category: dict) -> Locator:
    return page.locator(f"[data-testid=category][data-category-id='{category['id']}']")


def status_of(staff: httpx.Client, part: dict) -> str:
    return str(staff.get(f"/parts/{part['id']}").raise_for_status().json()["status"])


def choose(page: Page, item: str) -> None:
    page.get_by_role("menuitem", name=item).click()


def test_a_part_is_made_and_opens_and_its_sku_is_taken_from_then_on(open_panel: Open, staff: httpx.Client) -> None:
    other = open_panel("/parts?sort=-updated_at")
    page = open_panel("/parts")
    page.get_by_test_id("new-part").click()
    form = page.get_by_test_id("part-form")
    form.get_by_test_id("part-create").click()
    expect(form.get_by_role("alert").first).to_have_text("This is needed.")
    sku = f"PCAT-{uuid4().hex[:8]}"
    form.get_by_label("SKU").fill(sku)
    form.get_by_label("Name").fill("Hand made pulley")
    form.get_by_label("Price of one piece").fill("4,20")
    form.get_by_label("On hand").fill("7")
    form.get_by_test_id("part-create").dblclick()
    page.wait_for_url(re.compile(r"/panel/parts/\d+/content$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Hand made pulley")
    (made,) = staff.get("/parts", params={"q": sku}).json()["items"]
    assert (made["status"], made["stock"]["current_stock"], made["price"]["amount"]) == ("draft", 7, "4.20")
    # Somebody else's list does not jump: it offers what is new.
    other.get_by_test_id("refresh-parts").click()
    expect(row_of(other, made)).to_contain_text("Hand made pulley")

    page.goto(page.url.split("/parts/")[0] + "/parts?new=1")
    form.get_by_label("SKU").fill(sku)
    form.get_by_label("Name").fill("Another")
    form.get_by_test_id("part-create").click()
    expect(form.get_by_role("alert").first).to_contain_text("Another part has this SKU")
    form.get_by_role("link", name="Open that part").click()
    page.wait_for_url(f"**/parts/{made['id']}/content")


def test_many_parts_are_published_after_a_preview_and_it_is_taken_back_as_far_as_nobody_has_changed_them(
    open_panel: Open, make_part: Make, staff: httpx.Client
) -> None:
    word = f"bulk{uuid4().hex[:6]}"
    parts = [make_part(part_name=f"Pulley {word} {n}") for n in range(4)]
    page = open_panel(f"/parts?q={word}&status=draft")
    boxes = page.get_by_test_id("part-row").get_by_role("checkbox")
    expect(boxes).to_have_count(4)
    boxes.nth(0).click()
    boxes.nth(3).click(modifiers=["Shift"])
    expect(page.get_by_test_id("bulk-bar")).to_contain_text("4 parts selected")
    page.get_by_test_id("bulk-bar").get_by_role("button", name="Publish…").click()
    expect(page.get_by_test_id("bulk-touches")).to_contain_text("Touches 4 parts.")
    expect(page.get_by_test_id("bulk-row")).to_have_count(4)
    assert {status_of(staff, part) for part in parts} == {"draft"}
    page.get_by_label("Reason").fill("Season begins")
    page.get_by_test_id("bulk-apply").click()
    expect(page.get_by_test_id("toast-info")).to_contain_text("4 parts published.")
    assert {status_of(staff, part) for part in parts} == {"published"}
    # They do not belong to the drafts any more, and stay until somebody asks for a refresh.
    expect(page.locator("[data-testid=part-row].left")).to_have_count(4)

    staff.put(f"/parts/{parts[2]['id']}", json={"part_name": f"Changed {word}"}).raise_for_status()
    page.get_by_test_id("toast-action").click()
    expect(page.get_by_test_id("toast-info").last).to_contain_text(
        "3 parts are as they were before. 1 part has been changed since"
    )
    assert [status_of(staff, part) for part in parts] == ["draft", "draft", "published", "draft"]
    page.get_by_test_id("refresh-parts").click()
    expect(page.get_by_test_id("part-row")).to_have_count(3)


def test_a_part_is_archived_taken_back_and_copied(open_panel: Open, make_part: Make, staff: httpx.Client) -> None:
    part = make_part(
        description="<p>Of steel</p>", specifications=[{"name": "Bore", "value": "20", "unit": "mm"}], status="published"
    )
    page = open_panel(f"/parts?q={part['sku']}")
    row = row_of(page, part)
    row.get_by_role("button", name="Actions for").click()
    choose(page, "Archive")
    page.get_by_test_id("confirm").click()
    expect(row).to_have_class(re.compile(r"\bleft\b"))
    expect(row).to_contain_text("Archived")
    assert status_of(staff, part) == "archived"
    page.get_by_test_id("toast-action").click()
    expect(row).to_contain_text("Published")
    assert status_of(staff, part) == "published"

    row.get_by_role("button", name="Actions for").click()
    choose(page, "Duplicate…")
    page.get_by_test_id("part-create").click()
    page.wait_for_url(lambda url: "/content" in url)
    (copy,) = staff.get("/parts", params={"q": f"{part['sku']}-COPY"}).json()["items"]
    content = staff.get(f"/parts/{copy['id']}").json()
    assert (content["status"], content["description"], content["specifications"][0]["value"]) == (
        "draft",
        "<p>Of steel</p>",
        "20",
    )


def test_the_filters_stand_in_the_address_and_cover_the_categories_below(
    open_panel: Open, make_part: Make, make_category: Make
) -> None:
    above = make_category()
    below = make_category(parent_id=above["id"])
    part = make_part(category_id=below["id"])
    page = open_panel("/parts")
    field = page.get_by_role("combobox", name="Category")
    field.click()
    field.fill(above["name"])
    page.get_by_role("option", name=above["name"], exact=True).click()
    page.wait_for_url(f"**category={above['slug']}")
    expect(page.get_by_test_id("part-row")).to_have_count(1)
    expect(row_of(page, part)).to_be_visible()
    page.go_back()
    expect(page.get_by_test_id("part-row").nth(5)).to_be_visible()


def test_a_category_is_renamed_moved_and_deleted_and_everybody_sees_it(
    open_panel: Open, make_part: Make, make_category: Make, staff: httpx.Client
) -> None:
    first, second = make_category(), make_category()
    part = make_part(category_id=first["id"])
    page, other = open_panel("/categories"), open_panel("/categories")
    node = node_of(page, first)
    node.focus()
    page.keyboard.press("F2")
    page.get_by_test_id("rename-input").fill(second["name"])
    page.keyboard.press("Enter")
    expect(node.get_by_role("alert")).to_contain_text("a category of this name")
    page.get_by_test_id("rename-input").fill(f"{first['name']} new")
    page.keyboard.press("Enter")
    expect(node.get_by_test_id("category-name")).to_have_text(f"{first['name']} new")
    expect(node).to_be_focused()
    expect(node_of(other, first)).to_contain_text(f"{first['name']} new")

    page.keyboard.press("Control+x")
    field = page.get_by_test_id("move-form").get_by_role("combobox")
    field.click()
    field.fill(second["name"])
    page.get_by_role("option", name=second["name"], exact=True).click()
    page.get_by_role("button", name="Move", exact=True).click()
    expect(node).to_have_attribute("aria-level", "2")
    # By mouse: back to the top, out of the way.
    page.get_by_test_id("toast-action").last.click()
    expect(node).to_have_attribute("aria-level", "1")
    node.drag_to(node_of(page, second))
    expect(node).to_have_attribute("aria-level", "2")

    node.focus()
    page.keyboard.press("Delete")
    dialog = page.get_by_test_id("confirm-dialog")
    expect(dialog).to_contain_text("1 part")
    page.get_by_test_id("confirm").click()
    expect(dialog.get_by_role("alert")).to_have_text("Choose a category.")
    heir = dialog.get_by_role("combobox")
    heir.click()
    heir.fill(second["name"])
    page.get_by_role("option", name=second["name"], exact=True).click()
    page.get_by_test_id("confirm").click()
    expect(node).to_have_count(0)
    expect(node_of(other, first)).to_have_count(0)
    assert staff.get(f"/parts/{part['id']}").json()["category_id"] == second["id"]


def test_a_category_gets_a_text_which_nobody_overwrites_unseen(
    open_panel: Open, make_category: Make, staff: httpx.Client
) -> None:
    category = make_category(description="<p>Old</p>")
    page = open_panel("/categories")
    node_of(page, category).get_by_role("button", name="Actions for").click()
    choose(page, "Text and picture…")
    form = page.get_by_test_id("describe-form")
    field = form.get_by_role("textbox", name="Text")
    expect(field).to_have_text("Old")
    field.fill("Mine")
    staff.put(f"/categories/{category['id']}", json={"description": "Theirs"}).raise_for_status()
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("alert")).to_contain_text("changed this meanwhile")
    expect(field).to_have_text("Mine")
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_hidden()
    assert staff.get(f"/categories/{category['id']}").json()["description"] == "<p>Mine</p>"
    with page.expect_response(lambda answer: answer.request.method == "PUT"):
        page.get_by_test_id("toast-action").last.click()
    assert staff.get(f"/categories/{category['id']}").json()["description"] == "Theirs"


def test_a_categorys_picture_is_seen_by_customers_at_once_and_described_and_taken_away(
    stack: Stack,
    context: Callable[..., BrowserContext],
    open_panel: Open,
    make_category: Make,
    make_part: Make,
    staff: httpx.Client,
) -> None:
    category = make_category(description="<p>Old</p>")
    make_part(category_id=category["id"], status="published")
    site = context().new_page()
    site.goto(f"{stack.url}/c/{category['slug']}")
    expect(site.get_by_text("Old")).to_be_visible()
    shown = site.locator("main .pictured img")
    expect(shown).to_have_count(0)
    page = open_panel("/categories")
    node_of(page, category).get_by_role("button", name="Actions for").click()
    choose(page, "Text and picture…")
    form, picture = page.get_by_test_id("describe-form"), page.get_by_test_id("category-picture")
    field = form.get_by_role("textbox", name="Text")
    field.fill("Mine")
    picture.locator("input[type=file]").set_input_files({"name": "a.gif", "mimeType": "image/gif", "buffer": b"GIF89a"})
    expect(picture.get_by_test_id("upload-error")).to_have_text("Only JPEG, PNG and WebP pictures can be shown.")
    picture.get_by_role("button", name="Dismiss").click()
    picture.locator("input[type=file]").set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": jpeg(640, 480)})
    expect(picture.locator("img")).to_be_visible()
    expect(shown).to_be_visible()
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth > 0)")
    picture.get_by_label("What it shows, in words").fill("Spindles on a bench")
    picture.get_by_label("What it shows, in words").blur()
    expect(shown).to_have_attribute("alt", "Spindles on a bench")
    # The picture is none of the text's business.
    expect(field).to_have_text("Mine")
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_hidden()
    expect(site.get_by_text("Mine", exact=True)).to_be_visible()
    assert staff.get(f"/categories/{category['id']}").json()["version"] == 4
    site.goto(stack.url)
    tile = site.get_by_test_id("category-tile").filter(has_text=category["name"])
    expect(tile.get_by_role("img", name="Spindles on a bench")).to_be_visible()
    node_of(page, category).get_by_role("button", name="Actions for").click()
    choose(page, "Text and picture…")
    picture.get_by_test_id("picture-remove").click()
    page.get_by_test_id("confirm").click()
    expect(picture.locator("img")).to_have_count(0)
    expect(tile.locator("img")).to_have_count(0)
    expect(tile.locator("svg").first).to_be_visible()


def test_a_conflict_over_a_category_says_who_was_faster_and_goes_through_the_second_time(
    open_panel: Open, make_category: Make, staff: httpx.Client
) -> None:
    category = make_category()
    page = open_panel("/categories")
    node = node_of(page, category)
    node.focus()
    page.keyboard.press("F2")
    page.get_by_test_id("rename-input").fill(f"{category['name']} mine")
    # The panel does not see their change before it sends ours.
    page.route("**/api/v1/admin/categories", lambda route: route.abort())
    staff.put(f"/categories/{category['id']}", json={"name": f"{category['name']} theirs"}).raise_for_status()
    page.keyboard.press("Enter")
    expect(node.get_by_role("alert")).to_contain_text("changed this meanwhile")
    expect(page.get_by_test_id("rename-input")).to_have_value(f"{category['name']} mine")
    page.unroute("**/api/v1/admin/categories")
    with page.expect_response(lambda answer: answer.url.endswith("/admin/categories")):
        staff.put(f"/categories/{category['id']}", json={"slug": f"c-{uuid4().hex[:6]}"}).raise_for_status()
    page.get_by_test_id("rename-input").press("Enter")
    expect(node).to_contain_text(f"{category['name']} mine")


def test_a_person_is_made_and_follows_a_change_of_role_and_a_deactivation(
    stack: Stack, open_panel: Open, staff: httpx.Client
) -> None:
    page = open_panel("/people")
    email = f"n{uuid4().hex[:8]}@shop.example"
    page.get_by_test_id("new-person").click()
    form = page.get_by_test_id("person-form")
    form.get_by_label("E-mail").fill(email)
    form.get_by_label("Name").fill("Nora")
    form.get_by_role("combobox", name="Role").click()
    page.get_by_role("option", name="admin").click()
    form.get_by_role("button", name="Create").click()
    password = page.get_by_test_id("secret").inner_text()
    # It does not go away by accident.
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("secret")).to_be_visible()
    page.get_by_test_id("secret-kept").check()
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_test_id("secret")).to_have_count(0)

    nora = open_panel("/people", email, password)
    mine = page.locator(f"[data-testid=person][data-email='{email}']")
    mine.get_by_role("button", name="Actions for").click()
    choose(page, "Edit…")
    form.get_by_role("combobox", name="Role").click()
    page.get_by_role("option", name="viewer").click()
    expect(form.get_by_role("status")).to_contain_text("ends their sessions")
    form.get_by_role("button", name="Save").click()
    again = nora.get_by_test_id("relogin-dialog")
    again.locator("input[type=password]").fill(password)
    again.locator("button[type=submit]").click()
    # Her new role does not show people any more, neither here nor in the navigation.
    expect(nora.get_by_role("heading", level=1)).to_have_text("Page not found")
    expect(nora.get_by_role("link", name="People")).to_have_count(0)

    mine.get_by_role("button", name="Actions for").click()
    choose(page, "Deactivate…")
    page.get_by_test_id("confirm").click()
    expect(mine).to_contain_text("Deactivated")
    again.locator("input[type=password]").fill(password)
    again.locator("button[type=submit]").click()
    expect(again.get_by_test_id("login-error")).to_contain_text("not correct")

    # The last administrator stays one.
    for one in staff.get("/users", params={"limit": 200}).json()["items"]:
        if one["role"] == "admin" and one["is_active"] and one["email"] != stack.settings.admin_email:
            staff.put(f"/users/{one['id']}", json={"is_active": False}).raise_for_status()
    page.reload()
    own = page.locator(f"[data-testid=person][data-email='{stack.settings.admin_email}']")
    own.get_by_role("button", name="Actions for").click()
    choose(page, "Deactivate…")
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("toast-error")).to_contain_text("Nobody else can log in as an administrator")


def test_a_key_is_shown_once_opens_the_api_and_is_revoked(stack: Stack, open_panel: Open) -> None:
    page = open_panel("/people")
    name = f"till {uuid4().hex[:6]}"
    page.get_by_test_id("new-key").click()
    page.get_by_test_id("key-form").get_by_label("Name of the key").fill(name)
    page.get_by_test_id("key-form").get_by_role("button", name="Create").click()
    key = page.get_by_test_id("secret").inner_text()
    page.get_by_test_id("secret-kept").check()
    page.get_by_role("button", name="Close").click()

    def ask() -> int:
        return httpx.get(f"{stack.url}/api/v1/admin/parts", headers={"Authorization": f"Bearer {key}"}).status_code

    assert ask() == 200
    row = page.get_by_test_id("api-key").filter(has_text=name)
    row.get_by_role("button", name=f"Revoke {name}").click()
    page.get_by_test_id("confirm").click()
    expect(row).to_have_count(0)
    assert ask() == 401
    assert key not in page.content()


def test_the_password_is_changed_and_other_sessions_end(open_panel: Open, make_person: Make) -> None:
    person = make_person("viewer")
    page, other = open_panel("/account", person["email"], PASSWORD), open_panel("/account", person["email"], PASSWORD)
    form = page.get_by_test_id("password-form")
    form.get_by_label("Current password").fill("something else")
    form.get_by_label("New password", exact=True).fill("new horse battery")
    form.get_by_label("New password again").fill("new horse battery")
    form.get_by_role("button").click()
    expect(form.get_by_role("alert").first).to_have_text("This is not your password.")
    form.get_by_label("Current password").fill(PASSWORD)
    form.get_by_role("button").click()
    expect(page.get_by_test_id("toast-info")).to_contain_text("Your password is changed")
    expect(page.get_by_test_id("own-session")).to_have_count(1)
    again = other.get_by_test_id("relogin-dialog")
    again.locator("input[type=password]").fill("new horse battery")
    again.locator("button[type=submit]").click()
    expect(again).to_have_count(0)
    # The other browser is one of two sessions again, and can be ended from here.
    page.reload()
    page.get_by_test_id("end-others").click()
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("own-session")).to_have_count(1)
    expect(again).to_be_visible()


def test_a_list_that_only_comes_close_to_what_was_typed_says_so(open_panel: Open, make_part: Make) -> None:
    word = "".join(random.choices("bcdfghjklmnpqrstvwxz", k=10))
    part = make_part(part_name=f"{word.title()} pulley")
    misspelt = word[:5] + word[6:]
    page = open_panel(f"/stock?q={misspelt}")
    for place in ("/stock", "/parts"):
        for typed, is_said in ((misspelt, True), (word, False)):
            page.goto(f"{page.url.split('/panel/')[0]}/panel{place}?q={typed}")
            expect(page.get_by_text(part["part_name"]).first).to_be_visible()
            expect(page.get_by_test_id("similar")).to_have_count(int(is_said))
    page.keyboard.press("Control+k")
    page.get_by_test_id("palette-input").fill(misspelt)
    expect(page.get_by_test_id("palette-offer")).to_contain_text(part["part_name"])
    expect(page.get_by_test_id("palette")).to_contain_text("No part has all of these words as they were typed.")
    page.get_by_test_id("palette-input").fill(word)
    expect(page.get_by_test_id("palette")).not_to_contain_text("No part has all of these words")


def test_the_palette_goes_anywhere_by_keyboard_and_remembers(open_panel: Open, make_part: Make) -> None:
    part = make_part(part_name=f"Pulley {uuid4().hex[:8]}")
    page = open_panel("/account")
    page.keyboard.press("Control+k")
    page.get_by_test_id("palette-input").fill(part["sku"])
    expect(page.get_by_test_id("palette-offer")).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/parts/{part['id']}/content")
    page.keyboard.press("Control+k")
    expect(page.get_by_test_id("palette-offer").first).to_contain_text(part["part_name"])
    page.get_by_test_id("palette-input").fill("dark col")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_css("color-scheme", "dark")
    page.keyboard.press("Control+k")
    page.get_by_test_id("palette-input").fill("new part")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("part-form").get_by_label("SKU")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("part-form")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.get_by_test_id("keys")).to_contain_text("find a part, a screen or an action")


ENGLISH = re.compile(r"\b(the|and|with|all|new|search|show|no|your|password|price|changed|since|admin|viewer)\b", re.IGNORECASE)
# What people named themselves is not translated.
TEXTS = """() => {
  const named = ["part-row", "category", "person", "api-key"].map((id) => `[data-testid=${id}]`).join(", ") + ", .who, code";
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walk.nextNode())
    if (!walk.currentNode.parentElement.closest(`${named}, script, style, noscript`)) found.push(walk.currentNode.data);
  for (const name of ["aria-label", "placeholder", "title"])
    for (const element of document.querySelectorAll(`[${name}]`))
      if (!element.closest(named)) found.push(element.getAttribute(name));
  return found.map((text) => text.trim()).filter(Boolean);
}"""


@pytest.mark.parametrize("path", ["/parts?new=1", "/parts?q=nothing-is-called-this", "/categories", "/people", "/account"])
def test_these_screens_speak_german(path: str, open_panel: Open, stack: Stack) -> None:
    page = open_panel("/account")
    page.evaluate("localStorage.setItem('lockstep.preferences', JSON.stringify({ language: 'de' }))")
    page.goto(f"{stack.url}/panel{path}")
    # A dialog hides it from whoever looks for a heading.
    page.locator("h1").wait_for()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator("main .skeleton")).to_have_count(0)
    texts = page.evaluate(TEXTS)
    assert len(texts) > 10
    assert [text for text in texts if ENGLISH.search(text) and "Lockstep" not in text and "English" not in text] == []
