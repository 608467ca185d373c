"""`python -m tests.faults.safeguards`: which test fails without which safeguard; writes the table in docs/guarantees.md.

Each safeguard is taken out of a scratch copy of the tree by a mutation of the source text, and the tests that should notice are
run there. The exit code is 1 if none does, or if one of those named also fails with every safeguard in place.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from config import REPOSITORY

# How many are tried side by side.
JOBS = 3
PAGE = REPOSITORY / "docs" / "guarantees.md"
BEGIN, END = "<!-- safeguards -->", "<!-- /safeguards -->"
PYTEST = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-rfE", "-p", "no:cacheprovider", "--timeout=120"]
VITEST = ["npx", "--no-install", "vitest", "run", "--bail", "1"]

# Without the tests that take the guards out themselves: they notice any change of the text.
CACHE = (
    "tests/integration/test_cache_protocol.py tests/integration/test_cache_manager.py"
    " tests/integration/test_cache_state_machine.py -k 'not without_its_guard'"
)
LISTS = "tests/integration/test_list_generations.py"
CONFIRMED = "tests/integration/test_confirmed_answers.py"
SHORTCUT = "tests/flow/test_shortcut.py"
HALTED = "tests/faults/test_halted_at_each_step.py"
SESSIONS = "tests/faults/test_sessions_never_go_back.py"

SCRIPTS = "app/cache/scripts"
KEYS = "app/contract/cache_keys.py"
MANAGER, CONSISTENCY, DELIVERY = "app/cache/manager.py", "app/sync/consistency.py", "app/sync/delivery.py"
EPOCH, STORE_OUTBOX, CHAIN = "app/store/cache_epoch.py", "app/store/outbox.py", "app/store/audit_chain.py"


@dataclass(frozen=True)
class Edit:
    """A piece of source text, which occurs once in its file, and what stands there instead."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Safeguard:
    """What keeps a promise, where it is, and the tests (pytest's or vitest's arguments) that notice its absence.

    Where several guards stand against the same fault, they are taken out together: one alone is not missed.
    """

    name: str
    tests: str
    edits: tuple[Edit, ...]


def lua(script: str, old: str, new: str) -> Edit:
    """Return an edit of one of the cache's scripts."""
    return Edit(f"{SCRIPTS}/{script}.lua", old, new)


FLOOR_IN_FILL = lua("fill", "if tonumber(ARGV[at]) >= tonumber(entry[1] or 0) then", "if true then")
FLOOR_IN_READ = lua("read", " and tonumber(entry[2]) >= tonumber(entry[4] or 0) then", " then")

