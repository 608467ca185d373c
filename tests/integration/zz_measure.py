import time, resource, threading
from sqlalchemy import text
from app.services.preconditions import Expected
from app.sync.cached_copies import differing_parts
from app.cache.manager import Result

def differing(core, ids):
    ids = ids[::10]; return sum(len(differing_parts(core.reading, core.cache, ids[at:at+100])) for at in range(0, len(ids), 100))

T0 = time.monotonic()
def say(*a): print("%.1f" % (time.monotonic()-T0), *a, flush=True)

def test_measure(core, actor, deliver, query):
    top = core.parts.create_category_with_sync(actor, "Top", None, None)
    leafs = [core.parts.create_category_with_sync(actor, f"Leaf {n}", top["id"], None)["id"] for n in range(20)]
    other = core.parts.create_category_with_sync(actor, "Other", None, None)
    with core.engine.begin() as c:
        c.execute(text("SET LOCAL statement_timeout = 0"))
        c.execute(text("INSERT INTO parts (sku, slug, part_name, description, category_id, status, last_updated_by, price_updated_by) SELECT 'M-'||n, 'm-'||n, 'Measured part '||n, repeat('words and words ', 20), (CAST(:l AS int[]))[1+n%20], 'published', 1, 1 FROM generate_series(1,10000) n"), {"l": leafs})
        c.execute(text("INSERT INTO stock_levels (part_id, current_stock, min_stock_level, reserved_quantity) SELECT id, 5, 1, 0 FROM parts WHERE sku LIKE 'M-%'"))
        c.execute(text("INSERT INTO part_specifications (part_id, name, value, unit, \"group\", position) SELECT p.id, 'Property '||k, 'value '||k, 'mm', '', k FROM parts p, generate_series(1,8) k WHERE p.sku LIKE 'M-%'"))
        c.execute(text("ANALYZE"))
    ids = [r["id"] for r in query("SELECT id FROM parts WHERE sku LIKE 'M-%' ORDER BY id")]
    for at in range(0, len(ids), 200):
        core.parts.catalog.parts(ids[at:at+200])
    say("warm", core.parts.catalog.parts(ids[:100])[1])
    for what in ("rename", "rename again", "move", "delete"):
        deliver()
        core.consistency.process_retry_queue()
        for at in range(0, len(ids), 200):
            core.parts.catalog.parts(ids[at:at+200])
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/1024
        t = time.monotonic()
        if what == "delete":
            core.parts.delete_category_with_sync(actor, top["id"], other["id"], Expected())
        elif what == "move":
            core.parts.update_category_with_sync(actor, top["id"], {"parent_id": other["id"]}, Expected())
        else:
            core.parts.update_category_with_sync(actor, top["id"], {"name": what}, Expected())
        t1 = time.monotonic()
        say(what, "%.2f s" % (t1-t), "rss", rss, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/1024)
        stale = differing(core, ids)
        say("  cache right after: stale entries", stale)
        done = threading.Event()
        results = {}
        def read():
            while not done.is_set():
                _, r = core.parts.catalog.parts(ids[5000:5010])
                body = core.parts.catalog.part(ids[-1]).body
                results.setdefault((str(r), tuple(s["name"] for s in body["category"]["path"])), [time.monotonic()-t1, 0.0])[1] = time.monotonic()-t1
                time.sleep(0.02)
        th = threading.Thread(target=read); th.start()
        from app.contract.task_names import Effect
        t = time.monotonic()
        for effect in (Effect.INVALIDATE_CACHE, Effect.BROADCAST, Effect.PERSIST_AUDIT, Effect.SNAPSHOT_CONTENT):
            b = time.monotonic()
            while core.deliveries.deliver(effect): pass
            say("  ", effect, "%.2f s" % (time.monotonic()-b))
        time.sleep(1)
        done.set(); th.join()
        for k, v in results.items(): say("   reads", k, v)
        say("  stale", differing(core, ids))
