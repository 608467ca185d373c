"""Second factors in the panel: turned on and off, asked for at the log-in, taken away by an administrator."""

from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import BrowserContext, CDPSession, Page, expect
from pyotp import TOTP
from sqlalchemy import NullPool, create_engine, text

from bench.system import wait_until
from devserver import Stack
from tests.browser.axe import looked_over

PASSWORD = "correct horse battery staple"


@pytest.fixture
def email(staff: httpx.Client, stack: Stack) -> str:
    """The address of a new administrator who has chosen a password."""
    address = f"f{uuid4().hex[:8]}@shop.example"
    made = staff.post("/users", json={"email": address, "name": f"Fay {address[1:5]}", "role": "admin"}).raise_for_status().json()
    with httpx.Client(base_url=f"{stack.url}/api/v1/auth") as client:
        login = client.post("/login", json={"email": address, "password": made["password"]}).raise_for_status().json()
        body = {"current_password": made["password"], "new_password": PASSWORD}
        client.put("/password", json=body, headers={"X-CSRF-Token": login["csrf_token"]}).raise_for_status()
    return address


@pytest.fixture
def page(stack: Stack, context: Callable[..., BrowserContext], email: str) -> Page:
    """The account screen of that person."""
    opened = context().new_page()
    opened.goto(f"{stack.url}/panel/account")
    log_in(opened, email)
    opened.get_by_test_id("log-out").wait_for()
    return opened


def log_in(page: Page, email: str) -> None:
    form = page.get_by_test_id("login-form")
    form.locator("input[type=email]").fill(email)
    form.locator("input[type=password]").fill(PASSWORD)
    form.locator("button[type=submit]").click()


def age_sessions(stack: Stack) -> None:
    """Make every session one that was opened eleven minutes ago, and not proven since."""
    engine = create_engine(stack.settings.database_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("UPDATE user_sessions SET created_at = created_at - interval '11 minutes', proven_at = NULL"))


def test_an_app_is_set_up_asked_at_the_log_in_and_taken_away(
    page: Page, email: str, stack: Stack, context: Callable[..., BrowserContext]
) -> None:
    page.get_by_test_id("factor-on").click()
    form = page.get_by_test_id("factor-form")
    picture = form.get_by_role("img")
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    assert looked_over(page) == []
    app = TOTP(form.get_by_test_id("factor-secret").inner_text())
    form.get_by_label("Code from the app").fill("12345")
    form.get_by_role("button", name="Turn on").click()
    expect(form.get_by_role("alert").first).to_have_text("this is not the app's present code")
    form.get_by_label("Code from the app").fill(app.now())
    form.get_by_role("button", name="Turn on").click()
    codes = page.get_by_test_id("secret").inner_text().split()
    assert len(codes) == 10
    page.get_by_test_id("secret-kept").check()
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_test_id("second-factor")).to_contain_text("10 recovery codes are left")
    assert looked_over(page) == []

    elsewhere = context().new_page()
    elsewhere.goto(f"{stack.url}/panel/account")
    log_in(elsewhere, email)
    login = elsewhere.get_by_test_id("login-form")
    expect(login.get_by_role("alert")).to_have_text("Type the code that your authenticator app shows.")
    expect(login.get_by_label("Code from your app")).to_be_focused()
    assert looked_over(elsewhere) == []
    elsewhere.keyboard.type("wrong")
    elsewhere.keyboard.press("Enter")
    expect(login.get_by_role("alert")).to_contain_text("This code is not correct")
    elsewhere.keyboard.type(codes[0])
    elsewhere.keyboard.press("Enter")
    expect(elsewhere.get_by_test_id("second-factor")).to_contain_text("9 recovery codes are left")

    elsewhere.goto(f"{stack.url}/panel/people")
    elsewhere.get_by_test_id("new-key").click()
    elsewhere.get_by_label("Name of the key").fill(f"till {uuid4().hex[:6]}")
    age_sessions(stack)
    elsewhere.get_by_test_id("key-form").get_by_role("button", name="Create").click()
    asked = elsewhere.get_by_test_id("step-up")
    asked.get_by_label("Password").fill(PASSWORD)
    asked.get_by_role("button", name="Continue").click()
    expect(asked.get_by_label("Code from your app")).to_be_focused()
    assert looked_over(elsewhere) == []
    elsewhere.keyboard.type(codes[2])
    elsewhere.keyboard.press("Enter")
    expect(elsewhere.get_by_test_id("secret")).to_contain_text("lsk_")

    page.get_by_test_id("factor-off").click()
    form = page.get_by_test_id("factor-off-form")
    form.get_by_label("Password").fill(PASSWORD)
    form.get_by_label("Code from the app").fill(codes[1])
    form.get_by_role("button", name="Turn off").click()
    expect(page.get_by_test_id("factor-on")).to_be_visible()