SAFEGUARDS = (
    # The cache
    Safeguard("version floor, in the fill and in the read", CACHE, (FLOOR_IN_FILL, FLOOR_IN_READ)),
    Safeguard("random lease of a fill", CACHE, (lua("fill", "if entry[2] == ARGV[2] then", "if true then"),)),
    Safeguard(
        "the floor only rises",
        "tests/integration/test_cache_manager.py -k late_invalidation",
        (lua("invalidate", "elseif version > floor and redis.call", "elseif redis.call"),),
    ),
    Safeguard(
        "a late delivery fills in nothing that is missing",
        CACHE,
        (lua("invalidate", "if held and ARGV[at + 1] == '1' then", "if ARGV[at + 1] == '1' then"),),
    ),
    Safeguard("an entry counts only in its epoch", CACHE, (lua("read", "if entry[1] == epoch and entry[3]", "if entry[3]"),)),
    Safeguard(
        "a read states the epoch",
        CACHE,
        (lua("read", "if redis.call('GET', KEYS[1]) ~= epoch then return redis.error_reply('ANOTHEREPOCH') end", ""),),
    ),
    Safeguard(
        "an invalidation states the epoch",
        CACHE,
        (lua("invalidate", "if redis.call('GET', KEYS[1]) ~= epoch then return redis.error_reply('ANOTHEREPOCH') end", ""),),
    ),
    Safeguard("a list counts only under its generations", CACHE, (lua("read_list", "list[1] == stamp and list[2]", "list[2]"),)),
    Safeguard(
        "an invalidation gives lists new generations",
        CACHE,
        (lua("invalidate", "redis.call('SET', KEYS[i], ARGV[3], 'EX', 86400)", ""),),
    ),
    Safeguard(
        "an edit drops the lists of the category that its part was in, too",
        LISTS,
        (Edit(KEYS, "if places is None else places)", "if places is None else places[:1])"),),
    ),
    Safeguard(
        "where a part stands is asked after the commit",
        LISTS,
        (
            Edit(
                "app/sync/invalidations.py", "change.places if change.aspect is Aspect.CONTENT else place", "change.places or ()"
            ),
        ),
    ),
    Safeguard(
        "if it is not known where, lists of every category are dropped",
        LISTS,
        (Edit(KEYS, "(_UNKNOWN,) if places is None else places)", "() if places is None else places)"),),
    ),
    Safeguard(
        "freshness lapses",
        CACHE,
        (Edit(MANAGER, "return time.monotonic() - self._verified_at < FRESH_FOR", "return self._verified_at > NEVER"),),
    ),
    Safeguard(
        "a proof of freshness never goes back",
        "tests/integration/test_cache_manager.py -k never_goes_back",
        (Edit(MANAGER, "self._verified_at = max(self._verified_at, at)", "self._verified_at = at"),),
    ),
    Safeguard(
        "a writer relies on no cache that was known long ago",
        "tests/integration/test_cache_manager.py -k known_long_ago",
        (Edit(MANAGER, "if self.known_for() >= FRESH_FOR:", "if False:"),),
    ),
    Safeguard(
        "a reader without the lease raises the floor",
        SESSIONS,
        (Edit(MANAGER, '            self._run("invalidate", [cache_keys.EPOCH, *known], arguments)', "            pass"),),
    ),
    Safeguard(
        "a reader past the cache waits until nobody can be served less",
        SESSIONS,
        (Edit("app/services/catalog.py", "if reading.result is Result.BYPASS:", "if False:"),),
    ),
    # Answers that a process keeps
    Safeguard(
        "the tokens of a kept answer are confirmed",
        CACHE,
        (lua("confirm", "if redis.call('GET', KEYS[i]) ~= ARGV[i + 1] then return 0 end", ""),),
    ),
    Safeguard(
        "the bodies of a kept answer are confirmed",
        CACHE,
        (lua("confirm", " or body[1] .. (body[2] or '') ~= ARGV[i + 1] then", " then"),),
    ),
    Safeguard(
        "what is filled in again has another name",
        CONFIRMED + " -k same_version",
        (lua("fill", "'fill', ARGV[2])", "'fill', '1')"),),
    ),
    Safeguard(
        "a list that is filled in again has another name",
        CONFIRMED + " -k same_version",
        (lua("fill_list", "'fill', ARGV[2])", "'fill', '1')"),),
    ),
    Safeguard(
        "nothing is confirmed when freshness has lapsed",
        CONFIRMED + " -k lapsed",
        (Edit(MANAGER, "if not self.is_fresh or proof.epoch", "if proof.epoch"),),
    ),
    Safeguard(
        "nothing is confirmed in an epoch that this process has left",
        CONFIRMED + " -k has_left",
        (Edit(MANAGER, "or proof.epoch != self._epoch or", "or"),),
    ),
    Safeguard(
        "an answer is kept for no longer than its category tree",
        CONFIRMED + " -k its_time",
        (Edit("app/services/joined_tree.py", "            noted.until = min(noted.until, until)\n", ""),),
    ),
    Safeguard(
        "what was loaded is not kept",
        CONFIRMED + " -k was_loaded",
        (Edit(MANAGER, "if result is not Result.HIT:", "if False:"),),
    ),
    Safeguard(
        "what changed between two reads is not kept",
        CONFIRMED + " -k between_two_reads",
        (Edit("app/cache/dependencies.py", "                self.are_whole = False", "                pass"),),
    ),
    Safeguard(
        "what is sent again without Flask is confirmed, too",
        SHORTCUT + " -k is_changed",
        (Edit("app/api/shortcut.py", "if not self._cache.confirms(sent.kept.proof):", "if False:"),),
    ),
    Safeguard(
        "what is sent again without Flask is noted under all that it varies by",
        SHORTCUT + " -k whatever_is_sent",
        (Edit("app/api/shortcut.py", 'find("HTTP_IF_NONE_MATCH"), find("HTTP_ORIGIN"),', 'find("HTTP_IF_NONE_MATCH"),'),),
    ),
    # Which cache, and the proof
    Safeguard(
        "the proof counts from before the read",
        "tests/integration/test_which_cache.py -k first_look",
        (Edit(CONSISTENCY, "self._cache.mark_verified(began)", "self._cache.mark_verified(time.monotonic())"),),
    ),
    Safeguard(
        "the sweep applies what it settles",
        HALTED + " -k web_process",
        (Edit(CONSISTENCY, "                self._invalidate(events, lambda: nullcontext(connection))\n", ""),),
    ),
    Safeguard(
        "with too much unsettled nothing is proven",
        "tests/integration/test_category_tree.py -k left_to_the_worker",
        (Edit(CONSISTENCY, "if len(unsettled) > MAX_AT_ONCE:", "if False:"),),
    ),
    Safeguard(
        "a sweep outlives what nobody has thought of",
        "tests/integration/test_which_cache.py -k outlives",
        (
            Edit(
                CONSISTENCY,
                "            except Exception:\n                # Nothing may end",
                "            except KeyError:\n                # Nothing may end",
            ),
        ),
    ),
    Safeguard(
        "a writer invalidates before it answers",
        "tests/faults/test_late_deliveries.py -k replaces_what_is_cached",
        (Edit(CONSISTENCY, "if cached and self.ensure_cache_consistency(cached):", "if False:"),),
    ),
    Safeguard(
        "a writer waits while its invalidation is unconfirmed",
        "tests/integration/test_which_cache.py -k not_told_done",
        (Edit(CONSISTENCY, "            self.wait_until_harmless([item.id for item in committed], began + FRESH_FOR)\n", ""),),
    ),
    Safeguard(
        "the row names the server and its life",
        "tests/integration/test_which_cache.py -k does_not_name",
        (Edit(EPOCH, " AND server = :server AND", " AND"),),
    ),
    Safeguard(
        "the row names the database's timeline",
        "tests/integration/test_which_cache.py -k does_not_name",
        (Edit(EPOCH, " AND database = {_DATABASE}\n", "\n"),),
    ),
    Safeguard(
        "the row names the epoch",
        "tests/integration/test_which_cache.py -k does_not_name",
        (Edit(EPOCH, "WHERE epoch = :epoch AND server", "WHERE server"),),
    ),
    Safeguard(
        "an epoch begins when the one before is out of use",
        "tests/integration/test_which_cache.py -k nobody_relies",
        (Edit(EPOCH, "database = {_DATABASE}, begun = '',", "database = {_DATABASE}, begun = :epoch,"),),
    ),
    Safeguard(
        "a new connection asks which server it has reached",
        "tests/integration/test_cache_manager.py -k new_connection",
        (Edit("app/cache/server.py", 'if f"run_id:{self.run_id}".encode() not in', 'if b"run_id" not in'),),
    ),
    Safeguard(
        "a replica is no cache",
        "tests/integration/test_which_cache.py -k replica",
        (
            Edit("app/cache/server.py", 'if server["role"] != "master":', "if False:"),
            lua("read", "#!lua\n", ""),
            lua("invalidate", "#!lua\n", ""),
        ),
    ),
    # Writes and their events
    Safeguard(
        "a stated version is compared",
        "tests/integration/test_transactions.py -k one_version",
        (Edit("app/services/intent.py", "if self.version is not None and self.version != present:", "if False:"),),
    ),
    Safeguard(
        "the stock row is locked",
        "tests/integration/test_transactions.py -k adjustments",
        (Edit("app/store/locks.py", 'f"{_STOCK} FOR NO KEY UPDATE OF s"', "_STOCK"),),
    ),
    Safeguard(
        "what is changed without a lock is still what was read",
        "tests/integration/test_transactions.py -k adjustments",
        (Edit("app/store/stock.py", "AND (:is_locked OR", "AND (true OR :is_locked OR"),),
    ),
    Safeguard(
        "locks are taken in the order of ids",
        "tests/integration/test_transactions.py -k order_of_the_ids",
        (Edit("app/store/locks.py", '    ORDER BY p.id\n    FOR NO KEY UPDATE OF p\n"""', '    FOR NO KEY UPDATE OF p\n"""'),),
    ),
    Safeguard(
        "a change and its event are one transaction",
        "tests/integration/test_transactions.py -k cannot_be_written",
        (
            Edit(
                "app/store/transaction.py",
                "        committed = self.write()\n",
                "        self.connection.commit()\n        committed = self.write()\n",
            ),
        ),
    ),
    Safeguard(
        "a deadlock is tried again",
        "tests/integration/test_transactions.py -k deadlock",
        (Edit("app/store/transaction.py", "isinstance(error.orig, pg.DeadlockDetected | pg.SerializationFailure)", "False"),),
    ),
    # Deliveries
    Safeguard(
        "a claim passes over locked rows",
        "tests/integration/test_outbox.py -k another_transaction_holds",
        (
            Edit(
                STORE_OUTBOX,
                "        ORDER BY next_attempt_at, event_id LIMIT :batch\n        FOR UPDATE SKIP LOCKED\n",
                "        ORDER BY next_attempt_at, event_id LIMIT :batch\n        FOR UPDATE\n",
            ),
        ),
    ),
    Safeguard(
        "a claim passes over what is leased",
        "tests/integration/test_outbox.py -k all_that_the_effect_needs",
        (
            Edit(
                STORE_OUTBOX,
                "          AND {_FREE}\n        ORDER BY",
                "        ORDER BY",
            ),
        ),
    ),
    Safeguard(
        "a lease expires",
        "tests/integration/test_outbox.py -k expired_lease",
        (
            Edit(
                STORE_OUTBOX,
                "          AND {_FREE}\n        ORDER BY",
                "          AND leased_until IS NULL\n        ORDER BY",
            ),
        ),
    ),
    Safeguard(
        "a lease taken before the clock was set back is void",
        "tests/integration/test_outbox.py -k clock_was_set_back",
        (
            Edit(
                STORE_OUTBOX,
                "leased_until BETWEEN clock_timestamp() AND clock_timestamp() + interval '{LEASE_SECONDS} s'\"",
                'leased_until >= clock_timestamp()"',
            ),
        ),
    ),
    Safeguard(
        "only the holder of a lease may postpone or bury",
        "tests/integration/test_outbox.py -k expired_lease",
        (
            Edit(
                STORE_OUTBOX,
                "event_id = ANY(:event_ids) AND state = 'pending' AND leased_until = :leased_until\"",
                "event_id = ANY(:event_ids) AND state = 'pending'\"",
            ),
        ),
    ),
    Safeguard(
        "a record and its settlement are one transaction",
        "tests/integration/test_outbox.py -k true_together",
        (
            Edit(
                DELIVERY,
                "with self._engine.begin() if handler.record else self._single.connect() as connection:",
                "with self._single.connect() as connection:",
            ),
        ),
    ),
    Safeguard(
        "a bad event fails alone",
        "tests/integration/test_outbox.py -k poisoned",
        (Edit(DELIVERY, "            if len(batch) == 1:\n", "            if len(batch) >= 1:\n"),),
    ),
    Safeguard(
        "an outage counts no attempt",
        "tests/integration/test_outbox.py -k outage",
        (Edit(DELIVERY, "        except OUTAGES as error:\n", "        except ZeroDivisionError as error:\n"),),
    ),
    Safeguard(
        "what waits for a time before the clock was set back is due",
        "tests/integration/test_outbox.py -k set_back",
        (Edit(CONSISTENCY, "ahead := outbox.bring_forward(connection)", "ahead := dict[str, int]()"),),
    ),
    Safeguard(
        "pages are told of what only a later release can read",
        "tests/integration/test_which_cache.py -k newer_release",
        (Edit(DELIVERY, "if effect in LIVE or", "if effect is Effect.INVALIDATE_CACHE or"),),
    ),
    Safeguard(
        "an invalidation never gives up",
        "tests/integration/test_sweep_and_effects.py -k thousandth",
        (
            Edit(
                "app/sync/effects.py",
                "RetryPolicy(gives_up_after=None, longest_delay=5)",
                "RetryPolicy(gives_up_after=12, longest_delay=5)",
            ),
        ),
    ),
    Safeguard(
        "the sweep wakes what is overdue",
        "tests/integration/test_sweep_and_effects.py -k left_something_due",
        (
            Edit(
                CONSISTENCY,
                "            self._wake_ups.request(overdue.effects)\n",
                "            pass\n",
            ),
        ),
    ),
    Safeguard(
        "a wake-up that was not accepted is sent again",
        "tests/integration/test_wake_ups.py",
        (Edit("app/sync/wakeup.py", "                    self._wanted.add(one)\n", "                    pass\n"),),
    ),
    Safeguard(
        "RabbitMQ confirms what is published",
        "tests/faults/test_rabbitmq.py",
        (Edit("celeryconfig.py", '"confirm_publish": True', '"confirm_publish": False'),),
    ),
    Safeguard(
        "an event has one audit row",
        "tests/integration/test_audit_trail.py -k persist_the_same",
        (Edit(CHAIN, 'if row["event_id"] not in present:', "if True:"),),
    ),
    Safeguard(
        "a version has one snapshot",
        "tests/faults/test_halted_at_each_step.py -k 'frozen_past_its_lease and snapshot'",
        # Without the clause alone the second one is refused by an index, and left, since its delivery is done.
        (
            Edit("app/store/versions.py", "    ON CONFLICT (part_id, version_number) DO NOTHING\n", ""),
            Edit(
                "migrations/versions/0001_initial.py",
                '["part_id", "version_number"], unique=True)',
                '["part_id", "version_number"])',
            ),
            Edit(
                "migrations/versions/0001_initial.py",
                '["part_id"], unique=True, postgresql_where="is_active"',
                '["part_id"], postgresql_where="is_active"',
            ),
        ),
    ),
    Safeguard(
        "appends to the audit trail queue",
        "tests/integration/test_audit_trail.py -k persist_the_same",
        (Edit(CHAIN, "WHERE id = 1 FOR UPDATE", "WHERE id = 1"),),
    ),
    Safeguard(
        "one reconciliation at a time",
        "tests/faults/test_reconcile_and_shutdown.py -k two_reconciliations",
        (
            Edit(
                "app/store/reconciliation.py",
                "SELECT pg_try_advisory_lock(hashtext('lockstep: ' || :name))",
                "SELECT :name IS NOT NULL",
            ),
        ),
    ),
    Safeguard(
        "a part's features are counted where the part is",
        "tests/integration/test_facet_counts.py -k whoever_writes",
        (
            Edit(
                "migrations/versions/0047_facet_counts.py",
                "FROM changed p WHERE f.part_id",
                "FROM changed p WHERE false AND f.part_id",
            ),
        ),
    ),
    Safeguard(
        "counts of facets are counted anew",
        "tests/integration/test_reconcile.py -k counts_of_facets",
        (Edit("app/sync/reconciliation/reconcile.py", "wrong = facet_counts.recount(connection, category)", "wrong = 0"),),
    ),
    Safeguard(
        "an event that is committed late is looked for later",
        "tests/integration/test_reconcile.py -k committed_late",
        (Edit("app/sync/reconciliation/records.py", "min(last, settled)", "last"),),
    ),
    Safeguard(
        "what is owed is never pruned",
        "tests/integration/test_outbox.py -k keeps_the_newest",
        (
            Edit(
                STORE_OUTBOX,
                "              AND NOT EXISTS (SELECT FROM outbox_deliveries d\n"
                "                              WHERE d.event_id = e.id AND d.state NOT IN ('done', 'discarded'))\n",
                "",
            ),
        ),
    ),
    Safeguard(
        "the newest event of an aspect is never pruned",
        "tests/integration/test_outbox.py -k keeps_the_newest",
        (Edit(STORE_OUTBOX, "WHERE e.version < n.version\n", "WHERE e.version <= n.version\n"),),
    ),
    Safeguard(
        "what differs is drift only if it still does",
        "tests/integration/test_verification.py -k many_write",
        (Edit("app/sync/verification.py", "        if has_moved and not behind:\n", "        if False:\n"),),
    ),
    # Retries, rights, SQL by hand
    Safeguard(
        "a call and its key are one transaction",
        "tests/flow/test_idempotency.py -k 'sent_again_changes_nothing'",
        (
            Edit(
                "app/store/transaction.py",
                "call is not None and (kept := idempotency.claim",
                "False and (kept := idempotency.claim",
            ),
        ),
    ),
    Safeguard(
        "an open panel ends with its right",
        "tests/live/test_rights.py -k ends_a_key",
        (
            Edit(
                "app/live/standing.py",
                "            elif sid in self._guests:\n                _surely(self._end, sid)\n",
                "            else:\n                guest.proven_at = asked_at\n",
            ),
        ),
    ),
    Safeguard(
        "a panel whose right is not proven is dropped",
        "tests/live/test_rights.py -k database_is_silent",
        (Edit("app/live/standing.py", "if now - guest.proven_at > PROOF_LASTS:", "if False:"),),
    ),
    # Pages
    Safeguard(
        "a page is told after the cache was invalidated",
        "tests/integration/test_sweep_and_effects.py -k only_after",
        (
            Edit(
                "app/sync/effects.py",
                "        if behind := [delivery for delivery in deliveries if not delivery.is_invalidated]:",
                "        if behind := []:",
            ),
        ),
    ),
    Safeguard(
        "a process tells what it claimed by writing it once the cache has confirmed",
        "tests/integration/test_announcer.py -k not_confirmed",
        (
            Edit(
                CONSISTENCY,
                "if cached and self.ensure_cache_consistency(cached):",
                "if cached and (self.ensure_cache_consistency(cached) or True):",
            ),
        ),
    ),
    Safeguard(
        "what its writer tells is leased to it",
        "tests/integration/test_announcer.py -k claims_the_broadcast",
        (
            Edit(
                "app/store/transaction.py",
                "THEN now() + make_interval(secs => :lease) END",
                "THEN CAST(NULL AS timestamptz) END",
            ),
        ),
    ),
    Safeguard(
        "pages are told the newest of a batch",
        "tests/integration/test_sweep_and_effects.py -k newest_alone",
        (
            Edit(
                "app/sync/publisher.py",
                "        newest = group[-1]\n        envelope",
                "        newest = group[0]\n        envelope",
            ),
        ),
    ),
    Safeguard(
        "`watch` joins the rooms before it reads",
        "tests/unit/live/test_watch.py",
        (
            Edit(
                "app/live/customers.py",
                "            join_room(rooms.part_room(part_id))\n            watched[part_id] = now\n",
                "            watched[part_id] = now\n",
            ),
            Edit(
                "app/live/customers.py",
                "        present = self._present(differing, rest)\n",
                "        present = self._present(differing, rest)\n        for part_id in held.keys():\n"
                "            join_room(rooms.part_room(part_id))\n",
            ),
        ),
    ),
    Safeguard(
        "who tells pages finds the cache that is in use, if there is nothing to invalidate",
        "tests/integration/test_which_cache.py -k nothing_to_invalidate",
        (Edit("app/sync/effects.py", "        if touched:\n", "        if False:\n"),),
    ),
    Safeguard(
        "pages resync when the channel was interrupted",
        "tests/faults/test_interrupted_channel.py",
        (Edit("app/live/server.py", "                self._resync_local_pages()\n", ""),),
    ),
    Safeguard(
        "a page applies an event only if it is newer",
        "shared/live/state.test.ts",
        (
            Edit(
                "app/frontend/shared/live/state.ts",
                "held === null || version > held.version",
                "true || version > (held?.version ?? 0)",
            ),
        ),
    ),
)


