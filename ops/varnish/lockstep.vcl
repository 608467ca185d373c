# Varnish 7 in front of Lockstep (docs/edge.md), with Debian's varnish-modules. LOCKSTEP_EDGE names this Varnish to the web processes
# and the workers, and LOCKSTEP_TRUSTED_PROXIES counts it.
vcl 4.1;

import cookie;
import std;
import var;
import vsthrottle;
import xkey;

backend default {
    .host = "127.0.0.1";
    .port = "8000";
    .first_byte_timeout = 30s;
    .between_bytes_timeout = 30s;
}

# The machines of the web processes and the workers.
acl purgers {
    "127.0.0.1";
    "::1";
}

sub vcl_init {
    # The name of the last purge; another one each time this file is loaded.
    var.global_set("purge", "loaded " + std.time2real(now, 0.0) + " " + std.random(0, 1000000000));
}

sub vcl_recv {
    # See vcl_hit.
    set req.hash_always_miss = req.restarts > 0;
    if (req.method == "PURGE") {
        # To a Varnish behind a proxy everybody comes from the proxy's address; whoever comes through it has one more.
        if (client.ip !~ purgers || req.http.X-Forwarded-For ~ ",") {
            return (synth(403, "This address may not purge"));
        }
        # First, so that what is being fetched now, and may be older, is not stored (vcl_backend_response).
        var.global_set("purge", req.xid);
        set req.http.X-Purged = xkey.purge(req.http.Surrogate-Key);
        return (synth(200, "Purged " + req.http.X-Purged));
    }
    if (req.http.Upgrade ~ "(?i)^websocket$") {
        return (pipe);
    }
    if (req.method != "GET" && req.method != "HEAD") {
        return (pass);
    }
    if (req.url ~ "^/api/v1/(parts|pdp|categories)(/|\?|$)") {
        # What customers are answered does not depend on who they are.
        unset req.http.Cookie;
        unset req.http.Authorization;
        return (hash);
    }
    if (req.url ~ "^/+(api|panel|socket\.io|metrics|healthz|readyz)(/|\?|$)") {
        return (pass);
    }
    # The customers' site: of all cookies only the language is for the server.
    cookie.parse(req.http.Cookie);
    unset req.http.Cookie;
    if (cookie.get("language") ~ "^(en|de)$") {
        set req.http.Cookie = "language=" + cookie.get("language");
    }
    return (hash);
}

sub vcl_pipe {
    set bereq.http.Upgrade = req.http.Upgrade;
    set bereq.http.Connection = req.http.Connection;
    return (pipe);
}

sub vcl_hash {
    # Pages name their own origin.
    hash_data(req.http.X-Forwarded-Proto);
    hash_data(req.http.X-Forwarded-Host);
}

sub vcl_hit {
    # A purge may have come between the comparison in vcl_backend_response and the insertion, and found nothing. Until vcl_deliver has
    # compared once more, nobody is served this after a purge. They replace it, instead of passing by it: who has been shown what is
    # newer must not be served this one afterwards.
    if (obj.http.X-Purge && obj.http.X-Purge != var.global_get("purge") && vsthrottle.remaining(obj.http.X-Fill, 1, 5s) > 0) {
        return (restart);
    }
}

sub vcl_backend_fetch {
    var.set("purge", var.global_get("purge"));
    var.set_real("began", std.time2real(now, 0.0));
}

sub vcl_backend_response {
    if (beresp.http.Surrogate-Control) {
        # Nothing is served beyond its time: neither while it is asked for again nor while the shop does not answer.
        set beresp.grace = 0s;
        set beresp.ttl = 0s;
        if (beresp.http.Surrogate-Key && beresp.http.Surrogate-Control ~ "^max-age=[0-9]+$" && !beresp.http.Set-Cookie) {
            # From when it was asked for.
            set beresp.ttl = std.duration(regsub(beresp.http.Surrogate-Control, "^max-age=", "") + "s", 0s)
                - (now - std.real2time(var.get_real("began"), now));
        }
        if (beresp.ttl > 0s && var.get("purge") == var.global_get("purge")) {
            # After its time it is asked for again by its tag.
            set beresp.keep = 5m;
            set beresp.http.xkey = beresp.http.Surrogate-Key;
            set beresp.http.X-Purge = var.get("purge");
            set beresp.http.X-Fill = bereq.xid;
        } else {
            # It may not be stored, or something was purged since it was asked for. Whoever waits for it asks for themselves.
            set beresp.uncacheable = true;
            set beresp.ttl = 1s;
        }
        return (deliver);
    }
    # Files say for how long by Cache-Control; what does not is nobody else's.
    if (beresp.http.Cache-Control !~ "public") {
        set beresp.uncacheable = true;
        set beresp.ttl = 1s;
        return (deliver);
    }
}

sub vcl_deliver {
    # Whoever asked for it is answered after the insertion: from here on each purge finds it.
    if (obj.hits == 0 && resp.http.X-Purge) {
        if (resp.http.X-Purge != var.global_get("purge")) {
            set req.http.X-Purged = xkey.purge(resp.http.xkey);
        } else {
            # vsthrottle is a set of names here, which forgets them after some seconds: to take the only token of one is to add it.
            set req.http.X-Sure = vsthrottle.is_denied(resp.http.X-Fill, 1, 5s);
        }
    }
    unset resp.http.X-Purge;
    unset resp.http.X-Fill;
    unset resp.http.xkey;
    unset resp.http.Surrogate-Key;
    unset resp.http.Surrogate-Control;
    if (obj.hits > 0) {
        set resp.http.X-Edge = "HIT";
        # Not the one of whoever asked first.
        set resp.http.X-Request-ID = "edge-" + req.xid;
        if (req.http.X-Request-ID ~ "^[A-Za-z0-9._-]{8,64}$") {
            set resp.http.X-Request-ID = req.http.X-Request-ID;
        }
    } else {
        set resp.http.X-Edge = "MISS";
    }
}
