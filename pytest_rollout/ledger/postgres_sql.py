"""How a ledger lies in PostgreSQL, as the SQL that its owner runs once: tables, guards, and a role that only appends.

``rollout ledger sql`` prints it. Whoever appends needs ``rollout_appender`` and nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping

SCHEMA = "rollout_ledger"
APPENDER = "rollout_appender"

_TABLES = f"""\
CREATE SCHEMA {SCHEMA};

CREATE TABLE {SCHEMA}.entries (
    sequence bigint PRIMARY KEY CHECK (sequence >= 0),
    ledger_id text NOT NULL,
    previous text NOT NULL UNIQUE,
    kind text NOT NULL,
    payload bytea NOT NULL,
    digest text NOT NULL UNIQUE
);

CREATE TABLE {SCHEMA}.attachments (
    digest text PRIMARY KEY,
    sequence bigint NOT NULL REFERENCES {SCHEMA}.entries (sequence),
    content bytea NOT NULL
);
ALTER TABLE {SCHEMA}.attachments ALTER COLUMN content SET STORAGE EXTERNAL;
"""

FUNCTIONS: Mapping[str, str] = {
    "entries_follow": f"""
DECLARE newest {SCHEMA}.entries%ROWTYPE;
BEGIN
    SELECT * INTO newest FROM {SCHEMA}.entries ORDER BY sequence DESC LIMIT 1;
    IF NEW.sequence IS DISTINCT FROM coalesce(newest.sequence + 1, 0)
       OR NEW.previous IS DISTINCT FROM coalesce(newest.digest, repeat('0', 64))
       OR NEW.ledger_id IS DISTINCT FROM coalesce(newest.ledger_id, NEW.ledger_id) THEN
        RAISE EXCEPTION 'an entry follows the newest one' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
""",
    "stays": """
BEGIN
    RAISE EXCEPTION 'the ledger is append only' USING ERRCODE = 'integrity_constraint_violation';
END
""",
}

TRIGGERS: Mapping[str, str] = {
    "entries_follow": "BEFORE INSERT ON {schema}.entries FOR EACH ROW EXECUTE FUNCTION {schema}.entries_follow()",
    "entries_stay": "BEFORE UPDATE OR DELETE ON {schema}.entries FOR EACH ROW EXECUTE FUNCTION {schema}.stays()",
    "entries_remain": "BEFORE TRUNCATE ON {schema}.entries FOR EACH STATEMENT EXECUTE FUNCTION {schema}.stays()",
    "attachments_stay": (
        "BEFORE UPDATE OR DELETE ON {schema}.attachments FOR EACH ROW EXECUTE FUNCTION {schema}.stays()"
    ),
    "attachments_remain": (
        "BEFORE TRUNCATE ON {schema}.attachments FOR EACH STATEMENT EXECUTE FUNCTION {schema}.stays()"
    ),
}


def tables() -> str:
    """The statements that make the schema, its tables and their guards."""
    functions = (
        f"CREATE FUNCTION {SCHEMA}.{name}() RETURNS trigger LANGUAGE plpgsql AS $guard${body}$guard$;"
        for name, body in FUNCTIONS.items()
    )
    triggers = (f"CREATE TRIGGER {name} {text.format(schema=SCHEMA)};" for name, text in TRIGGERS.items())
    always = (f"ALTER TABLE {SCHEMA}.{name.partition('_')[0]} ENABLE ALWAYS TRIGGER {name};" for name in TRIGGERS)
    return "\n".join([_TABLES, *functions, *triggers, *always, ""])


def roles() -> str:
    """The statements that make the role which may read and append, and nothing else."""
    return f"""\
REVOKE ALL ON SCHEMA {SCHEMA} FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA {SCHEMA} FROM PUBLIC;
DO $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{APPENDER}') THEN
        CREATE ROLE {APPENDER} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
    END IF;
END $$;
GRANT USAGE ON SCHEMA {SCHEMA} TO {APPENDER};
GRANT SELECT, INSERT ON {SCHEMA}.entries, {SCHEMA}.attachments TO {APPENDER};
"""


def script() -> str:
    """What the owner of the database runs once, all or nothing."""
    return (
        "-- The ledger of pytest-rollout: run once as the owner of the database, for example\n"
        "--     rollout ledger sql | psql --single-transaction -v ON_ERROR_STOP=1 DATABASE\n"
        f"-- then: GRANT {APPENDER} TO the user that gates connect as, and `rollout init` as that user.\n\n"
        f"{tables()}\n{roles()}"
    )