def stale() -> list[str]:
    """Return the edits that no longer fit their files, so that the safeguard would stay."""
    return [
        f"{safeguard.name}: {edit.file} has {count} of {edit.old!r}"
        for safeguard in SAFEGUARDS for edit in safeguard.edits
        if (count := (REPOSITORY / edit.file).read_text().count(edit.old)) != 1
    ]  # fmt: skip


def copy_tree(target: Path) -> None:
    """Copy the tree as it is now, but not what is built or installed, which is linked."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout.splitlines()
    for name in names:
        if (REPOSITORY / name).is_file() and not (REPOSITORY / name).is_symlink():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, target / name)
    for name in ("dist", "node_modules"):
        (target / "app" / "frontend" / name).symlink_to(REPOSITORY / "app" / "frontend" / name)


def run(tree: Path, tests: Sequence[str]) -> list[str]:
    """Run tests in a copy of the tree; return the names of those that failed."""
    if any(".test.ts" in word for word in tests):
        found = subprocess.run(
            [*VITEST, *tests], cwd=tree / "app" / "frontend", env=os.environ | {"NO_COLOR": "1"}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        return re.findall(r"^ *FAIL +(.+)$", found.stdout + found.stderr, re.MULTILINE)
    found = subprocess.run([*PYTEST, *tests], cwd=tree, capture_output=True, text=True, check=False)
    if found.returncode not in {0, 1}:
        raise RuntimeError(f"pytest {tests} ended with {found.returncode}:\n{found.stdout[-3000:]}{found.stderr[-3000:]}")
    return [line.split(" - ")[0] for line in re.findall(r"^(?:FAILED|ERROR) (.+)$", found.stdout, re.MULTILINE)]


def without(tree: Path, safeguard: Safeguard) -> list[str]:
    """Take a safeguard out of a copy of the tree, run its tests, and put it back; return the tests that failed."""
    before = {tree / edit.file: (tree / edit.file).read_text() for edit in safeguard.edits}
    try:
        for edit in safeguard.edits:
            (tree / edit.file).write_text((tree / edit.file).read_text().replace(edit.old, edit.new))
        return run(tree, shlex.split(safeguard.tests))
    finally:
        for file, text in before.items():
            file.write_text(text)


def row(safeguard: Safeguard, failed: Sequence[str]) -> str:
    """Return a line of the table."""
    files = dict.fromkeys(Path(edit.file).name for edit in safeguard.edits)
    name = re.sub(r"\[.*", "", failed[0]).rpartition("/")[2].replace("::", ": ") if failed else "**none**"
    return f"| {safeguard.name} | {', '.join(f'`{file}`' for file in files)} | {name.replace('|', '-')} |"


def main() -> int:
    """Try each safeguard and write the table; the exit code is 1 if one is not missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.safeguards", description=__doc__)
    parser.add_argument("words", nargs="*", help="try only safeguards whose name contains one of these, and write no table")
    words = parser.parse_args().words
    if outdated := stale():
        raise SystemExit("\n".join(["Follow the sources:", *outdated]))
    chosen = [one for one in SAFEGUARDS if not words or any(word in one.name for word in words)]
    with tempfile.TemporaryDirectory(prefix="safeguards-") as scratch, ThreadPoolExecutor(JOBS) as pool:
        trees: SimpleQueue[Path] = SimpleQueue()
        for number in range(JOBS):
            copy_tree(tree := Path(scratch) / str(number))
            trees.put(tree)

        def attempt(safeguard: Safeguard) -> list[str]:
            tree = trees.get()
            try:
                failed = without(tree, safeguard)
            finally:
                trees.put(tree)
            print(row(safeguard, failed), flush=True)
            return failed

        found = list(pool.map(attempt, chosen))
        # A test that fails anyway proves nothing.
        anyway = run(trees.get(), sorted({failed[0] for failed in found if failed and "::" in failed[0]}))
    rows = [row(safeguard, failed) for safeguard, failed in zip(chosen, found, strict=True)]
    missed = [safeguard.name for safeguard, failed in zip(chosen, found, strict=True) if not failed]
    if not words:
        table = "\n".join([BEGIN, "", "| safeguard | in | noticed by |", "|---|---|---|", *rows, "", END])
        PAGE.write_text(re.sub(f"{BEGIN}.*{END}", lambda _match: table, PAGE.read_text(), flags=re.DOTALL))
    print(f"{len(chosen)} safeguards; not missed by any test: {missed or 'none'}; failing anyway: {anyway or 'none'}")
    return 1 if missed or anyway else 0


if __name__ == "__main__":
    sys.exit(main())
