-- Two roles for a shop's database: `lockstep_owner` owns the tables and migrates them, `lockstep` is what the application connects
-- as. That one reads and writes rows, but owns nothing: it can neither drop nor disable the triggers that guard the audit trail.
-- By a superuser, connected to the shop's database; may be run again:
--     psql -d lockstep -v ON_ERROR_STOP=1 -f ops/postgresql/roles.sql

BEGIN;

DO $$
BEGIN
    IF to_regrole('lockstep_owner') IS NULL THEN
        CREATE ROLE lockstep_owner LOGIN;
    END IF;
    IF to_regrole('lockstep') IS NULL THEN
        CREATE ROLE lockstep LOGIN;
    END IF;
    -- With the database it owns the schema `public`, and may add the extension that the search needs (pg_trgm).
    EXECUTE format('ALTER DATABASE %I OWNER TO lockstep_owner', current_database());
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO lockstep', current_database());
END
$$;

GRANT USAGE ON SCHEMA public TO lockstep;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO lockstep;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO lockstep;
-- What migrations will add.
ALTER DEFAULT PRIVILEGES FOR ROLE lockstep_owner IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO lockstep;
ALTER DEFAULT PRIVILEGES FOR ROLE lockstep_owner IN SCHEMA public GRANT USAGE ON SEQUENCES TO lockstep;

-- For `flask doctor`: how long others' transactions have been open.
GRANT pg_read_all_stats TO lockstep;

COMMIT;
