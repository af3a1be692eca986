"""Uses the Snowflake stand-in through Snowflake's own Python connector.

Arguments: the port on this machine, a folder to write in, and the file of user LOADER's private key (PKCS 8, DER). The
user also has the password "secret", and may create in schema RAW.KINESIS.
"""

import datetime
import decimal
import gzip
import json
import logging
import pathlib
import sys

import snowflake.connector

PORT, FOLDER, KEY = int(sys.argv[1]), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])


def connect(**how):
    return snowflake.connector.connect(
        account="TESTACCOUNT", user="LOADER", host="127.0.0.1", port=PORT, protocol="http", database="RAW",
        schema="KINESIS", warehouse="LOAD_XS", login_timeout=20, network_timeout=20, enable_server_session_keep_alive_auto_detection=False,
        session_parameters={"CLIENT_TELEMETRY_ENABLED": False}, **how,
    )


def equal(what, got, want):
    if got != want:
        raise AssertionError(f"{what}: got {got!r}, want {want!r}")


def refused(what, number, call):
    try:
        call()
    except snowflake.connector.errors.Error as e:
        equal(f"error number of {what}", e.errno, number)
    else:
        raise AssertionError(f"{what} is accepted")


def logins():
    with connect(password="secret") as c:
        equal("current user and schema", c.cursor().execute("SELECT CURRENT_USER(), CURRENT_SCHEMA()").fetchone(), ("LOADER", "KINESIS"))
    with connect(private_key=KEY.read_bytes(), authenticator="SNOWFLAKE_JWT") as c:
        equal("SELECT 1 by key pair", c.cursor().execute("SELECT 1").fetchone(), (1,))
    refused("a wrong password", 390100, lambda: connect(password="wrong"))


def values(c):
    """Values written by binds and literals, and read back as Python's."""
    cur = c.cursor()
    cur.execute(
        'CREATE OR REPLACE TABLE "T" ("N" NUMBER(38,0), "D" NUMBER(12,2), "F" FLOAT, "B" BOOLEAN, "S" VARCHAR, "V" VARIANT,'
        ' "DAY" DATE, "NTZ" TIMESTAMP_NTZ(9))'
    )
    wide = 10**37 + 1
    when = datetime.datetime(2026, 2, 28, 1, 2, 3, 123456)
    cur.execute(
        'INSERT INTO "T" ("N", "D", "F", "B", "S", "DAY", "NTZ") VALUES (%s, %s, %s, %s, %s, %s, %s)',
        (wide, decimal.Decimal("-1.50"), 1.5, True, "it's \\ \"ü\"\n😀", when.date(), when),
    )
    equal("rows inserted", cur.rowcount, 1)
    cur.execute("""INSERT INTO "T" ("N", "V") SELECT 2, PARSE_JSON('{"b":[1.0,null],"a":"ü"}')""")
    cur.execute('SELECT "N", "D", "F", "B", "S", "DAY", "NTZ" FROM "T" ORDER BY "N" DESC')
    equal("columns", [d.name for d in cur.description], ["N", "D", "F", "B", "S", "DAY", "NTZ"])
    first, second = cur.fetchall()
    equal("values", first, (wide, decimal.Decimal("-1.50"), 1.5, True, "it's \\ \"ü\"\n😀", when.date(), when))
    equal("nulls", second, (2, None, None, None, None, None, None))
    equal("a variant", json.loads(cur.execute('SELECT "V" FROM "T" WHERE "N" = 2').fetchone()[0]), {"a": "ü", "b": [1.0, None]})
    cur.executemany('INSERT INTO "T" ("N", "S") VALUES (%s, %s)', [(n, f"s{n}") for n in range(100, 600)])
    equal("rows inserted by executemany", cur.rowcount, 500)
    equal("count", cur.execute('SELECT COUNT(*) FROM "T"').fetchone(), (502,))
    equal("rows as dictionaries", c.cursor(snowflake.connector.DictCursor).execute('SELECT "S" FROM "T" WHERE "N" = 100').fetchall(), [{"S": "s100"}])


def transactions(c):
    cur = c.cursor()
    cur.execute("BEGIN")
    cur.execute('DELETE FROM "T"')
    with connect(password="secret") as other:
        equal("another session's view", other.cursor().execute('SELECT COUNT(*) FROM "T"').fetchone(), (502,))
    cur.execute("ROLLBACK")
    equal("after a rollback", cur.execute('SELECT COUNT(*) FROM "T"').fetchone(), (502,))


def files(c):
    """PUT, LIST, COPY and REMOVE.

    The driver does not compress here: of a stage that is reached by one signed address a file, it does so under the
    file's uncompressed name.
    """
    cur = c.cursor()
    cur.execute("CREATE OR REPLACE STAGE \"ST\" ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE')")
    cur.execute('CREATE OR REPLACE TABLE "F" ("ID" NUMBER(38,0), "NAME" VARCHAR)')
    (FOLDER / "plain.json").write_text('[1,"a"]\n[2,"ü"]\n', encoding="utf-8")
    (FOLDER / "packed.json.gz").write_bytes(gzip.compress(b'[3,"c"]\n'))
    for name, options in (("plain.json", ""), ("packed.json.gz", "SOURCE_COMPRESSION = GZIP")):
        row = cur.execute(f"PUT 'file://{FOLDER / name}' '@\"RAW\".\"KINESIS\".\"ST\"/p/' AUTO_COMPRESS = FALSE OVERWRITE = TRUE {options}").fetchone()
        equal(f"PUT of {name}", (row[1], row[6]), (name, "UPLOADED"))
    equal("LIST", sorted(r[0] for r in cur.execute("LIST '@\"RAW\".\"KINESIS\".\"ST\"/p/'").fetchall()), ["st/p/packed.json.gz", "st/p/plain.json"])
    cur.execute(
        'COPY INTO "F" ("ID", "NAME") FROM (SELECT GET($1, 0)::NUMBER(38,0), GET($1, 1)::VARCHAR FROM \'@"RAW"."KINESIS"."ST"/p/\')'
        " FILES = ('plain.json', 'packed.json.gz') FILE_FORMAT = (TYPE = JSON COMPRESSION = AUTO) ON_ERROR = ABORT_STATEMENT FORCE = TRUE"
    )
    equal("files loaded", sorted((r[0], r[1], r[3]) for r in cur.fetchall()), [("p/packed.json.gz", "LOADED", 1), ("p/plain.json", "LOADED", 2)])
    equal("rows loaded", cur.execute('SELECT "ID", "NAME" FROM "F" ORDER BY "ID"').fetchall(), [(1, "a"), (2, "ü"), (3, "c")])
    cur.execute("REMOVE '@\"RAW\".\"KINESIS\".\"ST\"/p/'")
    equal("LIST after REMOVE", cur.execute("LIST '@\"RAW\".\"KINESIS\".\"ST\"/p/'").fetchall(), [])


def errors(c):
    cur = c.cursor()
    refused("a table that is not there", 2003, lambda: cur.execute('SELECT * FROM "NO_SUCH_TABLE"'))
    refused("a syntax error", 1003, lambda: cur.execute("SELEC 1"))
    refused("text in a number", 100038, lambda: cur.execute("SELECT 'x'::NUMBER(38,0)"))
    equal("the session after errors", cur.execute("SELECT 1").fetchone(), (1,))


def main():
    logging.getLogger("snowflake.connector").setLevel(logging.CRITICAL)
    logins()
    with connect(password="secret") as c:
        for step in (values, transactions, files, errors):
            step(c)
    print(f"snowflake-connector-python {snowflake.connector.__version__}: all as it should be")


main()