def test_after_a_while_something_dangerous_asks_who_is_there_and_loses_nothing(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/panel/people")
    page.get_by_test_id("new-key").click()
    form, name = page.get_by_test_id("key-form"), f"till {uuid4().hex[:6]}"
    form.get_by_label("Name of the key").fill(name)
    age_sessions(stack)
    form.get_by_role("button", name="Create").click()
    asked = page.get_by_test_id("step-up")
    expect(asked.get_by_label("Password")).to_be_focused()
    assert looked_over(page) == []
    page.keyboard.press("Escape")
    expect(asked).to_have_count(0)
    expect(form.get_by_text("it needs your password")).to_be_visible()
    form.get_by_role("button", name="Create").click()
    asked.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(asked.get_by_role("alert")).to_have_text("This is not your password.")
    asked.get_by_label("Password").fill(PASSWORD)
    asked.get_by_role("button", name="Continue").click()
    expect(page.get_by_test_id("secret")).to_contain_text("lsk_")
    page.get_by_test_id("secret-kept").check()
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_test_id("api-key").filter(has_text=name)).to_have_count(1)


def test_an_administrator_takes_it_away_and_asks_before(page: Page, email: str, stack: Stack, panel: Page) -> None:
    page.get_by_test_id("factor-on").click()
    form = page.get_by_test_id("factor-form")
    form.get_by_label("Code from the app").fill(TOTP(form.get_by_test_id("factor-secret").inner_text()).now())
    form.get_by_role("button", name="Turn on").click()
    page.get_by_test_id("secret").wait_for()
    panel.goto(f"{stack.url}/panel/people")
    row = panel.locator(f"[data-testid=person][data-email='{email}']")
    expect(row).to_contain_text("Second factor")
    row.get_by_role("button").click()
    panel.get_by_role("menuitem", name="Take second factor and passkeys away").click()
    panel.get_by_test_id("confirm").click()
    expect(row).not_to_contain_text("Second factor")
    expect(page.get_by_test_id("relogin-dialog")).to_be_visible()


def with_passkeys(page: Page) -> tuple[CDPSession, str]:
    """Give a page a device that makes passkeys, and uses them without asking anybody."""
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    made = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    return device, device.send("WebAuthn.addVirtualAuthenticator", {"options": made})["authenticatorId"]


def test_a_passkey_is_added_logs_in_proves_and_is_removed(
    stack: Stack, context: Callable[..., BrowserContext], email: str
) -> None:
    page = context().new_page()
    with_passkeys(page)
    # A browser that does not offer them by itself.
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")
    # A passkey belongs to a host by name.
    page.goto(f"{stack.url.replace('127.0.0.1', 'localhost')}/panel/account")
    log_in(page, email)
    form = page.get_by_test_id("passkey-form")
    form.get_by_label("Name of the passkey").fill("My laptop")
    form.get_by_role("button").click()
    passkey = page.get_by_test_id("passkey")
    expect(passkey).to_contain_text("My laptop")
    expect(passkey).not_to_contain_text("last used")
    assert looked_over(page) == []

    page.get_by_test_id("log-out").click()
    page.get_by_test_id("passkey-log-in").click()
    page.get_by_test_id("log-out").wait_for()
    page.goto(f"{stack.url.replace('127.0.0.1', 'localhost')}/panel/account")
    expect(passkey).to_contain_text("last used")

    age_sessions(stack)
    passkey.get_by_role("button").click()
    page.get_by_test_id("confirm").click()
    page.get_by_test_id("passkey-step-up").click()
    expect(passkey).to_have_count(0)
    page.get_by_test_id("log-out").click()
    page.get_by_test_id("passkey-log-in").click()
    expect(page.get_by_test_id("login-form").get_by_role("alert")).to_contain_text("This passkey is not known here")


def test_a_passkey_is_offered_in_the_field_of_the_address_until_something_else_logs_in(
    stack: Stack, context: Callable[..., BrowserContext], email: str
) -> None:
    page = context().new_page()
    device, authenticator = with_passkeys(page)
    page.goto(f"{stack.url.replace('127.0.0.1', 'localhost')}/panel/account")
    expect(page.get_by_label("E-mail")).to_have_attribute("autocomplete", "username webauthn")
    log_in(page, email)
    page.get_by_test_id("passkey-form").get_by_role("button").click()
    page.get_by_test_id("passkey").wait_for()
    # Chosen as soon as it is offered.
    with page.expect_response("**/auth/login/passkey") as answered:
        page.get_by_test_id("log-out").click()
    assert answered.value.status == 200
    page.get_by_test_id("log-out").wait_for()

    # Nobody chooses it: what was offered first ends with a wrong password, and what was offered then with the button.
    device.send("WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": authenticator, "enabled": False})
    page.evaluate("""() => {
        const get = navigator.credentials.get.bind(navigator.credentials);
        window.offered = [];
        navigator.credentials.get = (asked) => {
            if (asked.mediation === "conditional") window.offered.push(asked.signal);
            return get(asked);
        };
    }""")
    page.get_by_test_id("log-out").click()
    over = "window.offered.map((signal) => signal.aborted)"
    assert wait_until(lambda: page.evaluate(over) == [False])
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("login-form").get_by_role("alert")).to_be_visible()
    assert wait_until(lambda: page.evaluate(over) == [True, False])
    device.send("WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": authenticator, "enabled": True})
    page.get_by_test_id("passkey-log-in").click()
    page.get_by_test_id("log-out").wait_for()
    assert page.evaluate(over) == [True, True]
